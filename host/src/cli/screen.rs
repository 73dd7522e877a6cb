//! What commands print for people: fields with a hanging indent, tables, amounts. Columns are counted as a terminal shows
//! them (a Chinese character takes two), and colour is used on a terminal only.

use std::borrow::Cow;
use std::io::{ErrorKind, Write as _};

use comfy_table::{Attribute, Cell, ContentArrangement, Table, presets};
use console::{Style, Term, measure_text_width};
use ombud_core::disposition::Disposition;
use ombud_core::shown;

use super::EXIT_USAGE;

/// Columns used at most: wider lines are hard to read.
const COLUMNS_MAX: usize = 100;
/// Columns of a field's name, with what stands before it.
const LABEL_COLUMNS: usize = 15;

/// Columns to use.
pub(super) fn columns() -> usize {
    match Term::stdout().size_checked() {
        Some((_, columns)) => usize::from(columns).clamp(60, COLUMNS_MAX),
        None => COLUMNS_MAX,
    }
}

/// An amount of fen in yuan.
pub(super) fn yuan(fen: i64) -> String {
    let (sign, fen) = if fen < 0 { ("-", fen.unsigned_abs()) } else { ("", fen.unsigned_abs()) };
    let whole = (fen / 100).to_string();
    let mut grouped = String::new();
    for (at, digit) in whole.chars().enumerate() {
        if at > 0 && (whole.len() - at) % 3 == 0 {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    format!("{sign}¥{grouped}.{:02}", fen % 100)
}

/// A count with its noun, in the plural where it needs one.
pub(super) fn count(number: u64, noun: &str) -> String {
    if number == 1 { format!("1 {noun}") } else { format!("{number} {noun}s") }
}

/// Milliseconds for people.
pub(super) fn millis(micros: u128) -> String {
    if micros < 10_000 { format!("{}.{:02} ms", micros / 1000, micros % 1000 / 10) } else { format!("{} ms", micros / 1000) }
}

/// Lines of at most `columns` columns, broken at spaces and between Chinese characters, never before a closing mark.
pub(super) fn wrap(text: &str, columns: usize) -> Vec<String> {
    let mut lines = Vec::new();
    for paragraph in text.lines() {
        let mut line = String::new();
        let mut width = 0;
        for piece in pieces(paragraph) {
            let piece_width = measure_text_width(piece.trim_end());
            if width > 0 && width + piece_width > columns {
                lines.push(line.trim_end().to_owned());
                line.clear();
                width = 0;
            }
            // A word longer than a line, such as a digest, is cut.
            for character in piece.chars() {
                let character_width = measure_text_width(character.encode_utf8(&mut [0; 4]));
                if width + character_width > columns && !character.is_whitespace() {
                    lines.push(std::mem::take(&mut line));
                    width = 0;
                }
                line.push(character);
                width += character_width;
            }
        }
        lines.push(line.trim_end().to_owned());
    }
    lines
}

/// The parts of a text between which a line may be broken.
fn pieces(text: &str) -> Vec<&str> {
    let mut pieces = Vec::new();
    let mut begin = 0;
    let mut before: Option<char> = None;
    for (at, character) in text.char_indices() {
        let breakable = match before {
            None => false,
            Some(' ') => character != ' ',
            Some(before) => (wide(before) || wide(character)) && !closing(character) && !opening(before) && character != ' ',
        };
        if breakable {
            pieces.extend(text.get(begin..at));
            begin = at;
        }
        before = Some(character);
    }
    pieces.extend(text.get(begin..));
    pieces
}

fn wide(character: char) -> bool {
    measure_text_width(character.encode_utf8(&mut [0; 4])) > 1
}

const fn closing(character: char) -> bool {
    matches!(character, ',' | '.' | ';' | ':' | ')' | '%' | '，' | '。' | '；' | '：' | '、' | '！' | '？' | '）' | '”' | '》' | '」')
}

const fn opening(character: char) -> bool {
    matches!(character, '(' | '¥' | '（' | '“' | '《' | '「')
}

/// Prints a field: its name, and its text with a hanging indent.
pub(super) fn field(name: &str, text: &str) {
    field_in(name, text, &Style::new());
}

/// The same in a style.
pub(super) fn field_in(name: &str, text: &str, style: &Style) {
    let label = console::pad_str(&format!("     {name}"), LABEL_COLUMNS, console::Alignment::Left, None).into_owned();
    for (at, line) in wrap(text, columns().saturating_sub(LABEL_COLUMNS)).iter().enumerate() {
        let before = if at == 0 { dim().apply_to(label.as_str()).to_string() } else { " ".repeat(LABEL_COLUMNS) };
        println!("{before}{}", style.apply_to(line));
    }
}

/// Prints a field with a sign before its name.
pub(super) fn signed(sign: &str, style: &Style, name: &str, text: &str) {
    let label = console::pad_str(name, LABEL_COLUMNS - 5, console::Alignment::Left, None).into_owned();
    for (at, line) in wrap(text, columns().saturating_sub(LABEL_COLUMNS)).iter().enumerate() {
        let before = if at == 0 { format!("   {} {label}", style.apply_to(sign)) } else { " ".repeat(LABEL_COLUMNS) };
        println!("{before}{line}");
    }
}

/// Prints a heading with a rule to the right margin.
pub(super) fn heading(text: &str) {
    let rest = columns().saturating_sub(measure_text_width(text) + 1);
    println!("\n{} {}", Style::new().bold().apply_to(text), dim().apply_to("─".repeat(rest)));
}

/// Text on the left and on the right of one line.
pub(super) fn line(left: &str, right: &str) {
    let gap = columns().saturating_sub(measure_text_width(left) + measure_text_width(right)).max(1);
    println!("{left}{}{right}", " ".repeat(gap));
}

/// An empty table with its header.
pub(super) fn table(header: &[&str]) -> Table {
    let mut table = Table::new();
    table
        .load_style(presets::UTF8_HORIZONTAL_ONLY)
        .set_content_arrangement(ContentArrangement::Dynamic)
        .set_width(u16::try_from(columns()).unwrap_or(100))
        .set_header(header.iter().map(|name| Cell::new(name).add_attribute(Attribute::Bold)));
    table
}

/// Prints a text, cleaned. A reader who has had enough, such as `head`, ends neither the command nor its exit code; an output that cannot be written
/// otherwise ends it, for what it says would be lost.
pub(super) fn out(text: &str) {
    let written = std::io::stdout().lock().write_all(clean(text).as_bytes());
    if let Err(error) = written
        && error.kind() != ErrorKind::BrokenPipe
    {
        err(&format!("ombud: cannot write to standard output: {error}\n"));
        crate::temporary::remove_all();
        std::process::exit(EXIT_USAGE.into());
    }
}

/// The same on standard error, which is the last place to say anything.
pub(super) fn err(text: &str) {
    _ = std::io::stderr().lock().write_all(clean(text).as_bytes());
}

/// A text as a terminal may have it. Control characters and marks that turn the direction of writing are shown as JSON writes them: texts are what
/// plugins, customers and other persons wrote, and none of these moves the cursor or makes one word look like another. What sets a colour stays.
pub(super) fn clean(text: &str) -> Cow<'_, str> {
    if !text.chars().any(is_harmful) {
        return Cow::Borrowed(text);
    }
    let mut cleaned = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(is_harmful) {
        let (before, from) = rest.split_at(at);
        cleaned.push_str(before);
        let colour = colour_bytes(from);
        if colour > 0 {
            cleaned.push_str(from.get(..colour).unwrap_or_default());
            rest = from.get(colour..).unwrap_or_default();
        } else {
            let mut characters = from.chars();
            cleaned.extend(characters.next().map(|character| format!("\\u{:04x}", u32::from(character))));
            rest = characters.as_str();
        }
    }
    cleaned.push_str(rest);
    Cow::Owned(cleaned)
}

fn is_harmful(character: char) -> bool {
    !matches!(character, '\n' | '\t') && shown::is_harmful(character)
}

/// Bytes of the sequence that a text begins with, if it sets a colour or a style and nothing else: `ESC [ digits ; digits m`.
fn colour_bytes(text: &str) -> usize {
    let Some(parameters) = text.strip_prefix("\u{1b}[") else { return 0 };
    match parameters.find(|character: char| !character.is_ascii_digit() && character != ';') {
        Some(at) if parameters.as_bytes().get(at) == Some(&b'm') => "\u{1b}[".len() + at + 1,
        _ => 0,
    }
}

/// What is said in passing.
pub(super) fn dim() -> Style {
    Style::new().dim()
}

/// Good.
pub(super) fn good() -> Style {
    Style::new().green()
}

/// Wants attention.
pub(super) fn warn() -> Style {
    Style::new().yellow()
}

/// Bad.
pub(super) fn bad() -> Style {
    Style::new().red()
}

/// How a disposition looks: its sign and its style. The sign says it without colour, too.
pub(super) fn disposition(disposition: Disposition) -> (&'static str, Style) {
    match disposition {
        Disposition::Allow | Disposition::AllowWithConditions => ("✓", good().bold()),
        Disposition::Deny | Disposition::Block => ("✗", bad().bold()),
        Disposition::Invalid => ("!", bad().bold()),
        Disposition::NeedInfo | Disposition::NeedApproval => ("?", warn().bold()),
        Disposition::HumanReview | Disposition::Escalate => ("→", warn().bold()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_yuan_with_groups() {
        assert_eq!(yuan(0), "¥0.00");
        assert_eq!(yuan(19_900), "¥199.00");
        assert_eq!(yuan(123_456_789), "¥1,234,567.89");
        assert_eq!(yuan(-5), "-¥0.05");
    }

    #[test]
    fn what_others_wrote_does_nothing_to_a_terminal() {
        for text in ["", "您好 👨‍👩‍👧 a\tb\nc", "\u{1b}[32m✓\u{1b}[0m fine", "\u{1b}[1;31mbad\u{1b}[0m"] {
            assert_eq!(clean(text), text);
        }
        for (text, shown) in [
            ("\u{1b}[2J\u{1b}[1;1Hgone", "\\u001b[2J\\u001b[1;1Hgone"),
            ("\u{1b}]0;title\u{7}", "\\u001b]0;title\\u0007"),
            ("\u{9b}31m", "\\u009b31m"),
            ("over\rwritten\u{8}", "over\\u000dwritten\\u0008"),
            ("abc\u{202e}cba\u{2066}", "abc\\u202ecba\\u2066"),
            ("\u{1b}", "\\u001b"),
            ("\u{1b}[", "\\u001b["),
            ("\u{1b}[3\u{1b}[2K", "\\u001b[3\\u001b[2K"),
        ] {
            assert_eq!(clean(text), shown);
        }
        // In JSON it is the same text as before.
        let json = serde_json::to_string("a\u{202e}\u{9b}b").unwrap();
        assert_eq!(serde_json::from_str::<String>(&clean(&json)).unwrap(), "a\u{202e}\u{9b}b");
    }

    #[test]
    fn lines_are_broken_by_columns_and_not_by_characters() {
        assert_eq!(wrap("您好，退货已登记。", 8), ["您好，退", "货已登", "记。"]);
        assert_eq!(wrap("one two three", 8), ["one two", "three"]);
        assert_eq!(wrap("abcdefghij", 4), ["abcd", "efgh", "ij"]);
        assert_eq!(wrap("", 8), Vec::<String>::new());
        for line in wrap("消费者权益保护法 第24条; 网络购买商品七日无理由退货暂行办法 第35条 and a few English words", 20)
        {
            assert!(measure_text_width(&line) <= 20, "{line}");
        }
    }
}
