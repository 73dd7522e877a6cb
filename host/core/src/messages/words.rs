//! Arguments in English: the default policies fill templates with Chinese words of closed lists, which are translated here. Numbers,
//! dates, sources and whatever a merchant's own policy writes stay as they are.

/// Chinese and English of every word the default policies put into an argument.
const WORDS: &[(&str, &str)] = &[
    // Requests and options.
    ("仅退款", "refund only"),
    ("退货退款", "return and refund"),
    ("换货", "exchange"),
    ("维修", "repair"),
    ("补寄", "resend"),
    ("其他处理", "another solution"),
    // Missing evidence.
    ("照片", "photo"),
    ("视频", "video"),
    ("开箱视频", "unboxing video"),
    ("检测报告", "inspection report"),
    ("病历", "medical record"),
    ("平台判定", "decision of the platform"),
    ("监管部门的认定", "finding of the regulator"),
    ("损坏比例", "share that is damaged"),
    ("按客服指引完成简单排查的结果", "result of the simple check our service explains"),
    ("全套配件", "all accessories"),
    // Why goods are not intact.
    ("有污损", "is soiled or damaged"),
    ("使用已超出查验和试用的合理需要", "was used beyond inspection and trial"),
    ("一次性密封包装已损坏", "has a broken one-time seal"),
    ("已激活", "was activated"),
    ("有未经授权的维修", "was repaired without authorisation"),
    ("吊牌或标识已摘除", "has lost its tags or marks"),
    // Excluded goods.
    ("消费者定作的商品", "custom-made"),
    ("鲜活易腐的商品", "fresh or perishable"),
    ("已拆封或下载的数字化商品", "an opened or downloaded digital item"),
    ("已交付的报纸、期刊", "a delivered newspaper or periodical"),
    ("购买时经您确认不适用无理由退货的商品", "of a kind you confirmed at purchase as not returnable without reason"),
    // Where a delayed order stands.
    ("退款处理中", "refund in progress"),
    ("退款已办理", "refund made"),
    ("换货处理中", "exchange in progress"),
    ("换货已发出", "replacement sent"),
    ("维修处理中", "repair in progress"),
    ("维修已完成", "repair finished"),
    ("待发货", "waiting to be shipped"),
    ("已发货", "shipped"),
    ("运输中", "on its way"),
    ("已送达", "delivered"),
    ("24小时内告知后续安排", "next steps within 24 h"),
    ("24小时内更新进度", "news within 24 h"),
    ("不可抗力", "force majeure"),
    // Measures.
    ("多次异常退货", "repeated abnormal returns"),
    ("以差评要挟额外赔偿", "demands for extra compensation under threat of a bad review"),
    ("多次使用不文明用语", "repeated abusive language"),
    ("多次不实投诉", "repeated false complaints"),
    ("多次违反店铺规则", "repeated breaches of the shop's rules"),
    ("购买与咨询", "buying and chat"),
    ("额外优惠与优先接待", "extra offers and priority service"),
];

/// The English of an argument: of the whole, or of each word of a list (`、`, `或`), if all are known.
pub(super) fn in_english(value: &str) -> String {
    english(value).map(str::to_owned).or_else(|| list(value, "、", ", ")).unwrap_or_else(|| value.to_owned())
}

fn english(word: &str) -> Option<&'static str> {
    WORDS.iter().find(|(zh, _)| *zh == word).map(|(_, en)| *en)
}

fn list(value: &str, separator: &str, joint: &str) -> Option<String> {
    let either = |word: &str| word.split('或').map(english).collect::<Option<Vec<_>>>().map(|words| words.join(" or "));
    let words: Option<Vec<String>> = value.split(separator).map(|word| english(word).map(str::to_owned).or_else(|| either(word))).collect();
    words.map(|words| words.join(joint))
}
