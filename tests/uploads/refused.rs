//! What the gate refuses, each through HTTP: nothing of it is kept but an act.

use ombud::service::Role;
use ombud_ledger::Digest;
use ombud_tests::guests::{component, component_with};
use ombud_tests::server::{Merchant, shared};
use ombud_tests::uploads::{ended, facts, failed_step, form, guest, named, policy, upload, with_section};
use serde_json::{Value, json};

use super::acts;

/// Uploads what is refused: by which step, and the problems. Nothing of it is kept but an act.
#[track_caller]
fn refused(merchant: &Merchant<'_>, component: Vec<u8>) -> (String, String) {
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
fn nothing_is_kept(merchant: &Merchant<'_>, digest: &Digest) {
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
    ] {
        let (failed, problems) = refused(&merchant, component);
        assert_eq!(failed, step, "{problems}");
        assert!(problems.contains(problem), "{step}: {problems}");
    }
}
