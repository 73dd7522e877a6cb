//! Single cases in the shorthand of the golden file, over its base fixture.

use ombud_core::golden::{Given, load};
use ombud_sdk::Settings as _;
use ombud_sdk::after_sale::{AfterSaleCase, AfterSaleRuling};
use ombud_sdk::{Context, InstantMs};

use crate::settings::Settings;

/// The case of `given: {…}`.
pub fn case(given: &str) -> (Context, AfterSaleCase) {
    let text = format!("cases:\n- {{id: T, kind: after-sale, title: t, given: {given}, expect: {{outcome: reject}}, src: s}}\n");
    match load(&text).unwrap_or_else(|error| panic!("{given}: {error}")).pop().map(|case| case.given) {
        Some(Given::AfterSale(ctx, facts)) => (ctx, facts),
        other => panic!("{given}: {other:?}"),
    }
}

/// The ruling with these settings.
pub fn with(settings: &str, given: &str) -> AfterSaleRuling {
    let settings = Settings::parse(settings).unwrap_or_else(|problems| panic!("{settings}: {problems:?}"));
    let (ctx, facts) = case(given);
    crate::rule::decide(&settings, &ctx, &facts)
}

/// The ruling with the defaults.
pub fn decide(given: &str) -> AfterSaleRuling {
    with("", given)
}

/// The rules of the reasons, in order.
pub fn rules(ruling: &AfterSaleRuling) -> Vec<&str> {
    ruling.notes.reasons.iter().map(|reason| reason.rule.as_str()).collect()
}

/// The time of an obligation; fails if it is missing.
pub fn due(ruling: &AfterSaleRuling, action: &str) -> Option<InstantMs> {
    let found = ruling.notes.obligations.iter().find(|obligation| obligation.action == action);
    found.unwrap_or_else(|| panic!("no `{action}` in {:?}", ruling.notes.obligations)).due
}

/// Whether there is such an obligation.
pub fn obliges(ruling: &AfterSaleRuling, action: &str) -> bool {
    ruling.notes.obligations.iter().any(|obligation| obligation.action == action)
}

/// Keys of the messages.
pub fn messages(ruling: &AfterSaleRuling) -> Vec<&str> {
    ruling.notes.messages.iter().map(|message| message.key.as_str()).collect()
}

/// An argument of a message.
pub fn said<'a>(ruling: &'a AfterSaleRuling, key: &str, arg: &str) -> Option<&'a str> {
    let message = ruling.notes.messages.iter().find(|message| message.key == key)?;
    message.args.iter().find(|known| known.key == arg).map(|known| known.value.as_str())
}

/// Milliseconds of an instant of Shanghai, `2026-11-06T10:00:00`.
pub fn at(text: &str) -> InstantMs {
    let (date, time) = text.split_once('T').expect("a date and a time");
    let day = ombud_rules::civil::parse_iso_date(date).expect("a date");
    let seconds = time.split(':').map(|part| part.parse::<i64>().expect("a number")).fold(0, |sum, part| sum * 60 + part);
    ombud_rules::civil::start_of_day(day, 480) + seconds * 1000
}
