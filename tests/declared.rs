//! The rules that the platform's own packages declare are those that they look at: what the cases expect of them, and what their sources name.

use std::collections::BTreeSet;
use std::path::Path;

use ombud_core::declared::DeclaredRules;
use ombud_core::kind::Kind;
use ombud_sandbox::{LoadLimits, inspect};
use ombud_tests::guests::root;
use ombud_tests::uploads::policy;
use serde_norway::Value;

/// Each package with the places in which its rules are written, beside its own source, and what their ids begin with.
const PACKAGES: [(&str, &[&str], &[&str]); 5] = [
    ("after-sale", &["plugins/rules/src/after_sale/sources.rs"], &["AS-"]),
    ("delay", &[], &["DC-"]),
    ("blacklist", &[], &["BL-"]),
    ("reply", &["plugins/rules/data/lexicon.yaml"], &["RC-"]),
    ("guardrail", &[], &["GR-"]),
];

/// What a built package declares.
fn declared(package: &str) -> DeclaredRules {
    inspect(&policy(package), &LoadLimits::default()).unwrap().rules.unwrap_or_else(|| panic!("`{package}` declares no rules"))
}

fn ids(rules: &DeclaredRules, kind: Kind) -> Vec<&str> {
    rules.of(kind).iter().map(|own| own.rule.as_str()).collect()
}

/// Ids that a text names in quotes, or, in a lexicon, at the beginning of a line.
fn named(text: &str, prefix: &str) -> BTreeSet<String> {
    let starts = text.match_indices(prefix).filter(|(at, _)| *at == 0 || matches!(text.as_bytes()[at - 1], b'"' | b'\n'));
    let ids = starts.map(|(at, _)| {
        let end = |letter: char| !(letter.is_ascii_alphanumeric() || letter == '-');
        text[at..].split(end).next().unwrap_or_default().to_owned()
    });
    ids.collect()
}

fn sources(folder: &Path, text: &mut String) {
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        let name = entry.file_name();
        if path.is_dir() && name != "tests" {
            sources(&path, text);
        } else if path.is_file() && name != "tests.rs" {
            text.push_str(&std::fs::read_to_string(path).unwrap());
        }
    }
}

#[test]
fn what_is_declared_is_what_the_sources_name() {
    for (package, more, prefixes) in PACKAGES {
        let built = declared(package);
        let folder = root().join("plugins").join(package);
        let written = std::fs::read_to_string(folder.join("rules.json")).unwrap();
        assert_eq!(built, DeclaredRules::parse(&written).unwrap(), "`policies/{package}` is not built from `plugins/{package}/rules.json`");

        let mut text = String::new();
        sources(&folder.join("src"), &mut text);
        more.iter().for_each(|path| text.push_str(&std::fs::read_to_string(root().join(path)).unwrap()));
        let named: BTreeSet<String> = prefixes.iter().flat_map(|prefix| named(&text, prefix)).collect();
        let declared: BTreeSet<String> = Kind::ALL.iter().flat_map(|kind| ids(&built, *kind)).map(str::to_owned).collect();
        let missing: Vec<_> = named.difference(&declared).collect();
        assert!(missing.is_empty(), "`plugins/{package}/rules.json` lacks {missing:?}, which its source names");
        let idle: Vec<_> = declared.difference(&named).collect();
        assert!(idle.is_empty(), "`plugins/{package}/rules.json` has {idle:?}, which its source does not name");
        assert!(declared.len() >= 20, "{package}: {declared:?}");
    }
}

#[test]
fn whatever_rule_a_case_expects_is_declared() {
    let mut files = vec![root().join("tests/cases/golden.yaml"), root().join("tests/cases/guardrail-cases.yaml")];
    files.extend(std::fs::read_dir(root().join("tests/cases/examined")).unwrap().flatten().map(|entry| entry.path()));
    assert!(files.len() > 8);
    let mut seen = BTreeSet::new();
    for file in files {
        let cases: Value = serde_norway::from_str(&std::fs::read_to_string(&file).unwrap()).unwrap();
        for case in cases["cases"].as_sequence().unwrap() {
            let Some(kind) = case["kind"].as_str().and_then(Kind::parse) else { continue };
            let package = if case.get("ruling").is_some() { "guardrail" } else { kind.as_str() };
            for rule in case["expect"]["rules"].as_sequence().into_iter().flatten().filter_map(Value::as_str) {
                seen.insert((package, kind, rule.to_owned()));
            }
        }
    }
    assert!(seen.len() > 150, "{}", seen.len());
    for (package, kind, rule) in seen {
        assert!(
            ids(&declared(package), kind).contains(&rule.as_str()),
            "`plugins/{package}/rules.json` lacks {kind} `{rule}`, which cases expect"
        );
    }
}

#[test]
fn after_sale_rules_stand_in_the_order_of_the_table() {
    let table = std::fs::read_to_string(root().join("plugins/after-sale/src/table.rs")).unwrap();
    let place = |rule: &str| table.find(&format!("= \"{rule}\""));
    let built = declared("after-sale");
    // AS-005 is asked when every line has its answer.
    let rows: Vec<&str> = ids(&built, Kind::AfterSale).into_iter().filter(|rule| *rule != "AS-005" && place(rule).is_some()).collect();
    assert!(rows.len() > 60, "{rows:?}");
    assert!(rows.is_sorted_by_key(|rule| place(rule)), "{rows:?}");
}
