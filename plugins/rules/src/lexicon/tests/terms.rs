//! A merchant's own words and names, and substantiated phrases.

use super::super::{TermProblem, Terms, check, hits};
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

#[test]
fn extra_terms_join_the_words_of_their_rule() {
    let mut terms = Terms::default();
    terms.add("RC-102", "獨有", Action::Evidence).unwrap();
    terms.add("RC-803", "绝了", Action::Warn).unwrap();
    let report = check(&draft("独 有的配方，绝了"), &ctx(), &terms);
    assert_eq!(counted(&report), [("RC-102", 0, 3), ("RC-803", 7, 9)]);
    assert_eq!(report.findings[0].action, Action::Evidence);
}

#[test]
fn an_extra_term_cannot_hide_a_word_of_the_lexicon() {
    let mut terms = Terms::default();
    terms.add("RC-101", "我们最好的奶粉", Action::Warn).unwrap();
    terms.add("RC-101", "最好", Action::Warn).unwrap();
    let report = check(&draft("我们最好的奶粉"), &ctx(), &terms);
    assert!(report.findings.iter().any(|finding| finding.matched == "最好" && finding.action == Action::Stop));
    assert_eq!(counted(&report), [("RC-101", 0, 7), ("RC-101", 2, 4)]);
}

#[test]
fn a_substantiated_phrase_lifts_a_merchants_term() {
    let mut terms = Terms::default();
    terms.add("RC-102", "独有", Action::Stop).unwrap();
    let mut case = draft("独有的配方");
    case.product = Some(product(&["獨有的配方"]));
    let report = check(&case, &ctx(), &terms);
    assert_eq!((counted(&report), report.findings[0].exemption), (Vec::new(), Some("EX-FACT")));
}

#[test]
fn allowed_names_lift_guide_words_only() {
    let mut terms = Terms::default();
    for name in ["顶级厨师", "最好家", "神效牌", "已售10万件"] {
        terms.allow(name).unwrap();
    }
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
fn terms_that_could_never_work_are_refused() {
    let mut terms = Terms::default();
    assert_eq!(terms.add("RC-999", "词", Action::Stop), Err(TermProblem::UnknownRule));
    for rule in ["RC-701", "RC-705", "RC-804"] {
        assert_eq!(terms.add(rule, "词", Action::Stop), Err(TermProblem::RuleWithoutWords));
    }
    for term in ["", " ", "·❤\u{200B}"] {
        assert_eq!(terms.add("RC-101", term, Action::Stop), Err(TermProblem::Empty));
        assert_eq!(terms.allow(term), Err(TermProblem::Empty));
    }
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
