//! `ombud explain` on a data directory and through a server.

use serde_json::{Value, json};

use super::run::{Served, demo_data, ombud, ombud_in};

/// The id of the demonstration's first decision with an outcome.
fn decision(data: &std::path::Path, merchant: &str, outcome: &str) -> String {
    let json = ombud_in(data, &["demo", "--once", "--data", "DATA", "--json"]).exits(0).json();
    let tickets = json["tickets"].as_array().unwrap().iter().filter(|ticket| ticket["merchant"] == merchant);
    let mut decisions = tickets.flat_map(|ticket| ticket["answer"]["decisions"].as_array().unwrap());
    decisions.find(|decision| decision["outcome"] == outcome).unwrap()["id"].as_str().unwrap().to_owned()
}

#[test]
fn a_decision_is_explained_from_a_data_directory_and_from_a_server() {
    let data = demo_data();
    let id = decision(data.path(), "m-cosmetics", "reject-with-alternative");
    let on_data = |more: &[&str]| {
        let mut arguments = vec!["explain", id.as_str(), "--data", "DATA", "--merchant", "m-cosmetics"];
        arguments.extend(more);
        ombud_in(data.path(), &arguments)
    };
    on_data(&[]).exits(0).says("网络购买商品七日无理由退货暂行办法第9条").says("您有权要求人工复核");
    let english = on_data(&["--lang", "en"]);
    english.exits(0).says("If you disagree, you may ask for review by a person").says("art. 9");
    on_data(&["--for", "auditor", "--lang", "en"]).exits(0).says("AS-410 policy, medium (decided)").says("component ").says("timeline");
    on_data(&["--for", "auditor", "--lang", "en"]).exits(0).says("personal data are masked");
    let unmasked = on_data(&["--for", "auditor", "--lang", "en", "--unmask", "case 17 & more"]);
    unmasked.exits(0);
    assert!(!unmasked.out.contains("masked") && !unmasked.out.contains("***"), "{}", unmasked.out);
    let acts = ["audit", "acts", "--data", "DATA", "--merchant", "m-cosmetics", "--act", "text.unmasked", "--json"];
    let acts = ombud_in(data.path(), &acts).exits(0).json();
    assert_eq!((&acts[0]["by"], &acts[0]["body"]["reason"]), (&json!("operator"), &json!("case 17 & more")));
    let json = on_data(&["--for", "auditor", "--json"]).exits(0).json();
    assert_eq!(json["rules"][0]["rule"], "AS-410");

    let served = Served::start(&["serve", "--data", data.path().to_str().unwrap(), "--listen", "127.0.0.1:0"]);
    let keys: Value = serde_json::from_slice(&std::fs::read(data.path().join("demo-keys.json")).unwrap()).unwrap();
    let key = keys["merchants"]["m-cosmetics"]["auditor"].as_str().unwrap();
    let by_url = ombud(&["explain", &id, "--url", &served.url, "--key", key, "--merchant", "m-cosmetics", "--lang", "en"]);
    assert_eq!(by_url.exits(0).out, english.out, "the same words");
    // While the server holds the directory, it is asked through its socket.
    assert_eq!(on_data(&["--lang", "en"]).exits(0).out, english.out);
}

#[test]
fn what_is_not_there_is_named() {
    let data = demo_data();
    let none = "00000000000000000000000000000000";
    ombud_in(data.path(), &["explain", none, "--data", "DATA", "--merchant", "m-cosmetics"]).exits(2).complains("no such decision");
    ombud_in(data.path(), &["explain", none, "--data", "DATA", "--merchant", "m-nope"]).exits(2).complains("there are m-cosmetics");
    ombud(&["explain", none, "--merchant", "m-cosmetics"]).exits(2).complains("--data <DIR>|--url <URL>");
}
