//! What the gate refuses, each through HTTP: nothing of it is kept but an act.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpStream};

use ombud::service::Role;
use ombud_ledger::Digest;
use ombud_sandbox::{LoadLimits, inspect};
use ombud_tests::client::pointers;
use ombud_tests::guests::component;
use ombud_tests::server::{Merchant, shared};
use ombud_tests::uploads::{ended, facts, failed_step, form, guest, named, policy, upload, with_section};
use serde_json::json;

use super::acts;

/// Uploads what is refused: by which step, and the problems. Nothing of it is kept but an act.
#[track_caller]
pub(super) fn refused(merchant: &Merchant<'_>, component: Vec<u8>) -> (String, String) {
    let digest = Digest::of(&component);
    let (status, document) = ended(merchant, &upload(merchant, component).send());
    assert_eq!(status, 422, "{document}");
    let (step, problems) = failed_step(&document);
    assert!(document["detail"].as_str().or(document["problem"].as_str()).unwrap().starts_with(&step), "{document}");
    let act = &acts(merchant)[0];
    assert_eq!(
        (&act["name"], &act["body"]["step"], &act["body"]["after"]),
        (&json!("policy.refused"), &json!(step), &json!(digest.to_string()))
    );
    nothing_is_kept(merchant, &digest);
    (step, problems)
}

/// Neither bytes nor version nor code.
#[track_caller]
pub(super) fn nothing_is_kept(merchant: &Merchant<'_>, digest: &Digest) {
    let data = &merchant.server.data;
    let database = rusqlite::Connection::open_with_flags(data.join("ombud.db"), rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap();
    for table in ["blobs WHERE digest", "versions WHERE component"] {
        let rows: i64 = database.query_row(&format!("SELECT count(*) FROM {table} = ?1"), [digest.0], |row| row.get(0)).unwrap();
        assert_eq!(rows, 0, "{table}");
    }
    let code = std::fs::read_dir(data.join("code")).unwrap().flatten();
    assert!(code.into_iter().all(|file| !file.file_name().to_string_lossy().starts_with(&digest.to_string())), "compiled code is left");
}

#[test]
fn what_is_no_component_of_the_contract() {
    let merchant = shared().merchant(json!({}));
    let bytes = policy("delay");
    for (component, step, problem) in [
        (b"<html>".to_vec(), "structure", "not a WebAssembly file"),
        (b"\0asm\x01\0\0\0".to_vec(), "structure", "core module"),
        (bytes[..bytes.len() / 2].to_vec(), "structure", "not a valid component"),
        (wat::parse_str("(component (import \"wasi:clocks/wall-clock@0.2.0\" (instance)))").unwrap(), "imports", "wasi:clocks"),
        (wat::parse_str("(component)").unwrap(), "contract", "exports no kind"),
        (with_section(&policy("guardrail"), "padding", b"other than the operator's"), "contract", "a guardrail is the operator's"),
        (component("trap", "delay-policy"), "metadata", "neither its name nor its version"),
        (named(&component("trap", "delay-policy"), &facts("traps", "1")), "edges", "divide by zero"),
        // A policy that never ends an ordinary question is none; only for the largest its fuel need not last.
        (named(&component("endless-loop", "delay-policy"), &facts("loops", "1")), "edges", "now = 0: out of "),
    ] {
        let (failed, problems) = refused(&merchant, component);
        assert_eq!(failed, step, "{problems}");
        assert!(problems.contains(problem), "{step}: {problems}");
    }
    // It was compiled to be asked, and that is gone as well; nobody else has the same code.
    let trap = inspect(&named(&component("trap", "delay-policy"), &facts("traps", "1")), &LoadLimits::default()).unwrap();
    let code = Digest(trap.code).to_string();
    let files = std::fs::read_dir(shared().data.join("code")).unwrap().flatten();
    assert!(files.into_iter().all(|file| !file.file_name().to_string_lossy().starts_with(&code)), "compiled code is left");
}

#[test]
fn what_it_says_of_itself_is_there_once_and_true() {
    let merchant = shared().merchant(json!({}));
    let bare = component("long-error", "delay-policy");
    let with = |facts: serde_json::Value| named(&bare, &facts);
    let own = guest("honest", "1");
    let schema = with_section(&own, "ombud:settings-schema", b"{}");
    let rules = |json: &str| with_section(&own, "ombud:rules", json.as_bytes());
    let member = |name: &str, value: serde_json::Value| {
        let mut all = facts("liar", "1");
        all[name] = value;
        with(all)
    };
    for (component, problem) in [
        (named(&own, &facts("other", "2")), "`ombud:package`: it stands there twice"),
        (with_section(&schema, "ombud:settings-schema", b"{}"), "`ombud:settings-schema`: it stands there twice"),
        (with_section(&with_section(&own, "ombud:cases", b"cases: []"), "ombud:cases", b""), "`ombud:cases`: it stands there twice"),
        (with_section(&bare, "ombud:package", br#"{"name": "a", "version": "1", "name": "b"}"#), "duplicate field"),
        (with_section(&bare, "ombud:package", b"name: a"), "`ombud:package`"),
        (with_section(&bare, "ombud:package", b"\xff"), "no text"),
        (with_section(&bare, "ombud:package", br#"{"name": "a", "version": "1", "decides": "everything"}"#), "unknown field"),
        (with_section(&own, "ombud:settings-schema", &vec![b' '; (256 << 10) + 1]), "more than 262144"),
        (
            rules(r#"{"delay": [{"rule": "D-1"}, {"rule": "D-1"}]}"#),
            "`ombud:rules`: `/delay/1/rule`: `D-1` stands there twice: declare it once",
        ),
        (rules(r#"{"delay": [{"rule": "D-1", "when": "late"}]}"#), "`ombud:rules`: unknown field `when`"),
        (
            rules(r#"{"reply": [{"rule": "R-1"}]}"#),
            "`/reply` has rules, and the component neither decides nor reviews reply: take them out",
        ),
        (with_section(&rules("{}"), "ombud:rules", b"{}"), "`ombud:rules`: it stands there twice"),
        (rules(&format!("{{}}{}", " ".repeat((256 << 10) - 1))), "more than 262144"),
        (
            rules("{\"delay\": [{\"rule\": \"D-1\", \"title\": \"\u{202e}etal\"}]}"),
            "the rule \\\"D-1\\\" of delay has characters that cannot be shown",
        ),
        (rules("{\"delay\": [{\"rule\": \"D\u{2066}1\"}]}"), "in its id or its title"),
        (member("description", json!("good\u{202e}dab")), "the description"),
        (member("kinds", json!(["delay", "reply"])), "its exports are delay"),
        (member("license", json!("MIT\nand all rights reserved")), "the licence"),
        (with_section(&own, "version", b"2"), "section `version` says"),
        (with_section(&own, "licenses", b"GPL-3.0-only"), "section `licenses` says"),
        (with(facts("../../etc/passwd", "1")), "no name of a policy"),
        (with(facts("a/b", "1")), "no name of a policy"),
        (with(facts("a", "../1")), "no version"),
        (with(facts("a", &"1".repeat(65))), "no version"),
    ] {
        let (step, problems) = refused(&merchant, component);
        assert_eq!(step, "metadata", "{problems}");
        assert!(problems.contains(problem), "no {problem:?} in {problems}");
    }
    // What is said twice and the same is no lie.
    let honest = with_section(&member("author", json!("Ada")), "authors", b"Ada");
    let (status, document) = ended(&merchant, &upload(&merchant, with_section(&honest, "version", b"1")).send());
    assert_eq!((status, &document["package"]["author"]), (201, &json!("Ada")), "{document}");
    // As many bytes of rules as may be.
    let (status, document) = ended(&merchant, &upload(&merchant, rules(&format!("{{}}{}", " ".repeat((256 << 10) - 2)))).send());
    assert_eq!(status, 201, "{document}");
}

#[test]
fn schema_settings_and_cases_that_do_not_hold() {
    let merchant = shared().merchant(json!({}));
    let own = guest("unsound", "1");
    let schema = |schema: serde_json::Value| with_section(&own, "ombud:settings-schema", schema.to_string().as_bytes());
    let cases = |text: &str| with_section(&own, "ombud:cases", text.as_bytes());
    let delays = inspect(&policy("delay"), &LoadLimits::default()).unwrap().cases.unwrap();
    let bomb = format!(
        "a: &a [x, x]\n{}cases: []",
        (0..30)
            .map(|n| format!("a{n}: &a{n} [*a{0}, *a{0}]\n", if n == 0 { String::new() } else { (n - 1).to_string() }))
            .collect::<String>()
    );
    for (component, step, problem) in [
        (schema(json!({"properties": {"a": {"type": "integer", "minimum": 5, "default": 1}}})), "schema", "refuses its own default"),
        (schema(json!({"type": "nonsense"})), "schema", "not a JSON Schema"),
        (schema(json!({"$ref": "https://example.com/schema.json"})), "schema", "it cannot be used"),
        (with_section(&own, "ombud:settings-schema", b"{"), "schema", "EOF"),
        // It takes no settings at all, and the defaults are some.
        (schema(json!({"required": ["a"], "properties": {"a": {"type": "integer"}}})), "schema", "required"),
        // The policy takes what the schema does not allow.
        (
            schema(json!({"properties": {"a": {"type": "integer", "maximum": 5}}})),
            "bounds",
            "is taken, though the schema does not allow it",
        ),
        (cases(&delays), "cases", "expected"),
        (cases("cases: 7"), "cases", "cases"),
        (cases(&bomb), "cases", "limit"),
    ] {
        let (failed, problems) = refused(&merchant, component);
        assert_eq!(failed, step, "{problems}");
        assert!(problems.contains(problem), "{step}: no {problem:?} in {problems}");
    }
    // Settings that the policy itself refuses, by their place.
    let parts: [(&str, &[u8]); 2] = [("component", &policy("delay")), ("settings", br#"{"auto_max": -1}"#)];
    let (status, document) = ended(&merchant, &form(&merchant, &parts).send());
    let (step, problems) = failed_step(&document);
    assert_eq!((status, step.as_str()), (422, "settings"));
    assert!(problems.contains("/auto_max"), "{problems}");
}

#[test]
fn one_version_is_one_component() {
    let merchant = shared().merchant(json!({}));
    let first = guest("once", "1");
    assert_eq!(ended(&merchant, &upload(&merchant, first.clone()).send()).0, 201);
    let other = with_section(&first, "padding", b"other bytes");
    let (status, document) = ended(&merchant, &upload(&merchant, other.clone()).send());
    assert_eq!(status, 409, "{document}");
    assert_eq!(failed_step(&document).0, "version");
    assert!(document["detail"].as_str().unwrap().contains("give this one a new version"), "{document}");
    assert_eq!((&acts(&merchant)[0]["name"], &acts(&merchant)[0]["body"]["step"]), (&json!("policy.refused"), &json!("version")));
    nothing_is_kept(&merchant, &Digest::of(&other));
    // Under another name, and for another merchant, it is another policy.
    let parts: [(&str, &[u8]); 2] = [("component", &other), ("name", b"twice")];
    assert_eq!(ended(&merchant, &form(&merchant, &parts).send()).0, 201);
    let neighbour = shared().merchant(json!({}));
    assert_eq!(ended(&neighbour, &upload(&neighbour, other).send()).0, 201);
}

#[test]
fn what_is_no_upload_at_all() {
    let merchant = shared().merchant(json!({}));
    let before = acts(&merchant).len();
    let post = |role| merchant.call(role, "POST", "/policies");
    for role in [Role::Agent, Role::Supervisor, Role::DepartmentHead, Role::Compliance, Role::Auditor] {
        post(role).header("content-type", "application/wasm").body(guest("mine", "1")).send().problem(403);
    }
    for media in ["application/json", "application/octet-stream", "multipart/form-data", "text/html; charset=utf-8"] {
        post(Role::MerchantAdmin).header("content-type", media).body(guest("mine", "1")).send().problem(415);
    }
    upload(&merchant, Vec::new()).send().problem(400);
    assert_eq!(pointers(&form(&merchant, &[("settings", b"{}")]).send().problem(422)), ["/component"]);
    let own = guest("mine", "1");
    assert_eq!(pointers(&form(&merchant, &[("component", &own), ("component", &own)]).send().problem(422)), ["/component"]);
    assert_eq!(pointers(&form(&merchant, &[("component", &own), ("name", b"../mine")]).send().problem(422)), ["/name"]);
    assert_eq!(pointers(&form(&merchant, &[("component", &own), ("settings", b"\xff")]).send().problem(422)), ["/settings"]);
    form(&merchant, &[("component", &own), ("run_as", b"root")]).send().problem(422);
    let form_type = "multipart/form-data; boundary=limit";
    post(Role::MerchantAdmin).header("content-type", form_type).body("--limit\r\ncontent-disp").send().problem(400);
    merchant
        .call(Role::MerchantAdmin, "POST", "/policies?name=..%2Fmine")
        .header("content-type", "application/wasm")
        .body(own.clone())
        .send()
        .problem(422);
    let lost = merchant.call(Role::MerchantAdmin, "GET", "/uploads/u_none").send().problem(404);
    assert!(lost["detail"].as_str().unwrap().contains("under way when the server ended is lost"), "{lost}");
    merchant.call(Role::Agent, "GET", "/policies/..%2F..%2Fkeys/versions").send().problem(404);

    // Ten megabytes of settings, and just as many as are taken.
    let settings = |bytes: usize| format!("{{\"a\": \"{}\"}}", "x".repeat(bytes - 9)).into_bytes();
    for bytes in [10 << 20, (256 << 10) + 1] {
        let refused = form(&merchant, &[("component", &own), ("settings", &settings(bytes))]).send().problem(422);
        assert_eq!(pointers(&refused), ["/settings"]);
        assert!(refused["detail"].as_str().unwrap().contains("settings_bytes_max"), "{refused}");
    }
    let most = form(&merchant, &[("component", &own), ("settings", &settings(256 << 10))]).send();
    assert_eq!(ended(&merchant, &most).0, 201, "{}", most.text());
    // Somewhat too large is read to its end, much too large is not.
    let change = |bytes: usize| {
        let body = json!({"settings": {"a": "x".repeat(bytes)}});
        merchant.call(Role::MerchantAdmin, "POST", "/policies/mine/versions").json(&body).try_send()
    };
    change(400 << 10).unwrap().problem(413);
    if let Ok(reply) = change(10 << 20) {
        reply.problem(413);
    }

    // A body that breaks off.
    let mut stream = TcpStream::connect(shared().address).unwrap();
    let head = format!(
        "POST /v1/merchants/{}/policies HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {}\r\ncontent-type: application/wasm\r\ncontent-length: {}\r\n\r\n",
        merchant.id,
        merchant.key(Role::MerchantAdmin),
        own.len()
    );
    stream.write_all(head.as_bytes()).unwrap();
    stream.write_all(&own[..own.len() / 2]).unwrap();
    stream.shutdown(Shutdown::Write).unwrap();
    let mut answer = String::new();
    _ = stream.read_to_string(&mut answer);
    assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 400"), "{answer}");
    assert_eq!(acts(&merchant).len(), before + 1, "only the version that was taken");
}
