//! `ombud push`: a policy is uploaded, and its steps are shown as they pass.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use axum::http::StatusCode;
use clap::Args;
use ombud_ledger::Digest;
use ombud_sandbox::LoadLimits;
use serde_json::json;

use super::api::{self, Api};
use super::check::files;
use super::packages::{self, Files};
use super::progress::Steps;
use super::source::Place;
use super::{EXIT_FINDINGS, EXIT_OK, check, screen, table};
use crate::gate::{Step, Told, is_name};
use crate::service::wire::{UploadState, UploadView, VersionDetail};
use crate::signature::{SecretKey, Statement, signing_key};

/// How often an upload is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(250);
/// How long sending a component may take.
const SEND_MAX: Duration = Duration::from_secs(600);
/// Between the parts of the form: longer than anybody's luck.
const BOUNDARY_BYTES: usize = 24;

/// Arguments of `ombud push`.
#[derive(Args)]
#[command(after_help = "What passes is a draft: `ombud rollout` has it decide.\n\n\
                  Exit codes: 0 it is a version now, or was one already; 1 it is refused; 2 the command could not run.")]
pub(super) struct Push {
    /// A component (`.wasm`), a policy's folder or a table.
    #[arg(value_name = "PATH")]
    path: PathBuf,
    #[command(flatten)]
    place: Place,
    /// The secret key that signs the policy, as `ombud key new` makes it.
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,
    /// A signature that was made elsewhere, such as by `minisign -S`.
    #[arg(long, value_name = "FILE", conflicts_with = "key")]
    signature: Option<PathBuf>,
    /// Settings (JSON); left out, the folder's `settings.json`, else the defaults.
    #[arg(long, value_name = "FILE")]
    settings: Option<PathBuf>,
    /// The merchant's name for the policy; left out, the component's own, or the table's.
    #[arg(long)]
    name: Option<String>,
    /// A word on the version, for people.
    #[arg(long, value_name = "TEXT")]
    note: Option<String>,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

impl Push {
    pub(super) fn run(self) -> Result<u8> {
        let mut files = packages::read(&self.path)?;
        // The server sees the component alone; what stands around it is looked at here, as `ombud check` does.
        let component = files::step(&files);
        if component.is_refusal() {
            return self.refused(&component);
        }
        if let Some(settings) = &self.settings {
            files.settings = Some(std::fs::read_to_string(settings).with_context(|| format!("cannot read `{}`", settings.display()))?);
        }
        let name = self.name.clone().or_else(|| table_name(&self.path));
        let api = self.place.api_within(SEND_MAX)?;
        let merchant = self.place.merchant(&api)?;
        let signature = self.signed(&files, name.as_deref(), &merchant)?;
        let boundary = boundary()?;
        let mut form = Form { boundary: &boundary, body: Vec::new() };
        form.part("component", &files.bytes);
        form.part("settings", files.settings().as_bytes());
        for (part, text) in [("name", &name), ("note", &self.note), ("signature", &signature)] {
            if let Some(text) = text {
                form.part(part, text.as_bytes());
            }
        }
        let base = format!("/v1/merchants/{}", api::plain(&merchant));
        let begun: UploadView = api
            .begin(&format!("{base}/policies"), &format!("multipart/form-data; boundary={boundary}"), form.end())
            .map_err(|error| api.explained(&merchant, error))?;
        if !self.json {
            screen::heading(&self.path.display().to_string());
        }
        let ended = self.follow(&api, &format!("{base}/uploads/{}", begun.id))?;
        if ended.state == UploadState::Failed {
            bail!("{}", ended.problem.as_deref().unwrap_or("the server failed"));
        }
        let version: Option<VersionDetail> = match &ended.version {
            Some(version) => {
                let path = format!("{base}/policies/{}/versions/{}", api::plain(&version.policy), api::plain(&version.version));
                Some(api.get(&path)?)
            }
            None => None,
        };
        let accepted = ended.state == UploadState::Accepted;
        let kept = version.as_ref().filter(|_| ended.status != Some(201)).map(|detail| &detail.version);
        if kept.is_some_and(|kept| self.note.is_some() && kept.note != self.note) {
            eprintln!("the version was there already and keeps its own note: what --note says is not taken");
        }
        let given = signature.as_deref().and_then(|signature| signing_key(signature).ok());
        if let (Some(kept), Some(given)) = (kept, given)
            && kept.signing_key.as_ref() != Some(&given)
        {
            let own =
                kept.signing_key.as_ref().map_or("stays without a signature".to_owned(), |own| format!("keeps the signature of {own}"));
            eprintln!(
                "the version was there already and {own}: the one of {given} is not taken. Where another is asked for, upload another version: with another number in \
                 its metadata, or other settings"
            );
        }
        if self.json {
            let new = ended.status == Some(201);
            let report = version.as_ref().map_or(&ended.report, |version| &version.report);
            let document = json!({"accepted": accepted, "new": new, "report": report, "version": version.as_ref().map(|detail| &detail.version),
                "signature": version.as_ref().map(|detail| detail.signature.status), "problem": ended.problem});
            println!("{}", serde_json::to_string_pretty(&document)?);
        } else {
            summary(&ended, version.as_ref());
        }
        Ok(if accepted { EXIT_OK } else { EXIT_FINDINGS })
    }

    /// Says that nothing was sent.
    fn refused(&self, step: &Step) -> Result<u8> {
        let problem = format!("{}: its files do not fit together; nothing was sent", step.name);
        if self.json {
            let document =
                json!({"accepted": false, "new": false, "report": [step], "version": null, "signature": null, "problem": problem});
            println!("{}", serde_json::to_string_pretty(&document)?);
        } else {
            screen::heading(&self.path.display().to_string());
            check::print(step);
            println!("refused: {problem}");
        }
        Ok(EXIT_FINDINGS)
    }

    /// The signature that goes along.
    fn signed(&self, files: &Files, name: Option<&str>, merchant: &str) -> Result<Option<String>> {
        let read = |path: &Path| std::fs::read_to_string(path).with_context(|| format!("cannot read `{}`", path.display()));
        if let Some(signature) = &self.signature {
            return read(signature).map(Some);
        }
        let Some(key) = &self.key else { return Ok(None) };
        let key = SecretKey::parse(&read(key)?).with_context(|| format!("`{}`", key.display()))?;
        let limits = LoadLimits { component_bytes_max: files.bytes.len(), ..LoadLimits::default() };
        let inspection =
            ombud_sandbox::inspect(&files.bytes, &limits).with_context(|| format!("`{}` is refused", files.component.display()))?;
        let facts = inspection.package.context("the component says neither its name nor its version: `ombud build` writes them")?;
        let settings = Digest::of(files.settings().as_bytes()).to_string();
        let short: String = settings.chars().take(8).collect();
        let statement = Statement {
            merchant: merchant.to_owned(),
            policy: name.unwrap_or(&facts.name).to_owned(),
            version: format!("{}+{short}", facts.version),
            component: Digest::of(&files.bytes).to_string(),
            settings,
        };
        Ok(Some(key.sign(&files.bytes, &statement)))
    }

    /// Shows each step when it is done, until the upload has ended.
    fn follow(&self, api: &Api, path: &str) -> Result<UploadView> {
        let mut progress = Steps::default();
        let (mut shown, mut step) = (0, String::new());
        loop {
            let view: UploadView = api.get(path).map_err(|error| match api::refused_with(&error) {
                Some(StatusCode::NOT_FOUND) => {
                    error.context("the server has forgotten the upload: it was started again; give the command again")
                }
                _ => error,
            })?;
            for done in view.report.iter().skip(shown) {
                progress.tell(&Told::Done(done));
                if !self.json {
                    check::print(done);
                }
            }
            shown = view.report.len();
            if view.status.is_some() {
                return Ok(view);
            }
            if let Some(under_way) = &view.under_way {
                if step != under_way.step {
                    step.clone_from(&under_way.step);
                    progress.tell(&Told::Begins(&step));
                }
                if let (Some(done), Some(of)) = (under_way.done, under_way.of) {
                    let number = |number: u64| usize::try_from(number).unwrap_or(usize::MAX);
                    progress.tell(&Told::Progress { done: number(done), of: number(of) });
                }
            }
            std::thread::sleep(LOOK_EVERY);
        }
    }
}

/// The end for people.
fn summary(ended: &UploadView, version: Option<&VersionDetail>) {
    match version {
        Some(detail) => {
            let how = if ended.status == Some(201) { "is uploaded" } else { "is there already" };
            let version = &detail.version;
            let signed = version.signing_key.as_ref().map(|key| format!(", signed by {key}")).unwrap_or_default();
            println!("{} {} {how}: {}{signed}; it decides {}", version.policy, version.version, version.state, version.kinds.join(", "));
        }
        None => println!("refused: {}", ended.problem.as_deref().unwrap_or("the service failed")),
    }
}

/// A table's own name, that of its folder where the file is called `table` as well: its component is the same for all tables.
fn table_name(path: &Path) -> Option<String> {
    let whole = path.canonicalize().ok()?;
    let named = if whole.is_dir() { whole.file_name() } else { whole.file_stem().filter(|stem| *stem != "table") };
    let name = named.or_else(|| whole.parent()?.file_name())?.to_string_lossy().into_owned();
    (table::is_table(path) && is_name(&name)).then_some(name)
}

fn boundary() -> Result<String> {
    let mut bytes = [0; BOUNDARY_BYTES];
    getrandom::fill(&mut bytes).map_err(|error| anyhow::anyhow!("no randomness: {error}"))?;
    Ok(format!("ombud-{}", hex::encode(bytes)))
}

/// A form of `multipart/form-data` (RFC 7578).
struct Form<'a> {
    boundary: &'a str,
    body: Vec<u8>,
}

impl Form<'_> {
    fn part(&mut self, name: &str, content: &[u8]) {
        let head = format!("--{}\r\ncontent-disposition: form-data; name=\"{name}\"\r\n\r\n", self.boundary);
        self.body.extend_from_slice(head.as_bytes());
        self.body.extend_from_slice(content);
        self.body.extend_from_slice(b"\r\n");
    }

    fn end(mut self) -> Vec<u8> {
        self.body.extend_from_slice(format!("--{}--\r\n", self.boundary).as_bytes());
        self.body
    }
}
