//! Who knows who was erased since a backup, and who does not.

use std::path::Path;

use ombud_tests::client::agent;
use ombud_tests::command::{on, path};
use ombud_tests::events::refund;
use ombud_tests::process::{Process, command, demo_keys};

use super::{Place, acts, check, served, stop};

const OF: [&str; 2] = ["--merchant", "m-fresh"];

/// Posts refunds of a customer.
fn refunds(data: &Path, customer: &str, own: &[&str]) {
    let process = Process::start(command(data));
    let keys = demo_keys(data);
    let key = keys["merchants"]["m-fresh"]["agent"].as_str().unwrap();
    for own in own {
        process.call(&agent(), "POST", "/v1/merchants/m-fresh/events").key(key).event(&refund(own, customer, 100)).send().ok();
    }
    stop(&process);
}

fn erase(data: &Path, customer: &str) {
    on(data, &[&["audit", "erase", "--customer", customer], &OF[..]].concat()).exits(0);
}

/// A directory that was restored without anybody who knew is no witness when it is itself replaced, nor is a backup of it.
#[test]
fn a_directory_that_does_not_know_who_was_erased_keeps_that() {
    let place = Place::new();
    refunds(&place.data(), "c_gone", &["gone"]);
    place.backup("before", &[]).exits(0);
    erase(&place.data(), "c_gone");
    served(&place.data());
    let (live, unaware) = (place.data(), place.at("q"));
    let unknown = unaware.join("erasures.unknown");
    let first = place.restore("before", "q", &["--json", "--accept-loss"]).exits(0).json();
    assert_eq!((&first["erasures_known"], &first["erasures_unknown_since"]), (&false.into(), &first["made_at"]), "{first}");
    // Again, in its place; by itself; and from a backup of it.
    place.restore("before", "q", &["--accept-loss"]).exits(0).says("nobody said who was erased after").says("erasures.unknown");
    on(&place.at("q"), &["backup", "-o", path(&place.at("unaware"))]).exits(0);
    let more = ["--json", "--accept-loss", "--erasures-from", path(&unaware)];
    for again in [place.restore("before", "other", &more), place.restore("unaware", "third", &["--json", "--accept-loss"])] {
        let again = again.exits(0).json();
        assert_eq!((&again["erasures_known"], &again["erasures_unknown_since"]), (&false.into(), &first["made_at"]), "{again}");
    }
    // Each start says it.
    assert!(unknown.exists());
    let log = place.at("log");
    let process = Process::logging(command(&place.at("q")), std::fs::File::create(&log).unwrap());
    assert_eq!(process.call(&agent(), "GET", "/readyz").send().status, 200);
    stop(&process);
    assert!(std::fs::read_to_string(&log).unwrap().contains("nobody said who was erased after"));
    // A file that was not copied says nothing.
    std::fs::write(place.at("cut"), "").unwrap();
    let cut = place.restore("before", "q", &["--accept-loss", "--erasures-from", path(&place.at("cut"))]);
    cut.exits(2).complains("it does not say who was erased");
    // Somebody knows: nothing is left to be said.
    let known = place.restore("before", "q", &["--json", "--accept-loss", "--erasures-from", path(&live)]).exits(0).json();
    assert_eq!((&known["erasures_known"], &known["erased_again"]), (&true.into(), &1.into()), "{known}");
    assert!(!unknown.exists());
    check(&place.at("q"));
}

/// Whoever was erased twice has two lines, and is met with each of their tickets: once is enough, and no alarm.
#[test]
fn who_was_erased_twice_is_erased_again_once() {
    let place = Place::new();
    refunds(&place.data(), "c_back", &["back-0"]);
    erase(&place.data(), "c_back");
    refunds(&place.data(), "c_back", &["back-1", "back-2", "back-3"]);
    place.backup("between", &[]).exits(0);
    erase(&place.data(), "c_back");
    served(&place.data());
    let kept = std::fs::read_to_string(place.data().join("erasures")).unwrap();
    let restored = place.restore("between", "data", &["--json", "--accept-loss"]).exits(0).json();
    assert_eq!((&restored["erased_again"], &restored["not_erased_again"]), (&1.into(), &serde_json::json!([])), "{kept}{restored}");
    assert_eq!(acts(&place.data(), &OF, "erasure").len(), 2);
    check(&place.data());
}

/// What the database of the replaced directory says is not lost with its file, and what only the file may have said is not known.
#[test]
fn a_file_of_erasures_that_cannot_be_read_costs_no_erasure_of_the_database() {
    let place = Place::new();
    let (data, customer) = (place.data(), "c_2001");
    served(&data);
    place.backup("before", &[]).exits(0);
    erase(&data, customer);
    served(&data);
    let kept = std::fs::read_to_string(data.join("erasures")).unwrap();
    std::fs::write(data.join("erasures"), format!("{kept}m-fresh erased:0m-fresh erased:1 2 3\n")).unwrap();
    // A start says what to do.
    on(&data, &["serve", "--listen", "127.0.0.1:0"]).exits(2).complains("line 2: is no erasure").complains("take the line out");
    let restored = place.restore("before", "data", &["--accept-loss", "--json"]).exits(0).json();
    assert_eq!((&restored["erased_again"], &restored["erasures_known"]), (&1.into(), &false.into()), "{restored}");
}
