//! `ombud audit export` and `verify`: made on a data directory, checked in a folder with nothing but the file and the key.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::path::Path;

use serde_json::Value;

use super::run::{Folder, Ran, Served, demo_data, folder, ombud_alone, ombud_in, root};

/// A folder with a bundle and the operator's key, as an auditor gets them.
struct Handed(Folder);

impl Handed {
    /// Exports from a data directory with more arguments.
    fn from(data: &Path, merchant: &str, more: &[&str]) -> Self {
        Self::exported(data, merchant, more, 0)
    }

    /// The same where the export ends with a code of its own: 1 says that the log is damaged.
    fn exported(data: &Path, merchant: &str, more: &[&str], code: i32) -> Self {
        let handed = folder();
        let file = handed.path().join("b.ombud");
        let export = ["audit", "export", "--data", "DATA", "--merchant", merchant, "-o", file.to_str().unwrap()];
        ombud_in(data, &[&export, more].concat()).exits(code);
        std::fs::copy(data.join("ledger.vkey"), handed.path().join("ledger.vkey")).unwrap();
        Self(handed)
    }

    fn verify(&self, more: &[&str]) -> Ran {
        ombud_alone(self.0.path(), &[&["audit", "verify", "b.ombud", "--key", "ledger.vkey"], more].concat())
    }

    fn json(&self, code: i32, more: &[&str]) -> Value {
        self.verify(&[more, &["--json"]].concat()).exits(code).json()
    }

    fn file(&self) -> std::path::PathBuf {
        self.0.path().join("b.ombud")
    }
}

#[test]
fn a_bundle_is_checked_with_nothing_but_the_file_and_the_key() {
    let data = demo_data();
    for merchant in ["m-cosmetics", "m-electronics", "m-fresh"] {
        let handed = Handed::from(data.path(), merchant, &[]);
        let report = handed.json(0, &[]);
        assert_eq!((&report["well"], &report["problem_count"], &report["replayed"]), (&true.into(), &0.into(), &true.into()));
        assert!(report["decisions"].as_u64().unwrap() >= 8, "{report}");
        assert_eq!(report["identical"], report["decisions"]);
        // Administration is in the same log, and the export is the last act in it.
        let count = |name: &str| report[name].as_u64().unwrap();
        assert_eq!(count("records"), count("decisions") + count("events") + count("acts"));
        assert_eq!((&report["bundle"]["end"], &report["signed_records"]), (&report["records"], &report["records"]));
        assert!(count("acts") > 6);
        let acts = ombud_in(data.path(), &["audit", "acts", "--data", "DATA", "--merchant", merchant, "--last", "1", "--json"]);
        assert_eq!(acts.exits(0).json()[0]["name"], "ledger.exported");
    }
    let handed = Handed::from(data.path(), "m-fresh", &[]);
    let ran = handed.verify(&[]);
    ran.exits(0).says("all is well").says("ombud.local/m-fresh").says("identical").says("proofs").says("erased").says("faults");
    assert!(!ran.out.contains('\u{1b}'), "no colour where there is no terminal");
    // The key as text, as it would be printed on paper.
    let key = std::fs::read_to_string(data.path().join("ledger.vkey")).unwrap();
    ombud_alone(handed.0.path(), &["audit", "verify", "b.ombud", "--key", key.trim(), "--no-replay"]).exits(0).says("--no-replay");
    // Keys of customers are in it.
    let mode = std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(handed.file()).unwrap().permissions());
    assert_eq!(mode & 0o077, 0);
}

#[test]
fn a_masked_bundle_proves_without_showing() {
    let data = demo_data();
    let handed = Handed::from(data.path(), "m-cosmetics", &["--masked"]);
    let report = handed.json(0, &[]);
    assert_eq!((&report["masked"], &report["identical"], &report["replayed"]), (&report["records"], &0.into(), &false.into()));
    handed.verify(&[]).exits(0).says("not replayable: masked");
    let whole = Handed::from(data.path(), "m-cosmetics", &[]);
    let bytes = |handed: &Handed| std::fs::metadata(handed.file()).unwrap().len();
    assert!(bytes(&handed) * 2 < bytes(&whole), "no components in it");
}

#[test]
fn a_window_is_a_run_with_evidence_at_both_ends() {
    let data = demo_data();
    let list = ombud_in(data.path(), &["audit", "acts", "--data", "DATA", "--merchant", "m-fresh", "--json"]).exits(0).json();
    let moments: Vec<&str> = list.as_array().unwrap().iter().map(|act| act["recorded_at"].as_str().unwrap()).collect();
    let (first, last) = (*moments.iter().min().unwrap(), *moments.iter().max().unwrap());
    let report = Handed::from(data.path(), "m-fresh", &["--from", first, "--to", last]).json(0, &[]);
    assert_eq!(report["bundle"]["first"], 0);
    assert!(report["bundle"]["end"].as_u64().unwrap() < report["signed_records"].as_u64().unwrap(), "{report}");
    // A day begins at midnight in the merchant's zone.
    for (from, to, some) in [("2026-01-01", "2099-01-01", true), ("2026-01-01", "2026-01-02", false), ("2099-01-01", "2099-01-02", false)] {
        let report = Handed::from(data.path(), "m-fresh", &["--from", from, "--to", to]).json(0, &[]);
        assert_eq!(report["records"].as_u64().unwrap() > 0, some, "{from}: {report}");
        assert_eq!(report["bundle"]["from"].as_str().unwrap()[10..], *"T16:00:00.000Z", "{report}");
    }
    let export = |more: &[&str]| {
        let arguments = ["audit", "export", "--data", "DATA", "--merchant", "m-fresh", "-o", "DATA/never.ombud"];
        ombud_in(data.path(), &[&arguments, more].concat())
    };
    export(&["--from", "yesterday"]).exits(2).complains("`--from`").complains("2026-07-01");
    export(&["--from", "2026-02-01", "--to", "2026-01-01"]).exits(2).complains("`--to`: is before `from`");
    assert!(!data.path().join("never.ombud").exists(), "nothing is left of what was refused");
    ombud_in(data.path(), &["audit", "export", "--data", "DATA", "--merchant", "m-none", "-o", "x"])
        .exits(2)
        .complains("there are m-cosmetics");
    ombud_in(data.path(), &["audit", "export", "--data", "DATA/none", "--merchant", "m", "-o", "x"])
        .exits(2)
        .complains("no data directory");
}

#[test]
fn what_is_wrong_has_its_code_and_its_name() {
    let data = demo_data();
    let handed = Handed::from(data.path(), "m-cosmetics", &[]);
    let alone = |arguments: &[&str]| ombud_alone(handed.0.path(), arguments);
    // Another operator's key, and another name.
    let other = folder();
    ombud_in(other.path(), &["demo", "--once", "--data", "DATA"]).exits(0);
    let key = std::fs::read_to_string(other.path().join("ledger.vkey")).unwrap();
    alone(&["audit", "verify", "b.ombud", "--key", key.trim(), "--no-replay"]).exits(3).says("not signed by").says("NOT well");
    // Nobody runs what nobody signed.
    alone(&["audit", "verify", "b.ombud", "--key", key.trim()]).exits(3).says("no decision was run again");
    let report = alone(&["audit", "verify", "b.ombud", "--key", key.trim(), "--json"]).exits(3).json();
    assert_eq!((&report["replayed"], &report["identical"]), (&serde_json::json!(false), &serde_json::json!(0)));
    let named = "example.com/x+5ed43a80+AXDd6HSYLgvPCQdYpFNgpnWZFWiC4NVJZ1s6nk3z5Fyp";
    alone(&["audit", "verify", "b.ombud", "--key", named]).exits(2).complains("no verifier key");
    // No bundle.
    alone(&["audit", "verify", "none.ombud", "--key", "ledger.vkey"]).exits(2).complains("cannot read");
    alone(&["audit", "verify", "ledger.vkey", "--key", "ledger.vkey"]).exits(2).complains("no item");
    std::fs::write(handed.0.path().join("empty"), "").unwrap();
    alone(&["audit", "verify", "empty", "--key", "ledger.vkey"]).exits(2).complains("the file is empty");
    // A bit of the last record's text.
    let mut bytes = std::fs::read(handed.file()).unwrap();
    let at = bytes.len() - 1_000;
    bytes[at] ^= 1;
    std::fs::write(handed.0.path().join("bit"), &bytes).unwrap();
    alone(&["audit", "verify", "bit", "--key", "ledger.vkey"]).exits(1).says("NOT well").says("record ");
    bytes.truncate(at);
    std::fs::write(handed.0.path().join("cut"), &bytes).unwrap();
    alone(&["audit", "verify", "cut", "--key", "ledger.vkey"]).exits(1).says("in the middle of an item").says("missing");
}

/// What a bundle says of itself was written by its maker, who gets no line of the verdict.
#[test]
fn a_bundle_that_writes_lines_of_its_own_stays_on_its_line() {
    let data = demo_data();
    let handed = Handed::from(data.path(), "m-fresh", &["--masked"]);
    let maker = format!("ombud {}", env!("CARGO_PKG_VERSION"));
    for (begins, shown) in
        [("\n\u{1b}[8mall", "\\n\\u001b[8mall"), ("\u{202e}\u{200b}", "\\u202e\\u200b"), ("\u{1b}[32m\r", "\\u001b[32m\\u000d")]
    {
        // As many bytes as there were, or the file would be another sequence of items.
        let own = format!("{begins}{}", "x".repeat(maker.len() - begins.len()));
        let bytes = std::fs::read(handed.file()).unwrap();
        let at = bytes.windows(maker.len()).position(|part| part == maker.as_bytes()).unwrap();
        let bytes = [&bytes[..at], own.as_bytes(), &bytes[at + maker.len()..]].concat();
        std::fs::write(handed.0.path().join("forged"), bytes).unwrap();
        let ran = ombud_alone(handed.0.path(), &["audit", "verify", "forged", "--key", "ledger.vkey"]);
        ran.exits(1).says(shown).says("NOT well");
        assert!(!ran.out.contains(|character: char| character != '\n' && character.is_control()), "{:?}", ran.out);
        assert!(!ran.out.lines().any(|line| line.starts_with("all")), "{}", ran.out);
    }
}

#[test]
fn decisions_that_cannot_be_made_again_have_their_cause() {
    let data = demo_data();
    // Settings are bytes in the store: the ladder for spoiled fruit pays another share now.
    assert!(super::run::replace_in_files(data.path(), b"\"pay_bp\":4000", b"\"pay_bp\":5000") > 0);
    let handed = Handed::exported(data.path(), "m-fresh", &[], 1);
    let report = handed.json(1, &[]);
    let diverged = report["divergences"]["settings"].as_u64().unwrap();
    assert!(diverged > 0, "{report}");
    assert_eq!(diverged + report["identical"].as_u64().unwrap(), report["decisions"].as_u64().unwrap());
    assert_eq!(report["diverging"].as_array().unwrap().len() as u64, diverged);
    // Whoever looks at the problems alone sees them, too.
    let problems = report["problems"].as_array().unwrap();
    assert_eq!(problems.iter().filter(|problem| problem["part"] == "replay").count() as u64, diverged, "{report}");
    assert_eq!(problems.len() as u64, report["problem_count"].as_u64().unwrap());
    handed.verify(&[]).exits(1).says("settings").says("blob: ").says("missing or damaged in the store").says("decision ");
    // Without running anything the damage is named all the same.
    handed.verify(&["--no-replay"]).exits(1).says("blob: ");
}

#[test]
fn a_bundle_made_after_a_rotation_is_checked_with_all_keys() {
    let data = demo_data();
    // Each export is signed for; a rotation signs the newest checkpoint again, and not the one before.
    for _ in 0..2 {
        Handed::from(data.path(), "m-fresh", &[]).verify(&["--no-replay"]).exits(0);
    }
    let old = std::fs::read_to_string(data.path().join("ledger.vkey")).unwrap();
    ombud_in(data.path(), &["key", "rotate-ledger", "--data", "DATA"]).exits(0);
    let handed = Handed::from(data.path(), "m-fresh", &[]);
    handed.verify(&["--no-replay"]).exits(0);
    let with = |key: &str| ombud_alone(handed.0.path(), &["audit", "verify", "b.ombud", "--no-replay", "--key", key]);
    // Both sign until the old one is retired.
    with(old.trim()).exits(0);
    ombud_in(data.path(), &["key", "retire-ledger", "--data", "DATA"]).exits(0);
    let handed = Handed::from(data.path(), "m-fresh", &[]);
    let with = |key: &str| ombud_alone(handed.0.path(), &["audit", "verify", "b.ombud", "--no-replay", "--key", key]);
    handed.verify(&["--no-replay"]).exits(0);
    with(old.trim()).exits(3);
    // The newest alone is enough: what only the old one signed is held against the records, and told.
    let both = std::fs::read_to_string(data.path().join("ledger.vkey")).unwrap();
    let newest = both.lines().next().unwrap();
    with(newest).exits(0).says("all is well").says("other keys");
    let json =
        |key: &str| ombud_alone(handed.0.path(), &["audit", "verify", "b.ombud", "--no-replay", "--json", "--key", key]).exits(0).json();
    assert!(json(newest)["checkpoints_by_other_keys"].as_u64().unwrap() > 0);
    assert_eq!(json("ledger.vkey")["checkpoints_by_other_keys"], 0);
}

#[test]
fn a_log_is_held_against_the_checkpoints_that_an_auditor_keeps() {
    let data = demo_data();
    let before = folder();
    super::run::copy_into(data.path(), before.path());
    let first = Handed::from(data.path(), "m-fresh", &[]);
    let kept = first.0.path().join("kept");
    let kept = kept.to_str().unwrap();
    first.verify(&["--no-replay", "--keep-checkpoint", kept]).exits(0);
    // The log goes on: the export itself is a record.
    let second = Handed::from(data.path(), "m-fresh", &[]);
    second.verify(&["--no-replay", "--checkpoint", kept]).exits(0);
    // A window without the old tree has no proof of it, unless it was asked for.
    let late = ["--from", "2099-01-01", "--to", "2099-01-02"];
    Handed::from(data.path(), "m-fresh", &late)
        .verify(&["--no-replay", "--checkpoint", kept])
        .exits(1)
        .says("kept-checkpoint")
        .says("--checkpoint");
    let asked = [&late[..], &["--checkpoint", kept]].concat();
    Handed::from(data.path(), "m-fresh", &asked).verify(&["--no-replay", "--checkpoint", kept]).exits(0);
    // A copy from before the checkpoint: first shorter, then as long with other records.
    let rolled_back = Handed::from(before.path(), "m-fresh", &["--to", "2026-01-01"]);
    rolled_back.verify(&["--no-replay", "--checkpoint", kept]).exits(1).says("kept-checkpoint");
    Handed::from(before.path(), "m-fresh", &[])
        .verify(&["--no-replay", "--checkpoint", kept])
        .exits(1)
        .says("not the one that you have a checkpoint of");
    Handed::from(data.path(), "m-cosmetics", &[]).verify(&["--checkpoint", kept]).exits(2).complains("not one of this log");
}

#[test]
fn an_export_goes_through_the_server_that_holds_the_directory() {
    let data = folder();
    let served = Served::start(&["serve", "--data", &data.text(), "--listen", "127.0.0.1:0", "--demo"]);
    let keys: Value = serde_json::from_slice(&std::fs::read(data.path().join("demo-keys.json")).unwrap()).unwrap();
    let event = std::fs::read_to_string(root().join("host/src/demo/tickets/01-unopened-lipstick.json")).unwrap();
    served.post("/v1/merchants/m-cosmetics/events", keys["merchants"]["m-cosmetics"]["agent"].as_str().unwrap(), &event);
    let handed = Handed::from(data.path(), "m-cosmetics", &[]);
    assert_eq!(handed.json(0, &[])["identical"], 1);
    let out = ombud_in(data.path(), &["audit", "export", "--data", "DATA", "--merchant", "m-cosmetics", "-o", "DATA/b", "--json"]);
    let said = out.exits(0).json();
    assert_eq!(said["bundle"]["origin"], "ombud.local/m-cosmetics");
    assert_eq!(said["bytes"].as_u64().unwrap(), std::fs::metadata(data.path().join("b")).unwrap().len());
    assert_eq!(served.stop(), Some(0));
}

#[test]
fn a_check_says_what_it_could_not_look_at() {
    let data = demo_data();
    let check = |more: &[&str]| ombud_in(data.path(), &[&["audit", "check", "--data", "DATA"], more].concat());
    let whole = check(&[]);
    whole.exits(0).says("all is well").says("computed again");
    assert!(!whole.out.contains("NOT CHECKED") && !whole.out.contains(" left"), "{}", whole.out);
    check(&["--sealed"]).exits(0).says("NOT CHECKED").says("not checked: bodies, payments, counters, cases, measures: --sealed");
    // Without the master key what is inside is not known to be well.
    let key = data.path().join("master.key");
    let bytes = std::fs::read(&key).unwrap();
    std::fs::remove_file(&key).unwrap();
    check(&[]).exits(1).says("the master key is not there").says("what was checked is well, but the bodies could not be opened");
    let json = check(&["--json"]).exits(1).json();
    assert_eq!((&json["well"], &json["bodies_left_closed"], &json["not_checked"][1]), (&false.into(), &true.into(), &"payments".into()));
    check(&["--sealed"]).exits(0);
    // Another master key is named once, not for each data key.
    std::fs::write(&key, [7; 32]).unwrap();
    let other = check(&[]);
    other.exits(2).complains("is the master key").complains("are wrapped with");
    assert!(!other.err.contains("damaged"), "{}", other.err);
    std::fs::write(&key, bytes).unwrap();
    check(&[]).exits(0);
}

#[test]
fn acts_show_what_changed_and_an_unknown_name_is_no_answer() {
    let data = demo_data();
    let config = folder();
    let text = std::fs::read_to_string(root().join("host/src/demo/merchants/m-fresh.json")).unwrap();
    let mut shop: Value = serde_json::from_str(&text).unwrap();
    shop["caps"]["order_goodwill_fen_max"] = 12_345.into();
    shop["caps"]["merchant_day_goodwill_fen_max"] = 1_234_567.into();
    let file = config.write("m-fresh.json", &shop.to_string());
    ombud_in(data.path(), &["merchant", "put", &file, "--data", "DATA"]).exits(0);
    let acts = |more: &[&str]| ombud_in(data.path(), &[&["audit", "acts", "--data", "DATA", "--merchant", "m-fresh"], more].concat());
    let table = acts(&["--act", "caps.changed"]);
    table.exits(0).says("order_goodwill_fen_max ").says("→ 12345").says("merchant_day_goodwill_fen_max ").says("1234567");
    assert!(!table.out.contains("customer_24h_refund_fen_max"), "what stays is not shown: {}", table.out);
    acts(&["--act", "nope"]).exits(2).complains("the name of no act").complains("caps.changed");
    // A date begins in the merchant's zone, here as in exports.
    let all = acts(&["--from", "2026-01-01", "--json"]).exits(0).json();
    assert!(all.as_array().unwrap().len() > 6, "{all}");
    assert_eq!(acts(&["--to", "2026-01-01", "--json"]).exits(0).json(), serde_json::json!([]));
    acts(&["--from", "yesterday"]).exits(2).complains("is not a time");
    let replayed = |more: &[&str]| ombud_in(data.path(), &[&["replay", "--data", "DATA", "--merchant", "m-fresh"], more].concat());
    assert!(replayed(&["--from", "2026-01-01", "--json"]).exits(0).json()["replayed"].as_u64().unwrap() > 6);
    assert_eq!(replayed(&["--to", "2026-01-01", "--json"]).exits(0).json()["replayed"], 0);
    replayed(&["--from", "2026-02-01", "--to", "2026-01-01"]).exits(2).complains("`--to`: is before `from`");
    replayed(&["--from", "2026-02-01", "--to", "2026-02-01"]).exits(0);
    // A ticket that was never there is no audit without a finding.
    replayed(&["--ticket", "nope"]).exits(2).complains("nothing of the ticket `nope` is on record");
    replayed(&["--ticket", "t-f-2001"]).exits(0);
    ombud_in(data.path(), &["replay", "--data", "DATA", "--ticket", "nope"]).exits(2).complains("`nope`");
}

/// What an auditor keeps is replaced by what grew from it, and by nothing else.
#[test]
fn a_kept_checkpoint_is_replaced_by_a_later_one_of_the_same_log_only() {
    let data = demo_data();
    let before = folder();
    super::run::copy_into(data.path(), before.path());
    let first = Handed::from(data.path(), "m-fresh", &[]);
    let second = Handed::from(data.path(), "m-fresh", &[]);
    let keeping = folder();
    let [kept, other] = ["kept", "other"].map(|name| keeping.path().join(name));
    let keep =
        |handed: &Handed, more: &[&str]| handed.verify(&[&["--no-replay", "--keep-checkpoint", kept.to_str().unwrap()], more].concat());
    let read = || std::fs::read_to_string(&kept).unwrap();
    keep(&first, &[]).exits(0);
    let of_first = read();
    keep(&second, &[]).exits(0);
    let of_second = read();
    assert_ne!(of_first, of_second);
    keep(&second, &[]).exits(0);
    // The earlier bundle, a log that took another way, another log.
    keep(&first, &[]).exits(1).says("the log was rolled back");
    let parted = Handed::from(before.path(), "m-fresh", &[]);
    keep(&parted, &[]).exits(1).says("kept-checkpoint");
    keep(&Handed::from(data.path(), "m-cosmetics", &[]), &[]).exits(2).complains("not one of this log");
    // Two at once: the one that would go is not looked at.
    std::fs::write(&other, &of_first).unwrap();
    keep(&second, &["--checkpoint", other.to_str().unwrap()]).exits(2).complains("would be replaced unseen");
    assert_eq!(read(), of_second);
}

/// A log that went on without records that had been published says so for ever: whoever checks it has to know.
#[test]
fn a_loss_that_somebody_accepted_is_told_until_the_auditor_knows() {
    let data = demo_data();
    let other = folder();
    let [backup, restored] = ["backup", "restored"].map(|name| other.path().join(name));
    ombud_in(data.path(), &["backup", "--data", "DATA", "-o", backup.to_str().unwrap()]).exits(0);
    let lost = Handed::from(data.path(), "m-fresh", &[]);
    lost.verify(&["--no-replay"]).exits(0);
    let from = data.path().to_str().unwrap();
    let restore = ["restore", backup.to_str().unwrap(), "--data", restored.to_str().unwrap(), "--published", from, "--erasures-from", from];
    ombud_in(data.path(), &[&restore[..], &["--accept-loss"]].concat()).exits(0);
    let handed = Handed::from(&restored, "m-fresh", &[]);
    let report = handed.json(1, &["--no-replay"]);
    let seq = report["losses"][0]["seq"].as_u64().unwrap();
    assert_eq!((report["losses"].as_array().unwrap().len(), &report["problem_count"]), (1, &1.into()), "{report}");
    assert_eq!((&report["problems"][0]["seq"], &report["problems"][0]["part"]), (&seq.into(), &"sequence".into()));
    handed.verify(&[]).exits(1).says("published records were lost, and the log goes on without them");
    Handed::from(&restored, "m-fresh", &["--masked"]).verify(&[]).exits(1).says("published records were lost");
    handed.verify(&["--accept-loss", &(seq + 1).to_string()]).exits(1);
    handed.verify(&["--accept-loss", &seq.to_string()]).exits(0).says("losses").says("all is well");
    assert_eq!(handed.json(0, &["--accept-loss", &seq.to_string()])["losses"][0]["accepted"], true);
}

#[test]
fn whose_key_signed_is_told_where_it_is_not_the_newest() {
    let data = demo_data();
    let before = Handed::from(data.path(), "m-fresh", &[]);
    ombud_in(data.path(), &["key", "rotate-ledger", "--data", "DATA"]).exits(0);
    let after = Handed::from(data.path(), "m-fresh", &[]);
    assert_eq!(after.json(0, &["--no-replay"])["signed_by_newest_key"], true);
    std::fs::copy(data.path().join("ledger.vkey"), before.0.path().join("ledger.vkey")).unwrap();
    before.verify(&["--no-replay"]).exits(0).says("not signed by the first, newest, of the keys given");
    assert_eq!(before.json(0, &["--no-replay"])["signed_by_newest_key"], false);
}
