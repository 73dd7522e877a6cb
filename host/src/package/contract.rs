//! The contract's files, carried along: a policy's folder can be built wherever it lies.

use std::path::Path;

use anyhow::{Context as _, Result, bail};

/// Files by name.
type Files = &'static [(&'static str, &'static str)];

macro_rules! files {
    ($folder:literal: $($name:literal),* $(,)?) => { &[$(($name, include_str!(concat!("../../../wit/", $folder, "/", $name)))),*] };
}

const V1_0: Files = files!["v1":
    "types.wit", "after-sale.wit", "delay.wit", "blacklist.wit", "reply.wit", "review.wit", "settings.wit", "log.wit", "worlds.wit",
];

const V1_1: Files = files!["v1.1":
    "types.wit", "after-sale.wit", "delay.wit", "blacklist.wit", "reply.wit", "review.wit", "settings.wit", "log.wit", "text.wit", "worlds.wit",
];

/// The versions that policies can be written for, as manifests name them, the oldest first. Without a name it is the oldest: it asks the least
/// of a host.
pub const VERSIONS: [&str; 2] = ["1.0", "1.1"];

/// Every file of a version, by name.
pub fn files(version: &str) -> Result<Files> {
    match version {
        "1.0" => Ok(V1_0),
        "1.1" => Ok(V1_1),
        other => bail!("`{other}` is no version of the contract that this program knows: {}", VERSIONS.join(", ")),
    }
}

/// Writes the files into a folder, which is made anew.
pub fn write_into(folder: &Path, files: Files) -> Result<()> {
    // The files of another version would belong to the same package.
    if folder.is_dir() {
        std::fs::remove_dir_all(folder).with_context(|| format!("cannot empty `{}`", folder.display()))?;
    }
    std::fs::create_dir_all(folder).with_context(|| format!("cannot make `{}`", folder.display()))?;
    for (name, text) in files {
        std::fs::write(folder.join(name), text).with_context(|| format!("cannot write `{}/{name}`", folder.display()))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_file_of_each_version_is_carried_along() {
        for (version, folder) in VERSIONS.into_iter().zip(["v1", "v1.1"]) {
            let there = std::fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("../wit").join(folder)).unwrap();
            let there: BTreeSet<String> = there.flatten().map(|entry| entry.file_name().into_string().unwrap()).collect();
            assert_eq!(files(version).unwrap().iter().map(|(name, _)| (*name).to_owned()).collect::<BTreeSet<_>>(), there, "{version}");
        }
        assert_eq!(VERSIONS.map(|version| format!("{version}.0")), ombud_sandbox::VERSIONS);
    }
}
