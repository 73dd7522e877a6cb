//! Two commands, or a command and a server, at one place at once, and what a restore that was cut off left there.

use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::process::{Command, Stdio};

use ombud_tests::command::{on, path};
use ombud_tests::process::ombud;
use ombud_tests::server::wait_for;

use super::{Place, check, served};

/// Opens a pipe without waiting for who reads it (Linux).
const AT_ONCE: i32 = 0o4000;

#[test]
fn what_another_command_is_at_work_in_is_left_alone() {
    let place = Place::new();
    place.backup("b", &[]).exits(0);
    let (backup, restore) = (|| place.backup("c", &[]), || place.restore("b", "r", &[]));
    let commands: [(&str, &str, &dyn Fn() -> _); 2] = [("c", "c.unfinished", &backup), ("r", "r.restoring", &restore)];
    for (name, staging, command) in commands {
        let (to, staging) = (place.at(name), place.at(staging));
        std::fs::create_dir(&staging).unwrap();
        std::fs::write(staging.join("half"), "").unwrap();
        let held = File::open(&staging).unwrap();
        held.lock().unwrap();
        command().exits(2).complains(&format!("at work in `{}`", staging.display()));
        assert!(staging.join("half").exists() && !to.exists());
        // One that nobody is at work in was left by one that was killed.
        drop(held);
        command().exits(0);
        assert!(!staging.exists() && to.join("ombud.db").exists() && !to.join("half").exists());
    }
}

/// A restore holds the directory that it replaces: what a server answered meanwhile would be lost.
#[test]
fn nobody_else_has_the_directory_while_it_is_replaced() {
    let place = Place::new();
    let data = place.data();
    served(&data);
    place.backup("b", &[]).exits(0);
    let published = std::fs::read(place.at("b/checkpoints/m-fresh")).unwrap();
    // The restore waits for what is published until it is told, with the copy made.
    let told = place.at("told");
    assert!(Command::new("mkfifo").arg(&told).status().unwrap().success());
    let backup = place.at("b");
    let arguments = ["restore", path(&backup), "--data", path(&data), "--accept-loss", "--published", path(&told)];
    let mut restoring = Command::new(ombud()).args(arguments).stdout(Stdio::null()).spawn().unwrap();
    let mut pipe = None;
    wait_for(|| {
        assert!(restoring.try_wait().unwrap().is_none());
        pipe = OpenOptions::new().write(true).custom_flags(AT_ONCE).open(&told).ok();
        pipe.is_some()
    });
    let held = format!("is in use by process {}", restoring.id());
    // As a server would.
    on(&data, &["key", "list"]).exits(2).complains(&held);
    place.restore("b", "data", &[]).exits(2).complains("at work in");
    pipe.unwrap().write_all(&published).unwrap();
    assert!(restoring.wait().unwrap().success());
    served(&data);
    check(&data);
    check(&place.replaced());
}

#[test]
fn where_a_restore_was_cut_off_nothing_begins_anew() {
    let place = Place::new();
    let (data, aside, restoring) = (place.data(), place.at("data.replaced-1"), place.at("data.restoring"));
    place.backup("b", &[]).exits(0);
    std::fs::rename(&data, &aside).unwrap();
    std::fs::create_dir(&restoring).unwrap();
    let (demo, serve) = (["demo", "--once"], ["serve", "--listen", "127.0.0.1:0"]);
    for command in [&demo[..], &serve] {
        let ran = on(&data, command);
        ran.exits(2).complains(&format!("Rename `{}` to `{}`", aside.display(), data.display())).complains(path(&restoring));
    }
    // What was there says what was published, and who was erased.
    place.restore("b", "data", &[]).exits(2).complains("Rename ");
    assert!(!data.exists());
    std::fs::rename(&aside, &data).unwrap();
    served(&data);
    // One that had nothing to set aside.
    std::fs::create_dir(place.at("r.restoring")).unwrap();
    on(&place.at("r"), &serve).exits(2).complains(&format!("`{}` is", place.at("r.restoring").display()));
    place.restore("b", "r", &[]).exits(0);
    served(&place.at("r"));
}

#[test]
fn the_act_of_an_earlier_restore_is_told_as_that() {
    let place = Place::new();
    place.backup("b", &[]).exits(0);
    place.restore("b", "r", &[]).exits(0);
    place.restore("b", "r", &[]).exits(1).says("operator: ").says("the act of an earlier restore into the same place");
}
