//! `ombud audit hold`: what may not be erased for now.

use std::path::PathBuf;

use anyhow::{Result, anyhow};
use axum::http::StatusCode;
use clap::{Args, Subcommand};
use serde_json::json;

use super::super::api::{self, Api};
use super::super::{EXIT_OK, screen};
use crate::service::privacy::HoldView;

/// Arguments of `ombud audit hold`.
#[derive(Args)]
pub(in crate::cli) struct Hold {
    #[command(subcommand)]
    act: Act,
}

#[derive(Subcommand)]
enum Act {
    /// Set a hold: on a customer, on a ticket, or on the whole merchant.
    Set {
        #[command(flatten)]
        of: Of,
        /// The customer.
        #[arg(long, value_name = "CUSTOMER", conflicts_with = "ticket")]
        customer: Option<String>,
        /// The ticket, with its customers.
        #[arg(long, value_name = "TICKET")]
        ticket: Option<String>,
        /// Why.
        #[arg(long)]
        reason: String,
    },
    /// List the holds in force.
    List {
        #[command(flatten)]
        of: Of,
    },
    /// Lift a hold.
    Lift {
        #[command(flatten)]
        of: Of,
        /// The hold's id, as `ombud audit hold list` shows it.
        id: String,
        /// Why.
        #[arg(long)]
        reason: String,
    },
}

#[derive(Args)]
struct Of {
    /// The data directory.
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    /// The merchant.
    #[arg(long, value_name = "MERCHANT")]
    merchant: String,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

impl Of {
    fn path(&self) -> String {
        format!("/v1/merchants/{}/holds", api::plain(&self.merchant))
    }
}

impl Hold {
    pub(super) fn run(self) -> Result<u8> {
        match self.act {
            Act::Set { of, customer, ticket, reason } => {
                let api = Api::on_existing(&of.data, None)?;
                let asked = json!({"customer": customer, "ticket": ticket, "reason": reason});
                let hold: HoldView =
                    api.post(&of.path(), serde_json::to_vec(&asked)?).map_err(|error| api.explained(&of.merchant, error))?;
                show(&[hold], of.json)?;
            }
            Act::List { of } => {
                let api = Api::on_existing(&of.data, None)?;
                let holds: Vec<HoldView> = api.get(&of.path()).map_err(|error| api.explained(&of.merchant, error))?;
                show(&holds, of.json)?;
            }
            Act::Lift { of, id, reason } => {
                let api = Api::on_existing(&of.data, None)?;
                let path = format!("{}/{}/lift", of.path(), api::plain(&id));
                api.tell(&path, serde_json::to_vec(&json!({"reason": reason}))?).map_err(|error| {
                    match api.explained(&of.merchant, error) {
                        error if api::refused_with(&error) == Some(StatusCode::NOT_FOUND) => {
                            anyhow!("`{}` has no hold `{id}`: `ombud audit hold list` shows those in force", of.merchant)
                        }
                        error => error,
                    }
                })?;
                if of.json {
                    println!("{}", json!({"lifted": id}));
                } else {
                    println!("hold {id} is lifted");
                }
            }
        }
        Ok(EXIT_OK)
    }
}

fn show(holds: &[HoldView], json: bool) -> Result<()> {
    if json {
        println!("{}", serde_json::to_string_pretty(holds)?);
        return Ok(());
    }
    if holds.is_empty() {
        println!("nothing is held");
        return Ok(());
    }
    let mut table = screen::table(&["id", "what", "set by", "since", "reason"]);
    for hold in holds {
        let what = hold
            .subject
            .as_ref()
            .map_or_else(|| "the whole merchant".to_owned(), |subject| format!("{:?} {subject}", hold.scope).to_lowercase());
        table.add_row([hold.id.clone(), what, hold.set_by.clone(), hold.set_at.clone(), hold.reason.clone().unwrap_or_default()]);
    }
    println!("{table}");
    Ok(())
}
