//! The templates (domain model 4.6), and those the default policies need beside them.

use super::Locale;

/// Keys of the basis of an adverse ruling: `as.explain.as-402`.
pub(crate) const EXPLANATION: &str = "as.explain.";
/// Keys of the advice to the author of a draft: `rc.fix.RC-101`.
pub(super) const ADVICE: &str = "rc.fix.";

/// One message in every language, its arguments in braces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Template {
    /// The key; one that ends in `.*` stands for every rule's key of that beginning.
    pub key: &'static str,
    zh_cn: &'static str,
    en: &'static str,
}

const fn template(key: &'static str, zh_cn: &'static str, en: &'static str) -> Template {
    Template { key, zh_cn, en }
}

/// Every template.
pub const TEMPLATES: &[Template] = &[
    template(
        "as.approve.return",
        "您的退货申请已通过。请在{deadline}前寄回商品并保留凭证，我们收到后{days}天内退款{refund}元。",
        "Your return is approved. Please send the item by {deadline} and keep the receipt; we refund ¥{refund} within {days} days of receipt.",
    ),
    template(
        "as.approve.refund_only",
        "已为您办理退款{refund}元，原路退回。",
        "¥{refund} is being refunded to the original payment method.",
    ),
    template(
        "as.exchange.guide",
        "我们会寄送正确商品，您无需承担额外运费，预计{days}天内完成。",
        "We will send the correct item at no extra freight, expected within {days} days.",
    ),
    template(
        "as.exchange.preference",
        "您的换货申请已通过。请在{deadline}前寄回商品，寄回运费由您承担；我们收到后{days}天内寄出换货商品。",
        "Your exchange is approved. Please send the item by {deadline}, the freight for sending it back is yours; the replacement leaves within {days} days of receipt.",
    ),
    template(
        "as.exchange.quality",
        "已确认质量问题，立即为您换新并安排免费上门取件。",
        "Fault confirmed: replacement arranged with free pick-up.",
    ),
    template(
        "as.repair",
        "商品在保修期内，我们安排维修，往返运费由我们承担。",
        "Under warranty: repair arranged, freight both ways on us.",
    ),
    // A fault without a warranty, and a repair at the buyer's cost: the sentence above would be untrue.
    template(
        "as.repair.fault",
        "已确认商品存在问题，我们安排维修，往返运费由我们承担。",
        "Fault confirmed: repair arranged, freight both ways on us.",
    ),
    template(
        "as.repair.arranged",
        "已为您安排维修，收到商品后{days}天内完成。",
        "Repair arranged, finished within {days} days of receipt.",
    ),
    template("as.resend", "缺少的部分将为您补寄。", "We will send the missing part."),
    template("as.need_evidence", "为尽快处理，请补充：{items}。", "To proceed please add: {items}."),
    template(
        "as.investigate.not_received",
        "正在向快递调取签收记录，{hours}小时内回复您。",
        "We are requesting the signing record and will reply within {hours} h.",
    ),
    template(
        "as.human_review",
        "您的申请已转人工复核，{hours}小时内回复您。",
        "Your request is being reviewed by a person; reply within {hours} h.",
    ),
    template("as.options", "您可以选择{options}，往返运费由我们承担。", "You may choose {options}; freight both ways on us."),
    template(
        "as.intercept",
        "已联系快递拦截，拦截成功后退款{refund}元；如仍派送，您可以拒收。",
        "The carrier is asked to intercept; ¥{refund} follows. If it still arrives you may refuse it.",
    ),
    template(
        "as.refund_now",
        "已收到您寄回的商品，将在{deadline}前退款{refund}元，原路退回。",
        "Your return arrived; ¥{refund} is refunded by {deadline} to the original payment method.",
    ),
    template(
        "as.partial",
        "按损坏比例为您退款{refund}元，商品无需寄回。",
        "¥{refund} is refunded for the damaged share; no need to send it back.",
    ),
    template(
        "as.duplicate",
        "该商品已有处理中的售后单，我们会在原单中继续处理。",
        "A case for this item is already open; we continue there.",
    ),
    template(
        "as.settled",
        "您申请的商品已在此前的售后单中退回或退款，无需再次申请。",
        "The goods of this request were returned or refunded in an earlier case; there is nothing left to request.",
    ),
    template(
        "as.invalid",
        "您提交的申请与订单信息不一致，暂时无法受理；请核对后重新提交。",
        "The request does not agree with the order, so it cannot be handled yet; please check it and submit again.",
    ),
    template(
        "as.reject.window_expired",
        "已超过无理由退货期限（{deadline}）。若有质量问题请告知，我们另行处理。",
        "The no-reason period ended on {deadline}. If there is a quality problem tell us and we will handle it.",
    ),
    template(
        "as.reject.cosmetics_used",
        "商品密封包装已拆且无质量问题，无法办理无理由退货；可为您提供使用指导或试用装。",
        "The seal is broken and there is no quality problem, so a no-reason return is not possible; we offer usage guidance or a trial sample.",
    ),
    template(
        "as.reject.not_intact",
        "商品{detail}，不符合商品完好标准；如有异议可申请人工复核。",
        "The item {detail} and is therefore not intact; you may request human review.",
    ),
    template(
        "as.reject.excluded",
        "该商品属于{class}，不适用七日无理由退货；质量问题不受影响。",
        "This item is {class} and excluded from no-reason returns; quality rights are unaffected.",
    ),
    template(
        "as.reject.human_damage",
        "检测报告显示损坏由使用造成，不属于质量问题；我们可以为您安排付费维修，如有异议可申请人工复核。",
        "The inspection report shows damage from use, not a quality problem; we can arrange a paid repair, and you may request human review.",
    ),
    // A merchant's own rule, which has no number of this project's.
    template("as.explain.merchant", "处理依据：{rule}；您有权要求人工复核。", "Basis: {rule}; you may ask for human review."),
    template("as.explain.*", "处理依据：{rule}；您有权要求人工复核。", "Basis: {rule}; you may ask for human review."),
    template(
        "dc.ship.slight",
        "发货略有延迟，为表歉意赠送{amount}元优惠券，并已优先安排发货。",
        "Sorry for the delay: a ¥{amount} coupon and priority shipping.",
    ),
    template(
        "dc.ship.moderate",
        "非常抱歉延迟较久，退还货款的10%（{amount}元）并优先发货；您也可以取消并全额退款。",
        "Sorry for the long delay: 10 % (¥{amount}) back and priority shipping; you may also cancel for a full refund.",
    ),
    template(
        "dc.refund.severe",
        "退款延误深表歉意，已紧急办理退款{refund}元，并补偿{amount}元慰问金。",
        "Sorry for the late refund: ¥{refund} is being paid now plus ¥{amount}.",
    ),
    template("dc.exchange", "换货延误，正在为您加急处理。", "Your exchange is being expedited."),
    template("dc.repair", "维修延误，正在为您加急处理。", "Your repair is being expedited."),
    template("dc.care", "给您添麻烦了，最新进度：{status}，预计{eta}。", "Apologies; status {status}, expected {eta}."),
    template(
        "dc.force_majeure",
        "受{cause}影响暂无法按时发货，您可选择等待或全额退款。",
        "Because of {cause} we cannot ship in time; wait or full refund as you prefer.",
    ),
    template(
        "bl.notice",
        "因{reason}，我们对您的{scope}服务作出限制，至{until}；不影响您的法定售后权利，您可申诉。",
        "Because of {reason} we restrict {scope} until {until}; statutory rights are unaffected and you may appeal.",
    ),
    template(
        "bl.chat_end",
        "为保障沟通秩序，本次对话先到这里，主管会与您联系。",
        "We are ending this chat; a supervisor will contact you.",
    ),
    template(
        "sla.escalated",
        "已升级至售后主管，2小时内与您电话联系。",
        "Escalated to the after-sales supervisor, who will call within 2 hours.",
    ),
    template("rc.fix.*", "（内部）请修改：{finding}，建议：{suggestion}。", "(internal) Please change {finding}; suggestion {suggestion}."),
];

impl Template {
    /// The template of a key.
    pub fn of(key: &str) -> Option<&'static Self> {
        let named = |template: &&Template| match template.key.strip_suffix('*') {
            Some(beginning) => key.strip_prefix(beginning).is_some_and(|rule| is_rule(beginning, rule)),
            None => template.key == key,
        };
        TEMPLATES.iter().find(named)
    }

    /// Its text, arguments in braces.
    pub fn text(&self, locale: Locale) -> &'static str {
        match locale {
            Locale::ZhCn => self.zh_cn,
            Locale::En => self.en,
        }
    }
}

/// Whether the end of a key is a rule of its kind: `as-402`, `as-206b`; `RC-101`.
fn is_rule(beginning: &str, rule: &str) -> bool {
    let prefix = if beginning == EXPLANATION { "as-" } else { "RC-" };
    let number = rule.strip_prefix(prefix).map(|number| number.trim_end_matches(|last: char| last.is_ascii_lowercase()));
    number.is_some_and(|number| number.len() == 3 && number.bytes().all(|byte| byte.is_ascii_digit()))
}
