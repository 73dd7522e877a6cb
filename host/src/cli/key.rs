//! `ombud key`: API keys of a data directory.

use std::path::PathBuf;

use anyhow::{Result, bail};
use clap::{Args, Subcommand, builder::PossibleValuesParser, builder::TypedValueParser as _};

use super::{EXIT_OK, data, screen};
use crate::service::Role;

/// Arguments of `ombud key`.
#[derive(Args)]
#[command(after_help = "The data directory must not be held by a server: a running one takes POST /v1/merchants/MERCHANT/keys.\n\n\
Exit codes: 0 done, 2 the command could not run.")]
pub(super) struct Key {
    #[command(subcommand)]
    act: Act,
}

#[derive(Subcommand)]
enum Act {
    /// Create a key; its secret is shown once.
    Create {
        #[command(flatten)]
        of: Of,
        /// What its bearer may do.
        #[arg(long, value_parser = roles())]
        role: Role,
        /// Who its bearer is, in records: a name for one person or system, never shared by two.
        #[arg(long)]
        label: String,
    },
    /// List keys, without their secrets.
    List {
        #[command(flatten)]
        of: Of,
    },
    /// Revoke a key.
    Revoke {
        #[command(flatten)]
        of: Of,
        /// The key's id, as `ombud key list` shows it.
        id: String,
    },
}

/// Whose keys.
#[derive(Args)]
struct Of {
    /// The data directory.
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    /// The merchant; without it, the operator's keys.
    #[arg(long, value_name = "MERCHANT")]
    merchant: Option<String>,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

fn roles() -> impl clap::builder::TypedValueParser<Value = Role> {
    PossibleValuesParser::new(Role::ALL.map(Role::as_str)).try_map(|name| Role::parse(&name).ok_or("no such role"))
}

impl Key {
    pub(super) fn run(self) -> Result<u8> {
        match self.act {
            Act::Create { of, role, label } => create(&of, role, &label)?,
            Act::List { of } => list(&of)?,
            Act::Revoke { of, id } => revoke(&of, &id)?,
        }
        Ok(EXIT_OK)
    }
}

fn create(of: &Of, role: Role, label: &str) -> Result<()> {
    match (role, &of.merchant) {
        (Role::Operator, Some(_)) => bail!("an operator's key belongs to no merchant: leave --merchant out"),
        (Role::Operator, None) | (_, Some(_)) => {}
        (role, None) => bail!("a key of {role} belongs to a merchant: name it with --merchant"),
    }
    let service = data::open(&of.data, None)?;
    let created = service
        .create_key_now(&data::owner()?, of.merchant.as_deref(), role, label)
        .map_err(|error| data::refused(&service, of.merchant.as_deref().unwrap_or_default(), error))?;
    if of.json {
        println!("{}", serde_json::to_string_pretty(&created)?);
    } else {
        println!("{}", created.secret);
        // Apart from the secret, so that the output can be piped.
        eprintln!("key {} of {role}{}, for `{label}`: this is its secret, it is not shown again", created.id, of_merchant(&of.merchant));
    }
    Ok(())
}

fn list(of: &Of) -> Result<()> {
    let service = data::open_existing(&of.data, None)?;
    let keys = service
        .keys(&data::owner()?, of.merchant.as_deref())
        .map_err(|error| data::refused(&service, of.merchant.as_deref().unwrap_or_default(), error))?;
    if of.json {
        println!("{}", serde_json::to_string_pretty(&keys)?);
        return Ok(());
    }
    if keys.is_empty() {
        println!("no keys{}", of_merchant(&of.merchant));
        return Ok(());
    }
    let mut table = screen::table(&["id", "role", "label", "created", "revoked"]);
    for key in keys {
        table.add_row([key.id, key.role, key.label, key.created_at, key.revoked_at.unwrap_or_default()]);
    }
    println!("{table}");
    Ok(())
}

fn revoke(of: &Of, id: &str) -> Result<()> {
    let service = data::open_existing(&of.data, None)?;
    data::runtime()?.block_on(service.revoke_key(&data::owner()?, of.merchant.as_deref(), id)).map_err(|error| match error {
        crate::service::ServiceError::NotFound("key") => {
            anyhow::anyhow!("no key `{id}`{} that is in force: `ombud key list` shows them", of_merchant(&of.merchant))
        }
        error => data::refused(&service, of.merchant.as_deref().unwrap_or_default(), error),
    })?;
    if of.json {
        println!("{}", serde_json::json!({"revoked": id}));
    } else {
        println!("key {id} is revoked");
    }
    Ok(())
}

fn of_merchant(merchant: &Option<String>) -> String {
    merchant.as_ref().map(|merchant| format!(" of `{merchant}`")).unwrap_or_default()
}
