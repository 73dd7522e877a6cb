//! The numbers and day words that patterns capture: Arabic with decimals, or Chinese up to 万. Too large becomes the largest.

use crate::civil;
use crate::contract::types::{Context, Fen, InstantMs};

/// Days ahead that a promise may name before it no longer matters how many.
const DAYS_MAX: u64 = 100_000;

/// A sum in yuan (`199.5`, `三百`) in fen, half up.
pub fn yuan_to_fen(text: &[char]) -> Fen {
    let point = text.iter().position(|scalar| *scalar == '.').unwrap_or(text.len());
    let whole = count(&text[..point]).saturating_mul(100);
    let decimal = |place: usize| text.get(point + place).and_then(|scalar| scalar.to_digit(10)).unwrap_or(0);
    let fen = decimal(1) * 10 + decimal(2) + u32::from(decimal(3) >= 5);
    Fen::try_from(whole.saturating_add(u64::from(fen))).unwrap_or(Fen::MAX)
}

/// A whole number, Arabic or Chinese.
pub fn count(text: &[char]) -> u64 {
    // Whole ten-thousands, the part below, and digits that no unit has followed yet.
    let (mut total, mut section, mut pending) = (0_u64, 0_u64, None);
    let mut unit = 1;
    for scalar in text {
        if let Some(digit) = digit(*scalar) {
            pending = Some(pending.unwrap_or(0_u64).saturating_mul(10).saturating_add(digit));
            continue;
        }
        unit = match scalar {
            '十' => 10,
            '百' => 100,
            '千' => 1_000,
            _ => 10_000,
        };
        if unit == 10_000 {
            total = total.saturating_add(section).saturating_add(pending.take().unwrap_or(u64::from(section == 0)));
            (total, section) = (total.saturating_mul(unit), 0);
        } else {
            section = section.saturating_add(pending.take().unwrap_or(1).saturating_mul(unit));
        }
    }
    // 三百五 is 350, 一万五 is 15000: a last digit counts the next lower unit.
    let rest = pending.unwrap_or(0);
    let rest = if unit > 10 && rest < 10 { rest * (unit / 10) } else { rest };
    total.saturating_add(section).saturating_add(rest)
}

fn digit(scalar: char) -> Option<u64> {
    const CHINESE: [char; 9] = ['一', '二', '三', '四', '五', '六', '七', '八', '九'];
    let arabic = scalar.to_digit(10).map(u64::from);
    let chinese = CHINESE.iter().position(|known| *known == scalar).map(|index| index as u64 + 1);
    arabic.or(chinese).or((scalar == '两').then_some(2))
}

/// The end of the day a promise names (24:00 in merchant time), counted from now.
pub fn deadline(day_word: &[char], ctx: &Context) -> InstantMs {
    let today = civil::day_of(ctx.now, ctx.tz_offset_min);
    let ahead = match day_word {
        ['今', '天' | '晚'] | ['当', '天'] => 0,
        ['明', '天' | '早'] | ['次', '日'] => 1,
        ['后', '天'] => 2,
        // The next such day, today included.
        ['周', weekday] => {
            let wanted = if matches!(weekday, '日' | '天') { 6 } else { digit(*weekday).unwrap_or(1).saturating_sub(1) as u32 };
            u64::from((wanted + 7 - civil::weekday(today)) % 7)
        }
        _ => {
            let number = day_word.iter().take_while(|scalar| !matches!(scalar, '天' | '内')).count();
            count(&day_word[..number])
        }
    };
    civil::start_of_day(today.saturating_add(ahead.min(DAYS_MAX) as i32).saturating_add(1), ctx.tz_offset_min)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scalars(text: &str) -> Vec<char> {
        text.chars().collect()
    }

    #[test]
    fn sums_are_read_in_both_scripts_and_rounded_half_up() {
        for (text, fen) in [
            ("30", 3_000),
            ("199.5", 19_950),
            ("0.004", 0),
            ("0.005", 1),
            ("1.999", 200),
            ("五", 500),
            ("十", 1_000),
            ("十五", 1_500),
            ("二十五", 2_500),
            ("三百", 30_000),
            ("三百五", 35_000),
            ("三百五十", 35_000),
            ("两千", 200_000),
            ("一万五", 1_500_000),
            ("一万五百", 1_050_000),
            ("三十万", 30_000_000),
            ("万", 1_000_000),
            ("一二三", 12_300),
            ("99999999999999999999", Fen::MAX),
        ] {
            assert_eq!(yuan_to_fen(&scalars(text)), fen, "{text}");
        }
    }

    #[test]
    fn day_words_count_from_today_in_merchant_time() {
        let calendar = crate::contract::types::Calendar { non_working: Vec::new(), statutory_holidays: Vec::new() };
        // Friday 2026-11-06, 23:30 in Shanghai.
        let today = civil::to_day(2026, 11, 6);
        let now = civil::start_of_day(today, 480) + 23 * civil::HOUR_MS + civil::HOUR_MS / 2;
        let platform = crate::contract::types::Platform::Douyin;
        let ctx = Context { merchant_id: "m".into(), shop_id: "s".into(), platform, tz_offset_min: 480, now, calendar };
        for (word, days) in [
            ("今天", 0),
            ("今晚", 0),
            ("当天", 0),
            ("明早", 1),
            ("次日", 1),
            ("后天", 2),
            ("3天内", 3),
            ("两天", 2),
            ("十二天内", 12),
            ("周五", 0),
            ("周六", 1),
            ("周日", 2),
            ("周天", 2),
            ("周一", 3),
            ("周四", 6),
        ] {
            assert_eq!(deadline(&scalars(word), &ctx), civil::start_of_day(today + days + 1, 480), "{word}");
        }
        assert!(deadline(&scalars("99999999999999999999天"), &ctx) > now);
    }
}
