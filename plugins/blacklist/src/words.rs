//! The rules as reasons name them, and what is said to the customer (domain model 4.6).

use ombud_sdk::Message;
use ombud_sdk::Severity::{Critical, High, Info, Low, Medium};
use ombud_sdk::rules::notes::{Rule, message};

/// The training material and the places in it.
const SOURCE: &str = "003_8b0dd9d774a2b4b6.txt";
const CHAIN: (&str, &str) = (SOURCE, "拉黑流程規範");
const CRITERIA: (&str, &str) = (SOURCE, "拉黑條件");
const CAUTIONS: (&str, &str) = (SOURCE, "拉黑前的注意事項");
const GRADES: (&str, &str) = (SOURCE, "分級管理");
const EVIDENCE: (&str, &str) = (SOURCE, "證據收集:時間戳和完整性");
/// Rules that no source has (origin D of the domain's tables).
const DEFAULT_POLICY: &str = "默认黑名单政策";
const HUMAN: (&str, &str) = ("个人信息保护法", "第24条第3款");

pub const BL_001: Rule = Rule { id: "BL-001", severity: Low, sources: &[CRITERIA] };
pub const BL_002: Rule =
    Rule {
        id: "BL-002", severity: Medium, sources: &[("消费者权益保护法", "第15条"), ("消费者权益保护法", "第39条"), CAUTIONS]
    };
pub const BL_003: Rule = Rule { id: "BL-003", severity: High, sources: &[CHAIN, HUMAN] };
pub const BL_004: Rule = Rule { id: "BL-004", severity: Info, sources: &[CHAIN] };
pub const BL_010: Rule = Rule { id: "BL-010", severity: Low, sources: &[CHAIN, EVIDENCE] };
pub const BL_011: Rule = Rule { id: "BL-011", severity: Low, sources: &[EVIDENCE] };
pub const BL_019: Rule = Rule { id: "BL-019", severity: Low, sources: &[(DEFAULT_POLICY, "BL-019")] };
pub const BL_020: Rule = Rule { id: "BL-020", severity: Medium, sources: &[GRADES] };
pub const BL_021: Rule = Rule { id: "BL-021", severity: Low, sources: &[CAUTIONS] };
pub const BL_022: Rule = Rule { id: "BL-022", severity: Low, sources: &[CAUTIONS, ("个人信息保护法", "第55条")] };
pub const BL_023: Rule = Rule { id: "BL-023", severity: Medium, sources: &[CAUTIONS] };
pub const BL_023B: Rule = Rule { id: "BL-023b", severity: Low, sources: &[CAUTIONS] };
pub const BL_024: Rule = Rule { id: "BL-024", severity: Medium, sources: &[("消费者权益保护法", "第39条")] };
pub const BL_030: Rule = Rule { id: "BL-030", severity: Medium, sources: &[CHAIN] };
pub const BL_031: Rule = Rule { id: "BL-031", severity: Medium, sources: &[CHAIN] };
pub const BL_032: Rule = Rule { id: "BL-032", severity: High, sources: &[CHAIN, ("个人信息保护法", "第19条")] };
pub const BL_033: Rule = Rule { id: "BL-033", severity: Info, sources: &[CHAIN] };
pub const BL_034: Rule = Rule { id: "BL-034", severity: High, sources: &[(DEFAULT_POLICY, "BL-034")] };
pub const BL_035: Rule = Rule { id: "BL-035", severity: High, sources: &[CHAIN] };
pub const BL_036: Rule = Rule { id: "BL-036", severity: High, sources: &[CHAIN] };
pub const BL_037: Rule = Rule { id: "BL-037", severity: Low, sources: &[CHAIN] };
pub const BL_040: Rule = Rule {
    id: "BL-040",
    severity: Medium,
    sources: &[("消费者权益保护法", "第24条"), ("消费者权益保护法", "第25条"), ("消费者权益保护法", "第48条第1款第8项")],
};
pub const BL_041: Rule = Rule { id: "BL-041", severity: Low, sources: &[("个人信息保护法", "第19条")] };
pub const BL_042: Rule = Rule { id: "BL-042", severity: Info, sources: &[(DEFAULT_POLICY, "BL-042")] };
pub const BL_043: Rule = Rule { id: "BL-043", severity: High, sources: &[HUMAN, ("个人信息保护法", "第50条")] };
pub const BL_050: Rule = Rule { id: "BL-050", severity: Critical, sources: &[(SOURCE, "威脅行為")] };

/// The end of a chat in which violence was threatened.
pub fn chat_end() -> Message {
    message("bl.chat_end", Vec::new())
}
