//! What a component is, read from its bytes without running it: imports, exports, metadata. Whatever is not the contract
//! is refused by name.

mod sections;

use ombud_core::declared::DeclaredRules;
use ombud_core::kind::Kind;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use wasmparser::Validator;

use crate::limits::LoadLimits;
use crate::profile;
use crate::v1::VERSIONS;

/// Why a component cannot be loaded; each says what to do about it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// Larger than the limit.
    #[error("component of {bytes} bytes is larger than component_bytes_max ({max}): build it in release mode and without debug sections")]
    TooLarge { bytes: usize, max: usize },
    /// Not WebAssembly at all.
    #[error("not a WebAssembly file (it starts with {start:?}): upload the `.wasm` that `ombud build` writes")]
    NotWasm { start: Vec<u8> },
    /// A core module.
    #[error("a core module, not a component: run `ombud build`, which wraps it with the contract")]
    CoreModule,
    /// Damaged, cut short, or using a feature that the engine profile leaves off.
    #[error("not a valid component under the engine profile: {0}")]
    Invalid(String),
    /// Built in a way that no policy needs to be.
    #[error("{0}")]
    Structure(String),
    /// What it says of itself cannot be read, or stands there twice.
    #[error("{0}")]
    Metadata(String),
    /// Imports something that is not the contract.
    #[error(
        "imports `{0}`, which a policy may not have: a policy is a pure function and may import only `ombud:policy/log`, since 1.1 \
         `ombud:policy/text`, and the contract's types"
    )]
    Import(String),
    /// Names the contract in a version that this host does not speak.
    #[error(
        "names `{0}`: this host speaks version {spoken} of the contract; build it for one of them, or ask the operator for a newer host",
        spoken = VERSIONS.join(" and ")
    )]
    Version(String),
    /// Exports nothing that a host could call.
    #[error("exports no kind of `ombud:policy`: implement one of after-sale, delay, blacklist, reply or review-… (found: {found:?})")]
    NoKind { found: Vec<String> },
    /// Lacks `settings`.
    #[error("does not export `ombud:policy/settings`: every policy answers `prepare`")]
    NoSettings,
    /// Exports with the contract's name but another type.
    #[error("does not fit the contract: {0}")]
    Contract(String),
    /// The compiler refused it.
    #[error("cannot be compiled: {0}")]
    Compile(String),
    /// Compiling took too long.
    #[error("compiling took more than {limit} ({seconds} s): split its largest functions")]
    CompileTime { limit: &'static str, seconds: u64 },
    /// Compiling took too much memory.
    #[error("compiling took more than compile_memory_bytes_max ({max}): split its largest functions")]
    CompileMemory { max: usize },
    /// The process that compiles ended without an answer.
    #[error("the compiler crashed: {0}")]
    CompileCrash(String),
    /// Too much code came out.
    #[error("its code is larger than code_bytes_max ({max}): build it in release mode")]
    CodeTooLarge { max: usize },
}

impl Refused {
    /// Its name, for programs.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::TooLarge { .. } => "too-large",
            Self::NotWasm { .. } => "not-wasm",
            Self::CoreModule => "core-module",
            Self::Invalid(_) => "invalid",
            Self::Structure(_) => "structure",
            Self::Metadata(_) => "metadata",
            Self::Import(_) => "import",
            Self::Version(_) => "version",
            Self::NoKind { .. } => "no-kind",
            Self::NoSettings => "no-settings",
            Self::Contract(_) => "contract",
            Self::Compile(_) => "compile",
            Self::CompileTime { .. } => "compile-time",
            Self::CompileMemory { .. } => "compile-memory",
            Self::CompileCrash(_) => "compile-crash",
            Self::CodeTooLarge { .. } => "code-too-large",
        }
    }
}

/// The contract's name, before `@` and its version.
pub const PACKAGE: &str = "ombud:policy";
/// What may be imported, and since which of [`VERSIONS`].
const IMPORTS: [(&str, usize); 7] =
    [("log", 0), ("types", 0), ("after-sale-types", 0), ("delay-types", 0), ("blacklist-types", 0), ("reply-types", 0), ("text", 1)];
const KINDS: [&str; 4] = ["after-sale", "delay", "blacklist", "reply"];

/// Bytes before the first section.
const HEADER_BYTES: usize = 8;
/// The number of custom sections.
const CUSTOM: u8 = 0;

/// The custom sections in which a component carries its own facts.
pub mod section {
    /// JSON: name, version, kinds, licence, source.
    pub const PACKAGE: &str = "ombud:package";
    /// JSON Schema of the settings.
    pub const SETTINGS_SCHEMA: &str = "ombud:settings-schema";
    /// Golden cases, YAML.
    pub const CASES: &str = "ombud:cases";
    /// JSON: the rules that it looks at, by kind, in its order.
    pub const RULES: &str = "ombud:rules";

    /// Bytes of the package section.
    pub const PACKAGE_BYTES_MAX: usize = 16 << 10;
    /// Bytes of the settings schema.
    pub const SETTINGS_SCHEMA_BYTES_MAX: usize = 256 << 10;
    /// Bytes of the golden cases.
    pub const CASES_BYTES_MAX: usize = 4 << 20;
    /// Bytes of the declared rules.
    pub const RULES_BYTES_MAX: usize = 256 << 10;
}

/// What a component says of itself.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PackageFacts {
    /// The policy's name.
    pub name: String,
    /// Its readable version.
    pub version: String,
    /// SPDX expression.
    #[serde(default)]
    pub license: Option<String>,
    /// Where the source is.
    #[serde(default)]
    pub source: Option<String>,
    /// One sentence.
    #[serde(default)]
    pub description: Option<String>,
    /// Who wrote it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub author: Option<String>,
    /// The kinds that it says it decides or reviews; its exports are what counts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kinds: Option<Vec<String>>,
}

/// Version of what an inspection reads and refuses: raised with every change of it, so that what was kept beside compiled code is read anew.
pub(crate) const INSPECTION_RULES: u32 = 4;

/// The result of the inspection.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Inspection {
    /// SHA-256 of the bytes: the component's identity.
    pub digest: [u8; 32],
    /// SHA-256 of what of it is compiled: without its own custom sections.
    pub code: [u8; 32],
    /// Size in bytes.
    pub bytes: usize,
    /// Linear memory in bytes that its modules declare: what an instance has from the start.
    pub memory_bytes: u64,
    /// The contract it was built for, such as `ombud:policy@1.1.0`: the newest version that its imports and exports name.
    pub contract: String,
    /// Names of the imports, the contract's all.
    pub imports: Vec<String>,
    /// Kinds it decides: `after-sale`, `delay`, `blacklist`, `reply`.
    pub decides: Vec<String>,
    /// Kinds it reviews as a guardrail.
    pub reviews: Vec<String>,
    /// The package section, if it has one that can be read.
    pub package: Option<PackageFacts>,
    /// The settings schema it carries.
    pub settings_schema: Option<String>,
    /// The golden cases it carries.
    pub cases: Option<String>,
    /// The rules it declares; none where it declares none.
    pub rules: Option<DeclaredRules>,
    /// What it says of itself in the sections that other tools write and read (`version`, `licenses`, `authors`, `description`, `source`), by name.
    pub other_facts: Vec<(String, String)>,
}

impl Inspection {
    /// Nothing seen yet.
    fn empty(bytes: &[u8]) -> Self {
        Self {
            digest: digest(bytes),
            code: [0; 32],
            bytes: bytes.len(),
            memory_bytes: 0,
            contract: String::new(),
            imports: Vec::new(),
            decides: Vec::new(),
            reviews: Vec::new(),
            package: None,
            settings_schema: None,
            cases: None,
            rules: None,
            other_facts: Vec::new(),
        }
    }
}

/// SHA-256 of a component's bytes.
pub fn digest(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}

/// A component's outermost sections as they lie in it: number and content.
fn raw_sections(bytes: &[u8], mut each: impl FnMut(u8, &[u8]) -> Result<(), Refused>) -> Result<(), Refused> {
    let invalid = |error: wasmparser::BinaryReaderError| Refused::Invalid(error.to_string());
    let sections = bytes.get(HEADER_BYTES..).unwrap_or_default();
    let mut reader = wasmparser::BinaryReader::new(sections, HEADER_BYTES);
    while !reader.eof() {
        let id = reader.read_u8().map_err(invalid)?;
        let length = reader.read_var_u32().map_err(invalid)?;
        each(id, reader.read_bytes(length as usize).map_err(invalid)?)?;
    }
    Ok(())
}

/// SHA-256 over a component's sections but its own custom ones, which say what it is and change nothing of what it does.
pub(crate) fn code_digest(bytes: &[u8]) -> Result<[u8; 32], Refused> {
    let mut hash = Sha256::new();
    hash.update(bytes.get(..HEADER_BYTES).unwrap_or(bytes));
    raw_sections(bytes, |id, content| {
        if id != CUSTOM {
            hash.update([id]);
            hash.update(u32::try_from(content.len()).unwrap_or(u32::MAX).to_le_bytes());
            hash.update(content);
        }
        Ok(())
    })?;
    Ok(hash.finalize().into())
}

/// What a component says of itself, as far as it explains a decision.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OwnFacts {
    /// The package section.
    pub package: Option<PackageFacts>,
    /// The settings schema.
    pub settings_schema: Option<String>,
    /// The rules it declares.
    pub rules: Option<DeclaredRules>,
}

/// What a component says of itself, read from its custom sections alone: for bytes that passed an inspection before, which their digest tells.
///
/// # Errors
/// It is none, or what it says cannot be read.
pub fn own_facts(bytes: &[u8]) -> Result<OwnFacts, Refused> {
    let mut seen = Inspection::empty(bytes);
    raw_sections(bytes, |id, content| {
        if id != CUSTOM {
            return Ok(());
        }
        let mut reader = wasmparser::BinaryReader::new(content, 0);
        let name = reader.read_string().map_err(|error| Refused::Invalid(error.to_string()))?;
        sections::own_fact(name, content.get(reader.original_position()..).unwrap_or_default(), &mut seen)
    })?;
    Ok(OwnFacts { package: seen.package, settings_schema: seen.settings_schema, rules: seen.rules })
}

/// Inspects a component. Errors name the first thing that keeps it from being loaded.
pub fn inspect(bytes: &[u8], limits: &LoadLimits) -> Result<Inspection, Refused> {
    if bytes.len() > limits.component_bytes_max {
        return Err(Refused::TooLarge { bytes: bytes.len(), max: limits.component_bytes_max });
    }
    if !bytes.starts_with(b"\0asm") {
        return Err(Refused::NotWasm { start: bytes.iter().copied().take(8).collect() });
    }
    let mut seen = Inspection { code: code_digest(bytes)?, ..Inspection::empty(bytes) };
    let exports = sections::read(bytes, &mut seen)?;
    Validator::new_with_features(profile::allowed_features()).validate_all(bytes).map_err(|error| Refused::Invalid(error.to_string()))?;
    seen.contract = contract(seen.imports.iter().chain(&exports))?;
    if let Some(foreign) = seen.imports.iter().find(|name| !allowed_import(name)) {
        return Err(Refused::Import(foreign.clone()));
    }
    let exports_interface = |interface: &str| exports.iter().filter_map(|name| named(name)).any(|(own, _)| own == interface);
    for kind in KINDS {
        if exports_interface(kind) {
            seen.decides.push(kind.to_owned());
        }
        if exports_interface(&format!("review-{kind}")) {
            seen.reviews.push(kind.to_owned());
        }
    }
    if seen.decides.is_empty() && seen.reviews.is_empty() {
        return Err(Refused::NoKind { found: exports });
    }
    if !exports_interface("settings") {
        return Err(Refused::NoSettings);
    }
    let foreign = |kind: &Kind| {
        let has_rules = seen.rules.as_ref().is_some_and(|rules| !rules.of(*kind).is_empty());
        has_rules && !seen.decides.iter().chain(&seen.reviews).any(|own| own == kind.as_str())
    };
    if let Some(kind) = Kind::ALL.into_iter().find(foreign) {
        let section = section::RULES;
        let text =
            format!("custom section `{section}`: `/{kind}` has rules, and the component neither decides nor reviews {kind}: take them out");
        return Err(Refused::Metadata(text));
    }
    Ok(seen)
}

/// Interface and version of a name of the contract, `ombud:policy/log@1.0.0`.
fn named(name: &str) -> Option<(&str, &str)> {
    let (interface, version) = name.strip_prefix(PACKAGE)?.strip_prefix('/')?.split_once('@')?;
    Some((interface, version))
}

/// The newest version that the names are of. Refused where one is of a version that this host does not speak.
fn contract<'a>(names: impl Iterator<Item = &'a String>) -> Result<String, Refused> {
    let mut newest = 0;
    for (name, version) in names.filter_map(|name| Some((name, named(name)?.1))) {
        let own = VERSIONS.iter().position(|known| *known == version).ok_or_else(|| Refused::Version(name.clone()))?;
        newest = newest.max(own);
    }
    Ok(format!("{PACKAGE}@{}", VERSIONS.get(newest).copied().unwrap_or_default()))
}

fn allowed_import(name: &str) -> bool {
    named(name).is_some_and(|(interface, version)| {
        let own = VERSIONS.iter().position(|known| *known == version);
        IMPORTS.iter().any(|(known, since)| *known == interface && own.is_some_and(|own| own >= *since))
    })
}
