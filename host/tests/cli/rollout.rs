//! `ombud rollout`: every subcommand on a data directory, through the socket of the server that holds it, and by URL and key.

use serde_json::{Value, json};

use super::run::{Folder, Ran, Served, folder, ombud, ombud_in};

const MERCHANT: &str = "m-roll";

/// Where a command is to go: `--data`, or `--url` and `--key`.
struct Of<'a> {
    data: &'a Folder,
    source: Vec<String>,
}

impl<'a> Of<'a> {
    /// The directory, or whoever holds it.
    fn data(data: &'a Folder) -> Self {
        Self { data, source: vec!["--data".into(), data.text()] }
    }

    fn url(data: &'a Folder, served: &Served, key: &str) -> Self {
        Self { data, source: vec!["--url".into(), served.url.clone(), "--key".into(), key.into()] }
    }

    fn run(&self, arguments: &[&str]) -> Ran {
        let mut all = vec!["rollout"];
        all.extend(arguments);
        all.extend(self.source.iter().map(String::as_str));
        all.extend(["--merchant", MERCHANT]);
        ombud(&all)
    }

    /// A step of the policy `delay`, as JSON.
    fn step(&self, arguments: &[&str]) -> Value {
        self.run(&[arguments, &["--policy", "delay", "--json"]].concat()).exits(0).json()
    }

    /// The rollout of delays.
    fn plan(&self) -> Value {
        let all = self.run(&["status", "--json"]).exits(0).json();
        all["kinds"].as_array().unwrap().iter().find(|plan| plan["kind"] == "delay").unwrap().clone()
    }

    fn active(&self) -> String {
        self.plan()["active"]["version"].as_str().unwrap().to_owned()
    }

    /// Changes the merchant; what it is then.
    fn put(&self, more: &Value) -> Value {
        let mut config = json!({"id": MERCHANT, "shop_id": "1", "platform": "own-site"});
        config.as_object_mut().unwrap().append(&mut more.as_object().unwrap().clone());
        let file = self.data.write("merchant.json", &config.to_string());
        ombud_in(self.data.path(), &["merchant", "put", &file, "--data", "DATA", "--json"]).exits(0).json()
    }

    /// Makes a version that pays so much for a slight delay the active one.
    fn bind(&self, value: i64) -> String {
        let put = self.put(&json!({"policies": {"delay": {"policy": "delay", "settings": {"ship_slight_value": value}}}}));
        let policies = put["policies"].as_array().unwrap();
        policies.iter().find(|policy| policy["kind"] == "delay").unwrap()["version"].as_str().unwrap().to_owned()
    }

    fn key(&self, role: &str, label: &str) -> String {
        let made = ["key", "create", "--data", "DATA", "--merchant", MERCHANT, "--role", role, "--label", label, "--json"];
        ombud_in(self.data.path(), &made).exits(0).json()["secret"].as_str().unwrap().to_owned()
    }
}

/// The way of a version, alike wherever the commands go.
fn rolls_out(of: &Of<'_>, old: &str, new: &str) {
    assert_eq!(of.active(), old);
    of.run(&["shadow", "--policy", "delay", "--version", new]).exits(0).says("done, in force with the next event").says("shadow");
    of.run(&["status", "--policy", "delay"]).exits(0).says("nothing to compare yet");
    assert_eq!(of.step(&["shadow", "--version", new])["changed"], false);
    of.step(&["shadow", "--version", new, "--off"]);
    assert_eq!(of.plan()["shadows"], json!([]));
    of.run(&["canary", "2.5%", "--policy", "delay", "--version", new, "--reason", "a few"]).exits(0).says("canary 2.5 %");
    // Without a version the canary is meant.
    assert_eq!(of.step(&["canary", "25%"])["rollout"]["kinds"][0]["canary"]["share_bp"], 2_500);
    for share in ["0%", "100%"] {
        of.run(&["canary", share, "--policy", "delay"]).exits(0).says(&format!("canary {}", share.replace('%', " %")));
    }
    of.step(&["activate", "--reason", "no complaints"]);
    assert_eq!(of.active(), new);
    of.run(&["activate", "--policy", "delay", "--version", new]).exits(0).says("it was that way already");
    // Windows: a whole day, one that overlaps, and gone again.
    let window =
        |from: &str, to: &str, version: &str| of.run(&["window", "--policy", "delay", "--version", version, "--from", from, "--to", to]);
    window("2026-11-11", "2026-11-11", old).exits(0).says("2026-11-11T00:00:00 to 2026-11-12T00:00:00");
    window("2026-11-11T23:59", "2026-11-12", new).exits(2).complains("overlaps the window");
    window("2026-11-12", "2026-11-11", new).exits(2).complains("is not after `from`");
    window("tomorrow", "2026-11-11", new).exits(2).complains("/from");
    of.step(&["window", "--version", old, "--remove", "--from", "2026-11-11"]);
    of.run(&["window", "--policy", "delay", "--version", old, "--remove"]).exits(2).complains("has no such window");
    // Back, by hand only with a reason; what was taken back is not meant by a command that names no version.
    of.run(&["rollback", "--policy", "delay"]).exits(2).complains("--reason");
    of.step(&["rollback", "--reason", "too dear"]);
    assert_eq!((of.active(), of.plan()["taken_back"][0]["version"].clone()), (old.to_owned(), json!(new)));
    for step in [&["activate"][..], &["shadow"], &["canary", "5%"], &["window", "--from", "2026-12-12", "--to", "2026-12-12"]] {
        of.run(&[step, &["--policy", "delay"]].concat()).exits(2).complains("was taken back (too dear)").complains("--version");
    }
    of.run(&["status"]).exits(0).says("taken back").says("too dear");
    // What is to end is that of whichever version has it.
    of.step(&["shadow", "--version", new]);
    of.step(&["shadow", "--off"]);
    of.run(&["shadow", "--off", "--policy", "delay"]).exits(2).complains("no version of `delay` runs in shadow");
    window("2027-11-11", "2027-11-11", new).exits(0);
    window("2027-12-12", "2027-12-12", old).exits(0);
    of.run(&["window", "--remove", "--policy", "delay"]).exits(2).complains("of `delay` more than one version has a window").complains(old);
    of.step(&["window", "--version", old, "--remove"]);
    of.step(&["window", "--remove"]);
    assert_eq!(of.plan()["windows"], json!([]));
    of.step(&["rollback", "--to", new, "--reason", "as before"]);
    of.step(&["rollback", "--to", old, "--reason", "too dear"]);
    of.step(&["rollback", "--to", new, "--reason", "it was innocent"]);
    assert_eq!(of.active(), new);
    of.step(&["rollback", "--to", old, "--kind", "delay", "--reason", "the same for the next one"]);
    // Switches: a version, the policy, the kind, everything.
    for scope in [&["--policy", "delay", "--version", old][..], &["--policy", "delay"], &["--kind", "delay"], &["--all"]] {
        of.run(&[&["pause"], scope].concat()).exits(2).complains("--reason");
        of.run(&[&["pause", "--reason", "look at it"], scope].concat()).exits(0).says("paused: ").says("look at it");
        of.run(&[&["resume", "--reason", "it was right"], scope].concat()).exits(0).says("done");
        of.run(&[&["resume", "--reason", "it was right"], scope].concat()).exits(2).complains("is not paused");
    }
    of.run(&["proposals"]).exits(0);
    assert_eq!(of.run(&["proposals", "--json"]).exits(0).json(), json!([]));
}

/// What cannot be done, alike wherever the commands go: exit code 2, with the reason, and nothing is changed.
fn refuses(of: &Of<'_>, old: &str) {
    let before = of.plan();
    for (arguments, says) in [
        (&["activate"][..], "--policy"),
        (&["activate", "--policy", "nothing", "--version", "1"], "no such policy"),
        (&["activate", "--policy", "delay", "--version", "9.9.9+00000000"], old),
        (&["activate", "--policy", "delay", "--version", old, "--kind", "reply"], "does not decide reply"),
        (&["activate", "--policy", "delay", "--version", old, "--kind", "ops"], "is no kind"),
        (&["canary", "101%", "--policy", "delay"], "from 0% to 100%"),
        (&["canary", "5", "--policy", "delay"], "from 0% to 100%"),
        (&["canary", "5%", "--policy", "delay", "--version", old], "answers every customer already"),
        (&["shadow", "--policy", "delay", "--version", old], "nothing to compare it with"),
        (&["shadow", "--policy", "delay", "--version", old, "--off"], "does not run in shadow"),
        (&["rollback", "--policy", "delay", "--to", "1", "--reason", "r"], "/to"),
        (&["window", "--policy", "delay"], "--from"),
        (&["pause", "--reason", "r"], "--kind, or --all"),
        (&["pause", "--policy", "delay", "--all", "--reason", "r"], "cannot be used with"),
        (&["pause", "--version", old, "--reason", "r"], "--policy"),
        (&["pause", "--kind", "ops", "--reason", "r"], "is no kind"),
        (&["approve", "p_0000000000000000"], "no such proposal"),
        (&["withdraw", "p_0000000000000000"], "no such proposal"),
        (&["status", "--policy", "delay", "--since", "yesterday"], "/since"),
        (&["status", "--policy", "nothing"], "no such policy"),
    ] {
        let ran = of.run(arguments);
        assert_eq!(ran.exits(2).out, "", "{arguments:?}");
        assert!(ran.err.contains(says), "{arguments:?}: no `{says}` in {}", ran.err);
    }
    assert_eq!(of.plan(), before);
}

#[test]
fn a_version_goes_its_way_on_a_directory_through_its_server_and_by_url() {
    let data = folder();
    let of = Of::data(&data);
    let (new, old) = (of.bind(4_000), of.bind(3_000));
    refuses(&of, &old);
    rolls_out(&of, &old, &new);
    let served = Served::start(&["serve", "--data", &data.text(), "--listen", "127.0.0.1:0"]);
    refuses(&of, &old);
    rolls_out(&of, &old, &new);
    let admin = Of::url(&data, &served, &of.key("merchant-admin", "li"));
    refuses(&admin, &old);
    rolls_out(&admin, &old, &new);
    // What the operator paused, the merchant does not resume.
    of.run(&["pause", "--all", "--reason", "audit"]).exits(0).says("every policy of the merchant");
    admin.run(&["resume", "--all", "--reason", "mine"]).exits(2).complains("only the operator");
    of.run(&["resume", "--all", "--reason", "done"]).exits(0);
    // Keys that may not, and names that are not there.
    Of::url(&data, &served, &of.key("agent", "wang")).run(&["pause", "--all", "--reason", "r"]).exits(2).complains("roll out policies");
    Of::url(&data, &served, "ombud_none").run(&["status"]).exits(2).complains("no valid API key");
    let other = ["rollout", "status", "--data", "DATA", "--merchant", "m-nobody"];
    ombud_in(data.path(), &other).exits(2).complains("no merchant `m-nobody`: there are m-roll");
    ombud_in(data.path(), &["rollout", "status", "--data", "DATA/none", "--merchant", MERCHANT]).exits(2);
    ombud(&["rollout", "status", "--merchant", MERCHANT]).exits(2).complains("--data");
    assert_eq!(served.stop(), Some(0));
    // Every step is an act, whoever held the directory.
    let acts = ombud_in(data.path(), &["audit", "acts", "--data", "DATA", "--merchant", MERCHANT]);
    for name in ["shadow", "canary", "activated", "window", "window-removed", "rolled-back", "paused", "resumed"] {
        acts.exits(0).says(&format!("rollout.{name}"));
    }
    // And the plans are what the acts make of them.
    ombud_in(data.path(), &["audit", "check", "--data", "DATA"]).exits(0).says("all is well");
}

#[test]
fn two_persons_roll_a_version_out_by_command() {
    let data = folder();
    let of = Of::data(&data);
    let (new, old) = (of.bind(4_100), of.bind(3_100));
    of.put(&json!({"approvals": {"rollout": 2}}));
    let (li, wang) = (of.key("merchant-admin", "li"), of.key("merchant-admin", "wang"));
    // Without a server the directory's owner proposes, and is one person.
    let asked = of.step(&["activate", "--version", &new, "--reason", "better"]);
    let own = asked["proposal"]["id"].as_str().unwrap();
    of.run(&["approve", own]).exits(2).complains("another person");
    let served = Served::start(&["serve", "--data", &data.text(), "--listen", "127.0.0.1:0"]);
    let (li, wang) = (Of::url(&data, &served, &li), Of::url(&data, &served, &wang));
    li.run(&["proposals"]).exits(0).says(own).says("delay: activate").says("better");
    li.run(&["status"]).exits(0).says(&format!("proposal {own} of `operator` (delay: activate `delay {new}`)"));
    wang.run(&["withdraw", own, "--reason", "not yet"]).exits(0).says("withdrawn, nothing is changed by it");
    li.run(&["approve", own]).exits(2).complains("no such proposal");
    assert_eq!(of.active(), old);
    let ran = li.run(&["activate", "--policy", "delay", "--version", &new, "--reason", "now"]);
    ran.exits(0).says("waits for a second person until").says("proposal p_");
    let proposals = wang.run(&["proposals", "--json"]).exits(0).json();
    let id = proposals[0]["id"].as_str().unwrap();
    li.run(&["approve", id]).exits(2).complains("`li` proposed it");
    wang.run(&["approve", id, "--reason", "agreed"])
        .exits(0)
        .says("approved what `li` proposed (now)")
        .says("done, in force with the next event");
    assert_eq!(of.active(), new);
    let acts = ombud_in(data.path(), &["audit", "acts", "--data", "DATA", "--merchant", MERCHANT, "--json"]).exits(0).out.clone();
    assert!(acts.contains("agreed"), "{acts}");
    // A rollback says what it takes back; stopping does not wait.
    let back = li.step(&["rollback", "--reason", "too dear"]);
    assert_eq!((&back["proposal"]["takes"][0]["version"], &back["proposal"]["to"]["version"]), (&json!(new), &json!(old)));
    li.run(&["pause", "--policy", "delay", "--reason", "now"]).exits(0).says("paused: the policy `delay`");
    of.run(&["approve", back["proposal"]["id"].as_str().unwrap()]).exits(0);
    assert_eq!(of.active(), old);
    assert_eq!(served.stop(), Some(0));
    ombud_in(data.path(), &["audit", "check", "--data", "DATA"]).exits(0).says("all is well");
}
