//! Erasures, holds and the master key from the command line.

use serde_json::{Value, json};

use super::run::{Served, folder, ombud, ombud_in, ombud_with, root};

#[test]
fn a_customer_is_erased_and_held_from_the_command_line() {
    let data = folder();
    let served = Served::start(&["serve", "--data", &data.text(), "--listen", "127.0.0.1:0", "--demo"]);
    let keys: Value = serde_json::from_slice(&std::fs::read(data.path().join("demo-keys.json")).unwrap()).unwrap();
    let key = keys["merchants"]["m-fresh"]["agent"].as_str().unwrap();
    let event = std::fs::read_to_string(root().join("host/src/demo/tickets/09-spoiled-peaches.json")).unwrap();
    let answer = served.post("/v1/merchants/m-fresh/events", key, &event);
    let event: Value = serde_json::from_str(&event).unwrap();
    let customer = event["data"]["customer_ref"].as_str().unwrap();
    let id = answer["decisions"][0]["id"].as_str().unwrap();
    let run = |arguments: &[&str]| ombud_in(data.path(), &[arguments, &["--data", "DATA", "--merchant", "m-fresh"]].concat());

    // The master key is replaced under a server.
    ombud_in(data.path(), &["key", "rotate-master", "--data", "DATA"]).exits(0).says("wrapped with the master key");
    // While a server runs, and then without one.
    let hold = run(&["audit", "hold", "set", "--customer", customer, "--reason", "court", "--json"]).exits(0).json();
    let hold = hold[0]["id"].as_str().unwrap().to_owned();
    run(&["audit", "hold", "list"]).exits(0).says(&hold).says(customer).says("court");
    run(&["audit", "erase", "--customer", customer]).exits(2).complains(&hold);
    run(&["audit", "hold", "lift", &hold, "--reason", "settled"]).exits(0).says("lifted");
    run(&["audit", "hold", "lift", &hold, "--reason", "settled"]).exits(2).complains("no hold");
    run(&["audit", "hold", "list"]).exits(0).says("nothing is held");
    assert_eq!(served.stop(), Some(0));
    run(&["audit", "erase", "--customer", "c_nobody"]).exits(2).complains("no customer `c_nobody`");
    let erased = run(&["audit", "erase", "--customer", customer, "--json"]).exits(0).json();
    assert!(erased["keys"].as_u64() >= Some(1) && erased["records"].as_u64() >= Some(1), "{erased}");
    run(&["audit", "erase", "--customer", customer]).exits(2).complains("already");
    run(&["audit", "acts", "--act", "erasure"]).exits(0).says("erasure").says("operator");
    let acts = run(&["audit", "acts", "--act", "erasure", "--json"]).exits(0).json();
    assert_eq!(acts[0]["body"]["reason"], "at the customer's request", "{acts}");
    let replayed = run(&["replay", id, "--json"]).exits(0).json();
    assert_eq!((&replayed["identical"], &replayed["not_compared"]["erased"]), (&Value::from(0), &Value::from(1)), "{replayed}");
    // What is exported proves the records and has no keys for them; a data directory without them is whole.
    let bundle = data.path().join("m.ombud");
    let (bundle, vkey) = (bundle.to_str().unwrap(), data.path().join("ledger.vkey"));
    run(&["audit", "export", "-o", bundle]).exits(0);
    let verified = ombud(&["audit", "verify", bundle, "--key", vkey.to_str().unwrap(), "--json"]).exits(0).json();
    assert!(verified["erased"].as_u64() >= Some(1), "{verified}");
    assert_eq!((&verified["problems"], &verified["divergences"]), (&json!([]), &json!({})), "{verified}");
    let checked = run(&["audit", "check", "--json"]).exits(0).json();
    assert_eq!(checked["bodies_erased"], verified["erased"], "{checked}");
    // Nothing of the customer is in the files any more.
    for file in ["ombud.db", "ombud.db-wal"] {
        let bytes = std::fs::read(data.path().join(file)).unwrap_or_default();
        assert!(!bytes.windows(customer.len()).any(|window| window == customer.as_bytes()), "{file}");
    }
}

#[test]
fn the_master_key_comes_from_elsewhere_and_is_replaced_without_touching_a_record() {
    let data = folder();
    let config = root().join("host/src/demo/merchants/m-fresh.json");
    let shop = ["audit", "acts", "--data", "DATA", "--merchant", "m-fresh", "--json"];
    // Each leaf commits to the sealed bytes of its record.
    let records = || ombud_in(data.path(), &shop).exits(0).json();
    ombud_in(data.path(), &["merchant", "put", config.to_str().unwrap(), "--data", "DATA"]).exits(0);
    let first = std::fs::read(data.path().join("master.key")).unwrap();
    let before = records();

    let rotated = ombud_in(data.path(), &["key", "rotate-master", "--data", "DATA", "--json"]).exits(0).json();
    assert!(rotated["keys"].as_u64() >= Some(2) && rotated["from"] != rotated["to"], "{rotated}");
    assert_ne!(std::fs::read(data.path().join("master.key")).unwrap(), first);
    assert!(!data.path().join("master.key.next").exists());
    assert_eq!(records(), before, "every record is what it was, and opens");
    ombud_in(data.path(), &["audit", "acts", "--data", "DATA"]).exits(0).says("master-key.rotated").says(rotated["to"].as_str().unwrap());
    let acts = ["audit", "acts", "--data", "DATA", "--merchant", "m-fresh"];
    ombud_in(data.path(), &acts).exits(0).says("policy.bound");

    // The old key opens nothing any more, and says so.
    let current = std::fs::read(data.path().join("master.key")).unwrap();
    std::fs::write(data.path().join("master.key"), &first).unwrap();
    ombud_in(data.path(), &acts).exits(2).complains("is the master key").complains(rotated["to"].as_str().unwrap());
    let check = ["audit", "check", "--data", "DATA"];
    ombud_in(data.path(), &check).exits(2).complains("is the master key").complains(rotated["to"].as_str().unwrap());
    std::fs::write(data.path().join("master.key"), &current).unwrap();

    // An interrupted rotation: before the keys were wrapped, and after.
    std::fs::write(data.path().join("master.key.next"), [7; 32]).unwrap();
    ombud_in(data.path(), &acts).exits(0);
    assert!(!data.path().join("master.key.next").exists());
    std::fs::rename(data.path().join("master.key"), data.path().join("master.key.next")).unwrap();
    std::fs::write(data.path().join("master.key"), &first).unwrap();
    ombud_in(data.path(), &acts).exits(0);
    assert_eq!(std::fs::read(data.path().join("master.key")).unwrap(), current);

    // To a file outside, which the command line or the environment names from then on.
    let outside = folder();
    let file = outside.path().join("kms.key");
    let file = file.to_str().unwrap();
    ombud_in(data.path(), &["key", "rotate-master", "--data", "DATA", "--new-master-key", file]).exits(0).says("--master-key");
    assert!(!data.path().join("master.key").exists(), "the old key is destroyed");
    let hex = std::fs::read_to_string(file).unwrap();
    assert_eq!(hex.len(), 64);
    ombud_in(data.path(), &[&acts[..], &["--master-key", file]].concat()).exits(0).says("policy.bound");
    for (name, value) in [("OMBUD_MASTER_KEY_FILE", file), ("OMBUD_MASTER_KEY", &hex)] {
        let text = data.text();
        let arguments = acts.map(|argument| if argument == "DATA" { text.as_str() } else { argument });
        ombud_with(name, value, &arguments).exits(0).says("policy.bound");
        ombud_with(name, "elsewhere", &arguments).exits(2).complains("master key");
    }
    // A lost key is not replaced by another one: what is missing is named, with what helps.
    ombud_in(data.path(), &acts)
        .exits(2)
        .complains("master.key` is not there")
        .complains("OMBUD_MASTER_KEY")
        .complains("nothing was changed");
    assert!(!data.path().join("master.key").exists());
    let (short, absent) = (outside.path().join("short.key"), outside.path().join("absent.key"));
    std::fs::write(&short, "abcd").unwrap();
    for (path, why) in [(&short, "32 bytes, or 64 hexadecimal digits"), (&absent, "cannot read the master key")] {
        let path = path.to_str().unwrap();
        ombud_in(data.path(), &[&acts[..], &["--master-key", path]].concat()).exits(2).complains(path).complains(why);
    }
    ombud_in(data.path(), &["key", "rotate-master", "--data", "DATA", "--master-key", file]).exits(2).complains("--new-master-key");
    let again = ["key", "rotate-master", "--data", "DATA", "--master-key", file, "--new-master-key", file];
    ombud_in(data.path(), &again).exits(2).complains("is the old one");
}
