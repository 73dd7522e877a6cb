//! Explanations as text that people read, line by line.

use std::fmt::Write as _;

use jiff::Timestamp;
use jiff::tz::Offset;

use super::auditor::{ForAuditor, RuleLine};
use super::customer::ForCustomer;
use crate::chain::ReasonBy;

/// Fen as yuan with two decimals.
pub(super) fn yuan(fen: i64) -> String {
    ombud_rules::after_sale::yuan(fen)
}

/// The civil date of an instant in a zone.
pub(super) fn date(ms: i64, tz_offset_min: i32) -> String {
    local(ms, tz_offset_min, "%Y-%m-%d").unwrap_or_default()
}

/// A fact's value for people: instants as the merchant's clock shows them, amounts in yuan.
pub(super) fn readable(path: &str, value: &str, tz_offset_min: i32) -> String {
    const MONEY: [&str; 14] = [
        "paid",
        "refunded",
        "refund-owed",
        "refund-paid",
        "value",
        "threshold",
        "reduce-by",
        "bundle-off",
        "would-be-freight",
        "platform-discount",
        "requested-amount",
        "extra-compensation-demand",
        "total-goodwill",
        "unit-price",
    ];
    let Ok(number) = value.parse::<i64>() else { return value.to_owned() };
    let field = path.rsplit('.').next().unwrap_or(path);
    // No amount or count comes near an instant of this century.
    if (1_000_000_000_000..10_000_000_000_000).contains(&number) {
        return local(number, tz_offset_min, "%Y-%m-%d %H:%M:%S").unwrap_or_else(|| value.to_owned());
    }
    if MONEY.contains(&field) || path.starts_with("caps.") && number > 1 { format!("¥{}", yuan(number)) } else { value.to_owned() }
}

fn local(ms: i64, tz_offset_min: i32, format: &str) -> Option<String> {
    let offset = Offset::from_seconds(tz_offset_min.checked_mul(60)?).ok()?;
    Some(offset.to_datetime(Timestamp::from_millisecond(ms).ok()?).strftime(format).to_string())
}

/// The text of an explanation for the customer.
pub fn customer_text(explanation: &ForCustomer) -> String {
    let zh = explanation.lang == "zh-CN";
    let label = |chinese: &'static str, english: &'static str| if zh { chinese } else { english };
    let stop = label("。", ".");
    let mut text = format!("{}{stop}\n", explanation.result);
    if let Some(money) = &explanation.money {
        line(&mut text, label("金额：", "Amount: "), money);
    }
    for message in &explanation.messages {
        line(&mut text, "", message);
    }
    if !explanation.basis.is_empty() {
        line(&mut text, label("处理依据：", "Basis: "), &format!("{}{stop}", explanation.basis.join(label("；", "; "))));
    }
    line(&mut text, "", &explanation.how);
    line(&mut text, "", &explanation.rights);
    for later in &explanation.later {
        line(&mut text, "", &format!("{}{}{}", later.on, label("：", ": "), later.text));
    }
    text
}

/// The text of an explanation for an auditor.
pub fn auditor_text(explanation: &ForAuditor) -> String {
    let zh = explanation.lang == "zh-CN";
    let label = |chinese: &'static str, english: &'static str| if zh { chinese } else { english };
    let mut text = String::new();
    let out = &mut text;
    line(out, label("决定 ", "decision "), &format!("{}  #{}  {}", explanation.decision, explanation.seq, explanation.merchant));
    line(out, label("叶哈希 ", "leaf "), &explanation.leaf);
    let amounts = &explanation.amounts;
    let money = format!("refund ¥{}, cash ¥{}, coupon ¥{}", yuan(amounts.refund), yuan(amounts.cash), yuan(amounts.coupon));
    line(out, label("结果 ", "outcome "), &format!("{} {}  ({money})", explanation.kind, explanation.outcome));
    if explanation.erased {
        line(
            out,
            "",
            label("客户密钥已删除：事实与理由不可再读", "the customer's key was erased: facts and reasons can no longer be read"),
        );
    }
    if explanation.masked {
        line(out, "", label("个人信息已屏蔽：有权者说明理由后可见", "personal data are masked: those who may see them say why"));
    }

    heading(out, label("事件", "event"));
    let event = &explanation.event;
    let id = event.id.as_deref().unwrap_or("–");
    line(out, "  ", &format!("{}  {id}  {}", event.event_type, event.source.as_deref().unwrap_or_default()));
    line(out, "  ", &format!("{} {}, {} {}", label("发生于", "happened"), event.time, label("接收于", "received"), event.received_at));
    if let Some(ticket) = &event.ticket {
        line(out, label("  工单 ", "  ticket "), ticket);
    }
    if let Some(customer) = &event.customer {
        line(out, label("  客户 ", "  customer "), customer);
    }

    heading(out, label("命中的规则", "rules matched"));
    for rule in &explanation.rules {
        rule_text(out, rule, label("（决定）", " (decided)"));
    }
    if !explanation.trace.is_empty() {
        heading(out, label("评估日志", "trace"));
        explanation.trace.iter().for_each(|logged| line(out, "  ", logged));
    }

    heading(out, label("版本", "versions"));
    if let Some(policy) = &explanation.policy {
        line(out, "  ", &format!("policy {} {} ({}), fuel {}", policy.name, policy.version, policy.contract, policy.fuel));
        line(out, "    component ", &policy.component);
        line(out, "    settings  ", &policy.settings);
        if let Some(ruled) = &policy.ruled {
            line(out, label("    护栏与限额之前：", "    before guardrail and caps: "), ruled);
        }
    }
    if let Some(rollout) = &explanation.rollout {
        line(out, label("    发布阶段：", "    rollout: "), rollout.stage.as_str());
        if let Some(beside) = &rollout.beside {
            let told = format!("{} {} ({}): {}", beside.policy.name, beside.policy.version, beside.stage, beside.outcome);
            line(out, label("    另一版本（对消费者不更优）：", "    beside, not better for the consumer: "), &told);
        }
    }
    if let Some(guardrail) = &explanation.guardrail {
        line(out, "  ", &format!("guardrail: {}, fuel {}", name(&guardrail.result), guardrail.fuel));
        if let (Some(component), Some(settings)) = (&guardrail.component, &guardrail.settings) {
            line(out, "    component ", component);
            line(out, "    settings  ", settings);
        }
    }
    line(out, "  ", &format!("engine wasmtime {} profile {}", explanation.engine.wasmtime, explanation.engine.profile));
    if let Some(fault) = &explanation.fault {
        line(out, label("  故障：", "  fault: "), &format!("{}: {}", fault.code, fault.detail));
    }

    if let Some(caps) = &explanation.caps {
        heading(out, label("资金限额", "money caps"));
        line(out, "  ", &name(&caps.result));
        for (word, marks) in [(label("超出", "exceeded"), &caps.breaches), (label("接近", "nearly used up"), &caps.warnings)] {
            for mark in marks {
                let sums = format!("used {}, asked {}, limit {}", mark.used, mark.asked, mark.limit);
                line(out, "  ", &format!("{word} {}: {sums} (fen)", mark.cap));
            }
        }
        let counted = &caps.counted;
        line(
            out,
            label("  计入 ", "  counted "),
            &format!("refund {}, cash {}, coupon {} (fen)", counted.refund, counted.cash, counted.coupon),
        );
    }
    if !explanation.follows.is_empty() {
        heading(out, label("后续", "what follows"));
        for due in &explanation.follows {
            let owner = due.owner.as_ref().map(|owner| format!(" ({owner})")).unwrap_or_default();
            let by = due.by.as_ref().map(|by| format!(" {} {by}", label("截止", "by"))).unwrap_or_default();
            line(out, "  ", &format!("{} {}{owner}{by}", due.what, due.name));
        }
    }
    if !explanation.messages.is_empty() {
        heading(out, label("告知客户", "told to the customer"));
        explanation.messages.iter().for_each(|message| line(out, "  ", message));
    }
    if !explanation.overrides.is_empty() {
        heading(out, label("人工处理", "acts of persons"));
        for act in &explanation.overrides {
            let amounts =
                format!("refund ¥{}, cash ¥{}, coupon ¥{}", yuan(act.amounts.refund), yuan(act.amounts.cash), yuan(act.amounts.coupon));
            line(out, "  ", &format!("{}  #{}  {} {} → {} ({amounts})", act.at, act.seq, name(&act.act), act.actor, act.outcome));
            line(out, "    ", &format!("{}: {}", act.role, act.reason));
        }
    }
    heading(out, label("时间线", "timeline"));
    for entry in &explanation.timeline {
        let mark = if entry.this { "→ " } else { "  " };
        let outcome = entry.outcome.as_ref().map(|outcome| format!(": {outcome}")).unwrap_or_default();
        line(out, mark, &format!("{}  #{}  {} {}{outcome}", entry.at, entry.seq, entry.what, entry.name));
    }
    text
}

fn rule_text(out: &mut String, rule: &RuleLine, decided: &str) {
    let by = match rule.by {
        ReasonBy::Policy => "policy",
        ReasonBy::Guardrail => "guardrail",
        ReasonBy::Host => "host",
    };
    line(out, "  ", &format!("{} {by}, {}{}", rule.rule, rule.severity, if rule.decided { decided } else { "" }));
    rule.facts.iter().for_each(|fact| line(out, "    ", &format!("{} = {}", fact.path, fact.shown)));
    rule.basis.iter().for_each(|basis| line(out, "    ", basis));
}

fn heading(out: &mut String, words: &str) {
    _ = writeln!(out, "\n{words}");
}

/// Writing to a string cannot fail.
fn line(out: &mut String, label: &str, words: &str) {
    _ = writeln!(out, "{label}{words}");
}

/// The wire name of a word.
fn name<T: serde::Serialize>(word: &T) -> String {
    serde_json::to_value(word).ok().and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_default()
}
