//! After-sale cases: base fixture and shorthands to the contract's records.

use ombud_rules::contract::after_sale::{AfterSaleCase, AfterSaleRuling, AmountLine, Outcome, Payer, RequestKind};
use ombud_rules::contract::types::{Context, Fen, InstantMs};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::fixture::{self, Base, default, merged, optional_instant};
use super::load::read;
use super::notes;

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct AfterSaleGiven {
    context: Option<Map<String, Value>>,
    order: Option<Map<String, Value>>,
    /// A single-line order.
    line: Option<Map<String, Value>>,
    /// An order of several lines.
    lines: Option<Vec<Map<String, Value>>>,
    after_sale: Option<Map<String, Value>>,
}

pub(super) fn given(base: &Base, given: Value) -> Result<(Context, AfterSaleCase), String> {
    let given: AfterSaleGiven = read(given, "given")?;
    let lines = match (given.line, given.lines) {
        (Some(_), Some(_)) => return Err("given: `line` and `lines` exclude each other".to_owned()),
        (line, None) => vec![order_line(base, line.as_ref())],
        (None, Some(lines)) => lines.iter().map(|line| order_line(base, Some(line))).collect(),
    };

    let mut case = merged(&base.after_sale, given.after_sale.as_ref());
    default(&mut case, "after-sale-id", "as1");
    // The two customer facts are written beside the request.
    let mut customer = Map::from_iter([("customer-ref".to_owned(), Value::from("c1"))]);
    for (written, field) in [("malicious-return-count", "malicious-returns"), ("extortion-flag", "extortion-flag")] {
        customer.extend(case.remove(written).map(|value| (field.to_owned(), value)));
    }
    case.insert("customer".to_owned(), customer.into());
    let requested = case.remove("lines").unwrap_or(Value::Null);
    case.insert("lines".to_owned(), requested_lines(requested, &lines)?);
    if let Some(Value::Array(items)) = case.get_mut("evidence") {
        items.iter_mut().enumerate().for_each(|(index, item)| evidence_defaults(index, item));
    }

    let mut order = merged(&base.order, given.order.as_ref());
    default(&mut order, "order-id", "o1");
    order.insert("lines".to_owned(), lines.into_iter().map(Value::Object).collect());
    case.insert("order".to_owned(), Value::Object(order));

    let case: AfterSaleCase = fixture::record(case).map_err(|problem| format!("given: {problem}"))?;
    let mut context = fixture::context(base, given.context.as_ref())?;
    // "`now` of an after-sale case is the later of context.now and applied-at, unless the case sets `now`."
    if !given.context.is_some_and(|context| context.contains_key("now")) {
        context.now = context.now.max(case.applied_at);
    }
    Ok((context, case))
}

fn order_line(base: &Base, over: Option<&Map<String, Value>>) -> Map<String, Value> {
    let mut line = merged(&base.line, over);
    let sku = format!("sku-{}", line.get("line-id").and_then(Value::as_str).unwrap_or("L1"));
    default(&mut line, "sku-id", sku);
    line
}

/// `A` = all units of line A not yet back; `{line-id, qty}` = a part.
fn requested_lines(requested: Value, lines: &[Map<String, Value>]) -> Result<Value, String> {
    let Value::Array(requested) = requested else { return Err("given: `lines` of after-sale is not a list".to_owned()) };
    let units = |line: &Map<String, Value>, key: &str| line.get(key).and_then(Value::as_u64).unwrap_or(0);
    requested
        .into_iter()
        .map(|one| match one {
            Value::String(id) => lines
                .iter()
                .find(|line| line.get("line-id").and_then(Value::as_str) == Some(id.as_str()))
                .map(|line| json!({"line-id": id, "qty": units(line, "qty").saturating_sub(units(line, "qty-returned"))}))
                .ok_or_else(|| format!("given: `lines` names `{id}`, which the order does not have")),
            part => Ok(part),
        })
        .collect()
}

/// Evidence: `intact` true, `captured-at` none unless given.
fn evidence_defaults(index: usize, item: &mut Value) {
    if let Value::Object(item) = item {
        let id = format!("e{}", index + 1);
        default(item, "ref", format!("ref:{id}"));
        default(item, "evidence-id", id);
        default(item, "intact", true);
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct RulingGiven {
    outcome: Outcome,
    #[serde(default)]
    options: Vec<RequestKind>,
    #[serde(default)]
    refund: Fen,
    #[serde(default)]
    breakdown: Map<String, Value>,
    return_freight: Option<Payer>,
    #[serde(default, deserialize_with = "optional_instant")]
    window_deadline: Option<InstantMs>,
    #[serde(default, deserialize_with = "optional_instant")]
    refund_deadline: Option<InstantMs>,
    statutory_exposure: Option<Fen>,
    #[serde(default)]
    missing_evidence: Vec<String>,
    #[serde(default)]
    obligations: Vec<String>,
    reasons: Option<Vec<String>>,
}

/// The merchant's ruling of a guardrail case; what it does not list is neutral.
pub(super) fn ruling(ruling: Value) -> Result<AfterSaleRuling, String> {
    let given: RulingGiven = read(ruling, "ruling")?;
    let breakdown = given.breakdown.into_iter().map(|(code, amount)| {
        let amount = amount.as_i64().ok_or_else(|| format!("ruling: breakdown `{code}` is not an amount in fen"))?;
        Ok(AmountLine { code, amount })
    });
    Ok(AfterSaleRuling {
        outcome: given.outcome,
        options: given.options,
        refund: given.refund,
        breakdown: breakdown.collect::<Result<_, String>>()?,
        return_freight: given.return_freight.unwrap_or(Payer::NotApplicable),
        window_deadline: given.window_deadline,
        refund_deadline: given.refund_deadline,
        statutory_exposure: given.statutory_exposure,
        missing_evidence: given.missing_evidence,
        notes: notes::neutral(given.reasons, given.obligations),
    })
}
