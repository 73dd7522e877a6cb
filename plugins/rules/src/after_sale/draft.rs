//! A ruling while it is being written: obligations, messages, approvals and alerts are added once each.

use super::explain::Row;
use super::line::Requested;
use crate::contract::after_sale::{AfterSaleCase, AfterSaleRuling, Outcome, Payer};
use crate::contract::types::{Alert, ApprovalRequest, Arg, Context, InstantMs, Notes, Role, Severity};
use crate::notes::{arg, message, obligation};

/// The shop's own clocks, days of 24 hours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Terms {
    /// Days in which the buyer is asked to send goods back.
    pub send_back_days: u32,
    /// Days from receipt of the goods, or from an approval without return, to the refund.
    pub refund_days: u32,
    /// Days from receipt of the goods to the shipping of a replacement.
    pub exchange_ship_days: u32,
    /// Days of a repair.
    pub repair_days: u32,
    /// Hours in which a signing record must be produced.
    pub sign_proof_hours: u32,
}

impl Terms {
    /// What the law allows at most: refund within 7 days of receipt (消法 25), repair within 30 (三包); the rest as the default policy.
    pub const STATUTORY: Self = Self { send_back_days: 7, refund_days: 7, exchange_ship_days: 3, repair_days: 30, sign_proof_hours: 72 };
}

/// A ruling in the making with what it is about.
#[derive(Debug)]
pub struct Draft<'a> {
    /// Time and calendar.
    pub ctx: &'a Context,
    /// The facts.
    pub case: &'a AfterSaleCase,
    /// The requested lines.
    pub lines: &'a [Requested<'a>],
    /// The clocks.
    pub terms: Terms,
    /// What has been written.
    pub ruling: AfterSaleRuling,
}

impl<'a> Draft<'a> {
    /// A ruling with nothing but its outcome.
    pub const fn new(ctx: &'a Context, case: &'a AfterSaleCase, lines: &'a [Requested<'a>], terms: Terms, outcome: Outcome) -> Self {
        let ruling = AfterSaleRuling {
            outcome,
            options: Vec::new(),
            refund: 0,
            breakdown: Vec::new(),
            return_freight: Payer::NotApplicable,
            window_deadline: None,
            refund_deadline: None,
            statutory_exposure: None,
            missing_evidence: Vec::new(),
            notes: Notes {
                reasons: Vec::new(),
                obligations: Vec::new(),
                approvals: Vec::new(),
                messages: Vec::new(),
                alerts: Vec::new(),
                attributes: Vec::new(),
            },
        };
        Self { ctx, case, lines, terms, ruling }
    }

    /// Adds a rule as a reason.
    pub fn because(&mut self, rule: &Row) {
        let reason = rule.reason(self.ctx, self.case, self.lines);
        self.ruling.notes.reasons.push(reason);
    }

    /// Adds an obligation, unless there is one with this action.
    pub fn oblige(&mut self, action: &str, owner: Role, due: Option<InstantMs>, args: &[(&str, &str)]) {
        if self.ruling.notes.obligations.iter().all(|known| known.action != action) {
            self.ruling.notes.obligations.push(obligation(action, owner, due, to_args(args)));
        }
    }

    /// Adds a message to the customer, unless it is there already.
    pub fn say(&mut self, key: &str, args: &[(&str, &str)]) {
        if self.ruling.notes.messages.iter().all(|known| known.key != key) {
            self.ruling.notes.messages.push(message(key, to_args(args)));
        }
    }

    /// Names the basis of an adverse ruling and offers human review (PIPL 24(3), 48): `as.explain.<rule>`.
    pub fn explain(&mut self, rule: &Row) {
        let basis = rule.basis_zh();
        self.say(&["as.explain.", &rule.id.to_ascii_lowercase()].concat(), &[("rule", &basis)]);
    }

    /// Asks a person to decide.
    pub fn ask_approval(&mut self, role: Role, rule: &Row, due: InstantMs) {
        if self.ruling.notes.approvals.iter().all(|approval| approval.role != role) {
            let request = ApprovalRequest { role, rule: rule.id.to_owned(), due: Some(due), distinct_from: Vec::new() };
            self.ruling.notes.approvals.push(request);
        }
    }

    /// Raises an alert.
    pub fn alert(&mut self, code: &str, severity: Severity, rule: &Row) {
        if self.ruling.notes.alerts.iter().all(|alert| alert.code != code) {
            self.ruling.notes.alerts.push(Alert { code: code.to_owned(), severity, rule: rule.id.to_owned() });
        }
    }
}

fn to_args(args: &[(&str, &str)]) -> Vec<Arg> {
    args.iter().map(|(key, value)| arg(key, *value)).collect()
}
