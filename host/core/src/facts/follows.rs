//! Whether a recorded case follows from its event. What the host's own records added is taken as the case has it, for it is of other records:
//! everything else is what the event says.

use ombud_rules::contract::after_sale::AfterSaleCase;
use ombud_rules::contract::blacklist::{BlacklistCase, Stage};
use ombud_rules::contract::delay::DelayCase;
use ombud_rules::contract::reply::ReplyCase;
use ombud_rules::contract::types::{InstantMs, Tri};

use super::{after_sale, delay, reply};
use crate::case::Case;
use crate::event::input::BlacklistInput;
use crate::event::{Data, Event};
use crate::history::{CaseHistory, CustomerHistory, DelayHistory, History, LineHistory, OrderHistory, ReplyHistory};
use crate::money::EPISODE_AFTER_SALE;

/// The parts of a recorded case that its event says otherwise; none where it follows from it.
pub fn differing(event: &Event, case: &Case) -> Vec<&'static str> {
    let data = &event.data;
    match case {
        Case::AfterSale(case) => of_after_sale(event, case),
        Case::Delay(case) => of_delay(data, case),
        Case::Blacklist(case) => of_blacklist(data, event.now(), case),
        Case::Reply(case) => of_reply(data, case),
    }
}

/// The names of those parts that are not the same.
fn named(parts: impl IntoIterator<Item = (&'static str, bool)>) -> Vec<&'static str> {
    parts.into_iter().filter(|(_, same)| !same).map(|(name, _)| name).collect()
}

fn of_after_sale(event: &Event, case: &AfterSaleCase) -> Vec<&'static str> {
    let data = &event.data;
    let (Some(input), Some(order), Some(customer)) = (&data.after_sale, &data.order, &data.customer_ref) else {
        return vec!["kind"];
    };
    let Some(stage) = event.envelope.event_type.stage().or(input.stage) else { return vec!["stage"] };
    let lines = case.order.lines.iter().map(|line| LineHistory {
        line_id: line.line_id.clone(),
        refunded: line.refunded,
        qty_returned: line.qty_returned,
    });
    let history = History {
        order: OrderHistory { lines: lines.collect(), freight_refunded: case.order.freight_refunded },
        case: CaseHistory {
            duplicate_open: case.duplicate_active,
            attempts: case.attempts_used,
            decided: true,
            approved: case.agreed_resolution,
        },
        customer: CustomerHistory {
            malicious_returns: case.customer.malicious_returns,
            extortion: case.customer.extortion_flag == Tri::Yes,
            ..CustomerHistory::default()
        },
        ..History::default()
    };
    let said = after_sale::case(input, stage, order, customer, data.customer.as_ref(), &history);
    let (order, customer, lines) = (said.order == case.order, said.customer == case.customer, said.lines == case.lines);
    let rest = AfterSaleCase { order: case.order.clone(), customer: case.customer.clone(), lines: case.lines.clone(), ..said };
    named([("order", order), ("customer", customer), ("lines", lines), ("request", rest == *case)])
}

fn of_delay(data: &Data, case: &DelayCase) -> Vec<&'static str> {
    let Some(input) = &data.delay else { return vec!["kind"] };
    let lines = case.lines.iter().map(|line| LineHistory { line_id: line.line_id.clone(), refunded: line.refunded, qty_returned: 0 });
    let own_cases = case.attributes.iter().filter_map(|attribute| {
        let episode = attribute.key.strip_prefix(EPISODE_AFTER_SALE)?;
        (episode == attribute.value).then(|| attribute.value.clone())
    });
    let history = History {
        delay: DelayHistory { lines: lines.collect(), own_cases: own_cases.collect(), ..DelayHistory::default() },
        customer: CustomerHistory { extortion: case.extortion_flag == Tri::Yes, ..CustomerHistory::default() },
        ..History::default()
    };
    let said = delay::case(input, &history);
    let (lines, episodes) = (said.lines == case.lines, said.episodes == case.episodes);
    // What the host granted stands behind what the event says of grants.
    let already = case.already.starts_with(&input.already);
    let rest = DelayCase { lines: case.lines.clone(), episodes: case.episodes.clone(), already: case.already.clone(), ..said };
    named([("lines", lines), ("episodes", episodes), ("grants", already), ("request", rest == *case)])
}

fn of_reply(data: &Data, case: &ReplyCase) -> Vec<&'static str> {
    let Some(input) = &data.reply else { return vec!["kind"] };
    let history = History {
        reply: ReplyHistory {
            decided: true,
            compensation: case.approved_compensation,
            refund: case.approved_refund,
            reason: case.case_reason,
        },
        ..History::default()
    };
    let said = reply::case(input, &history);
    let text = said.text == case.text;
    let rest = ReplyCase { text: case.text.clone(), ..said };
    named([("text", text), ("request", rest == *case)])
}

/// A blacklist case is what all acts on the request made of it: of this event's own act, what it says last.
fn of_blacklist(data: &Data, now: InstantMs, case: &BlacklistCase) -> Vec<&'static str> {
    let Some(input) = &data.blacklist else { return vec!["kind"] };
    let id = ("request id", input.request_id() == case.request_id);
    // One that is carried out, put away or appealed stays what it is, whatever is said of it.
    if matches!(case.stage, Stage::Executed | Stage::Archived | Stage::Appealed) {
        return named([id]);
    }
    let same = match input {
        BlacklistInput::Request(request) => {
            let all = |id: &str| case.incidents.iter().any(|incident| incident.incident_id == id);
            request.criterion == case.criterion
                && request.alternatives_tried == case.alternatives_tried
                && request.impact_assessed == case.impact_assessed
                && request.platform_rule_ok == case.platform_rule_ok
                && request.protected_conduct_only == case.protected_conduct_only
                && request.attributes == case.attributes
                && request.incidents.iter().all(|incident| all(&incident.incident_id))
                && request.evidence.iter().all(|item| case.evidence.contains(item))
        }
        BlacklistInput::Verdict(verdict) if case.stage != Stage::Draft => {
            let last = case.steps.last();
            last.is_some_and(|last| (last.verdict, &last.note, last.at) == (verdict.verdict, &verdict.note, now))
                && verdict.evidence.iter().all(|item| case.evidence.contains(item))
        }
        BlacklistInput::Verdict(_) | BlacklistInput::Appeal(_) | BlacklistInput::Review(_) => true,
    };
    named([id, ("act", same)])
}
