//! `ombud audit erase`: destroys the keys of a customer.

use std::path::PathBuf;

use anyhow::{Result, anyhow};
use axum::http::StatusCode;
use clap::Args;
use serde_json::json;

use super::super::api::{self, Api};
use super::super::{EXIT_OK, screen};
use crate::service::privacy::ErasureAnswer;

/// Arguments of `ombud audit erase`.
#[derive(Args)]
pub(in crate::cli) struct Erase {
    /// The data directory.
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    /// The merchant.
    #[arg(long, value_name = "MERCHANT")]
    merchant: String,
    /// The customer's pseudonymous reference.
    #[arg(long, value_name = "CUSTOMER")]
    customer: String,
    /// Why; it stays on record and must not name the customer.
    #[arg(long, default_value = "at the customer's request")]
    reason: String,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

impl Erase {
    pub(super) fn run(self) -> Result<u8> {
        let api = Api::on_existing(&self.data, None)?;
        let path = format!("/v1/merchants/{}/erasures", api::plain(&self.merchant));
        let asked = serde_json::to_vec(&json!({"customer": self.customer, "reason": self.reason}))?;
        let erased: ErasureAnswer = api.post(&path, asked).map_err(|error| match api.explained(&self.merchant, error) {
            error if api::refused_with(&error) == Some(StatusCode::NOT_FOUND) => {
                anyhow!("`{}` has no customer `{}`", self.merchant, self.customer)
            }
            error => error,
        })?;
        if self.json {
            println!("{}", serde_json::to_string_pretty(&erased)?);
            return Ok(EXIT_OK);
        }
        println!(
            "erased: {} destroyed, {} closed for good; on record at {} of `{}`",
            screen::count(erased.keys, "key"),
            screen::count(erased.records, "record"),
            erased.seq,
            self.merchant
        );
        if erased.measure_lifted {
            println!("a measure in force has ended with what it rested on");
        }
        if erased.tickets_held > 0 {
            println!(
                "the keys of {} stay, because another customer of each is under legal hold; they are destroyed once it is lifted",
                screen::count(erased.tickets_held, "ticket")
            );
        }
        Ok(EXIT_OK)
    }
}
