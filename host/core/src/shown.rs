//! Texts of plugins, customers and other persons as people may be shown them: none of them moves a cursor, begins a line of its own or makes one word look
//! like another.

use std::borrow::Cow;
use std::fmt::Write as _;

/// Whether a character does something to whoever reads it on a terminal: control characters, ends of lines, marks that turn the direction of writing, and
/// those that nobody sees. What joins the parts of an emoji stays.
pub fn is_harmful(character: char) -> bool {
    character.is_control()
        || matches!(
            character,
            '\u{ad}' | '\u{61c}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}'
        )
}

/// A text on one line: what is harmful stands there as JSON writes it.
pub fn one_line(text: &str) -> Cow<'_, str> {
    if !text.chars().any(is_harmful) {
        return Cow::Borrowed(text);
    }
    let mut line = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '\n' => line.push_str("\\n"),
            '\t' => line.push_str("\\t"),
            // Writing to a string cannot fail.
            harmful if is_harmful(harmful) => _ = write!(line, "\\u{:04x}", u32::from(harmful)),
            other => line.push(other),
        }
    }
    Cow::Owned(line)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_others_wrote_stays_on_its_line() {
        for text in ["", "您好 👨‍👩‍👧 a", "C:\\new"] {
            assert!(matches!(one_line(text), Cow::Borrowed(same) if same == text));
        }
        for (text, line) in [
            ("a\n\nacts of persons\r\tx", "a\\n\\nacts of persons\\u000d\\tx"),
            ("\u{1b}[2J\u{9b}31m\u{7f}", "\\u001b[2J\\u009b31m\\u007f"),
            ("abc\u{202e}cba\u{2066}\u{2028}", "abc\\u202ecba\\u2066\\u2028"),
            ("m-1\u{200b}\u{2060}\u{feff}\u{ad}", "m-1\\u200b\\u2060\\ufeff\\u00ad"),
        ] {
            assert_eq!(one_line(text), line);
        }
    }
}
