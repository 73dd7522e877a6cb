//! Files of the data directory that only its owner reads.

use std::path::Path;

use anyhow::{Context as _, Result, anyhow, bail};

/// A folder that only its owner reads.
pub(in crate::service) fn private_folder(path: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::DirBuilderExt as _;
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(path)
}

/// 32 secret bytes in a file that only its owner reads; drawn at the first start.
pub(crate) fn secret(path: &Path) -> Result<[u8; 32]> {
    match std::fs::read(path) {
        Ok(bytes) => bytes.try_into().map_err(|_| anyhow!("`{}` does not hold 32 bytes: restore it from a backup", path.display())),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => draw(|bytes| write_key(path, bytes)),
        Err(error) => Err(error).with_context(|| format!("cannot read `{}`", path.display())),
    }
}

/// The key of the compiled code. No backup has it: it may be drawn anew at any time, and what was compiled is compiled again.
pub(in crate::service) fn code_key(path: &Path) -> Result<[u8; 32]> {
    match std::fs::metadata(path) {
        Ok(facts) if facts.len() != 32 => {
            bail!("`{}` does not hold 32 bytes: delete it; a new one is drawn, and policies are compiled again", path.display())
        }
        _ => secret(path),
    }
}

/// 32 new secret bytes, once they are kept.
pub(super) fn draw(keep: impl FnOnce(&[u8; 32]) -> Result<()>) -> Result<[u8; 32]> {
    let mut bytes = [0_u8; 32];
    getrandom::fill(&mut bytes).map_err(|error| anyhow!("no random bytes: {error}"))?;
    keep(&bytes)?;
    Ok(bytes)
}

/// Writes a new file that only its owner reads, to stable storage.
pub(super) fn write_key(path: &Path, bytes: &[u8]) -> Result<()> {
    use std::io::Write as _;
    use std::os::unix::fs::OpenOptionsExt as _;
    let mut file = std::fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
        .with_context(|| format!("cannot create `{}`", path.display()))?;
    file.write_all(bytes).and_then(|()| file.sync_all()).with_context(|| format!("cannot write `{}`", path.display()))
}

/// The key in a file: 32 bytes, or 64 hexadecimal digits.
pub(super) fn read_key(path: &Path) -> Result<[u8; 32]> {
    let bytes = std::fs::read(path).with_context(|| format!("cannot read the master key `{}`", path.display()))?;
    if let Ok(key) = bytes.as_slice().try_into() {
        return Ok(key);
    }
    let mut key = [0; 32];
    hex::decode_to_slice(bytes.trim_ascii(), &mut key)
        .map_err(|_| anyhow!("`{}` holds no master key: 32 bytes, or 64 hexadecimal digits", path.display()))?;
    Ok(key)
}
