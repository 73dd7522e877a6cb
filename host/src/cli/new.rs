//! `ombud new`: a policy's folder to begin with.

use std::path::{Component, Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use clap::Args;

use super::{EXIT_OK, packages};
use crate::package::{CONTRACTS, KINDS};
use crate::scaffold::{self, Language};

/// Arguments of `ombud new`.
#[derive(Args)]
#[command(after_help = "Exit codes: 0 written, 2 the folder is there already, or the command could not run.")]
pub(super) struct New {
    /// The policy's name and its folder, for example `late-coupon`; a path makes the folder there.
    name: PathBuf,
    /// What it is written in.
    #[arg(long, value_enum)]
    lang: Language,
    /// What it decides: after-sale, delay, blacklist or reply.
    #[arg(long, value_parser = KINDS)]
    kind: String,
    /// The version of the contract that it is written for: 1.0 runs on every host, 1.1 can have the host find words in texts.
    #[arg(long, value_parser = CONTRACTS, default_value = CONTRACTS[0], value_name = "VERSION")]
    contract: String,
    /// The SDK, for Rust; without it, `plugins/sdk` of the checkout that the current folder or this program lies in.
    #[arg(long, value_name = "FOLDER")]
    sdk: Option<PathBuf>,
}

impl New {
    pub(super) fn run(self) -> Result<u8> {
        let name = self.name.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let plain = |letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '-';
        if !name.starts_with(|first: char| first.is_ascii_lowercase()) || !name.chars().all(plain) || name.len() > 64 {
            bail!("`{name}` is no name: a lower-case letter, then lower-case letters, digits and `-`, at most 64");
        }
        // Behind a folder that is not there yet `..` would make that folder and leave it empty.
        if self.name.components().skip_while(|part| !matches!(part, Component::Normal(_))).any(|part| part == Component::ParentDir) {
            bail!("`{}`: `..` can only stand at the beginning", self.name.display());
        }
        if self.name.symlink_metadata().is_ok() {
            bail!("`{}` is there already", self.name.display());
        }
        if self.lang == Language::Table && self.contract != CONTRACTS[0] {
            bail!("a table is written for no version of the contract: leave `--contract` away");
        }
        let sdk = match (self.lang, &self.sdk) {
            (Language::Rust, Some(sdk)) => Some(sdk.clone()),
            (Language::Rust, None) => {
                let own = packages::in_checkout(Path::new("plugins/sdk"), "Cargo.toml");
                Some(own.context("the SDK is not found: name the folder `plugins/sdk` of a checkout with --sdk")?)
            }
            _ => None,
        };
        let sdk = sdk.map(|sdk| from_to(&std::path::absolute(&self.name)?, &sdk)).transpose()?.unwrap_or_default();
        for (path, text) in scaffold::files(&name, &self.kind, self.lang, &sdk, &self.contract)? {
            let file = self.name.join(path);
            if let Some(folder) = file.parent() {
                std::fs::create_dir_all(folder).with_context(|| format!("cannot make `{}`", folder.display()))?;
            }
            std::fs::write(&file, text).with_context(|| format!("cannot write `{}`", file.display()))?;
        }
        println!("{}: `README.md` says how to go on", self.name.display());
        Ok(EXIT_OK)
    }
}

/// The way from a folder that may not be there yet to one that is.
fn from_to(from: &Path, to: &Path) -> Result<String> {
    let to = to.canonicalize().with_context(|| format!("cannot read `{}`", to.display()))?;
    // What is there of the way may go through links.
    let (there, rest) = from
        .ancestors()
        .find_map(|above| Some((above.canonicalize().ok()?, from.strip_prefix(above).ok()?.to_path_buf())))
        .context("the folder lies nowhere")?;
    let from = there.join(rest);
    let shared = from.components().zip(to.components()).take_while(|(one, other)| one == other).count();
    let up = from.components().skip(shared).map(|_| Component::ParentDir);
    let way: PathBuf = up.chain(to.components().skip(shared)).collect();
    Ok(way.display().to_string())
}
