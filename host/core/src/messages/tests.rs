//! Every template in both languages, with plausible arguments, against the reply check (golden.md 6.1, invariant 10).

use super::{Locale, MessageError, TEMPLATES, advice, places, render, write};
use ombud_rules::contract::reply::{Action, ProductFacts, ReplyCase};
use ombud_rules::contract::types::{Arg, Calendar, Context, ItemCategory, Message, Platform, Role, Surface, Tri};
use ombud_rules::lexicon::{self, RULES, Terms};

fn message(key: &str, args: &[(&str, &str)]) -> Message {
    let args = args.iter().map(|(key, value)| Arg { key: (*key).to_owned(), value: (*value).to_owned() }).collect();
    Message { key: key.to_owned(), locale: "zh-CN".to_owned(), args }
}

/// What the default policies fill in.
fn plausible(place: &str) -> &'static [&'static str] {
    match place {
        "deadline" | "until" => &["2026-11-13"],
        "days" => &["3", "10"],
        "hours" => &["2", "24", "72"],
        "refund" => &["199.00"],
        "amount" => &["30.00"],
        "items" => &["照片或视频", "照片或开箱视频、全套配件", "病历或照片", "损坏比例", "按客服指引完成简单排查的结果"],
        "options" => &["换货、退货退款", "换货、维修"],
        "detail" => &["有污损", "一次性密封包装已损坏", "已激活、有未经授权的维修"],
        "class" => &["消费者定作的商品", "鲜活易腐的商品", "购买时经您确认不适用无理由退货的商品"],
        "rule" => &["消费者权益保护法第25条（AS-402）", "网络购买商品七日无理由退货暂行办法第10条（AS-402）"],
        "status" => &["退款处理中", "待发货"],
        "eta" => &["24小时内更新进度"],
        "cause" => &["不可抗力"],
        "reason" => &["多次异常退货", "以差评要挟额外赔偿"],
        "scope" => &["购买与咨询", "额外优惠与优先接待"],
        "finding" => &["最好", "138****5678"],
        "suggestion" => &["改为可核实的描述"],
        other => panic!("no plausible value for `{other}`"),
    }
}

fn case(text: &str, surface: Surface, category: Option<ItemCategory>) -> ReplyCase {
    let product = category.map(|category| ProductFacts {
        category,
        stock: None,
        known_defects: vec!["划痕".to_owned()],
        substantiated: Vec::new(),
        approved_health_claims: Vec::new(),
        price_evidence: Tri::Unknown,
    });
    ReplyCase {
        reply_id: "r1".to_owned(),
        text: text.to_owned(),
        author_role: Role::Agent,
        ai_labelled: false,
        surface,
        official_contact_allowed: false,
        product,
        known_ids: Vec::new(),
        case_reason: None,
        eta: None,
        // The amounts the decision approved: those that `plausible` fills in.
        approved_compensation: 3_000,
        approved_refund: Some(19_900),
        attributes: Vec::new(),
    }
}

#[test]
fn every_template_passes_the_reply_check() {
    let calendar = Calendar { non_working: Vec::new(), statutory_holidays: Vec::new() };
    let (merchant_id, shop_id) = ("m1".to_owned(), "s1".to_owned());
    let ctx = Context { merchant_id, shop_id, platform: Platform::Douyin, tz_offset_min: 480, now: 1_793_930_400_000, calendar };
    for template in TEMPLATES {
        let (key, surface) = match template.key {
            "as.explain.*" => ("as.explain.as-402", Surface::PrivateChat),
            // Advice is for the author, not for the customer.
            "rc.fix.*" => ("rc.fix.RC-101", Surface::TicketNote),
            key => (key, Surface::PrivateChat),
        };
        let names: Vec<&str> = places(template.text(Locale::ZhCn)).collect();
        for round in 0..5 {
            let pick = |name: &&'static str| (*name, plausible(name)[round % plausible(name).len()]);
            let message = message(key, &names.iter().map(pick).collect::<Vec<_>>());
            for locale in ["zh-CN", "en"] {
                let text = write(&message, locale).unwrap();
                assert!(!text.contains(['{', '}']), "{text}");
                for category in ItemCategory::ALL.iter().copied().map(Some).chain([None]) {
                    let report = lexicon::check(&case(&text, surface, category), &ctx, &Terms::default());
                    let counted: Vec<_> = report.findings.iter().filter(|finding| finding.action != Action::None).collect();
                    assert!(counted.is_empty(), "{key} {category:?} `{text}`: {}", counted[0].rule.id);
                }
            }
        }
    }
}

#[test]
fn both_languages_have_the_same_arguments() {
    for template in TEMPLATES {
        let sorted = |locale| {
            let mut names: Vec<&str> = places(template.text(locale)).collect();
            names.sort_unstable();
            names
        };
        assert_eq!(sorted(Locale::ZhCn), sorted(Locale::En), "{}", template.key);
        assert_eq!(TEMPLATES.iter().filter(|other| other.key == template.key).count(), 1, "{}", template.key);
    }
}

#[test]
fn every_rule_of_the_lexicon_has_its_advice() {
    assert!(RULES.iter().all(|rule| advice::of(rule.id).is_some()));
    let text = render(&message("rc.fix.RC-101", &[("finding", "最好")]), "zh-CN").unwrap();
    assert_eq!(text, "（内部）请修改：最好，建议：删去绝对化用语，改为可核实的具体描述。");
    // A merchant's own policy may bring its own advice.
    let own = message("rc.fix.RC-999", &[("finding", "x"), ("suggestion", "y")]);
    assert_eq!(render(&own, "en").unwrap(), "(internal) Please change x; suggestion y.");
}

#[test]
fn arguments_are_translated_where_their_words_are_known() {
    let options = message("as.options", &[("options", "换货、退货退款")]);
    assert_eq!(render(&options, "en").unwrap(), "You may choose exchange, return and refund; freight both ways on us.");
    let items = message("as.need_evidence", &[("items", "照片或开箱视频、{refund}")]);
    assert_eq!(render(&items, "en").unwrap(), "To proceed please add: 照片或开箱视频、{refund}.");
    let items = message("as.need_evidence", &[("items", "照片或开箱视频、全套配件")]);
    assert_eq!(render(&items, "en").unwrap(), "To proceed please add: photo or unboxing video, all accessories.");
}

#[test]
fn what_is_not_known_is_an_error() {
    let key = "as.human_review";
    assert_eq!(write(&message("as.nothing", &[]), "en"), Err(MessageError::UnknownKey("as.nothing".to_owned())));
    assert_eq!(write(&message(key, &[("hours", "24")]), "fr"), Err(MessageError::UnknownLocale("fr".to_owned())));
    let (key, arg) = (key.to_owned(), "hours".to_owned());
    assert_eq!(write(&message(&key, &[]), "en"), Err(MessageError::MissingArg { key: key.clone(), arg }));
    let surplus = message(&key, &[("hours", "24"), ("days", "1")]);
    assert_eq!(write(&surplus, "en"), Err(MessageError::UnknownArg { key, arg: "days".to_owned() }));
    for key in ["as.explain.", "as.explain.as-1", "as.explain.RC-101", "rc.fix.*", "rc.fix.as-402", "as.explain.as-4021"] {
        assert_eq!(render(&message(key, &[("rule", "x")]), "en"), None, "{key}");
    }
    assert_eq!(render(&message("rc.fix.RC-999", &[("finding", "x")]), "en"), None, "no advice for this rule");
}
