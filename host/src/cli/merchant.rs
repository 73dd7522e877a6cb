//! `ombud merchant`: the merchants of a data directory.

use std::path::PathBuf;

use anyhow::{Context as _, Result, anyhow};
use clap::{Args, Subcommand};
use serde_json::Value;

use super::api::{self, Api};
use super::{EXIT_OK, data, screen};
use crate::service::wire::MerchantView;

/// Arguments of `ombud merchant`.
#[derive(Args)]
#[command(after_help = "While a server holds the data directory, it is asked through its local socket.\n\n\
Exit codes: 0 done, 2 the command could not run.")]
pub(super) struct Merchant {
    #[command(subcommand)]
    act: Act,
}

#[derive(Subcommand)]
enum Act {
    /// Create or change a merchant.
    Put {
        /// The configuration, JSON, with an optional member `policies`: {KIND: {"policy": NAME, "settings": {…}}}; `-` reads
        /// standard input.
        file: PathBuf,
        #[command(flatten)]
        of: Of,
        /// Folder of the policy packages: a new merchant gets the default policy of each kind. A server that holds the
        /// directory uses its own.
        #[arg(long, value_name = "FOLDER", default_value = "policies", env = "OMBUD_POLICIES")]
        policies: PathBuf,
    },
    /// List merchants.
    List {
        #[command(flatten)]
        of: Of,
    },
    /// Show a merchant's configuration and policies.
    Show {
        /// The merchant.
        merchant: String,
        #[command(flatten)]
        of: Of,
    },
}

#[derive(Args)]
struct Of {
    /// The data directory.
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

impl Merchant {
    pub(super) fn run(self) -> Result<u8> {
        match self.act {
            Act::Put { file, of, policies } => {
                let bytes = data::read(&file)?;
                let config: Value = serde_json::from_slice(&bytes).with_context(|| format!("`{}` is not JSON", file.display()))?;
                let id = config.get("id").and_then(Value::as_str).with_context(|| format!("`{}` has no `id`", file.display()))?.to_owned();
                let api = Api::on(&of.data, Some(&policies))?;
                let put = api.put(&path(&id), bytes);
                let view = put.map_err(|error| anyhow!("`{}` is refused, nothing was changed:\n  {error}", file.display()))?;
                show(&view, of.json)?;
            }
            Act::List { of } => {
                let api = Api::on_existing(&of.data, None)?;
                list(&api.get::<Vec<MerchantView>>("/v1/merchants")?, of.json)?;
            }
            Act::Show { merchant, of } => {
                let api = Api::on_existing(&of.data, None)?;
                let view = api.get(&path(&merchant)).map_err(|error| api.explained(&merchant, error))?;
                show(&view, of.json)?;
            }
        }
        Ok(EXIT_OK)
    }
}

fn path(merchant: &str) -> String {
    format!("/v1/merchants/{}", api::plain(merchant))
}

fn list(views: &[MerchantView], json: bool) -> Result<()> {
    if json {
        println!("{}", serde_json::to_string_pretty(views)?);
        return Ok(());
    }
    if views.is_empty() {
        println!("no merchants");
        return Ok(());
    }
    let mut table = screen::table(&["merchant", "platform", "shop", "policies"]);
    for view in views {
        let policies: Vec<String> =
            view.policies.iter().map(|policy| format!("{}: {} {}", policy.kind, policy.name, policy.version)).collect();
        table.add_row([text(view, "id"), text(view, "platform"), text(view, "shop_id"), policies.join("\n")]);
    }
    println!("{table}");
    Ok(())
}

fn show(view: &MerchantView, json: bool) -> Result<()> {
    if json {
        println!("{}", serde_json::to_string_pretty(view)?);
        return Ok(());
    }
    println!("{} · {} · shop {}", text(view, "id"), text(view, "platform"), text(view, "shop_id"));
    let mut table = screen::table(&["kind", "policy", "version", "contract", "component", "status"]);
    for policy in &view.policies {
        let component: String = policy.component.chars().take(12).collect();
        let contract = policy.contract.rsplit('@').next().unwrap_or_default().to_owned();
        table.add_row([policy.kind.clone(), policy.name.clone(), policy.version.clone(), contract, component, policy.status.clone()]);
    }
    println!("{table}");
    if let Some(caps) = view.config.get("caps").and_then(Value::as_object) {
        let mut table = screen::table(&["cap", "value"]);
        for (name, value) in caps {
            let fen = value.as_i64().unwrap_or_default();
            let value = if name.ends_with("_fen_max") { screen::yuan(fen) } else { format!("{} %", fen / 100) };
            table.add_row([name.clone(), value]);
        }
        println!("{table}");
    }
    let mut table = screen::table(&["limit of one call", "in force", "at most"]);
    let (in_force, most) = (serde_json::to_value(&view.limits.in_force)?, serde_json::to_value(&view.limits.most)?);
    for (name, value) in in_force.as_object().into_iter().flatten() {
        table.add_row([name.clone(), value.to_string(), most.get(name).map(Value::to_string).unwrap_or_default()]);
    }
    println!("{table}");
    Ok(())
}

fn text(view: &MerchantView, member: &str) -> String {
    view.config.get(member).and_then(Value::as_str).unwrap_or_default().to_owned()
}
