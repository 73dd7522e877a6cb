//! The ruling on a case of delays (domain policies 5.2): every episode in the order of priority takes the first row that fits, one award for
//! each line, then what concerns the whole.

use std::borrow::Cow;

use ombud_sdk::delay::{Award, CompForm, DelayCase, DelayKind, DelayRuling, Episode, Outcome, Tier};
use ombud_sdk::rules::delay::{money_of, must_offer_cancel, overdue_ms, refund_due, total_refund_due};
use ombud_sdk::rules::notes::{arg, fact};
use ombud_sdk::{ApprovalRequest, Context, Fact, Fen, Notes, Role, Tri};

use crate::award::{Goodwill, Grants, gross};
use crate::draft::Draft;
use crate::ladder::{Row, row};
use crate::settings::{LadderApproval, Settings};
use crate::words::{self, award_message, care_message, force_majeure_message, rule_of};

/// The ruling on a case. Never traps: amounts saturate, what the case does not have counts nothing.
pub fn decide(settings: &Settings, ctx: &Context, facts: &DelayCase) -> DelayRuling {
    let order = processing_order(facts, ctx);
    let mut ruling =
        Ruling { settings, ctx, facts, grants: Grants::of(facts), covered: Vec::new(), awards: Vec::new(), draft: Draft::default() };
    for (index, episode) in &order {
        ruling.episode(*index, episode);
    }
    let processing_order = order.iter().map(|(_, episode)| episode.episode_id.clone()).collect();
    ruling.finish(processing_order)
}

/// Episodes by kind (refund-processing > exchange > repair > shipping > in-transit, 003: 退款延遲 > 換貨延遲 > 維修延遲 > 發貨延遲), then the
/// longer overdue first, then as they came; each with its index in the case.
fn processing_order<'a>(facts: &'a DelayCase, ctx: &Context) -> Vec<(usize, &'a Episode)> {
    let key = |episode: &Episode| (episode.kind, std::cmp::Reverse(overdue_ms(episode, ctx.now)));
    let mut order: Vec<(usize, &Episode)> = Vec::with_capacity(facts.episodes.len());
    for (index, episode) in facts.episodes.iter().enumerate() {
        // A handful of episodes (100 at most): inserting is quicker than a sort, and a component carries less.
        order.insert(order.partition_point(|(_, earlier)| key(earlier) <= key(episode)), (index, episode));
    }
    order
}

/// A ruling in the making.
struct Ruling<'a> {
    settings: &'a Settings,
    ctx: &'a Context,
    facts: &'a DelayCase,
    grants: Grants<'a>,
    /// Lines that have their award, each with the episode that gave it.
    covered: Vec<(&'a str, &'a str)>,
    awards: Vec<Award>,
    draft: Draft,
}

impl<'a> Ruling<'a> {
    fn episode(&mut self, index: usize, episode: &'a Episode) {
        // The way out does not depend on compensation, nor on what suppresses it (GR-206; 消法 53, 民法典 563(3)).
        if must_offer_cancel(self.facts, episode, self.ctx.now) {
            self.draft.oblige_for(episode, "offer-cancel-full-refund", Vec::new());
        }
        let due = refund_due(episode, self.ctx.now);
        if due > 0 {
            self.draft.refund_now(episode, due, self.ctx.now);
        }
        let rest = self.rest_of(episode);
        if rest.is_empty()
            && let Some(by) = episode.line_ids.first().and_then(|line| self.award_of(line))
        {
            self.push_award(episode, Tier::None, CompForm::None, 0, Some(by.to_owned()));
            return;
        }
        let row = row(self.settings, self.ctx, episode);
        let rule = rule_of(row, episode.kind);
        if matches!(row, Row::BelowLadder | Row::Lower | Row::Upper) {
            self.fake_shipping(index, episode);
        }
        self.draft.reason(rule, self.facts_of(index, episode, row));
        self.obligations(episode, row);
        match self.award(index, episode, row, &rest) {
            Some(()) => {
                let lines = episode.line_ids.iter().filter(|line| rest.contains(line));
                self.covered.extend(lines.map(|line| (line.as_str(), episode.episode_id.as_str())));
            }
            None => self.care(episode, row),
        }
    }

    /// The lines of the episode that have no award yet.
    fn rest_of(&self, episode: &'a Episode) -> Cow<'a, [String]> {
        if self.covered.is_empty() {
            return Cow::Borrowed(&episode.line_ids);
        }
        episode.line_ids.iter().filter(|line| self.award_of(line).is_none()).cloned().collect()
    }

    /// The episode that gave the award of a line.
    fn award_of(&self, line: &str) -> Option<&'a str> {
        self.covered.iter().find(|(covered, _)| *covered == line).map(|(_, by)| *by)
    }

    /// DC-005: a waybill without a scan is no shipping (电商法 17, 20).
    fn fake_shipping(&mut self, index: usize, episode: &Episode) {
        if let (DelayKind::Shipping, Some(marked), None) = (episode.kind, episode.merchant_marked_done, episode.done) {
            self.draft.reason(&words::DC_005, vec![fact(path(index, "merchant-marked-done"), marked.to_string())]);
            self.draft.alert(&words::DC_005, "fake-shipping");
        }
    }

    /// The award of the episode on the lines not yet covered, after netting; none where the row gives none.
    fn award(&mut self, index: usize, episode: &Episode, row: Row, rest: &[String]) -> Option<()> {
        let money = money_of(self.facts, |line| rest.iter().any(|wanted| wanted == line));
        let before = gross(self.settings, episode, row, money, overdue_ms(episode, self.ctx.now))?;
        if before.base_gone {
            self.draft.reason(&words::DC_062, vec![fact(path(index, "line-ids"), rest.join(","))]);
        }
        if before.raised {
            self.draft.reason(&words::DC_070, vec![fact("platform", self.ctx.platform.as_str())]);
        }
        let mut net = before;
        if before.total() > 0 {
            if self.grants.net_off(false, episode, rest, &mut net) {
                self.draft.reason(&words::DC_060, self.granted(false));
            }
            if self.settings.net_platform_paid && self.grants.net_off(true, episode, rest, &mut net) {
                self.draft.reason(&words::DC_061, self.granted(true));
            }
        }
        // DC-081: 公平合理, an award above the money it is for is looked at, and payable all the same.
        let base = if row == Row::RefundLate { episode.refund_owed } else { money.paid };
        if self.settings.approve_over_base && net.total() > base.max(0) {
            self.draft.reason(&words::DC_081, vec![fact(path(index, "episode-id"), episode.episode_id.as_str())]);
            self.draft.ask(Role::Supervisor, &words::DC_081);
        }
        if net.total() > 0 {
            self.ask_for(row, episode, &before);
        }
        self.draft.pay(episode, &net);
        self.draft.notes.messages.push(award_message(self.settings, episode, &before, &net, refund_due(episode, self.ctx.now)));
        self.push_goodwill(episode, &net);
        Some(())
    }

    /// Approvals that the row itself asks for: late exchanges and repairs have a rank but no amount in the source, and DC-062 has no base.
    fn ask_for(&mut self, row: Row, episode: &Episode, gross: &Goodwill) {
        if gross.base_gone {
            self.draft.ask(Role::Supervisor, &words::DC_062);
        }
        if matches!(episode.kind, DelayKind::Exchange | DelayKind::Repair) {
            match self.settings.ladder_approval {
                LadderApproval::None => {}
                LadderApproval::Supervisor => self.draft.ask(Role::Supervisor, rule_of(row, episode.kind)),
                LadderApproval::DeptHead => self.draft.ask(Role::DeptHead, rule_of(row, episode.kind)),
            }
        }
    }

    /// What a row without an award says and does to the outcome.
    fn care(&mut self, episode: &Episode, row: Row) {
        let due = refund_due(episode, self.ctx.now);
        if due > 0 {
            self.push_award(episode, Tier::None, CompForm::None, 0, None);
        }
        match row {
            Row::InTime | Row::Excused => {}
            Row::ExcuseUnproven | Row::ForceMajeureUnproven => self.draft.review = true,
            Row::ForceMajeure => {
                self.draft.care = true;
                self.draft.notes.messages.push(force_majeure_message());
            }
            _ => {
                self.draft.care = true;
                self.draft.notes.messages.push(care_message(episode));
            }
        }
    }

    fn obligations(&mut self, episode: &Episode, row: Row) {
        let shipping = episode.kind == DelayKind::Shipping;
        match row {
            Row::InTime | Row::Excused | Row::ExcuseUnproven | Row::ForceMajeureUnproven => {}
            Row::ForceMajeure => {
                self.draft.oblige_for(episode, "notify-customer", Vec::new());
                self.draft.oblige_for(episode, "offer-cancel-full-refund", Vec::new());
            }
            // What is lost on the way is refunded or resent by the after-sale policy.
            Row::InTransit => self.draft.oblige_for(episode, "chase-carrier", vec![arg("if-lost", "AS-206")]),
            Row::PaidElsewhere => self.draft.oblige_for(episode, "notify-customer", vec![arg("content", "transaction-reference")]),
            Row::BelowLadder | Row::Lower if shipping => self.draft.oblige_for(episode, "set-priority-shipping", Vec::new()),
            Row::Upper if shipping => {
                self.draft.oblige_for(episode, "set-priority-shipping", Vec::new());
                self.draft.oblige_for(episode, "offer-cancel-full-refund", Vec::new());
            }
            Row::WithinGrace | Row::BelowLadder => self.draft.oblige_for(episode, "notify-customer", vec![arg("content", "eta")]),
            Row::Lower | Row::Upper | Row::RefundLate => {}
        }
    }

    fn push_goodwill(&mut self, episode: &Episode, net: &Goodwill) {
        // One entry for what is paid in cash and one for what is given in kind; an award netted to nothing keeps one, it covers its lines.
        if net.cash > 0 || net.kind == 0 {
            let form = if net.cash > 0 { net.cash_form } else { CompForm::None };
            self.push_award(episode, net.tier, form, net.cash, None);
        }
        if net.kind > 0 {
            self.push_award(episode, net.tier, net.kind_form, net.kind, None);
        }
    }

    fn push_award(&mut self, episode: &Episode, tier: Tier, form: CompForm, value: Fen, suppressed_by: Option<String>) {
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

    /// The facts a row read.
    fn facts_of(&self, index: usize, episode: &Episode, row: Row) -> Vec<Fact> {
        let mut facts = vec![fact(path(index, "due"), episode.due.to_string())];
        facts.push(match episode.done {
            Some(done) => fact(path(index, "done"), done.to_string()),
            None => fact("now", self.ctx.now.to_string()),
        });
        match row {
            Row::Excused | Row::ExcuseUnproven | Row::ForceMajeure | Row::ForceMajeureUnproven => {
                facts.push(fact(path(index, "cause"), episode.cause.as_str()));
                facts.push(fact(path(index, "cause-proven"), episode.cause_proven.as_str()));
            }
            Row::PaidElsewhere => facts.push(fact(path(index, "cause"), episode.cause.as_str())),
            Row::RefundLate => {
                facts.push(fact(path(index, "refund-owed"), episode.refund_owed.to_string()));
                facts.push(fact(path(index, "refund-paid"), episode.refund_paid.to_string()));
            }
            _ => {}
        }
        facts
    }

    fn granted(&self, by_platform: bool) -> Vec<Fact> {
        let already = self.facts.already.iter().enumerate().filter(|(_, granted)| granted.by_platform == by_platform);
        already.map(|(index, granted)| fact(["already[", &index.to_string(), "].value"].concat(), granted.value.to_string())).collect()
    }

    fn finish(mut self, processing_order: Vec<String>) -> DelayRuling {
        let (mut total_cash, mut total_coupon): (Fen, Fen) = (0, 0);
        for award in &self.awards {
            match award.form {
                CompForm::CashRefund | CompForm::Solatium => total_cash = total_cash.saturating_add(award.value),
                CompForm::Coupon | CompForm::SampleGift => total_coupon = total_coupon.saturating_add(award.value),
                CompForm::None => {}
            }
        }
        let goodwill = total_cash.saturating_add(total_coupon);
        let total_refund_due = total_refund_due(self.facts, self.ctx.now);
        self.whole(goodwill);

        let extortion = self.facts.extortion_flag == Tri::Yes;
        let outcome = if extortion {
            Outcome::Escalate
        } else if self.draft.review {
            Outcome::HumanReview
        } else if self.draft.approval.is_some() {
            Outcome::CompensateWithApproval
        } else if goodwill > 0 || total_refund_due > 0 {
            Outcome::Compensate
        } else if self.draft.care {
            Outcome::CareOnly
        } else {
            Outcome::None
        };
        let mut notes: Notes = self.draft.notes;
        if let Some((role, rule)) = self.draft.approval {
            notes.approvals.push(ApprovalRequest { role, rule: rule.id.to_owned(), due: None, distinct_from: Vec::new() });
        }
        DelayRuling { outcome, processing_order, awards: self.awards, total_cash, total_coupon, total_refund_due, notes }
    }

    /// The `+` rows that concern the whole case.
    fn whole(&mut self, goodwill: Fen) {
        if self.facts.episodes.len() > 1 {
            let count = self.facts.episodes.len().to_string();
            self.draft.reason(&words::DC_050, vec![fact("episodes", count)]);
        }
        if goodwill > self.settings.auto_max {
            let role = if goodwill > self.settings.supervisor_max { Role::DeptHead } else { Role::Supervisor };
            self.draft.reason(&words::DC_082, vec![fact("total-goodwill", goodwill.to_string())]);
            self.draft.ask(role, &words::DC_082);
        }
        if self.facts.extortion_flag == Tri::Yes {
            // What is owed stays owed, nothing is added under a threat; `demanded` is read by nobody (003 惡意敲詐).
            self.draft.reason(&words::DC_090, vec![fact("extortion-flag", Tri::Yes.as_str())]);
            self.draft.oblige("decline-extra-compensation", Role::Agent, Vec::new());
            self.draft.oblige("preserve-evidence", Role::Agent, Vec::new());
        }
    }
}

/// Where a fact of an episode stands in the case.
fn path(index: usize, field: &str) -> String {
    ["episodes[", &index.to_string(), "].", field].concat()
}
