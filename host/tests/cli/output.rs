//! Where the output goes.

use std::fs::File;
use std::process::{Child, Stdio};

use super::run::command;

fn check(out: impl Into<Stdio>) -> Child {
    command(&["check", "policies/delay"]).stdout(out).stderr(Stdio::piped()).spawn().unwrap()
}

#[test]
fn a_reader_who_has_had_enough_ends_no_command() {
    let mut left = check(Stdio::piped());
    drop(left.stdout.take());
    let left = left.wait_with_output().unwrap();
    assert_eq!((left.status.code(), String::from_utf8_lossy(&left.stderr).as_ref()), (Some(0), ""));
}

#[test]
fn an_output_that_cannot_be_written_ends_a_command() {
    let full = check(File::options().write(true).open("/dev/full").unwrap()).wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&full.stderr).into_owned();
    assert_eq!(full.status.code(), Some(2), "{said}");
    assert!(said.contains("cannot write to standard output: No space left on device"), "{said}");
}
