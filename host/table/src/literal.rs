//! Values as authors write them in cells: money, shares, durations, instants, numbers.

use jiff::Timestamp;
use ombud_rows::Type;
use ombud_rows::program::Const;

/// A constant of a type; the error says how it is written.
pub fn constant(text: &str, ty: Type, unit: &str) -> Result<Const, String> {
    let text = text.trim();
    match ty {
        Type::Bool => match text {
            "yes" | "true" => Ok(Const::Bool(true)),
            "no" | "false" => Ok(Const::Bool(false)),
            _ => Err(format!("`{text}` is not yes, no or unknown")),
        },
        Type::Int => number(text, unit).map(Const::Int),
        Type::Duration => duration(text).map(Const::Duration),
        Type::Instant => instant(text).map(Const::Instant),
        Type::Text => Ok(Const::Text(unquoted(text).to_owned())),
        Type::Enum(of) => match of.place(unquoted(text)) {
            Some(place) if of.names().any(|name| name == unquoted(text)) => Ok(Const::Enum(place)),
            _ => Err(format!("`{text}` is no {}: {}", of.name, of.names().collect::<Vec<_>>().join(", "))),
        },
        Type::Record(_) | Type::List(_) => Err("records and lists are tested in `when`".to_owned()),
    }
}

/// A number; where the fact is money also `¥19.90`, where it is a share also `30%`.
pub fn number(text: &str, unit: &str) -> Result<i64, String> {
    if let Some(yuan) = text.strip_prefix(['¥', '￥']) {
        return if unit == "fen" { fen(yuan) } else { Err(format!("`{text}` is money, and the fact is not")) };
    }
    if let Some(percent) = text.strip_suffix(['%', '％']) {
        return if unit == "bp" { hundredths(percent) } else { Err(format!("`{text}` is a share, and the fact is not")) };
    }
    let plain = text.replace('_', "");
    plain.parse().map_err(|_| match unit {
        "fen" => format!("`{text}` is no amount: write fen (`2000`) or yuan (`¥20.00`)"),
        "bp" => format!("`{text}` is no share: write basis points (`3000`) or percent (`30%`)"),
        _ => format!("`{text}` is no whole number"),
    })
}

/// Yuan with at most two decimals, in fen.
pub fn fen(yuan: &str) -> Result<i64, String> {
    hundredths(yuan).map_err(|_| format!("`¥{yuan}` is no amount: write `¥20` or `¥19.90`"))
}

/// Percent with at most two decimals, in basis points.
pub fn hundredths(text: &str) -> Result<i64, String> {
    let wrong = || format!("`{text}` is no number with at most two decimals");
    let text = text.trim();
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    if whole.is_empty() || part.len() > 2 || !whole.chars().chain(part.chars()).all(|digit| digit.is_ascii_digit()) {
        return Err(wrong());
    }
    let hundredths: i64 = format!("{part:0<2}").parse().map_err(|_| wrong())?;
    let whole: i64 = whole.parse().map_err(|_| wrong())?;
    whole.checked_mul(100).and_then(|whole| whole.checked_add(hundredths)).ok_or_else(wrong)
}

/// `72h`, `3d`, `1h30m`, in milliseconds.
pub fn duration(text: &str) -> Result<i64, String> {
    let wrong = || format!("`{text}` is no duration: write `72h`, `3d` or `1h30m`");
    let (sign, mut rest) = match text.strip_prefix('-') {
        Some(rest) => (-1, rest),
        None => (1, text),
    };
    let mut total: i64 = 0;
    while !rest.is_empty() {
        let digits = rest.find(|letter: char| !letter.is_ascii_digit()).ok_or_else(wrong)?;
        let (count, unit) = rest.split_at(digits);
        let (millis, letters) = match unit {
            unit if unit.starts_with("ms") => (1, 2),
            unit if unit.starts_with('s') => (1_000, 1),
            unit if unit.starts_with('m') => (60_000, 1),
            unit if unit.starts_with('h') => (3_600_000, 1),
            unit if unit.starts_with('d') => (86_400_000, 1),
            _ => return Err(wrong()),
        };
        let count: i64 = count.parse().map_err(|_| wrong())?;
        total = count.checked_mul(millis).and_then(|part| total.checked_add(part)).ok_or_else(wrong)?;
        rest = unit.get(letters..).unwrap_or_default();
    }
    if text.is_empty() { Err(wrong()) } else { Ok(sign * total) }
}

/// RFC 3339, in milliseconds.
pub fn instant(text: &str) -> Result<i64, String> {
    let text = unquoted(text);
    text.parse::<Timestamp>()
        .map(Timestamp::as_millisecond)
        .map_err(|_| format!("`{text}` is no instant with an offset: write `2026-11-11T00:00:00+08:00`"))
}

/// Without the quotes that a text may stand in.
pub fn unquoted(text: &str) -> &str {
    let inside = |quote: char| text.strip_prefix(quote).and_then(|text| text.strip_suffix(quote));
    inside('\'').or_else(|| inside('"')).unwrap_or(text)
}
