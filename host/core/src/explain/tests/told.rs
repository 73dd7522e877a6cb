//! What a customer is told of every outcome, with what caps and earlier payments make of it: rows of `told.yaml`, each in both languages.

use ombud_rules::contract::types::{Arg, Citation, Message, Reason, Severity};
use serde::Deserialize;
use serde_json::Value;

use super::*;
use crate::caps::Restated;
use crate::decision::{At, Decision};
use crate::edition::Edition;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    name: String,
    of: String,
    #[serde(default)]
    platform: Option<Platform>,
    #[serde(default)]
    currency: Option<String>,
    #[serde(default)]
    edition: Option<Edition>,
    #[serde(default)]
    case: Value,
    #[serde(default)]
    ruling: Value,
    #[serde(default)]
    messages: Vec<(String, std::collections::BTreeMap<String, String>)>,
    #[serde(default)]
    reasons: Vec<(String, String, String)>,
    #[serde(default)]
    on_record: Vec<String>,
    #[serde(default)]
    restated: Vec<Restated>,
    #[serde(default)]
    caps: Option<CapLimits>,
    #[serde(default)]
    acts: Vec<RowAct>,
    #[serde(default)]
    less: bool,
    zh: Vec<Option<String>>,
    #[serde(default)]
    zh_basis: Option<Vec<String>>,
    en: Vec<Option<String>>,
    #[serde(default)]
    en_basis: Option<Vec<String>>,
}

/// A person's act, some minutes after the decision.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RowAct {
    act: ActOf,
    outcome: String,
    #[serde(default)]
    refund: i64,
}

impl RowAct {
    fn done(&self) -> PersonAct {
        let amounts = crate::money::Amounts { refund: self.refund, ..Default::default() };
        PersonAct { at_ms: WHEN.decided_at_ms + 600_000, act: self.act, outcome: self.outcome.clone(), amounts }
    }
}

fn rows() -> Vec<Row> {
    let mut rows: serde_norway::Value = serde_norway::from_str(include_str!("told.yaml")).unwrap();
    // What is merged may merge itself.
    for _ in 0..3 {
        rows.apply_merge().unwrap();
    }
    serde_norway::from_value(rows).unwrap()
}

/// JSON merge patch (RFC 7396), but that a null is a value.
fn merge(value: &mut Value, patch: Value) {
    match (value, patch) {
        (_, Value::Null) => {}
        (Value::Object(value), Value::Object(patch)) => {
            for (name, patch) in patch {
                merge(value.get_mut(&name).unwrap_or_else(|| panic!("no member `{name}`")), patch);
            }
        }
        (value, patch) => *value = patch,
    }
}

fn patched<T: serde::Serialize + serde::de::DeserializeOwned>(of: &T, patch: &Value) -> T {
    let mut value = serde_json::to_value(of).unwrap();
    merge(&mut value, patch.clone());
    serde_json::from_value(value).unwrap()
}

/// The case of a row, and what its policy ruled.
fn given(row: &Row) -> (Platform, i64, Case, Ruling) {
    let golden = golden::load(include_str!("../../../../../tests/cases/guardrail-cases.yaml")).unwrap();
    let (ctx, case, mut ruling) = match golden.into_iter().find(|golden| golden.id == row.of).unwrap().given {
        Given::ReviewAfterSale(ctx, case, ruling) => {
            (ctx, Case::AfterSale(patched(&case, &row.case)), Ruling::AfterSale(patched(&ruling, &row.ruling)))
        }
        Given::ReviewDelay(ctx, case, ruling) => {
            (ctx, Case::Delay(patched(&case, &row.case)), Ruling::Delay(patched(&ruling, &row.ruling)))
        }
        _ => panic!("{}", row.name),
    };
    let notes = ruling.notes_mut();
    notes.messages = row.messages.iter().map(|(key, args)| message(key, args)).collect();
    if !row.reasons.is_empty() {
        notes.reasons = row.reasons.iter().map(reason).collect();
    }
    (row.platform.unwrap_or(ctx.platform), ctx.now, case, ruling)
}

fn message(key: &str, args: &std::collections::BTreeMap<String, String>) -> Message {
    let args = args.iter().map(|(key, value)| Arg { key: key.clone(), value: value.clone() }).collect();
    Message { key: key.to_owned(), locale: "zh-CN".into(), args }
}

fn reason((rule, source, locator): &(String, String, String)) -> Reason {
    let citations = vec![Citation { source: source.clone(), locator: locator.clone() }];
    Reason { rule: rule.clone(), severity: Severity::Low, facts: Vec::new(), citations }
}

fn terms(row: &Row) -> Terms {
    Terms {
        caps: row.caps.clone().unwrap_or_default(),
        currency: row.currency.clone().unwrap_or_else(|| "CNY".into()),
        fallback: Fallbacks::default(),
        limits: CallLimits::default(),
        edition: row.edition.unwrap_or(Edition::NEWEST),
    }
}

fn concluded(case: Case, ruling: Ruling, terms: &Terms, counted: &Counted, (platform, now): (Platform, i64)) -> RecordedDecision {
    let judged = crate::chain::judge(&case, &Ok(ruling), Some(&Ok(Review::Uphold)), &terms.fallback, now);
    let (decision, _) = conclude(&case, judged, None, terms, counted, At { platform, now });
    RecordedDecision::read(&serde_json::to_string(&decision).unwrap()).unwrap().on(Some(platform), Some(case))
}

fn recorded(row: &Row) -> RecordedDecision {
    let (platform, now, case, ruling) = given(row);
    let counted = Counted { on_record: row.on_record.clone(), restated: row.restated.clone(), ..Counted::default() };
    concluded(case, ruling, &terms(row), &counted, (platform, now))
}

#[test]
fn a_customer_is_told_what_became_of_the_request_and_of_the_money() {
    for row in rows() {
        let recorded = recorded(&row);
        assert_eq!(recorded.decision.fault, None, "{}", row.name);
        let acts: Vec<PersonAct> = row.acts.iter().map(RowAct::done).collect();
        for (locale, expected, basis) in [(Locale::ZhCn, &row.zh, &row.zh_basis), (Locale::En, &row.en, &row.en_basis)] {
            let told = for_customer("d1", &recorded, since(&acts), WHEN, locale);
            let said = [Some(told.result.clone()), told.money.clone()].into_iter().chain(told.messages.iter().cloned().map(Some));
            assert_eq!(&said.collect::<Vec<_>>(), expected, "{}", row.name);
            if let Some(basis) = basis {
                assert_eq!(&told.basis, basis, "{}", row.name);
            }
            let objects = if locale == Locale::ZhCn {
                "如不同意本处理，您有权要求人工复核"
            } else {
                "If you disagree, you may ask for review by a person"
            };
            assert_eq!(told.rights.starts_with(objects), row.less, "{}: {}", row.name, told.rights);
            let amounts = acts.last().map_or(recorded.decision.amounts, |act| act.amounts);
            let found = findings(&customer_text(&told), amounts.refund, amounts.goodwill());
            assert!(found.is_empty(), "{}: {found:?} in\n{}", row.name, customer_text(&told));
        }
    }
}

/// Whether the Chinese and the English text name the same amounts, in any order.
fn amounts_of(text: &str) -> Vec<String> {
    let mut found: Vec<String> = text
        .split(|character: char| !character.is_ascii_digit() && character != '.')
        .map(|word| word.trim_matches('.'))
        .filter(|word| word.split_once('.').is_some_and(|(yuan, fen)| !yuan.is_empty() && fen.len() == 2))
        .map(str::to_owned)
        .collect();
    found.sort();
    found
}

/// What no text for a customer may hold, whatever was decided.
fn is_fit(about: &str, decision: &Decision, told: &ForCustomer) {
    let text = customer_text(told);
    let chinese = |character: char| ('\u{4e00}'..='\u{9fff}').contains(&character);
    for internal in ["CAP-", "GR-", "MERCHANT", "as1", "o1/", "L1", "{", "}", "caps", "null"] {
        assert!(!text.contains(internal), "{about}: `{internal}` in\n{text}");
    }
    assert!(!amounts_of(&text).contains(&"0.00".to_owned()), "{about}: nothing is no amount\n{text}");
    match told.lang.as_str() {
        "zh-CN" => {
            let words = text.split(|character: char| !character.is_ascii_alphabetic()).filter(|word| !word.is_empty());
            assert_eq!(words.collect::<Vec<_>>(), Vec::<&str>::new(), "{about}: English in\n{text}");
            assert!(told.rights.contains("人工复核") && told.rights.contains("说明理由"), "{about}");
        }
        _ => {
            assert!(!text.contains(chinese), "{about}: Chinese in\n{text}");
            assert!(told.rights.contains("review by a person") && told.rights.contains("explanation"), "{about}");
        }
    }
    let adverse = decision.adverse || told.money.is_none() && decision.caps.breaches.iter().any(|mark| mark.cap == crate::caps::BALANCE);
    let objects = ["如不同意本处理", "If you disagree"].iter().any(|objects| told.rights.starts_with(objects));
    assert!(objects || !adverse, "{about}: {}", told.rights);
    let money = amounts_of(told.money.as_deref().unwrap_or_default());
    let waits = decision.due == crate::money::Due::Proposal;
    assert!(!waits || amounts_of(&told.messages.concat()).is_empty(), "{about}: a message names an amount that nobody decided\n{text}");
    for part in [decision.amounts.refund, decision.amounts.cash, decision.amounts.coupon].map(text::yuan) {
        assert!(waits || part == "0.00" || money.contains(&part), "{about}: {part} is not named in\n{text}");
    }
}

/// Every outcome with every state of the caps and of what was paid before.
#[test]
fn every_outcome_with_every_cap_and_reason_is_told_in_words_that_are_fit_to_be_sent() {
    use ombud_rules::contract::types::ReasonKind;
    use ombud_rules::contract::{after_sale, delay};
    let mut told = 0;
    let limits = || {
        let none = CapLimits { order_refund_auto_fen_max: 0, ..CapLimits::default() };
        let nothing_given = CapLimits { order_goodwill_fen_max: 0, ..CapLimits::default() };
        [CapLimits::default(), none, nothing_given]
    };
    let mut check = |about: &str, row: &Row, at: (Platform, i64), case: &Case, ruling: &Ruling| {
        let intents = crate::money::intents(case, ruling);
        let names: Vec<String> = intents.iter().map(crate::money::Intent::name).collect();
        let again = |amount: i64| names.iter().map(|intent| Restated { intent: intent.clone(), amount }).collect::<Vec<_>>();
        let before = limits().map(|caps| (caps, Vec::new())).into_iter().chain([0, 1].map(|fen| (CapLimits::default(), again(fen))));
        for (caps, restated) in before {
            let on_record = restated.iter().map(|own| own.intent.clone()).collect();
            let counted = Counted { on_record, restated, ..Counted::default() };
            for edition in [Edition::First, Edition::NEWEST] {
                let terms = Terms { caps: caps.clone(), edition, ..terms(row) };
                let recorded = concluded(case.clone(), ruling.clone(), &terms, &counted, at);
                let both = Locale::ALL.map(|locale| for_customer("d", &recorded, Since::default(), WHEN, locale));
                both.iter().for_each(|own| is_fit(about, &recorded.decision, own));
                let [zh, en] = both.map(|own| amounts_of(&[own.money.unwrap_or_default(), own.messages.concat()].concat()));
                assert_eq!(zh, en, "{about}: the languages name other amounts");
                told += 1;
            }
        }
    };
    let rows = rows();
    let plain = |of: &str| rows.iter().find(|row| row.of == of).unwrap();
    let row = plain("GC-13");
    let (platform, now, case, ruling) = given(row);
    let (Case::AfterSale(case), Ruling::AfterSale(ruling)) = (case, ruling) else { panic!() };
    let words = [
        message("as.approve.refund_only", &[("refund".into(), "199.00".into())].into()),
        message("as.resend", &[].into()),
        message("as.exchange.guide", &[("days".into(), "10".into())].into()),
        message("as.explain.as-402", &[("rule".into(), "默认售后政策（AS-402）".into())].into()),
    ];
    for outcome in after_sale::Outcome::ALL {
        for reason in ReasonKind::ALL {
            for (refund, refunded, asked) in
                [(19_900, 0, None), (19_900, 19_900, None), (19_900, 9_911, Some(30_000)), (0, 0, Some(19_900))]
            {
                let mut case = case.clone();
                (case.reason, case.requested_amount) = (*reason, asked);
                (case.order.lines[0].paid, case.order.lines[0].refunded) = (Some(19_900), refunded);
                let mut ruling = ruling.clone();
                (ruling.outcome, ruling.refund) = (*outcome, refund);
                ruling.notes.messages = words.to_vec();
                let about = format!("{outcome} {reason} {refund}, {refunded} refunded");
                check(&about, row, (platform, now), &Case::AfterSale(case), &Ruling::AfterSale(ruling));
            }
        }
    }
    let row = plain("GC-39");
    let (platform, now, case, ruling) = given(row);
    let (Case::Delay(case), Ruling::Delay(ruling)) = (case, ruling) else { panic!() };
    let words = [
        message("dc.refund.severe", &[("refund".into(), "150.00".into()), ("amount".into(), "50.00".into())].into()),
        message("dc.care", &[("status".into(), "退款处理中".into()), ("eta".into(), "24小时内更新进度".into())].into()),
    ];
    for outcome in delay::Outcome::ALL {
        for refunded in [0, 5_000, 15_000] {
            for words in [&words[..], &words[1..]] {
                let (mut case, mut ruling) = (case.clone(), ruling.clone());
                case.lines[0].refunded = refunded;
                ruling.outcome = *outcome;
                ruling.notes.messages = words.to_vec();
                let about = format!("{outcome} {refunded} refunded");
                check(&about, row, (platform, now), &Case::Delay(case), &Ruling::Delay(ruling));
            }
        }
    }
    assert!(told > 5_000, "{told}");
}

/// Every outcome that a person can give, with money and without.
#[test]
fn what_a_person_decided_is_told_with_the_money_that_stands() {
    use ombud_rules::contract::{after_sale, delay};
    let rows = rows();
    for (of, outcomes) in [
        ("GC-13", after_sale::Outcome::ALL.iter().map(|outcome| outcome.as_str()).collect::<Vec<_>>()),
        ("GC-39", delay::Outcome::ALL.iter().map(|outcome| outcome.as_str()).collect()),
    ] {
        let recorded = recorded(rows.iter().find(|row| row.of == of).unwrap());
        for (outcome, refund) in outcomes.into_iter().flat_map(|outcome| [(outcome, 0), (outcome, 8_000)]) {
            let amounts = crate::money::Amounts { refund, cash: 0, coupon: 0 };
            let acts = [PersonAct { at_ms: 1_788_492_600_000, act: ActOf::Amend, outcome: outcome.into(), amounts }];
            for locale in Locale::ALL {
                let told = for_customer("d", &recorded, since(&acts), WHEN, locale);
                let text = customer_text(&told);
                let pays = crate::money::due_of(recorded.decision.kind, outcome) != crate::money::Due::Proposal;
                assert!(!pays || (refund > 0) == text.contains("80.00"), "{outcome}: {text}");
                assert!(!text.contains("0.00元") || refund > 0, "{outcome}: {text}");
                assert!(findings(&text, refund, 0).is_empty(), "{outcome}: {text}");
                let less = outcome.contains("reject") || ["invalid-input", "none"].contains(&outcome) || pays && refund == 0;
                let objects = ["如不同意", "If you disagree"].iter().any(|objects| told.rights.starts_with(objects));
                assert_eq!(objects, less, "{outcome} {refund}: {text}");
                if pays && refund == 0 {
                    let words = ["没有应退的款项", "no money to be refunded", "没有新增补偿", "no further compensation"];
                    assert!(words.iter().any(|words| told.result.contains(words)), "{text}");
                }
            }
        }
    }
}

#[test]
fn an_auditor_reads_of_each_cap_what_it_is_about() {
    let rows = rows();
    for (name, cap, shown, said) in [
        ("a case that was paid before (CAP-03)", "CAP-03", ["1", "1", "1"], "paid before, and one payment is made once"),
        ("in another currency (CAP-02)", "CAP-02", ["¥0.00", "¥199.00", "¥0.00"], "settled in USD, amounts are in CNY"),
        ("above a cap (CAP-11)", "CAP-11", ["¥0.00", "¥199.00", "¥100.00"], "used ¥0.00, asked ¥199.00, limit ¥100.00"),
    ] {
        let recorded = recorded(rows.iter().find(|row| row.name == name).unwrap());
        let (rules, _) = rules(&recorded, 480, Locale::En);
        let rule = rules.iter().find(|rule| rule.rule == cap).unwrap();
        assert!(rule.decided && rule.by == ReasonBy::Host, "{name}");
        assert_eq!(rule.facts.iter().map(|fact| fact.shown.as_str()).collect::<Vec<_>>(), shown, "{name}");
        assert_eq!(text::sums(&recorded.decision.caps.breaches[0], &recorded.decision.currency, false), said);
    }
}
