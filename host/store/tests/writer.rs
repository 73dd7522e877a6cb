//! The writer: sequences without gaps under concurrency, whole jobs or nothing, back-pressure.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod common;

use std::sync::mpsc::{channel, sync_channel};
use std::sync::{Arc, Barrier};

use common::{Made, append, merchant, open, submit};
use ombud_core::ids::EventKey;
use ombud_ledger::Digest;
use ombud_store::{EventSeen, GroupDone, JobError, MerchantRow, SqliteStore, Store, StoreError, Writer, WriterLimits};

#[test]
fn sequences_have_no_gap_under_concurrent_submitters() {
    let directory = tempfile::tempdir().unwrap();
    let opened = open(directory.path(), &["a", "b", "c"]);
    let (threads, each) = (8, 60);
    let start = Arc::new(Barrier::new(threads));
    let workers: Vec<_> = (0..threads)
        .map(|thread| {
            let (writer, start) = (Arc::clone(&opened.writer), Arc::clone(&start));
            std::thread::spawn(move || {
                start.wait();
                let of = |number: usize| merchant(["a", "b", "c"][number % 3]);
                (0..each)
                    .map(|number| (of(number), submit(&writer, &of(number), &format!("{thread}-{number}"), Made::default()).unwrap()))
                    .collect::<Vec<_>>()
            })
        })
        .collect();
    let answered: Vec<_> = workers.into_iter().flat_map(|worker| worker.join().unwrap()).collect();
    assert_eq!(answered.len(), threads * each);
    for id in ["a", "b", "c"] {
        let mut seqs: Vec<u64> = answered.iter().filter(|(of, _)| *of == merchant(id)).map(|(_, seq)| *seq).collect();
        seqs.sort_unstable();
        assert_eq!(seqs, (0..160).collect::<Vec<u64>>());
        let stored = opened.store.read(|reads| reads.records(&merchant(id), 0, 1000)).unwrap();
        assert_eq!(stored.iter().map(|record| record.seq).collect::<Vec<_>>(), seqs);
    }
}

#[test]
fn a_record_out_of_sequence_is_refused_and_costs_nobody_else() {
    let directory = tempfile::tempdir().unwrap();
    let opened = open(directory.path(), &["a"]);
    submit(&opened.writer, &merchant("a"), "1", Made::default()).unwrap();
    let refused = opened.writer.wait(|group| {
        let header = b"x";
        let listing = ombud_store::Listing {
            entry: ombud_store::EntryKind::Act,
            decision: None,
            kind: None,
            outcome: None,
            policy: None,
            version: None,
            event_type: "policy.activated",
            ticket: None,
            customer: None,
            order: None,
            event_at_ms: None,
            received_at_ms: 0,
        };
        let leaf = ombud_ledger::leaf_hash(header);
        group.append(&ombud_store::NewRecord { merchant: &merchant("a"), seq: 5, header, leaf, sealed: b"", listing })
    });
    assert!(matches!(refused, Err(JobError::Job(StoreError::Sequence { given: 5, next: 1, .. }))), "{refused:?}");
    assert_eq!(submit(&opened.writer, &merchant("a"), "2", Made::default()).unwrap(), 1);
    assert!(matches!(submit(&opened.writer, &merchant("nobody"), "1", Made::default()), Err(JobError::Job(StoreError::NoMerchant(_)))));
}

/// Holds the writer until told to go on, so that the jobs submitted meanwhile make one group.
fn hold(writer: &Writer) -> impl FnOnce() {
    let (go, wait) = channel::<()>();
    let (running, runs) = channel();
    let job = move |_: &mut dyn ombud_store::Group| {
        running.send(()).unwrap();
        wait.recv().unwrap();
        Ok::<(), StoreError>(())
    };
    writer.submit(job, |_| ()).unwrap();
    runs.recv().unwrap();
    move || go.send(()).unwrap()
}

#[test]
fn a_job_that_fails_before_it_writes_fails_alone() {
    let directory = tempfile::tempdir().unwrap();
    let opened = open(directory.path(), &["a"]);
    let go_on = hold(&opened.writer);
    let (answers, answered) = channel();
    for number in 0..10 {
        let answers = answers.clone();
        let job = move |group: &mut dyn ombud_store::Group| {
            if number % 2 == 0 {
                Err(StoreError::Conflict("an even number".into()))
            } else {
                append(group, &merchant("a"), &number.to_string(), &Made::default())
            }
        };
        opened.writer.submit(job, move |result| answers.send((number, result)).unwrap()).unwrap();
    }
    go_on();
    for _ in 0..10 {
        let (number, result) = answered.recv().unwrap();
        match result {
            Ok(seq) => assert_eq!(seq, number / 2),
            Err(error) => assert!(number % 2 == 0 && matches!(error, JobError::Job(_)), "{error:?}"),
        }
    }
    assert_eq!(opened.store.read(|reads| reads.log_size(&merchant("a"))).unwrap(), 5);
}

#[test]
fn a_job_that_fails_half_way_leaves_nothing_and_hurts_nobody_else() {
    type Broken = fn(&mut dyn ombud_store::Group) -> Result<u64, StoreError>;
    let broken: [Broken; 3] = [
        |group| append(group, &merchant("a"), "half", &Made::default()).and(Err(StoreError::Cursor)),
        |group| {
            append(group, &merchant("a"), "half", &Made::default())?;
            panic!("a job panics")
        },
        // The same decision twice: the second insert fails, and the job does not care.
        |group| {
            append(group, &merchant("a"), "half", &Made::default())?;
            _ = append(group, &merchant("a"), "half", &Made::default());
            Ok(7)
        },
    ];
    for job in broken {
        let directory = tempfile::tempdir().unwrap();
        let opened = open(directory.path(), &["a"]);
        let go_on = hold(&opened.writer);
        let (answers, answered) = channel();
        let submit_one = |name: &'static str, job: Broken| {
            let answers = answers.clone();
            opened.writer.submit(job, move |result| answers.send((name, result)).unwrap()).unwrap();
        };
        submit_one("before", |group| append(group, &merchant("a"), "before", &Made::default()));
        submit_one("broken", job);
        submit_one("refused", |_| Err(StoreError::Cursor));
        submit_one("after", |group| append(group, &merchant("a"), "after", &Made::default()));
        go_on();
        for _ in 0..4 {
            match answered.recv().unwrap() {
                ("before", result) => assert_eq!(result.unwrap(), 0),
                ("after", result) => assert_eq!(result.unwrap(), 1),
                ("refused", result) => assert!(matches!(result, Err(JobError::Job(StoreError::Cursor)))),
                (_, result) => assert!(matches!(result, Err(JobError::Store(StoreError::Aborted(_)))), "{result:?}"),
            }
        }
        // Nothing is left of the broken one, and the caches know it.
        assert_eq!(opened.store.read(|reads| reads.log_size(&merchant("a"))).unwrap(), 2);
        assert_eq!(submit(&opened.writer, &merchant("a"), "half", Made::default()).unwrap(), 2);
    }
}

/// Jobs that run alone are commits as others are: metrics and what is known of the disk see them.
#[test]
fn what_a_broken_group_comes_to_is_told() {
    let directory = tempfile::tempdir().unwrap();
    drop(open(directory.path(), &["a"]));
    let (_store, transactions) = SqliteStore::open(directory.path()).unwrap();
    let (tell, told) = channel();
    let seen = move |group: Result<GroupDone, &StoreError>| {
        tell.send(group.map(|group| (group.jobs, group.records)).map_err(Clone::clone)).unwrap()
    };
    let writer = Writer::start(transactions, WriterLimits::default(), seen).unwrap();
    let go_on = hold(&writer);
    for (name, fails) in [("before", false), ("broken", true), ("after", false)] {
        let job = move |group: &mut dyn ombud_store::Group| {
            append(group, &merchant("a"), name, &Made::default())?;
            if fails { Err(StoreError::Cursor) } else { Ok(()) }
        };
        writer.submit(job, |_| ()).unwrap();
    }
    go_on();
    drop(writer);
    let told: Vec<_> = told.iter().collect();
    let [Ok((1, 0)), Ok((1, 1)), Err(StoreError::Aborted(_)), Ok((1, 1))] = told.as_slice() else { panic!("{told:?}") };
}

#[test]
fn a_merchant_of_a_group_that_failed_is_not_remembered() {
    let directory = tempfile::tempdir().unwrap();
    let opened = open(directory.path(), &[]);
    let failed: Result<(), _> = opened.writer.wait(|group| {
        group.put_merchant(&MerchantRow { id: merchant("a"), config: "{}".into(), created_at_ms: 1 })?;
        append(group, &merchant("a"), "1", &Made::default())?;
        Err(StoreError::Cursor)
    });
    assert!(matches!(failed, Err(JobError::Store(StoreError::Aborted(_)))));
    assert!(matches!(submit(&opened.writer, &merchant("a"), "1", Made::default()), Err(JobError::Job(StoreError::NoMerchant(_)))));
}

#[test]
fn a_full_queue_is_busy_and_what_waits_is_finished_when_the_writer_closes() {
    let directory = tempfile::tempdir().unwrap();
    let (store, transactions) = SqliteStore::open(directory.path()).unwrap();
    let writer = Writer::start(transactions, WriterLimits { queue_jobs_max: 3, group_jobs_max: 2 }, |_| ()).unwrap();
    let row = MerchantRow { id: merchant("a"), config: "{}".into(), created_at_ms: 1 };
    writer.wait(move |group| group.put_merchant(&row)).unwrap();
    let go_on = hold(&writer);
    let (answers, answered) = sync_channel(10);
    for number in 0..5_u64 {
        let answers = answers.clone();
        let job = move |group: &mut dyn ombud_store::Group| append(group, &merchant("a"), &number.to_string(), &Made::default());
        let submitted = writer.submit(job, move |result| answers.send(result.unwrap()).unwrap());
        match submitted {
            Ok(()) => assert!(number < 3),
            Err(error) => assert!(number >= 3 && matches!(error, StoreError::Busy), "{error:?}"),
        }
    }
    go_on();
    drop((writer, answers));
    assert_eq!(answered.into_iter().collect::<Vec<_>>(), [0, 1, 2]);
    assert_eq!(store.read(|reads| reads.log_size(&merchant("a"))).unwrap(), 3);
}

#[test]
fn an_event_is_remembered_once_and_seen_within_its_group() {
    let directory = tempfile::tempdir().unwrap();
    let opened = open(directory.path(), &["a", "b"]);
    let key = EventKey::new("/test", "1").unwrap();
    let seen = opened.writer.wait(move |group| {
        assert_eq!(group.event(&merchant("a"), &key)?, None);
        append(group, &merchant("a"), "1", &Made::default())?;
        assert!(group.event(&merchant("b"), &key)?.is_none());
        assert!(group.event(&merchant("a"), &EventKey::new("/other", "1").unwrap())?.is_none());
        group.event(&merchant("a"), &key)
    });
    assert_eq!(seen.unwrap(), Some(EventSeen { body: Digest::of(b"1"), first_seq: 0, records: 1 }));
}

#[test]
fn a_writer_whose_thread_has_ended_says_so() {
    let directory = tempfile::tempdir().unwrap();
    let (_store, transactions) = SqliteStore::open(directory.path()).unwrap();
    // Whoever counts the groups breaks with the first of them.
    let writer = Writer::start(transactions, WriterLimits::default(), |_| panic!("broken for a test")).unwrap();
    assert!(writer.is_running());
    let row = MerchantRow { id: merchant("a"), config: "{}".into(), created_at_ms: 1 };
    writer.wait(move |group| group.put_merchant(&row)).unwrap();
    while writer.is_running() {
        std::thread::yield_now();
    }
    assert!(matches!(writer.wait(|_| Ok::<_, StoreError>(())), Err(JobError::Store(StoreError::Closed))));
}
