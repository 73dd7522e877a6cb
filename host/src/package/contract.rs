//! The contract's files, carried along: a policy's folder can be built wherever it lies.

use std::path::Path;

use anyhow::{Context as _, Result};

macro_rules! files {
    ($($name:literal),* $(,)?) => { [$(($name, include_str!(concat!("../../../wit/v1/", $name)))),*] };
}

/// Every file of version 1, by name.
pub const FILES: [(&str, &str); 9] = files![
    "types.wit",
    "after-sale.wit",
    "delay.wit",
    "blacklist.wit",
    "reply.wit",
    "review.wit",
    "settings.wit",
    "log.wit",
    "worlds.wit",
];

/// Writes the files into a folder, which is made.
pub fn write_into(folder: &Path) -> Result<()> {
    std::fs::create_dir_all(folder).with_context(|| format!("cannot make `{}`", folder.display()))?;
    for (name, text) in FILES {
        std::fs::write(folder.join(name), text).with_context(|| format!("cannot write `{}/{name}`", folder.display()))?;
    }
    Ok(())
}
