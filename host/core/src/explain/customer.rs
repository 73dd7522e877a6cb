//! The explanation for the customer.

use ombud_rules::contract::blacklist::{BlacklistCase, Stage, Verdict};
use serde::{Deserialize, Serialize};

use super::later::{self, LaterLine, ended_by, later};
use super::outcomes::Told;
use super::recorded::RecordedDecision;
use super::text::date_and_time;
use super::{PersonAct, Since, When, basis, paid, said, withheld};
use crate::caps;
use crate::disposition::Disposition;
use crate::kind::Kind;
use crate::messages::Locale;
use crate::ruling::Ruling;

/// An explanation for the customer: every text is in one language and may be sent as it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct ForCustomer {
    /// The decision's id.
    pub decision: String,
    /// The language, `zh-CN` or `en`.
    pub lang: String,
    /// What was decided; after persons' acts, what stands since the last of them.
    pub result: String,
    /// The money of that; none where there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub money: Option<String>,
    /// The messages of the rules' templates as far as they are true of what stands, after what is to be said of the money; none after a
    /// person's act: what they announce is past.
    pub messages: Vec<String>,
    /// The law and the public rules that it rests on, those of the order's own platform among them, the most important first; the shop's own
    /// rules where they decided. Where a person changed what was decided, that person's review, for the first decision's law is not its own.
    pub basis: Vec<String>,
    /// How it was decided, and on what.
    pub how: String,
    /// The right to a person's review and to an explanation.
    pub rights: String,
    /// When it was decided, RFC 3339 in the zone of the case: what is said of hours and days counts from here.
    pub decided_at: String,
    /// What persons decided since, and what became of a measure, oldest first.
    pub later: Vec<LaterLine>,
}

/// The explanation of a decision.
pub fn for_customer(id: &str, recorded: &RecordedDecision, since: Since<'_>, when: When, locale: Locale) -> ForCustomer {
    let decision = &recorded.decision;
    let last = since.acts.last();
    let in_force = recorded.request().map(|request| request.current_measure);
    let at_first = match (last, &decision.ruling, recorded.request()) {
        (Some(act), _, _) => Told::by_person(decision.kind, act, in_force),
        (None, Ruling::Blacklist(ruling), Some(request)) => Told::on_request(request, ruling),
        (None, _, _) => Told::on_money(recorded),
    };
    let ended = ended_by(since.measure);
    let told = if ended.is_some() { at_first.ended() } else { at_first };
    // What a person approved may be nobody's business but the shop's, as the decision was.
    let concerned = told.concerns_customer(decision.kind);
    let contested = concerned && (told.gives_nothing() || last.is_none() && (decision.adverse || paid::is_less(recorded)));
    // What the messages announce is past after a person's act, and where the measure they announce is none any more.
    let messages = match last {
        None if concerned && told == at_first => [
            paid::notes(recorded, told, locale),
            withheld::from_refund(recorded, locale),
            said::messages(recorded, told, locale),
            withheld::freight(recorded, locale),
            later::begins(told, locale),
        ]
        .concat(),
        _ => Vec::new(),
    };
    ForCustomer {
        decision: id.to_owned(),
        lang: locale.tag().to_owned(),
        result: told.words(decision.kind, locale).to_owned(),
        money: match last {
            Some(act) => paid::of_act(decision.kind, act, &decision.currency, locale),
            None => paid::of_decision(recorded, told, locale),
        },
        messages,
        basis: if concerned { basis::of(recorded, at_first, last, ended, locale) } else { Vec::new() },
        how: how(recorded, at_first, last.is_some(), locale),
        rights: rights(decision.kind, concerned, contested, locale),
        decided_at: date_and_time(when.decided_at_ms, when.tz_offset_min),
        later: later((decision.kind, &decision.currency), since, (in_force, at_first.measure()), when.tz_offset_min, locale),
    }
}

/// What is left to say of a decision whose facts were erased, whether the customer asked for it or the time to keep them was over.
/// The acts on it are erased with it, save those that `acts` has: without them nobody knows what stands.
pub fn erased(id: &str, kind: Kind, outcome: &str, acts: &[PersonAct], when: When, locale: Locale) -> ForCustomer {
    let since = acts.last();
    let told = since.map_or_else(|| Told::erased(kind, outcome), |act| Told::by_person(kind, act, None));
    let (then, concerned) = (told.words(kind, locale), told.concerns_customer(kind));
    ForCustomer {
        decision: id.to_owned(),
        lang: locale.tag().to_owned(),
        result: match locale {
            _ if since.is_some() || !concerned => then.to_owned(),
            Locale::ZhCn => format!("当时的处理结果：{then}"),
            Locale::En => format!("The result at the time: {then}"),
        },
        money: since.and_then(|act| paid::of_act(kind, act, caps::CURRENCY, locale)),
        messages: Vec::new(),
        basis: Vec::new(),
        how: match locale {
            Locale::ZhCn => "与您有关的资料已删除，无法再说明理由，也无法再说明此后人工所作的处理。".to_owned(),
            Locale::En => {
                "Your data have been erased, so neither the reasons nor what a person may have decided later can be given.".to_owned()
            }
        },
        rights: rights_of_erased(kind, concerned, locale),
        decided_at: date_and_time(when.decided_at_ms, when.tz_offset_min),
        later: later((kind, caps::CURRENCY), Since { acts, measure: &[] }, (None, None), when.tz_offset_min, locale),
    }
}

/// By what means, and on which facts. That a person's record with the shop was looked at is said where it was.
fn how(recorded: &RecordedDecision, told: Told<'_>, since: bool, locale: Locale) -> String {
    let decision = &recorded.decision;
    if !told.concerns_customer(decision.kind) {
        return match locale {
            Locale::ZhCn => "这是店内按规则进行的检查或审核步骤。".to_owned(),
            Locale::En => "It is a check or a step of review inside the shop, by fixed rules.".to_owned(),
        };
    }
    let read = |path: &str| decision.reasons.iter().flat_map(|reason| &reason.facts).any(|fact| fact.path == path);
    if decision.fault.is_some() {
        return match locale {
            Locale::ZhCn if since => "系统未能自动作出决定，由人工处理。".to_owned(),
            Locale::En if since => "The system could not decide by itself, so a person did.".to_owned(),
            Locale::ZhCn => "系统未能自动作出决定，已转由人工处理。".to_owned(),
            Locale::En => "The system could not decide by itself, so a person does.".to_owned(),
        };
    }
    if decision.kind == Kind::Blacklist {
        return match locale {
            Locale::ZhCn if since => "本处理经人工审核并复核后作出。",
            Locale::En if since => "Decided by persons, and reviewed by a person since.",
            locale => by_whom(told, recorded.request(), locale),
        }
        .to_owned();
    }
    let returns = read("customer.malicious-returns");
    let person = matches!(decision.disposition, Disposition::HumanReview | Disposition::Escalate | Disposition::NeedApproval);
    match locale {
        Locale::ZhCn => {
            let by = match (person, since) {
                (true, false) => "系统按规则将其转由人工处理",
                (true, true) => "系统按规则将其转由人工处理，并由人工作出决定",
                (false, false) => "本处理由系统按规则自动作出",
                (false, true) => "最初的处理由系统按规则自动作出，其后经人工复核",
            };
            let facts = if decision.kind == Kind::Delay { "订单、办理时间和此前补偿" } else { "订单、申请和凭证" };
            let record = if returns { "，以及近180天内经人工确认的异常退货次数" } else { "" };
            format!("{by}，依据的是{facts}中的事实{record}。")
        }
        Locale::En => {
            let by = match (person, since) {
                (true, false) => "Handed to a person by fixed rules",
                (true, true) => "Handed by fixed rules to a person, who decided",
                (false, false) => "Decided automatically by fixed rules",
                (false, true) => "First decided automatically by fixed rules, then reviewed by a person",
            };
            let facts = match decision.kind {
                Kind::Delay => "the order, its times and what was granted before",
                _ => "the order, the request and its evidence",
            };
            let record = if returns { ", and on the number of abnormal returns that a person confirmed in the last 180 days" } else { "" };
            format!("{by}, on the facts of {facts}{record}.")
        }
    }
}

/// By whom it was decided on a blacklist request: a measure is always persons' (BL-003), its end need not be.
fn by_whom(told: Told<'_>, request: Option<&BlacklistCase>, locale: Locale) -> &'static str {
    let approved = |stage| request.is_none_or(|own| own.steps.iter().any(|step| step.stage == stage && step.verdict == Verdict::Approve));
    let (zh, en) = match told {
        Told::Ended(_) => ("该措施由人工审核后作出，现按规则结束。", "Persons had decided on it; it ended by fixed rules."),
        Told::Stays(_) => (
            "该措施由人工审核后作出；本次是店内按规则进行的检查。",
            "Persons had decided on it; this was a check inside the shop, by fixed rules.",
        ),
        Told::Appealed(_) => ("申诉由未参与原处理的人员作出决定。", "A person who had no part in it decides on the appeal."),
        _ if approved(Stage::HeadReviewed) => {
            ("本处理经主管和部门负责人逐级审核后作出。", "Decided by a supervisor and a head of department, one after the other.")
        }
        _ => ("本处理经主管审核后作出。", "Decided by a supervisor."),
    };
    match locale {
        Locale::ZhCn => zh,
        Locale::En => en,
    }
}

/// Every customer may ask for a person and for the reasons (PIPL art. 24(3)), whatever was decided; who got less is told so first; a measure
/// may be appealed.
fn rights(kind: Kind, concerned: bool, contested: bool, locale: Locale) -> String {
    let appeal = kind == Kind::Blacklist && concerned;
    match (locale, appeal) {
        (Locale::ZhCn, false) if !concerned => "对涉及您的决定，您有权要求人工复核并要求说明理由（个人信息保护法第24条第3款）。",
        (Locale::En, false) if !concerned => {
            "Of decisions about you, you may ask for review by a person and for an explanation (Personal Information Protection Law, \
             art. 24(3))."
        }
        (Locale::ZhCn, false) if contested => {
            "如不同意本处理，您有权要求人工复核并要求说明理由（个人信息保护法第24条第3款）；您的法定权利不受影响。"
        }
        (Locale::En, false) if contested => {
            "If you disagree, you may ask for review by a person and for an explanation (Personal Information Protection Law, \
             art. 24(3)); your statutory rights are unaffected."
        }
        (Locale::ZhCn, false) => "您有权要求人工复核并要求说明理由（个人信息保护法第24条第3款）。",
        (Locale::ZhCn, true) => "您有权要求人工复核、要求说明理由并提出申诉（个人信息保护法第24条第3款）；您的法定售后权利不受影响。",
        (Locale::En, false) => {
            "You may ask for review by a person and for an explanation (Personal Information Protection Law, art. 24(3))."
        }
        (Locale::En, true) => {
            "You may ask for review by a person, for an explanation, and appeal (Personal Information Protection Law, art. 24(3)); \
             your statutory rights are unaffected."
        }
    }
    .to_owned()
}

/// What is left of those rights where nobody can say any more what was decided on, or why: a person can look at the matter anew.
fn rights_of_erased(kind: Kind, concerned: bool, locale: Locale) -> String {
    match (locale, kind == Kind::Blacklist && concerned) {
        (_, _) if !concerned => rights(kind, false, false, locale),
        (Locale::ZhCn, false) => "您仍可重新提供相关资料，要求由人工复核并重新处理（个人信息保护法第24条第3款）；您的法定权利不受影响。".to_owned(),
        (Locale::ZhCn, true) => {
            "如仍有对您的限制，您可以提出申诉，也可以重新提供相关资料，要求人工复核（个人信息保护法第24条第3款）；您的法定售后权利不受影响。"
                .to_owned()
        }
        (Locale::En, false) => {
            "You may still ask for review by a person, who looks at the matter anew on what you then provide (Personal Information \
             Protection Law, art. 24(3)); your statutory rights are unaffected."
                .to_owned()
        }
        (Locale::En, true) => {
            "If a restriction is still in force you may appeal, or ask for review by a person on what you then provide (Personal \
             Information Protection Law, art. 24(3)); your statutory rights are unaffected."
                .to_owned()
        }
    }
}
