//! Outcome rows on delays: what a person must look at.

use ombud_sdk::Severity::High;
use ombud_sdk::delay::{Cause, DelayCase, DelayKind, DelayRuling, Episode};
use ombud_sdk::rules::civil::{DAY_MS, HOUR_MS};
use ombud_sdk::rules::delay::{blames_buyer, excused_by_force_majeure, overdue_ms};
use ombud_sdk::rules::lexicon;
use ombud_sdk::rules::notes::{Rule, fact};
use ombud_sdk::{Arg, Context, Reason, Tri};

use super::{awarded, facts_of};

const GR_202: Rule = Rule {
    id: "GR-202",
    severity: High,
    sources: &[("网络购买商品七日无理由退货暂行办法", "第31条"), ("侵害消费者权益行为处罚办法", "第8–10条")],
};
const GR_203: Rule = Rule { id: "GR-203", severity: High, sources: &[("民法典", "第590条")] };
const GR_204: Rule = Rule { id: "GR-204", severity: High, sources: &[("网络反不正当竞争暂行规定", "第9条第5项")] };
const GR_207: Rule = Rule { id: "GR-207", severity: High, sources: &[("电子商务法", "第17条"), ("电子商务法", "第20条")] };
const GR_208: Rule = Rule { id: "GR-208", severity: High, sources: &[("民法典", "第577条"), ("电子商务法", "第62条")] };

/// A refund open for longer is deliberate delay.
const DELIBERATE_AFTER_MS: i64 = 15 * DAY_MS;
/// From here on a delay of the merchant's is not borne without compensation.
const LATE_FROM_MS: i64 = 24 * HOUR_MS;

/// The first row that fits.
pub fn row(ctx: &Context, facts: &DelayCase, ruling: &DelayRuling) -> Option<Reason> {
    let unpaid = |episode: &Episode| {
        episode.kind == DelayKind::RefundProcessing
            && episode.refund_paid < episode.refund_owed
            && ctx.now > episode.basis_at.saturating_add(DELIBERATE_AFTER_MS)
    };
    // Late, and nothing is given for it. For goods in transit no award exists that could be missing (DC-004).
    let bare = |episode: &Episode| {
        episode.kind != DelayKind::InTransit && overdue_ms(episode, ctx.now) >= LATE_FROM_MS && !awarded(facts, ruling, episode)
    };
    let no_force_majeure = |episode: &Episode| episode.cause == Cause::ForceMajeure && !excused_by_force_majeure(episode) && bare(episode);
    let blamed = |episode: &Episode| blames_buyer(episode) && episode.cause_proven != Tri::Yes && bare(episode);
    // A proven excuse explains the missing award; without one the waybill was taken for the parcel.
    let excused = |episode: &Episode| excused_by_force_majeure(episode) || (blames_buyer(episode) && episode.cause_proven == Tri::Yes);
    let unscanned = |episode: &Episode| {
        episode.kind == DelayKind::Shipping
            && episode.merchant_marked_done.is_some()
            && episode.done.is_none()
            && !excused(episode)
            && bare(episode)
    };

    first(facts, unpaid)
        .map(|(index, episode)| {
            let owed = episode.refund_owed.to_string();
            GR_202.reason(facts_of(
                index,
                [("basis-at", episode.basis_at.to_string()), ("refund-owed", owed), ("refund-paid", episode.refund_paid.to_string())],
            ))
        })
        .or_else(|| first(facts, no_force_majeure).map(|(index, episode)| GR_203.reason(cause_of(index, episode))))
        .or_else(|| first(facts, blamed).map(|(index, episode)| GR_208.reason(cause_of(index, episode))))
        .or_else(|| {
            first(facts, unscanned).map(|(index, episode)| {
                let marked = episode.merchant_marked_done.map_or_else(String::new, |at| at.to_string());
                GR_207.reason(facts_of(index, [("merchant-marked-done", marked), ("done", "none".to_owned())]))
            })
        })
        .or_else(|| conditioned(ruling))
}

fn first(facts: &DelayCase, fits: impl Fn(&Episode) -> bool) -> Option<(usize, &Episode)> {
    facts.episodes.iter().enumerate().find(|(_, episode)| fits(episode))
}

fn cause_of(index: usize, episode: &Episode) -> Vec<ombud_sdk::Fact> {
    facts_of(index, [("cause", episode.cause.as_str().to_owned()), ("cause-proven", episode.cause_proven.as_str().to_owned())])
}

/// GR-204: what is owed may not be tied to a review. A condition of any kind, or a text that the reply check would stop.
fn conditioned(ruling: &DelayRuling) -> Option<Reason> {
    let of_obligations = ruling.notes.obligations.iter().flat_map(|obligation| &obligation.args);
    let of_messages = ruling.notes.messages.iter().flat_map(|message| &message.args);
    // The words of both rules are Chinese: an id or an amount need not be searched.
    let tied = |arg: &&Arg| arg.key == "condition" || (!arg.value.is_ascii() && lexicon::hits(&["RC-601", "RC-602"], &arg.value));
    of_obligations.chain(of_messages).find(tied).map(|arg| GR_204.reason(vec![fact(arg.key.as_str(), arg.value.as_str())]))
}
