//! How the contract grows: every version is a compatible growth of the one before, by the component tools' own check; components that were built
//! for an old one, byte for byte as they were released, decide beside new ones in one server and replay; other versions are refused by name.

use std::path::Path;

use ombud::service::{Options, Role, Scope, Service};
use ombud_core::ids::MerchantId;
use ombud_sandbox::{Inspection, LoadLimits, Refused, Sandbox, VERSIONS, inspect};
use ombud_tests::events::{event, set};
use ombud_tests::guests::{self, root};
use ombud_tests::server::{Merchant, Server, policies_with, rules};
use serde_json::{Value, json};
use wit_parser::{Resolve, WorldId};

/// The folder of each released version, the oldest first.
const RELEASED: [(&str, &str); 2] = [("1.0.0", "wit/v1"), ("1.1.0", "wit/v1.1")];

/// The worlds of an older and of a newer package, by the names of the older one's.
fn worlds(old: &Path, new: &Path) -> (Resolve, Vec<(String, WorldId, Option<WorldId>)>) {
    let mut resolve = Resolve::default();
    let mut package = |path: &Path| resolve.push_dir(path).unwrap_or_else(|error| panic!("{}: {error:#}", path.display())).0;
    let (old, new) = (package(old), package(new));
    let of = |package| resolve.packages[package].worlds.clone();
    let (old, new) = (of(old), of(new));
    let pairs = old.iter().map(|(name, world)| (name.clone(), *world, new.get(name).copied())).collect();
    (resolve, pairs)
}

/// What of the older package the newer one breaks: each world by name.
fn broken(old: &Path, new: &Path) -> Vec<String> {
    let (resolve, pairs) = worlds(old, new);
    let fits = |(name, old, new): &(String, WorldId, Option<WorldId>)| match new {
        None => Some(format!("{name}: is gone")),
        Some(new) => wit_component::semver_check(resolve.clone(), *old, *new).err().map(|error| format!("{name}: {error:#}")),
    };
    pairs.iter().filter_map(fits).collect()
}

#[test]
fn every_released_version_is_a_compatible_growth_of_the_one_before() {
    assert_eq!(RELEASED.map(|(version, _)| version), VERSIONS);
    for pair in RELEASED.windows(2) {
        let [(_, old), (version, new)] = pair else { unreachable!() };
        let (resolve, pairs) = worlds(&root().join(old), &root().join(new));
        assert_eq!(pairs.len(), 6, "{old}");
        assert!(resolve.packages.iter().any(|(_, package)| package.name.to_string() == format!("ombud:policy@{version}")));
        assert_eq!(broken(&root().join(old), &root().join(new)), [""; 0], "{new} breaks components that were built for {old}");
    }
}

/// The newest version with one change.
fn changed(file: &str, from: &str, to: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for entry in std::fs::read_dir(root().join("wit/v1.1")).unwrap().flatten() {
        std::fs::copy(entry.path(), folder.path().join(entry.file_name())).unwrap();
    }
    let path = folder.path().join(file);
    let text = std::fs::read_to_string(&path).unwrap();
    assert!(text.contains(from), "{file} has no `{from}`");
    std::fs::write(path, text.replacen(from, to, 1)).unwrap();
    folder
}

#[test]
fn what_would_break_released_components_is_told() {
    let old = root().join("wit/v1");
    let breaks = |file: &str, from: &str, to: &str| broken(&old, changed(file, from, to).path());
    for (file, from, to) in [
        // A field more, a case more, another type, another order of parameters.
        ("types.wit", "record attribute { key: string, value: string }", "record attribute { key: string, value: string, note: string }"),
        ("types.wit", "enum tri { yes, no, unknown }", "enum tri { yes, no, unknown, both }"),
        ("types.wit", "type fen = s64;", "type fen = u64;"),
        ("log.wit", "write: func(level: level, message: string);", "write: func(message: string, level: level);"),
        // A function more in what components export, and one less in what they import.
        ("settings.wit", "prepare: func", "explain: func() -> string;\n  prepare: func"),
        ("worlds.wit", "world delay-policy { import log;", "world delay-policy {"),
        // Another interface that every component would have to export, and a world that is gone.
        ("worlds.wit", "export settings; export delay; }", "export settings; export delay; export reply; }"),
        ("worlds.wit", "world delay-policy", "world late-policy"),
    ] {
        let told = breaks(file, from, to);
        assert!(!told.is_empty(), "{file}: `{to}` breaks nothing");
    }
    // One import more, in a new interface or in one that is there, breaks nothing.
    let more = "world delay-policy { import calendar: interface { is-off: func(day: s32) -> bool; }";
    assert_eq!(breaks("worlds.wit", "world delay-policy {", more), [""; 0]);
    assert_eq!(breaks("log.wit", "write: func", "flush: func();\n  write: func"), [""; 0]);
}

fn inspected(component: &[u8]) -> Result<Inspection, Refused> {
    inspect(component, &LoadLimits::default())
}

#[test]
fn a_component_says_which_version_it_was_built_for() {
    let contract = |component: &[u8]| inspected(component).unwrap().contract;
    assert_eq!(contract(&guests::component("trap", "delay-policy")), "ombud:policy@1.0.0");
    assert_eq!(contract(&guests::component_of_v1_1("trap", "delay-policy", &guests::text("trap"))), "ombud:policy@1.1.0");
    for (version, name) in [("1.0", "lavish"), ("1.1", "wording")] {
        let bytes = std::fs::read(root().join(format!("tests/released/v{version}/{name}/{name}.wasm"))).unwrap();
        assert_eq!(contract(&bytes), format!("ombud:policy@{version}.0"));
    }
    // What imports `text` is of version 1.1, whatever version the rest has.
    let mixed = guests::component_of_v1_1("folds-text", "delay-policy", &guests::text("folds-text"));
    assert!(inspected(&mixed).unwrap().imports.contains(&"ombud:policy/text@1.1.0".to_owned()));
}

#[test]
fn other_versions_are_refused_by_name_with_what_to_do() {
    let sandbox = Sandbox::new().unwrap();
    let refuse = |text: &str| sandbox.load(&wat::parse_str(text).unwrap()).unwrap_err();
    for version in ["1.2.0", "2.0.0", "1.0.1", "1.1.0-rc.1", "0.1.0"] {
        let (import, export) = (format!("ombud:policy/log@{version}"), format!("ombud:policy/delay@{version}"));
        let imports = refuse(&format!(r#"(component (import "{import}" (instance)))"#));
        assert_eq!(imports, Refused::Version(import));
        let exports = refuse(&format!(r#"(component (instance $none) (export "{export}" (instance $none)))"#));
        assert_eq!(exports, Refused::Version(export.clone()));
        assert_eq!(exports.code(), "version");
        let said = exports.to_string();
        assert!(said.contains(&export) && said.contains("1.0.0 and 1.1.0") && said.contains("build it for one of them"), "{said}");
    }
    // What the version does not have, and what has none.
    for import in ["ombud:policy/text@1.0.0", "ombud:policy/clock@1.1.0", "ombud:policy/log"] {
        assert_eq!(refuse(&format!(r#"(component (import "{import}" (instance)))"#)), Refused::Import(import.into()));
    }
}

/// Posts a draft and gives its decision.
fn drafted(merchant: &Merchant<'_>, own: &str, text: &str) -> Value {
    let mut draft = event("reply.drafted", own);
    set(&mut draft, "/data/reply/text", json!(text));
    merchant.decide(&draft)
}

/// The contract that a decision's record names.
fn recorded(merchant: &Merchant<'_>, decision: &Value) -> String {
    let path = format!("/decisions/{}/explanation?for=auditor", decision["id"].as_str().unwrap());
    let explained = merchant.call(Role::Auditor, "GET", &path).send().ok();
    explained["policy"]["contract"].as_str().unwrap().to_owned()
}

#[test]
fn components_of_both_versions_decide_beside_each_other_and_replay() {
    let released = root().join("tests/released");
    let (_folder, policies) = policies_with(&[&released.join("v1.0/lavish"), &released.join("v1.1/wording")]);
    let data = tempfile::tempdir().unwrap();
    let server = Server::on(data.path(), &policies);
    let old = server.merchant(json!({"policies": {"delay": {"policy": "lavish"}}}));
    let new = server.merchant(json!({"policies": {"reply": {"policy": "wording", "settings": {"words": ["包退", "升值"]}}}}));
    // One server, two merchants, in turn.
    let mut of_old = Vec::new();
    let mut of_new = Vec::new();
    for round in 0..3 {
        let coupon = old.decide(&event("delay.detected", &format!("old-{round}")));
        assert_eq!((&coupon["policy"]["name"], rules(&coupon).contains(&"LAVISH-1")), (&json!("lavish"), true), "{coupon}");
        of_old.push(coupon);
        // Full-width, with a filler, and with a formal numeral's neighbour: the host finds what the policy looks for.
        let held = drafted(&new, &format!("new-{round}"), "亲，包*退 哦");
        assert_eq!((&held["outcome"], &held["policy"]["name"]), (&json!("hold-for-evidence"), &json!("wording")), "{held}");
        assert_eq!(held["ruling"]["findings"][0]["matched"], json!("包*退"), "{held}");
        assert_eq!((&held["ruling"]["findings"][0]["start"], &held["ruling"]["findings"][0]["end"]), (&json!(2), &json!(5)), "{held}");
        of_new.push(held);
        assert_eq!(drafted(&new, &format!("good-{round}"), "亲，今天发货")["outcome"], json!("pass"));
    }
    assert_eq!(recorded(&old, &of_old[0]), "ombud:policy@1.0.0");
    assert_eq!(recorded(&new, &of_new[0]), "ombud:policy@1.1.0");
    let merchants = [&old, &new].map(|merchant| MerchantId::new(&merchant.id).unwrap());
    for (merchant, decision) in [(&old, &of_old[1]), (&new, &of_new[1])] {
        let path = format!("/decisions/{}/replay", decision["id"].as_str().unwrap());
        assert_eq!(merchant.call(Role::Auditor, "POST", &path).send().ok()["identical"], json!(true));
    }
    drop((old, new));
    server.stop();
    // Without the packages, from what was stored: all of them, fuel included.
    let service = Service::open(data.path(), Options { policies: Some(root().join("policies")), ..Options::default() }).unwrap();
    let parts = service.own_replays().parts(&Scope { merchants: merchants.to_vec(), ..Scope::default() }).unwrap();
    let total = service.own_replays().run(&parts, 1, |_| ()).unwrap().total();
    assert_eq!((total.replayed(), total.identical), (9, 9));
}

#[test]
fn the_operator_sees_which_merchants_use_which_version() {
    let (_folder, policies) = policies_with(&[&root().join("tests/released/v1.1/wording")]);
    let server = Server::start(tempfile::tempdir().unwrap(), &policies);
    let contracts = |query: &str| server.call("GET", &format!("/v1/contracts{query}")).key(&server.operator).send();
    let counted = |page: &Value, version: &str| {
        let contract = format!("ombud:policy@{version}");
        let count = page["contracts"].as_array().unwrap().iter().find(|count| count["contract"] == json!(contract)).unwrap();
        (count["merchants"].as_u64().unwrap(), count["policies"].as_u64().unwrap())
    };
    let nobody = contracts("").ok();
    assert_eq!((counted(&nobody, "1.0.0"), counted(&nobody, "1.1.0"), &nobody["uses"]), ((0, 0), (0, 0), &json!([])));
    assert_eq!(nobody["guardrail"], json!("ombud:policy@1.0.0"));

    let merchants: Vec<_> = (0..3).map(|_| server.merchant(json!({}))).collect();
    let newer = server.merchant(json!({"policies": {"reply": {"policy": "wording"}}}));
    let page = contracts("").ok();
    assert_eq!((counted(&page, "1.0.0"), counted(&page, "1.1.0")), ((4, 15), (1, 1)));
    assert_eq!((page["uses"].as_array().unwrap().len(), page["cursor"].is_null()), (16, true));
    // The new version's alone; a merchant's own list says the same.
    let new = contracts("?version=1.1.0").ok();
    let used = json!({"merchant": newer.id, "kind": "reply", "policy": "wording", "version": new["uses"][0]["version"], "contract": "ombud:policy@1.1.0"});
    assert_eq!(new["uses"], json!([used]));
    let own = newer.call(Role::MerchantAdmin, "GET", "/policies").send().ok();
    let reply = own.as_array().unwrap().iter().find(|policy| policy["kind"] == json!("reply")).unwrap();
    assert_eq!(reply["contract"], json!("ombud:policy@1.1.0"));
    // Page by page it is the same, with the policies of a merchant together.
    let mut paged = Vec::new();
    let mut query = "?limit=1".to_owned();
    loop {
        let page = contracts(&query).ok();
        let uses = page["uses"].as_array().unwrap().clone();
        assert!(!uses.is_empty() && uses.iter().all(|used| used["merchant"] == uses[0]["merchant"]), "{page}");
        paged.extend(uses);
        match page["cursor"].as_str() {
            Some(cursor) => query = format!("?limit=1&cursor={cursor}"),
            None => break,
        }
    }
    assert_eq!(json!(paged), page["uses"]);
    assert_eq!(merchants.len(), 3);

    let metrics = server.call("GET", "/metrics").key(&server.operator).send().text();
    for series in [r#"ombud_contract_policies{version="1.0.0"} 15"#, r#"ombud_contract_merchants{version="1.1.0"} 1"#] {
        assert!(metrics.contains(series), "{series}");
    }
    for (query, pointer) in [("?version=1.2.0", "/version"), ("?version=", "/version"), ("?limit=0", "/limit"), ("?limit=201", "/limit")] {
        let refused = contracts(query).problem(422);
        assert!(refused.to_string().contains(pointer), "{query}: {refused}");
    }
}
