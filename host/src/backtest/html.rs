//! A report as one page: tables and charts, with nothing from anywhere else.

use maud::{DOCTYPE, Markup, PreEscaped, html};
use ombud_core::impact::{BeforeAfter, Dimension, FlipLine, ImpactReport, Money, SegmentLine, Skipped};

use super::chart::{self, Pair};
use super::{BacktestReport, money_rows, sums};

/// Flips drawn as bars; the table has more.
const DRAWN_MAX: usize = 12;
/// Flips in a table.
const LISTED_MAX: usize = 100;

const STYLE: &str = "
:root { color-scheme: light dark; --ink: #1d2530; --dim: #66707f; --line: #dde2e9; --paper: #fff; --before: #9aa5b4; --after: #2f6fde;
        --less: #1f8a52; --more: #c0392b; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6eaf0; --dim: #98a2b3; --line: #333c49; --paper: #14181e; --before: #6b7685;
        --after: #6ea0ff; --less: #5ec48d; --more: #ef8177; } }
body { font: 15px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper); max-width: 66rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.5rem; margin-bottom: .2rem; } h2 { font-size: 1.15rem; margin: 2.4rem 0 .6rem; } h3 { font-size: 1rem; margin: 1.4rem 0 .3rem; }
p.warning { border-left: 3px solid var(--more); padding-left: .7rem; margin: .4rem 0; }
p.dim, .dim, figcaption { color: var(--dim); } p.dim { margin: .2rem 0; }
.figures { display: grid; grid-template-columns: repeat(auto-fit, minmax(9rem, 1fr)); gap: .8rem; margin: 1.2rem 0; }
.figures div { border: 1px solid var(--line); border-radius: .5rem; padding: .6rem .9rem; }
.figures b { display: block; font-size: 1.3rem; font-variant-numeric: tabular-nums; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; } .wide { overflow-x: auto; }
th, td { padding: .3rem .6rem; border-bottom: 1px solid var(--line); text-align: left; vertical-align: top; }
th { font-weight: 600; color: var(--dim); } td.n, th.n { text-align: right; white-space: nowrap; }
td.id { font-family: ui-monospace, monospace; font-size: .75em; white-space: nowrap; } td.kind { white-space: nowrap; } tr.sum td { font-weight: 600; } code { overflow-wrap: anywhere; }
.less { color: var(--less); } .more { color: var(--more); }
figure { margin: 1.2rem 0; overflow-x: auto; } figcaption { margin-bottom: .5rem; } svg { width: 100%; min-width: 34rem; max-width: 52rem; height: auto; font: 12px system-ui, sans-serif; }
svg text { fill: var(--ink); } svg text.number { fill: var(--dim); } svg .grid { stroke: var(--line); }
svg rect.before, svg circle.before { fill: var(--before); } svg rect.after, svg circle.after { fill: var(--after); }
svg polyline { fill: none; stroke-width: 2; } svg polyline.before { stroke: var(--before); } svg polyline.after { stroke: var(--after); }
.key span { margin-right: 1.2em; white-space: nowrap; } .key i { display: inline-block; width: .8em; height: .8em; border-radius: 2px; margin-right: .4em; } .key i.before { background: var(--before); }
.key i.after { background: var(--after); } @media print { body { margin: 0; } h2 { break-after: avoid; } figure, tr { break-inside: avoid; } }
";

/// The page of a report.
pub fn page(report: &BacktestReport) -> String {
    let impact = &report.impact;
    let title = format!("Backtest of {} {} on {}", report.candidate.name, report.candidate.version, report.merchant);
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { (title) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                h1 { (title) }
                (about(report))
                (figures(impact))
                (skipped(impact))
                p.key { span { i.before {} "before, as recorded" } " " span { i.after {} "after, under the candidate" } }
                (money(impact))
                (flips(impact))
                (examples(impact))
                (segments(impact))
                (machinery(impact))
                h2 { "What is assumed" }
                ul { @for premise in &report.premises { li { (premise) } } }
            }
        }
    };
    page.into_string()
}

fn about(report: &BacktestReport) -> Markup {
    let kinds: Vec<&str> = report.kinds.iter().map(|kind| kind.as_str()).collect();
    #[expect(clippy::cast_precision_loss, reason = "seconds for people")]
    let seconds = report.elapsed_ms as f64 / 1_000.0;
    html! {
        p.dim { (kinds.join(", ")) "; " (report.window()) "; made " (report.made_at) " in " (format!("{seconds:.1}")) " s" }
        p.dim { "component " code { (report.candidate.component) } }
        p.dim { "settings " code { (report.candidate.settings) } }
    }
}

fn figures(impact: &ImpactReport) -> Markup {
    let total = &impact.total;
    let money = sums(impact).total;
    let faults: u64 = impact.faults.iter().map(|line| line.after).sum();
    html! {
        div.figures {
            div { b { (grouped(total.counts.decisions)) } "decisions" }
            div { b { (grouped(total.counts.flips)) } "flips of outcome" br; span.dim { (share(total.counts.flips, total.counts.decisions)) } }
            div { b { (grouped(total.counts.money_only)) } "same outcome, other money" }
            div { b { (difference(money.difference())) } "paid or promised" }
            div { b { (difference(money.difference_if_approved())) } "if every proposal is approved" }
            div { b { (grouped(faults)) } "faults of the candidate" }
        }
    }
}

fn money(impact: &ImpactReport) -> Markup {
    let sums = sums(impact);
    let rows = money_rows(&sums);
    let pairs: Vec<Pair> = rows
        .iter()
        .map(|row| Pair { name: format!("{}: {} {}", row.kind, row.sort, row.due), before: row.before, after: row.after })
        .collect();
    let months = months(impact);
    html! {
        h2 { "Money" }
        @if rows.is_empty() { p { "No money on either side." } }
        @else {
            (chart::pairs(&format!("By kind, payment and when it falls due, {}", sums.each), &pairs, yuan))
            @if months.len() > 1 { (chart::lines("Paid and promised by month, each decision", &months, yuan)) }
            div.wide { table {
                thead { tr { th { "kind" } th { "money" } th.n { "before" } th.n { "after" } th.n { "difference" } } }
                tbody {
                    @for row in &rows {
                        tr {
                            td.kind { (row.kind) }
                            td { (row.sort) " " (row.due) }
                            td.n { (yuan(row.before)) }
                            td.n { (yuan(row.after)) }
                            td.n { (difference(row.after.saturating_sub(row.before))) }
                        }
                    }
                    @for (kind, money) in &sums.kinds {
                        tr.sum { td.kind { (kind.as_str()) } td { "paid and promised" } (standing(money)) }
                    }
                    tr.sum { td { "total" } td { "paid and promised" } (standing(&sums.total)) }
                    tr.sum {
                        @let total = &sums.total;
                        td { "total" }
                        td { "if every proposal is approved" }
                        td.n { (yuan(total.before.if_approved())) }
                        td.n { (yuan(total.after.if_approved())) }
                        td.n { (difference(total.difference_if_approved())) }
                    }
                }
            } }
        }
    }
}

/// Months of all kinds together.
fn months(impact: &ImpactReport) -> Vec<Pair> {
    let mut months: std::collections::BTreeMap<&str, (i64, i64)> = std::collections::BTreeMap::new();
    for line in impact.segments.iter().filter(|line| line.dimension == Some(Dimension::Month)) {
        let sums = months.entry(&line.value).or_default();
        sums.0 = sums.0.saturating_add(line.money.before.standing());
        sums.1 = sums.1.saturating_add(line.money.after.standing());
    }
    months.into_iter().map(|(name, (before, after))| Pair { name: name.to_owned(), before, after }).collect()
}

fn flips(impact: &ImpactReport) -> Markup {
    let drawn: Vec<(String, u64, String)> = impact
        .outcomes
        .iter()
        .take(DRAWN_MAX)
        .map(|line| {
            (
                format!("{}: {} → {}", line.kind.map_or("", |kind| kind.as_str()), line.from, line.to),
                line.decisions,
                grouped(line.decisions),
            )
        })
        .collect();
    html! {
        h2 { "Flips by outcome" }
        @if impact.outcomes.is_empty() { p { "Every outcome and every amount stays." } }
        @else {
            (chart::bars("Decisions that change outcome or money", &drawn))
            (flip_table(&impact.outcomes))
        }
        @if !impact.rules.is_empty() {
            h2 { "Flips by rule" }
            p.dim { "By the rule that decided; decisions where only the rule is another are among them." }
            (flip_table(&impact.rules))
        }
    }
}

fn flip_table(lines: &[FlipLine]) -> Markup {
    html! {
        div.wide { table {
            thead { tr { th { "kind" } th { "before" } th { "after" } th.n { "decisions" } th.n { "money before" } th.n { "after" } th.n { "difference" } th.n { "if approved" } th { "first decision" } } }
            tbody {
                @for line in lines.iter().take(LISTED_MAX) {
                    tr {
                        td.kind { (line.kind.map_or("", |kind| kind.as_str())) }
                        td { (line.from) }
                        td { (line.to) }
                        td.n { (grouped(line.decisions)) }
                        (standing(&line.money))
                        td.n { (difference(line.money.difference_if_approved())) }
                        td.id { (line.first.as_deref().unwrap_or_default()) }
                    }
                }
            }
        } }
        @if lines.len() > LISTED_MAX { p.dim { (lines.len() - LISTED_MAX) " more are in the JSON report." } }
    }
}

fn examples(impact: &ImpactReport) -> Markup {
    html! {
        @if !impact.examples.is_empty() {
            h2 { "The dearest tickets" }
            p.dim { "Each with the decision that changes most: by what falls due if every proposal is approved, then by what is paid or promised without a person." }
            div.wide { table {
                thead { tr { th { "ticket" } th { "decision" } th { "before" } th { "after" } th.n { "before" } th.n { "after" } th.n { "difference" } th.n { "if approved" } } }
                tbody {
                    @for example in &impact.examples {
                        tr {
                            td.kind { (example.ticket.as_deref().unwrap_or("–")) br; span.dim { (example.kind.as_str()) } }
                            td.id { (example.id) br; "#" (example.seq) }
                            td { (example.before.outcome) br; span.dim { (example.before.rule) } }
                            td { (example.after.outcome) br; span.dim { (example.after.rule) } }
                            td.n { (both(&example.before.money)) }
                            td.n { (both(&example.after.money)) }
                            td.n { (difference(example.difference())) }
                            td.n { (difference(example.difference_if_approved())) }
                        }
                    }
                }
            } }
        }
    }
}

/// What stands, and below it what waits for a person.
fn both(money: &Money) -> Markup {
    html! {
        (yuan(money.standing()))
        @if money.waiting() != 0 { br; span.dim { (yuan(money.waiting())) " proposed" } }
    }
}

fn segments(impact: &ImpactReport) -> Markup {
    let of =
        |dimension: Dimension| -> Vec<&SegmentLine> { impact.segments.iter().filter(|line| line.dimension == Some(dimension)).collect() };
    html! {
        h2 { "By segment" }
        @for dimension in Dimension::ALL {
            @let lines = of(dimension);
            @if !lines.is_empty() {
                h3 { "By " (titled(dimension)) }
                div.wide { table {
                    thead { tr { th { "kind" } th { (titled(dimension)) } th.n { "decisions" } th.n { "flips" } th.n { "before" } th.n { "after" } th.n { "difference" } } }
                    tbody {
                        @for line in lines {
                            tr {
                                td.kind { (line.kind.map_or("", |kind| kind.as_str())) }
                                td { (line.value) }
                                td.n { (grouped(line.counts.decisions)) }
                                td.n { (grouped(line.counts.flips)) }
                                (standing(&line.money))
                            }
                        }
                    }
                } }
            }
        }
    }
}

/// A dimension for people.
const fn titled(dimension: Dimension) -> &'static str {
    match dimension {
        Dimension::Month => "month of receipt",
        Dimension::Outcome => "recorded outcome",
        Dimension::Resolution => "resolution asked for",
        Dimension::DelayTier => "recorded tier of delay",
        Dimension::Customer => "customer",
        Dimension::Version => "version on record",
    }
}

/// What was not compared stands before what was.
fn skipped(impact: &ImpactReport) -> Markup {
    html! {
        @for line in &impact.skipped {
            p.warning { (grouped(line.records)) @if line.records == 1 { " record" } @else { " records" } " not compared: " (why_not(line.why)) "." }
        }
    }
}

/// Why records were not compared.
const fn why_not(skipped: Skipped) -> &'static str {
    match skipped {
        Skipped::Erased => "the customer was erased",
        Skipped::Damaged => "damaged, see ombud audit check",
        Skipped::Guardrail => "the guardrail on record is missing or does not load",
        Skipped::Environmental => "the candidate met the machine's clock",
    }
}

fn standing(money: &BeforeAfter) -> Markup {
    html! {
        td.n { (yuan(money.before.standing())) }
        td.n { (yuan(money.after.standing())) }
        td.n { (difference(money.difference())) }
    }
}

fn machinery(impact: &ImpactReport) -> Markup {
    let mut rows: Vec<(String, u64, u64)> = Vec::new();
    for line in &impact.guardrail {
        rows.push((format!("guardrail {}", word(&line.result)), line.before, line.after));
    }
    for line in &impact.caps {
        rows.push((format!("caps {}", word(&line.result)), line.before, line.after));
    }
    for line in &impact.faults {
        rows.push((format!("fault {}", line.code), line.before, line.after));
    }
    let fuel = &impact.fuel;
    html! {
        h2 { "Guardrail, caps, faults, fuel" }
        div.wide { table {
            thead { tr { th { "what" } th.n { "before" } th.n { "after" } } }
            tbody {
                @for (name, before, after) in &rows { tr { td { (name) } td.n { (grouped(*before)) } td.n { (grouped(*after)) } } }
                tr { td { "mean fuel of the policy, " (grouped(fuel.comparable)) " of the same engine" } td.n { (grouped(fuel.recorded_mean)) } td.n { (grouped(fuel.candidate_mean)) } }
            }
        } }
        p.dim {
            "The thirstiest call of the candidate used " (grouped(fuel.policy_max)) " fuel"
            @if let Some(at) = &fuel.policy_max_at { ", for " code { (at) } }
            "."
        }
    }
}

/// The wire name of a word.
fn word<T: serde::Serialize>(word: &T) -> String {
    serde_json::to_value(word).ok().and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_default()
}

/// An amount of fen in yuan.
fn yuan(fen: i64) -> String {
    let sign = if fen < 0 { "−" } else { "" };
    let fen = fen.unsigned_abs();
    format!("{sign}¥{}.{:02}", grouped(fen / 100), fen % 100)
}

/// A difference with its sign, in the colour of its direction.
fn difference(fen: i64) -> Markup {
    let class = match fen {
        0 => "dim",
        ..0 => "less",
        1.. => "more",
    };
    html! { span class=(class) { @if fen > 0 { "+" } (yuan(fen)) } }
}

fn share(part: u64, whole: u64) -> String {
    let tenths = part.saturating_mul(1_000).saturating_add(whole / 2).checked_div(whole).unwrap_or(0);
    format!("{}.{} %", tenths / 10, tenths % 10)
}

/// A number with its thousands apart.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut grouped = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped_and_signed() {
        assert_eq!((grouped(0), grouped(999), grouped(1_234_567)), ("0".into(), "999".into(), "1,234,567".into()));
        assert_eq!((yuan(-123_456), yuan(5)), ("−¥1,234.56".into(), "¥0.05".into()));
        assert_eq!(difference(100).into_string(), "<span class=\"more\">+¥1.00</span>");
        assert_eq!((share(1, 3), share(3, 7), share(0, 0)), ("33.3 %".into(), "42.9 %".into(), "0.0 %".into()));
    }
}
