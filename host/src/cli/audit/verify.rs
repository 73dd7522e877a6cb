//! `ombud audit verify`: a bundle checked with nothing but the operator's key.

use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context as _, Result, anyhow, bail};
use clap::Args;
use ombud_core::call_limits::Limits;
use ombud_core::shown::one_line;
use ombud_core::upload_limits::UploadLimits;
use ombud_ledger::bundle::{OpenError, Trust, Verifier};
use ombud_ledger::log::{VerifierKey, VerifierKeys};

use super::super::compile_worker::program;
use super::super::data;
use super::progress::Progress;
use super::{EXIT_FINDINGS, EXIT_OK, screen};
use crate::audit::{AuditReport, CARRIED_BYTES_MAX, Checks, Proved, REPLAY, verify};
use crate::gate::Gate;
use crate::replay::Replayer;

/// The bundle is not signed by the key.
const EXIT_WRONG_KEY: u8 = 3;

/// Bytes of the file read at once.
const BUFFER_BYTES: usize = 1 << 20;
/// Problems and divergences shown to people; programs get more.
const SHOWN_MAX: usize = 20;

/// Arguments of `ombud audit verify`.
#[derive(Args)]
#[command(
    after_help = "Exit codes: 0 all is well, 1 problems or divergences were found, 2 the file cannot be read or is no bundle, 3 it is \
not signed by the key.\n\nExamples:\n  ombud audit verify q3.ombud --key ledger.vkey\n  \
ombud audit verify q3.ombud --key ledger.vkey --checkpoint q2.checkpoint --keep-checkpoint q3.checkpoint"
)]
pub(super) struct Verify {
    /// The bundle.
    file: PathBuf,
    /// The operator's verifier key (C2SP), as text or as a file of keys, one a line: the server has it in `DIR/ledger.vkey`. One of the keys that
    /// signed the bundle is enough.
    #[arg(long, value_name = "KEY")]
    key: String,
    /// A signed checkpoint of the same log that you kept from earlier: the log must have grown from it.
    #[arg(long, value_name = "FILE")]
    checkpoint: Option<PathBuf>,
    /// Where to keep the bundle's checkpoint for the next time, if all is well. One that is there is what `--checkpoint` gives, unless that is given:
    /// the log must have grown from it.
    #[arg(long, value_name = "FILE")]
    keep_checkpoint: Option<PathBuf>,
    /// A witness's verifier key, as text or as a file of its keys, of which one is enough: it must have signed a checkpoint in the bundle. May be
    /// given several times.
    #[arg(long, value_name = "KEY")]
    witness: Vec<String>,
    /// An act by which somebody went on although published records were lost, by its record: you know of it, and it is no problem any more. May be
    /// given several times.
    #[arg(long, value_name = "RECORD")]
    accept_loss: Vec<u64>,
    /// Do not run decisions again.
    #[arg(long)]
    no_replay: bool,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

impl Verify {
    pub(super) fn run(self) -> Result<u8> {
        let keys = keys(&self.key)?;
        // A file may hold several keys of one witness.
        let mut witnesses: Vec<Vec<VerifierKey>> = Vec::new();
        for witness in &self.witness {
            witnesses.push(keys_of(witness)?.iter().cloned().collect());
        }
        let of_all = witnesses.concat();
        let file = File::open(&self.file).with_context(|| format!("cannot read `{}`", self.file.display()))?;
        let input = BufReader::with_capacity(BUFFER_BYTES, file);
        let kept = self.kept()?;
        let verifier = match Verifier::open(input, Trust { keys: &keys, kept: kept.as_deref(), witnesses: &of_all }) {
            Ok(verifier) => verifier,
            Err(error @ OpenError::OtherKey { .. }) => {
                eprintln!("ombud: `{}`: {}", self.file.display(), one_line(&error.to_string()));
                return Ok(EXIT_WRONG_KEY);
            }
            Err(error) => bail!("`{}`: {}", self.file.display(), one_line(&error.to_string())),
        };
        let replayer = match self.no_replay || verifier.manifest().masked {
            true => None,
            false => Some(replayer()?),
        };
        let records = verifier.manifest().records.clone();
        let progress = Progress::new(records.end - records.start, "records");
        let report = verify(
            verifier,
            &Checks {
                replayer: replayer.as_ref(),
                lanes: std::thread::available_parallelism().map_or(1, std::num::NonZero::get),
                witnesses: &witnesses,
                accepted_losses: Some(&self.accept_loss),
                carried_bytes_max: CARRIED_BYTES_MAX,
                progress: &|finished| progress.steps(finished),
            },
        );
        drop(progress);
        if self.json {
            println!("{}", serde_json::to_string_pretty(&report)?);
        } else {
            print(&report, self.no_replay);
        }
        if !report.well {
            return Ok(if report.wrong_key { EXIT_WRONG_KEY } else { EXIT_FINDINGS });
        }
        if let Some(path) = &self.keep_checkpoint {
            std::fs::write(path, &report.checkpoint).with_context(|| format!("cannot write `{}`", path.display()))?;
        }
        Ok(EXIT_OK)
    }

    /// The checkpoint from earlier: the one that is given, or the one that would be replaced.
    fn kept(&self) -> Result<Option<String>> {
        let read = |path: &PathBuf| std::fs::read_to_string(path).with_context(|| format!("cannot read `{}`", path.display()));
        let given = self.checkpoint.as_ref().map(read).transpose()?;
        let Some(place) = self.keep_checkpoint.as_ref().filter(|place| place.exists()) else { return Ok(given) };
        let there = read(place)?;
        match given {
            Some(given) if given != there => {
                bail!(
                    "`{}` has another checkpoint than the one that is given, and would be replaced unseen: give it as --checkpoint, or keep this one elsewhere",
                    place.display()
                )
            }
            _ => Ok(Some(there)),
        }
    }
}

/// Runs what the bundle carries: another process reads each component first, within its processor time.
fn replayer() -> Result<Replayer> {
    let sandbox = Arc::new(data::sandbox()?);
    let (own, program, upload, limits) = (Arc::clone(&sandbox), program(), UploadLimits::default(), Limits::default());
    let look = move |component: &[u8]| {
        let gate = Gate { sandbox: &own, program: &program, limits: &limits, upload: &upload };
        gate.read(component).map_or(Ok(()), |step| Err(step.problems.join("; ")))
    };
    Ok(Replayer::of_strangers(sandbox, Box::new(look)))
}

/// The operator's keys, from text or from a file.
pub(super) fn keys(given: &str) -> Result<VerifierKeys> {
    keys_of(given).context("--key takes the operator's verifier key, which the server has in `DIR/ledger.vkey`")
}

fn keys_of(given: &str) -> Result<VerifierKeys> {
    let path = Path::new(given);
    if !path.is_file() {
        return given.parse().map_err(|error| anyhow!("`{given}` is no file and no verifier key: {error}"));
    }
    let text = std::fs::read_to_string(path).with_context(|| format!("cannot read `{given}`"))?;
    text.parse().map_err(|error| anyhow!("`{given}`: {error}"))
}

/// For people. What a bundle says was written by whoever made it, and stays on its line.
fn print(report: &AuditReport, no_replay: bool) {
    let bundle = &report.bundle;
    println!("{}", one_line(&bundle.origin));
    let end = |at: &Option<String>, open: &str| at.clone().unwrap_or_else(|| open.to_owned());
    screen::field("window", &format!("{} to {}", end(&bundle.from, "the beginning"), end(&bundle.to, "the latest checkpoint")));
    let masked = if bundle.masked { ", masked" } else { "" };
    screen::field("made", &format!("{} by {}{masked}", bundle.made_at, one_line(&bundle.made_by)));
    if let (Some(records), Some(root)) = (report.signed_records, &report.signed_root) {
        screen::field("signed", &format!("{} with root {root}", screen::count(records, "record")));
    }
    if report.signed_by_newest_key == Some(false) {
        let what = "not signed by the first, newest, of the keys given: the bundle is older than that key, or was made with one that is in use no more";
        screen::field("key", what);
    }
    for (witness, line) in &report.witnesses {
        let of = report.signed_records.unwrap_or_default();
        let seen = format!("{} has seen {} of {of} at {}", one_line(witness), screen::count(line.records, "record"), line.at);
        screen::field("witness", &seen);
    }
    let found = &report.found;
    if found.records > 0 {
        screen::field("records", &format!("{} to {}", bundle.first, bundle.end.saturating_sub(1)));
    }
    let mut table = screen::table(&["", "", "what it means"]);
    let mut row = |name: &str, count: u64, meaning: &str| _ = table.add_row([name.to_owned(), count.to_string(), meaning.to_owned()]);
    let kinds = format!(
        "{}, {}, {}",
        screen::count(found.decisions, "decision"),
        screen::count(found.events, "event"),
        screen::count(found.acts, "act")
    );
    row("records", found.records, &kinds);
    row("proofs", report.proofs, "the records are those of the signed tree; every earlier checkpoint is its beginning");
    if report.checkpoints_by_other_keys > 0 {
        let meaning = "earlier checkpoints signed with a key that was not given, an older one of `ledger.vkey`, say; their roots are those of the records";
        row("other keys", report.checkpoints_by_other_keys, meaning);
    }
    match (bundle.masked, no_replay) {
        (true, _) => row("masked", found.masked, "not replayable: masked"),
        (false, true) => row("identical", 0, "not run again (--no-replay)"),
        (false, false) if !report.replayed => row("identical", 0, "not run again: nobody whose key was given signed it"),
        (false, false) => row("identical", found.identical, "run again with the recorded bytes as the result"),
    }
    for (cause, count) in found.divergences.iter().chain(&found.not_compared) {
        row(cause.as_str(), *count, cause.meaning());
    }
    if found.divergences.is_empty() && report.replayed {
        row("diverged", 0, "");
    }
    let erased = match found.erasures_proved {
        Proved::NothingErased => "no key was erased",
        Proved::Counted => "unreadable for ever; acts after them erased as many",
        Proved::Named => "unreadable for ever; acts after them erased, how many is not provable from this bundle",
        Proved::NotInThisWindow => "unreadable for ever; what erased them is not provable in this window",
    };
    row("erased", found.erased, erased);
    let codes: Vec<String> = found.faults.iter().map(|(code, count)| format!("{code} {count}")).collect();
    let faults = if codes.is_empty() {
        "no policy failed".to_owned()
    } else {
        format!("on record{}: {}", if report.replayed { ", and the fallback stood" } else { "" }, codes.join(", "))
    };
    row("faults", found.faults.values().sum(), &faults);
    if !found.losses.is_empty() {
        let known = found.losses.iter().filter(|loss| loss.accepted).count();
        row(
            "losses",
            found.losses.len() as u64,
            &format!("published records are not in the log any more; {known} of these acts accepted by --accept-loss"),
        );
    }
    row("problems", report.problem_count - found.diverged(), if found.diverged() > 0 { "without what diverged" } else { "" });
    println!("{table}");
    for report in found.diverging.iter().take(SHOWN_MAX) {
        let cause = report.divergence.map_or("", |cause| cause.as_str());
        let detail = report.detail.as_ref().map(|detail| format!(": {detail}")).unwrap_or_default();
        println!("{}", one_line(&format!("record {}, decision {}: {cause}{detail}", report.seq, report.id)));
        for difference in &report.differences {
            let differs = format!("{}{}: recorded {}, now {}", difference.body, difference.pointer, difference.recorded, difference.now);
            println!("  {}", one_line(&differs));
        }
    }
    let problems = report.problems.iter().filter(|problem| problem.part != REPLAY);
    for problem in problems.clone().take(SHOWN_MAX) {
        let place = problem.seq.map(|seq| format!("record {seq}, ")).unwrap_or_default();
        println!("{place}{}: {}", problem.part, one_line(&problem.problem));
    }
    let shown = problems.take(SHOWN_MAX).count() + found.diverging.len().min(SHOWN_MAX);
    let more = report.problem_count.saturating_sub(shown as u64);
    if more > 0 {
        println!("and {more} more: --json has them");
    }
    let verdict = if report.well { "all is well" } else { "NOT well" };
    println!("{verdict}: {} in {:.2} s ({:.0}/s)", screen::count(found.records, "record"), report.elapsed().as_secs_f64(), report.rate());
}
