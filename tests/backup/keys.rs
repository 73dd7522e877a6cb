//! Which keys a backup holds, and what a restore takes over from the directory that it replaces.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use ombud_tests::command::on;
use ombud_tests::process::command;
use serde_json::{Value, json};

use super::{Place, check, served, served_by};

#[test]
fn keys_go_along_or_stay_as_asked() {
    let place = Place::new();
    let data = place.data();
    place.backup("without", &["--without-master-key"]).exits(0).says("the master key is not in it");
    place.backup("with", &[]).exits(0).says("the master key is in it");
    assert!(!place.at("without/master.key").exists() && place.at("with/master.key").exists());
    for (name, mode) in [("with", 0o700), ("with/ombud.db", 0o600), ("with/master.key", 0o600), ("with/ledger.key", 0o600)] {
        assert_eq!(mode_of(&place.at(name)), mode, "{name}");
    }
    for name in ["demo-keys.json", "code.key", "code", "ombud.lock", "ombud.db-wal"] {
        assert!(!place.at("with").join(name).exists(), "{name} is not in a backup");
    }
    // Without the master key the records are proved, and not read; with the key put back it is the directory that it was.
    place.restore("without", "restored", &[]).exits(0).says("the master key is not in the backup");
    let restored = place.at("restored");
    let sealed = on(&restored, &["audit", "check", "--json"]).exits(1).json();
    assert_eq!(
        (&sealed["bodies_left_closed"], &sealed["findings"]),
        (&json!(true), &json!([])),
        "nothing is wrong, and not all is checked"
    );
    std::fs::copy(data.join("master.key"), restored.join("master.key")).unwrap();
    assert_eq!(check(&restored)["bodies_left_closed"], false);
    served(&restored);
    // In its own place it is there still, and so is a key of the ledger that was drawn since.
    on(&data, &["key", "rotate-ledger"]).exits(0);
    let rotated = std::fs::read_to_string(data.join("ledger.vkey")).unwrap();
    place.restore("without", "data", &["--accept-loss"]).exits(0);
    assert_eq!(std::fs::read_to_string(data.join("ledger.vkey")).unwrap(), rotated);
    assert_eq!(check(&data)["bodies_left_closed"], false);
}

fn mode_of(file: &Path) -> u32 {
    std::fs::metadata(file).unwrap().permissions().mode() & 0o777
}

/// Receivers take for forged what another secret signs: a restored server goes on with the one that they have.
#[test]
fn the_secret_of_webhooks_goes_along_and_outlives_an_older_backup() {
    let place = Place::new();
    let data = place.data();
    // As a backup of an earlier release: without the secret, which is none of the files that it must have.
    place.backup("older", &[]).exits(0);
    let announces = |data: &Path| {
        let mut server = command(data);
        server.args(["--webhook", "http://127.0.0.1:9/alarms"]);
        served_by(server);
        std::fs::read(data.join("webhook.key")).unwrap()
    };
    let secret = announces(&data);
    place.backup("b", &["--without-master-key"]).exits(0);
    assert_eq!((std::fs::read(place.at("b/webhook.key")).unwrap(), mode_of(&place.at("b/webhook.key"))), (secret.clone(), 0o600));
    let manifest: Value = serde_json::from_slice(&std::fs::read(place.at("b/backup.json")).unwrap()).unwrap();
    assert_eq!((&manifest["files"]["webhook.key"]["bytes"], &manifest["files"].get("master.key")), (&json!(32), &None));
    place.restore("b", "restored", &[]).exits(0);
    assert_eq!(mode_of(&place.at("restored/webhook.key")), 0o600);
    std::fs::copy(data.join("master.key"), place.at("restored/master.key")).unwrap();
    assert_eq!(announces(&place.at("restored")), secret);
    // Each byte of it is held by its digest.
    std::fs::write(place.at("b/webhook.key"), [0; 32]).unwrap();
    place.restore("b", "never", &[]).exits(1).says("`webhook.key` is not the file that was backed up");
    // The older one does not have it: elsewhere there is none, in its own place it stays.
    place.restore("older", "elsewhere", &["--accept-loss"]).exits(0);
    assert!(!place.at("elsewhere/webhook.key").exists());
    place.restore("older", "data", &["--accept-loss"]).exits(0);
    assert_eq!((announces(&data), mode_of(&data.join("webhook.key"))), (secret, 0o600));
}

/// The machine is lost, and what was published was signed with keys that are newer than the backup.
#[test]
fn what_was_published_with_newer_keys_is_checked_where_they_are() {
    let place = Place::new();
    let data = place.data();
    place.backup("b", &[]).exits(0);
    for _ in 0..2 {
        on(&data, &["key", "rotate-ledger"]).exits(0);
    }
    // Signs what was published anew.
    served(&data);
    let rotated = std::fs::read_to_string(data.join("ledger.vkey")).unwrap();
    let checkpoints = data.join("checkpoints").display().to_string();
    let refused = place.restore("b", "never", &["--published", &checkpoints]);
    refused
        .exits(2)
        .complains("if the ledger's key was rotated since, name with --published the data directory that has the newer `ledger.key`");
    // Records were published since, of the rotations themselves.
    let directory = data.display().to_string();
    place.restore("b", "never", &["--published", &directory]).exits(1).says("the backup lacks records that were published");
    assert!(!place.at("never").exists());
    place.restore("b", "restored", &["--published", &directory, "--accept-loss"]).exits(0);
    let restored = place.at("restored");
    assert_eq!(std::fs::read_to_string(restored.join("ledger.vkey")).unwrap(), rotated);
    served(&restored);
    check(&restored);
}
