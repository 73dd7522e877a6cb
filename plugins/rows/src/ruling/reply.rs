//! Compliance of a drafted reply: rows may name words, which are looked for as the reply check looks for its own.

use core::cell::OnceCell;

use ombud_rules::contract::reply::{Action, Finding, ReplyCase, ReplyRuling, Verdict};
use ombud_rules::contract::types::{Attribute, Context, Fact, Notes, Reason, Severity};
use ombud_rules::lexicon::Room;
use ombud_rules::normalise::{View, view_n};
use ombud_rules::notes::fact;

use super::{NO_TABLE, UNKNOWN, case_of, named, person, reasons, undecided};
use crate::fact::derived::ReplyDerived;
use crate::program::Records;
use crate::reason::Place;
use crate::run::{Answer, Holds, holds, run};
use crate::table::{Kind, Packed, Row, Table};

/// Places of one row that its reason names.
const PLACES_MAX: usize = 10;

/// A draft with the view on which words are looked for.
pub struct Draft<'a> {
    case: &'a ReplyCase,
    view: OnceCell<View>,
    /// Where each scalar of the view stands, in their order: of hundreds of words each looks only where it may begin.
    starts: OnceCell<Vec<(char, usize)>>,
}

impl<'a> Draft<'a> {
    /// Of a case.
    pub const fn new(case: &'a ReplyCase) -> Self {
        Self { case, view: OnceCell::new(), starts: OnceCell::new() }
    }

    /// How a row's condition comes out, its words included.
    pub fn holds(&self, packed: Packed<'a>, records: Records<'a>) -> Holds {
        let row = packed.row();
        if !row.more.words.is_empty() && self.places(&row).is_empty() { Holds::No } else { holds(packed, records) }
    }

    /// Where words of a row stand, as spans of the draft's scalars, in the order of the text.
    fn places(&self, row: &Row<'_>) -> Vec<(u32, u32)> {
        let view = self.view.get_or_init(|| view_n(&self.case.text));
        let starts = self.starts.get_or_init(|| {
            let mut starts: Vec<(char, usize)> = view.scalars.iter().enumerate().map(|(at, scalar)| (*scalar, at)).collect();
            starts.sort_unstable();
            starts
        });
        let mut places: Vec<(u32, u32)> = Vec::new();
        for word in &row.more.words {
            let word: Vec<char> = word.chars().collect();
            let Some(first) = word.first() else { continue };
            let from = starts.partition_point(|(scalar, _)| scalar < first);
            let may_begin = starts.iter().skip(from).take_while(|(scalar, _)| scalar == first).map(|(_, at)| *at);
            // One by one: as bytes, which slices are compared as, each scalar costs four times as much.
            let stands = |at: &usize| view.scalars.get(*at..*at + word.len()).is_some_and(|there| there.iter().eq(&word));
            let hits = may_begin.filter(stands);
            places.extend(hits.map(|at| view.original(at, at + word.len())));
        }
        places.sort_unstable();
        places.dedup();
        places
    }
}

/// The ruling on a draft.
pub fn reply<'a>(table: Option<&'a Table<'a>>, ctx: &'a Context, case: &'a ReplyCase) -> ReplyRuling {
    let Some(table) = table else { return held(case, vec![person(NO_TABLE, Vec::new())]) };
    let derived = ReplyDerived::new(ctx, case);
    let records = Records { case, context: ctx, derived: &derived, item: None };
    let draft = Draft::new(case);
    let ran = run(table, |row| draft.holds(row, records));
    let of = |rows: &[Row<'a>]| reasons(rows, Kind::Reply, &records, Place::default());
    if let Some(reason) = undecided(&ran.answer) {
        return held(case, vec![reason]);
    }
    match &ran.answer {
        Answer::Ask(row) | Answer::Review(row) => held(case, of(std::slice::from_ref(row))),
        Answer::Rows(rows) => {
            let mut ruling = decided(&draft, rows, of(rows));
            let stricter = |row: &&Row<'_>| case_of(Verdict::ALL, row.outcome).is_some_and(|verdict| verdict > ruling.verdict);
            // What might be stopped is not sent (domain model 4.0, rule 9).
            if ruling.verdict < Verdict::HoldForEvidence && ran.passed_over.iter().any(|row| stricter(&row)) {
                ruling.verdict = Verdict::HoldForEvidence;
                ruling.notes.reasons.push(person(UNKNOWN, named(&ran.passed_over)));
            }
            ruling
        }
        Answer::Overlap(_) | Answer::NoRow => held(case, Vec::new()),
    }
}

/// The draft waits for a person.
fn held(case: &ReplyCase, reasons: Vec<Reason>) -> ReplyRuling {
    let notes = Notes { reasons, ..Notes::empty() };
    ReplyRuling { verdict: Verdict::HoldForEvidence, findings: Vec::new(), masked_text: case.text.clone(), notes }
}

/// The worst verdict of the rows, with what each found.
fn decided(draft: &Draft<'_>, rows: &[Row<'_>], mut reasons: Vec<Reason>) -> ReplyRuling {
    let verdict = rows.iter().filter_map(|row| case_of(Verdict::ALL, row.outcome)).max().unwrap_or(Verdict::HoldForEvidence);
    let (mut findings, mut room, mut omitted) = (Vec::new(), Room::beside(&[]), 0_u32);
    let text: Vec<char> = draft.case.text.chars().collect();
    let mut masked = text.clone();
    for (row, reason) in rows.iter().zip(&mut reasons) {
        let places = draft.places(row);
        reason.facts.extend(places.iter().take(PLACES_MAX).map(|(start, end)| place(*start, *end)));
        let action = row.more.action.and_then(|action| case_of(Action::ALL, action)).unwrap_or_else(|| action_of(row));
        for (start, end) in places {
            let span = start as usize..end as usize;
            let matched = text.get(span.clone()).unwrap_or_default().iter().collect();
            if action == Action::Mask
                && let Some(hidden) = masked.get_mut(span)
            {
                hidden.fill('*');
            }
            let finding = finding(row, action, start, end, matched);
            if room.takes(&finding) {
                findings.push(finding);
            } else {
                omitted += 1;
            }
        }
    }
    findings.sort_by_key(|finding| (finding.start, finding.end));
    let mut notes = Notes { reasons, ..Notes::empty() };
    if omitted > 0 {
        notes.attributes.push(Attribute { key: "findings-omitted".to_owned(), value: omitted.to_string() });
    }
    ReplyRuling { verdict, findings, masked_text: masked.into_iter().collect(), notes }
}

fn finding(row: &Row<'_>, action: Action, start: u32, end: u32, matched: String) -> Finding {
    Finding {
        rule: row.id.to_owned(),
        category: "table".to_owned(),
        severity: case_of(Severity::ALL, row.severity).unwrap_or(Severity::Medium),
        action,
        start,
        end,
        matched,
        exemption: None,
        suggestion_key: ["rc.fix.", row.id].concat(),
    }
}

fn place(start: u32, end: u32) -> Fact {
    fact("text", [start.to_string(), "..".to_owned(), end.to_string()].concat())
}

/// What a verdict means for the words that led to it.
fn action_of(row: &Row<'_>) -> Action {
    match case_of(Verdict::ALL, row.outcome) {
        Some(Verdict::Block) => Action::Stop,
        Some(Verdict::HoldForEvidence) => Action::Evidence,
        Some(Verdict::PassMasked) => Action::Mask,
        Some(Verdict::PassWithWarnings) => Action::Warn,
        Some(Verdict::Pass) | None => Action::None,
    }
}
