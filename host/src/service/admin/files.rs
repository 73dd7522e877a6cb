//! Files of the data directory that only its owner reads.

use std::path::Path;

use anyhow::{Context as _, Result, anyhow};

/// A folder that only its owner reads.
pub(in crate::service) fn private_folder(path: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::DirBuilderExt as _;
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(path)
}

/// 32 secret bytes in a file that only its owner reads; drawn at the first start.
pub(crate) fn secret(path: &Path) -> Result<[u8; 32]> {
    use std::io::Write as _;
    use std::os::unix::fs::OpenOptionsExt as _;
    match std::fs::read(path) {
        Ok(bytes) => bytes.try_into().map_err(|_| anyhow!("`{}` does not hold 32 bytes: restore it from a backup", path.display())),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let mut bytes = [0_u8; 32];
            getrandom::fill(&mut bytes).map_err(|error| anyhow!("no random bytes: {error}"))?;
            let mut file = std::fs::OpenOptions::new()
                .write(true)
                .create_new(true)
                .mode(0o600)
                .open(path)
                .with_context(|| format!("cannot create `{}`", path.display()))?;
            file.write_all(&bytes).and_then(|()| file.sync_all()).with_context(|| format!("cannot write `{}`", path.display()))?;
            Ok(bytes)
        }
        Err(error) => Err(error).with_context(|| format!("cannot read `{}`", path.display())),
    }
}
