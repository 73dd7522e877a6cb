//! Parameters away from their defaults, and what settings are refused.

use ombud_sdk::blacklist::{Criterion, Outcome, Stage};
use ombud_sdk::rules::civil::{DAY_MS, HOUR_MS};
use ombud_sdk::serde_json::{Value, from_str};
use ombud_sdk::{CustomerMeasure, Settings as _};

use super::fixture::{decide, now, request, rules};
use crate::Settings;
use crate::settings::Levels;

fn with(json: &str) -> Settings {
    Settings::parse(json).unwrap_or_else(|problems| panic!("{json}: {problems:?}"))
}

#[test]
fn the_look_back_moves() {
    let facts = request(Criterion::Extortion, Stage::Submitted, &[20, 60, 300]);
    let outcome = |json: &str| decide(&with(json), &facts).outcome;
    assert_eq!(outcome(r#"{"lookback_days": 30}"#), Outcome::RecommendRestrict);
    assert_eq!(outcome(r#"{"lookback_days": 60}"#), Outcome::ForwardToSupervisor);
    assert_eq!(decide(&with(r#"{"lookback_days": 365}"#), &facts).counted_incidents, 3);
}

#[test]
fn a_level_may_move_or_be_missing() {
    let levels = r#"{"thresholds": {"extortion": {"mark": 1, "restrict": null, "blacklist": 4}, "abuse": {"mark": null, "restrict": null, "blacklist": null}}}"#;
    let settings = with(levels);
    let ruled = |criterion, ages: &[i64]| {
        let ruling = decide(&settings, &request(criterion, Stage::Submitted, ages));
        (ruling.outcome, ruling.measure, rules(&ruling).join(" "))
    };
    let mark = |rule: &str| (Outcome::RecommendMark, CustomerMeasure::Marked, rule.to_owned());
    assert_eq!(ruled(Criterion::Extortion, &[1, 2, 3]), mark("BL-020"));
    assert_eq!(ruled(Criterion::Extortion, &[1, 2, 3, 4]).0, Outcome::ForwardToSupervisor);
    assert_eq!(ruled(Criterion::Abuse, &[1, 2, 3, 4]).0, Outcome::Reject, "no level at all");
    assert_eq!(ruled(Criterion::MaliciousReturns, &[1, 2]).0, Outcome::RecommendRestrict, "not given, so as before");
}

#[test]
fn the_weight_of_a_threat_moves() {
    let mut facts = request(Criterion::Abuse, Stage::SupervisorReviewed, &[1]);
    facts.incidents[0].threat_of_violence = true;
    let outcome = |json: &str| decide(&with(json), &facts).outcome;
    assert_eq!(outcome("{}"), Outcome::ForwardToDeptHead);
    assert_eq!(outcome(r#"{"violence_weight": 2}"#), Outcome::RecommendRestrict);
    assert_eq!(outcome(r#"{"violence_weight": 1}"#), Outcome::RecommendMark);
}

#[test]
fn times_are_the_merchants() {
    let settings = with(r#"{"review_after_days": 30, "supervisor_hours": 4, "head_hours": 8}"#);
    let at = |stage| decide(&settings, &request(Criterion::Extortion, stage, &[1, 2]));
    assert_eq!(at(Stage::HeadReviewed).review_by, Some(now() + 30 * DAY_MS));
    assert_eq!(at(Stage::Submitted).notes.approvals[0].due, Some(now() + 4 * HOUR_MS));
    assert_eq!(at(Stage::SupervisorReviewed).notes.approvals[0].due, Some(now() + 8 * HOUR_MS));
}

#[test]
fn settings_outside_the_table_are_refused() {
    let refused = |json: &str| Settings::parse(json).expect_err(json).into_iter().map(|problem| problem.path).collect::<Vec<_>>();
    let extortion = |levels: &str| format!(r#"{{"thresholds": {{"extortion": {levels}}}}}"#);
    assert_eq!(refused(r#"{"thresholds": {"other": {}}}"#), ["/thresholds/other"]);
    assert_eq!(refused(&extortion(r#"{"mark": 1, "restrict": 1, "blacklist": 1}"#)), ["/thresholds/extortion/blacklist"]);
    assert_eq!(refused(&extortion(r#"{"mark": 3, "restrict": 2, "blacklist": 4}"#)), ["/thresholds/extortion/restrict"]);
    assert_eq!(refused(&extortion(r#"{"mark": 3}"#)), ["/thresholds/extortion/restrict", "/thresholds/extortion/blacklist"]);
    assert_eq!(refused(r#"{"lookback_days": 366, "head_hours": 0}"#), ["/head_hours", "/lookback_days"]);
}

#[test]
fn the_schema_shows_the_matrix() {
    let schema: Value = from_str(&Settings::schema()).expect("JSON");
    assert_eq!(schema["properties"].as_object().map(|properties| properties.len()), Some(6));
    let thresholds = &schema["properties"]["thresholds"];
    assert_eq!(thresholds["default"]["extortion"]["mark"], Value::Null);
    assert_eq!(thresholds["default"]["malicious-returns"]["blacklist"], 3);
    assert_eq!(thresholds["properties"]["abuse"]["required"].as_array().map(Vec::len), Some(3));
    let levels = Levels { mark: Some(1), restrict: None, blacklist: None };
    assert_eq!(Settings::default().thresholds.with(Criterion::Abuse, levels.clone()).of(Criterion::Abuse), Some(&levels));
}

#[test]
fn the_published_schema_is_that_of_the_settings() {
    ombud_sdk::schema_file_is_current::<Settings>(concat!(env!("CARGO_MANIFEST_DIR"), "/settings.schema.json")).expect("current");
}
