//! The authority of each rule, as reasons cite it (domain policies 5.4, law.md 3.5 to 3.7).

/// The training material.
const MATERIAL: &str = "003_8b0dd9d774a2b4b6.txt";
/// Its slide on advertising law.
const ADVERTISING: (&str, &str) = (MATERIAL, "廣告法與客服合規");
/// Its slide on the platform's red lines.
const RED_LINES: (&str, &str) = (MATERIAL, "抖店平台規則認知");

/// Source and locator of each authority of a rule.
pub fn of(rule: &str) -> &'static [(&'static str, &'static str)] {
    match rule {
        "RC-101" | "RC-102" => &[ADVERTISING, ("广告法", "第9条第3项")],
        "RC-107" => &[("广告法", "第13条")],
        "RC-201" | "RC-202" | "RC-301" => &[ADVERTISING, ("广告法", "第28条")],
        "RC-401" | "RC-402" | "RC-403" => &[(MATERIAL, "銷售數據、功效數據、客戶反饋需真實"), ("广告法", "第11条")],
        "RC-405" => &[("网络交易监督管理办法", "第14条第3项")],
        "RC-406" => &[("明码标价和禁止价格欺诈规定", "第16–17条")],
        "RC-501" => &[(MATERIAL, "化妝品不得宣傳醫療功效"), ("广告法", "第17条"), ("化妆品监督管理条例", "第43条")],
        "RC-502" => &[(MATERIAL, "食品不得使用保健功能宣傳"), ("食品安全法", "第73条")],
        "RC-503" => &[(MATERIAL, "母嬰產品不得過度營銷焦慮")],
        "RC-504" => &[("广告法", "第20条")],
        "RC-505" => &[("广告法", "第18条"), ("食品安全法", "第78条")],
        "RC-601" | "RC-602" => &[RED_LINES, ("网络反不正当竞争暂行规定", "第9条第5项")],
        "RC-603" => &[RED_LINES, ("消费者权益保护法", "第20条")],
        "RC-604" => &[RED_LINES],
        "RC-605" => &[RED_LINES, ("消费者权益保护法", "第20条")],
        "RC-606" => &[RED_LINES, ("法释〔2022〕8号", "第10条")],
        "RC-701" | "RC-702" | "RC-703" => {
            &[(MATERIAL, "完整手機號、身份證號、銀行卡信息不得明文顯示"), ("个人信息保护法", "第51条"), ("消费者权益保护法", "第29条")]
        }
        "RC-705" => &[(MATERIAL, "最小必要"), ("个人信息保护法", "第25条")],
        "RC-706" => &[("个人信息保护法", "第6条")],
        "RC-801" => &[(MATERIAL, "避免爭辯和推諉"), ("消费者权益保护法", "第27条")],
        "RC-802" => &[(MATERIAL, "避免爭辯和推諉")],
        "RC-803" => &[(MATERIAL, "避免使用網絡語言和表情符號")],
        "RC-804" => &[("人工智能生成合成内容标识办法", "人工智能生成内容应当标识")],
        "RC-901" | "RC-903" => &[("侵害消费者权益行为处罚办法", "第9条、第12条"), ("法释〔2022〕8号", "第1条、第3条")],
        "RC-902" => &[("消费者权益保护法", "第24条"), ("侵害消费者权益行为处罚办法", "第9条")],
        _ => &[],
    }
}
