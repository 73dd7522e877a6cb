//! What ARCHITECTURE.md says is absent is absent: who names whom, what each file begins with, what is left in no file, which lists are whole.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

use ombud_ledger::Digest;
use ombud_tests::guests::root;

/// Which packages of this workspace a package may name outside its tests (the table of the map, last column).
const MAY_NAME: [(&str, &[&str]); 9] = [
    ("ombud-rules", &[]),
    ("ombud-sdk", &["ombud-rules"]),
    ("ombud-rows", &["ombud-rules"]),
    ("ombud-core", &["ombud-rules"]),
    ("ombud-table", &["ombud-rows", "ombud-rules", "ombud-core"]),
    ("ombud-sandbox", &["ombud-core", "ombud-rules"]),
    ("ombud-ledger", &["ombud-core"]),
    ("ombud-store", &["ombud-core", "ombud-ledger"]),
    ("ombud", &["ombud-core", "ombud-ledger", "ombud-rows", "ombud-rules", "ombud-sandbox", "ombud-store", "ombud-table"]),
];

/// What everything below the service stays clear of: the pure crates do no input or output of any kind.
const IMPURE: [&str; 12] =
    ["axum", "getrandom", "hyper", "mio", "rand", "reqwest", "rusqlite", "socket2", "tokio", "ureq", "wasmtime", "tracing"];

/// Lines that a file has at most. Data and tests count as well: what is longer wants a split.
const LINES_MAX: usize = 600;

/// What stands at the top and does not begin with a dot.
const TOP: [&str; 9] = ["Cargo.lock", "Cargo.toml", "LICENSE", "README.md", "host", "plugins", "policies", "tests", "wit"];

/// Every file that is tracked, or would be with the next commit.
fn files() -> Vec<PathBuf> {
    let listed = Command::new("git").args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"]).current_dir(root()).output();
    let listed = listed.ok().filter(|listed| listed.status.success()).map(|listed| listed.stdout);
    let files: Vec<PathBuf> = match &listed {
        Some(listed) => String::from_utf8_lossy(listed).split('\0').filter(|path| !path.is_empty()).map(PathBuf::from).collect(),
        // Unpacked from an archive: what is there, less what is built.
        None => walk(&root()).into_iter().map(|path| path.strip_prefix(root()).expect("below").to_path_buf()).collect(),
    };
    assert!(files.len() > 100, "{} files", files.len());
    files.into_iter().filter(|path| root().join(path).is_file()).collect()
}

fn walk(folder: &Path) -> Vec<PathBuf> {
    let skipped = |path: &Path| path.ends_with("target") || path.ends_with(".git");
    let entries = std::fs::read_dir(folder).expect("a folder").flatten().map(|entry| entry.path());
    entries.filter(|path| !skipped(path)).flat_map(|path| if path.is_dir() { walk(&path) } else { vec![path] }).collect()
}

fn read(path: &Path) -> String {
    String::from_utf8_lossy(&std::fs::read(root().join(path)).unwrap_or_default()).into_owned()
}

fn rust() -> impl Iterator<Item = (PathBuf, String)> {
    files().into_iter().filter(|path| path.extension().is_some_and(|extension| extension == "rs")).map(|path| {
        let text = read(&path);
        (path, text)
    })
}

/// A manifest's package and what it depends on outside its tests.
struct Manifest {
    path: PathBuf,
    package: String,
    dependencies: BTreeSet<String>,
    /// Those of tests, examples and build scripts.
    others: BTreeSet<String>,
}

fn manifests() -> Vec<Manifest> {
    let parse = |path: PathBuf| {
        let toml: toml::Table = read(&path).parse().unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let package = toml.get("package")?.get("name")?.as_str()?.to_owned();
        let (mut dependencies, mut others) = (BTreeSet::new(), BTreeSet::new());
        let targets = toml.get("target").and_then(|targets| targets.as_table()).into_iter().flat_map(|targets| targets.values());
        for table in targets.filter_map(|target| target.as_table()).chain([&toml]) {
            for section in ["dependencies", "dev-dependencies", "build-dependencies"] {
                let names = if section == "dependencies" { &mut dependencies } else { &mut others };
                names.extend(table.get(section).and_then(|names| names.as_table()).into_iter().flat_map(|names| names.keys().cloned()));
            }
        }
        Some(Manifest { path, package, dependencies, others })
    };
    let manifests: Vec<Manifest> = files().into_iter().filter(|path| path.ends_with("Cargo.toml")).filter_map(parse).collect();
    assert!(manifests.len() > 10, "{} manifests", manifests.len());
    manifests
}

#[test]
fn dependencies_point_one_way() {
    let manifests = manifests();
    let own: BTreeSet<&str> = manifests.iter().map(|manifest| manifest.package.as_str()).collect();
    let mut wrong = Vec::new();
    for manifest in &manifests {
        let known = MAY_NAME.iter().find(|(package, _)| *package == manifest.package);
        let may: BTreeSet<&str> = match known {
            Some((_, may)) => may.iter().copied().collect(),
            // The tests name everything; a policy names what its author sees.
            None if manifest.package == "ombud-tests" => continue,
            None if manifest.package == "table" => ["ombud-sdk", "ombud-rules", "ombud-rows"].into(),
            None => ["ombud-sdk", "ombud-rules"].into(),
        };
        for name in manifest.dependencies.iter().filter(|name| own.contains(name.as_str()) && !may.contains(name.as_str())) {
            wrong.push(format!("{}: `{}` may not name `{name}`", manifest.path.display(), manifest.package));
        }
        if known.is_none()
            && manifest.others.iter().any(|name| matches!(name.as_str(), "ombud" | "ombud-store" | "ombud-sandbox" | "ombud-ledger"))
        {
            wrong.push(format!("{}: a policy is tested without the host", manifest.path.display()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    for (package, _) in MAY_NAME {
        assert!(own.contains(package), "no package `{package}`");
    }
}

#[test]
fn one_crate_names_wasmtime_and_the_pure_ones_nothing_impure() {
    let mut wrong = Vec::new();
    for manifest in manifests() {
        let all = manifest.dependencies.union(&manifest.others);
        let wasmtime = all.clone().any(|name| name.starts_with("wasmtime") || name.starts_with("cranelift"));
        if wasmtime && manifest.package != "ombud-sandbox" {
            wrong.push(format!("{} names wasmtime: only host/sandbox does", manifest.path.display()));
        }
        let policy = !manifest.package.starts_with("ombud");
        if policy || ["ombud-rules", "ombud-sdk", "ombud-rows", "ombud-core", "ombud-table"].contains(&manifest.package.as_str()) {
            for name in manifest.dependencies.iter().filter(|name| IMPURE.contains(&name.as_str())) {
                wrong.push(format!("{} names `{name}`: it is pure", manifest.path.display()));
            }
        }
    }
    let sources = [
        "std::fs",
        "std::net",
        "std::env",
        "std::process",
        "std::thread::",
        "SystemTime",
        "Instant::now",
        "Timestamp::now",
        "tokio::",
        "rusqlite::",
        "wasmtime::",
    ];
    for (path, text) in rust() {
        let pure = ["host/core/src", "host/ledger/src", "host/table/src", "plugins"].iter().any(|folder| path.starts_with(folder))
            && !path.components().any(|part| part.as_os_str() == "build");
        // `SystemTime` and the rest may stand in tests, which end pure files.
        let code = text.split("#[cfg(test)]").next().unwrap_or_default();
        let tests = path.components().any(|part| part.as_os_str() == "tests") || path.ends_with("tests.rs") || path.ends_with("golden.rs");
        for name in sources.iter().filter(|name| pure && !tests && code.contains(*name)) {
            let line = code.lines().find(|line| line.contains(name)).unwrap_or_default().trim();
            // Ending a guest is no input and no output.
            if line != "std::process::abort()" && !line.contains("std::process::abort()") && !line.starts_with("//") {
                wrong.push(format!("{} names `{name}`: {line}", path.display()));
            }
        }
        let reads_clock = ["SystemTime::now", "Timestamp::now", "Zoned::now"].iter().any(|name| code.contains(name));
        if reads_clock && path.starts_with("host/src") && !path.ends_with("clock.rs") {
            wrong.push(format!("{} reads a clock: `clock.rs` is the only one", path.display()));
        }
        if !path.starts_with("host/sandbox")
            && !path.starts_with("tests")
            && code.lines().any(|line| !line.trim_start().starts_with("//") && line.contains("wasmtime::"))
        {
            wrong.push(format!("{} names wasmtime: only host/sandbox does", path.display()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_file_says_what_it_is_and_none_is_too_long() {
    let mut wrong = Vec::new();
    let mut lengths = Vec::new();
    for (path, text) in rust() {
        if !text.starts_with("//! ") {
            wrong.push(format!("{} does not begin with `//!`", path.display()));
        }
        let lines = text.lines().count();
        lengths.push(lines);
        if lines > LINES_MAX {
            wrong.push(format!("{} has {lines} lines, at most {LINES_MAX} are allowed", path.display()));
        }
    }
    lengths.sort_unstable();
    let median = lengths[lengths.len() / 2];
    assert!(median <= 200, "the median file has {median} lines");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_top_has_what_the_map_says() {
    let top = |path: PathBuf| path.iter().next().map(|first| first.to_string_lossy().into_owned());
    let tops: BTreeSet<String> = files().into_iter().filter_map(top).filter(|name| !name.starts_with('.')).collect();
    assert_eq!(tops, TOP.map(str::to_owned).into());
}

#[test]
fn nothing_is_left_over() {
    // Put together here, so that this file does not find itself.
    let left: Vec<String> = [("#[ig", "nore"), ("to", "do!("), ("unimple", "mented!("), ("db", "g!("), ("FIX", "ME"), ("XX", "X:")]
        .iter()
        .map(|(one, two)| format!("{one}{two}"))
        .collect();
    let mut wrong = Vec::new();
    for (path, text) in rust() {
        for (number, line) in text.lines().enumerate() {
            if let Some(found) = left.iter().find(|left| line.contains(left.as_str())) {
                wrong.push(format!("{}:{}: `{found}`", path.display(), number + 1));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn no_file_knows_the_machine_it_was_written_on() {
    let places: Vec<String> = [("/ro", "ot/"), ("/wo", "rk/"), ("/ho", "me/"), ("/tm", "p/"), ("/Us", "ers/"), ("index.crates", "-io")]
        .iter()
        .map(|(one, two)| format!("{one}{two}"))
        .collect();
    let mut wrong = Vec::new();
    for path in files() {
        let bytes = std::fs::read(root().join(&path)).unwrap_or_default();
        for place in &places {
            // The script that prepares machines and the workflow may say where things are put on them.
            let scratch =
                place.starts_with("/tm") && (path.starts_with(".github") || path.extension().is_some_and(|extension| extension == "md"));
            if !scratch && bytes.windows(place.len()).any(|window| window == place.as_bytes()) {
                wrong.push(format!("{} names `{place}`", path.display()));
            }
        }
        if path.ends_with("Cargo.lock") {
            let text = String::from_utf8_lossy(&bytes).into_owned();
            let foreign = text
                .lines()
                .filter(|line| line.starts_with("source = "))
                .find(|line| !line.contains("github.com/rust-lang/crates.io-index"));
            wrong.extend(foreign.map(|line| format!("Cargo.lock: {line}")));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The names of an enum's cases, and those of its list `ALL`, where a file has both. As rustfmt writes them: a case begins a line.
fn cases_and_all(text: &str, name: &str) -> Option<(BTreeSet<String>, BTreeSet<String>)> {
    let word = |line: &str| line.chars().take_while(|letter| letter.is_alphanumeric()).collect::<String>();
    let body = |opening: &str, closing: &str| {
        let (_, rest) = text.split_once(opening)?;
        rest.split_once(closing).map(|(body, _)| body)
    };
    let cases = body(&format!("enum {name} {{\n"), "\n}")?;
    let cases = cases.lines().filter_map(|line| line.strip_prefix("    ")).map(word).filter(|name| !name.is_empty()).collect();
    let implementation = body(&format!("\nimpl {name} {{\n"), "\n}")?;
    let (_, list) = implementation.split_once("const ALL: [Self;")?;
    let (list, _) = list.split_once("];")?;
    Some((cases, list.split("Self::").skip(1).map(word).collect()))
}

#[test]
fn a_list_of_all_cases_has_all_of_them() {
    let (mut wrong, mut lists) = (Vec::new(), 0);
    for (path, text) in rust() {
        for name in text.lines().filter_map(|line| line.split_once("enum ")?.1.strip_suffix(" {")) {
            if let Some((cases, all)) = cases_and_all(&text, name) {
                lists += 1;
                wrong.extend((cases != all).then(|| format!("{}: `{name}` has {cases:?}, its `ALL` {all:?}", path.display())));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(lists > 12, "{lists} lists were found");
}

#[test]
fn what_was_released_of_the_contract_is_frozen() {
    let listed = read(Path::new("tests/released.sha256"));
    let frozen: BTreeMap<&str, &str> =
        listed.lines().filter_map(|line| line.split_once("  ")).map(|(digest, name)| (name, digest)).collect();
    let mut found = BTreeMap::new();
    for path in ["wit/v1", "wit/v1.1", "tests/released"].iter().flat_map(|folder| walk(&root().join(folder))) {
        let name = path.strip_prefix(root()).unwrap().display().to_string();
        found.insert(name, Digest::of(&std::fs::read(&path).unwrap()).to_string());
    }
    let found: BTreeMap<&str, &str> = found.iter().map(|(name, digest)| (name.as_str(), digest.as_str())).collect();
    assert_eq!(
        found, frozen,
        "versions of the contract and components built for them are released: a change goes into the next version (wit/README.md)"
    );
}

#[test]
fn every_package_is_what_its_policy_toml_says() {
    for folder in ["policies", "tests/policies"] {
        for package in std::fs::read_dir(root().join(folder)).unwrap().flatten().map(|entry| entry.path()).filter(|path| path.is_dir()) {
            let toml: toml::Table = std::fs::read_to_string(package.join("policy.toml"))
                .unwrap_or_else(|error| panic!("{}: {error}", package.display()))
                .parse()
                .unwrap();
            let component = std::fs::read(package.join(toml["component"].as_str().unwrap())).unwrap();
            assert_eq!(toml["sha256"].as_str().unwrap(), Digest::of(&component).to_string(), "{}", package.display());
            assert_eq!(toml["name"].as_str(), package.file_name().and_then(|name| name.to_str()), "{}", package.display());
        }
    }
}
