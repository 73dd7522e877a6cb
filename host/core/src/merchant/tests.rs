//! Configurations: defaults, bounds, contradictions, the calendar of a context.

use ombud_rules::civil::{parse_iso_date, start_of_day, weekday};
use serde_json::{Value, json};

use super::{MERCHANT, MerchantConfig, checker};
use crate::event::{EventType, structured};
use crate::problem::Problem;
use crate::schema::check::schema_of;
use crate::schema::{Bounded, typed};

pub fn config() -> Value {
    json!({"id": "m_001", "shop_id": "10437917", "platform": "douyin"})
}

fn parse(value: &Value) -> Result<MerchantConfig, Vec<String>> {
    MerchantConfig::parse(value.to_string().as_bytes()).map_err(|problems| problems.iter().map(Problem::to_string).collect())
}

#[test]
fn what_is_left_out_has_its_default() {
    let config = parse(&config()).unwrap();
    assert_eq!((config.tz_offset_min, config.currency.as_str()), (480, "CNY"));
    assert_eq!(config.caps.order_refund_auto_fen_max, 500_000);
    let written = serde_json::to_value(&config).unwrap();
    assert_eq!(parse(&written).unwrap(), config);
}

#[test]
fn a_calendar_is_put_in_order() {
    let mut value = config();
    value["calendar"] = json!({"non_working": ["2026-11-08", "2026-11-07", "2026-11-08"]});
    let config = parse(&value).unwrap();
    assert_eq!(serde_json::to_value(&config.calendar.non_working).unwrap().as_array().unwrap().len(), 2);
    assert!(config.calendar.non_working.is_sorted());
}

#[test]
fn every_problem_is_found_by_its_place() {
    let bad = json!({
        "id": "a/b", "platform": "myspace", "tz_offset_min": 841, "currency": "yuan", "tier": 1,
        "calendar": {"non_working": ["2026-02-29"], "statutory_holidays": [7]},
        "caps": {"order_refund_auto_fen_max": -1, "warn_at_bp": 0, "daily": 1},
        "fallback": {"reply": "pass", "blacklist": "execute"},
    });
    let found = parse(&bad).unwrap_err();
    let places: Vec<&str> = found.iter().filter_map(|problem| problem.split('`').nth(1)).collect();
    assert_eq!(
        places,
        [
            "/calendar/non_working/0",
            "/calendar/statutory_holidays/0",
            "/caps/daily",
            "/caps/order_refund_auto_fen_max",
            "/caps/warn_at_bp",
            "/currency",
            "/fallback/blacklist",
            "/fallback/reply",
            "/id",
            "/platform",
            "/shop_id",
            "/tier",
            "/tz_offset_min",
        ],
        "{found:#?}"
    );
    assert!(found[8].ends_with("allowed: 1 to 64 ASCII letters, digits, `-`, `_` or `.`, the first a letter or digit"), "{}", found[8]);
    assert_eq!(parse(&json!([])).unwrap_err(), ["``: has the wrong type, a list; allowed: an object"]);
    assert!(MerchantConfig::parse(b"{").unwrap_err()[0].message.contains("line 1 column 1"));
}

#[test]
fn both_paths_accept_the_same_configurations() {
    let full = serde_json::to_value(parse(&config()).unwrap()).unwrap();
    let places = [
        "/id",
        "/shop_id",
        "/platform",
        "/tz_offset_min",
        "/calendar",
        "/calendar/non_working",
        "/currency",
        "/caps",
        "/caps/warn_at_bp",
        "/fallback",
        "/fallback/delay",
    ];
    let values = [
        json!(null),
        json!(""),
        json!("x"),
        json!("jd"),
        json!("USD"),
        json!("escalate"),
        json!(0),
        json!(-720),
        json!(-721),
        json!(840),
        json!(1.0),
        json!(10_000),
        json!(10_001),
        json!([]),
        json!({}),
        json!(["2026-01-01"]),
        json!(["2026-1-1"]),
        json!({"non_working": []}),
        json!(true),
    ];
    let mut accepted = 0;
    for place in places {
        for value in &values {
            let mut config = full.clone();
            *config.pointer_mut(place).unwrap() = value.clone();
            let text = config.to_string();
            let fast = typed::from_str::<MerchantConfig>(&text).is_ok_and(|config| config.within());
            let problems = checker().unwrap().check(&text, "").unwrap().1;
            assert_eq!(fast, problems.is_empty(), "{place} = {value}: {problems:?}");
            accepted += usize::from(fast);
        }
    }
    assert!(accepted > 10);
}

#[test]
fn the_schema_is_one_and_holds_every_bound() {
    let schema = MerchantConfig::schema();
    assert!(jsonschema::meta::is_valid(&schema));
    let mut one = schema_of::<MerchantConfig>(MERCHANT);
    crate::call_limits::add_limits(&mut one);
    assert_eq!(schema, one);
    assert_eq!(schema["$defs"]["SomeLimits"]["properties"]["deadline_ms"]["maximum"], 10_000);
    assert_eq!(schema["$defs"]["CapLimits"]["properties"]["warn_at_bp"]["maximum"], 10_000);
    assert_eq!(schema["$defs"]["Calendar"]["properties"]["non_working"]["items"]["format"], "date");
}

#[test]
fn an_event_that_contradicts_the_configuration_is_refused() {
    let event = structured(EventType::AftersaleRequested.example().as_bytes(), crate::event::tests::RECEIVED).unwrap();
    assert_eq!(parse(&config()).unwrap().contradicted_by(&event), []);
    let other = parse(&json!({"id": "m_002", "shop_id": "1", "platform": "jd", "tz_offset_min": 0, "currency": "USD"})).unwrap();
    let found: Vec<String> = other.contradicted_by(&event).iter().map(Problem::to_string).collect();
    assert_eq!(
        found,
        [
            "`/data/currency`: contradicts the merchant's configuration; allowed: USD, or nothing",
            "`/data/merchant/merchant_id`: contradicts the merchant's configuration; allowed: m_002, or nothing",
            "`/data/merchant/shop_id`: contradicts the merchant's configuration; allowed: 1, or nothing",
            "`/data/merchant/platform`: contradicts the merchant's configuration; allowed: jd, or nothing",
            "`/data/merchant/tz_offset_min`: contradicts the merchant's configuration; allowed: 0, or nothing",
        ]
    );
}

#[test]
fn a_context_holds_the_dates_a_case_can_read() {
    let mut value = config();
    value["calendar"] = json!({"non_working": ["2026-09-29", "2026-09-30", "2026-11-07", "2027-03-06", "2027-03-07"], "statutory_holidays": ["2026-10-01"]});
    let config = parse(&value).unwrap();
    let day = |text: &str| parse_iso_date(text).unwrap();
    let at = |text: &str| start_of_day(day(text), 480);
    let context = config.context(at("2026-11-06"), None);
    assert_eq!(context.calendar.non_working, [day("2026-11-07"), day("2027-03-06")]);
    assert!(context.calendar.statutory_holidays.is_empty());
    // An application of a week ago reaches a week further back.
    let context = config.context(at("2026-11-06"), Some(at("2026-10-31")));
    assert_eq!(context.calendar.non_working, [day("2026-09-30"), day("2026-11-07"), day("2027-03-06")]);
    assert_eq!(context.calendar.statutory_holidays, [day("2026-10-01")]);
    assert_eq!((context.merchant_id.as_str(), context.tz_offset_min, context.now), ("m_001", 480, at("2026-11-06")));
    // Instants at the far end of what is allowed do not overflow.
    config.context(i64::MAX, Some(i64::MIN));
}

/// As the contract has it: for at least 30 days around now (`types.wit`), and as far as a promised window may reach.
#[test]
fn without_days_off_a_case_knows_the_weekends_of_all_the_time_it_can_read() {
    let mut value = config();
    value["calendar"] = json!({"statutory_holidays": ["2026-10-01", "2026-11-10"]});
    let config = parse(&value).unwrap();
    let day = |text: &str| parse_iso_date(text).unwrap();
    let at = |text: &str| start_of_day(day(text), 480);
    let context = config.context(at("2026-12-24"), Some(at("2026-11-09")));
    let (first, last) = (day("2026-10-09"), day("2027-04-23"));
    let weekends: Vec<_> = (first..=last).filter(|date| weekday(*date) >= 5).collect();
    assert_eq!(context.calendar.non_working, weekends);
    assert_eq!(context.calendar.statutory_holidays, [day("2026-11-10")], "holidays are told");
    config.context(i64::MAX, Some(i64::MIN));
}
