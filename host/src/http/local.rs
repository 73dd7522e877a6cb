//! The local socket: a unix socket in the data directory, through which its owner's commands reach the running server.
//!
//! Whoever may write to the data directory is its owner and needs no key: the socket opens for the owner's user only, and
//! each caller's user is looked at again when it connects.

use std::fs::File;
use std::io;
use std::os::fd::AsRawFd as _;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use tokio::net::{UnixListener, UnixStream};

/// The socket's file in the data directory.
pub const SOCKET: &str = "ombud.sock";

/// Bytes of a socket's path that every system takes: its address has room for 104 (108 on Linux), one of them ends the path.
const SOCKET_PATH_BYTES_MAX: usize = 103;

/// Marks requests of the data directory's owner. It is put on requests inside this process and never read from the wire.
#[derive(Clone, Copy, Debug)]
pub struct LocalOwner;

/// Listens on a data directory's socket; the file is removed when dropped.
pub struct LocalListener {
    listener: UnixListener,
    file: PathBuf,
    owner: u32,
}

impl LocalListener {
    /// Listens. The caller holds the directory's lock, so that a socket found there is one that nobody listens on any more.
    ///
    /// # Errors
    /// The folder is not writable, or the path is too long for a socket and the system offers no shorter one.
    pub fn bind(directory: &Path) -> io::Result<Self> {
        let file = directory.join(SOCKET);
        match std::fs::symlink_metadata(&file) {
            Ok(found) if found.file_type().is_socket() => std::fs::remove_file(&file)?,
            Ok(_) => return Err(io::Error::other(format!("`{}` is there and is no socket", file.display()))),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
        let address = Address::of(directory)?;
        let listener = UnixListener::bind(&address.path)?;
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600))?;
        let owner = std::fs::symlink_metadata(&file)?.uid();
        Ok(Self { listener, file, owner })
    }

    /// The next connection of the owner, or of the superuser; others are closed.
    ///
    /// # Errors
    /// The system has no files or memory left.
    pub async fn accept(&self) -> io::Result<UnixStream> {
        loop {
            let (stream, _) = self.listener.accept().await?;
            let user = stream.peer_cred()?.uid();
            if user == self.owner || user == 0 {
                return Ok(stream);
            }
            tracing::warn!(user, "another user's connection to the local socket was closed");
        }
    }
}

impl Drop for LocalListener {
    fn drop(&mut self) {
        // A socket that is left refuses connections, which says the same.
        _ = std::fs::remove_file(&self.file);
    }
}

/// Connects to the server that holds a data directory; none where no server listens there.
///
/// # Errors
/// The socket belongs to another user, or cannot be reached.
pub async fn connect(directory: &Path) -> io::Result<Option<UnixStream>> {
    // Without this look a directory whose path is too long would be an error before any server ever ran on it.
    if std::fs::symlink_metadata(directory.join(SOCKET)).is_err() {
        return Ok(None);
    }
    let address = Address::of(directory)?;
    match UnixStream::connect(&address.path).await {
        Ok(stream) => Ok(Some(stream)),
        // Left by a process that was killed, or just removed.
        Err(error) if matches!(error.kind(), io::ErrorKind::ConnectionRefused | io::ErrorKind::NotFound) => Ok(None),
        Err(error) => Err(error),
    }
}

/// A path of the socket that is short enough for the system.
struct Address {
    path: PathBuf,
    /// Keeps the short path in being.
    _directory: Option<File>,
}

impl Address {
    fn of(directory: &Path) -> io::Result<Self> {
        let path = directory.join(SOCKET);
        if path.as_os_str().len() <= SOCKET_PATH_BYTES_MAX {
            return Ok(Self { path, _directory: None });
        }
        // Linux names an open folder by its number, however long its path is.
        let open = File::open(directory)?;
        let short = PathBuf::from(format!("/proc/self/fd/{}", open.as_raw_fd()));
        if short.is_dir() {
            return Ok(Self { path: short.join(SOCKET), _directory: Some(open) });
        }
        let bytes = path.as_os_str().len();
        Err(io::Error::other(format!(
            "the path of the local socket has {bytes} bytes, at most {SOCKET_PATH_BYTES_MAX} are possible here: use a data directory \
             with a shorter path, or a relative one"
        )))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_socket_is_for_its_owner_and_goes_with_its_server() {
        let data = tempfile::tempdir().unwrap();
        assert!(connect(data.path()).await.unwrap().is_none());
        let listener = LocalListener::bind(data.path()).unwrap();
        let file = data.path().join(SOCKET);
        assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
        let (called, accepted) = tokio::join!(connect(data.path()), listener.accept());
        assert!(called.unwrap().is_some() && accepted.is_ok());
        drop(listener);
        assert!(!file.exists());
    }

    #[tokio::test]
    async fn what_a_killed_server_left_is_no_server_and_is_replaced() {
        let data = tempfile::tempdir().unwrap();
        drop(std::os::unix::net::UnixListener::bind(data.path().join(SOCKET)).unwrap());
        assert!(connect(data.path()).await.unwrap().is_none());
        let _listener = LocalListener::bind(data.path()).unwrap();
        assert!(connect(data.path()).await.unwrap().is_some());
        // What is no socket is not removed.
        let other = tempfile::tempdir().unwrap();
        std::fs::write(other.path().join(SOCKET), "mine").unwrap();
        assert!(LocalListener::bind(other.path()).is_err());
        assert_eq!(std::fs::read(other.path().join(SOCKET)).unwrap(), b"mine");
    }

    #[tokio::test]
    async fn a_path_just_at_the_bound_and_one_far_beyond_work() {
        let data = tempfile::tempdir().unwrap();
        let base = data.path().as_os_str().len() + "/".len();
        for bytes in [SOCKET_PATH_BYTES_MAX, SOCKET_PATH_BYTES_MAX + 1, 200] {
            let directory = data.path().join("d".repeat(bytes - base - "/ombud.sock".len()));
            assert_eq!(directory.join(SOCKET).as_os_str().len(), bytes);
            std::fs::create_dir(&directory).unwrap();
            assert!(connect(&directory).await.unwrap().is_none());
            let _listener = LocalListener::bind(&directory).unwrap();
            assert!(connect(&directory).await.unwrap().is_some(), "{bytes} bytes");
        }
    }
}
