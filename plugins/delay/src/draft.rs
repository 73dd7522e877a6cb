//! The notes of a ruling in the making: each reason once, obligations for an episode, one approval.

use ombud_sdk::delay::{CompForm, Episode};
use ombud_sdk::rules::after_sale::yuan;
use ombud_sdk::rules::notes::{Rule, arg, obligation};
use ombud_sdk::{Arg, Fact, Fen, InstantMs, Notes, Role};

use crate::award::Goodwill;

/// What was found so far.
pub struct Draft {
    pub notes: Notes,
    /// A row answered with care and without an award.
    pub care: bool,
    /// A row needs a person.
    pub review: bool,
    /// The one approval asked for, and by which rule: the highest role, of equal ones the first.
    pub approval: Option<(Role, &'static Rule)>,
}

impl Default for Draft {
    fn default() -> Self {
        Self { notes: Notes::empty(), care: false, review: false, approval: None }
    }
}

impl Draft {
    /// A rule applied. One that applies to several episodes is one reason with the facts of all.
    pub fn reason(&mut self, rule: &Rule, facts: Vec<Fact>) {
        match self.notes.reasons.iter_mut().find(|reason| reason.rule == rule.id) {
            Some(reason) => reason.facts.extend(facts),
            None => self.notes.reasons.push(rule.reason(facts)),
        }
    }

    /// Raises an alert once.
    pub fn alert(&mut self, rule: &Rule, code: &str) {
        if !self.notes.alerts.iter().any(|alert| alert.code == code) {
            self.notes.alerts.push(rule.alert(code));
        }
    }

    /// A rule asks for a person's approval.
    pub fn ask(&mut self, role: Role, rule: &'static Rule) {
        match self.approval {
            Some((asked, _)) if asked == Role::DeptHead || role != Role::DeptHead => {}
            _ => self.approval = Some((role, rule)),
        }
    }

    /// Something is to be done for the whole case.
    pub fn oblige(&mut self, action: &str, owner: Role, args: Vec<Arg>) {
        self.notes.obligations.push(obligation(action, owner, None, args));
    }

    /// Something is to be done for an episode, once.
    pub fn oblige_for(&mut self, episode: &Episode, action: &str, mut args: Vec<Arg>) {
        args.insert(0, arg("episode", episode.episode_id.as_str()));
        let known = |known: &ombud_sdk::Obligation| known.action == action && known.args == args;
        if !self.notes.obligations.iter().any(known) {
            self.oblige(action, Role::Agent, args);
        }
    }

    /// The refund owed is to be paid at once (003 全額退款; 消法 25).
    pub fn refund_now(&mut self, episode: &Episode, due: Fen, now: InstantMs) {
        let args = vec![arg("episode", episode.episode_id.as_str()), arg("amount", yuan(due))];
        self.notes.obligations.push(obligation("refund-now", Role::Agent, Some(now), args));
    }

    /// The award is to be handed out.
    pub fn pay(&mut self, episode: &Episode, net: &Goodwill) {
        let parts = [(net.cash_form, net.cash), (net.kind_form, net.kind)];
        for (form, value) in parts.into_iter().filter(|(_, value)| *value > 0) {
            let action = match form {
                CompForm::Solatium => "pay-solatium",
                CompForm::Coupon => "issue-coupon",
                CompForm::SampleGift => "apology-gift",
                CompForm::CashRefund | CompForm::None => "pay-cash",
            };
            self.oblige_for(episode, action, vec![arg("amount", yuan(value))]);
        }
    }
}
