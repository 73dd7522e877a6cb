//! The texts that rules cite, as people call them.

use crate::messages::Locale;
use ombud_rules::contract::types::{Citation, Platform};

/// Chinese names of public texts with their English ones. What is not here is internal: a course, the shop's own rules, the
/// platform's caps.
const PUBLIC: &[(&str, &str)] = &[
    ("消费者权益保护法", "Consumer Rights and Interests Protection Law"),
    ("消费者权益保护法实施条例", "Implementing Regulations of the Consumer Rights and Interests Protection Law"),
    ("网络购买商品七日无理由退货暂行办法", "Interim Measures for Seven-Day No-Reason Returns of Goods Bought Online"),
    ("侵害消费者权益行为处罚办法", "Measures for Penalties for Infringing Consumers' Rights and Interests"),
    ("电子商务法", "E-Commerce Law"),
    ("民法典", "Civil Code"),
    ("食品安全法", "Food Safety Law"),
    ("个人信息保护法", "Personal Information Protection Law"),
    ("广告法", "Advertising Law"),
    ("法释〔2022〕8号", "Supreme People's Court, Interpretation [2022] No. 8"),
    ("法释〔2020〕14号", "Supreme People's Court, Interpretation [2020] No. 14"),
    ("网络交易平台规则监督管理办法", "Measures for the Supervision of Online Trading Platform Rules"),
    ("部分商品修理更换退货责任规定", "Provisions on the Liability for Repair, Replacement and Return of Certain Goods"),
    ("网络反不正当竞争暂行规定", "Interim Provisions against Unfair Competition Online"),
    ("明码标价和禁止价格欺诈规定", "Provisions on Clear Price Marking and the Prohibition of Price Fraud"),
    ("快递暂行条例", "Interim Regulations on Express Delivery"),
    ("淘宝平台争议处理规则", "Taobao Rules for Disputes"),
    ("京东商品类问题标准", "JD Standards for Problems with Goods"),
    ("微信小店售后指引", "WeChat Shop After-Sales Guide"),
    ("抖店售后类型", "Douyin Shop After-Sales Types"),
];

/// The platforms whose own rules a text is: to the customers of another one it says nothing.
const OF_PLATFORM: &[(&str, &[Platform])] = &[
    ("淘宝平台争议处理规则", &[Platform::Taobao, Platform::Tmall]),
    ("京东商品类问题标准", &[Platform::Jd]),
    ("微信小店售后指引", &[Platform::WechatShop]),
    ("抖店售后类型", &[Platform::Douyin]),
];

/// Places of those texts that are no articles, in English. A place that is not here is left out of an English text.
const PLACES: &[(&str, &str)] = &[
    ("2 发货前退款", "no. 2, refunds before shipping"),
    ("6 价保", "no. 6, price protection"),
    ("7 补寄", "no. 7, missing parts"),
    ("平台仲裁", "arbitration by the platform"),
    ("退货商品不符", "returns of other goods"),
    ("生鲜48小时内举证", "fresh goods: evidence within 48 hours"),
    ("生鲜按损坏比例赔付", "fresh goods: paid by the damaged share"),
    ("15日内可换货或修理", "exchange or repair within 15 days"),
    ("人为损坏不在免费范围", "damage done by people is not repaired free of charge"),
    ("修理两次仍不能正常使用", "defective after two repairs"),
    ("修理两次仍不能正常使用或修理超过30日", "defective after two repairs, or repair over 30 days"),
    ("同一商品仅允许一个进行中的售后单", "one open case for an item"),
    ("售后申请最多5次", "at most 5 requests"),
];

/// What is named where no public text is: the shop's own rules.
pub(crate) const fn own(locale: Locale) -> &'static str {
    match locale {
        Locale::ZhCn => "本店的售后规则",
        Locale::En => "the shop's own after-sales rules",
    }
}

/// The training course that some rules come from is cited by the name of its file.
const COURSE: (&str, &str) = ("003_8b0dd9d774a2b4b6.txt", "客服培训课件");

/// A citation of a public text that applies to an order of this platform; none where the source is internal, or another platform's.
pub(crate) fn public(citation: &Citation, platform: Option<Platform>, locale: Locale) -> Option<String> {
    let of = OF_PLATFORM.iter().find(|(zh, _)| *zh == citation.source);
    if of.is_some_and(|(_, platforms)| platform.is_none_or(|own| !platforms.contains(&own))) {
        return None;
    }
    cited(citation, locale)
}

/// A citation of a public text, whomever it applies to.
fn cited(citation: &Citation, locale: Locale) -> Option<String> {
    let (zh, en) = PUBLIC.iter().find(|(zh, _)| *zh == citation.source)?;
    Some(match locale {
        Locale::ZhCn => format!("{zh}{}", spaced(&citation.locator)),
        Locale::En => match locator_en(&citation.locator) {
            Some(locator) => format!("{en}, {locator}"),
            None => (*en).to_owned(),
        },
    })
}

/// Any citation, for those who may know every source.
pub(super) fn any(citation: &Citation, locale: Locale) -> String {
    cited(citation, locale).unwrap_or_else(|| {
        let source = if citation.source == COURSE.0 { COURSE.1 } else { &citation.source };
        format!("{source} {}", citation.locator)
    })
}

/// `第25条` follows a name at once, other places after a space.
fn spaced(locator: &str) -> String {
    if locator.starts_with('第') { locator.to_owned() } else { format!(" {locator}") }
}

/// `第25条第1款` as `art. 25(1)`; places that are no articles in their English words, none where there are none.
fn locator_en(locator: &str) -> Option<String> {
    let part = |part: &str| -> Option<String> {
        let (article, rest) = part.strip_prefix('第')?.split_once('条')?;
        if !article.chars().all(|digit| digit.is_ascii_digit() || digit == '–') || article.is_empty() {
            return None;
        }
        let mut text = article.to_owned();
        let mut rest = rest;
        while !rest.is_empty() {
            let end = rest.find(['款', '项'])?;
            let number = rest.get(..end)?.strip_prefix('第')?;
            text.push_str(&format!("({number})"));
            rest = rest.get(end + '款'.len_utf8()..)?;
        }
        Some(text)
    };
    let joined = |separator: &str, word: &str| -> Option<String> {
        let parts: Option<Vec<String>> = locator.split(separator).map(part).collect();
        parts.map(|parts| parts.join(word))
    };
    let articles = joined("、", ", ").or_else(|| joined("至", " to "));
    let known = || PLACES.iter().find(|(zh, _)| *zh == locator).map(|(_, en)| (*en).to_owned());
    articles.map(|articles| format!("art. {articles}")).or_else(known).or_else(|| locator.is_ascii().then(|| locator.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn articles_are_cited_as_each_language_does() {
        let cite = |source: &str, locator: &str| Citation { source: source.into(), locator: locator.into() };
        let law = cite("消费者权益保护法", "第25条");
        assert_eq!(public(&law, None, Locale::ZhCn).unwrap(), "消费者权益保护法第25条");
        assert_eq!(public(&law, None, Locale::En).unwrap(), "Consumer Rights and Interests Protection Law, art. 25");
        for (zh, en) in [
            ("第24条第3款", "art. 24(3)"),
            ("第9条第1款第3项", "art. 9(1)(3)"),
            ("第9条、第12条", "art. 9, 12"),
            ("第6条至第10条", "art. 6 to 10"),
            ("第16–17条", "art. 16–17"),
            ("2 发货前退款", "no. 2, refunds before shipping"),
            ("section 4", "section 4"),
        ] {
            assert_eq!(locator_en(zh).as_deref(), Some(en));
        }
        let unknown = cite("京东商品类问题标准", "别处");
        assert_eq!(public(&unknown, Some(Platform::Jd), Locale::En).unwrap(), "JD Standards for Problems with Goods");
        assert_eq!(public(&cite("本店规定", "概不退换"), None, Locale::ZhCn), None);
        assert_eq!(any(&cite(COURSE.0, "拉黑流程規範"), Locale::En), "客服培训课件 拉黑流程規範");
    }

    #[test]
    fn a_platforms_rules_are_cited_to_its_own_customers() {
        for (source, own) in OF_PLATFORM {
            assert!(PUBLIC.iter().any(|(zh, _)| zh == source), "{source}");
            let rule = Citation { source: (*source).to_owned(), locator: "第1条".into() };
            for platform in Platform::ALL {
                let told = Locale::ALL.map(|locale| public(&rule, Some(*platform), locale).is_some());
                assert_eq!(told, [own.contains(platform); 2], "{source} to {platform}");
            }
            assert_eq!(public(&rule, None, Locale::ZhCn), None, "nobody knows whose customer it is");
            assert!(any(&rule, Locale::ZhCn).starts_with(source), "an auditor sees every source");
        }
        let named = |word: &&str| ["淘宝", "京东", "微信", "抖", "拼多多", "快手", "小红书"].iter().any(|brand| word.contains(brand));
        for (source, _) in PUBLIC.iter().filter(|(source, _)| named(source)) {
            assert!(OF_PLATFORM.iter().any(|(own, _)| own == source), "{source} is a platform's");
        }
    }
}
