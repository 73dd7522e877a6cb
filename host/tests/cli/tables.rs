//! Decision tables as a merchant meets them: compiled, checked, tested and used by an event.

use serde_json::{Value, json};

use super::run::{folder, ombud, ombud_in, root};

const EXAMPLES: &str = "plugins/table/examples";

#[test]
fn the_example_tables_pass_their_cases_and_checks() {
    let names = ["exchange-first", "fresh-fruit", "house-style", "patient-blacklist", "singles-day-delays"];
    let tested = ombud(&["test", EXAMPLES, "--json"]).exits(0).json();
    assert!(tested["passed"].as_u64().unwrap() >= 45, "{tested}");
    let checked = ombud(&["check", EXAMPLES, "--json"]).exits(0).json();
    let paths: Vec<&str> = checked.as_array().unwrap().iter().map(|policy| policy["path"].as_str().unwrap()).collect();
    assert_eq!(paths, names.map(|name| format!("{EXAMPLES}/{name}")));
    for policy in checked.as_array().unwrap() {
        let findings = &policy["steps"][0]["findings"];
        assert!(findings["tried"].as_u64().unwrap() > 100, "{findings}");
        assert_eq!(findings["idle"], json!([]));
    }
    // Of a unique table nothing overlaps; what several rows match is shown with a whole case.
    let of = |name: &str| checked.as_array().unwrap().iter().find(|policy| policy["path"].as_str().unwrap().ends_with(name)).unwrap();
    assert_eq!(of("exchange-first")["steps"][0]["findings"]["overlaps"], json!([]));
    let overlap = &of("fresh-fruit")["steps"][0]["findings"]["overlaps"][0];
    assert!(overlap["example"]["case"]["order"]["lines"].is_array(), "{overlap}");
}

#[test]
fn a_compiled_table_decides_an_event() {
    let data = folder();
    let settings = format!("{}/settings.json", data.text());
    ombud(&["table", "compile", "plugins/table/examples/singles-day-delays", "-o", &settings]).exits(0);
    let text = std::fs::read_to_string(&settings).unwrap();
    let settings: Value = serde_json::from_str(&text).unwrap();
    assert!(settings["delay"]["source"].as_str().unwrap().contains("SD-22"), "the source is kept for people");
    let merchant = json!({
        "id": "m-table", "shop_id": "1", "platform": "douyin", "policies": {"delay": {"policy": "table", "settings": settings}},
    });
    let merchant = data.write("merchant.json", &merchant.to_string());
    let decided = ombud(&["decide", "tests/events/delay.detected.json", "--merchant", &merchant, "--json"]).exits(0).json();
    let decision = &decided["decisions"][0];
    assert_eq!(decision["fault"], Value::Null, "{decision}");
    assert!(decision["reasons"][0]["rule"].as_str().unwrap().starts_with("SD-"), "{decision}");
}

/// What a table of as many rows as it may have decides within the usual fuel.
#[test]
fn a_table_of_five_hundred_rows_has_fuel_for_long_cases() {
    let data = folder();
    let letter = |at: usize| char::from_u32(0x5000 + u32::try_from(at * 7 % 1_500).unwrap()).unwrap();
    let rows = |row: &dyn Fn(usize) -> String| (0..500).map(row).collect::<String>();
    let decided = |kind: &str, table: &str, event: &Value| {
        let settings = format!("{}/settings.json", data.text());
        let table = data.write("table.yaml", table);
        ombud(&["table", "compile", &table, "-o", &settings]).exits(0);
        let settings: Value = serde_json::from_str(&std::fs::read_to_string(&settings).unwrap()).unwrap();
        let mut policies = json!({});
        policies[kind] = json!({"policy": "table", "settings": settings});
        let merchant = json!({"id": "m-long", "shop_id": "1", "platform": "douyin", "policies": policies});
        let merchant = data.write("merchant.json", &merchant.to_string());
        let event = data.write("event.json", &event.to_string());
        let decided = ombud(&["decide", &event, "--merchant", &merchant, "--json"]).exits(0).json();
        assert_eq!(decided["decisions"][0]["fault"], Value::Null, "{kind}: {decided}");
    };
    let event = |name: &str| -> Value {
        let text = std::fs::read_to_string(root().join(format!("tests/events/{name}.json"))).unwrap();
        let mut event: Value = serde_json::from_str(&text).unwrap();
        event["data"].as_object_mut().unwrap().remove("merchant");
        event
    };
    // Eight words a row, and a text as long as it may be in which each of them may begin.
    let mut reply = event("reply.drafted");
    reply["data"]["reply"]["text"] = (0..4_000).map(letter).collect::<String>().into();
    let words = |row: usize| (0..8).map(move |at| [letter(row * 8 + at), letter(row * 3 + at), letter(at)].iter().collect::<String>());
    let row = |row: usize| format!("- {{id: R{row}, words: {}, outcome: block}}\n", words(row).collect::<Vec<_>>().join(" | "));
    decided("reply", &format!("kind: reply\nhit: collect\nrows:\n{}", rows(&row)), &reply);

    let mut delay = event("delay.detected");
    let episode = delay["data"]["delay"]["episodes"][0].clone();
    let numbered = |at: usize| {
        let mut episode = episode.clone();
        episode["episode_id"] = format!("ep{}", at + 1).into();
        episode
    };
    delay["data"]["delay"]["episodes"] = (0..40).map(numbered).collect();
    let row = |row: usize| {
        format!(
            "- {{id: R{row}, episode.kind: 'shipping, in-transit', derived.overdue: '> {}h', derived.paid: '> ¥9', extortion_flag: no, outcome: care-only}}\n",
            90_000 - row
        )
    };
    decided("delay", &format!("kind: delay\nrows:\n{}", rows(&row)), &delay);

    let mut request = event("aftersale.requested");
    let line = request["data"]["order"]["lines"][0].clone();
    let numbered = |at: usize| {
        let mut line = line.clone();
        line["line_id"] = format!("L{}", at + 1).into();
        line
    };
    request["data"]["order"]["lines"] = (0..100).map(numbered).collect();
    request["data"]["after_sale"]["lines"] = (0..100).map(|at| json!({"line_id": format!("L{}", at + 1), "qty": 1})).collect();
    let row = |row: usize| {
        format!(
            "- {{id: R{row}, reason: 'quality, spoiled', derived.received: yes, derived.category: apparel, derived.refund_fault: '> ¥{}', outcome: escalate}}\n",
            100_000 + row
        )
    };
    decided("after-sale", &format!("kind: after-sale\nrows:\n{}", rows(&row)), &request);
}

#[test]
fn a_table_with_mistakes_names_their_rows_and_columns() {
    let data = folder();
    let bad = data.write("table.csv", "# kind: delay\nid,episode.knd,derived.overdue,outcome\nA,shipping,> soon,none\nB,,> 1h,nothing\n");
    let checked = ombud(&["check", &bad]);
    checked
        .exits(1)
        .says("row `A`, `episode.knd`: ")
        .says("row `A`, `derived.overdue`: `soon` is no duration")
        .says("row `B`, `outcome`: ");
    ombud(&["table", "compile", &bad]).exits(1).complains("row `B`, `outcome`");
    ombud(&["test", &bad]).exits(2).complains("is no table yet");
    // As a spreadsheet saves it where nobody says UTF-8.
    std::fs::write(&bad, b"# kind: delay\nid,episode.kind,outcome,note\nA,shipping,none,\xc4\xe3\xba\xc3\n").unwrap();
    ombud(&["check", &bad]).exits(2).complains("is not in UTF-8").complains("`CSV UTF-8`");
    ombud(&["table", "compile", "Cargo.toml"]).exits(2).complains("neither `.yaml` nor `.csv`");
}

#[test]
fn gaps_overlaps_and_idle_rows_are_shown_with_cases() {
    let data = folder();
    let gap = data.write("table.yaml", "kind: delay\nhit: unique\nrows:\n- {id: A, derived.overdue: '< 72h', outcome: none}\n- {id: B, derived.overdue: '> 72h', outcome: care-only}\n");
    ombud(&["check", &gap]).exits(0).says("fall to no row").says("derived.overdue = 72h");
    let overlap = gap.replace("table.yaml", "table-b.yaml");
    std::fs::write(&overlap, std::fs::read_to_string(&gap).unwrap().replace("> 72h", ">= 2h")).unwrap();
    ombud(&["check", &overlap]).exits(1).says("`A` and `B` both match, with different outcomes").says("for instance derived.overdue = ");
    std::fs::write(&overlap, std::fs::read_to_string(&gap).unwrap().replace("hit: unique", "hit: first").replace("> 72h", "< 2h")).unwrap();
    ombud(&["check", &overlap]).exits(1).says("`B` never decides: where it matches, `A` does");
    ombud_in(data.path(), &["table", "compile", "DATA"]).exits(2).complains("two tables of kind delay");
}

#[test]
fn settings_that_are_no_compiled_table_are_refused_with_their_place() {
    let data = folder();
    let bad = |settings: Value| {
        let merchant =
            json!({"id": "m-t", "shop_id": "1", "platform": "douyin", "policies": {"delay": {"policy": "table", "settings": settings}}});
        let merchant = data.write("merchant.json", &merchant.to_string());
        let event = ombud(&["decide", "tests/events/delay.detected.json", "--merchant", &merchant, "--json"]);
        format!("{}{}", event.out, event.err)
    };
    for (settings, place) in [
        (json!({"dely": {}}), "/dely"),
        (json!({"delay": {"source": ""}}), "/delay/program"),
        (json!({"delay": {"program": 5}}), "/delay/program"),
        (json!({"delay": {"program": "***"}}), "not base64"),
        (json!({"delay": {"program": "AAAA"}}), "not a compiled table"),
        (json!({"delay": {"program": "", "rows": []}}), "/delay/rows"),
    ] {
        let said = bad(settings.clone());
        assert!(said.contains(place), "{settings}: {said}");
    }
}

#[test]
fn a_table_is_rolled_out_for_the_kinds_that_it_decides() {
    let data = folder();
    let config = root().join("host/src/demo/merchants/m-fresh.json");
    let at_data = |arguments: &[&str]| ombud_in(data.path(), &[arguments, &["--data", "DATA"]].concat());
    at_data(&["merchant", "put", config.to_str().unwrap()]).exits(0);
    let kinds = |path: &str, name: &[&str]| {
        let pushed = at_data(&[&["push", path, "--json"], name].concat()).exits(0).json();
        (pushed["version"]["policy"].clone(), pushed["version"]["kinds"].clone())
    };
    let delays = "plugins/table/examples/singles-day-delays";
    assert_eq!(kinds(delays, &[]), (json!("singles-day-delays"), json!(["delay"])));
    assert_eq!(kinds(&format!("{delays}/table.csv"), &[]), (json!("singles-day-delays"), json!(["delay"])));
    let roll = |arguments: &[&str]| at_data(&[&["rollout"], arguments, &["--merchant", "m-fresh"]].concat());
    let placed = |policy: &str| {
        let status = roll(&["status", "--policy", policy, "--json"]).exits(0).json();
        let kinds = status["kinds"].as_array().unwrap().iter();
        let active = |kind: &&Value| kind["active"]["policy"] == policy;
        kinds.filter(active).map(|kind| kind["kind"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    roll(&["activate", "--policy", "singles-day-delays", "--kind", "after-sale"]).exits(2).complains("does not decide after-sale");
    roll(&["activate", "--policy", "singles-day-delays"]).exits(0);
    assert_eq!(placed("singles-day-delays"), ["delay"]);
    // Without any table it stands for every kind, and nobody guesses which one is meant.
    assert_eq!(kinds("policies/table", &["--name", "persons"]).1, json!(["after-sale", "delay", "blacklist", "reply"]));
    roll(&["activate", "--policy", "persons"]).exits(2).complains("`/kind`: is missing").complains("after-sale, delay, blacklist, reply");
    roll(&["activate", "--policy", "persons", "--kind", "reply"]).exits(0);
    assert_eq!(placed("persons"), ["reply"]);
    let other = data.write("other.json", "{ }");
    kinds("policies/table", &["--name", "persons", "--settings", &other]);
    roll(&["activate", "--policy", "persons"]).exits(0);
    assert_eq!(placed("persons"), ["reply"], "the one plan that it stands in");
}
