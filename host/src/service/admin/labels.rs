//! The labels of keys: who acts, in the records. A person has one spelling, and nobody has the host's names or the operator's.

use ombud_core::ids::is_invisible;
use ombud_core::problem::Problem;
use ombud_store::ApiKeyRow;
use unicode_normalization::UnicodeNormalization as _;

use crate::service::acts::{Host, OPERATOR};

/// Whether two labels are read as one: capitals, width, composition (NFKC), the spaces within and what nobody sees do not tell persons apart.
pub(in crate::service) fn is_same_person(one: &str, other: &str) -> bool {
    read(one) == read(other)
}

/// A label as it is read. Capitals and back again: some letters have several small ones.
fn read(label: &str) -> String {
    let seen = label.nfkc().filter(|letter| !letter.is_whitespace() && !is_invisible(*letter));
    seen.flat_map(char::to_uppercase).flat_map(char::to_lowercase).nfkc().collect()
}

/// Why a label is none for a new key beside those that there are: of the same merchant, or of the operator. A merchant's also stand beside the
/// `operators`.
pub(super) fn problem(label: &str, keys: &[ApiKeyRow], operators: Option<&[ApiKeyRow]>) -> Option<Problem> {
    let problem = |what: String, allowed: &str| Some(Problem::at("/label", what).allowed(allowed));
    // Who acts twice is told by the label: a person has one spelling of it (domain policies 5.3, BL-034).
    if let Some(other) = keys.iter().find(|row| row.actor != label && is_same_person(&row.actor, label)) {
        return problem(
            format!("names the person of the label `{}` in another spelling", other.actor),
            "that spelling, or a label that is not read as the same",
        );
    }
    if mixes_scripts(label) {
        return problem(
            "has letters of several of the Latin, Greek and Cyrillic scripts, of which many look alike".into(),
            "letters of one of them, beside any others",
        );
    }
    const OTHER: &str = "the name of the person who will have the key";
    if Host::ALL.iter().any(|host| is_same_person(host.as_str(), label)) {
        return problem("is a name under which the host itself stands in records".into(), OTHER);
    }
    let is_operators =
        |operators: &[ApiKeyRow]| is_same_person(OPERATOR, label) || operators.iter().any(|row| is_same_person(&row.actor, label));
    if operators.is_some_and(is_operators) {
        return problem("is a name under which the operator stands in records".into(), OTHER);
    }
    None
}

/// Whether letters stand together that look alike and are of different scripts.
fn mixes_scripts(label: &str) -> bool {
    let script = |letter: char| match letter {
        'a'..='z' | 'A'..='Z' | '\u{aa}' | '\u{ba}' | '\u{c0}'..='\u{24f}' | '\u{1e00}'..='\u{1eff}' => Some(0),
        '\u{370}'..='\u{3ff}' | '\u{1f00}'..='\u{1fff}' => Some(1),
        '\u{400}'..='\u{52f}' | '\u{1c80}'..='\u{1c8f}' | '\u{2de0}'..='\u{2dff}' | '\u{a640}'..='\u{a69f}' => Some(2),
        _ => None,
    };
    let mut scripts = label.nfkc().filter(|letter| letter.is_alphabetic()).filter_map(script);
    let first = scripts.next();
    scripts.any(|script| Some(script) != first)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_person_has_one_spelling() {
        for (one, other) in [
            ("li", "LI"),
            ("li", "ｌｉ"),
            ("li lei", "lilei"),
            ("Zoe\u{301}", "Zo\u{e9}"),
            ("straße", "STRASSE"),
            ("ΟΔΟΣ", "οδος"),
            ("l\u{fe0f}i", "li"),
            ("김", "\u{1100}\u{1175}\u{11b7}"),
            ("ﬁ", "fi"),
        ] {
            assert!(is_same_person(one, other), "{one:?} and {other:?}");
        }
        for (one, other) in [("li", "lu"), ("李雷", "李磊"), ("a-b", "ab")] {
            assert!(!is_same_person(one, other), "{one:?} and {other:?}");
        }
    }

    #[test]
    fn letters_that_look_alike_do_not_stand_together() {
        for mixed in ["l\u{456}", "\u{3bf}perator", "dem\u{43e}", "\u{391}\u{410}", "ｌ\u{456}"] {
            assert!(mixes_scripts(mixed), "{mixed:?}");
        }
        for one in ["li", "李 lei-2", "Иван 3", "Ελένη", "Zoë", "김 (A)", "7"] {
            assert!(!mixes_scripts(one), "{one:?}");
        }
    }
}
