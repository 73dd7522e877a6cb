//! The rules as reasons name them, and what is said to the customer (domain model 4.6).

use ombud_sdk::Severity::{High, Info, Low, Medium};
use ombud_sdk::delay::{CompForm, DelayKind, Episode, Tier};
use ombud_sdk::rules::after_sale::yuan;
use ombud_sdk::rules::notes::{Rule, arg, message};
use ombud_sdk::{Fen, Message};

use crate::award::Goodwill;
use crate::ladder::Row;
use crate::settings::Settings;

/// The training material and its table of delays.
const SOURCE: &str = "003_8b0dd9d774a2b4b6.txt";
const TABLE: (&str, &str) = (SOURCE, "售後延遲與補償方案");
const TEMPLATE: (&str, &str) = (SOURCE, "延遲發貨安撫模板");
/// Rules that no source has: the merchant's own parameters (origin D of the domain's tables).
const DEFAULT_POLICY: &str = "默认延误补偿政策";

pub const DC_001: Rule = Rule { id: "DC-001", severity: Info, sources: &[("电子商务法", "第20条")] };
pub const DC_002: Rule = Rule { id: "DC-002", severity: Info, sources: &[(DEFAULT_POLICY, "DC-002")] };
pub const DC_003: Rule = Rule { id: "DC-003", severity: Low, sources: &[("民法典", "第180条"), ("民法典", "第590条")] };
pub const DC_003B: Rule = Rule { id: "DC-003b", severity: Medium, sources: &[("民法典", "第590条第1款")] };
pub const DC_004: Rule = Rule { id: "DC-004", severity: Low, sources: &[("快递暂行条例", "第27–28条")] };
pub const DC_005: Rule =
    Rule { id: "DC-005", severity: High, sources: &[("电子商务法", "第17条"), ("淘宝平台争议处理规则", "第25条")] };
pub const DC_010: Rule = Rule { id: "DC-010", severity: Info, sources: &[(DEFAULT_POLICY, "DC-010")] };
pub const DC_011: Rule = Rule { id: "DC-011", severity: Low, sources: &[TABLE, TEMPLATE] };
pub const DC_012: Rule = Rule { id: "DC-012", severity: Medium, sources: &[TABLE, ("民法典", "第577条")] };
pub const DC_020: Rule = Rule { id: "DC-020", severity: High, sources: &[TABLE, ("消费者权益保护法", "第25条")] };
pub const DC_021: Rule = Rule { id: "DC-021", severity: Low, sources: &[(DEFAULT_POLICY, "DC-021")] };
pub const DC_022: Rule = Rule { id: "DC-022", severity: Info, sources: &[(DEFAULT_POLICY, "DC-022")] };
pub const DC_030: Rule = Rule { id: "DC-030", severity: Low, sources: &[(DEFAULT_POLICY, "DC-030")] };
pub const DC_031: Rule = Rule { id: "DC-031", severity: Medium, sources: &[(DEFAULT_POLICY, "DC-031")] };
pub const DC_040: Rule = Rule { id: "DC-040", severity: Low, sources: &[(DEFAULT_POLICY, "DC-040")] };
pub const DC_041: Rule = Rule { id: "DC-041", severity: Medium, sources: &[(DEFAULT_POLICY, "DC-041")] };
pub const DC_050: Rule = Rule { id: "DC-050", severity: Info, sources: &[TABLE] };
pub const DC_060: Rule = Rule { id: "DC-060", severity: Info, sources: &[(DEFAULT_POLICY, "DC-060")] };
pub const DC_061: Rule = Rule { id: "DC-061", severity: Info, sources: &[(DEFAULT_POLICY, "DC-061")] };
pub const DC_062: Rule = Rule { id: "DC-062", severity: Medium, sources: &[(DEFAULT_POLICY, "DC-062")] };
pub const DC_070: Rule = Rule { id: "DC-070", severity: Medium, sources: &[("淘宝平台争议处理规则", "第15条")] };
pub const DC_081: Rule = Rule { id: "DC-081", severity: Medium, sources: &[(SOURCE, "公平合理")] };
pub const DC_082: Rule = Rule { id: "DC-082", severity: Medium, sources: &[(DEFAULT_POLICY, "DC-082")] };
pub const DC_090: Rule =
    Rule {
        id: "DC-090", severity: High, sources: &[(SOURCE, "惡意敲詐"), ("消费者权益保护法实施条例", "第49条第2款")]
    };

/// The rule of a row, by the episode's kind.
pub fn rule_of(row: Row, kind: DelayKind) -> &'static Rule {
    match (row, kind) {
        (Row::InTime, _) => &DC_001,
        (Row::Excused | Row::ExcuseUnproven, _) => &DC_002,
        (Row::ForceMajeure, _) => &DC_003,
        (Row::ForceMajeureUnproven, _) => &DC_003B,
        (Row::InTransit, _) => &DC_004,
        (Row::PaidElsewhere, _) => &DC_021,
        (Row::WithinGrace, _) => &DC_022,
        (Row::RefundLate, _) => &DC_020,
        (Row::BelowLadder, _) => &DC_010,
        (Row::Lower, DelayKind::Exchange) => &DC_030,
        (Row::Upper, DelayKind::Exchange) => &DC_031,
        (Row::Lower, DelayKind::Repair) => &DC_040,
        (Row::Upper, DelayKind::Repair) => &DC_041,
        (Row::Lower, _) => &DC_011,
        (Row::Upper, _) => &DC_012,
    }
}

/// The message for an award. Where no template fits what is given (a sample, a remainder after earlier compensation, another share than
/// the template's 10 %, a solatium for a refund already paid) the customer is told where things stand, without a figure that would be wrong.
pub fn award_message(settings: &Settings, episode: &Episode, gross: &Goodwill, net: &Goodwill, refund_due: Fen) -> Message {
    let amount = |fen: Fen| arg("amount", yuan(fen));
    match (episode.kind, gross.tier) {
        (DelayKind::RefundProcessing, Tier::Severe) if net.cash > 0 && refund_due > 0 => {
            message("dc.refund.severe", vec![arg("refund", yuan(refund_due)), amount(net.cash)])
        }
        (DelayKind::Exchange, _) => message("dc.exchange", Vec::new()),
        (DelayKind::Repair, _) => message("dc.repair", Vec::new()),
        (DelayKind::Shipping, _) if net.cash == 0 && net.kind > 0 && net.kind_form == CompForm::Coupon => {
            message("dc.ship.slight", vec![amount(net.kind)])
        }
        (DelayKind::Shipping, Tier::Moderate) if is_ten_percent(settings, gross, net) => {
            message("dc.ship.moderate", vec![amount(net.cash)])
        }
        _ => care_message(episode),
    }
}

fn is_ten_percent(settings: &Settings, gross: &Goodwill, net: &Goodwill) -> bool {
    settings.ship_moderate_bp == 1_000 && !gross.raised && net.cash > 0 && net.cash == gross.cash
}

/// An apology with where things stand. A policy knows no expected time, so it promises news, never a delivery (RC-603).
pub fn care_message(episode: &Episode) -> Message {
    let status = match (episode.kind, episode.done.is_some()) {
        (DelayKind::RefundProcessing, false) => "退款处理中",
        (DelayKind::RefundProcessing, true) => "退款已办理",
        (DelayKind::Exchange, false) => "换货处理中",
        (DelayKind::Exchange, true) => "换货已发出",
        (DelayKind::Repair, false) => "维修处理中",
        (DelayKind::Repair, true) => "维修已完成",
        (DelayKind::Shipping, false) => "待发货",
        (DelayKind::Shipping, true) => "已发货",
        (DelayKind::InTransit, false) => "运输中",
        (DelayKind::InTransit, true) => "已送达",
    };
    let eta = if episode.done.is_some() { "24小时内告知后续安排" } else { "24小时内更新进度" };
    message("dc.care", vec![arg("status", status), arg("eta", eta)])
}

/// What the buyer may do while force majeure lasts.
pub fn force_majeure_message() -> Message {
    message("dc.force_majeure", vec![arg("cause", "不可抗力")])
}
