//! The steps of a decision table: whether it compiles, which cases no row decides, which several do, which rows never decide.

use std::path::Path;

use anyhow::Result;
use ombud_table::{Compiled, Example, Findings};

use super::super::{screen, table};
use super::Seen;
use crate::gate::{Status, Step};

/// Overlaps listed; the rest is counted.
const LISTED_MAX: usize = 10;

/// The steps, and whether the table compiles.
pub(super) fn steps(path: &Path) -> Result<(Vec<Seen>, bool)> {
    let tables = match table::read(path)? {
        Ok(tables) => tables,
        Err(problems) => {
            let listed = problems.iter().map(ToString::to_string).collect();
            return Ok((vec![Step::failed("table", "does not compile", listed).into()], false));
        }
    };
    let mut steps = Vec::new();
    for compiled in &tables {
        steps.extend(of_table(compiled));
    }
    Ok((steps, true))
}

fn of_table(compiled: &Compiled) -> [Seen; 4] {
    let kind = compiled.kind.as_str();
    let rows = screen::count(compiled.rows.len() as u64, "row");
    let text = format!("{kind}, {rows}, {} bytes compiled", compiled.bytes.len());
    let findings = ombud_table::check(compiled);
    let (gaps, overlaps, idle) = (gaps(compiled, &findings), overlaps(compiled, &findings), idle(&findings));
    let table = Seen { step: Step::passed("table", text), findings: Some(findings) };
    [table, gaps.into(), overlaps.into(), idle.into()]
}

/// Cases that no row decides. With a default they are meant, without one a person gets them.
fn gaps(compiled: &Compiled, findings: &Findings) -> Step {
    let tried = tried(findings);
    if findings.gap_count == 0 {
        return Step::passed("gaps", format!("none {tried}"));
    }
    let count = screen::count(findings.gap_count as u64, "case");
    if compiled.default.is_some() {
        return Step::passed("gaps", format!("{count} {tried} fall to the default row, such as {}", shown(findings.gaps.first())));
    }
    let mut step = Step::warning("gaps", format!("{count} {tried} fall to no row; without a `default` a person decides them"));
    step.problems = findings.gaps.iter().map(|example| shown(Some(example))).collect();
    step
}

/// Cases that several rows match: wrong where one may, worth a look where the first decides.
fn overlaps(compiled: &Compiled, findings: &Findings) -> Step {
    use ombud_rows::Hit;
    let line = |overlap: &ombud_table::Overlap| {
        let (one, other) = &overlap.rows;
        let contradict = if overlap.contradict { ", with different outcomes" } else { "" };
        format!("`{one}` and `{other}` both match{contradict}, for instance {}", shown(Some(&overlap.example)))
    };
    let mut listed: Vec<String> = findings.overlaps.iter().take(LISTED_MAX).map(line).collect();
    if findings.overlap_count > listed.len() {
        listed.push(format!("and {} more", findings.overlap_count - listed.len()));
    }
    let count = screen::count(findings.overlap_count as u64, "pair");
    match compiled.hit {
        _ if findings.overlaps.is_empty() => Step::passed("overlaps", format!("none {}", tried(findings))),
        Hit::Unique => Step::failed("overlaps", format!("{count} of rows match the same case, and the hit policy is unique"), listed),
        Hit::First => {
            Step { problems: listed, ..Step::passed("overlaps", format!("{count} of rows match the same case; the first of them decides")) }
        }
        _ => Step { problems: listed, ..Step::passed("overlaps", format!("{count} of rows are collected together")) },
    }
}

/// What was tried.
fn tried(findings: &Findings) -> String {
    match findings.complete {
        true => format!("in all {} cases made of the facts it reads", findings.tried),
        false => format!("in {} cases, a sample of those its facts can make", findings.tried),
    }
}

/// Rows that decided nothing. One that no case matched is not known to be idle: the case that it is for may not have been made.
fn idle(findings: &Findings) -> Step {
    let line = |idle: &ombud_table::Idle| match idle.behind.as_slice() {
        [] => format!(
            "`{}` matched none of {} cases: its condition may never hold; a case in `cases.yaml` would show that it does",
            idle.row, findings.tried
        ),
        behind => format!("`{}` never decides: where it matches, `{}` does", idle.row, behind.join("`, `")),
    };
    let listed: Vec<String> = findings.idle.iter().map(line).collect();
    if listed.is_empty() {
        return Step::passed("reachable", "every row decides some case");
    }
    let text = screen::count(listed.len() as u64, "row");
    let mut step = Step::failed("reachable", format!("{text} of the table never decide"), listed);
    if !findings.complete || findings.idle.iter().all(|idle| idle.behind.is_empty()) {
        step.status = Status::Warning;
    }
    step
}

/// The facts of an example.
fn shown(example: Option<&Example>) -> String {
    let facts = example.map(|example| example.facts.iter().map(|(path, value)| format!("{path} = {value}")).collect::<Vec<_>>());
    facts.unwrap_or_default().join(", ")
}
