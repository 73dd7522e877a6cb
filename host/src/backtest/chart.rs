//! Charts as SVG, drawn from numbers without a script: what is printed or mailed shows the same.

use maud::{Markup, html};

/// Width of every chart, in the drawing's own units.
const WIDTH: f64 = 720.0;
/// Room for the names on the left.
const NAMES: f64 = 200.0;
/// Room for the numbers on the right.
const NUMBERS: f64 = 130.0;
/// Height of one bar.
const BAR: f64 = 12.0;
/// Height of a group of two bars with the space below.
const GROUP: f64 = 2.0 * BAR + 14.0;

/// A pair of bars.
pub(super) struct Pair {
    /// What they are about.
    pub name: String,
    /// The upper bar.
    pub before: i64,
    /// The lower bar.
    pub after: i64,
}

/// Groups of two bars with their numbers; `number` writes one.
pub(super) fn pairs(title: &str, pairs: &[Pair], number: fn(i64) -> String) -> Markup {
    let most = pairs.iter().map(|pair| pair.before.max(pair.after)).max().unwrap_or(0).max(1);
    let room = WIDTH - NAMES - NUMBERS;
    let length = |value: i64| share(value, most) * room;
    let height = GROUP * count(pairs.len());
    html! {
        figure {
            figcaption { (title) }
            svg viewBox=(format!("0 0 {WIDTH} {height}")) role="img" aria-label=(title) {
                @for (at, pair) in pairs.iter().enumerate() {
                    @let top = GROUP * count(at);
                    text.name x=(NAMES - 8.0) y=(top + BAR + 3.0) text-anchor="end" { (shortened(&pair.name)) }
                    @for (row, (value, side)) in [(pair.before, "before"), (pair.after, "after")].into_iter().enumerate() {
                        @let y = top + BAR * count(row);
                        rect class=(side) x=(NAMES) y=(y + 1.0) width=(fixed(length(value))) height=(BAR - 2.0) rx="2" {
                            title { (pair.name) ", " (side) ": " (number(value)) }
                        }
                        text.number x=(fixed(NAMES + length(value) + 5.0)) y=(y + BAR - 2.5) { (number(value)) }
                    }
                }
            }
        }
    }
}

/// Two lines over the same places.
pub(super) fn lines(title: &str, pairs: &[Pair], number: fn(i64) -> String) -> Markup {
    const HEIGHT: f64 = 220.0;
    const LEFT: f64 = 90.0;
    const RIGHT: f64 = 30.0;
    /// Names below the lines, as many as there is room for.
    const NAMED_MAX: usize = 9;
    const BOTTOM: f64 = 30.0;
    const TOP: f64 = 12.0;
    let most = pairs.iter().map(|pair| pair.before.max(pair.after)).max().unwrap_or(0).max(1);
    let step = (WIDTH - LEFT - RIGHT) / count(pairs.len().saturating_sub(1).max(1));
    let x = |at: usize| LEFT + step * count(at);
    let y = |value: i64| TOP + (HEIGHT - TOP - BOTTOM) * (1.0 - share(value, most));
    let points = |of: fn(&Pair) -> i64| -> String {
        let point = |(at, pair): (usize, &Pair)| format!("{:.1},{:.1}", x(at), y(of(pair)));
        pairs.iter().enumerate().map(point).collect::<Vec<_>>().join(" ")
    };
    let every = pairs.len().div_ceil(NAMED_MAX).max(1);
    html! {
        figure {
            figcaption { (title) }
            svg viewBox=(format!("0 0 {WIDTH} {HEIGHT}")) role="img" aria-label=(title) {
                @for quarter in 0..=4_i64 {
                    @let value = most / 4 * quarter;
                    line.grid x1=(LEFT) x2=(WIDTH - RIGHT) y1=(fixed(y(value))) y2=(fixed(y(value))) {}
                    text.number x=(LEFT - 6.0) y=(fixed(y(value) + 4.0)) text-anchor="end" { (number(value)) }
                }
                polyline.before points=(points(|pair| pair.before)) {}
                polyline.after points=(points(|pair| pair.after)) {}
                @for (at, pair) in pairs.iter().enumerate() {
                    @for (value, side) in [(pair.before, "before"), (pair.after, "after")] {
                        circle class=(side) cx=(fixed(x(at))) cy=(fixed(y(value))) r="3" {
                            title { (pair.name) ", " (side) ": " (number(value)) }
                        }
                    }
                    @if at.is_multiple_of(every) {
                        text.name x=(fixed(x(at))) y=(HEIGHT - 8.0) text-anchor="middle" { (pair.name) }
                    }
                }
            }
        }
    }
}

/// Single bars with their numbers.
pub(super) fn bars(title: &str, bars: &[(String, u64, String)]) -> Markup {
    const ROW: f64 = 20.0;
    let most = bars.iter().map(|(_, value, _)| *value).max().unwrap_or(0).max(1);
    let names = 390.0;
    let room = WIDTH - names - NUMBERS;
    let length = |value: u64| share(i64::try_from(value).unwrap_or(i64::MAX), i64::try_from(most).unwrap_or(i64::MAX)) * room;
    html! {
        figure {
            figcaption { (title) }
            svg viewBox=(format!("0 0 {WIDTH} {}", ROW * count(bars.len()))) role="img" aria-label=(title) {
                @for (at, (name, value, number)) in bars.iter().enumerate() {
                    @let top = ROW * count(at);
                    text.name x=(names - 8.0) y=(top + 13.0) text-anchor="end" { (shortened(name)) }
                    rect.after x=(names) y=(top + 3.0) width=(fixed(length(*value))) height=(ROW - 8.0) rx="2" {
                        title { (name) ": " (number) }
                    }
                    text.number x=(fixed(names + length(*value) + 5.0)) y=(top + 13.0) { (number) }
                }
            }
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "a length on a screen")]
fn share(value: i64, most: i64) -> f64 {
    value.max(0) as f64 / most as f64
}

#[expect(clippy::cast_precision_loss, reason = "a place on a screen")]
fn count(number: usize) -> f64 {
    number as f64
}

fn fixed(length: f64) -> String {
    format!("{length:.1}")
}

/// A name that fits its room.
fn shortened(name: &str) -> String {
    const LETTERS_MAX: usize = 60;
    match name.char_indices().nth(LETTERS_MAX) {
        Some((end, _)) => format!("{}…", name.get(..end).unwrap_or_default()),
        None => name.to_owned(),
    }
}
