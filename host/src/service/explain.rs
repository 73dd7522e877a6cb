//! Explanations of recorded decisions: what the ledger holds, put together for the customer or for an auditor.

mod later;
mod rules;

use std::sync::Arc;

use ombud_core::caps::CapUsage;
use ombud_core::case::Case;
use ombud_core::explain::{
    self, ActLine, ActOf, CallLine, CapsHeader, CapsLine, DueLine, EngineLine, EventLine, ForAuditor, Links, PersonAct, PolicyLine,
    RecordedDecision, Since, TimelineLine, When,
};
use ombud_core::ids::{DecisionId, MerchantId};
use ombud_core::kind::Kind;
use ombud_core::messages::Locale;
use ombud_core::money::Amounts;
use ombud_core::ruling::Ruling;
use ombud_ledger::{BodyKind, DecisionEntry, Entry, Windows};
use ombud_rules::contract::types::Notes;
use ombud_sandbox::LogLine;
use ombud_store::{Filter, ListedEntry, Reads, Store as _};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::actor::{Principal, Right};
use super::acts::{ActBody, Look};
use super::error::ServiceError;
use super::listing::rfc3339;
use super::overrides::Act;
use super::read::Opened;
use super::wire::{Audience, Explanation, ExplanationQuery, Lang, OverrideAction};
use super::{Service, aside, read};
use crate::bodies::CaseBodyBack;
use later::OnRequest;

/// Records of a ticket that a timeline shows: the newest.
const TIMELINE_MAX: u32 = 200;

/// A record with what explains it.
struct Explained {
    opened: Opened,
    listed: Option<ListedEntry>,
    acts: Vec<Act>,
    /// What followed on the same blacklist request.
    on_request: OnRequest,
    ticket: Vec<ListedEntry>,
}

impl Service {
    /// Why a decision is what it is.
    pub async fn explanation(
        self: &Arc<Self>,
        who: &Principal,
        merchant: &str,
        id: &str,
        query: ExplanationQuery,
    ) -> Result<Explanation, ServiceError> {
        let tenant = self.tenant(who, merchant, Right::Read, "read decisions")?;
        let id = DecisionId::new(id).map_err(|_| ServiceError::NotFound("decision"))?;
        let merchant = &tenant.config.id;
        let explained = aside(|| self.store.read(|reads| self.explained(reads, merchant, &id)))?;
        let customer = explained.listed.as_ref().and_then(|listed| listed.customer.as_deref());
        let sight = self.sight(who, &tenant, (Look::Explanation, Some(id.as_str())), customer, query.unmask.as_deref()).await?;
        let Entry::Decision(entry) = &explained.opened.header.entry else { return Err(ServiceError::NotFound("decision")) };
        let locale = match query.lang {
            Lang::ZhCn => Locale::ZhCn,
            Lang::En => Locale::En,
        };
        // The zone of the decision, which the case holds; of a decision that was erased, the shop's own.
        let tz = case_of(&explained.opened).map_or(tenant.config.tz_offset_min, |case| case.context.tz_offset_min);
        let when = When { decided_at_ms: explained.opened.header.received_at_ms, tz_offset_min: tz };
        let body = recorded(&explained.opened, entry.kind)?;
        Ok(match (query.audience, &body) {
            (Audience::Customer, body) => {
                let acts: Vec<PersonAct> = explained.acts.iter().map(person).collect();
                Explanation::Customer(Box::new(match body {
                    Some(recorded) => {
                        let since = Since { acts: &acts, measure: &explained.on_request.steps };
                        explain::for_customer(id.as_str(), recorded, since, when, locale)
                    }
                    None => explain::erased(id.as_str(), entry.kind, &entry.outcome, &acts, when, locale),
                }))
            }
            (Audience::Auditor, _) => {
                let evaluated = aside(|| {
                    self.store.read(|reads| rules::of_decision(reads, self.replayer.plugins(), entry, &explained.opened, locale))
                })?;
                let full = for_auditor(merchant, entry, &explained, body.as_ref(), tz, locale, query.lang)?;
                let full = ForAuditor { evaluated, ..full };
                Explanation::Auditor(Box::new(sight.explanation(full).map_err(unreadable)?))
            }
        })
    }

    fn explained(&self, reads: &dyn Reads, merchant: &MerchantId, id: &DecisionId) -> Result<Explained, ServiceError> {
        let record = reads.decision(merchant, id)?.ok_or(ServiceError::NotFound("decision"))?;
        let subjects = read::subjects_of(reads, merchant, record.seq)?;
        let opened = read::open(reads, &self.vault, merchant, &record, &subjects)?;
        let listed = reads.listed(merchant, record.seq)?;
        let acts = self.acts_on(reads, merchant, id, record.seq)?;
        let on_request = self.later_on_request(reads, merchant, id, &opened, listed.as_ref())?;
        let mut ticket = match listed.as_ref().and_then(|listed| listed.ticket.clone()) {
            Some(ticket) => reads.list(merchant, &Filter { ticket: Some(ticket), ..Filter::default() }, None, TIMELINE_MAX)?.entries,
            None => listed.clone().into_iter().collect(),
        };
        // Of a ticket with more than the newest it is among them all the same.
        if let Some(own) = listed.iter().find(|own| ticket.iter().all(|entry| entry.seq != own.seq)) {
            ticket.push(own.clone());
        }
        // What followed on a request need not be of the same ticket: the host's own timer has none.
        let others = on_request.listed.iter().filter(|own| ticket.iter().all(|entry| entry.seq != own.seq)).cloned().collect::<Vec<_>>();
        ticket.extend(others);
        ticket.sort_by_key(|entry| entry.seq);
        Ok(Explained { opened, listed, acts, on_request, ticket })
    }
}

/// The case of a decision; none where it was erased.
fn case_of(opened: &Opened) -> Option<CaseBodyBack> {
    opened.body(BodyKind::Case).and_then(|case| serde_json::from_str::<CaseBodyBack>(case).ok())
}

/// A decision with its case; none where it was erased.
fn recorded(opened: &Opened, kind: Kind) -> Result<Option<RecordedDecision>, ServiceError> {
    let Some(body) = opened.body(BodyKind::Decision) else { return Ok(None) };
    let case = case_of(opened);
    let platform = case.as_ref().map(|case| case.context.platform);
    let case = case.and_then(|case| Case::from_json(kind, case.case.get()).ok());
    Ok(Some(RecordedDecision::read(body).map_err(unreadable)?.on(platform, case)))
}

fn unreadable(error: serde_json::Error) -> ServiceError {
    ServiceError::Internal(error.into())
}

const fn act_of(action: OverrideAction) -> ActOf {
    match action {
        OverrideAction::Approve => ActOf::Approve,
        OverrideAction::Amend => ActOf::Amend,
        OverrideAction::Cancel => ActOf::Cancel,
    }
}

fn person(act: &Act) -> PersonAct {
    PersonAct { at_ms: act.at_ms, act: act_of(act.action), outcome: act.outcome.clone(), amounts: act.amounts }
}

fn for_auditor(
    merchant: &MerchantId,
    entry: &DecisionEntry,
    explained: &Explained,
    body: Option<&RecordedDecision>,
    tz: i32,
    locale: Locale,
    lang: Lang,
) -> Result<ForAuditor, ServiceError> {
    let opened = &explained.opened;
    let decision = body.map(|body| &body.decision);
    let (rules, facts_read) = body.map(|body| explain::rules(body, tz, locale)).unwrap_or_default();
    let (ruled, trace) = opened.body(BodyKind::Ruling).map(ruled).unwrap_or_default();
    let base = format!("/v1/merchants/{merchant}/decisions");
    let ticket = explained.listed.as_ref().and_then(|listed| listed.ticket.clone());
    Ok(ForAuditor {
        decision: entry.id.to_string(),
        lang: lang.as_str().to_owned(),
        seq: opened.header.seq,
        leaf: opened.leaf.to_string(),
        merchant: merchant.to_string(),
        kind: entry.kind,
        outcome: entry.outcome.clone(),
        due: decision.map(|decision| decision.due),
        amounts: Amounts { refund: entry.amounts.refund, cash: entry.amounts.cash, coupon: entry.amounts.coupon },
        currency: entry.amounts.currency.to_string(),
        tz_offset_min: tz,
        erased: opened.erased,
        masked: false,
        event: event_line(entry, explained, ticket.clone()),
        rules,
        facts_read,
        evaluated: Vec::new(),
        trace,
        rollout: decision.and_then(|decision| decision.rollout.clone()),
        policy: entry.policy.as_ref().map(|policy| PolicyLine {
            name: policy.name.clone(),
            version: policy.version.clone(),
            contract: policy.contract.clone(),
            component: policy.call.component.to_string(),
            settings: policy.call.settings.to_string(),
            fuel: policy.call.fuel,
            ruled,
        }),
        guardrail: (decision.is_some() || entry.guardrail.is_some()).then(|| CallLine {
            result: decision.map(|decision| decision.guardrail),
            component: entry.guardrail.map(|call| call.component.to_string()),
            settings: entry.guardrail.map(|call| call.settings.to_string()),
            fuel: entry.guardrail.map_or(0, |call| call.fuel),
        }),
        engine: EngineLine { profile: entry.engine.profile.to_string(), wasmtime: entry.engine.wasmtime.clone() },
        caps: decision.map(|decision| CapsLine {
            result: decision.caps.result,
            breaches: decision.caps.breaches.clone(),
            warnings: decision.caps.warnings.clone(),
            used: decision.caps.used,
            limits: decision.caps.limits.clone(),
            counted: decision.caps.counted,
        }),
        caps_header: decision.is_none().then(|| CapsHeader {
            breaches: entry.caps.breaches.clone(),
            used: windows(&entry.caps.used),
            limits: windows(&entry.caps.limits),
        }),
        fault: decision.and_then(|decision| decision.fault.clone()),
        follows: decision.map(|decision| follows(&decision.ruling)).unwrap_or_default(),
        messages: decision
            .map(|decision| {
                let text = |message: &ombud_core::decision::DecisionMessage| match locale {
                    Locale::ZhCn => message.zh_cn.clone(),
                    Locale::En => message.en.clone(),
                };
                decision.messages.iter().map(text).collect()
            })
            .unwrap_or_default(),
        overrides: acts_of(explained)?,
        timeline: explained.ticket.iter().map(|listed| timeline_line(listed, opened.header.seq)).collect(),
        links: Links {
            decision: format!("{base}/{}", entry.id),
            replay: format!("{base}/{}/replay", entry.id),
            ticket: ticket.map(|ticket| format!("{base}?ticket={}", utf8_percent_encode(&ticket, NON_ALPHANUMERIC))),
        },
    })
}

const fn windows(windows: &Windows) -> CapUsage {
    CapUsage {
        order_refund: windows.order_refund,
        order_goodwill: windows.order_goodwill,
        customer_24h_refund: windows.customer_24h_refund,
        customer_24h_goodwill: windows.customer_24h_goodwill,
        merchant_day_refund: windows.merchant_day_refund,
        merchant_day_goodwill: windows.merchant_day_goodwill,
    }
}

/// What the policy ruled before guardrail and caps, and what it logged.
fn ruled(body: &str) -> (Option<String>, Vec<String>) {
    #[derive(Deserialize)]
    struct Part<'a> {
        #[serde(borrow)]
        answer: Option<&'a RawValue>,
        #[serde(default)]
        log: Vec<LogLine>,
    }
    #[derive(Deserialize)]
    struct Head {
        #[serde(alias = "verdict")]
        outcome: String,
    }
    let Ok(part) = serde_json::from_str::<Part<'_>>(body) else { return (None, Vec::new()) };
    let outcome = part.answer.and_then(|answer| serde_json::from_str::<Head>(answer.get()).ok()).map(|head| head.outcome);
    (outcome, part.log.iter().map(|line| format!("{} {}", line.level, line.message)).collect())
}

fn event_line(entry: &DecisionEntry, explained: &Explained, ticket: Option<String>) -> EventLine {
    #[derive(Default, Deserialize)]
    struct Part {
        id: Option<String>,
        source: Option<String>,
    }
    let body = explained.opened.body(BodyKind::Event);
    let part: Part = body.and_then(|body| serde_json::from_str(body).ok()).unwrap_or_default();
    EventLine {
        event_type: entry.event.event_type.clone(),
        id: part.id,
        source: part.source,
        time: rfc3339(entry.event.time_ms),
        received_at: rfc3339(explained.opened.header.received_at_ms),
        ticket,
        customer: explained.listed.as_ref().and_then(|listed| listed.customer.clone()),
    }
}

/// Deadlines, obligations and approvals of a ruling.
fn follows(ruling: &Ruling) -> Vec<DueLine> {
    let line = |what: &str, name: &str, owner: Option<String>, by: Option<i64>| DueLine {
        what: what.to_owned(),
        name: name.to_owned(),
        owner,
        by: by.map(rfc3339),
    };
    let deadlines = match ruling {
        Ruling::AfterSale(ruling) => vec![("return window", ruling.window_deadline), ("refund", ruling.refund_deadline)],
        Ruling::Blacklist(ruling) => vec![("review of the measure", ruling.review_by)],
        Ruling::Delay(_) | Ruling::Reply(_) => Vec::new(),
    };
    let deadlines = deadlines.into_iter().filter(|(_, by)| by.is_some()).map(|(name, by)| line("deadline", name, None, by));
    let Notes { obligations, approvals, .. } = ruling.notes();
    let obligations = obligations.iter().map(|own| line("obligation", &own.action, Some(own.owner.to_string()), own.due));
    let approvals = approvals.iter().map(|own| line("approval", &own.rule, Some(own.role.to_string()), own.due));
    deadlines.chain(obligations).chain(approvals).collect()
}

/// The acts on a decision, and those on the later decisions of its request, in the order of the ledger.
fn acts_of(explained: &Explained) -> Result<Vec<ActLine>, ServiceError> {
    let own = explained.acts.iter().map(|act| act_line(act, None));
    let others = explained.on_request.acts.iter().map(|(decision, act)| act_line(act, Some(decision.clone())));
    let mut lines = own.chain(others).collect::<Result<Vec<_>, _>>()?;
    lines.sort_by_key(|line| line.seq);
    Ok(lines)
}

fn act_line(act: &Act, decision: Option<String>) -> Result<ActLine, ServiceError> {
    let body: ActBody = serde_json::from_str(&act.json).map_err(unreadable)?;
    Ok(ActLine {
        seq: act.seq,
        leaf: act.leaf.to_string(),
        at: rfc3339(act.at_ms),
        act: act_of(act.action),
        actor: body.actor,
        role: body.role.map(|role| role.as_str().to_owned()).unwrap_or_default(),
        reason: body.reason.unwrap_or_default(),
        outcome: act.outcome.clone(),
        amounts: act.amounts,
        decision,
    })
}

fn timeline_line(listed: &ListedEntry, this: u64) -> TimelineLine {
    TimelineLine {
        at: rfc3339(listed.received_at_ms),
        seq: listed.seq,
        what: listed.entry.as_str().to_owned(),
        name: listed.kind.clone().filter(|_| listed.decision.is_some()).unwrap_or_else(|| listed.event_type.clone()),
        outcome: listed.outcome.clone(),
        decision: listed.decision.as_ref().map(read::decision_id),
        this: listed.seq == this,
    }
}
