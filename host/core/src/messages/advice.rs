//! Advice to the author of a draft, by rule of the reply check (`rc.fix.<rule>`).

use super::Locale;

/// What to do about a finding.
pub(super) struct Advice {
    rule: &'static str,
    zh_cn: &'static str,
    en: &'static str,
}

impl Advice {
    pub(super) fn text(&self, locale: Locale) -> &'static str {
        match locale {
            Locale::ZhCn => self.zh_cn,
            Locale::En => self.en,
        }
    }
}

/// The advice of a rule.
pub(super) fn of(rule: &str) -> Option<&'static Advice> {
    ADVICE.iter().find(|advice| advice.rule == rule)
}

const fn advice(rule: &'static str, zh_cn: &'static str, en: &'static str) -> Advice {
    Advice { rule, zh_cn, en }
}

const ADVICE: &[Advice] = &[
    advice("RC-101", "删去绝对化用语，改为可核实的具体描述", "leave the superlative out, describe what can be checked"),
    advice("RC-102", "删去首创、独家等无法证实的说法", "leave out claims of being first or only that cannot be proven"),
    advice("RC-107", "不评价其他商家", "say nothing about other shops"),
    advice("RC-201", "删去夸大效果的说法", "leave the exaggerated effect out"),
    advice("RC-202", "不承诺见效时间", "do not promise an effect within a time"),
    advice("RC-301", "不作无法兑现的保证", "do not guarantee what cannot be kept"),
    advice("RC-401", "提供销售数据的依据，或删去数据", "prove the sales figure or leave it out"),
    advice("RC-402", "提供检测报告，或删去功效数据", "prove the efficacy figure with a report or leave it out"),
    advice("RC-403", "提供真实评价的依据，或删去顾客反馈", "prove the testimonial or leave it out"),
    advice("RC-405", "按实际库存填写数量", "state the real stock"),
    advice("RC-406", "提供原价的成交记录，或删去比较价格", "prove the compared price or leave it out"),
    advice("RC-501", "删去医疗用语", "leave the medical term out"),
    advice("RC-502", "删去保健功能的说法", "leave the health function out"),
    advice("RC-503", "删去制造焦虑的说法", "do not play on parents' fears"),
    advice("RC-504", "删去与母乳比较的说法", "do not compare with breast milk"),
    advice("RC-505", "仅使用批准的功能，并注明本品不能代替药物", "use approved functions only and add 本品不能代替药物"),
    advice("RC-601", "评价邀请不得附带任何好处", "invite reviews without offering anything"),
    advice("RC-602", "补偿不得以修改评价为条件", "never tie compensation to a change of a review"),
    advice("RC-603", "按承运人的预计时间告知，不作保证", "give the carrier's expected time without a guarantee"),
    advice("RC-604", "请在平台内沟通和交易", "keep talks and payment on the platform"),
    advice("RC-605", "如实说明已知瑕疵", "tell the known defects"),
    advice("RC-606", "金额不得超过已批准的金额", "promise no more than was approved"),
    advice("RC-701", "手机号按已屏蔽的形式发送", "send the number masked"),
    advice("RC-702", "身份证号按已屏蔽的形式发送", "send the id masked"),
    advice("RC-703", "银行卡号按已屏蔽的形式发送", "send the card number masked"),
    advice("RC-705", "公开场合不出现订单号和个人信息，请转私信", "no order numbers or personal data in public, move to a private message"),
    advice("RC-706", "不索取证件照片、密码或验证码", "do not ask for id photos, passwords or codes"),
    advice("RC-801", "使用礼貌用语", "stay polite"),
    advice("RC-802", "先致歉并给出处理办法", "apologise first and say what will be done"),
    advice("RC-803", "删去网络用语和表情", "leave slang and emoji out"),
    advice("RC-804", "注明本回复由人工智能生成", "add the label that the reply is written by AI"),
    advice("RC-901", "拆封或特价不影响退货权利，请按规则说明", "opened or reduced goods keep their rights of return; explain the rule"),
    advice("RC-902", "质量问题不适用该理由，请安排售后", "this is no reason against a fault; arrange the after-sale service"),
    advice("RC-903", "删去不公平条款", "leave the unfair term out"),
];
