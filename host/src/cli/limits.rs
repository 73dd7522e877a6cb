//! The operator's limits as `serve` reads them: a TOML file with the tables `default`, `most` and `load`.

use std::path::Path;

use anyhow::{Context as _, Result, anyhow, bail};
use ombud_core::call_limits::OperatorLimits;

/// Reads the file. Everything that is wrong with it is named.
pub(super) fn read(file: &Path) -> Result<OperatorLimits> {
    let text = std::fs::read_to_string(file).with_context(|| format!("cannot read `{}`", file.display()))?;
    let table: toml::Table = toml::from_str(&text).map_err(|error| anyhow!("`{}` is not TOML: {error}", file.display()))?;
    let json = serde_json::to_vec(&table).with_context(|| format!("`{}`", file.display()))?;
    OperatorLimits::parse(&json).or_else(|problems| {
        let list: Vec<String> = problems.iter().map(ToString::to_string).collect();
        bail!("`{}` is refused:\n  {}", file.display(), list.join("\n  "))
    })
}
