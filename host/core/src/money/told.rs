//! The amounts of late refunds in the words of a ruling: as they are paid, and each that is paid.

use ombud_rules::after_sale::yuan;
use ombud_rules::contract::delay::DelayRuling;
use ombud_rules::contract::types::{Arg, Message, Notes, Obligation};

use super::Late;

/// The template of a refund without compensation.
pub(crate) const REFUND_ALONE: &str = "as.approve.refund_only";

/// Obligations that pay a refund.
const REFUNDING: &[&str] = &["refund-now", "refund-after-receipt"];

/// The argument of messages and obligations that names a refund to the customer, and the one that names goodwill.
const REFUND: &str = "refund";
const AMOUNT: &str = "amount";

/// Puts the amounts that are paid in the place of those that messages and obligations name, in fen; what names an amount of which nothing is
/// paid is not told.
pub(super) fn retell(notes: &mut Notes, told: &[(i64, i64)]) {
    let changed: Vec<(String, Option<String>)> = told
        .iter()
        .filter(|(before, after)| before != after)
        .map(|(before, after)| (yuan(*before), (*after > 0).then(|| yuan(*after))))
        .collect();
    let now = |arg: &Arg| changed.iter().find(|(before, _)| *before == arg.value).map(|(_, after)| after);
    notes.messages.retain(|message| message.args.iter().all(|arg| now(arg).is_none_or(Option::is_some)));
    notes.obligations.retain(|obligation| obligation.args.iter().all(|arg| now(arg).is_none_or(Option::is_some)));
    let messages = notes.messages.iter_mut().flat_map(|message| &mut message.args);
    for arg in messages.chain(notes.obligations.iter_mut().flat_map(|obligation| &mut obligation.args)) {
        if let Some(Some(after)) = now(arg) {
            arg.value.clone_from(after);
        }
    }
}

/// A late refund of an award, in fen, before and after it was lowered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Lowered {
    /// The episode's id.
    pub episode: String,
    /// Fen before.
    pub before: i64,
    /// Fen now.
    pub after: i64,
}

/// The same since the third edition: each refund by itself. Of two of the same amount one may be paid and the other not, and what goodwill comes
/// to is no refund, whatever it comes to.
pub(super) fn retell_each(notes: &mut Notes, lowered: &[Lowered], total: (i64, i64)) {
    let mut of_messages = Open { refunds: lowered.iter().collect(), total };
    notes.messages.retain_mut(|message| message.args.iter_mut().filter(|arg| arg.key != AMOUNT).all(|arg| of_messages.retell(None, arg)));
    let mut of_obligations = Open { refunds: lowered.iter().collect(), total };
    notes.obligations.retain_mut(|obligation| {
        let (pays, episode) = (REFUNDING.contains(&obligation.action.as_str()), episode_of(obligation));
        let mut args = obligation.args.iter_mut().filter(|arg| pays || arg.key != AMOUNT);
        args.all(|arg| of_obligations.retell(episode.as_deref(), arg))
    });
}

/// The episode that an obligation names.
fn episode_of(obligation: &Obligation) -> Option<String> {
    obligation.args.iter().find(|arg| arg.key == "episode").map(|arg| arg.value.clone())
}

/// Refunds that no word has named yet.
struct Open<'l> {
    refunds: Vec<&'l Lowered>,
    total: (i64, i64),
}

impl Open<'_> {
    /// Puts what is paid in the place of a refund that an argument names, if it does. Whether it is told: of what is not paid nothing is.
    fn retell(&mut self, episode: Option<&str>, arg: &mut Arg) -> bool {
        let named = |own: &Lowered| yuan(own.before) == arg.value;
        let own = self.refunds.iter().position(|own| named(own) && Some(own.episode.as_str()) == episode);
        let at = own.or_else(|| self.refunds.iter().position(|own| named(own) && episode.is_none()));
        let after = match at {
            Some(at) => self.refunds.remove(at).after,
            None if arg.value == yuan(self.total.0) => self.total.1,
            None => return true,
        };
        if after > 0 {
            arg.value = yuan(after);
        }
        after > 0
    }
}

/// Tells of each late refund that is paid and that no message names: a policy may tell of the lines' first award alone, or of none where no
/// solatium comes with it. What only states again what is on record was told before.
pub fn tell_late(ruling: &mut DelayRuling, late: &[Late<'_>]) {
    let paid = |late: &Late<'_>| late.stated.saturating_add(late.new);
    let is_alone = late.iter().filter(|late| paid(late) > 0).count() < 2;
    let messages = &mut ruling.notes.messages;
    // One alone may be told in whatever words a policy has.
    let args = messages.iter().flat_map(|message| &message.args).filter(|arg| is_alone || arg.key == REFUND);
    let mut named: Vec<String> = args.map(|arg| arg.value.clone()).collect();
    let total = late.iter().fold(0, |sum: i64, late| sum.saturating_add(paid(late)));
    if named.contains(&yuan(total)) {
        // All of them in one sum.
        return;
    }
    for late in late.iter().filter(|late| paid(late) > 0) {
        let value = yuan(paid(late));
        match named.iter().position(|own| *own == value) {
            Some(at) => drop(named.remove(at)),
            None if late.new > 0 => {
                let args = vec![Arg { key: REFUND.into(), value }];
                messages.push(Message { key: REFUND_ALONE.into(), locale: "zh-CN".into(), args });
            }
            None => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arg(key: &str, value: &str) -> Arg {
        Arg { key: key.into(), value: value.into() }
    }

    fn message(refund: &str, amount: &str) -> Message {
        Message { key: "dc.refund.severe".into(), locale: "zh-CN".into(), args: vec![arg("refund", refund), arg("amount", amount)] }
    }

    #[test]
    fn words_name_the_amounts_that_are_paid() {
        let message = |value: &str| message(value, "50.00");
        let mut notes = Notes { messages: vec![message("150.00"), message("70.00"), message("80.00")], ..Notes::empty() };
        retell(&mut notes, &[(15_000, 7_001), (7_000, 7_000), (8_000, 0)]);
        assert_eq!(notes.messages, [message("70.01"), message("70.00")]);
    }

    fn lowered(refunds: &[(&str, i64, i64)]) -> Vec<Lowered> {
        refunds.iter().map(|(episode, before, after)| Lowered { episode: (*episode).into(), before: *before, after: *after }).collect()
    }

    #[test]
    fn of_two_refunds_of_the_same_amount_each_is_told_as_it_is_paid() {
        let told = |refunds: &[(&str, i64, i64)], total: (i64, i64), messages: &[(&str, &str)]| {
            let messages = messages.iter().map(|(refund, amount)| message(refund, amount)).collect();
            let mut notes = Notes { messages, ..Notes::empty() };
            retell_each(&mut notes, &lowered(refunds), total);
            notes.messages
        };
        let both = [("150.00", "50.00"), ("150.00", "60.00")];
        let total = (30_000, 15_000);
        assert_eq!(told(&[("a", 15_000, 15_000), ("b", 15_000, 0)], total, &both), [message("150.00", "50.00")]);
        assert_eq!(told(&[("a", 15_000, 0), ("b", 15_000, 15_000)], total, &both), [message("150.00", "60.00")]);
        let each = [message("100.00", "50.00"), message("20.00", "60.00")];
        assert_eq!(told(&[("a", 15_000, 10_000), ("b", 15_000, 2_000)], (30_000, 12_000), &both), each);
        // Goodwill of the same amount is not lowered, and all of it in one sum is.
        assert_eq!(told(&[("a", 5_000, 2_000)], (5_000, 2_000), &[("50.00", "50.00")]), [message("20.00", "50.00")]);
        assert_eq!(told(&[("a", 5_000, 2_000), ("b", 1_000, 1_000)], (6_000, 3_000), &[("60.00", "1.00")]), [message("30.00", "1.00")]);
        assert_eq!(told(&[("a", 5_000, 2_000)], (5_000, 2_000), &[("70.00", "1.00")]), [message("70.00", "1.00")]);
    }

    #[test]
    fn an_obligation_is_lowered_with_its_own_episode() {
        let obligation = |action: &str, episode: &str, value: &str| Obligation {
            action: action.into(),
            owner: ombud_rules::contract::types::Role::Agent,
            due: None,
            args: vec![arg("episode", episode), arg("amount", value)],
        };
        let given = [("refund-now", "b"), ("refund-now", "a"), ("pay-solatium", "a")];
        let obligations = given.iter().map(|(action, episode)| obligation(action, episode, "50.00")).collect();
        let mut notes = Notes { obligations, ..Notes::empty() };
        retell_each(&mut notes, &lowered(&[("a", 5_000, 2_000), ("b", 5_000, 0)]), (10_000, 2_000));
        assert_eq!(notes.obligations, [obligation("refund-now", "a", "20.00"), obligation("pay-solatium", "a", "50.00")]);
    }
}
