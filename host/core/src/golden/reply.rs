//! Reply cases: a drafted text with product facts beside it, to the contract's records.

use ombud_rules::contract::reply::{ProductFacts, ReplyCase, ReplyRuling, Substantiation, Verdict};
use ombud_rules::contract::types::{Context, Fen, InstantMs, ItemCategory, ReasonKind, Role, Surface, Tri};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::fixture::{self, Base, optional_instant};
use super::load::read;
use super::notes;

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct ReplyGiven {
    context: Option<Map<String, Value>>,
    text: String,
    author_role: Option<Role>,
    #[serde(default)]
    ai_labelled: bool,
    surface: Option<Surface>,
    #[serde(default)]
    official_contact_allowed: bool,
    // Product facts; none of them = no product.
    category: Option<ItemCategory>,
    stock: Option<u32>,
    known_defects: Option<Vec<String>>,
    /// Phrases that are substantiated.
    substantiated: Option<Vec<String>>,
    approved_health_claims: Option<Vec<String>>,
    price_evidence: Option<Tri>,
    #[serde(default)]
    known_ids: Vec<String>,
    case_reason: Option<ReasonKind>,
    #[serde(default, deserialize_with = "optional_instant")]
    eta: Option<InstantMs>,
    #[serde(default)]
    approved_compensation: Fen,
    approved_refund: Option<Fen>,
}

pub(super) fn given(base: &Base, given: Value) -> Result<(Context, ReplyCase), String> {
    let given: ReplyGiven = read(given, "given")?;
    let context = fixture::context(base, given.context.as_ref())?;
    let known = given.category.is_some()
        || given.stock.is_some()
        || given.known_defects.is_some()
        || given.substantiated.is_some()
        || given.approved_health_claims.is_some()
        || given.price_evidence.is_some();
    let source = |phrase| Substantiation { phrase, source: "test report".to_owned() };
    let product = known.then(|| ProductFacts {
        category: given.category.unwrap_or(ItemCategory::Other),
        stock: given.stock,
        known_defects: given.known_defects.unwrap_or_default(),
        substantiated: given.substantiated.unwrap_or_default().into_iter().map(source).collect(),
        approved_health_claims: given.approved_health_claims.unwrap_or_default(),
        price_evidence: given.price_evidence.unwrap_or(Tri::Unknown),
    });
    let case = ReplyCase {
        reply_id: "r1".to_owned(),
        text: given.text,
        author_role: given.author_role.unwrap_or(Role::Agent),
        ai_labelled: given.ai_labelled,
        surface: given.surface.unwrap_or(Surface::PrivateChat),
        official_contact_allowed: given.official_contact_allowed,
        product,
        known_ids: given.known_ids,
        case_reason: given.case_reason,
        eta: given.eta,
        approved_compensation: given.approved_compensation,
        approved_refund: given.approved_refund,
        attributes: Vec::new(),
    };
    Ok((context, case))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct RulingGiven {
    verdict: Verdict,
    /// The text to be sent; the original unless given.
    masked: Option<String>,
    #[serde(default)]
    obligations: Vec<String>,
    reasons: Option<Vec<String>>,
}

/// The merchant's ruling of a guardrail case; what it does not list is neutral.
pub(super) fn ruling(ruling: Value, case: &ReplyCase) -> Result<ReplyRuling, String> {
    let given: RulingGiven = read(ruling, "ruling")?;
    Ok(ReplyRuling {
        verdict: given.verdict,
        findings: Vec::new(),
        masked_text: given.masked.unwrap_or_else(|| case.text.clone()),
        notes: notes::neutral(given.reasons, given.obligations),
    })
}
