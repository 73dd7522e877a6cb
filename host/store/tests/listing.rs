//! Lists: every filter, newest first, page by page.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod common;

use common::{Made, Opened, append, header, merchant, open};
use ombud_core::ids::{DecisionId, EventKey, MerchantId};
use ombud_core::kind::Kind;
use ombud_ledger::keys::Subject;
use ombud_ledger::leaf_hash;
use ombud_store::{EntryKind, Erasure, Filter, Group, ListedHeader, Listing, NewRecord, Page, Store, StoreError, Wanted};

const ENTRIES: i64 = 120;

/// Entries of merchant `a` whose columns repeat with different periods, and a few of `b`.
fn filled(directory: &std::path::Path) -> Opened {
    let opened = open(directory, &["a", "b"]);
    let made = |number: i64| Made {
        ticket: Some(format!("t{}", number % 10)),
        customer: (number % 3 > 0).then(|| format!("c{}", number % 3)),
        kind: Some(["after-sale", "delay", "reply"][number as usize % 3]),
        outcome: Some(["approve-return-refund", "human-review"][number as usize % 2]),
        policy: Some(["returns", "delays"][number as usize / 60]),
        version: None,
        order: None,
        received_at_ms: 1000 + number,
    };
    let fill = opened.writer.wait(move |group| {
        for number in 0..ENTRIES {
            append(group, &merchant("a"), &number.to_string(), &made(number))?;
        }
        append(group, &merchant("b"), "1", &made(1)).map(|_| ())
    });
    fill.unwrap();
    opened
}

fn list(opened: &Opened, filter: &Filter, cursor: Option<&str>, entries_max: u32) -> Result<Page, StoreError> {
    opened.store.read(|reads| reads.list(&merchant("a"), filter, cursor, entries_max))
}

/// Follows the cursors to the end.
fn all(opened: &Opened, filter: &Filter, entries_max: u32) -> Vec<u64> {
    let (mut seqs, mut cursor) = (Vec::new(), None);
    loop {
        let page = list(opened, filter, cursor.as_deref(), entries_max).unwrap();
        assert!(page.entries.len() <= entries_max as usize);
        seqs.extend(page.entries.iter().map(|entry| entry.seq));
        match page.next {
            Some(next) => cursor = Some(next),
            None => return seqs,
        }
    }
}

#[test]
fn filters_give_exactly_the_entries_that_fit_newest_first() {
    let directory = tempfile::tempdir().unwrap();
    let opened = filled(directory.path());
    type Fits = fn(i64) -> bool;
    let cases: [(Filter, Fits); 9] = [
        (Filter::default(), |_| true),
        (Filter { ticket: Some("t3".into()), ..Filter::default() }, |n| n % 10 == 3),
        (Filter { customer: Some("c2".into()), ..Filter::default() }, |n| n % 3 == 2),
        (Filter { kind: Some("delay".into()), ..Filter::default() }, |n| n % 3 == 1),
        (Filter { outcome: Some("human-review".into()), policy: Some("delays".into()), ..Filter::default() }, |n| n % 2 == 1 && n >= 60),
        (Filter { from_ms: Some(1010), to_ms: Some(1020), ..Filter::default() }, |n| (10..20).contains(&n)),
        (Filter { customer: Some("c1".into()), ticket: Some("t4".into()), to_ms: Some(1100), ..Filter::default() }, |n| {
            n % 3 == 1 && n % 10 == 4 && n < 100
        }),
        (Filter { entry: Some(EntryKind::Act), ..Filter::default() }, |_| false),
        (Filter { customer: Some("c'; --".into()), ..Filter::default() }, |_| false),
    ];
    for (filter, fits) in cases {
        let expected: Vec<u64> = (0..ENTRIES).rev().filter(|number| fits(*number)).map(|number| number as u64).collect();
        for entries_max in [1, 7, 40, 1000] {
            assert_eq!(all(&opened, &filter, entries_max), expected, "{filter:?} by {entries_max}");
        }
    }
}

#[test]
fn an_entry_carries_what_it_was_listed_with() {
    let directory = tempfile::tempdir().unwrap();
    let opened = filled(directory.path());
    let page = list(&opened, &Filter::default(), None, 1).unwrap();
    let entry = &page.entries[0];
    let decision = DecisionId::derive(&merchant("a"), &EventKey::new("/test", "119").unwrap(), Kind::AfterSale);
    assert_eq!(entry.decision, Some(ombud_ledger::id::decision_bytes(&decision)));
    assert_eq!((entry.ticket.as_deref(), entry.customer.as_deref(), entry.kind.as_deref()), (Some("t9"), Some("c2"), Some("reply")));
    assert_eq!((entry.event_at_ms, entry.received_at_ms, entry.entry), (Some(1119), 1119, EntryKind::Decision));

    // The decision is found by its id, by its own merchant only.
    let of = |id: &str| opened.store.read(|reads| reads.decision(&merchant(id), &decision)).unwrap();
    assert_eq!(of("a").unwrap().seq, 119);
    assert_eq!(of("b"), None);
}

#[test]
fn entries_added_between_two_pages_neither_repeat_nor_hide_others() {
    let directory = tempfile::tempdir().unwrap();
    let opened = filled(directory.path());
    let first = list(&opened, &Filter::default(), None, 50).unwrap();
    opened.writer.wait(|group| append(group, &merchant("a"), "later", &Made::default())).unwrap();
    let second = list(&opened, &Filter::default(), first.next.as_deref(), 50).unwrap();
    let seqs: Vec<u64> = first.entries.iter().chain(&second.entries).map(|entry| entry.seq).collect();
    assert_eq!(seqs, (20..120).rev().collect::<Vec<u64>>());
}

#[test]
fn a_cursor_of_another_list_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let opened = filled(directory.path());
    let filter = Filter { ticket: Some("t1".into()), ..Filter::default() };
    let cursor = list(&opened, &filter, None, 1).unwrap().next.unwrap();
    assert!(list(&opened, &filter, Some(&cursor), 1).is_ok());
    assert!(matches!(list(&opened, &Filter::default(), Some(&cursor), 1), Err(StoreError::Cursor)));
    assert!(matches!(opened.store.read(|reads| reads.list(&merchant("b"), &filter, Some(&cursor), 1)), Err(StoreError::Cursor)));
    assert!(matches!(list(&opened, &filter, Some("退货"), 1), Err(StoreError::Cursor)));
}

/// What is no decision of the wanted time by its listing is found with its header: the listing may lie.
#[test]
fn what_is_left_out_of_the_decisions_has_its_header() {
    let directory = tempfile::tempdir().unwrap();
    drop(filled(directory.path()));
    let db = rusqlite::Connection::open(directory.path().join("ombud.db")).unwrap();
    db.execute("UPDATE entries SET entry = 'act' WHERE seq = 15", []).unwrap();
    drop(db);
    let (opened, a) = (open(directory.path(), &[]), merchant("a"));
    let wanted = Wanted { seqs: 10..20, ..Wanted::default() };
    let seqs = |headers: &[ListedHeader]| headers.iter().map(|listed| listed.seq).collect::<Vec<_>>();
    let left_out = |wanted: &Wanted| opened.store.read(|reads| reads.left_out(&a, wanted)).unwrap();
    let act = left_out(&wanted);
    assert_eq!((seqs(&act), act[0].is_decision, leaf_hash(act[0].header.as_ref().unwrap())), (vec![15], false, act[0].leaf));
    let window = Wanted { from_ms: Some(1013), to_ms: Some(1018), ..wanted };
    assert_eq!(seqs(&left_out(&window)), [10, 11, 12, 15, 18, 19]);
    let decisions = opened.store.read(|reads| reads.decisions(&a, &window, 100)).unwrap();
    assert_eq!(decisions.iter().map(|row| row.seq).collect::<Vec<_>>(), [13, 14, 16, 17]);
    assert_eq!((decisions[0].kind.as_deref(), decisions[0].received_at_ms), (Some("delay"), 1013));
    assert_eq!(seqs(&opened.store.read(|reads| reads.headers_from(&a, 14, 3)).unwrap()), [14, 15, 16]);
    assert_eq!(seqs(&opened.store.read(|reads| reads.headers_before(&a, 14, 3)).unwrap()), [13, 12, 11]);
}

#[test]
fn an_erased_customer_leaves_the_list_and_the_records_stay() {
    let directory = tempfile::tempdir().unwrap();
    let opened = filled(directory.path());
    let erased = opened.writer.wait(|group| {
        group.insert_subject_key(&merchant("a"), Subject::Customer("c1"), b"wrapped", 1)?;
        let erasure = Erasure { customer: "c1", mark: "erased:00", tickets: &[], at_ms: 2, counted_since_ms: 0 };
        group.erase_customer(&merchant("a"), &erasure)
    });
    assert_eq!(erased.unwrap().keys, 1);
    assert!(all(&opened, &Filter { customer: Some("c1".into()), ..Filter::default() }, 100).is_empty());
    assert_eq!(all(&opened, &Filter::default(), 100).len(), ENTRIES as usize);
}

#[test]
fn an_act_is_found_by_its_moment_however_much_came_after() {
    let directory = tempfile::tempdir().unwrap();
    let opened = open(directory.path(), &["a", "b"]);
    let at = |number: i64| 1_000_000 + number * 700;
    let fill = opened.writer.wait(move |group| {
        for number in 0..1_000 {
            // Every tenth is recorded behind others that came later.
            let received_at_ms = if number % 10 == 0 { at(number) - 30_000 } else { at(number) };
            append(group, &merchant("a"), &number.to_string(), &Made { received_at_ms, ..Made::default() })?;
            if number % 100 == 50 {
                for (name, received_at_ms) in [("hold.set", at(number)), ("hold.set", at(number)), ("hold.lifted", at(number))] {
                    act(group, &merchant("a"), name, received_at_ms)?;
                }
            }
        }
        act(group, &merchant("b"), "hold.set", at(50))
    });
    fill.unwrap();
    let found = |of: &str, act: &str, moment: i64| {
        let of = merchant(of);
        opened.store.read(|reads| reads.acts_at(&of, act, moment)).unwrap()
    };
    for (nth, number) in (50..1_000).step_by(100).enumerate() {
        let first = number + 1 + 3 * nth as u64;
        assert_eq!(found("a", "hold.set", at(number as i64)), [first, first + 1], "{number}");
        assert_eq!(found("a", "hold.lifted", at(number as i64)), [first + 2], "{number}");
        assert_eq!(found("a", "hold.set", at(number as i64) + 1), [0_u64; 0]);
    }
    assert_eq!((found("b", "hold.set", at(50)), found("b", "hold.set", at(150))), (vec![0], Vec::new()));
    assert_eq!((found("c", "hold.set", at(50)), found("a", "hold.set", i64::MAX)), (Vec::new(), Vec::new()));
}

/// Appends one act.
fn act(group: &mut dyn Group, of: &MerchantId, name: &str, received_at_ms: i64) -> Result<(), StoreError> {
    let seq = group.log_size(of)?;
    let header = header(of, &format!("{name} at {seq}"));
    let listing = Listing {
        entry: EntryKind::Act,
        decision: None,
        kind: None,
        outcome: None,
        policy: None,
        version: None,
        event_type: name,
        ticket: None,
        customer: None,
        order: None,
        event_at_ms: None,
        received_at_ms,
    };
    group.append(&NewRecord { merchant: of, seq, header: &header, leaf: leaf_hash(&header), sealed: b"sealed", listing })
}
