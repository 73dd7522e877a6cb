//! A merchant's signing keys from the command line: drawn, registered, used, revoked.

use super::run::{Served, demo_data, folder, ombud, ombud_in, root};

#[test]
fn a_signing_key_is_registered_used_and_revoked() {
    let data = folder();
    let config = root().join("host/src/demo/merchants/m-fresh.json");
    let at_data = |arguments: &[&str]| ombud_in(data.path(), &[arguments, &["--data", "DATA"]].concat());
    at_data(&["merchant", "put", config.to_str().unwrap()]).exits(0);
    let keys = folder();
    let (secret, public) = (keys.path().join("my.key"), keys.path().join("my.key.pub"));
    let (secret, public) = (secret.to_str().unwrap(), public.to_str().unwrap());
    let id = ombud(&["key", "new", secret, "--json"]).exits(0).json()["id"].as_str().unwrap().to_owned();
    let push = || at_data(&["push", "policies/reply", "--name", "our-replies", "--key", secret, "--json"]);

    at_data(&["key", "signing", "list"]).exits(0).says("no key signs policies of `m-fresh`");
    let refused = push();
    assert_eq!(refused.exits(1).json()["accepted"], false);
    refused.says("`ombud key signing add`");
    at_data(&["key", "signing", "add", secret, "--label", "dev"]).exits(2).complains("is the secret key").complains("my.key.pub`");
    at_data(&["key", "signing", "add", config.to_str().unwrap(), "--label", "dev"]).exits(2).complains("no public key of minisign");
    at_data(&["key", "signing", "add", public, "--label", "dev"]).exits(0).says(&id).says("`m-fresh`");
    at_data(&["key", "signing", "add", public, "--label", "dev"]).exits(2).complains("registered already");
    let listed = at_data(&["key", "signing", "list", "--json"]).exits(0).json();
    assert_eq!((&listed[0]["id"], &listed[0]["label"], listed[0]["revoked_at"].is_null()), (&id.as_str().into(), &"dev".into(), true));
    assert_eq!(push().exits(0).json()["signature"], "valid");

    at_data(&["key", "signing", "revoke", &id]).exits(0).says("signs nothing any more");
    at_data(&["key", "signing", "revoke", &id]).exits(2).complains("in force").complains("`m-fresh`");
    at_data(&["key", "signing", "list"]).exits(0).says(&id).says("revoked");
    let again = at_data(&["push", "policies/reply", "--name", "their-replies", "--key", secret, "--json"]);
    assert_eq!(again.exits(1).json()["accepted"], false);
    at_data(&["key", "signing", "list", "--merchant", "m-frsh"]).exits(2).complains("there are m-fresh");
}

#[test]
fn a_merchants_own_key_is_enough_and_good_for_no_other() {
    let data = demo_data();
    let served = Served::start(&["serve", "--data", &data.text(), "--demo", "--listen", "127.0.0.1:0"]);
    let keys: serde_json::Value = serde_json::from_slice(&std::fs::read(data.path().join("demo-keys.json")).unwrap()).unwrap();
    let admin = keys["merchants"]["m-fresh"]["merchant-admin"].as_str().unwrap();
    let file = data.path().join("my.key");
    ombud(&["key", "new", file.to_str().unwrap()]).exits(0);
    let public = format!("{}.pub", file.display());
    let at_url = |arguments: &[&str]| ombud(&[arguments, &["--url", &served.url, "--api-key", admin]].concat());
    at_url(&["key", "signing", "add", &public, "--label", "dev", "--merchant", "m-fresh"]).exits(0);
    let listed = at_url(&["key", "signing", "list", "--merchant", "m-fresh", "--json"]).exits(0).json();
    assert_eq!(listed.as_array().unwrap().len(), 1);
    let foreign = at_url(&["key", "signing", "add", &public, "--label", "dev", "--merchant", "m-cosmetics"]);
    foreign.exits(2).complains("no merchant `m-cosmetics` that this key is for");
    let unknown = at_url(&["key", "signing", "revoke", "00", "--merchant", "m-fresh"]);
    unknown.exits(2).complains("no key `00` in force signs policies of `m-fresh`");
    at_url(&["key", "signing", "list"]).exits(2).complains("name the merchant with --merchant");
    assert_eq!(served.stop(), Some(0));
}

#[test]
fn a_configuration_binds_nothing_unsigned_with_and_without_a_server() {
    let data = folder();
    let limits = data.write("limits.toml", "[upload]\nsignatures = \"required\"\n");
    let merchant = |name: &str, hours: u32| {
        let policies = serde_json::json!({"delay": {"policy": "delay", "settings": {"ship_upper_hours": hours}}});
        let config = serde_json::json!({"id": "m-one", "shop_id": "1", "platform": "own-site", "policies": policies});
        data.write(name, &config.to_string())
    };
    let (first, other) = (merchant("first.json", 39), merchant("other.json", 38));
    let put = |file: &str| ombud_in(data.path(), &["merchant", "put", file, "--data", "DATA/d"]);
    let refused =
        || _ = put(&other).exits(2).complains("/policies/delay").complains("takes signed policies only").complains("ombud push --key");

    let served = Served::start(&["serve", "--data", &format!("{}/d", data.text()), "--listen", "127.0.0.1:0", "--limits", &limits]);
    put(&first).exits(0);
    refused();
    assert_eq!(served.stop(), Some(0));
    refused();
    put(&first).exits(0);
}
