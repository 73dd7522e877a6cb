//! The table of domain model 4.4, row by row.

use ombud_rules::contract::after_sale::{self, AfterSaleRuling, Payer};
use ombud_rules::contract::blacklist::{self, BlacklistRuling};
use ombud_rules::contract::delay::{self, DelayRuling};
use ombud_rules::contract::reply::{self, ReplyRuling};
use ombud_rules::contract::types::{CustomerMeasure, Notes, Obligation, Role};

use super::{Disposition, adverse, of};
use crate::kind::Kind;
use crate::ruling::Ruling;

/// Kind, outcomes, disposition, adverse and significant.
const TABLE: &[(Kind, &str, &str, bool)] = &[
    (
        Kind::AfterSale,
        "approve-refund-only approve-return-refund approve-exchange approve-repair approve-resend approve-partial-refund refund-now",
        "allow",
        false,
    ),
    (Kind::AfterSale, "offer-options intercept-then-refund investigate", "allow-with-conditions", false),
    (Kind::AfterSale, "need-evidence", "need-info", false),
    (Kind::AfterSale, "reject reject-with-alternative reject-duplicate", "deny", true),
    (Kind::AfterSale, "human-review", "human-review", false),
    (Kind::AfterSale, "escalate", "escalate", false),
    (Kind::AfterSale, "invalid-input", "invalid", true),
    (Kind::Delay, "none care-only compensate", "allow", false),
    (Kind::Delay, "compensate-with-approval", "need-approval", false),
    (Kind::Delay, "human-review", "human-review", false),
    (Kind::Delay, "escalate", "escalate", false),
    (Kind::Blacklist, "reject closed", "deny", false),
    (Kind::Blacklist, "return-for-evidence", "need-info", false),
    (Kind::Blacklist, "recommend-mark forward-to-supervisor forward-to-dept-head", "need-approval", false),
    (Kind::Blacklist, "recommend-restrict", "need-approval", true),
    (Kind::Blacklist, "execute execute-deferred", "allow-with-conditions", true),
    (Kind::Blacklist, "invalid", "invalid", false),
    (Kind::Blacklist, "escalate", "escalate", false),
    (Kind::Reply, "pass", "allow", false),
    (Kind::Reply, "pass-with-warnings pass-masked", "allow-with-conditions", false),
    (Kind::Reply, "hold-for-evidence", "need-info", false),
    (Kind::Reply, "block", "block", false),
];

#[test]
fn every_outcome_has_the_disposition_of_the_table() {
    let mut rows = 0;
    for (kind, outcomes, disposition, is_adverse) in TABLE {
        for outcome in outcomes.split(' ') {
            let ruling = ruling(*kind, outcome, Notes::empty());
            assert_eq!(of(&ruling).as_str(), *disposition, "{kind} {outcome}");
            assert_eq!(adverse(&ruling), *is_adverse, "{kind} {outcome}");
            rows += 1;
        }
    }
    let all = after_sale::Outcome::ALL.len() + delay::Outcome::ALL.len() + blacklist::Outcome::ALL.len() + reply::Verdict::ALL.len();
    assert_eq!(rows, all, "an outcome is missing from the table");
}

#[test]
fn an_approval_with_obligations_is_allowed_with_conditions() {
    let obligation = Obligation { action: "provide-return-address".into(), owner: Role::Agent, due: None, args: Vec::new() };
    let notes = Notes { obligations: vec![obligation], ..Notes::empty() };
    for outcome in TABLE[0].1.split(' ') {
        assert_eq!(of(&ruling(Kind::AfterSale, outcome, notes.clone())), Disposition::AllowWithConditions);
    }
    // Obligations change no other outcome.
    assert_eq!(of(&ruling(Kind::AfterSale, "reject", notes.clone())), Disposition::Deny);
    assert_eq!(of(&ruling(Kind::Delay, "compensate", notes)), Disposition::Allow);
}

#[test]
fn the_wire_names_are_those_of_json() {
    for disposition in Disposition::ALL {
        assert_eq!(serde_json::to_value(disposition).unwrap(), disposition.as_str());
    }
}

fn ruling(kind: Kind, outcome: &str, notes: Notes) -> Ruling {
    match kind {
        Kind::AfterSale => Ruling::AfterSale(AfterSaleRuling {
            outcome: after_sale::Outcome::parse(outcome).unwrap(),
            options: Vec::new(),
            refund: 0,
            breakdown: Vec::new(),
            return_freight: Payer::NotApplicable,
            window_deadline: None,
            refund_deadline: None,
            statutory_exposure: None,
            missing_evidence: Vec::new(),
            notes,
        }),
        Kind::Delay => Ruling::Delay(DelayRuling {
            outcome: delay::Outcome::parse(outcome).unwrap(),
            processing_order: Vec::new(),
            awards: Vec::new(),
            total_cash: 0,
            total_coupon: 0,
            total_refund_due: 0,
            notes,
        }),
        Kind::Blacklist => Ruling::Blacklist(BlacklistRuling {
            outcome: blacklist::Outcome::parse(outcome).unwrap(),
            measure: CustomerMeasure::None,
            next_role: None,
            missing: Vec::new(),
            review_by: None,
            counted_incidents: 0,
            notes,
        }),
        Kind::Reply => Ruling::Reply(ReplyRuling {
            verdict: reply::Verdict::parse(outcome).unwrap(),
            findings: Vec::new(),
            masked_text: String::new(),
            notes,
        }),
    }
}
