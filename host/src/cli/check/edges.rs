//! Questions at the contract's bounds, each put twice in fresh instances: whatever a policy says to them, it never traps, and it says the same
//! with the same fuel. Where its fuel does not last for the largest cases a person decides them: that is said, and no reason to refuse it.

use ombud_core::boundary::{self, Edge};
use ombud_core::chain;
use ombud_core::fault::{Fault, FaultCode};
use ombud_core::kind::Kind;
use ombud_core::ruling::Ruling;
use ombud_core::ruling_check;
use ombud_sandbox::{Facts, Limits, Plugin};

use super::super::progress::Progress;
use super::super::screen;
use super::Step;
use super::steps::listed;

/// Longest name of a question that is shown, in letters.
const SHOWN_LETTERS_MAX: usize = 160;

/// Every question of every kind that the policy decides. None where it only reviews: a review needs a ruling, and cases have some.
pub(super) fn step(plugin: &Plugin, settings: &str, limits: &Limits) -> Option<Step> {
    let decides = |kind: &Kind| plugin.inspection().decides.iter().any(|own| own == kind.as_str());
    let kinds: Vec<Kind> = Kind::ALL.into_iter().filter(decides).collect();
    if kinds.is_empty() {
        return None;
    }
    let mut questions = Vec::new();
    for kind in kinds {
        match boundary::edges(kind) {
            Ok(edges) => questions.extend(edges),
            Err(error) => return Some(Step::failed("edges", "cannot be made", vec![error.to_string()])),
        }
    }
    let progress = Progress::new(questions.len() as u64, "questions");
    let (mut faults, mut refused, mut unruled) = (Vec::new(), Vec::new(), 0_u64);
    for edge in &questions {
        progress.step();
        match put(plugin, edge, settings, limits) {
            Put::Ruled => {}
            Put::Unruled => unruled += 1,
            Put::Refused(why) => refused.push(why),
            Put::Fault(why) => faults.push(why),
        }
    }
    let asked = screen::count(questions.len() as u64, "question");
    let without = if unruled == 0 { String::new() } else { format!("; {unruled} without a ruling (policy-error)") };
    if !faults.is_empty() {
        let text = format!("{} of {asked} at the contract's bounds end in a fault", faults.len());
        return Some(Step::failed("edges", text, listed(faults)));
    }
    if !refused.is_empty() {
        let text =
            format!("{} of {asked} at the contract's bounds get no ruling that the host takes, so that a person decides", refused.len());
        return Some(Step { problems: listed(refused), ..Step::warning("edges", text) });
    }
    Some(Step::passed("edges", format!("{asked} at the contract's bounds, twice: no trap, the same answers and the same fuel{without}")))
}

/// What came of a question.
enum Put {
    Ruled,
    /// The policy said that there is no ruling.
    Unruled,
    /// The fuel did not last, or the host does not take the ruling.
    Refused(String),
    /// It ended in a fault, or differed the second time.
    Fault(String),
}

fn put(plugin: &Plugin, edge: &Edge, settings: &str, limits: &Limits) -> Put {
    let facts = Facts::new(&edge.context, &edge.case);
    let once = || plugin.decide(&facts, settings, limits, edge.bytes);
    let (first, second) = (once(), once());
    if first.result != second.result || first.log != second.log {
        return Put::Fault(format!("{}: the second run gave another answer", shown(edge)));
    }
    if first.fuel != second.fuel {
        return Put::Fault(format!("{}: {} fuel in the first run, {} in the second", shown(edge), first.fuel, second.fuel));
    }
    match first.result {
        Err(fault) if fault.code == FaultCode::PolicyError => Put::Unruled,
        Err(fault) if fault.code == FaultCode::Fuel => Put::Refused(format!("{}: {fault}", shown(edge))),
        Err(fault) => Put::Fault(format!("{}: {fault}", shown(edge))),
        Ok(ruling) => accepted(edge, ruling).map_or_else(|fault| Put::Refused(format!("{}: {fault}", shown(edge))), |()| Put::Ruled),
    }
}

/// What the host asks of a ruling.
fn accepted(edge: &Edge, ruling: Ruling) -> Result<(), Fault> {
    let ruling = Ok(ruling);
    ruling_check::explained(chain::accepted(&edge.case, &ruling)?)
}

fn shown(edge: &Edge) -> String {
    let short: String = edge.name.chars().take(SHOWN_LETTERS_MAX).collect();
    if short.len() < edge.name.len() { format!("{short}…") } else { short }
}
