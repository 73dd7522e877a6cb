//! What single rows bring with them beside the outcome: obligations, alerts, and the words of a refusal.

use ombud_rules::after_sale::{Draft, Row, list_zh, not_intact_because};
use ombud_rules::civil::{day_of, iso_date};
use ombud_rules::contract::after_sale::{Outcome, ParcelContent};
use ombud_rules::contract::types::{ItemCategory, Role, Severity};

/// Hours in which compliance and supervisors hear of an injury, a recall or a threat.
const URGENT_HOURS: i64 = 2;
/// Hours in which a customer is answered (SL-010).
const ANSWER_HOURS: i64 = 24;

/// Obligations and alerts of a row that decided or joined.
pub fn of_row(draft: &mut Draft<'_>, row: &'static Row) {
    let urgent = Some(draft.in_hours(URGENT_HOURS));
    let answer = Some(draft.in_hours(ANSWER_HOURS));
    match row.id {
        "AS-423" => draft.oblige("preserve-evidence", Role::Agent, urgent, &[]),
        "AS-104" => {
            draft.alert("injury", Severity::Critical, row);
            draft.oblige("notify-compliance", Role::Agent, urgent, &[]);
        }
        "AS-422" => draft.oblige("hand-over-supervisor", Role::Agent, urgent, &[("reason", "further-damage")]),
        "AS-101" => {
            draft.oblige("stop-sale", Role::Supervisor, urgent, &[]);
            draft.oblige("notify-compliance", Role::Agent, urgent, &[]);
        }
        "AS-312" => {
            draft.alert("hidden-defect", Severity::High, row);
            draft.oblige("notify-compliance", Role::Agent, urgent, &[]);
        }
        "AS-306a" => draft.oblige("remote-troubleshoot", Role::Agent, answer, &[]),
        "AS-306" => {
            draft.oblige("free-pickup", Role::Agent, answer, &[]);
            draft.oblige("apology-gift", Role::Agent, None, &[]);
        }
        "AS-411" => draft.oblige("inspect-on-receipt", Role::Agent, draft.case.return_received_at.and(answer), &[]),
        "AS-701" if draft.case.parcel_content == ParcelContent::Unknown => {
            draft.oblige("inspect-on-receipt", Role::Agent, answer, &[]);
        }
        "AS-421" => {
            draft.oblige("decline-extra-compensation", Role::Agent, answer, &[]);
            draft.oblige("explain-policy-basis", Role::Agent, None, &[]);
        }
        _ => {}
    }
}

/// The words of an adverse ruling: what it rests on, what is offered instead, and that a person can be asked (PIPL 24(3)).
pub fn refuse(draft: &mut Draft<'_>, row: &'static Row) {
    if !matches!(draft.ruling.outcome, Outcome::RejectWithAlternative | Outcome::RejectDuplicate | Outcome::InvalidInput) {
        return;
    }
    let lines = draft.lines;
    let cosmetics = lines.iter().all(|line| line.line.category == ItemCategory::Cosmetics);
    match row.id {
        "AS-001" => draft.say("as.invalid", &[]),
        "AS-002" => draft.say("as.duplicate", &[]),
        "AS-003" => draft.say("as.settled", &[]),
        "AS-310" => {
            draft.say("as.reject.human_damage", &[]);
            offer(draft, "paid-repair");
        }
        "AS-402" => {
            let deadline = draft.ruling.window_deadline.map_or_else(String::new, |end| iso_date(day_of(end, draft.ctx.tz_offset_min)));
            draft.say("as.reject.window_expired", &[("deadline", &deadline)]);
            offer(draft, "quality-rights");
        }
        "AS-410" if cosmetics => {
            draft.say("as.reject.cosmetics_used", &[]);
            offer(draft, "usage-guidance|trial-sample|negotiated-depreciation");
        }
        "AS-410" => {
            let mut details: Vec<&str> = Vec::new();
            for line in lines {
                for detail in not_intact_because(line.line.category, &draft.case.condition) {
                    if !details.contains(&detail) {
                        details.push(detail);
                    }
                }
            }
            draft.say("as.reject.not_intact", &[("detail", &list_zh(&details))]);
            offer(draft, "usage-guidance|trial-sample|negotiated-depreciation");
        }
        id => {
            draft.say("as.reject.excluded", &[("class", excluded_zh(id))]);
            offer(draft, "quality-rights");
        }
    }
    draft.explain(row);
    draft.oblige("explain-policy-basis", Role::Agent, Some(draft.in_hours(ANSWER_HOURS)), &[]);
}

fn offer(draft: &mut Draft<'_>, alternatives: &str) {
    draft.oblige("offer-alternative", Role::Agent, Some(draft.in_hours(ANSWER_HOURS)), &[("kind", alternatives)]);
}

/// The class of excluded goods (`class` of as.reject.excluded).
fn excluded_zh(rule: &str) -> &'static str {
    match rule {
        "AS-404" => "消费者定作的商品",
        "AS-405" => "鲜活易腐的商品",
        "AS-406" => "已拆封或下载的数字化商品",
        "AS-407" => "已交付的报纸、期刊",
        _ => "购买时经您确认不适用无理由退货的商品",
    }
}
