//! Whether two runs of one question gave the same: the same bytes, and the same fuel.

use ombud_ledger::Digest;
use ombud_sandbox::Run;
use serde::{Deserialize, Serialize};

use crate::bodies::answer_body;

/// Longest name of a question, in letters.
const NAME_LETTERS_MAX: usize = 160;

/// What one run of a question gave.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Answer {
    /// The question.
    pub(super) name: String,
    /// SHA-256 of ruling or fault and log, hex.
    pub(super) digest: String,
    /// Fuel used.
    pub(super) fuel: u64,
}

impl Answer {
    pub(super) fn new<T: Serialize>(name: &str, run: &Run<T>) -> Self {
        let bytes = answer_body(&run.result, &run.log);
        Self { name: short(name), digest: Digest::of(&bytes).to_string(), fuel: run.fuel }
    }
}

/// In what another run of the same question differs; none where it is the same.
pub(super) fn difference(first: &Answer, second: &Answer, which: &str) -> Option<String> {
    if first.digest != second.digest {
        return Some(format!("{}: the run {which} gave another answer", first.name));
    }
    (first.fuel != second.fuel).then(|| format!("{}: {} fuel at first, {} {which}", first.name, first.fuel, second.fuel))
}

/// In what a second process differs from the first.
pub(super) fn differences(first: &[Answer], second: &[Answer]) -> Vec<String> {
    let which = "in the second process";
    let mut found: Vec<String> = first.iter().zip(second).filter_map(|(first, second)| difference(first, second, which)).collect();
    if first.len() != second.len() {
        found.push(format!("{} answers at first, {} {which}", first.len(), second.len()));
    }
    found
}

/// The name of a question, cut off where it is long.
pub(super) fn short(name: &str) -> String {
    let short: String = name.chars().take(NAME_LETTERS_MAX).collect();
    if short.len() < name.len() { format!("{short}…") } else { short }
}

#[cfg(test)]
mod tests {
    use ombud_core::fault::{Fault, FaultCode};
    use ombud_sandbox::LogLine;

    use super::*;

    fn run(answer: Result<&'static str, FaultCode>, fuel: u64, log: &str) -> Run<&'static str> {
        let log = vec![LogLine { level: "info".into(), message: log.into() }];
        Run { result: answer.map_err(|code| Fault::new(code, "why")), fuel, log }
    }

    /// No component can do this, for it has neither clock nor chance; an engine with a mistake could.
    #[test]
    fn what_differs_between_two_runs_is_found() {
        let first = Answer::new("q", &run(Ok("refund"), 7, "a"));
        assert_eq!(difference(&first, &Answer::new("q", &run(Ok("refund"), 7, "a")), "again"), None);
        for (other, what) in [
            (run(Ok("refuse"), 7, "a"), "another answer"),
            (run(Err(FaultCode::Trap), 7, "a"), "another answer"),
            (run(Ok("refund"), 7, "b"), "another answer"),
            (run(Ok("refund"), 8, "a"), "7 fuel at first, 8 again"),
        ] {
            let found = difference(&first, &Answer::new("q", &other), "again").unwrap();
            assert!(found.contains(what), "{found}");
        }
    }

    #[test]
    fn what_differs_in_a_second_process_is_found_by_its_question() {
        let answer = |name: &str, fuel| Answer::new(name, &run(Ok("refund"), fuel, ""));
        let first = [answer("one", 1), answer("two", 2)];
        assert_eq!(differences(&first, &first), [""; 0]);
        assert_eq!(differences(&first, &[answer("one", 1), answer("two", 3)]), ["two: 2 fuel at first, 3 in the second process"]);
        assert_eq!(differences(&first, &first[..1]), ["2 answers at first, 1 in the second process"]);
    }
}
