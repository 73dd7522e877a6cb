//! Which rules the versions of a decision looked at: read from the components and the settings that are on record, by their digests. What is bound
//! by now is no matter of a decision that was made then.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use ombud_core::chain::ReasonBy;
use ombud_core::declared::DeclaredRule;
use ombud_core::explain::{DeclaredIn, EvaluatedLine, RecordedCall, evaluated};
use ombud_core::kind::Kind;
use ombud_core::messages::Locale;
use ombud_ledger::{BodyKind, Call, DecisionEntry};
use ombud_rows::{Hit, Table, Tables};
use ombud_sandbox::OwnFacts;
use ombud_store::Reads;
use serde::Deserialize;
use serde_json::Value;

use super::super::error::ServiceError;
use super::super::read::Opened;
use super::unreadable;
use crate::plugins::Plugins;
use crate::replay::Blobs;

/// The body of an answer, as far as it names rules.
#[derive(Deserialize)]
struct Answer<A> {
    answer: Option<A>,
}

/// The head of a ruling of any kind.
#[derive(Deserialize)]
struct Ruling {
    notes: Notes,
}

#[derive(Deserialize)]
struct Notes {
    reasons: Vec<Reason>,
}

#[derive(Deserialize)]
struct Reason {
    rule: String,
}

/// What a guardrail said.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Review {
    Uphold,
    Amend { reasons: Vec<Reason> },
    Escalate(Vec<Reason>),
}

/// The body of a version beside.
#[derive(Deserialize)]
struct Beside {
    ruling: Answer<Ruling>,
    review: Option<Answer<Review>>,
}

/// What each version looked at that ran for a decision; nothing where the bodies were erased.
pub(super) fn of_decision(
    reads: &dyn Reads,
    plugins: &Plugins,
    entry: &DecisionEntry,
    opened: &Opened,
    locale: Locale,
) -> Result<Vec<EvaluatedLine>, ServiceError> {
    if opened.erased {
        return Ok(Vec::new());
    }
    let ruling: Option<Answer<Ruling>> = read(opened, BodyKind::Ruling)?;
    let review: Option<Answer<Review>> = read(opened, BodyKind::Review)?;
    let beside: Option<Beside> = read(opened, BodyKind::Beside)?;
    let (beside_ruling, beside_review) = beside.map_or((None, None), |beside| (Some(beside.ruling), beside.review));
    let mut lines = Vec::new();
    let own = (entry.policy.as_ref(), entry.guardrail, ruling, review, false);
    let other = entry.beside.as_ref();
    let other = (other.map(|other| &other.policy), other.and_then(|other| other.guardrail), beside_ruling, beside_review, true);
    for (policy, guardrail, ruling, review, beside) in [own, other] {
        let call = |by, name: String, version, call: Call, given| {
            let looked = RecordedCall { by, name, version, component: call.component.to_string(), beside, given };
            (looked, call)
        };
        let policy = policy.map(|own| {
            let given = ruling.and_then(|ruling| ruling.answer).map(|ruling| named(ruling.notes.reasons));
            call(ReasonBy::Policy, own.name.clone(), Some(own.version.clone()), own.call, given)
        });
        let guardrail = guardrail.map(|own| {
            let given = review.and_then(|review| review.answer).map(|review| match review {
                Review::Uphold => Vec::new(),
                Review::Amend { reasons } | Review::Escalate(reasons) => named(reasons),
            });
            call(ReasonBy::Guardrail, GUARDRAIL.to_owned(), None, own, given)
        });
        for (looked, call) in policy.into_iter().chain(guardrail) {
            lines.push(line(reads, plugins, entry.kind, looked, &call, locale)?);
        }
    }
    Ok(lines)
}

/// What a guardrail is called whose component does not say its name.
const GUARDRAIL: &str = "guardrail";

fn read<T: for<'de> Deserialize<'de>>(opened: &Opened, body: BodyKind) -> Result<Option<T>, ServiceError> {
    opened.body(body).map(serde_json::from_str).transpose().map_err(unreadable)
}

fn named(reasons: Vec<Reason>) -> Vec<String> {
    reasons.into_iter().map(|reason| reason.rule).collect()
}

fn line(
    reads: &dyn Reads,
    plugins: &Plugins,
    kind: Kind,
    mut looked: RecordedCall,
    call: &Call,
    locale: Locale,
) -> Result<EvaluatedLine, ServiceError> {
    let Some(facts) = plugins.own_facts(&call.component, reads)? else {
        return Ok(evaluated(looked, DeclaredIn::ComponentMissing, &[], locale));
    };
    if looked.by == ReasonBy::Guardrail
        && let Some(package) = &facts.package
    {
        looked.name.clone_from(&package.name);
        looked.version = Some(package.version.clone());
    }
    if has_tables(&facts) {
        let settings = Blobs::blob(reads, &call.settings)?.and_then(|bytes| serde_json::from_slice::<Value>(&bytes).ok());
        let (declared_in, rows) = match settings {
            Some(settings) => rows(&settings, kind).unwrap_or((DeclaredIn::SettingsMissing, Vec::new())),
            None => (DeclaredIn::SettingsMissing, Vec::new()),
        };
        return Ok(evaluated(looked, declared_in, &rows, locale));
    }
    let declared = facts.rules.as_ref().map(|rules| rules.of(kind)).unwrap_or_default();
    let declared_in = if declared.is_empty() { DeclaredIn::Nowhere } else { DeclaredIn::Component };
    Ok(evaluated(looked, declared_in, declared, locale))
}

/// Whether a component's settings are decision tables: their schema says it.
fn has_tables(facts: &OwnFacts) -> bool {
    let schema = facts.settings_schema.as_deref().and_then(|schema| serde_json::from_str::<Value>(schema).ok());
    schema.is_some_and(|schema| schema == Tables::schema())
}

/// The rows of the table of a kind, the default last; none where what is there is no table.
fn rows(settings: &Value, kind: Kind) -> Option<(DeclaredIn, Vec<DeclaredRule>)> {
    let kind = ombud_rows::Kind::parse(kind.as_str())?;
    let Some(part) = settings.get(kind.property()) else { return Some((DeclaredIn::TableAll, Vec::new())) };
    let bytes = STANDARD_NO_PAD.decode(part.get("program")?.as_str()?).ok()?;
    let table = Table::read(&bytes, kind).ok()?;
    let declared_in = if table.hit == Hit::First { DeclaredIn::TableFirst } else { DeclaredIn::TableAll };
    let rows = table.rows.iter().chain(&table.default).map(|row| DeclaredRule { rule: row.row().id.to_owned(), title: None });
    Some((declared_in, rows.collect()))
}
