//! Field rows on blacklist requests: an execution waits for open after-sale cases, ends some day, and is told.

use ombud_sdk::Severity::High;
use ombud_sdk::blacklist::{BlacklistCase, BlacklistRuling, Outcome};
use ombud_sdk::rules::blacklist::notice;
use ombud_sdk::rules::civil::DAY_MS;
use ombud_sdk::rules::notes::{Rule, fact, obligation};
use ombud_sdk::{Context, Reason, Role};

use super::executes;

const GR_304: Rule = Rule {
    id: "GR-304",
    severity: High,
    sources: &[("消费者权益保护法", "第24条"), ("消费者权益保护法", "第25条"), ("消费者权益保护法", "第48条第1款第8项")],
};
const GR_305: Rule = Rule {
    id: "GR-305",
    severity: High,
    sources: &[("个人信息保护法", "第19条"), ("个人信息保护法", "第24条第3款"), ("个人信息保护法", "第50条")],
};

/// The longest time without a review, and the one given where the ruling names none.
const REVIEW_MAX_MS: i64 = 365 * DAY_MS;
const REVIEW_DEFAULT_MS: i64 = 180 * DAY_MS;

/// GR-304: the block waits until the open after-sale cases are closed.
pub fn after_sale_open(facts: &BlacklistCase, ruling: &mut BlacklistRuling) -> Option<Reason> {
    if ruling.outcome != Outcome::Execute || facts.open_after_sales == 0 {
        return None;
    }
    ruling.outcome = Outcome::ExecuteDeferred;
    Some(GR_304.reason(vec![fact("open-after-sales", facts.open_after_sales.to_string())]))
}

/// GR-305: no measure without an end, a review and a word to the customer.
pub fn end_and_notice(ctx: &Context, facts: &BlacklistCase, ruling: &mut BlacklistRuling) -> Option<Reason> {
    let latest = ctx.now.saturating_add(REVIEW_MAX_MS);
    let ends = ruling.review_by.filter(|until| *until <= latest);
    let asked = |ruling: &BlacklistRuling, action: &str| ruling.notes.obligations.iter().any(|obligation| obligation.action == action);
    let (told, reviewed) = (asked(ruling, "notify-customer-of-measure"), asked(ruling, "schedule-review"));
    if !executes(ruling.outcome) || (ends.is_some() && told && reviewed) {
        return None;
    }
    let read = vec![fact("review-by", ruling.review_by.map_or_else(|| "none".to_owned(), |at| at.to_string()))];
    let until = ends.unwrap_or_else(|| ctx.now.saturating_add(REVIEW_DEFAULT_MS));
    ruling.review_by = Some(until);
    if !reviewed {
        ruling.notes.obligations.push(obligation("schedule-review", Role::Admin, Some(until), Vec::new()));
    }
    if !told {
        ruling.notes.obligations.push(obligation("notify-customer-of-measure", Role::Agent, Some(ctx.now), Vec::new()));
    }
    if ruling.notes.messages.is_empty() {
        ruling.notes.messages.push(notice(facts.criterion, ruling.measure, until, ctx));
    }
    Some(GR_305.reason(read))
}
