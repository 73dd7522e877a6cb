//! Policies that no merchant should have: they show what guardrail and caps are for. Their sources stand in `tests/plugins/`.

use std::path::Path;

use anyhow::{Context as _, Result};

/// A package's name, its `policy.toml`, its component.
macro_rules! packages {
    ($($name:literal),+) => {
        [$((
            $name,
            include_str!(concat!("../../../tests/policies/", $name, "/policy.toml")),
            include_bytes!(concat!("../../../tests/policies/", $name, "/", $name, ".wasm")).as_slice(),
        )),+]
    };
}

const PACKAGES: [(&str, &str, &[u8]); 2] = packages!["unfair", "spendthrift"];

/// Their names: one refuses everything, one pays ten times the price.
pub const BAD_POLICIES: [&str; 2] = ["unfair", "spendthrift"];

/// Writes them as packages, for the service to load.
pub fn write_packages(folder: &Path) -> Result<()> {
    for (name, facts, component) in PACKAGES {
        let package = folder.join(name);
        let written = std::fs::create_dir_all(&package)
            .and_then(|()| std::fs::write(package.join("policy.toml"), facts))
            .and_then(|()| std::fs::write(package.join(format!("{name}.wasm")), component));
        written.with_context(|| format!("cannot write `{}`", package.display()))?;
    }
    Ok(())
}
