//! Components that go on until the deadline of replays: a bundle's maker chooses how many records call one, and each takes a minute.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use ombud_ledger::{Call, DecisionEntry, Digest};

/// So often may a component with its settings go on until the deadline of replays, of a minute: then no more of its records are run.
pub(super) const LATE_MAX: u32 = 3;

/// How often components with their settings went on until the deadline.
#[derive(Default)]
pub(super) struct Late(Mutex<BTreeMap<(Digest, Digest), u32>>);

impl Late {
    pub(super) fn add(&self, late: &[(Digest, Digest)]) {
        if late.is_empty() {
            return;
        }
        let mut times = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for runs in late {
            *times.entry(*runs).or_default() += 1;
        }
    }

    /// Whether a decision calls one that did too often.
    pub(super) fn is_stopped(&self, entry: &DecisionEntry) -> bool {
        let times = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let is_late = |call: &Call| times.get(&(call.component, call.settings)).is_some_and(|times| *times >= LATE_MAX);
        !times.is_empty() && entry.calls().any(is_late)
    }
}

#[cfg(test)]
mod tests {
    use ombud_core::ids::{Currency, DecisionId};
    use ombud_core::kind::Kind;
    use ombud_ledger::{Amounts, Engine, EventEntry, PolicyCall};

    use super::*;

    #[test]
    fn what_went_on_until_the_deadline_so_often_is_run_no_more() {
        let call = |of: &str| Call { component: Digest::of(of.as_bytes()), settings: Digest::of(b"settings"), fuel: 0 };
        let entry = |of: &str| {
            let policy = PolicyCall { name: "p".into(), version: "1".into(), contract: String::new(), call: call(of) };
            DecisionEntry {
                event: EventEntry { key: Digest::of(b"event"), event_type: "t".into(), time_ms: 0 },
                id: DecisionId::new("0".repeat(32)).unwrap(),
                kind: Kind::Delay,
                policy: Some(policy),
                guardrail: None,
                beside: None,
                engine: Engine { profile: Digest::of(b"engine"), wasmtime: "1".into() },
                fault: None,
                outcome: "compensate".into(),
                amounts: Amounts { refund: 0, cash: 0, coupon: 0, currency: Currency::new("CNY").unwrap() },
                caps: ombud_ledger::Caps::default(),
            }
        };
        let late = Late::default();
        let runs = |of: &str| (call(of).component, call(of).settings);
        for times in 1..=LATE_MAX {
            assert!(!late.is_stopped(&entry("slow")), "{times}");
            late.add(&[runs("slow")]);
        }
        assert!(late.is_stopped(&entry("slow")) && !late.is_stopped(&entry("other")));
        assert_eq!(LATE_MAX, 3);
    }
}
