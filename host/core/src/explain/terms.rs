//! Words of the record that an auditor's text shows in Chinese. What stands on record in English only, such as a rule's id or a
//! path, is shown as it is.

/// Wire names with what they are called. Outcomes keep their wire name beside it, for they are searched by it.
const TERMS: &[(&str, &str)] = &[
    // Kinds.
    ("after-sale", "售后"),
    ("delay", "延误"),
    ("blacklist", "黑名单"),
    ("reply", "回复"),
    // What guardrail and caps did.
    ("uphold", "维持"),
    ("amend", "修改"),
    ("escalate", "升级至人工"),
    ("skipped", "未询问"),
    ("fault", "故障"),
    // Who gave a reason, and how grave it is.
    ("policy", "策略"),
    ("guardrail", "护栏"),
    ("host", "系统"),
    ("info", "提示"),
    ("low", "低"),
    ("medium", "中"),
    ("high", "高"),
    ("critical", "严重"),
    // What follows, and what happened.
    ("deadline", "期限"),
    ("obligation", "义务"),
    ("approval", "审批"),
    ("event", "事件"),
    ("decision", "决定"),
    ("act", "操作"),
    ("return window", "退货期限"),
    ("refund", "退款"),
    ("review of the measure", "限制措施复核"),
    // What persons did, and who they are.
    ("approve", "同意"),
    ("cancel", "撤销"),
    ("system-bot", "系统"),
    ("agent-trainee", "见习客服"),
    ("agent", "客服"),
    ("agent-senior", "资深客服"),
    ("group-lead", "组长"),
    ("after-sale-supervisor", "售后主管"),
    ("admin", "管理员"),
    ("merchant-owner", "店主"),
    ("supervisor", "主管"),
    ("department-head", "部门负责人"),
    ("dept-head", "部门负责人"),
    ("compliance", "合规"),
    ("auditor", "审计"),
    ("merchant-admin", "商家管理员"),
    ("operator", "运营方"),
    ("system", "系统"),
    // By what right a version answered.
    ("active", "使用中"),
    ("canary", "灰度"),
    ("window", "有效期内"),
    ("opened", "首次决定的版本"),
];

/// Outcomes in Chinese.
const OUTCOMES: &[(&str, &str)] = &[
    ("approve-refund-only", "同意仅退款"),
    ("approve-return-refund", "同意退货退款"),
    ("approve-exchange", "同意换货"),
    ("approve-repair", "同意维修"),
    ("approve-resend", "同意补寄"),
    ("approve-partial-refund", "同意部分退款"),
    ("refund-now", "立即退款"),
    ("offer-options", "提供选项"),
    ("intercept-then-refund", "拦截后退款"),
    ("investigate", "核查"),
    ("need-evidence", "补充凭证"),
    ("reject", "拒绝"),
    ("reject-with-alternative", "拒绝并提供替代方案"),
    ("reject-duplicate", "重复申请"),
    ("human-review", "人工复核"),
    ("escalate", "升级至主管"),
    ("invalid-input", "信息不一致"),
    ("none", "无补偿"),
    ("care-only", "仅安抚"),
    ("compensate", "补偿"),
    ("compensate-with-approval", "补偿待审批"),
    ("execute", "执行"),
    ("execute-deferred", "延后执行"),
    ("closed", "结束"),
    ("cancelled", "已撤销"),
    ("appeal-dismissed", "申诉驳回"),
    // On a blacklist request.
    ("return-for-evidence", "退回补充凭证"),
    ("recommend-mark", "建议标记"),
    ("recommend-restrict", "建议限制"),
    ("forward-to-supervisor", "转交主管"),
    ("forward-to-dept-head", "转交部门负责人"),
    ("invalid", "无效"),
    // Of a drafted reply.
    ("pass", "通过"),
    ("pass-with-warnings", "通过并提示"),
    ("pass-masked", "屏蔽后通过"),
    ("hold-for-evidence", "暂缓并补充依据"),
    ("block", "拦截"),
];

/// A term in the language of the text.
pub(super) fn term(word: &str, zh: bool) -> &str {
    TERMS.iter().find(|(name, _)| zh && *name == word).map_or(word, |(_, chinese)| chinese)
}

/// An outcome in the language of the text: in Chinese with its wire name.
pub(super) fn outcome(name: &str, zh: bool) -> String {
    let known = OUTCOMES.iter().find(|(own, _)| zh && *own == name);
    known.map_or_else(|| name.to_owned(), |(own, chinese)| format!("{chinese}（{own}）"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_outcome_role_and_stage_has_its_term() {
        for (_, name) in super::super::outcomes::all() {
            assert_ne!(outcome(name, true), name, "an outcome without its Chinese term");
            assert_eq!(outcome(name, false), name);
        }
        for name in crate::kind::Kind::ALL.iter().flat_map(|kind| kind.outcomes()) {
            assert_ne!(outcome(name, true), name, "an outcome without its Chinese term");
        }
        for role in ombud_rules::contract::types::Role::ALL {
            assert_ne!(term(role.as_str(), true), role.as_str(), "a role without its Chinese term");
        }
        use crate::rollout::Stage::{Active, Canary, Opened, Window};
        for stage in [Active, Canary, Opened, Window] {
            assert_ne!(term(stage.as_str(), true), stage.as_str(), "a stage without its Chinese term");
        }
        assert_eq!((term("uphold", true), term("uphold", false), term("AS-410", true)), ("维持", "uphold", "AS-410"));
    }
}
