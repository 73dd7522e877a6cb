//! Compensation for delays: the table is asked once for each episode, in the order of priority.

use ombud_rules::after_sale::{AMOUNT_MAX, yuan};
use ombud_rules::contract::delay::{Award, CompForm, DelayCase, DelayKind, DelayRuling, Episode, Outcome, Tier};
use ombud_rules::contract::types::{ApprovalRequest, Arg, Context, Fen, InstantMs, Message, Notes, Reason, Role};
use ombud_rules::delay::{must_offer_cancel, overdue_ms, refund_due, share_line, total_refund_due};
use ombud_rules::notes::{arg, message, obligation};

use super::{AMOUNT, CONFLICT, NO_TABLE, UNKNOWN, alone, case_of, less, named, person, reasons, undecided};
use crate::fact::derived::DelayDerived;
use crate::program::Records;
use crate::reason::Place;
use crate::run::{Answer, NoAmount, Ran, amount, holds, run, together};
use crate::table::{Hit, Kind, Row, Table};

/// Hours in which a person answers (SL-010).
const REVIEW_MS: i64 = 24 * 3_600_000;

/// The ruling on a case.
pub fn delay<'a>(table: Option<&'a Table<'a>>, ctx: &'a Context, case: &'a DelayCase) -> DelayRuling {
    let order = processing_order(case, ctx);
    let mut writing =
        Writing { ctx, case, table, awards: Vec::new(), covered: Vec::new(), outcome: Outcome::None, notes: Notes::empty(), asks: None };
    if table.is_none() {
        writing.review(vec![person(NO_TABLE, Vec::new())]);
    }
    for (index, episode) in &order {
        writing.episode(*index, episode);
    }
    writing.finish(order.iter().map(|(_, episode)| episode.episode_id.clone()).collect())
}

/// Episodes by kind, then the longer overdue first, then as they came (003: 退款延遲 > 換貨延遲 > 維修延遲 > 發貨延遲).
fn processing_order<'a>(case: &'a DelayCase, ctx: &Context) -> Vec<(usize, &'a Episode)> {
    let key = |episode: &Episode| (episode.kind, std::cmp::Reverse(overdue_ms(episode, ctx.now)));
    let mut order: Vec<(usize, &Episode)> = Vec::with_capacity(case.episodes.len());
    for (index, episode) in case.episodes.iter().enumerate() {
        order.insert(order.partition_point(|(_, earlier)| key(earlier) <= key(episode)), (index, episode));
    }
    order
}

struct Writing<'a> {
    ctx: &'a Context,
    case: &'a DelayCase,
    table: Option<&'a Table<'a>>,
    awards: Vec<Award>,
    /// Episodes that have an award: what shares their lines gets none (DC-050).
    covered: Vec<&'a Episode>,
    outcome: Outcome,
    notes: Notes,
    /// The row that asks for an approval.
    asks: Option<String>,
}

impl<'a> Writing<'a> {
    fn episode(&mut self, index: usize, episode: &'a Episode) {
        // What the law gives does not depend on the table (GR-201, GR-206).
        if must_offer_cancel(self.case, episode, self.ctx.now) {
            self.oblige("offer-cancel-full-refund", episode, None, None);
        }
        let due = refund_due(episode, self.ctx.now);
        if due > 0 {
            self.oblige("refund-now", episode, Some(self.ctx.now), Some(due));
        }
        let by = self.covered.iter().find(|other| share_line(&other.line_ids, &episode.line_ids)).map(|other| other.episode_id.clone());
        if by.is_some() {
            self.award(episode, Tier::None, CompForm::None, 0, by);
            return;
        }
        let Some(table) = self.table else { return };
        let derived = DelayDerived::new(self.ctx, self.case, episode);
        let records = Records { case: self.case, context: self.ctx, derived: &derived, item: Some(episode) };
        let place = Place(Some(index));
        let ran = run(table, |row| holds(row, records));
        if let Some(reason) = undecided(&ran.answer) {
            return self.review(vec![reason]);
        }
        match &ran.answer {
            Answer::Ask(row) | Answer::Review(row) => self.review(reasons(std::slice::from_ref(row), Kind::Delay, &records, place)),
            Answer::Rows(rows) => self.decided(table, rows, &ran, episode, &records, place),
            Answer::Overlap(_) | Answer::NoRow => {}
        }
    }

    fn decided(&mut self, table: &Table<'_>, rows: &[Row<'_>], ran: &Ran<'_>, episode: &'a Episode, records: &Records<'_>, place: Place) {
        let mut written = reasons(rows, Kind::Delay, records, place);
        let outcome =
            rows.iter().filter_map(|row| case_of(Outcome::ALL, row.outcome)).max_by_key(|outcome| rank(*outcome)).unwrap_or(Outcome::None);
        // Giving less than a row might give that hangs on an unknown fact would be a refusal.
        if !ran.passed_over.is_empty() && matches!(outcome, Outcome::None | Outcome::CareOnly) {
            written.push(person(UNKNOWN, named(&ran.passed_over)));
            return self.review(written);
        }
        // Two forms cannot be added up or compared: who escalates does so without an award, else a person decides.
        let mut form = rows.iter().map(form_of).find(|form| *form != CompForm::None).unwrap_or(CompForm::None);
        if outcome != Outcome::HumanReview && rows.iter().any(|row| !matches!(form_of(row), CompForm::None) && form_of(row) != form) {
            written.push(person(CONFLICT, named(rows)));
            if outcome != Outcome::Escalate {
                return self.review(written);
            }
            form = CompForm::None;
        }
        let Ok(gross) = gross(table.hit, rows, records) else {
            written.push(person(AMOUNT, named(rows)));
            return self.review(written);
        };
        if matches!(outcome, Outcome::Compensate | Outcome::CompensateWithApproval) {
            let stands = Stands { hit: table.hit, rows, form, gross };
            if ran.passed_over.iter().any(|row| self.would_give_more(row, &stands, episode, records)) {
                written.push(person(UNKNOWN, named(&ran.passed_over)));
                return self.review(written);
            }
        }
        let tier = rows.iter().filter(|row| form_of(row) != CompForm::None).filter_map(tier_of).max().unwrap_or(Tier::None);
        let value = if form == CompForm::None { 0 } else { self.net(episode, gross) };
        for duty in rows.iter().flat_map(|row| &row.duties) {
            let due = duty.due_h.map(|hours| self.ctx.now.saturating_add(i64::from(hours) * 3_600_000));
            let args = vec![arg("episode", episode.episode_id.as_str())];
            self.notes.obligations.push(obligation(duty.action, case_of(Role::ALL, duty.owner).unwrap_or(Role::Agent), due, args));
        }
        if outcome == Outcome::CompensateWithApproval && self.asks.is_none() {
            self.asks = rows.first().map(|row| row.id.to_owned());
        }
        self.weigh(outcome);
        self.add_reasons(written);
        if matches!(outcome, Outcome::Compensate | Outcome::CompensateWithApproval | Outcome::Escalate) && form != CompForm::None {
            self.pay(episode, tier, form, value);
        } else if refund_due(episode, self.ctx.now) > 0 {
            self.award(episode, Tier::None, CompForm::None, 0, None);
        }
        if matches!(outcome, Outcome::CareOnly | Outcome::Compensate | Outcome::CompensateWithApproval) {
            self.notes.messages.push(words(episode, form, value, refund_due(episode, self.ctx.now)));
        }
    }

    /// Whether a row that was passed over would have given more, or what cannot be compared.
    fn would_give_more(&self, row: &Row<'_>, stands: &Stands<'_>, episode: &Episode, records: &Records<'_>) -> bool {
        let form = form_of(row);
        if form == CompForm::None {
            return false;
        }
        let Ok(own) = gross(stands.hit, core::slice::from_ref(row), records) else { return true };
        let alone = alone(stands.hit, stands.rows);
        let with = if alone { Some(own) } else { together(stands.hit, &[stands.gross, own]) };
        let award = |form, gross| less::Award { form, value: self.net(episode, gross) };
        (!alone && form != stands.form) || award(stands.form, stands.gross).is_less_than(award(form, with.unwrap_or(0)))
    }

    /// What an award is worth after what was granted before.
    fn net(&self, episode: &Episode, gross: Fen) -> Fen {
        gross.saturating_sub(self.granted(episode)).clamp(0, AMOUNT_MAX)
    }

    /// What the merchant granted earlier for this episode, or for another of the same lines, comes off (DC-060).
    fn granted(&self, episode: &Episode) -> Fen {
        let concerns = |id: &str| {
            id == episode.episode_id
                || self.case.episodes.iter().any(|other| other.episode_id == id && share_line(&other.line_ids, &episode.line_ids))
        };
        let own = self.case.already.iter().filter(|granted| !granted.by_platform && concerns(&granted.episode_id));
        own.fold(0, |sum: Fen, granted| sum.saturating_add(granted.value.max(0)))
    }

    fn pay(&mut self, episode: &'a Episode, tier: Tier, form: CompForm, value: Fen) {
        self.covered.push(episode);
        let action = match form {
            _ if value == 0 => None,
            CompForm::Coupon => Some("issue-coupon"),
            CompForm::SampleGift => Some("apology-gift"),
            CompForm::Solatium => Some("pay-solatium"),
            CompForm::CashRefund => Some("pay-cash"),
            CompForm::None => None,
        };
        if let Some(action) = action {
            self.oblige(action, episode, None, Some(value));
        }
        self.award(episode, tier, if value > 0 { form } else { CompForm::None }, value, None);
    }

    fn award(&mut self, episode: &Episode, tier: Tier, form: CompForm, value: Fen, suppressed_by: Option<String>) {
        self.awards.push(Award {
            episode_id: episode.episode_id.clone(),
            kind: episode.kind,
            tier,
            overdue_ms: overdue_ms(episode, self.ctx.now),
            form,
            value,
            refund_due: refund_due(episode, self.ctx.now),
            suppressed_by,
        });
    }

    fn oblige(&mut self, action: &str, episode: &Episode, due: Option<InstantMs>, amount: Option<Fen>) {
        let mut args: Vec<Arg> = vec![arg("episode", episode.episode_id.as_str())];
        args.extend(amount.map(|fen| arg("amount", yuan(fen))));
        if !self.notes.obligations.iter().any(|known| known.action == action && known.args == args) {
            self.notes.obligations.push(obligation(action, Role::Agent, due, args));
        }
    }

    fn review(&mut self, reasons: Vec<Reason>) {
        self.weigh(Outcome::HumanReview);
        if self.asks.is_none() {
            self.asks = reasons.last().map(|reason| reason.rule.clone());
        }
        self.add_reasons(reasons);
    }

    /// A row that decides for several episodes is one reason with the facts of all.
    fn add_reasons(&mut self, reasons: Vec<Reason>) {
        for reason in reasons {
            match self.notes.reasons.iter_mut().find(|known| known.rule == reason.rule) {
                Some(known) => known.facts.extend(reason.facts),
                None => self.notes.reasons.push(reason),
            }
        }
    }

    fn weigh(&mut self, outcome: Outcome) {
        if rank(outcome) > rank(self.outcome) {
            self.outcome = outcome;
        }
    }

    fn finish(mut self, processing_order: Vec<String>) -> DelayRuling {
        let of = |cash: bool| {
            let counted = self.awards.iter().filter(|award| matches!(award.form, CompForm::CashRefund | CompForm::Solatium) == cash);
            counted.fold(0, |sum: Fen, award| sum.saturating_add(award.value))
        };
        let (total_cash, total_coupon) = (of(true), of(false));
        let total_refund_due = total_refund_due(self.case, self.ctx.now);
        if total_refund_due > 0 {
            self.weigh(Outcome::Compensate);
        } else if self.outcome == Outcome::Compensate && total_cash + total_coupon == 0 {
            // Everything was granted before.
            self.outcome = Outcome::CareOnly;
        }
        if matches!(self.outcome, Outcome::HumanReview | Outcome::Escalate | Outcome::CompensateWithApproval) {
            let rule = self.asks.take().or_else(|| self.notes.reasons.first().map(|reason| reason.rule.clone())).unwrap_or_default();
            let due = Some(self.ctx.now.saturating_add(REVIEW_MS));
            self.notes.approvals.push(ApprovalRequest { role: Role::Supervisor, rule, due, distinct_from: Vec::new() });
        }
        let notes = self.notes;
        DelayRuling { outcome: self.outcome, processing_order, awards: self.awards, total_cash, total_coupon, total_refund_due, notes }
    }
}

/// What the rows give that decide.
struct Stands<'a> {
    hit: Hit,
    rows: &'a [Row<'a>],
    form: CompForm,
    gross: Fen,
}

/// The form of what a row gives; none where its outcome gives nothing.
fn form_of(row: &Row<'_>) -> CompForm {
    match case_of(Outcome::ALL, row.outcome) {
        Some(Outcome::Compensate | Outcome::CompensateWithApproval | Outcome::Escalate) => {
            row.more.form.and_then(|form| case_of(CompForm::ALL, form)).unwrap_or(CompForm::None)
        }
        _ => CompForm::None,
    }
}

fn tier_of(row: &Row<'_>) -> Option<Tier> {
    row.more.tier.and_then(|tier| case_of(Tier::ALL, tier))
}

/// What the rows that give something give together, before what was granted comes off.
fn gross(hit: Hit, rows: &[Row<'_>], records: &Records<'_>) -> Result<Fen, NoAmount> {
    let mut amounts = Vec::with_capacity(rows.len());
    for row in rows {
        let amount = amount(row, *records)?;
        amounts.extend(amount.filter(|_| form_of(row) != CompForm::None));
    }
    Ok(together(hit, &amounts).unwrap_or(0).max(0))
}

/// How much an outcome outweighs others of the same case.
const fn rank(outcome: Outcome) -> u8 {
    match outcome {
        Outcome::None => 0,
        Outcome::CareOnly => 1,
        Outcome::Compensate => 2,
        Outcome::CompensateWithApproval => 3,
        Outcome::HumanReview => 4,
        Outcome::Escalate => 5,
    }
}

/// What the customer is told; where no template fits what is given, where things stand.
fn words(episode: &Episode, form: CompForm, value: Fen, due: Fen) -> Message {
    let amount = || arg("amount", yuan(value));
    match (episode.kind, form) {
        (DelayKind::Shipping, CompForm::Coupon) if value > 0 => message("dc.ship.slight", vec![amount()]),
        (DelayKind::RefundProcessing, CompForm::Solatium | CompForm::CashRefund) if value > 0 && due > 0 => {
            message("dc.refund.severe", vec![arg("refund", yuan(due)), amount()])
        }
        (DelayKind::Exchange, _) => message("dc.exchange", Vec::new()),
        (DelayKind::Repair, _) => message("dc.repair", Vec::new()),
        (kind, _) => {
            let status = match (kind, episode.done.is_some()) {
                (DelayKind::RefundProcessing, false) => "退款处理中",
                (DelayKind::RefundProcessing, true) => "退款已办理",
                (DelayKind::InTransit, false) => "运输中",
                (DelayKind::InTransit, true) => "已送达",
                (_, false) => "待发货",
                (_, true) => "已发货",
            };
            let eta = if episode.done.is_some() { "24小时内告知后续安排" } else { "24小时内更新进度" };
            message("dc.care", vec![arg("status", status), arg("eta", eta)])
        }
    }
}
