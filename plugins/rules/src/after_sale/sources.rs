//! Where the rules come from: the texts cited, and the amount rules AS-80x, which policy and guardrail use alike.
//!
//! A locator names the article in the text's own words. Rules that no law or platform states cite this platform's default policy.

use super::explain::{Read, Row};
use crate::contract::types::Severity;

/// 消费者权益保护法 (2013).
pub const CONSUMER_LAW: &str = "消费者权益保护法";
/// 消费者权益保护法实施条例 (State Council 778).
pub const CONSUMER_REGULATION: &str = "消费者权益保护法实施条例";
/// 网络购买商品七日无理由退货暂行办法 (2020 text).
pub const SEVEN_DAY_RULES: &str = "网络购买商品七日无理由退货暂行办法";
/// 侵害消费者权益行为处罚办法.
pub const PENALTY_RULES: &str = "侵害消费者权益行为处罚办法";
/// 电子商务法.
pub const E_COMMERCE_LAW: &str = "电子商务法";
/// 民法典.
pub const CIVIL_CODE: &str = "民法典";
/// 食品安全法.
pub const FOOD_LAW: &str = "食品安全法";
/// 个人信息保护法.
pub const PRIVACY_LAW: &str = "个人信息保护法";
/// 最高人民法院 网络消费纠纷.
pub const COURT_ONLINE: &str = "法释〔2022〕8号";
/// 最高人民法院 食品安全民事纠纷.
pub const COURT_FOOD: &str = "法释〔2020〕14号";
/// 网络交易平台规则监督管理办法 (order 116).
pub const PLATFORM_RULES: &str = "网络交易平台规则监督管理办法";
/// 部分商品修理更换退货责任规定.
pub const THREE_GUARANTEES: &str = "部分商品修理更换退货责任规定";
/// 淘宝平台争议处理规则 (2025-08-15).
pub const TAOBAO: &str = "淘宝平台争议处理规则";
/// 京东商品类问题标准 (2026-06-15).
pub const JD: &str = "京东商品类问题标准";
/// 微信小店售后指引.
pub const WECHAT: &str = "微信小店售后指引";
/// 抖店售后类型.
pub const DOUYIN: &str = "抖店售后类型";
/// The training course that the source rules stand in.
pub const COURSE: &str = "003_8b0dd9d774a2b4b6.txt";
/// This platform's default after-sale policy, for what no text states.
pub const DEFAULT_POLICY: &str = "默认售后政策";

/// AS-801: the lines' shares are apportioned.
pub static AS_801: Row = Row {
    id: "AS-801",
    severity: Severity::Info,
    sources: &[(DEFAULT_POLICY, "AS-801")],
    reads: &[Read::PlatformDiscount, Read::ThresholdOff],
};
/// AS-802: the free-shipping condition is broken.
pub static AS_802: Row = Row {
    id: "AS-802",
    severity: Severity::Low,
    sources: &[(SEVEN_DAY_RULES, "第18条")],
    reads: &[Read::FreeShipThreshold, Read::WouldBeFreight],
};
/// AS-803: the threshold promo is broken.
pub static AS_803: Row =
    Row { id: "AS-803", severity: Severity::Low, sources: &[(SEVEN_DAY_RULES, "第17条")], reads: &[Read::Threshold, Read::ThresholdOff] };
/// AS-804: the bundle is kept in part.
pub static AS_804: Row =
    Row { id: "AS-804", severity: Severity::Low, sources: &[(SEVEN_DAY_RULES, "第17条")], reads: &[Read::BundleOff] };
/// AS-805: a gift whose condition is gone is kept.
pub static AS_805: Row = Row { id: "AS-805", severity: Severity::Low, sources: &[(SEVEN_DAY_RULES, "第12条")], reads: &[Read::Gifts] };
/// AS-806: points and merchant coupons come back in kind.
pub static AS_806: Row =
    Row { id: "AS-806", severity: Severity::Info, sources: &[(SEVEN_DAY_RULES, "第15条")], reads: &[Read::Payments] };
/// AS-807: each channel gets its own back.
pub static AS_807: Row =
    Row { id: "AS-807", severity: Severity::Info, sources: &[(SEVEN_DAY_RULES, "第14条")], reads: &[Read::Payments] };
/// AS-808: the card fee that the merchant bore is taken off.
pub static AS_808: Row =
    Row { id: "AS-808", severity: Severity::Info, sources: &[(SEVEN_DAY_RULES, "第16条")], reads: &[Read::Payments] };
/// AS-809: the account is below zero; nothing is collected.
pub static AS_809: Row =
    Row { id: "AS-809", severity: Severity::Low, sources: &[(SEVEN_DAY_RULES, "第17条"), (DEFAULT_POLICY, "AS-809")], reads: &[] };
/// AS-810: the computed refund stands, not the amount asked for.
pub static AS_810: Row =
    Row { id: "AS-810", severity: Severity::Info, sources: &[(DEFAULT_POLICY, "AS-810")], reads: &[Read::RequestedAmount] };
