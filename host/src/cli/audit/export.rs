//! `ombud audit export`: a merchant's records as one file for an auditor.

use std::fs::File;
use std::io::{self, BufReader, BufWriter, Write as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, anyhow};
use clap::Args;
use ombud_core::shown::one_line;
use ombud_ledger::bundle::{Trust, Verifier};
use ombud_ledger::log::{Checkpoint, Note};
use serde_json::json;

use super::super::api::{self, Api};
use super::super::progress::Progress;
use super::verify::keys;
use super::{EXIT_FINDINGS, EXIT_OK, screen};
use crate::audit::{AuditReport, CARRIED_BYTES_MAX, Checks, verify};
use crate::temporary::Passing;

/// Bytes of the file read at once.
const BUFFER_BYTES: usize = 1 << 20;
/// Problems shown to people; programs get more.
const SHOWN_MAX: usize = 5;

/// Arguments of `ombud audit export`.
#[derive(Args)]
#[command(
    after_help = "Dates begin at midnight in the merchant's zone: `--from 2026-07-01 --to 2026-10-01` is the third quarter. The export \
is recorded as an act. A full export holds the keys of the customers' texts: treat it as such. While a server holds the data directory, it is \
asked through its local socket.\n\nExit codes: 0 done, 1 the file is written and says that something is wrong with the log, 2 the command could not run.\n\nExample:\n  \
ombud audit export --data ombud-data --merchant m-1 --from 2026-07-01 --to 2026-10-01 -o q3.ombud"
)]
pub(super) struct Export {
    /// The data directory.
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    /// The merchant.
    #[arg(long, value_name = "MERCHANT")]
    merchant: String,
    /// Records received at or after this time: RFC 3339 or a date; without it from the beginning.
    #[arg(long, value_name = "T")]
    from: Option<String>,
    /// Records received before this time: RFC 3339 or a date; without it up to now.
    #[arg(long, value_name = "T")]
    to: Option<String>,
    /// Leave out the keys: no text of a customer can be read, and nothing can be run again.
    #[arg(long)]
    masked: bool,
    /// A signed checkpoint that the auditor kept from earlier: the file has the proof that the log has grown from it.
    #[arg(long, value_name = "FILE")]
    checkpoint: Option<PathBuf>,
    /// The file to write; `-` writes to standard output.
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,
    /// Print JSON about the file.
    #[arg(long)]
    json: bool,
}

impl Export {
    pub(super) fn run(self) -> Result<u8> {
        let path = self.path()?;
        let api = Api::on_existing(&self.data, None)?;
        let explained = |error| api::in_options(api.explained(&self.merchant, error));
        let _waiting = Progress::waiting("exporting");
        let cannot = || format!("cannot write `{}`", self.output.display());
        let to_output = self.output == Path::new("-");
        let folder = self.output.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        // For its owner only, and nothing in its place until it is whole and was looked at.
        let file = if to_output { tempfile::NamedTempFile::new() } else { tempfile::NamedTempFile::new_in(folder) }.with_context(cannot)?;
        let _passing = Passing::new(file.path());
        let mut out = BufWriter::new(file);
        let bytes = api.download(&path, &mut out).map_err(explained)?;
        out.flush().with_context(cannot)?;
        let file = out.into_inner().map_err(|error| anyhow!("{}: {error}", cannot()))?;
        let report = self.look_at(file.path()).with_context(cannot)?;
        if to_output {
            io::copy(&mut File::open(file.path()).with_context(cannot)?, &mut io::stdout().lock()).with_context(cannot)?;
        } else {
            file.as_file().sync_all().with_context(cannot)?;
            file.persist(&self.output).with_context(cannot)?;
            self.say(bytes, &report)?;
        }
        if report.well {
            return Ok(EXIT_OK);
        }
        let problems = screen::count(report.problem_count, "problem");
        eprintln!("ombud: something is wrong with the log of `{}`: {problems}, which the file names", self.merchant);
        for problem in report.problems.iter().take(SHOWN_MAX) {
            let place = problem.seq.map(|seq| format!("record {seq}, ")).unwrap_or_default();
            eprintln!("  {place}{}: {}", problem.part, one_line(&problem.problem));
        }
        Ok(EXIT_FINDINGS)
    }

    /// Reads what was written as its reader will, without running anything again.
    fn look_at(&self, file: &Path) -> Result<AuditReport> {
        let keys = keys(&self.data.join("ledger.vkey").display().to_string())?;
        let trust = Trust { keys: &keys, kept: None, witnesses: &[] };
        let verifier = Verifier::open(BufReader::with_capacity(BUFFER_BYTES, File::open(file)?), trust)?;
        let lanes = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        // Whoever exports went on after a loss, or knows who did.
        let checks = Checks {
            replayer: None,
            lanes,
            witnesses: &[],
            accepted_losses: None,
            carried_bytes_max: CARRIED_BYTES_MAX,
            progress: &|_| (),
        };
        Ok(verify(verifier, &checks))
    }

    /// What is asked for.
    fn path(&self) -> Result<String> {
        let mut path = format!("/v1/merchants/{}/ledger/export?masked={}", api::plain(&self.merchant), self.masked);
        for (name, value) in [("from", &self.from), ("to", &self.to)] {
            if let Some(value) = value {
                path.push_str(&format!("&{name}={}", api::plain(value)));
            }
        }
        if let Some(file) = &self.checkpoint {
            let note = std::fs::read_to_string(file).with_context(|| format!("cannot read `{}`", file.display()))?;
            let size = Note::parse(&note).map_err(anyhow::Error::from).and_then(|note| Ok(Checkpoint::parse(note.text())?.size));
            path.push_str(&format!("&checkpoint={}", size.with_context(|| format!("`{}` is no checkpoint", file.display()))?));
        }
        Ok(path)
    }

    /// Says what was written.
    fn say(&self, bytes: u64, report: &AuditReport) -> Result<()> {
        let bundle = &report.bundle;
        if self.json {
            let said = json!({
                "file": self.output, "bytes": bytes, "bundle": bundle, "well": report.well, "problem_count": report.problem_count,
                "problems": report.problems,
            });
            println!("{}", serde_json::to_string_pretty(&said)?);
            return Ok(());
        }
        let what = if bundle.masked { "masked" } else { "with keys" };
        println!(
            "{}: {} of {} of `{}`, {what}, {bytes} bytes",
            self.output.display(),
            report.found.records,
            screen::count(bundle.end.max(report.signed_records.unwrap_or_default()), "record"),
            bundle.origin
        );
        println!("check it with `ombud audit verify {} --key {}`", self.output.display(), self.data.join("ledger.vkey").display());
        Ok(())
    }
}
