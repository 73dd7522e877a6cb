//! The text is what Prometheus reads, and its labels are bounded.

use std::time::Duration;

use ombud_core::fault::FaultCode;
use ombud_core::kind::Kind;

use super::{Metrics, POLICIES_MAX, Refusal, Witnessed};
use crate::judge::Phases;
use crate::service::wire::{ContractCount, OverrideAction};

fn value(text: &str, series: &str) -> f64 {
    let line = text.lines().find(|line| line.starts_with(series)).unwrap_or_else(|| panic!("no series {series} in\n{text}"));
    line.rsplit(' ').next().unwrap().parse().unwrap()
}

#[test]
fn a_decision_counts_by_kind_outcome_fault_and_phase() {
    let metrics = Metrics::new();
    let phases = Phases { policy_us: 20, commit_us: 900, ..Phases::default() };
    metrics.observe_decision(Kind::AfterSale, "human-review", Some(FaultCode::Fuel.as_str()), phases);
    let text = metrics.text();
    assert_eq!(value(&text, r#"ombud_decisions_total{kind="after-sale",outcome="human-review"}"#), 1.0);
    assert_eq!(value(&text, r#"ombud_decisions_total{kind="delay",outcome="compensate"}"#), 0.0);
    assert_eq!(value(&text, r#"ombud_decision_faults_total{kind="after-sale",fault="fuel"}"#), 1.0);
    let bucket =
        |le: &str| value(&text, &format!(r#"ombud_decision_phase_duration_seconds_bucket{{le="{le}",kind="after-sale",phase="policy"}}"#));
    assert_eq!((bucket("0.00001"), bucket("0.000025")), (0.0, 1.0));
    assert_eq!(value(&text, r#"ombud_decision_phase_duration_seconds_count{kind="after-sale",phase="guardrail"}"#), 0.0);
}

#[test]
fn nothing_a_caller_says_makes_a_new_series() {
    let metrics = Metrics::new();
    let route = metrics.http_route("GET", "/v1/x");
    let series = metrics.text().lines().count();
    for at in 0..50 {
        metrics.observe_decision(Kind::Reply, &format!("outcome-{at}"), Some(&format!("fault-{at}")), Phases::default());
        route.observe(200 + at * 10, Duration::from_micros(1));
    }
    Refusal::ALL.into_iter().for_each(|why| metrics.http_refused(why));
    metrics.observe_group(7, Duration::from_millis(1));
    metrics.observe_failed_group();
    metrics.set_commit_queue(3);
    metrics.observe_duplicate();
    metrics.observe_checkpoint();
    Witnessed::ALL.into_iter().for_each(|said| metrics.observe_witness(said));
    let count = |contract: &str| ContractCount { contract: contract.into(), merchants: 2, policies: 7 };
    metrics.set_contracts(&[count("ombud:policy@1.1.0"), count("ombud:policy@9.9.9"), count("")]);
    let text = metrics.text();
    assert_eq!(text.lines().count(), series);
    assert_eq!(value(&text, r#"ombud_contract_policies{version="1.1.0"}"#), 7.0);
    assert_eq!(value(&text, r#"ombud_contract_merchants{version="1.0.0"}"#), 0.0);
    assert!(text.ends_with("# EOF\n"));
    assert!(text.contains(r#"ombud_build_info{version=""#), "{text}");
}

#[test]
fn how_often_people_decide_otherwise_is_known_by_policy() {
    let metrics = Metrics::new();
    (0..4).for_each(|_| metrics.observe_policy(Some("delay")));
    metrics.observe_override(Some("delay"), OverrideAction::Approve);
    metrics.observe_override(Some("delay"), OverrideAction::Cancel);
    let text = metrics.text();
    assert_eq!(value(&text, r#"ombud_policy_decisions_total{policy="delay"}"#), 4.0);
    assert_eq!(value(&text, r#"ombud_policy_overrides_total{policy="delay",action="approve"}"#), 1.0);
    assert_eq!(value(&text, r#"ombud_policy_overrides_total{policy="delay",action="cancel"}"#), 1.0);
    assert_eq!(value(&text, r#"ombud_policy_override_ratio{policy="delay"}"#), 0.25, "an approval is no override of the policy");
}

#[test]
fn names_that_merchants_choose_stay_a_bounded_label() {
    let metrics = Metrics::new();
    let policies = |text: &str| text.lines().filter(|line| line.starts_with("ombud_policy_decisions_total")).count();
    for at in 0..POLICIES_MAX {
        metrics.observe_policy(Some(&format!("policy-{at}")));
    }
    assert_eq!(policies(&metrics.text()), POLICIES_MAX);
    for at in 0..50 {
        metrics.observe_policy(Some(&format!("more-{at}")));
    }
    metrics.observe_policy(None);
    assert_eq!(policies(&metrics.text()), POLICIES_MAX + 1);
    assert_eq!(value(&metrics.text(), r#"ombud_policy_decisions_total{policy="(other)"}"#), 51.0);
    // A policy that has its series keeps it.
    metrics.observe_policy(Some("policy-0"));
    assert_eq!(value(&metrics.text(), r#"ombud_policy_decisions_total{policy="policy-0"}"#), 2.0);
}
