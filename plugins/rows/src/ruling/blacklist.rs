//! The approval chain of a blacklist request. What holds for every chain stands here: a table decides on the merits only.

use ombud_rules::blacklist::{acted_by_bot, acted_twice, counted, notice, role_allowed, steps_lead_to};
use ombud_rules::civil::{DAY_MS, HOUR_MS};
use ombud_rules::contract::blacklist::{BlacklistCase, BlacklistRuling, Outcome, Stage};
use ombud_rules::contract::types::{ApprovalRequest, Context, CustomerMeasure, Fact, InstantMs, Notes, Reason, Role, Severity};
use ombud_rules::notes::{fact, obligation};

use super::{CHAIN, CONFLICT, NO_TABLE, UNKNOWN, case_of, named, person, reasons, undecided};
use crate::fact::derived::{BlacklistDerived, LOOKBACK_DAYS};
use crate::program::Records;
use crate::reason::{Place, of_table};
use crate::run::{Answer, holds, run};
use crate::table::{Kind, Row, Table};

/// Days until a measure is reviewed where the table does not say (BL-041).
const REVIEW_DAYS: u32 = 180;
/// Hours in which a supervisor or department head acts.
const ACT_HOURS: i64 = 24;

/// The ruling on a request.
pub fn blacklist<'a>(table: Option<&'a Table<'a>>, ctx: &'a Context, case: &'a BlacklistCase) -> BlacklistRuling {
    let mut writing = Writing::new(ctx, case);
    if let Some((outcome, facts)) = by_the_chain(ctx, case) {
        writing.chain(outcome, facts);
    } else if let Some(table) = table {
        let derived = BlacklistDerived::new(ctx, case);
        let records = Records { case, context: ctx, derived: &derived, item: None };
        let ran = run(table, |row| holds(row, records));
        let of = |rows: &[Row<'a>]| reasons(rows, Kind::Blacklist, &records, Place::default());
        match (undecided(&ran.answer), &ran.answer) {
            (Some(reason), _) => writing.escalate(vec![reason]),
            (None, Answer::Ask(row)) => {
                writing.ruling.missing = row.missing.iter().map(|entry| (*entry).to_owned()).collect();
                writing.write(Outcome::ReturnForEvidence, of(std::slice::from_ref(row)));
            }
            (None, Answer::Review(row)) => writing.escalate(of(std::slice::from_ref(row))),
            (None, Answer::Rows(rows)) => writing.decided(rows, of(rows), &ran.passed_over),
            (None, Answer::Overlap(_) | Answer::NoRow) => {}
        }
    } else {
        writing.escalate(vec![person(NO_TABLE, Vec::new())]);
    }
    writing.ruling
}

/// What follows from the stage and the steps alone (BL-003, 004, 033–037, 041–043), with what was read.
pub fn by_the_chain(ctx: &Context, case: &BlacklistCase) -> Option<(Outcome, Vec<Fact>)> {
    use ombud_rules::contract::blacklist::Verdict;
    let stage = || fact("stage", case.stage.as_str());
    let said = |verdict| case.steps.iter().any(|step| step.verdict == verdict);
    match case.stage {
        Stage::Draft => return Some((Outcome::ReturnForEvidence, vec![stage()])),
        _ if acted_by_bot(case) => return Some((Outcome::Invalid, vec![fact("submitter-role", case.submitter_role.as_str())])),
        Stage::Appealed => return Some((Outcome::Escalate, vec![stage()])),
        Stage::Executed | Stage::Archived => {
            let until = case.review_by.map_or_else(|| "none".to_owned(), |at| at.to_string());
            return Some((Outcome::Closed, vec![stage(), fact("review-by", until), fact("context.now", ctx.now.to_string())]));
        }
        _ => {}
    }
    let steps = || vec![stage(), fact("steps", case.steps.len().to_string())];
    if acted_twice(case) || !steps_lead_to(&case.steps, case.stage) || !case.steps.iter().all(role_allowed) {
        return Some((Outcome::Invalid, steps()));
    }
    if said(Verdict::Reject) {
        return Some((Outcome::Closed, steps()));
    }
    said(Verdict::ReturnForEvidence).then(|| (Outcome::ReturnForEvidence, steps()))
}

struct Writing<'a> {
    ctx: &'a Context,
    case: &'a BlacklistCase,
    ruling: BlacklistRuling,
}

impl<'a> Writing<'a> {
    /// The measure in force stays unless a row names another.
    fn new(ctx: &'a Context, case: &'a BlacklistCase) -> Self {
        let ruling = BlacklistRuling {
            outcome: Outcome::Escalate,
            measure: case.current_measure,
            next_role: None,
            missing: Vec::new(),
            review_by: case.review_by,
            counted_incidents: u32::try_from(counted(case, ctx, LOOKBACK_DAYS).len()).unwrap_or(u32::MAX),
            notes: Notes::empty(),
        };
        Self { ctx, case, ruling }
    }

    fn write(&mut self, outcome: Outcome, reasons: Vec<Reason>) {
        self.ruling.outcome = outcome;
        self.ruling.notes.reasons = reasons;
    }

    fn escalate(&mut self, reasons: Vec<Reason>) {
        self.write(Outcome::Escalate, reasons);
        self.next(Role::Supervisor, None);
    }

    /// What the chain itself decides.
    fn chain(&mut self, outcome: Outcome, facts: Vec<Fact>) {
        self.write(outcome, vec![of_table(CHAIN, Severity::Medium, facts)]);
        let expired = self.case.review_by.is_some_and(|at| self.ctx.now >= at);
        match (outcome, self.case.stage) {
            (Outcome::Escalate, _) => self.next(Role::Compliance, None),
            (Outcome::ReturnForEvidence, Stage::Draft) => self.ruling.missing.push("submission".to_owned()),
            (Outcome::ReturnForEvidence, _) => self.ruling.missing.push("more-evidence".to_owned()),
            (Outcome::Closed, Stage::Executed | Stage::Archived) if expired => {
                self.ruling.measure = CustomerMeasure::None;
                self.ruling.review_by = None;
                self.oblige("lift-measure", Role::Admin, Some(self.ctx.now));
                self.oblige("archive-record", Role::Admin, None);
            }
            (Outcome::Closed, Stage::Submitted | Stage::SupervisorReviewed | Stage::HeadReviewed) => {
                self.oblige("archive-record", Role::Admin, None);
            }
            _ => {}
        }
    }

    fn decided(&mut self, rows: &[Row<'_>], mut reasons: Vec<Reason>, passed_over: &[Row<'_>]) {
        let outcomes: Vec<Outcome> = rows.iter().filter_map(|row| case_of(Outcome::ALL, row.outcome)).collect();
        let escalates = outcomes.contains(&Outcome::Escalate);
        let Some(outcome) = outcomes.first().copied().filter(|one| escalates || outcomes.iter().all(|other| other == one)) else {
            reasons.push(person(CONFLICT, named(rows)));
            return self.escalate(reasons);
        };
        let sanctions =
            !matches!(outcome, Outcome::Reject | Outcome::ReturnForEvidence | Outcome::Closed | Outcome::Invalid | Outcome::Escalate);
        if sanctions && !passed_over.is_empty() {
            reasons.push(person(UNKNOWN, named(passed_over)));
            return self.escalate(reasons);
        }
        if escalates {
            return self.escalate(reasons);
        }
        self.write(outcome, reasons);
        self.ruling.missing = rows.iter().flat_map(|row| &row.missing).map(|entry| (*entry).to_owned()).collect();
        let of = |pick: fn(&Row<'_>) -> Option<u8>| rows.iter().find_map(|row| pick(row));
        let measure = of(|row| row.more.measure).and_then(|place| case_of(CustomerMeasure::ALL, place)).or(default_measure(outcome));
        let days = rows.iter().find_map(|row| row.more.review_days).unwrap_or(REVIEW_DAYS);
        let until = self.ctx.now.saturating_add(i64::from(days) * DAY_MS);
        let executes = matches!(outcome, Outcome::Execute | Outcome::ExecuteDeferred);
        // A milder measure never takes the place of that in force: only its end or an appeal lifts one.
        if let Some(measure) = measure.filter(|measure| executes || *measure > self.ruling.measure) {
            self.ruling.measure = measure;
            self.ruling.review_by = Some(until);
        }
        let next = of(|row| row.more.next_role).and_then(|place| case_of(Role::ALL, place)).or(default_role(outcome));
        if let Some(role) = next {
            self.next(role, Some(self.ctx.now.saturating_add(ACT_HOURS * HOUR_MS)));
        }
        if executes {
            self.execute(until);
        } else if outcome == Outcome::RecommendRestrict {
            self.ruling.notes.messages.push(notice(self.case.criterion, self.ruling.measure, until, self.ctx));
        }
        for duty in rows.iter().flat_map(|row| &row.duties) {
            let due = duty.due_h.map(|hours| self.ctx.now.saturating_add(i64::from(hours) * HOUR_MS));
            self.oblige(duty.action, case_of(Role::ALL, duty.owner).unwrap_or(Role::Agent), due);
        }
    }

    /// BL-032 and BL-040: what an execution brings with it; it waits for open after-sale cases.
    fn execute(&mut self, until: InstantMs) {
        if self.case.open_after_sales > 0 {
            self.ruling.outcome = Outcome::ExecuteDeferred;
        }
        self.oblige("execute-in-platform", Role::Admin, None);
        self.oblige("archive-record", Role::Admin, None);
        self.oblige("schedule-review", Role::Admin, Some(until));
        self.oblige("notify-customer-of-measure", Role::Agent, Some(self.ctx.now));
        self.ruling.notes.messages.push(notice(self.case.criterion, self.ruling.measure, until, self.ctx));
    }

    /// This role acts next, and another person than all who acted so far.
    fn next(&mut self, role: Role, due: Option<InstantMs>) {
        self.ruling.next_role = Some(role);
        let mut distinct_from = vec![self.case.submitter_id.clone()];
        distinct_from.extend(self.case.steps.iter().map(|step| step.actor_id.clone()).filter(|actor| *actor != self.case.submitter_id));
        let rule = self.ruling.notes.reasons.last().map(|reason| reason.rule.clone()).unwrap_or_default();
        self.ruling.notes.approvals.push(ApprovalRequest { role, rule, due, distinct_from });
    }

    fn oblige(&mut self, action: &str, owner: Role, due: Option<InstantMs>) {
        if self.ruling.notes.obligations.iter().all(|known| known.action != action) {
            self.ruling.notes.obligations.push(obligation(action, owner, due, Vec::new()));
        }
    }
}

/// The measure that an outcome means where the row names none.
const fn default_measure(outcome: Outcome) -> Option<CustomerMeasure> {
    match outcome {
        Outcome::RecommendMark => Some(CustomerMeasure::Marked),
        Outcome::RecommendRestrict => Some(CustomerMeasure::ServiceRestricted),
        Outcome::ForwardToSupervisor | Outcome::ForwardToDeptHead | Outcome::Execute | Outcome::ExecuteDeferred => {
            Some(CustomerMeasure::Blacklisted)
        }
        _ => None,
    }
}

/// Who acts after an outcome where the row does not say.
const fn default_role(outcome: Outcome) -> Option<Role> {
    match outcome {
        Outcome::RecommendMark | Outcome::RecommendRestrict | Outcome::ForwardToSupervisor => Some(Role::Supervisor),
        Outcome::ForwardToDeptHead => Some(Role::DeptHead),
        _ => None,
    }
}
