//! `ombud new` and `build` as a merchant's developer meets them: what is written, what is refused, and what a missing tool says. Nothing here
//! needs Node.js or Python; the components of those languages are built and tested by CI.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use super::run::{Folder, folder, ombud, ombud_alone, ombud_in, root};

const KINDS: [&str; 4] = ["after-sale", "delay", "blacklist", "reply"];

/// Every file below a folder, by its path from there.
fn files(folder: &Path) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        let name = entry.file_name().into_string().unwrap();
        if entry.path().is_dir() {
            found.extend(files(&entry.path()).into_iter().map(|(path, text)| (format!("{name}/{path}"), text)));
        } else {
            found.insert(name, std::fs::read_to_string(entry.path()).unwrap());
        }
    }
    found
}

fn new(data: &Folder, name: &str, lang: &str, kind: &str) -> BTreeMap<String, String> {
    ombud_in(data.path(), &["new", &format!("DATA/{name}"), "--lang", lang, "--kind", kind]).exits(0).says("README.md");
    files(&data.path().join(name))
}

#[test]
fn the_three_languages_begin_with_the_same_cases_and_settings() {
    for kind in KINDS {
        let data = folder();
        let [rust, js, python] = ["rust", "js", "python"].map(|lang| new(&data, &format!("{lang}-one"), lang, kind));
        for file in ["cases.yaml", "rules.json", "settings.schema.json"] {
            assert_eq!(rust[file], js[file], "{kind}");
            assert_eq!(rust[file], python[file], "{kind}");
        }
        for (files, own) in [(&rust, "src/lib.rs"), (&js, "src/policy.ts"), (&python, "src/policy.py")] {
            assert!(files.contains_key(own), "{kind}: {:?}", files.keys());
            assert!(files["README.md"].contains("ombud build . --out build/package"), "{kind}");
            for (path, text) in files {
                assert!(!text.contains("{{"), "{kind} {path} has a name left out");
            }
        }
    }
}

#[test]
fn a_path_makes_the_folder_there_and_its_last_part_is_the_name() {
    let data = folder();
    let files = new(&data, "policies/late-2", "js", "delay");
    assert!(files["package.json"].contains("\"name\": \"late-2\""));
    let longest = "l".repeat(64);
    assert!(new(&data, &longest, "table", "delay").contains_key("table.yaml"));
}

#[test]
fn what_is_no_name_is_refused_and_nothing_is_written() {
    let data = folder();
    let too_long = "l".repeat(65);
    for name in ["Late", "9late", "-late", "la te", "spät", "late.js", "la\\te", "..", "/", "late/..", too_long.as_str()] {
        let ran = ombud_in(data.path(), &["new", "--lang", "js", "--kind", "delay", "--", &format!("DATA/{name}")]);
        ran.exits(2).complains("is no name");
    }
    ombud_in(data.path(), &["new", "DATA/one/../late", "--lang", "js", "--kind", "delay"]).exits(2).complains("`..` can only stand");
    ombud_in(data.path(), &["new", "DATA/late", "--lang", "cobol", "--kind", "delay"]).exits(2).complains("possible values: rust, js");
    ombud_in(data.path(), &["new", "DATA/late", "--lang", "js", "--kind", "ops"]).exits(2).complains("after-sale");
    assert!(files(data.path()).is_empty() && std::fs::read_dir(data.path()).unwrap().next().is_none());
}

#[test]
fn a_folder_that_is_there_stays_as_it_is() {
    let data = folder();
    let before = new(&data, "late", "js", "delay");
    ombud_in(data.path(), &["new", "DATA/late", "--lang", "python", "--kind", "reply"]).exits(2).complains("is there already");
    assert_eq!(files(&data.path().join("late")), before);
    data.write("file", "mine");
    ombud_in(data.path(), &["new", "DATA/file", "--lang", "js", "--kind", "delay"]).exits(2).complains("is there already");
    assert_eq!(files(data.path())["file"], "mine");
}

#[test]
fn a_program_outside_a_checkout_asks_for_the_sdk() {
    let data = folder();
    let program = data.path().join("ombud");
    std::fs::copy(env!("CARGO_BIN_EXE_ombud"), &program).unwrap();
    let run = |rest: &[&str]| {
        let arguments = ["new", "late", "--lang", "rust", "--kind", "delay"];
        Command::new(&program).args(arguments).args(rest).current_dir(data.path()).output().unwrap()
    };
    let refused = run(&[]);
    assert_eq!(refused.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&refused.stderr).contains("--sdk"));
    assert!(!data.path().join("late").exists());
    assert_eq!(run(&["--sdk", root().join("plugins/sdk").to_str().unwrap()]).status.code(), Some(0));
    let manifest = std::fs::read_to_string(data.path().join("late/Cargo.toml")).unwrap();
    let sdk = manifest.lines().find_map(|line| line.strip_prefix("ombud-sdk = { path = \"")).and_then(|rest| rest.split('"').next());
    assert!(data.path().join("late").join(sdk.unwrap()).join("Cargo.toml").is_file(), "{manifest}");
}

#[test]
fn the_examples_have_the_types_that_a_new_policy_gets() {
    let data = folder();
    let js = new(&data, "exchange-first", "js", "after-sale");
    let own = files(&root().join("plugins/exchange-first/src"));
    assert_eq!(own["contract.d.ts"], js["src/contract.d.ts"]);
    let python = new(&data, "fruit-loss", "python", "after-sale");
    for (path, text) in files(&root().join("plugins/fruit-loss/typings")) {
        assert_eq!(text, python[&format!("typings/{path}")], "{path}");
    }
    // The types are those of the kind: an s64 is a bigint, an option may be undefined or none, names are the language's own.
    let types = &js["src/contract.d.ts"];
    for line in [
        "export type Fen = bigint;",
        "  refund: Fen;",
        "  signedAt: InstantMs | undefined;",
        "  lines: Array<OrderLine>;",
        "export interface AfterSaleRuling {",
    ] {
        assert!(types.contains(line), "no `{line}` in\n{types}");
    }
    let stub = &python["typings/wit_world/imports/after_sale_types.pyi"];
    for line in ["    refund: int\n", "    signed_at: int | None\n", "    notes: types.Notes\n", "class AfterSaleRuling:\n"] {
        assert!(stub.contains(line), "no `{line}` in\n{stub}");
    }
}

#[test]
fn a_new_table_passes_its_cases_and_checks() {
    let data = folder();
    for kind in KINDS {
        new(&data, kind, "table", kind);
    }
    ombud_in(data.path(), &["test", "DATA/after-sale", "DATA/delay", "DATA/blacklist", "DATA/reply"]).exits(0).says(" 0 failed");
    // From its own folder: the package that runs tables is found beside the program.
    ombud_alone(&data.path().join("delay"), &["check", "."]).exits(0).says("edges");
}

#[test]
fn a_new_rust_policy_passes_its_own_tests() {
    for kind in KINDS {
        let data = folder();
        new(&data, &format!("new-{kind}"), "rust", kind);
        let own = data.path().join(format!("new-{kind}"));
        // The versions of this workspace, which are on this machine: nothing is fetched.
        std::fs::copy(root().join("Cargo.lock"), own.join("Cargo.lock")).unwrap();
        let tested = Command::new(env!("CARGO"))
            .args(["test", "--offline", "--quiet"])
            .current_dir(&own)
            .env("CARGO_TARGET_DIR", Path::new(env!("CARGO_TARGET_TMPDIR")).join("new-policies"))
            .output()
            .unwrap();
        let said = format!("{}{}", String::from_utf8_lossy(&tested.stdout), String::from_utf8_lossy(&tested.stderr));
        assert!(tested.status.success() && said.contains("1 passed"), "{kind}: {said}");
    }
}

/// What a build complains of where tools are only found in the policy's parent folder.
fn build_with_path(folder: &Path, name: &str) -> String {
    let mut build = Command::new(env!("CARGO_BIN_EXE_ombud"));
    let ran = build.args(["build", name, "--out", "out"]).current_dir(folder).env("PATH", folder).output().unwrap();
    assert_eq!(ran.status.code(), Some(2));
    String::from_utf8(ran.stderr).unwrap()
}

#[test]
fn a_missing_tool_is_named_with_what_to_install() {
    let data = folder();
    for lang in ["rust", "js", "python"] {
        new(&data, &format!("{lang}-one"), lang, "reply");
    }
    let build = |name: &str, complaint: &str| {
        let said = build_with_path(data.path(), name);
        assert!(said.contains(complaint), "{said}");
    };
    build("rust-one", "cargo cannot be started: install Rust");
    build("js-one", "no `node`: install Node.js 20 or newer");
    build("python-one", "python3 -m venv .venv && .venv/bin/pip install -r requirements.txt");
    assert!(!data.path().join("out").exists());
}

#[cfg(unix)]
#[test]
fn an_old_node_and_a_folder_without_its_modules_are_named() {
    use std::os::unix::fs::PermissionsExt as _;
    let data = folder();
    new(&data, "js-one", "js", "reply");
    let node = |says: &str| {
        let path = data.write("node", &format!("#!/bin/sh\necho {says}\n"));
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
        build_with_path(data.path(), "js-one")
    };
    let old = node("v18.20.4");
    assert!(old.contains("is v18.20.4: install Node.js 20 or newer"), "{old}");
    let bare = node("v20.0.0");
    assert!(bare.contains("run `npm install` in"), "{bare}");
    std::fs::create_dir_all(data.path().join("js-one/node_modules/@bytecodealliance/componentize-js")).unwrap();
    data.write("js-one/node_modules/@bytecodealliance/componentize-js/package.json", r#"{"version": "0.23.0"}"#);
    std::fs::remove_file(data.path().join("js-one/tsconfig.json")).unwrap();
    let neither = node("v20.0.0");
    assert!(neither.contains("neither `tsconfig.json`") && neither.contains("`src/policy.js`"), "{neither}");
}

#[test]
fn a_manifest_that_says_too_little_is_refused_with_what_is_missing() {
    let data = folder();
    std::fs::create_dir(data.path().join("one")).unwrap();
    let build = || ombud(&["build", &format!("{}/one", data.text())]);
    build().exits(2).complains("`package.json` (JavaScript, TypeScript)");
    for (manifest, text, complaint) in [
        ("package.json", "{", "`package.json`"),
        ("package.json", r#"{"name": "one", "version": "1.0.0"}"#, "`ombud` with the kind"),
        ("package.json", r#"{"name": "one", "version": "1.0.0", "ombud": {}}"#, "the kind is not named"),
        ("package.json", r#"{"name": "one", "version": "1.0.0", "ombud": {"kind": "ops"}}"#, "`ops` is no kind: after-sale"),
        ("package.json", r#"{"name": "one", "version": "1.0.0", "ombud": {"kind": "reply", "case": "c"}}"#, "unknown field `case`"),
        (
            "package.json",
            r#"{"name": "one", "version": "1.0.0", "ombud": {"kind": "reply", "contract": "1.2"}}"#,
            "`1.2` is no version of the contract that this program knows: 1.0, 1.1",
        ),
        ("pyproject.toml", "[project]\nname = \"one\"\nversion = \"1\"\n", "`pyproject.toml`"),
        (
            "pyproject.toml",
            "[project]\nname = \"one\"\nversion = \"1\"\n[tool.ombud]\nkind = \"reply\"\ncontract = \"2\"\n",
            "`2` is no version of the contract",
        ),
        ("pyproject.toml", "[project]\nname = \"one\"\nversion = \"1\"\n[tool.ombud]\nkind = \"ops\"\n", "`ops` is no kind"),
    ] {
        let path = data.write(&format!("one/{manifest}"), text);
        build().exits(2).complains(complaint);
        std::fs::remove_file(path).unwrap();
    }
}

#[test]
fn a_policy_names_the_contract_that_it_is_written_for() {
    let data = folder();
    let old = new(&data, "old", "js", "reply");
    assert!(old["package.json"].contains("\"contract\": \"1.0\"") && !old.contains_key("src/text.d.ts"));
    for (lang, file, line) in [
        ("js", "package.json", "\"contract\": \"1.1\""),
        ("js", "src/text.d.ts", "export function find(text: string, words: Array<string>): Array<Found>;"),
        ("python", "pyproject.toml", "contract = \"1.1\""),
        ("python", "typings/wit_world/imports/text.pyi", "def find(text: str, words: list[str]) -> list[Found]:"),
        ("rust", "Cargo.toml", "features = [\"reply\", \"v1-1\"]"),
    ] {
        let name = format!("{lang}-{}", line.len());
        ombud_in(data.path(), &["new", &format!("DATA/{name}"), "--lang", lang, "--kind", "reply", "--contract", "1.1"]).exits(0);
        let files = files(&data.path().join(name));
        assert!(files[file].contains(line), "{file}: {}", files[file]);
    }
    ombud_in(data.path(), &["new", "DATA/two", "--lang", "js", "--kind", "reply", "--contract", "2.0"]).exits(2).complains("1.0, 1.1");
    ombud_in(data.path(), &["new", "DATA/rows", "--lang", "table", "--kind", "reply", "--contract", "1.1"]).exits(2).complains("a table");
}

#[test]
fn the_operator_asks_a_data_directory_which_contract_is_used() {
    let data = folder();
    let file = data.write("m.json", r#"{"id": "m-books", "shop_id": "20001", "platform": "own-site"}"#);
    ombud_in(data.path(), &["merchant", "put", &file, "--data", "DATA/d"]).exits(0).says("1.0.0");
    ombud_in(data.path(), &["contracts", "--data", "DATA/d"]).exits(0).says("ombud:policy@1.0.0").says("ombud:policy@1.1.0");
    let listed = ombud_in(data.path(), &["contracts", "--data", "DATA/d", "--version", "1.0.0", "--json"]).exits(0).json();
    assert_eq!(listed["contracts"][0]["policies"], 4);
    assert_eq!((listed["uses"].as_array().unwrap().len(), &listed["uses"][0]["merchant"]), (4, &serde_json::json!("m-books")));
    ombud_in(data.path(), &["contracts", "--data", "DATA/d", "--version", "1.2.0"]).exits(2).complains("1.0.0, 1.1.0");
}
