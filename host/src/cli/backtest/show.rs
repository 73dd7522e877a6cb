//! A report for people, in tables.

use ombud_core::impact::{BeforeAfter, Dimension, FlipLine, ImpactReport, SegmentLine, Side, Skipped};

use super::super::screen::{self, count, yuan};
use crate::backtest::{BacktestReport, money_rows, sums};

/// Lines of a table; `--json` and `--html` have more.
const LINES_MAX: usize = 15;
/// Lines of the table of segments.
const SEGMENTS_MAX: usize = 30;

pub(super) fn print(report: &BacktestReport) {
    let impact = &report.impact;
    let candidate = &report.candidate;
    let short = |digest: &str| digest.get(..12).unwrap_or(digest).to_owned();
    let named = format!("{} {}", candidate.name, candidate.version);
    screen::line(&format!("{} on {}", named.trim(), report.merchant), &report.window());
    let digests = format!("component {}, settings {}", short(&candidate.component), short(&candidate.settings));
    println!("{}", screen::dim().apply_to(digests));
    let counts = &impact.total.counts;
    println!("\n{}, {}", count(counts.decisions, "decision"), difference(&sums(impact).total));
    println!(
        "{}, {} with the same outcome and other money, {} decided by another rule to the same end",
        count(counts.flips, "flip"),
        counts.money_only,
        counts.rule_only
    );
    money(impact);
    flips("flips by outcome", &impact.outcomes);
    flips("flips by rule", &impact.rules);
    examples(impact);
    segments(impact);
    machinery(impact);
    if !impact.skipped.is_empty() {
        let lines = impact.skipped.iter().map(|line| format!("{} {}", count(line.records, "record"), why(line.why)));
        println!("{} {}", screen::warn().apply_to("not compared:"), lines.collect::<Vec<_>>().join("; "));
    }
    println!();
    for premise in &report.premises {
        screen::wrap(premise, screen::columns()).iter().for_each(|line| println!("{}", screen::dim().apply_to(line)));
    }
    #[expect(clippy::cast_precision_loss, reason = "seconds for people")]
    let seconds = report.elapsed_ms as f64 / 1_000.0;
    println!("\n{} in {seconds:.2} s ({:.0}/s)", count(counts.decisions, "decision"), report.per_second);
}

/// Why records were not compared, after their number.
const fn why(skipped: Skipped) -> &'static str {
    match skipped {
        Skipped::Erased => "of erased customers",
        Skipped::Damaged => "damaged: `ombud audit check` says what is wrong",
        Skipped::Guardrail => "whose guardrail is missing or does not load",
        Skipped::Environmental => "on which the candidate met the machine's clock",
    }
}

/// What a candidate pays or promises beyond the record, in words; where it proposes otherwise, what that comes to as well.
fn difference(money: &BeforeAfter) -> String {
    let words = |fen: i64| match fen {
        0 => "the same money".to_owned(),
        ..0 => screen::good().apply_to(format!("{} less", yuan(fen.saturating_neg()))).to_string(),
        1.. => screen::warn().apply_to(format!("{} more", yuan(fen))).to_string(),
    };
    let stands = format!("{} is paid or promised", words(money.difference()));
    match money.difference_if_approved() {
        approved if approved == money.difference() => stands,
        approved => format!("{stands}; {} if every proposal is approved", words(approved)),
    }
}

/// The same in a table.
fn change(fen: i64) -> String {
    if fen > 0 { format!("+{}", yuan(fen)) } else { yuan(fen) }
}

fn sides(money: &BeforeAfter) -> [String; 3] {
    [yuan(money.before.standing()), yuan(money.after.standing()), change(money.difference())]
}

fn money(impact: &ImpactReport) {
    let sums = sums(impact);
    let rows = money_rows(&sums);
    if rows.is_empty() {
        return;
    }
    screen::heading(&format!("money, {}", sums.each));
    let mut table = screen::table(&["kind", "money", "before", "after", "difference"]);
    for row in rows {
        let name = format!("{} {}", row.sort, row.due);
        table.add_row([row.kind, &name, &yuan(row.before), &yuan(row.after), &change(row.after.saturating_sub(row.before))]);
    }
    for (kind, money) in &sums.kinds {
        let [before, after, difference] = sides(money);
        table.add_row([kind.as_str(), "paid and promised", &before, &after, &difference]);
    }
    let total = &sums.total;
    let [before, after, difference] = sides(total);
    table.add_row(["total", "paid and promised", &before, &after, &difference]);
    let (before, after) = (yuan(total.before.if_approved()), yuan(total.after.if_approved()));
    table.add_row(["total", "if every proposal is approved", &before, &after, &change(total.difference_if_approved())]);
    println!("{table}");
}

fn flips(title: &str, lines: &[FlipLine]) {
    if lines.is_empty() {
        return;
    }
    screen::heading(title);
    let mut table = screen::table(&["kind", "before", "after", "decisions", "paid", "then", "difference", "if approved"]);
    for line in lines.iter().take(LINES_MAX) {
        let kind = line.kind.map_or("", |kind| kind.as_str());
        let [before, after, difference] = sides(&line.money);
        let approved = change(line.money.difference_if_approved());
        table.add_row([kind, &line.from, &line.to, &line.decisions.to_string(), &before, &after, &difference, &approved]);
    }
    println!("{table}");
    more(lines.len(), LINES_MAX);
}

fn more(lines: usize, shown: usize) {
    if lines > shown {
        println!("{}", screen::dim().apply_to(format!("and {} more: --json and --html have them", lines - shown)));
    }
}

fn examples(impact: &ImpactReport) {
    if impact.examples.is_empty() {
        return;
    }
    screen::heading("the dearest tickets");
    let mut table = screen::table(&["ticket, decision", "before", "after", "difference", "if approved"]);
    for example in &impact.examples {
        let side = |side: &Side| format!("{}\n{}", side.outcome, side.rule);
        let ticket = format!("{} #{}\n{}", example.ticket.as_deref().unwrap_or("–"), example.seq, example.id);
        let differences = [example.difference(), example.difference_if_approved()].map(change);
        table.add_row([ticket, side(&example.before), side(&example.after)].into_iter().chain(differences));
    }
    println!("{table}");
}

fn segments(impact: &ImpactReport) {
    // What changes is what is asked for; a segment that stays is in the JSON.
    let changed = |line: &&SegmentLine| line.counts.flips + line.counts.money_only > 0;
    let lines: Vec<_> = impact.segments.iter().filter(changed).collect();
    if lines.is_empty() {
        return;
    }
    screen::heading("segments that change");
    let mut table = screen::table(&["segment", "kind", "decisions", "flips", "before", "after", "difference"]);
    for line in lines.iter().take(SEGMENTS_MAX) {
        let segment = format!("{} {}", line.dimension.map_or("", Dimension::as_str), line.value);
        let [before, after, difference] = sides(&line.money);
        let counts = [line.counts.decisions, line.counts.flips].map(|number| number.to_string());
        let kind = line.kind.map_or("", |kind| kind.as_str()).to_owned();
        table.add_row([segment, kind].into_iter().chain(counts).chain([before, after, difference]));
    }
    println!("{table}");
    more(lines.len(), SEGMENTS_MAX);
}

fn machinery(impact: &ImpactReport) {
    if !impact.faults.is_empty() {
        screen::heading("faults");
        let mut table = screen::table(&["fault", "before", "after"]);
        for line in &impact.faults {
            table.add_row([line.code.to_string(), line.before.to_string(), line.after.to_string()]);
        }
        println!("{table}");
    }
    let fuel = &impact.fuel;
    if impact.total.counts.decisions > 0 {
        let mean = match fuel.comparable {
            0 => format!("fuel: {} a decision, at most {}", fuel.policy_mean, fuel.policy_max),
            _ => format!("fuel: {} a decision before, {} after, at most {}", fuel.recorded_mean, fuel.candidate_mean, fuel.policy_max),
        };
        println!("\n{mean}");
    }
}
