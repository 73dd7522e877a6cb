//! A merchant's own words and names, and substantiated phrases.

use super::super::{ExtraTerm, Phrase, Terms, WordRule, check, hits};
use super::{counted, ctx, draft};
use crate::contract::reply::{Action, ProductFacts, Substantiation};
use crate::contract::types::{ItemCategory, Tri};

fn product(phrases: &[&str]) -> ProductFacts {
    let proof = |phrase: &&str| Substantiation { phrase: (*phrase).into(), source: "report 1".into() };
    ProductFacts {
        category: ItemCategory::Apparel,
        stock: None,
        known_defects: Vec::new(),
        substantiated: phrases.iter().map(proof).collect(),
        approved_health_claims: Vec::new(),
        price_evidence: Tri::Unknown,
    }
}

fn extra<const N: usize>(terms: [(&str, &str, Action); N]) -> Terms {
    let extra =
        terms.map(|(rule, term, action)| ExtraTerm { phrase: Phrase::new(term).unwrap(), rule: WordRule::new(rule).unwrap(), action });
    Terms::new(extra.into(), Vec::new())
}

#[test]
fn extra_terms_join_the_words_of_their_rule() {
    let terms = extra([("RC-102", "獨有", Action::Evidence), ("RC-803", "绝了", Action::Warn)]);
    let report = check(&draft("独 有的配方，绝了"), &ctx(), &terms);
    assert_eq!(counted(&report), [("RC-102", 0, 3), ("RC-803", 7, 9)]);
    assert_eq!(report.findings[0].action, Action::Evidence);
}

#[test]
fn an_extra_term_cannot_hide_a_word_of_the_lexicon() {
    let terms = extra([("RC-101", "我们最好的奶粉", Action::Warn), ("RC-101", "最好", Action::Warn)]);
    let report = check(&draft("我们最好的奶粉"), &ctx(), &terms);
    assert!(report.findings.iter().any(|finding| finding.matched == "最好" && finding.action == Action::Stop));
    assert_eq!(counted(&report), [("RC-101", 0, 7), ("RC-101", 2, 4)]);
}

#[test]
fn a_substantiated_phrase_lifts_a_merchants_term() {
    let terms = extra([("RC-102", "独有", Action::Stop)]);
    let mut case = draft("独有的配方");
    case.product = Some(product(&["獨有的配方"]));
    let report = check(&case, &ctx(), &terms);
    assert_eq!((counted(&report), report.findings[0].exemption), (Vec::new(), Some("EX-FACT")));
}

#[test]
fn allowed_names_lift_guide_words_only() {
    let names = ["顶级厨师", "最好家", "神效牌", "已售10万件"].map(|name| Phrase::new(name).unwrap());
    let terms = Terms::new(Vec::new(), names.into());
    let report = check(&draft("顶级厨师牌锅具"), &ctx(), &terms);
    assert_eq!((counted(&report), report.findings[0].exemption), (Vec::new(), Some("EX-NAME")));
    // S and L words, rules that do not list the exemption, and patterns stay.
    for (text, finding) in [("最好家的锅", ("RC-101", 0, 2)), ("神效牌", ("RC-201", 0, 2)), ("已售10万件", ("RC-401", 0, 5))] {
        assert_eq!(counted(&check(&draft(text), &ctx(), &terms)), [finding], "{text}");
    }
    // The name protects only what stands inside it.
    assert_eq!(counted(&check(&draft("顶级厨师是顶级的"), &ctx(), &terms)), [("RC-101", 5, 7)]);
}

#[test]
fn the_longest_term_of_a_rule_counts_with_its_strictest_action() {
    let words = [("RC-102", "独有配方", Action::Warn), ("RC-102", "独有", Action::Stop), ("RC-102", "独有配方", Action::Evidence)];
    let report = check(&draft("独有配方"), &ctx(), &extra(words));
    assert_eq!((counted(&report), report.findings[0].action), (vec![("RC-102", 0, 4)], Action::Evidence));
}

#[test]
fn terms_that_could_never_work_are_refused() {
    assert!(["RC-999", "RC-701", "RC-705", "RC-804"].iter().all(|rule| WordRule::new(rule).is_none()));
    assert!(["", " ", "·❤\u{200B}"].iter().all(|term| Phrase::new(term).is_none()));
}

#[test]
fn a_text_is_hit_by_a_rule_unless_an_exemption_lifts_it() {
    let rules = ["RC-601", "RC-602"];
    assert!(hits(&rules, "把差评删了就给您补偿"));
    assert!(hits(&rules, "給五星好評返現5元"));
    assert!(!hits(&rules, "感谢您的好评,优惠券已到账"));
    assert!(hits(&rules, "感谢您再给五星好评,领红包"));
    assert!(!hits(&rules, "全国第一"));
}
