//! Finds a toolchain that builds for `wasm32-unknown-unknown`, by probing, and builds a plugin crate with it.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The target of plugin crates.
pub const TARGET: &str = "wasm32-unknown-unknown";

/// Guest stack in bytes: a smaller stack means fewer pages to clear for each decision.
const STACK_BYTES: u32 = 64 << 10;

/// A way to build for the target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Toolchain {
    /// The toolchain of this shell has the target (`rustup target add wasm32-unknown-unknown`).
    Rustup,
    /// Debian's packages: cargo and rustc for the web, the standard library from source, LLVM's linker.
    Debian { cargo: PathBuf, rustc: PathBuf, linker: PathBuf },
}

/// Why a crate cannot be built.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// Neither toolchain is there.
    #[error(
        "no toolchain for {TARGET}: either `rustup target add {TARGET}`, or Debian's packages `apt-get install rustc-web cargo-web rust-web-src lld-19`"
    )]
    NoToolchain,
    /// cargo could not be started or said no.
    #[error("cargo could not build `{krate}`: {reason}")]
    Cargo { krate: String, reason: String },
}

impl Toolchain {
    /// The first toolchain that is there: rustup's target, then Debian's packages.
    pub fn probe() -> Result<Self, BuildError> {
        let sysroot = Command::new("rustc").args(["--print", "sysroot"]).output().ok().filter(|out| out.status.success());
        if let Some(out) = sysroot {
            let root = String::from_utf8_lossy(&out.stdout).trim().to_owned();
            if Path::new(&root).join("lib/rustlib").join(TARGET).join("lib").is_dir() {
                return Ok(Self::Rustup);
            }
        }
        let (cargo, rustc) = (PathBuf::from("/usr/bin/cargo"), PathBuf::from("/usr/bin/rustc"));
        let linker = ["wasm-ld-19", "wasm-ld"].into_iter().find_map(find_on_path);
        match linker {
            Some(linker) if cargo.is_file() && rustc.is_file() && has_library_source(&rustc) => Ok(Self::Debian { cargo, rustc, linker }),
            _ => Err(BuildError::NoToolchain),
        }
    }

    /// One line for people.
    pub fn describe(&self) -> String {
        match self {
            Self::Rustup => format!("rustup's target {TARGET}"),
            Self::Debian { rustc, .. } => format!("Debian's {} with the standard library from source", rustc.display()),
        }
    }

    /// Names the compiler exactly: the same name gives the same bytes.
    pub fn version(&self) -> String {
        let rustc = match self {
            Self::Rustup => PathBuf::from("rustc"),
            Self::Debian { rustc, .. } => rustc.clone(),
        };
        let said = Command::new(rustc).arg("--version").output().map(|out| String::from_utf8_lossy(&out.stdout).trim().to_owned());
        let flavour = if *self == Self::Rustup { "prebuilt library" } else { "library from source" };
        format!("{}, {flavour}", said.unwrap_or_else(|_| "unknown rustc".into()))
    }

    /// Builds `package` of the workspace that holds `manifest` as a core module; returns the module's path. `folders` are those of this
    /// machine that it is built from, each with what the component says in its place.
    pub fn build(
        &self,
        manifest: &Path,
        package: &str,
        target_folder: &Path,
        folders: &[(PathBuf, String)],
    ) -> Result<PathBuf, BuildError> {
        let failed = |reason: String| BuildError::Cargo { krate: package.to_owned(), reason };
        let mut command = match self {
            Self::Rustup => Command::new("cargo"),
            Self::Debian { cargo, rustc, linker } => {
                let mut command = Command::new(cargo);
                command
                    .env("RUSTC", rustc)
                    .env("RUSTC_BOOTSTRAP", "1")
                    .env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER", linker)
                    .arg("-Zbuild-std=std,panic_abort");
                command
            }
        };
        command
            .args(["build", "--profile", "plugin", "--lib", "--target", TARGET, "--package", package])
            .arg("--manifest-path")
            .arg(manifest)
            .env("CARGO_TARGET_DIR", target_folder)
            .env("CARGO_ENCODED_RUSTFLAGS", rustflags(folders, target_folder))
            .env_remove("RUSTFLAGS")
            .env_remove("RUSTUP_TOOLCHAIN");
        let status = command.status().map_err(|error| failed(error.to_string()))?;
        if !status.success() {
            return Err(failed(format!("{status}; its messages stand above")));
        }
        Ok(target_folder.join(TARGET).join("plugin").join(format!("{}.wasm", package.replace('-', "_"))))
    }
}

/// Stack size, and no path of this machine in the component: the same source gives the same bytes anywhere.
fn rustflags(folders: &[(PathBuf, String)], target_folder: &Path) -> OsString {
    let mut flags = vec![format!("-Clink-arg=-zstack-size={STACK_BYTES}")];
    let mut remap = |from: &Path, to: &str| flags.push(format!("--remap-path-prefix={}={to}", from.display()));
    let home = std::env::var_os("CARGO_HOME").map(PathBuf::from).or_else(|| std::env::home_dir().map(|home| home.join(".cargo")));
    if let Some(home) = &home {
        remap(home, "cargo");
        // Later flags win: the registry's own folder name is a host's name, so each is cut away.
        for registry in std::fs::read_dir(home.join("registry/src")).into_iter().flatten().flatten() {
            remap(&registry.path(), "crates");
        }
    }
    for (folder, name) in folders {
        remap(folder, name);
    }
    // Generated sources lie in cargo's folder, wherever that is.
    remap(target_folder, "target");
    OsString::from(flags.join("\u{1f}"))
}

fn find_on_path(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join(name)).find(|file| file.is_file())
}

fn has_library_source(rustc: &Path) -> bool {
    Command::new(rustc)
        .args(["--print", "sysroot"])
        .output()
        .ok()
        .map(|out| PathBuf::from(String::from_utf8_lossy(&out.stdout).trim()).join("lib/rustlib/src/rust/library/std"))
        .is_some_and(|library| library.is_dir())
}
