//! Data directories and sockets as commands use them, with errors that say what to do.

use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use anyhow::{Context as _, Result, anyhow, bail};
use ombud_core::ids::MerchantId;
use ombud_sandbox::{CodeKey, LoadLimits, Sandbox};

use super::compile_worker::{compiler, program};
use super::progress::Progress;
use crate::service::{MasterKeyFrom, Options, Principal, Service, ServiceError, causes, runtime_threads, secret};

/// The file by which a data directory is known.
pub(super) const DATABASE: &str = "ombud.db";

/// Where the master key of data directories comes from, as the command line says.
static MASTER_KEY: OnceLock<MasterKeyFrom> = OnceLock::new();

/// Notes where the master key comes from: a file, or the digits in the environment. Once, before anything is opened.
///
/// # Errors
/// The file has no name.
pub(super) fn use_master_key(file: Option<OsString>) -> Result<()> {
    let from = match (file, std::env::var_os("OMBUD_MASTER_KEY")) {
        (Some(file), _) if file.is_empty() => {
            bail!("--master-key or OMBUD_MASTER_KEY_FILE is empty: name the file of the master key, or take it away")
        }
        (Some(file), _) => MasterKeyFrom::File(file.into()),
        // An empty one is refused where it is needed: whoever sets it does not want a key in the data directory.
        (None, Some(digits)) => MasterKeyFrom::Hex(digits.to_string_lossy().into_owned()),
        (None, None) => MasterKeyFrom::Directory,
    };
    // A second call would come from a second command, and there is none.
    _ = MASTER_KEY.set(from);
    Ok(())
}

/// Where the master key comes from.
pub(super) fn master_key() -> MasterKeyFrom {
    MASTER_KEY.get().cloned().unwrap_or_default()
}

/// Opens a data directory, creating it if need be. `policies` is the folder of the packages; none for commands that only
/// read, replay or administer keys.
pub(super) fn open(data: &Path, policies: Option<&Path>) -> Result<Arc<Service>> {
    open_with(data, policies, Vec::new())
}

/// The same with further folders of packages.
pub(super) fn open_with(data: &Path, policies: Option<&Path>, more_policies: Vec<PathBuf>) -> Result<Arc<Service>> {
    open_as(data, Options { more_policies, ..options(policies) })
}

/// What a data directory is opened with.
pub(super) fn options(policies: Option<&Path>) -> Options {
    Options {
        policies: policies.map(Path::to_path_buf),
        compiler: compiler(),
        program: Some(program()),
        master_key: master_key(),
        ..Options::default()
    }
}

/// Opens a data directory with these options.
pub(super) fn open_as(data: &Path, options: Options) -> Result<Arc<Service>> {
    let _waiting = Progress::waiting("loading the policies");
    Service::open(data, options)
}

/// Refuses what is no data directory.
pub(super) fn must_exist(data: &Path) -> Result<()> {
    match std::fs::metadata(data.join(DATABASE)) {
        Ok(facts) if facts.is_file() => return Ok(()),
        // Perhaps it is one, of somebody else.
        Err(error) if error.kind() == std::io::ErrorKind::PermissionDenied => {
            bail!("`{}` may not be read: {error}; give the command as the user who runs its server", data.display())
        }
        _ => {}
    }
    bail!("`{}` is no data directory (it holds no `{DATABASE}`): `ombud serve --data {0}` creates one", data.display());
}

/// A sandbox for commands without a data directory. Compiled code is kept in the user's cache folder, under a key that only
/// the user can read, so that the second run starts at once; without such a folder it is compiled each time.
pub(super) fn sandbox() -> Result<Sandbox> {
    let home =
        |name: &str, below: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(|value| Path::new(&value).join(below));
    let folder = home("XDG_CACHE_HOME", "ombud").or_else(|| home("HOME", ".cache/ombud"));
    let cached = folder.and_then(|folder| {
        std::fs::create_dir_all(&folder).ok()?;
        let key = CodeKey(secret(&folder.join("code.key")).ok()?);
        sandbox_without_cache().ok()?.with_cache(folder.join("code"), key).ok()
    });
    cached.map_or_else(sandbox_without_cache, Ok)
}

/// A sandbox that compiles every component again.
pub(super) fn sandbox_without_cache() -> Result<Sandbox> {
    Ok(Sandbox::new()?.with_compiler(compiler(), LoadLimits::default()))
}

/// The operator, as whoever may write to the directory is.
pub(super) fn owner() -> Result<Principal> {
    Service::owner()
}

/// A merchant's id, if the text is one.
pub(super) fn merchant_id(text: &str) -> Result<MerchantId> {
    MerchantId::new(text).map_err(|error| anyhow!("`{text}`: {error}"))
}

/// A service's refusal with every problem that it names.
pub(crate) fn explain(error: &ServiceError) -> String {
    match error {
        ServiceError::Invalid(problems) => problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n  "),
        ServiceError::Internal(cause) => format!("{error}: {}", causes(cause)),
        other => other.to_string(),
    }
}

/// Reads a file, or standard input for `-`.
pub(super) fn read(path: &Path) -> Result<Vec<u8>> {
    use std::io::Read as _;
    if path == Path::new("-") {
        let mut bytes = Vec::new();
        std::io::stdin().read_to_end(&mut bytes).context("cannot read standard input")?;
        return Ok(bytes);
    }
    std::fs::read(path).with_context(|| format!("cannot read `{}`", path.display()))
}

/// An address to listen on, as an argument.
pub(super) fn address(text: &str) -> Result<SocketAddr, String> {
    text.parse().map_err(|_| "expected an IP address and a port, such as 127.0.0.1:8787 or [::1]:8787; names are not looked up".to_owned())
}

/// Listens on an address.
pub(super) async fn listen(address: SocketAddr) -> Result<tokio::net::TcpListener> {
    tokio::net::TcpListener::bind(address)
        .await
        .with_context(|| format!("cannot listen on {address}: name another address with --listen, such as 127.0.0.1:0 for any free port"))
}

/// A runtime for commands that serve or wait.
pub(super) fn runtime() -> Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread().worker_threads(runtime_threads()).enable_all().build().context("no runtime can be started")
}
