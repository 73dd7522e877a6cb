//! `ombud explain`: why a decision is what it is.

use anyhow::Result;
use clap::{Args, ValueEnum};
use serde_json::Value;

use super::EXIT_OK;
use super::api;
use super::source::Source;

/// Arguments of `ombud explain`.
#[derive(Args)]
#[command(after_help = "Exit codes: 0 explained, 2 the command could not run.\n\nExamples:\n  \
ombud explain --data ombud-data --merchant m-1 0f3a…\n  \
ombud explain --url http://127.0.0.1:8787 --key $OMBUD_KEY --merchant m-1 0f3a… --for auditor --lang en")]
pub(super) struct Explain {
    /// The decision's id.
    decision: String,
    #[command(flatten)]
    source: Source,
    /// The merchant.
    #[arg(long, value_name = "MERCHANT")]
    merchant: String,
    /// For whom.
    #[arg(long = "for", value_enum, default_value_t = Audience::Customer)]
    audience: Audience,
    /// In which language.
    #[arg(long, value_enum, default_value_t = Lang::ZhCn)]
    lang: Lang,
    /// Why facts, customer and persons' words are to be shown: it is recorded. Auditors need no reason.
    #[arg(long, value_name = "REASON")]
    unmask: Option<String>,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, ValueEnum)]
enum Audience {
    Customer,
    Auditor,
}

#[derive(Clone, Copy, ValueEnum)]
enum Lang {
    #[value(name = "zh-CN", alias = "zh")]
    ZhCn,
    En,
}

impl Explain {
    pub(super) fn run(self) -> Result<u8> {
        let api = self.source.api()?;
        let word = |value: Option<clap::builder::PossibleValue>| value.map(|value| value.get_name().to_owned()).unwrap_or_default();
        let unmask = self.unmask.as_deref().map(|reason| format!("&unmask={}", api::plain(reason))).unwrap_or_default();
        let path = format!(
            "/v1/merchants/{}/decisions/{}/explanation?for={}&lang={}{unmask}",
            api::plain(&self.merchant),
            api::plain(&self.decision),
            word(self.audience.to_possible_value()),
            word(self.lang.to_possible_value())
        );
        if self.json {
            let explanation: Value = api.get(&path).map_err(|error| api.explained(&self.merchant, error))?;
            println!("{}", serde_json::to_string_pretty(&explanation)?);
        } else {
            print!("{}", api.get_text(&path).map_err(|error| api.explained(&self.merchant, error))?);
        }
        Ok(EXIT_OK)
    }
}
