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

/// Writes a new file that only its owner reads, to stable storage. It has its name once it is whole, and none that is there is replaced.
pub(super) fn write_key(path: &Path, bytes: &[u8]) -> Result<()> {
    use std::io::Write as _;
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let write = || {
        // Its owner's only; it goes again where it does not get the name.
        let mut file = tempfile::Builder::new().prefix(".key-").tempfile_in(folder)?;
        file.write_all(bytes)?;
        file.as_file().sync_all()?;
        file.persist_noclobber(path).map_err(|error| error.error)?;
        std::fs::File::open(folder)?.sync_all()
    };
    write().with_context(|| format!("cannot write `{}`", path.display()))
}

/// The key in a file: 32 bytes, or 64 hexadecimal digits.
pub(super) fn read_key(path: &Path) -> Result<[u8; 32]> {
    let bytes = std::fs::read(path).with_context(|| format!("cannot read the master key `{}`", path.display()))?;
    if let Ok(key) = bytes.as_slice().try_into() {
        return Ok(key);
    }
    if bytes.is_empty() {
        bail!(
            "`{}` is empty: put a copy of the master key back; where nothing was ever recorded with it, for its first writing was cut off, remove the file",
            path.display()
        );
    }
    let mut key = [0; 32];
    hex::decode_to_slice(bytes.trim_ascii(), &mut key)
        .map_err(|_| anyhow!("`{}` holds no master key: 32 bytes, or 64 hexadecimal digits", path.display()))?;
    Ok(key)
}
