//! `ombud backup` and `restore`: copies made under load, checked, put back, and held against what was published.

mod erasures;
mod keys;
mod published;
mod together;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use ombud_ledger::Digest;
use ombud_tests::client::agent;
use ombud_tests::command::{Ran, copy_folder, demo_data, on, path, run};
use ombud_tests::events::event;
use ombud_tests::process::{Process, command, demo_keys};
use serde_json::{Value, json};
use tempfile::TempDir;

/// A folder with the demonstration's data directory, and place for others.
struct Place(TempDir);

impl Place {
    fn new() -> Self {
        Self(demo_data())
    }

    fn at(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn data(&self) -> PathBuf {
        self.at("data")
    }

    fn backup(&self, name: &str, more: &[&str]) -> Ran {
        on(&self.data(), &[&["backup", "-o", path(&self.at(name))], more].concat())
    }

    fn restore(&self, from: &str, to: &str, more: &[&str]) -> Ran {
        on(&self.at(to), &[&["restore", path(&self.at(from))], more].concat())
    }

    /// What is in the folder.
    fn names(&self) -> Vec<String> {
        let mut names: Vec<_> =
            std::fs::read_dir(self.0.path()).unwrap().flatten().map(|entry| entry.file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    /// Where a replaced data directory is.
    fn replaced(&self) -> PathBuf {
        let names = self.names();
        self.at(names.iter().find(|name| name.starts_with("data.replaced-")).unwrap())
    }
}

fn check(data: &Path) -> Value {
    on(data, &["audit", "check", "--json"]).exits(0).json()
}

fn acts(data: &Path, log: &[&str], act: &str) -> Vec<Value> {
    let acts = on(data, &[&["audit", "acts", "--json"], log].concat()).exits(0).json();
    acts.as_array().unwrap().iter().filter(|one| one["name"] == act).cloned().collect()
}

/// A server, stopped as an operator stops it: what has grown is signed and published.
fn served(data: &Path) {
    served_by(command(data));
}

fn served_by(command: Command) {
    let process = Process::start(command);
    // It listens a moment before it listens to signals.
    assert_eq!(process.call(&agent(), "GET", "/readyz").send().status, 200);
    stop(&process);
}

fn stop(process: &Process) {
    process.terminate();
    assert!(process.ended(Duration::from_secs(30)).success());
}

/// Makes a record in a merchant's log, and publishes it.
fn one_more_record(data: &Path) {
    on(data, &["key", "create", "--merchant", "m-fresh", "--role", "agent", "--label", "one more"]).exits(0);
    served(data);
}

/// Changes a database as somebody else would.
fn change(database: &Path, sql: &str) {
    assert!(rusqlite::Connection::open(database).unwrap().execute(sql, []).unwrap() > 0, "{sql}");
}

/// Writes the digest of a backup's database anew.
fn redigest(backup: &Path) {
    let digest = Digest::of(&std::fs::read(backup.join("ombud.db")).unwrap()).to_string();
    let manifest = backup.join("backup.json");
    let mut text: Value = serde_json::from_str(&std::fs::read_to_string(&manifest).unwrap()).unwrap();
    text["files"]["ombud.db"]["sha256"] = digest.into();
    std::fs::write(manifest, text.to_string()).unwrap();
}

#[test]
fn a_backup_made_under_load_is_whole_and_can_be_restored() {
    let place = Place::new();
    let data = place.data();
    let process = Process::start(command(&data));
    let keys = demo_keys(&data);
    let key = keys["merchants"]["m-cosmetics"]["agent"].as_str().unwrap();
    let (stopped, answered) = (AtomicBool::new(false), AtomicU64::new(0));
    let (before, made, after) = std::thread::scope(|scope| {
        for lane in 0..3 {
            let (process, stopped, answered) = (&process, &stopped, &answered);
            scope.spawn(move || {
                let agent = agent();
                for number in 0.. {
                    if stopped.load(Ordering::SeqCst) {
                        break;
                    }
                    let call = process.call(&agent, "POST", "/v1/merchants/m-cosmetics/events").key(key);
                    let answer = call.event(&event("delay.detected", &format!("load-{lane}-{number}"))).send().ok();
                    assert!(answer["decisions"][0]["seq"].is_number(), "{answer}");
                    answered.fetch_add(1, Ordering::SeqCst);
                }
            });
        }
        let wait = |count: u64| {
            while answered.load(Ordering::SeqCst) < count {
                std::thread::sleep(Duration::from_millis(5));
            }
        };
        wait(20);
        let before = answered.load(Ordering::SeqCst);
        let made = place.backup("b", &["--json"]);
        let after = answered.load(Ordering::SeqCst);
        wait(after + 20);
        stopped.store(true, Ordering::SeqCst);
        (before, made, after)
    });
    let made = made.exits(0).json();
    assert!(after > before, "the server went on meanwhile");
    assert_eq!((&made["made"], &made["master_key"], &made["check"]["well"]), (&true.into(), &true.into(), &true.into()));
    assert_eq!(made["check"]["bodies_opened"], made["check"]["records"], "every body was opened");
    stop(&process);

    // What was answered before it began is in it, for whoever has nothing else.
    place.restore("b", "restored", &[]).exits(0).says("held against published checkpoints");
    let restored = place.at("restored");
    let seen = check(&restored);
    let replayed = on(&restored, &["replay", "--merchant", "m-cosmetics", "--all", "--json"]).exits(0).json();
    assert!(replayed["replayed"].as_u64().unwrap() >= before, "{replayed}");
    assert!(seen["records"].as_u64().unwrap() > made["check"]["records"].as_u64().unwrap(), "its restoring is on record");
    // Both acts are in the operator's log.
    assert_eq!(acts(&restored, &[], "backup.made").len(), 1);
    let act = &acts(&restored, &[], "backup.restored")[0];
    assert_eq!(act["body"]["made_at"], made["made_at"]);
    assert!(act["body"]["after"].is_string(), "{act}");
    // It serves.
    served(&restored);
    check(&restored);
}

#[test]
fn a_restored_copy_that_lost_its_tail_is_refused_unless_the_loss_is_accepted() {
    let place = Place::new();
    let data = place.data();
    place.backup("old", &[]).exits(0).says("checked");
    one_more_record(&data);
    // In its place, and elsewhere with the checkpoints from where they were kept.
    let before = place.names();
    let refused = place.restore("old", "data", &[]);
    refused.exits(1).says("nothing was restored").says("m-fresh: ").says("the database was set back").says("--accept-loss");
    assert_eq!(place.names(), before, "nothing was touched");
    let kept = data.join("checkpoints");
    let file = kept.join("m-fresh");
    for published in [&data, &kept, &file] {
        let refused = place.restore("old", "elsewhere", &["--published", path(published), "--json"]).exits(1).json();
        assert_eq!((&refused["restored"], &refused["why"]), (&false.into(), &"lost".into()));
        assert_eq!(refused["lost"].as_array().unwrap().iter().filter(|lost| lost["merchant"] == "m-fresh").count(), 1);
        assert_eq!(place.names(), before, "nothing is left");
    }
    // A newer backup has everything.
    place.backup("new", &[]).exits(0);
    place.restore("new", "elsewhere", &["--published", path(&data)]).exits(0);
    check(&place.at("elsewhere"));

    // The operator accepts the loss: what was there is set aside, and the act has the checkpoint that contradicts.
    let published = std::fs::read_to_string(&file).unwrap();
    let accepted = place.restore("old", "data", &["--accept-loss"]);
    accepted.exits(0).says("LOST, as accepted: m-fresh").says("what was there is in ");
    assert_eq!(acts(&data, &["--merchant", "m-fresh"], "ledger.loss-accepted")[0]["body"]["checkpoint"], published);
    check(&data);
    served(&data);
    check(&place.replaced());
}

/// A copy that somebody puts in the place of the database by hand is noticed at the next start, as with a restored one.
#[test]
fn a_copy_put_back_by_hand_does_not_start() {
    let place = Place::new();
    let data = place.data();
    place.backup("old", &[]).exits(0);
    one_more_record(&data);
    std::fs::copy(place.at("old").join("ombud.db"), data.join("ombud.db")).unwrap();
    for rest in ["ombud.db-wal", "ombud.db-shm"] {
        _ = std::fs::remove_file(data.join(rest));
    }
    on(&data, &["serve", "--listen", "127.0.0.1:0"]).exits(2).complains("m-fresh: ").complains("the database was set back");
    on(&data, &["audit", "check"]).exits(1).says("m-fresh: published checkpoint: ").says("the database was set back");
}

#[test]
fn a_backup_that_was_changed_is_not_restored() {
    let place = Place::new();
    place.backup("b", &[]).exits(0);
    let damaged = |change: &dyn Fn(&Path), says: &str| {
        let copy = place.at("copy");
        _ = std::fs::remove_dir_all(&copy);
        copy_folder(&place.at("b"), &copy);
        change(&copy);
        place.restore("copy", "restored", &[]).exits(1).says(says);
        assert!(!place.at("restored").exists(), "{says}");
    };
    let flip = |copy: &Path, name: &str, from_end: usize| {
        let file = copy.join(name);
        let mut bytes = std::fs::read(&file).unwrap();
        let at = bytes.len() - from_end;
        bytes[at] ^= 1;
        std::fs::write(file, bytes).unwrap();
    };
    // Each file is held by its digest: what no record vouches for as well, such as keys.
    damaged(&|copy| flip(copy, "ombud.db", 1_000), "`ombud.db` is not the file that was backed up");
    damaged(&|copy| flip(copy, "checkpoints/m-fresh", 30), "`checkpoints/m-fresh` is not the file that was backed up");
    damaged(
        &|copy| change(&copy.join("ombud.db"), "UPDATE api_keys SET role = 'operator'"),
        "`ombud.db` is not the file that was backed up",
    );
    damaged(&|copy| std::fs::remove_file(copy.join("ledger.key")).unwrap(), "`ledger.key` is missing");
    damaged(&|copy| std::fs::write(copy.join("ombud.db-wal"), "x").unwrap(), "`ombud.db-wal` does not belong to the backup");
    // Somebody who writes the digests anew meets the check of the store.
    let forged = |copy: &Path| {
        change(&copy.join("ombud.db"), "UPDATE entries SET leaf = zeroblob(32) WHERE seq = 3");
        redigest(copy);
    };
    damaged(&forged, "the backup is damaged");
    std::fs::remove_file(place.at("copy").join("backup.json")).unwrap();
    place.restore("copy", "restored", &[]).exits(2).complains("is no backup");
    place.restore("b", "restored", &[]).exits(0);
}

#[test]
fn what_cannot_be_done_says_why() {
    let place = Place::new();
    let data = place.data();
    run(&["backup", "--data", "none", "-o", "never"]).exits(2).complains("no data directory");
    place.backup("b", &[]).exits(0);
    place.backup("b", &[]).exits(2).complains("is not empty");
    place.restore("none", "r", &[]).exits(2).complains("is no backup");
    std::fs::create_dir(place.at("other")).unwrap();
    std::fs::write(place.at("other").join("letter.txt"), "dear").unwrap();
    place.restore("b", "other", &[]).exits(2).complains("neither empty nor a data directory");
    assert!(place.at("other").join("letter.txt").exists());
    let process = Process::start(command(&data));
    place.restore("b", "data", &[]).exits(2).complains("is in use by process");
    stop(&process);
    // A directory that is damaged is copied as it is, under a name that says so.
    change(&data.join("ombud.db"), "UPDATE entries SET leaf = zeroblob(32) WHERE seq = 3");
    let damaged = place.backup("c", &["--json"]).exits(1).json();
    assert_eq!((&damaged["made"], &damaged["check"]["well"]), (&false.into(), &false.into()));
    assert!(!place.at("c").exists() && place.at("c.damaged").join("ombud.db").exists());
}

/// Whoever was erased after a backup is erased again when it is put back, as far as anybody knows of it.
#[test]
fn who_was_erased_after_the_backup_is_erased_again() {
    let place = Place::new();
    let of = ["--merchant", "m-fresh"];
    let database = rusqlite::Connection::open(place.data().join("ombud.db")).unwrap();
    let sql = "SELECT customer, lower(hex(decision_id)) FROM entries JOIN merchants USING (merchant_no)
        WHERE id = 'm-fresh' AND customer IS NOT NULL AND decision_id IS NOT NULL ORDER BY seq DESC LIMIT 1";
    let (customer, decision): (String, String) = database.query_row(sql, [], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
    drop(database);
    served(&place.data());
    place.backup("before", &[]).exits(0);
    let erase = [&["audit", "erase", "--customer", &customer], &of[..]].concat();
    on(&place.data(), &erase).exits(0);
    served(&place.data());
    let is_erased = |data: &Path| {
        let replayed = on(data, &[&["replay", &decision, "--json"], &of[..]].concat()).json();
        check(data);
        replayed["not_compared"]["erased"] == 1
    };
    assert!(is_erased(&place.data()));
    std::fs::copy(place.data().join("erasures"), place.at("erasures")).unwrap();
    let kept = std::fs::read_to_string(place.at("erasures")).unwrap();
    assert!(kept.starts_with("m-fresh erased:") && !kept.contains(&customer), "{kept}");

    // Nobody says who was erased: it is told that it has to be given again.
    place.restore("before", "unaware", &["--accept-loss"]).exits(0).says("give these erasures again");
    assert!(!is_erased(&place.at("unaware")));
    on(&place.at("unaware"), &erase).exits(0);
    assert!(is_erased(&place.at("unaware")));
    // The live directory says it, a copy of its file, or the directory that is replaced.
    let (live, file) = (place.data(), place.at("erasures"));
    for (to, from) in [("by-live", &live), ("by-file", &file)] {
        place.restore("before", to, &["--accept-loss", "--erasures-from", path(from)]).exits(0).says("1 customer erased again");
        assert!(is_erased(&place.at(to)), "{to}");
        let again = acts(&place.at(to), &of, "erasure");
        assert!(again[0]["body"]["reason"].as_str().unwrap().starts_with("erased before, at "), "{again:?}");
        served(&place.at(to));
        assert_eq!(acts(&place.at(to), &of, "erasure").len(), 1, "once is enough");
    }
    // One changed digit of a copy: it is nobody's mark, and that is said.
    let digit = if kept.contains("erased:0") { "erased:1" } else { "erased:0" };
    let at = kept.find("erased:").unwrap();
    std::fs::write(place.at("changed"), format!("{}{digit}{}", &kept[..at], &kept[at + digit.len()..])).unwrap();
    let changed = place.at("changed");
    let restored = place.restore("before", "by-changed", &["--accept-loss", "--erasures-from", path(&changed)]);
    restored.exits(0).says("matching nobody here: 1 mark of erased customers");
    assert!(!is_erased(&place.at("by-changed")));
    // A directory whose database is lost still has the file.
    std::fs::remove_file(place.data().join("ombud.db")).unwrap();
    let restored = place.restore("before", "data", &["--accept-loss", "--json"]).exits(0).json();
    assert_eq!((&restored["erased_again"], &restored["erasures_known"]), (&1.into(), &true.into()), "{restored}");
    assert!(is_erased(&place.data()));

    std::fs::write(place.at("broken"), "m-fresh erased:00\n").unwrap();
    place.restore("before", "never", &["--erasures-from", path(&place.at("broken"))]).exits(2).complains("is no erasure");
    std::fs::create_dir(place.at("empty")).unwrap();
    place.restore("before", "never", &["--erasures-from", path(&place.at("empty"))]).exits(2).complains("does not say who was erased");
    assert!(!place.at("never").exists());
}

/// Nobody is erased who is held: a hold that stands in a backup from before the erasure had been lifted by then. One that was set since
/// the erasure stands.
#[test]
fn who_was_held_in_the_backup_and_erased_since_is_erased_again() {
    let place = Place::new();
    let (of, customer) = (["--merchant", "m-fresh"], "c_2001");
    let holds = |data: &Path| -> Vec<Value> {
        let holds = on(data, &[&["audit", "hold", "list", "--json"], &of[..]].concat()).exits(0).json();
        holds.as_array().unwrap().clone()
    };
    let hold = |data: &Path, more: &[&str]| {
        on(data, &[&["audit", "hold", "set", "--json", "--reason", "court"], &of[..], more].concat()).exits(0).json()
    };
    served(&place.data());
    hold(&place.data(), &["--customer", customer]);
    hold(&place.data(), &[]);
    place.backup("before", &[]).exits(0);
    for held in holds(&place.data()) {
        on(&place.data(), &[&["audit", "hold", "lift", held["id"].as_str().unwrap(), "--reason", "over"], &of[..]].concat()).exits(0);
    }
    on(&place.data(), &[&["audit", "erase", "--customer", customer], &of[..]].concat()).exits(0);
    served(&place.data());
    let live = place.data();
    let more = ["--accept-loss", "--erasures-from", path(&live)];
    place.restore("before", "again", &more).exits(0).says("1 customer erased again");
    let left = holds(&place.at("again"));
    assert_eq!((left.len(), &left[0]["scope"]), (1, &json!("merchant")), "it may be about others: {left:?}");
    let acts_of = |act| acts(&place.at("again"), &of, act);
    assert_eq!((acts_of("hold.lifted").len(), acts_of("erasure").len()), (1, 1));
    check(&place.at("again"));

    // Put back without the erasure, and held since: somebody has to decide.
    place.restore("before", "held", &["--accept-loss"]).exits(0);
    hold(&place.at("held"), &["--customer", customer]);
    std::fs::copy(place.data().join("erasures"), place.at("held").join("erasures")).unwrap();
    served(&place.at("held"));
    assert_eq!((acts(&place.at("held"), &of, "erasure").len(), holds(&place.at("held")).len()), (0, 3), "nothing is changed");
}

#[test]
fn a_backup_that_is_stopped_leaves_no_copy_of_the_master_key() {
    let place = Place::new();
    let mut command = Command::new(ombud_tests::process::ombud());
    command.args(["backup", "--data", path(&place.data()), "-o", path(&place.at("b"))]);
    let mut running = command.stdout(std::process::Stdio::null()).spawn().unwrap();
    while !place.at("b.unfinished").exists() {
        assert!(running.try_wait().unwrap().is_none() || place.at("b").exists());
    }
    assert!(std::process::Command::new("kill").args(["-INT", &running.id().to_string()]).status().unwrap().success());
    let code = running.wait().unwrap().code();
    // Whoever is as slow as that has stopped one that was made already.
    assert_eq!((code == Some(130) || place.at("b").exists(), place.at("b.unfinished").exists()), (true, false), "{code:?}");
}
