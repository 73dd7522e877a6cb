//! What follows from an outcome: obligations with owner and time (domain model 4.5), the message to the customer (4.6), approvals.

use super::draft::Draft;
use super::explain::Row;
use super::line::Requested;
use super::text::{list_zh, missing_zh, request_zh, yuan};
use crate::civil::{DAY_MS, HOUR_MS, day_of, iso_date};
use crate::contract::after_sale::{Outcome, Payer, Stage};
use crate::contract::types::{InstantMs, Role, Tri};

/// Hours in which a person answers (SL-010).
const REVIEW_HOURS: i64 = 24;
/// Hours in which the supervisor calls after an escalation (SL-020).
const CALL_HOURS: i64 = 2;

/// What an exchange is for; it decides what the customer is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExchangeFor {
    /// The goods have a fault: replaced at once, picked up for free.
    Quality,
    /// Wrong or damaged goods, or a preference whose freight the merchant bears.
    Other,
}

impl Draft<'_> {
    /// Obligations, message and approvals of the ruling's outcome. Refusals are worded by the rule that refuses, not here.
    pub fn settle(&mut self, rule: &Row, exchange: ExchangeFor) {
        match self.ruling.outcome {
            Outcome::ApproveReturnRefund => self.settle_return(),
            Outcome::ApproveRefundOnly => {
                self.oblige_refund();
                let refund = yuan(self.ruling.refund);
                self.say("as.approve.refund_only", &[("refund", &refund)]);
            }
            Outcome::ApprovePartialRefund => {
                self.oblige_refund();
                let refund = yuan(self.ruling.refund);
                self.say("as.partial", &[("refund", &refund)]);
            }
            Outcome::RefundNow => self.settle_refund_now(),
            Outcome::InterceptThenRefund => self.settle_intercept(),
            Outcome::ApproveExchange => self.settle_exchange(exchange),
            Outcome::ApproveRepair => self.settle_repair(),
            Outcome::ApproveResend => {
                self.oblige("arrange-resend", Role::Agent, Some(self.in_days(self.terms.exchange_ship_days)), &[]);
                self.say("as.resend", &[]);
            }
            Outcome::OfferOptions => {
                let options: Vec<&str> = self.ruling.options.iter().map(|option| request_zh(*option)).collect();
                let options = list_zh(&options);
                self.oblige("notify-customer", Role::Agent, Some(self.in_hours(REVIEW_HOURS)), &[("options", &options)]);
                self.say("as.options", &[("options", &options)]);
            }
            Outcome::NeedEvidence => self.ask_evidence(),
            Outcome::Investigate => self.settle_investigation(),
            Outcome::HumanReview => self.settle_review(rule),
            Outcome::Escalate => {
                let due = self.in_hours(CALL_HOURS);
                self.oblige("hand-over-supervisor", Role::Agent, Some(due), &[]);
                self.oblige("supervisor-call", Role::Supervisor, Some(due), &[]);
                self.ask_approval(Role::Supervisor, rule, due);
                self.say("as.human_review", &[("hours", &CALL_HOURS.to_string())]);
            }
            Outcome::RejectWithAlternative | Outcome::Reject | Outcome::RejectDuplicate | Outcome::InvalidInput => {}
        }
    }

    /// Asks for what `missing-evidence` lists.
    pub fn ask_evidence(&mut self) {
        let codes = self.ruling.missing_evidence.join(",");
        let items: Vec<String> = self.ruling.missing_evidence.iter().map(|entry| missing_zh(entry)).collect();
        let items = items.join("、");
        self.oblige("ask-evidence", Role::Agent, Some(self.in_hours(REVIEW_HOURS)), &[("items", &codes)]);
        self.say("as.need_evidence", &[("items", &items)]);
    }

    /// The end of so many days of 24 hours from now.
    pub fn in_days(&self, days: u32) -> InstantMs {
        self.ctx.now.saturating_add(i64::from(days) * DAY_MS)
    }

    /// So many hours from now.
    pub const fn in_hours(&self, hours: i64) -> InstantMs {
        self.ctx.now.saturating_add(hours.saturating_mul(HOUR_MS))
    }

    fn settle_return(&mut self) {
        let days = self.terms.refund_days.to_string();
        self.oblige_address();
        self.oblige("refund-after-receipt", Role::Agent, None, &[("days", &days)]);
        if self.case.stage == Stage::ReturnInTransit {
            return;
        }
        let (deadline, refund) = (self.send_back_date(), yuan(self.ruling.refund));
        self.say("as.approve.return", &[("deadline", &deadline), ("days", &days), ("refund", &refund)]);
    }

    fn settle_refund_now(&mut self) {
        let due = self.ruling.refund_deadline.unwrap_or(self.in_days(self.terms.refund_days));
        // A day that has passed is no promise: what is overdue is paid today.
        let deadline = iso_date(day_of(due.max(self.ctx.now), self.ctx.tz_offset_min));
        let refund = yuan(self.ruling.refund);
        self.oblige("refund-now", Role::Agent, Some(due), &[("refund", &refund)]);
        self.say("as.refund_now", &[("deadline", &deadline), ("refund", &refund)]);
    }

    fn settle_intercept(&mut self) {
        let (refund, days) = (yuan(self.ruling.refund), self.terms.refund_days.to_string());
        self.oblige("intercept-parcel", Role::Agent, Some(self.in_hours(REVIEW_HOURS)), &[]);
        // If it arrives all the same the buyer may refuse it; the refund follows when the parcel is back.
        self.oblige("refund-after-receipt", Role::Agent, None, &[("days", &days), ("after", "interception-or-refused-delivery")]);
        self.say("as.intercept", &[("refund", &refund)]);
    }

    fn settle_exchange(&mut self, exchange: ExchangeFor) {
        self.arrange("arrange-exchange", self.terms.exchange_ship_days);
        let back = self.case.return_received_at.is_some();
        match (exchange, self.ruling.return_freight) {
            (ExchangeFor::Quality, Payer::Merchant) if !back => {
                self.oblige("free-pickup", Role::Agent, Some(self.in_hours(REVIEW_HOURS)), &[]);
                self.say("as.exchange.quality", &[]);
            }
            (_, Payer::Merchant) => self.say_exchange_days(back),
            (_, Payer::NotApplicable) if !self.case.class().is_free() => self.say_exchange_days(back),
            // What is on its way already needs no date to send it by.
            (_, Payer::Buyer) if !back && self.case.stage != Stage::ReturnInTransit => {
                let (deadline, days) = (self.send_back_date(), self.terms.exchange_ship_days.to_string());
                self.say("as.exchange.preference", &[("deadline", &deadline), ("days", &days)]);
            }
            // Whoever changed their mind knows already who bears the freight.
            _ => {}
        }
    }

    /// The whole way takes the days of sending back and of shipping; only the latter once the goods are back.
    fn say_exchange_days(&mut self, back: bool) {
        let way = if back { 0 } else { self.terms.send_back_days };
        let days = way.saturating_add(self.terms.exchange_ship_days).to_string();
        self.say("as.exchange.guide", &[("days", &days)]);
    }

    fn settle_repair(&mut self) {
        self.arrange("arrange-repair", self.terms.repair_days);
        // Back at the merchant's nobody sends anything any more; what a fault costs was never the buyer's (消法 24(2)).
        let by_merchant = match self.ruling.return_freight {
            Payer::NotApplicable => self.case.class().is_fault() || self.lines.iter().any(|line| line.line.recalled),
            payer => payer == Payer::Merchant,
        };
        let in_warranty = !self.lines.is_empty() && self.lines.iter().all(|line| line.in_warranty(self.case, self.ctx.tz_offset_min));
        match (by_merchant, in_warranty) {
            (true, true) => self.say("as.repair", &[]),
            (true, false) if self.case.class().is_fault() => self.say("as.repair.fault", &[]),
            _ => self.say("as.repair.arranged", &[("days", &self.terms.repair_days.to_string())]),
        }
    }

    /// The clock of an exchange or repair runs from the receipt of the goods; before that the buyer needs the address.
    fn arrange(&mut self, action: &str, days: u32) {
        let due = self.case.return_received_at.map(|received| received.saturating_add(i64::from(days) * DAY_MS));
        if due.is_none() {
            self.oblige_address();
        }
        self.oblige(action, Role::Agent, due, &[("days", &days.to_string())]);
    }

    /// AS-206: who fetches what while the parcel is looked for. The merchant has to show the signing (电商法 52); in a locker without
    /// consent the buyer gets the code and the days lost.
    fn settle_investigation(&mut self) {
        let hours = i64::from(self.terms.sign_proof_hours);
        let due = Some(self.case.applied_at.saturating_add(hours * HOUR_MS));
        let soon = Some(self.in_hours(REVIEW_HOURS));
        if self.lines.iter().any(Requested::received) {
            self.oblige("fetch-sign-record", Role::Agent, due, &[]);
        }
        if self.lines.iter().any(|line| line.received() && line.line.locker_without_consent != Tri::No) {
            self.oblige("send-pickup-code", Role::Agent, soon, &[]);
            self.oblige("extend-window", Role::Agent, soon, &[]);
        }
        if !self.lines.iter().all(Requested::received) {
            self.oblige("chase-carrier", Role::Agent, due, &[]);
        }
        self.say("as.investigate.not_received", &[("hours", &hours.to_string())]);
    }

    fn settle_review(&mut self, rule: &Row) {
        self.ask_approval(Role::Supervisor, rule, self.in_hours(REVIEW_HOURS));
        self.say("as.human_review", &[("hours", &REVIEW_HOURS.to_string())]);
        if !self.ruling.missing_evidence.is_empty() {
            self.ask_evidence();
        }
    }

    fn oblige_address(&mut self) {
        if self.case.stage == Stage::ReturnInTransit {
            return;
        }
        self.oblige("provide-return-address", Role::Agent, Some(self.in_hours(REVIEW_HOURS)), &[]);
    }

    fn oblige_refund(&mut self) {
        let refund = yuan(self.ruling.refund);
        self.oblige("refund-now", Role::Agent, Some(self.in_days(self.terms.refund_days)), &[("refund", &refund)]);
    }

    fn send_back_date(&self) -> String {
        iso_date(day_of(self.in_days(self.terms.send_back_days), self.ctx.tz_offset_min))
    }
}
