//! The matcher against the `regex` crate and a plain word search, on texts made of the lexicon's own characters.

use super::super::scan::{Scan, matches_everywhere};
use super::super::table::{PATTERNS, RULES, WORDS};
use super::super::vm::{Found, Scratch};
use crate::normalise::{View, view_n, view_p};
use proptest::prelude::*;
use regex::Regex;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

struct Data {
    /// As the tables order them, each with the view it reads.
    patterns: Vec<(String, Regex, bool)>,
    /// Rule, word, the characters it is no match before.
    words: Vec<(String, String, String)>,
    /// Words, the literal parts of patterns, and single characters of both.
    fragments: Vec<String>,
}

static DATA: LazyLock<Data> = LazyLock::new(|| {
    let lexicon: BTreeMap<String, serde_norway::Value> = serde_norway::from_str(include_str!("../../../data/lexicon.yaml")).unwrap();
    let normalise: serde_norway::Value = serde_norway::from_str(include_str!("../../../data/normalise.yaml")).unwrap();
    let exemptions: BTreeMap<String, serde_norway::Value> = serde_norway::from_value(normalise["exemptions"].clone()).unwrap();
    let list = |value: &serde_norway::Value| -> Vec<String> { serde_norway::from_value(value.clone()).unwrap_or_default() };

    let (mut patterns, mut words, mut fragments) = (Vec::new(), Vec::new(), BTreeSet::new());
    for (id, rule) in &lexicon {
        patterns.extend(rule.get("regex").iter().flat_map(|all| list(all)).map(|text| (id.clone(), text, rule.get("view").is_some())));
        let not_after: BTreeMap<String, String> =
            rule.get("not-after").map(|all| serde_norway::from_value(all.clone()).unwrap()).unwrap_or_default();
        let of_rule: BTreeSet<String> = ["S", "L", "G"].iter().filter_map(|origin| rule.get(*origin)).flat_map(list).collect();
        words.extend(of_rule.into_iter().map(|word| {
            let before = not_after.get(&word).cloned().unwrap_or_default();
            (id.clone(), word, before)
        }));
    }
    for (id, exemption) in &exemptions {
        patterns.extend(exemption.get("regex").iter().flat_map(|all| list(all)).map(|text| (id.clone(), text, false)));
        patterns.extend(exemption.get("not-if").map(|text| (id.clone(), text.as_str().unwrap().to_owned(), false)));
    }
    fragments.extend(words.iter().map(|(_, word, _)| word.clone()));
    for (_, text, _) in &patterns {
        let parts = text.split(|scalar: char| "()[]{}|?*+^$\\:,.<>".contains(scalar) || scalar.is_ascii_uppercase());
        fragments.extend(parts.filter(|part| !part.is_empty()).map(str::to_owned));
    }
    fragments.extend(fragments.clone().iter().flat_map(|part| part.chars()).map(String::from));
    fragments.extend(
        ["13812345678", "138 1234 5678", "11010519491231002X", "6222020200112233446", "+86", ",", "。", "100", "12.5"].map(String::from),
    );
    let patterns = patterns.into_iter().map(|(id, text, on_p)| (id, Regex::new(&text).unwrap(), on_p)).collect();
    Data { patterns, words, fragments: fragments.into_iter().collect() }
});

/// Every match by the regex crate, on from the end of each span, in scalars.
fn expected(regex: &Regex, view: &View) -> Vec<Found> {
    let text: String = view.scalars.iter().collect();
    let mut scalar_at = vec![0_u32; text.len() + 1];
    text.char_indices().zip(0..).for_each(|((byte, _), index)| scalar_at[byte] = index);
    scalar_at[text.len()] = view.len() as u32;
    let (mut found, mut from) = (Vec::new(), 0);
    while let Some(captures) = regex.captures_at(&text, from) {
        let scalars = |group: regex::Match<'_>| (scalar_at[group.start()], scalar_at[group.end()]);
        let whole = captures.get(0).unwrap();
        let span = captures.name("span").unwrap_or(whole);
        let value = ["n", "amount", "refund", "times", "day"].iter().find_map(|name| captures.name(name)).map(scalars);
        found.push(Found { whole: scalars(whole), span: scalars(span), value });
        from = span.end();
        assert!(from > whole.start(), "an empty match");
    }
    found
}

fn draft() -> impl Strategy<Value = String> {
    let part = prop_oneof![
        12 => prop::sample::select(DATA.fragments.as_slice()),
        1 => any::<char>().prop_map(String::from),
        1 => "[0-9]{1,3}",
    ];
    prop::collection::vec(part, 0..24).prop_map(|parts| parts.concat())
}

/// Texts that a regex itself generates, so that it mostly matches them.
fn generated(regex: &Regex) -> BoxedStrategy<String> {
    // Gaps of anything become a few characters of the lexicon's own script; the generator knows no anchors.
    let gap = |text: &str, class: &str, of: &str| text.replace(class, of);
    let text = gap(&gap(regex.as_str(), "[^。,]", "[的了您买好0-9]"), "[^。]", "[的了您买好0-9,]");
    let text = text.replace("(?:^|", "(?:").replace("|$)", ")").replace("|退$|换$", "");
    proptest::string::string_regex(&text).unwrap().boxed()
}

/// A text that a pattern is likely to match, between other fragments.
fn near_a_match() -> impl Strategy<Value = String> {
    let texts: Vec<_> = DATA.patterns.iter().map(|(_, regex, _)| generated(regex)).collect();
    let one = (0..texts.len()).prop_flat_map(move |index| texts[index].clone());
    prop::collection::vec(prop_oneof![one, prop::sample::select(DATA.fragments.as_slice())], 1..6).prop_map(|parts| parts.concat())
}

fn check_patterns(text: &str) -> Result<(), TestCaseError> {
    let (n, p) = (view_n(text), view_p(text));
    let scan = Scan::of(&n);
    let mut scratch = Scratch::default();
    for (index, (id, regex, on_p)) in (0..).zip(&DATA.patterns) {
        let view = if *on_p { &p } else { &n };
        let want = expected(regex, view);
        let (mut everywhere, mut guarded) = (Vec::new(), Vec::new());
        matches_everywhere(index, view, &mut scratch, |found| everywhere.push(found));
        prop_assert_eq!(&everywhere, &want, "{} {} in `{}`", id, regex, text);
        if !on_p {
            scan.matches(index, view, &mut scratch, |found| guarded.push(found));
            prop_assert_eq!(&guarded, &want, "guarded {} {} in `{}`", id, regex, text);
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn patterns_match_as_the_regex_crate_does(text in draft()) {
        check_patterns(&text)?;
    }

    #[test]
    fn patterns_match_as_the_regex_crate_does_near_their_matches(text in near_a_match()) {
        check_patterns(&text)?;
    }

    #[test]
    fn words_are_the_longest_at_each_position(text in draft()) {
        let view = view_n(&text);
        let mut want = BTreeSet::new();
        for rule in RULES.iter() {
            let words: Vec<_> = DATA.words.iter().filter(|(id, _, _)| id == rule.id).collect();
            let mut at = 0;
            while at < view.len() {
                let here: String = view.scalars[at..].iter().collect();
                let fits = words.iter().filter(|(_, word, before)| {
                    here.strip_prefix(word.as_str()).is_some_and(|rest| !rest.starts_with(|next| before.contains(next)))
                });
                let longest = fits.map(|(_, word, _)| word.chars().count()).max();
                want.extend(longest.map(|length| (rule.id, at as u32, (at + length) as u32)));
                at += longest.unwrap_or(1);
            }
        }
        let hits = Scan::of(&view).words;
        let got: BTreeSet<_> = hits.iter().map(|hit| (RULES[usize::from(WORDS[usize::from(hit.word)].rule)].id, hit.start, hit.end)).collect();
        prop_assert_eq!(got, want);
    }
}

#[test]
fn every_pattern_is_met_by_texts_made_for_it() {
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    for (index, (id, regex, on_p)) in (0..).zip(&DATA.patterns) {
        let texts = generated(regex);
        let met = (0..40).filter(|_| {
            let text = texts.new_tree(&mut runner).unwrap().current();
            let view = if *on_p { view_p(&text) } else { view_n(&text) };
            let mut found = Vec::new();
            matches_everywhere(index, &view, &mut Scratch::default(), |one| found.push(one));
            assert_eq!(found, expected(regex, &view), "{id} in `{text}`");
            !found.is_empty()
        });
        assert!(met.count() >= 10, "{id} {regex}");
    }
}

/// The longest drafts of the contract, made of what patterns repeat and choose between: a matcher that tried a fork twice would not come back.
#[test]
fn texts_made_to_backtrack_take_no_longer() {
    let tail = "补偿元优惠券差评改就见效天瘦斤好评返现销量万件超过人购买效果倍保证今天到加微信转账便宜身份证照片企业微信。本店最好";
    for part in ["补偿一", "改差评", "退款改", "赔偿您", "一天", "1 ", "12", "“", "不能", "如建议请", "超过1", "加我的", "延迟三"]
    {
        let text: String = part.chars().cycle().take(3_900).chain(tail.chars()).collect();
        check_patterns(&text).unwrap();
    }
}

#[test]
fn the_tables_hold_the_patterns_in_the_order_of_the_data() {
    assert_eq!(PATTERNS.len(), DATA.patterns.len());
    for rule in &RULES {
        let of_rule = &DATA.patterns[usize::from(rule.patterns.0)..usize::from(rule.patterns.1)];
        assert!(of_rule.iter().all(|(id, _, _)| id == rule.id), "{}", rule.id);
    }
}
