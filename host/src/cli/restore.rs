//! `ombud restore`: a data directory from a backup.

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context as _, Result, anyhow};
use clap::Args;
use serde_json::json;

use super::audit::check::{as_json, print};
use super::progress::Progress;
use super::{EXIT_FINDINGS, EXIT_OK, data, screen};
use crate::backup::{Lost, MASTER_KEY, RestoreError, Restored, restore};
use crate::clock::now_ms;
use crate::service::MasterKeyFrom;
use crate::service::acts::OPERATOR;
use crate::service::privacy::UNKNOWN;

/// Arguments of `ombud restore`.
#[derive(Args)]
#[command(
    after_help = "The files of the backup are compared with their digests, and its store is checked as `ombud audit check` does. Then each log is held \
against the newest checkpoint that was published of it: in the backup, in the directory that is replaced, and where --published says. A backup that is \
older lacks records that were published: that is refused, unless --accept-loss says that they are lost for good. The loss is recorded as an act, and \
whoever has the newer checkpoints will notice it.\n\nA directory that is there already is not overwritten: it is set aside with the ending \
`.replaced-TIME`. Keys of the ledger that it has beyond those of the backup are taken over, and its master key and its secret of webhooks where the backup has none.\n\nWhoever was \
erased after the backup is erased again, as far as the directory that is replaced or --erasures-from says who that is. A mark that matches nobody is told: the backup may not know \
the customer yet. Where nobody knows, that is kept in \
`erasures.unknown` and told at each start and by later restores, until --erasures-from says it, or until you have given these erasures again and removed \
the file.\n\nExit codes: 0 restored, 1 refused (the backup is damaged, or records are lost), 2 the command could \
not run.\n\nExample:\n  ombud restore backups/2026-11-20 --data ombud-data --published /mnt/monitor/checkpoints"
)]
pub(super) struct Restore {
    /// The folder of the backup.
    #[arg(value_name = "FOLDER")]
    from: PathBuf,
    /// The data directory to make.
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    /// Published checkpoints that were kept elsewhere: a file, a folder of them, or another data directory, whose keys of the ledger are taken
    /// over where they are newer than the backup's. May be given several times.
    #[arg(long, value_name = "PATH")]
    published: Vec<PathBuf>,
    /// Who was erased since the backup: a data directory, or a copy of its file `erasures`. May be given several times. The directory
    /// that is replaced is looked at anyway.
    #[arg(long, value_name = "PATH")]
    erasures_from: Vec<PathBuf>,
    /// Go on although records that were published are lost.
    #[arg(long)]
    accept_loss: bool,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

impl Restore {
    pub(super) fn run(self) -> Result<u8> {
        let bar = Progress::waiting("copying and checking");
        let restored = restore(&crate::backup::Restore {
            from: &self.from,
            data: &self.data,
            published: &self.published,
            erasures_from: &self.erasures_from,
            accept_loss: self.accept_loss,
            master_key: &data::master_key(),
            at_ms: now_ms(),
            progress: &|_| (),
        });
        drop(bar);
        match restored {
            Ok(restored) => self.finish(&restored),
            Err(RestoreError::Failed(error)) => Err(error),
            Err(error) => self.refused(&error),
        }
    }

    /// Records what was done.
    fn finish(&self, restored: &Restored) -> Result<u8> {
        let mut again = None;
        let readable = self.data.join(MASTER_KEY).exists() || !matches!(data::master_key(), MasterKeyFrom::Directory);
        if readable {
            let service = data::open(&self.data, None).context("the directory is restored, but cannot be opened")?;
            // A backup of a directory that was never served has no keys of the ledger: its first start draws them.
            let signs = service.has_ledger_keys()?;
            if signs {
                service.check_published(self.accept_loss)?;
            }
            let recorded = service.restored(&data::owner()?, &restored.manifest.made_at, restored.manifest.database());
            recorded.map_err(|error| anyhow!(data::explain(&error)))?;
            if signs {
                service.sign_now()?;
            }
            again = Some(service.erased_again());
            drop(Arc::clone(&service));
        }
        if self.json {
            let shown = json!({
                "restored": true, "data": self.data, "made_at": restored.manifest.made_at, "logs": restored.manifest.logs,
                "compared": restored.compared, "lost": lost_json(&restored.lost), "replaced": restored.replaced, "master_key": readable,
                "erased_again": again.as_ref().map(|again| again.customers), "not_erased_again": again.as_ref().map(|again| &again.left),
                "nobodys_marks": again.as_ref().map(|again| &again.nobodys),
                "erasures_known": restored.erasures_unknown_since.is_none(), "erasures_unknown_since": restored.erasures_unknown_since,
                "published": restored.published.iter().map(|(path, logs)| json!({"path": path, "logs": logs})).collect::<Vec<_>>(),
                "check": as_json(&restored.checks),
            });
            println!("{}", serde_json::to_string_pretty(&shown)?);
            return Ok(EXIT_OK);
        }
        print(&restored.checks);
        let records = screen::count(restored.checks.report.records, "record");
        println!("{}: {records}, as backed up at {}", self.data.display(), restored.manifest.made_at);
        println!("{} held against published checkpoints{}", screen::count(restored.compared, "log"), whose(restored));
        for lost in &restored.lost {
            println!("LOST, as accepted: {}: {}", lost.merchant, lost.loss);
        }
        if let Some(replaced) = &restored.replaced {
            println!("what was there is in {}", replaced.display());
        }
        if let Some(again) = &again {
            if again.customers > 0 {
                println!("{} erased again, as after the backup", screen::count(again.customers, "customer"));
            }
            again.left.iter().for_each(|left| println!("NOT erased again: {left}"));
            if !again.nobodys.is_empty() {
                println!(
                    "matching nobody here: {} of erased customers; the backup does not know them yet, or what says who was erased was changed",
                    screen::count(again.nobodys.len() as u64, "mark")
                );
                again.nobodys.iter().for_each(|mark| println!("  {mark}"));
            }
        }
        if let Some(since) = &restored.erasures_unknown_since {
            println!(
                "nobody said who was erased after {since}: give these erasures again and then remove `{}`, or move the directory \
                 away and restore once more with --erasures-from",
                self.data.join(UNKNOWN).display()
            );
        }
        if !readable {
            println!("the master key is not in the backup: put it back before you start a server, otherwise no text can be read");
        }
        Ok(EXIT_OK)
    }

    fn refused(&self, error: &RestoreError) -> Result<u8> {
        let (what, lost, checks) = match error {
            RestoreError::Lost(lost) => ("lost", lost.as_slice(), None),
            RestoreError::Damaged(checks) => ("damaged", &[][..], Some(checks)),
            _ => ("changed", &[][..], None),
        };
        if self.json {
            let check = checks.map(|checks| as_json(checks));
            let shown = json!({"restored": false, "why": what, "problem": error.to_string(), "lost": lost_json(lost), "check": check});
            println!("{}", serde_json::to_string_pretty(&shown)?);
            return Ok(EXIT_FINDINGS);
        }
        if let Some(checks) = checks {
            print(checks);
        }
        println!("nothing was restored: {error}");
        for lost in lost {
            println!("  {}: {}", lost.merchant, lost.loss);
        }
        if lost.iter().any(|lost| lost.merchant.as_str() == OPERATOR) {
            println!(
                "in the operator's log this may be no more than the act of an earlier restore into the same place: `ombud audit acts --data {}` shows it",
                self.data.display()
            );
        }
        if !lost.is_empty() {
            println!(
                "take a newer backup; if the records are lost for good, --accept-loss goes on without them, and whoever has the checkpoints will notice"
            );
        }
        Ok(EXIT_FINDINGS)
    }
}

/// Where the published checkpoints are from.
fn whose(restored: &Restored) -> String {
    let mut from: Vec<_> = restored.published.iter().map(|(path, logs)| format!("{logs} of them from `{}`", path.display())).collect();
    if from.is_empty() && restored.replaced.is_none() {
        from.push("those in the backup itself, none that was kept elsewhere".to_owned());
    }
    from.into_iter().map(|from| format!(", {from}")).collect()
}

fn lost_json(lost: &[Lost]) -> serde_json::Value {
    lost.iter().map(|lost| json!({"merchant": lost.merchant.as_str(), "loss": lost.loss.to_string()})).collect()
}
