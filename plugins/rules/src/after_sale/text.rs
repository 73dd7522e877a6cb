//! Words and numbers as customers read them in messages.

use crate::contract::after_sale::RequestKind;
use crate::contract::types::Fen;

/// Fen as yuan with two decimals: 19900 → `199.00`.
pub fn yuan(fen: Fen) -> String {
    let fen = fen.max(0);
    let (whole, cents) = (fen / 100, fen % 100);
    let mut text = whole.to_string();
    text.push('.');
    if cents < 10 {
        text.push('0');
    }
    text.push_str(&cents.to_string());
    text
}

/// A list as Chinese writes it: `照片、视频`.
pub fn list_zh(items: &[&str]) -> String {
    items.join("、")
}

/// A request or option in the customer's words.
pub const fn request_zh(request: RequestKind) -> &'static str {
    match request {
        RequestKind::RefundOnly => "仅退款",
        RequestKind::ReturnRefund => "退货退款",
        RequestKind::Exchange => "换货",
        RequestKind::Repair => "维修",
        RequestKind::Resend => "补寄",
        RequestKind::Unspecified => "其他处理",
    }
}

/// What is still missing, in the customer's words: alternatives of one entry of `missing-evidence` are joined by `|`.
pub fn missing_zh(entry: &str) -> String {
    let words: Vec<&str> = entry
        .split('|')
        .map(|code| match code {
            "photo" => "照片",
            "video" => "视频",
            "unboxing-video" => "开箱视频",
            "inspection-report" => "检测报告",
            "medical-record" => "病历",
            "platform-ruling" => "平台判定",
            "regulator-finding" => "监管部门的认定",
            "spoiled-share" => "损坏比例",
            "remote-troubleshoot" => "按客服指引完成简单排查的结果",
            "accessories" => "全套配件",
            other => other,
        })
        .collect();
    words.join("或")
}
