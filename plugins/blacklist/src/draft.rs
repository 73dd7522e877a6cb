//! A ruling in the making. Unless a row names a measure, the one in force stays: a rejected, invalid or incomplete request changes nothing.

use ombud_sdk::blacklist::{BlacklistCase, BlacklistRuling, Outcome};
use ombud_sdk::rules::notes::{Rule, fact, obligation};
use ombud_sdk::{ApprovalRequest, Arg, Context, CustomerMeasure, Fact, InstantMs, Message, Notes, Role};

/// What a row decided, with what it says.
pub struct Draft<'a> {
    facts: &'a BlacklistCase,
    ruling: BlacklistRuling,
}

impl<'a> Draft<'a> {
    /// The row's rule applied and this is what comes out.
    pub fn new(facts: &'a BlacklistCase, outcome: Outcome, rule: &Rule, read: Vec<Fact>) -> Self {
        let mut read = read;
        read.insert(0, fact("stage", facts.stage.as_str()));
        let notes = Notes { reasons: vec![rule.reason(read)], ..Notes::empty() };
        let ruling = BlacklistRuling {
            outcome,
            measure: facts.current_measure,
            next_role: None,
            missing: Vec::new(),
            review_by: facts.review_by,
            counted_incidents: 0,
            notes,
        };
        Self { facts, ruling }
    }

    /// The file goes back for these.
    pub fn missing(mut self, missing: impl IntoIterator<Item = String>) -> Self {
        self.ruling.missing.extend(missing);
        self
    }

    /// The measure that follows. A milder one never takes the place of that in force: only its end or an appeal lifts a measure.
    pub fn measure(mut self, measure: CustomerMeasure, until: InstantMs) -> Self {
        if measure > self.ruling.measure {
            self.ruling.measure = measure;
            self.ruling.review_by = Some(until);
        }
        self
    }

    /// The measure that was decided anew, with its own end.
    pub fn decided(mut self, measure: CustomerMeasure, until: InstantMs) -> Self {
        self.ruling.measure = measure;
        self.ruling.review_by = Some(until);
        self
    }

    /// The measure in force ends.
    pub fn lifted(mut self) -> Self {
        self.ruling.measure = CustomerMeasure::None;
        self.ruling.review_by = None;
        self
    }

    /// This role acts next, and another person than all who acted so far.
    pub fn next(mut self, role: Role, rule: &Rule, due: Option<InstantMs>) -> Self {
        self.ruling.next_role = Some(role);
        let mut distinct_from = vec![self.facts.submitter_id.clone()];
        for step in &self.facts.steps {
            if !distinct_from.contains(&step.actor_id) {
                distinct_from.push(step.actor_id.clone());
            }
        }
        self.ruling.notes.approvals.push(ApprovalRequest { role, rule: rule.id.to_owned(), due, distinct_from });
        self
    }

    /// A `+` row joins.
    pub fn joined_by(mut self, rule: &Rule, read: Vec<Fact>) -> Self {
        self.ruling.notes.reasons.push(rule.reason(read));
        self
    }

    /// Something is to be done.
    pub fn oblige(mut self, action: &str, owner: Role, due: Option<InstantMs>, args: Vec<Arg>) -> Self {
        self.ruling.notes.obligations.push(obligation(action, owner, due, args));
        self
    }

    /// Something is to be told the customer.
    pub fn tell(mut self, message: Message) -> Self {
        self.ruling.notes.messages.push(message);
        self
    }

    /// An alert is raised.
    pub fn alert(mut self, rule: &Rule, code: &str) -> Self {
        self.ruling.notes.alerts.push(rule.alert(code));
        self
    }

    /// The ruling.
    pub fn done(self) -> BlacklistRuling {
        self.ruling
    }
}

/// So many hours from now.
pub fn in_hours(ctx: &Context, hours: u32) -> InstantMs {
    ctx.now.saturating_add(i64::from(hours) * ombud_sdk::rules::civil::HOUR_MS)
}

/// So many days of 24 hours from now.
pub fn in_days(ctx: &Context, days: u32) -> InstantMs {
    ctx.now.saturating_add(i64::from(days) * ombud_sdk::rules::civil::DAY_MS)
}
