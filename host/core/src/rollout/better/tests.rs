//! What is better for the consumer is an order, takes nothing away, and misses nothing that is better in every respect. Every pair and
//! every three of all outcomes with a few amounts.

use ombud_rules::contract::types::CustomerMeasure;
use ombud_rules::contract::{after_sale, delay};
use serde_json::{Value, json};

use super::*;
use crate::kind::Kind;

fn ruling(kind: Kind, members: &Value) -> Ruling {
    Ruling::from_json(kind, members.to_string().as_bytes()).unwrap_or_else(|error| panic!("{members}: {error}"))
}

fn after_sales() -> Vec<Ruling> {
    let mut all = Vec::new();
    for outcome in after_sale::Outcome::ALL {
        for refund in [0, 500, 900] {
            for obligations in [json!([]), json!([{"action": "refund-now", "owner": "agent", "due": null}])] {
                let members = json!({
                    "outcome": outcome, "options": [], "refund": refund, "breakdown": [], "return_freight": "not-applicable", "window_deadline": null,
                    "refund_deadline": null, "statutory_exposure": null, "missing_evidence": [],
                    "notes": {"reasons": [], "obligations": obligations},
                });
                all.push(ruling(Kind::AfterSale, &members));
            }
        }
    }
    all
}

fn delays() -> Vec<Ruling> {
    let mut all = Vec::new();
    for outcome in delay::Outcome::ALL {
        for (refund, cash, coupon) in (0..12).map(|n| ([0, 500][n % 2], [0, 500][n / 2 % 2], [0, 500, 900][n / 4])) {
            let members = json!({
                "outcome": outcome, "processing_order": [], "awards": [], "total_cash": cash, "total_coupon": coupon,
                "total_refund_due": refund, "notes": {"reasons": []},
            });
            all.push(ruling(Kind::Delay, &members));
        }
    }
    all
}

fn blacklists() -> Vec<Ruling> {
    let mut all = Vec::new();
    for outcome in Step::ALL {
        for measure in CustomerMeasure::ALL {
            for until in [json!(null), json!(1), json!(2)] {
                let members = json!({
                    "outcome": outcome, "measure": measure, "next_role": null, "missing": [], "review_by": until, "counted_incidents": 0,
                    "notes": {"reasons": []},
                });
                all.push(ruling(Kind::Blacklist, &members));
            }
        }
    }
    all
}

/// Whether each of them is better than each.
fn table(all: &[Ruling]) -> Vec<Vec<bool>> {
    all.iter().map(|own| all.iter().map(|newer| better(own, newer)).collect()).collect()
}

fn told(ruling: &Ruling) -> String {
    format!("{} {:?} {:?} {}", ruling.outcome(), money::due(ruling), money::amounts(ruling), favour_of(ruling))
}

fn favour_of(ruling: &Ruling) -> String {
    match ruling {
        Ruling::Blacklist(ruling) => format!("{:?}", severity(ruling)),
        _ => favour(ruling).to_string(),
    }
}

#[test]
fn better_is_an_order() {
    for all in [after_sales(), delays(), blacklists()] {
        let better = table(&all);
        let mut pairs = 0;
        for (one, own) in all.iter().enumerate() {
            assert!(!better[one][one], "{} is better than itself", told(own));
            for (two, newer) in all.iter().enumerate().filter(|(two, _)| better[one][*two]) {
                pairs += 1;
                assert!(!better[two][one], "each is better than the other: {} and {}", told(own), told(newer));
                for (three, newest) in all.iter().enumerate().filter(|(three, _)| better[two][*three]) {
                    assert!(better[one][three], "{} < {} < {}, and yet", told(own), told(newer), told(newest));
                }
            }
        }
        assert!(pairs > all.len(), "{pairs} of {}", all.len());
    }
}

#[test]
fn what_stands_is_never_worse_than_either_answer() {
    for all in [after_sales(), delays()] {
        for own in &all {
            for newer in &all {
                let (own_due, newer_due) = (money::due(own), money::due(newer));
                let (had, has) = (money::amounts(own), money::amounts(newer));
                let why = || format!("{} against {}", told(own), told(newer));
                let covers = has.refund >= had.refund && has.goodwill() >= had.goodwill();
                // Money by when it falls due: now, later, or once a person has agreed.
                let when = |due: Due| match due {
                    Due::Now => 2,
                    Due::Later => 1,
                    Due::Proposal => 0,
                };
                if better(own, newer) {
                    assert!(covers, "money is given up: {}", why());
                    assert!(!had.any() || when(newer_due) >= when(own_due), "money comes later: {}", why());
                    assert!(favour(newer) >= favour(own) || has.any(), "a worse outcome for nothing: {}", why());
                } else {
                    // What is no worse in any respect, and better in one, is not missed.
                    let no_worse = covers && when(newer_due) >= when(own_due) && favour(newer) >= favour(own);
                    let is_more = has.refund > had.refund || has.goodwill() > had.goodwill() || favour(newer) > favour(own);
                    let is_sooner = has.any() && when(newer_due) > when(own_due);
                    assert!(!(no_worse && (is_more || is_sooner)), "missed: {}", why());
                }
            }
        }
    }
}
