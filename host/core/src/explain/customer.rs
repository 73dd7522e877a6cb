//! The explanation for the customer.

use serde::{Deserialize, Serialize};

use super::outcomes::{self, concerns_customer};
use super::recorded::RecordedDecision;
use super::text::{date, yuan};
use super::{ActOf, PersonAct, sources};
use crate::decision::DecisionMessage;
use crate::disposition::Disposition;
use crate::kind::Kind;
use crate::messages::Locale;
use crate::money::{Amounts, Due};

/// An explanation for the customer: every text is in one language and may be sent as it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct ForCustomer {
    /// The decision's id.
    pub decision: String,
    /// The language, `zh-CN` or `en`.
    pub lang: String,
    /// What was decided.
    pub result: String,
    /// Its money; none where there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub money: Option<String>,
    /// The messages of the rules' templates.
    pub messages: Vec<String>,
    /// The law and the public rules that it rests on, the most important first.
    pub basis: Vec<String>,
    /// How it was decided, and on what.
    pub how: String,
    /// The right to a person's review and to an explanation.
    pub rights: String,
    /// What persons decided since, oldest first.
    pub later: Vec<LaterLine>,
}

/// What a person decided later.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct LaterLine {
    /// The civil date in the shop's time zone.
    pub on: String,
    /// What stands since.
    pub text: String,
}

/// Messages that state the basis: the explanation states it itself.
const BASIS: &str = "as.explain.";

/// The explanation of a decision.
pub fn for_customer(id: &str, recorded: &RecordedDecision, acts: &[PersonAct], tz_offset_min: i32, locale: Locale) -> ForCustomer {
    let decision = &recorded.decision;
    let concerned = concerns_customer(decision.kind, &decision.outcome);
    let messages = decision.messages.iter().filter(|message| concerned && !message.key.starts_with(BASIS));
    ForCustomer {
        decision: id.to_owned(),
        lang: tag(locale).to_owned(),
        result: outcomes::words(decision.kind, &decision.outcome, locale).to_owned(),
        money: money(decision.due, &decision.amounts, locale),
        messages: messages.map(|message| text_of(message, locale)).collect(),
        basis: if concerned { basis(recorded, locale) } else { Vec::new() },
        how: how(recorded, locale),
        rights: rights(decision.kind, concerned, locale),
        later: acts.iter().map(|act| later(decision.kind, act, tz_offset_min, locale)).collect(),
    }
}

/// What is left to say of a decision whose facts were erased.
pub fn erased(id: &str, kind: Kind, outcome: &str, locale: Locale) -> ForCustomer {
    ForCustomer {
        decision: id.to_owned(),
        lang: tag(locale).to_owned(),
        result: outcomes::words(kind, outcome, locale).to_owned(),
        money: None,
        messages: Vec::new(),
        basis: Vec::new(),
        how: match locale {
            Locale::ZhCn => "与您有关的资料已按要求删除，无法再说明理由。".to_owned(),
            Locale::En => "Your data were erased as requested, so the reasons can no longer be given.".to_owned(),
        },
        rights: rights(kind, concerns_customer(kind, outcome), locale),
        later: Vec::new(),
    }
}

const fn tag(locale: Locale) -> &'static str {
    match locale {
        Locale::ZhCn => "zh-CN",
        Locale::En => "en",
    }
}

fn text_of(message: &DecisionMessage, locale: Locale) -> String {
    match locale {
        Locale::ZhCn => message.zh_cn.clone(),
        Locale::En => message.en.clone(),
    }
}

/// The sources of the rule that decided, then those of the others; internal ones are left out.
fn basis(recorded: &RecordedDecision, locale: Locale) -> Vec<String> {
    let deciding = recorded.deciding();
    let reasons = &recorded.decision.reasons;
    let first = deciding.and_then(|at| reasons.get(at));
    let others = reasons.iter().enumerate().filter(|(at, _)| Some(*at) != deciding).map(|(_, reason)| reason);
    let mut basis: Vec<String> = Vec::new();
    for citation in first.into_iter().chain(others).flat_map(|reason| &reason.citations) {
        if let Some(cited) = sources::public(citation, locale)
            && !basis.contains(&cited)
        {
            basis.push(cited);
        }
    }
    if basis.is_empty() {
        basis.push(match locale {
            Locale::ZhCn => "本店已公示的售后规则".to_owned(),
            Locale::En => "the shop's published after-sales rules".to_owned(),
        });
    }
    basis
}

fn money(due: Due, amounts: &Amounts, locale: Locale) -> Option<String> {
    if !amounts.any() {
        return None;
    }
    let part = |fen: i64, zh: &str, en: &str| {
        (fen > 0).then(|| match locale {
            Locale::ZhCn => format!("{zh}{}元", yuan(fen)),
            Locale::En => format!("{en} ¥{}", yuan(fen)),
        })
    };
    let parts: Vec<String> = [
        part(amounts.refund, "退款", "refund"),
        part(amounts.cash, "补偿", "compensation"),
        part(amounts.coupon, "优惠券或赠品", "coupon or gift"),
    ]
    .into_iter()
    .flatten()
    .collect();
    Some(match (locale, due) {
        (Locale::ZhCn, Due::Now) => parts.join("，"),
        (Locale::ZhCn, Due::Later) => format!("收到退回商品后：{}", parts.join("，")),
        (Locale::ZhCn, Due::Proposal) => format!("建议金额（以人工确认为准）：{}", parts.join("，")),
        (Locale::En, Due::Now) => parts.join(", "),
        (Locale::En, Due::Later) => format!("once the goods are back: {}", parts.join(", ")),
        (Locale::En, Due::Proposal) => format!("proposed, to be confirmed by a person: {}", parts.join(", ")),
    })
}

/// By what means, and on which facts. That a person's record with the shop was looked at is said where it was.
fn how(recorded: &RecordedDecision, locale: Locale) -> String {
    let decision = &recorded.decision;
    let read = |path: &str| decision.reasons.iter().flat_map(|reason| &reason.facts).any(|fact| fact.path == path);
    if decision.fault.is_some() {
        return match locale {
            Locale::ZhCn => "系统未能自动作出决定，已转由人工处理。".to_owned(),
            Locale::En => "The system could not decide by itself, so a person does.".to_owned(),
        };
    }
    if decision.kind == Kind::Blacklist {
        return match locale {
            Locale::ZhCn => "本处理经主管和部门负责人逐级审核后作出。".to_owned(),
            Locale::En => "Decided by a supervisor and a head of department, one after the other.".to_owned(),
        };
    }
    let returns = read("customer.malicious-returns");
    let person = matches!(decision.disposition, Disposition::HumanReview | Disposition::Escalate | Disposition::NeedApproval);
    match locale {
        Locale::ZhCn => {
            let by = if person { "系统按规则将其转由人工处理" } else { "本处理由系统按规则自动作出" };
            let record = if returns { "，以及近180天内经人工确认的异常退货次数" } else { "" };
            format!("{by}，依据的是订单、申请和凭证中的事实{record}。")
        }
        Locale::En => {
            let by = if person { "Handed to a person by fixed rules" } else { "Decided automatically by fixed rules" };
            let record = if returns { ", and on the number of abnormal returns that a person confirmed in the last 180 days" } else { "" };
            format!("{by}, on the facts of the order, the request and its evidence{record}.")
        }
    }
}

/// Every customer may ask for a person and for the reasons (PIPL art. 24(3)), whatever was decided; a measure may be appealed.
fn rights(kind: Kind, concerned: bool, locale: Locale) -> String {
    let appeal = kind == Kind::Blacklist && concerned;
    match (locale, appeal) {
        (Locale::ZhCn, false) => "您有权要求人工复核并要求说明理由（个人信息保护法第24条第3款）。".to_owned(),
        (Locale::ZhCn, true) => {
            "您有权要求人工复核、要求说明理由并提出申诉（个人信息保护法第24条第3款）；您的法定售后权利不受影响。".to_owned()
        }
        (Locale::En, false) => {
            "You may ask for review by a person and for an explanation (Personal Information Protection Law, art. 24(3)).".to_owned()
        }
        (Locale::En, true) => "You may ask for review by a person, for an explanation, and appeal (Personal Information Protection Law, \
                               art. 24(3)); your statutory rights are unaffected."
            .to_owned(),
    }
}

fn later(kind: Kind, act: &PersonAct, tz_offset_min: i32, locale: Locale) -> LaterLine {
    let stands = outcomes::words(kind, &act.outcome, locale);
    let money = if act.act == ActOf::Cancel { None } else { money(Due::Now, &act.amounts, locale) };
    let text = match (locale, act.act) {
        (Locale::ZhCn, ActOf::Approve) => "经人工复核同意".to_owned(),
        (Locale::ZhCn, ActOf::Amend) => format!("经人工复核改为：{stands}"),
        (Locale::ZhCn, ActOf::Cancel) => "经人工复核，该处理已撤销".to_owned(),
        (Locale::En, ActOf::Approve) => "Approved by a person".to_owned(),
        (Locale::En, ActOf::Amend) => format!("Changed by a person: {stands}"),
        (Locale::En, ActOf::Cancel) => "Taken back by a person".to_owned(),
    };
    let text = match (money, locale) {
        (None, Locale::ZhCn) => format!("{text}。"),
        (None, Locale::En) => format!("{text}."),
        (Some(money), Locale::ZhCn) => format!("{text}；{money}。"),
        (Some(money), Locale::En) => format!("{text}; {money}."),
    };
    LaterLine { on: date(act.at_ms, tz_offset_min), text }
}
