//! Nothing that was acknowledged is lost when the process is killed.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod common;

use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};
use std::sync::Arc;

use common::{Made, header, merchant, open, submit};
use ombud_core::ids::EventKey;
use ombud_ledger::leaf_hash;
use ombud_ledger::log::Frontier;
use ombud_store::Store;

/// Set for the child process: where it commits until it is killed.
const DIRECTORY: &str = "OMBUD_CRASH_TEST_DIRECTORY";
const ACKNOWLEDGED: &str = "acknowledged ";

/// Not a test of its own: the child's part of the test below.
#[test]
fn child_commits_until_it_is_killed() {
    let Some(directory) = std::env::var_os(DIRECTORY) else { return };
    let opened = open(directory.as_ref(), &["a", "b"]);
    let start = opened.store.read(|reads| reads.log_size(&merchant("a"))).unwrap();
    let threads: Vec<_> = (0..4)
        .map(|thread| {
            let writer = Arc::clone(&opened.writer);
            std::thread::spawn(move || {
                for number in 0.. {
                    let (of, event) = (merchant(["a", "b"][number % 2]), format!("{start}-{thread}-{number}"));
                    let seq = submit(&writer, &of, &event, Made::default()).unwrap();
                    // One write, so that a line is whole or not there.
                    let line = format!("{ACKNOWLEDGED}{of} {seq} {event}\n");
                    std::io::stdout().write_all(line.as_bytes()).unwrap();
                }
            })
        })
        .collect();
    threads.into_iter().for_each(|thread| thread.join().unwrap());
}

#[test]
fn nothing_acknowledged_is_lost_when_the_process_is_killed() {
    let directory = tempfile::tempdir().unwrap();
    let mut acknowledged = Vec::new();
    for _ in 0..3 {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "child_commits_until_it_is_killed", "--nocapture"])
            .env(DIRECTORY, directory.path())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
        let ours = |line: &String| line.starts_with(ACKNOWLEDGED);
        acknowledged.extend(lines.by_ref().filter(ours).take(40));
        child.kill().unwrap();
        // What it said before it died counts as well.
        acknowledged.extend(lines.filter(ours));
        child.wait().unwrap();
    }
    assert!(acknowledged.len() >= 120);

    // The lock died with its holder.
    let opened = open(directory.path(), &["a", "b"]);
    for line in &acknowledged {
        let words: Vec<&str> = line.strip_prefix(ACKNOWLEDGED).unwrap().split(' ').collect();
        let [of, seq, event] = words[..] else { panic!("{line}") };
        let (of, seq) = (merchant(of), seq.parse().unwrap());
        let record = opened.store.read(|reads| reads.record(&of, seq)).unwrap().unwrap_or_else(|| panic!("lost: {line}"));
        assert_eq!(record.header, header(&of, event));
        let seen = opened.store.read(|reads| reads.event(&of, &EventKey::new("/test", event).unwrap())).unwrap().unwrap();
        assert_eq!(seen.first_seq, seq);
    }
    for of in [merchant("a"), merchant("b")] {
        let size = opened.store.read(|reads| reads.log_size(&of)).unwrap();
        let records = opened.store.read(|reads| reads.records(&of, 0, u32::MAX)).unwrap();
        assert_eq!(records.iter().map(|record| record.seq).collect::<Vec<_>>(), (0..size).collect::<Vec<_>>());
        let leaves = opened.store.read(|reads| reads.leaves(&of, 0, u32::MAX)).unwrap();
        assert_eq!(leaves, records.iter().map(|record| leaf_hash(&record.header)).collect::<Vec<_>>());
        // The tree is that of the records, whenever the process died.
        assert_eq!(opened.store.read(|reads| reads.frontier(&of)).unwrap(), Frontier::of(leaves));
        // And the log goes on where it ended.
        assert_eq!(submit(&opened.writer, &of, "after", Made::default()).unwrap(), size);
    }
}
