//! The arguments that say where a command finds a merchant: in a data directory, or at a server elsewhere.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Result, bail};
use axum::http::StatusCode;

use super::api::{ANSWER_MAX, Api, refused_with};

/// Where a command finds a merchant's records.
#[derive(clap::Args)]
#[command(group = clap::ArgGroup::new("source").args(["data", "url"]).required(true))]
pub(super) struct Source {
    /// A data directory; a server may hold it.
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// A server.
    #[arg(long, requires = "key")]
    url: Option<String>,
    /// An API key for it.
    #[arg(long, env = "OMBUD_KEY", hide_env_values = true)]
    key: Option<String>,
}

/// What was named.
pub(super) enum Named<'a> {
    /// A data directory.
    Data(&'a Path),
    /// A server.
    Server(Api),
}

impl Source {
    /// What was named. Of a data directory nothing is known yet; a server was not asked anything yet.
    pub(super) fn named(&self) -> Result<Named<'_>> {
        match (&self.data, &self.url, &self.key) {
            (Some(directory), _, _) => Ok(Named::Data(directory)),
            (None, Some(url), Some(key)) => Ok(Named::Server(Api::at(url, key)?)),
            _ => bail!("name a data directory with --data, or a server with --url and --key"),
        }
    }

    /// Its interface. A data directory must be there.
    pub(super) fn api(&self) -> Result<Api> {
        match self.named()? {
            Named::Data(directory) => Api::on_existing(directory, None),
            Named::Server(api) => Ok(api),
        }
    }
}

/// Where a command finds a merchant, and the merchant, where `--key` is a key that signs.
#[derive(clap::Args)]
#[command(group = clap::ArgGroup::new("source").args(["data", "url"]).required(true))]
pub(super) struct Place {
    /// The merchant; left out, the only one there is.
    #[arg(long)]
    merchant: Option<String>,
    /// A data directory.
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// A server.
    #[arg(long, requires = "api_key")]
    url: Option<String>,
    /// An API key for it.
    #[arg(long, env = "OMBUD_KEY", hide_env_values = true)]
    api_key: Option<String>,
}

impl Place {
    /// Its interface. A data directory must be there.
    pub(super) fn api(&self) -> Result<Api> {
        self.api_within(ANSWER_MAX)
    }

    /// The same where one answer may take that long.
    pub(super) fn api_within(&self, answer_max: Duration) -> Result<Api> {
        match (&self.data, &self.url, &self.api_key) {
            (Some(directory), _, _) => Api::on_existing(directory, None),
            (None, Some(url), Some(key)) => Api::at_within(url, key, answer_max),
            _ => bail!("name a data directory with --data, or a server with --url and --api-key"),
        }
    }

    /// The merchant that is named, or the only one.
    pub(super) fn merchant(&self, api: &Api) -> Result<String> {
        if let Some(named) = &self.merchant {
            return Ok(named.clone());
        }
        let known = api.merchants().map_err(|error| match refused_with(&error) {
            Some(StatusCode::FORBIDDEN) => error.context("name the merchant with --merchant"),
            _ => error,
        })?;
        match known.as_slice() {
            [one] => Ok(one.clone()),
            [] => bail!("there is no merchant yet"),
            many => bail!("name one with --merchant: {}", many.join(", ")),
        }
    }
}
