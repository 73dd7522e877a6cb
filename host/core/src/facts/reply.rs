//! The reply case.

use ombud_rules::contract::reply::ReplyCase;

use crate::history::History;

/// The case of an event with what the host approved. Once it has decided, the helpdesk's word on the amounts no longer
/// counts: a promise above what was approved is a false one (RC-606).
pub(super) fn case(input: &ReplyCase, history: &History) -> ReplyCase {
    let own = &history.reply;
    let (approved_compensation, approved_refund) =
        if own.decided { (own.compensation, own.refund) } else { (input.approved_compensation, input.approved_refund) };
    ReplyCase { approved_compensation, approved_refund, case_reason: input.case_reason.or(own.reason), ..input.clone() }
}
