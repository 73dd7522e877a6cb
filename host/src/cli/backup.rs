//! `ombud backup`: a copy of a data directory, made beside its running server and checked.

use std::path::PathBuf;

use anyhow::Result;
use clap::Args;
use serde_json::json;

use super::api::Api;
use super::audit::check::{as_json, print};
use super::progress::Progress;
use super::{EXIT_FINDINGS, EXIT_OK, data, screen};
use crate::backup::{BackupError, MASTER_KEY, back_up};
use crate::service::wire::BackupBegun;

/// Arguments of `ombud backup`.
#[derive(Args)]
#[command(
    after_help = "The server of the directory may go on meanwhile: the copy is one snapshot of the database. It holds the records, the components and \
settings that made them, API keys as hashes, the customers' keys wrapped with the master key, the ledger's signing key, the secret that signs webhooks, and the published checkpoints. \
The master key of the directory goes along unless --without-master-key leaves it out; whoever has a backup with it can read every text, and without it \
nobody can: then keep it elsewhere. What was erased before is not in the copy; what is erased later stays in it.\n\nThe copy is checked as `ombud audit \
check` does before it gets its name. The backup is recorded as an act of the operator.\n\nExit codes: 0 made and well, 1 the data directory is damaged \
(its copy is kept with the ending `.damaged`), 2 the command could not run.\n\nExample:\n  ombud backup --data ombud-data -o backups/2026-11-20"
)]
pub(super) struct Backup {
    /// The data directory.
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    /// The folder of the backup: not there yet, or empty.
    #[arg(short, long, value_name = "FOLDER")]
    output: PathBuf,
    /// Leave the directory's master key out.
    #[arg(long)]
    without_master_key: bool,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

impl Backup {
    pub(super) fn run(self) -> Result<u8> {
        crate::backup::must_be_free(&self.output)?;
        let api = Api::on_existing(&self.data, None)?;
        let master_key = !self.without_master_key && self.data.join(MASTER_KEY).exists();
        let begun: BackupBegun = api.post("/v1/backups", serde_json::to_vec(&json!({"master_key": master_key}))?)?;
        // A directory that no server holds is free from here on: what is copied is a snapshot either way.
        drop(api);
        let bar = Progress::waiting("copying and checking");
        let made = back_up(&crate::backup::Backup {
            data: &self.data,
            to: &self.output,
            without_master_key: self.without_master_key,
            master_key: &data::master_key(),
            made_at: begun.at,
            progress: &|_| (),
        });
        let seconds = bar.elapsed().as_secs_f64();
        drop(bar);
        let (manifest, checks) = match made {
            Ok(made) => made,
            Err(BackupError::Failed(error)) => return Err(error),
            Err(BackupError::Damaged { checks, kept }) => {
                if self.json {
                    println!("{}", serde_json::to_string_pretty(&json!({"made": false, "kept": kept, "check": as_json(&checks)}))?);
                } else {
                    print(&checks);
                    println!("the data directory is damaged; its copy is kept in {}", kept.display());
                }
                return Ok(EXIT_FINDINGS);
            }
        };
        if self.json {
            let files: u64 = manifest.files.values().map(|file| file.bytes).sum();
            let shown = json!({
                "made": true, "folder": self.output, "made_at": manifest.made_at, "operator": manifest.operator, "logs": manifest.logs,
                "master_key": manifest.master_key, "bytes": files, "check": as_json(&checks),
            });
            println!("{}", serde_json::to_string_pretty(&shown)?);
            return Ok(EXIT_OK);
        }
        print(&checks);
        let records = screen::count(checks.report.records, "record");
        println!("{}: {records} of {}, checked, in {seconds:.2} s", self.output.display(), screen::count(checks.report.logs, "log"));
        println!("{}", keys_line(manifest.master_key));
        Ok(EXIT_OK)
    }
}

/// What can be read with the backup alone.
fn keys_line(master_key: bool) -> &'static str {
    match master_key {
        true => "the master key is in it: whoever has the backup can read every text",
        false => "the master key is not in it: keep it elsewhere, for without it no text can ever be read again",
    }
}
