//! `ombud key signing`: the keys that sign a merchant's policies are registered, listed and revoked.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, anyhow, bail};
use axum::http::StatusCode;
use clap::{Args, Subcommand};

use super::super::api::{self, Api};
use super::super::screen;
use super::super::source::Place;
use crate::service::wire::SigningKeyView;
use crate::signature::{PublicKey, SecretKey};

#[derive(Subcommand)]
pub(super) enum Signing {
    /// Register a public key: what is signed with its secret half is taken as the merchant's.
    Add {
        /// The public key's file, as `ombud key new` or minisign writes it.
        #[arg(value_name = "FILE.pub")]
        file: PathBuf,
        /// Whose it is, for people.
        #[arg(long)]
        label: String,
        #[command(flatten)]
        of: Of,
    },
    /// List the keys, revoked ones included.
    List {
        #[command(flatten)]
        of: Of,
    },
    /// Revoke a key: it signs nothing any more. Versions that it signed stay, and show that their key was revoked.
    Revoke {
        /// The key's id, as `ombud key signing list` shows it.
        id: String,
        #[command(flatten)]
        of: Of,
    },
}

/// Whose keys.
#[derive(Args)]
pub(super) struct Of {
    #[command(flatten)]
    place: Place,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

impl Signing {
    pub(super) fn run(&self) -> Result<()> {
        match self {
            Self::Add { file, label, of } => add(file, label, of),
            Self::List { of } => list(of),
            Self::Revoke { id, of } => revoke(id, of),
        }
    }
}

impl Of {
    /// The interface, the merchant, and where its keys are.
    fn reach(&self) -> Result<(Api, String, String)> {
        let api = self.place.api()?;
        let merchant = self.place.merchant(&api)?;
        let path = format!("/v1/merchants/{}/signing-keys", api::plain(&merchant));
        Ok((api, merchant, path))
    }
}

fn add(file: &Path, label: &str, of: &Of) -> Result<()> {
    let text = std::fs::read_to_string(file).with_context(|| format!("cannot read `{}`", file.display()))?;
    if SecretKey::parse(&text).is_ok() {
        bail!("`{0}` is the secret key, which goes nowhere: register `{0}.pub`", file.display());
    }
    let key = PublicKey::parse(&text).with_context(|| format!("`{}`", file.display()))?;
    let (api, merchant, path) = of.reach()?;
    let asked = serde_json::to_vec(&serde_json::json!({"public_key": key.text(), "label": label}))?;
    let added: SigningKeyView = api.post(&path, asked).map_err(|error| api.explained(&merchant, error))?;
    if of.json {
        println!("{}", serde_json::to_string_pretty(&added)?);
    } else {
        println!("key {} signs policies of `{merchant}` from now on", added.id);
    }
    Ok(())
}

fn list(of: &Of) -> Result<()> {
    let (api, merchant, path) = of.reach()?;
    let keys: Vec<SigningKeyView> = api.get(&path).map_err(|error| api.explained(&merchant, error))?;
    if of.json {
        println!("{}", serde_json::to_string_pretty(&keys)?);
        return Ok(());
    }
    if keys.is_empty() {
        println!("no key signs policies of `{merchant}`: `ombud key signing add` registers one");
        return Ok(());
    }
    let mut table = screen::table(&["id", "label", "registered by", "created", "revoked"]);
    for key in keys {
        table.add_row([key.id, key.label, key.created_by, key.created_at, key.revoked_at.unwrap_or_default()]);
    }
    println!("{table}");
    Ok(())
}

fn revoke(id: &str, of: &Of) -> Result<()> {
    let (api, merchant, path) = of.reach()?;
    api.delete(&format!("{path}/{}", api::plain(id))).map_err(|error| match api.explained(&merchant, error) {
        error if api::refused_with(&error) == Some(StatusCode::NOT_FOUND) => {
            anyhow!("no key `{id}` in force signs policies of `{merchant}`: `ombud key signing list` shows them")
        }
        error => error,
    })?;
    if of.json {
        println!("{}", serde_json::json!({"revoked": id}));
    } else {
        println!("key {id} is revoked: it signs nothing any more");
    }
    Ok(())
}
