//! Explanations as text that people read, line by line.

use std::fmt::Write as _;

use jiff::Timestamp;
use jiff::tz::{Offset, TimeZone};

use super::auditor::{ForAuditor, RuleLine};
use super::customer::ForCustomer;
use super::{evaluated, terms};
use crate::caps::{CURRENCY, CapMark, CapUsage, OTHER_CURRENCY, PAID_BEFORE};
use crate::chain::ReasonBy;
use crate::money::{Amounts, Due};
use crate::shown::one_line;

/// A time for people, with its zone.
const TIME: &str = "%Y-%m-%d %H:%M:%S %:z";

/// Fen as yuan with two decimals.
pub(super) fn yuan(fen: i64) -> String {
    ombud_rules::after_sale::yuan(fen)
}

/// The civil date of an instant in a zone.
pub(super) fn date(ms: i64, tz_offset_min: i32) -> String {
    local(ms, tz_offset_min, "%Y-%m-%d").unwrap_or_default()
}

/// An instant in a zone, RFC 3339.
pub(super) fn date_and_time(ms: i64, tz_offset_min: i32) -> String {
    local(ms, tz_offset_min, "%Y-%m-%dT%H:%M:%S%:z").unwrap_or_default()
}

/// A fact's value for people: instants as the merchant's clock shows them, with its zone; amounts in yuan.
pub(super) fn readable(path: &str, value: &str, tz_offset_min: i32) -> String {
    const MONEY: [&str; 22] = [
        "paid",
        "refunded",
        "refund-owed",
        "refund-paid",
        "threshold",
        "reduce-by",
        "bundle-off",
        "tied-to-threshold",
        "marked-price",
        "would-be-freight",
        "freight-paid",
        "freight-refunded",
        "platform-discount",
        "requested-amount",
        "extra-compensation-demand",
        "demanded",
        "total-goodwill",
        "unit-price",
        "amount",
        "fee",
        "approved-compensation",
        "approved-refund",
    ];
    let Ok(number) = value.parse::<i64>() else { return value.to_owned() };
    let field = path.rsplit('.').next().unwrap_or(path);
    // No amount or count comes near an instant of this century.
    if (1_000_000_000_000..10_000_000_000_000).contains(&number) {
        return local(number, tz_offset_min, TIME).unwrap_or_else(|| value.to_owned());
    }
    // Of what was granted; an attribute has a value as well, which is whatever the merchant says.
    let granted = field == "value" && path.starts_with("already[");
    if MONEY.contains(&field) || granted || path.starts_with("caps.") { format!("¥{}", yuan(number)) } else { value.to_owned() }
}

fn local(ms: i64, tz_offset_min: i32, format: &str) -> Option<String> {
    let offset = Offset::from_seconds(tz_offset_min.checked_mul(60)?).ok()?;
    Some(Timestamp::from_millisecond(ms).ok()?.to_zoned(TimeZone::fixed(offset)).strftime(format).to_string())
}

/// A time of the record, RFC 3339, as the same clock shows it.
fn in_zone(time: &str, tz_offset_min: i32) -> String {
    let at_ms = time.parse::<Timestamp>().map(Timestamp::as_millisecond);
    at_ms.ok().and_then(|ms| local(ms, tz_offset_min, TIME)).unwrap_or_else(|| time.to_owned())
}

/// The text of an explanation for the customer.
pub fn customer_text(explanation: &ForCustomer) -> String {
    let zh = explanation.lang == "zh-CN";
    let label = |chinese: &'static str, english: &'static str| if zh { chinese } else { english };
    let stop = label("。", ".");
    let mut text = String::new();
    line(&mut text, "", &format!("{}{stop}", explanation.result));
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
    let decided = if explanation.later.is_empty() {
        label("处理时间：", "Decided: ")
    } else {
        label("最初处理时间：", "First decided: ")
    };
    line(&mut text, decided, &explanation.decided_at.replace('T', " "));
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
    let at = |time: &str| in_zone(time, explanation.tz_offset_min);
    line(out, label("决定 ", "decision "), &format!("{}  #{}  {}", explanation.decision, explanation.seq, explanation.merchant));
    line(out, label("叶哈希 ", "leaf "), &explanation.leaf);
    let kind = terms::term(explanation.kind.as_str(), zh);
    let due = explanation.due.filter(|_| explanation.amounts.any()).map_or("", |due| match due {
        Due::Now => label("支付：", "paid: "),
        Due::Later => label("退回后支付：", "promised: "),
        Due::Proposal => label("建议，未经人工同意不支付：", "proposed: "),
    });
    let outcome = terms::outcome(&explanation.outcome, zh);
    line(out, label("结果 ", "outcome "), &format!("{kind} {outcome}  ({due}{})", money(&explanation.amounts, zh)));
    // An act on another decision of the request says what became of its measure, not what stands in this one's place.
    if let Some(act) = explanation.overrides.iter().rfind(|act| act.decision.is_none()) {
        let stands = terms::outcome(&act.outcome, zh);
        line(out, label("现为 ", "stands since "), &format!("{}  {stands}  ({})", at(&act.at), money(&act.amounts, zh)));
    }
    if explanation.erased {
        line(
            out,
            "",
            label("客户密钥已删除：事实与理由不可再读", "the customer's key was erased: facts and reasons can no longer be read"),
        );
    } else if explanation.masked {
        line(out, "", label("个人信息已屏蔽：有权者说明理由后可见", "personal data are masked: those who may see them say why"));
    }

    heading(out, label("事件", "event"));
    let event = &explanation.event;
    let id = event.id.as_deref().unwrap_or("–");
    line(out, "  ", &format!("{}  {id}  {}", event.event_type, event.source.as_deref().unwrap_or_default()));
    let (time, received) = (at(&event.time), at(&event.received_at));
    line(out, "  ", &format!("{} {time}, {} {received}", label("发生于", "happened"), label("接收于", "received")));
    if let Some(ticket) = &event.ticket {
        line(out, label("  工单 ", "  ticket "), ticket);
    }
    if let Some(customer) = &event.customer {
        line(out, label("  客户 ", "  customer "), customer);
    }

    if !explanation.erased {
        heading(out, label("命中的规则", "rules matched"));
        explanation.rules.iter().for_each(|rule| rule_text(out, rule, zh));
    }
    if !explanation.evaluated.is_empty() {
        heading(out, label("评估的规则", "rules evaluated"));
        evaluated::text(out, &explanation.evaluated, zh);
    }
    if !explanation.trace.is_empty() {
        heading(out, label("评估日志", "trace"));
        explanation.trace.iter().for_each(|logged| line(out, "  ", logged));
    }

    versions(out, explanation, zh);
    caps(out, explanation, zh);
    if !explanation.follows.is_empty() {
        heading(out, label("后续", "what follows"));
        for due in &explanation.follows {
            let owner = due.owner.as_ref().map(|owner| format!(" ({})", terms::term(owner, zh))).unwrap_or_default();
            let by = due.by.as_ref().map(|by| format!(" {} {}", label("截止", "by"), at(by))).unwrap_or_default();
            line(out, "  ", &format!("{} {}{owner}{by}", terms::term(&due.what, zh), terms::term(&due.name, zh)));
        }
    }
    if !explanation.messages.is_empty() {
        heading(out, label("告知客户", "told to the customer"));
        explanation.messages.iter().for_each(|message| line(out, "  ", message));
    }
    if !explanation.overrides.is_empty() {
        heading(out, label("人工处理", "acts of persons"));
        for act in &explanation.overrides {
            let (done, stands) = (name(&act.act), terms::outcome(&act.outcome, zh));
            let did = format!("{}  #{}  {} {}", at(&act.at), act.seq, terms::term(&done, zh), act.actor);
            let on = act.decision.as_ref().map(|on| format!("  {} {on}", label("针对同一申请的决定", "on the same request's decision")));
            line(out, "  ", &format!("{did} → {stands} ({}){}", money(&act.amounts, zh), on.unwrap_or_default()));
            line(out, "    ", &format!("{}: {}", terms::term(&act.role, zh), act.reason));
        }
    }
    heading(out, label("时间线", "timeline"));
    for entry in &explanation.timeline {
        let mark = if entry.this { "→ " } else { "  " };
        let outcome = entry.outcome.as_ref().map(|outcome| format!(": {}", terms::outcome(outcome, zh))).unwrap_or_default();
        let what = terms::term(&entry.what, zh);
        line(out, mark, &format!("{}  #{}  {what} {}{outcome}", at(&entry.at), entry.seq, terms::term(&entry.name, zh)));
    }
    text
}

/// What was called, and what executed it.
fn versions(out: &mut String, explanation: &ForAuditor, zh: bool) {
    let label = |chinese: &'static str, english: &'static str| if zh { chinese } else { english };
    let (component, settings) = (label("    组件 ", "    component "), label("    设置 ", "    settings  "));
    let fuel = label("燃料", "fuel");
    heading(out, label("版本", "versions"));
    if let Some(policy) = &explanation.policy {
        let called = format!("{} {} ({}), {fuel} {}", policy.name, policy.version, policy.contract, policy.fuel);
        line(out, label("  策略 ", "  policy "), &called);
        line(out, component, &policy.component);
        line(out, settings, &policy.settings);
        if let Some(ruled) = &policy.ruled {
            line(out, label("    护栏与限额之前：", "    before guardrail and caps: "), &terms::outcome(ruled, zh));
        }
    }
    if let Some(rollout) = &explanation.rollout {
        line(out, label("    发布阶段：", "    rollout: "), terms::term(rollout.stage.as_str(), zh));
        if let Some(beside) = &rollout.beside {
            let said = terms::outcome(&beside.outcome, zh);
            let told = format!("{} {} ({}): {said}", beside.policy.name, beside.policy.version, beside.stage);
            line(out, label("    另一版本（对消费者不更优）：", "    beside, not better for the consumer: "), &told);
        }
    }
    if let Some(guardrail) = &explanation.guardrail {
        let result = guardrail.result.map_or_else(|| label("已删除", "erased").to_owned(), |result| name(&result));
        line(out, label("  护栏：", "  guardrail: "), &format!("{}, {fuel} {}", terms::term(&result, zh), guardrail.fuel));
        if let (Some(of), Some(with)) = (&guardrail.component, &guardrail.settings) {
            line(out, component, of);
            line(out, settings, with);
        }
    }
    let engine = &explanation.engine;
    line(out, label("  引擎 ", "  engine "), &format!("wasmtime {} {} {}", engine.wasmtime, label("配置", "profile"), engine.profile));
    if let Some(fault) = &explanation.fault {
        line(out, label("  故障：", "  fault: "), &format!("{}: {}", fault.code, fault.detail));
    }
}

/// What the caps knew and did; of an erased decision what its header has.
fn caps(out: &mut String, explanation: &ForAuditor, zh: bool) {
    let label = |chinese: &'static str, english: &'static str| if zh { chinese } else { english };
    let exceeded = label("超出", "exceeded");
    if let Some(caps) = &explanation.caps {
        heading(out, label("资金限额", "money caps"));
        line(out, "  ", terms::term(&name(&caps.result), zh));
        for (word, marks) in [(exceeded, &caps.breaches), (label("接近", "nearly used up"), &caps.warnings)] {
            for mark in marks {
                line(out, "  ", &format!("{word} {}: {}", mark.cap, sums(mark, &explanation.currency, zh)));
            }
        }
        line(out, label("  计入 ", "  counted "), &money(&caps.counted, zh));
    }
    if let Some(caps) = &explanation.caps_header {
        heading(out, label("资金限额", "money caps"));
        caps.breaches.iter().for_each(|cap| line(out, "  ", &format!("{exceeded} {cap}")));
        for (cap, of) in WINDOWS {
            let (used, limit) = (yuan(of(&caps.used)), yuan(of(&caps.limits)));
            let sums = match zh {
                true => format!("已用¥{used}，上限¥{limit}"),
                false => format!("used ¥{used}, limit ¥{limit}"),
            };
            line(out, "  ", &format!("{cap}: {sums}"));
        }
    }
}

/// What a cap held against what. Two of them are about no amount: the one of another currency, and the one of what was paid before.
pub(super) fn sums(mark: &CapMark, currency: &str, zh: bool) -> String {
    let (used, asked, limit) = (yuan(mark.used), yuan(mark.asked), yuan(mark.limit));
    match (mark.cap.as_str(), zh) {
        (PAID_BEFORE, true) => "此前已经支付，同一笔款项只支付一次".to_owned(),
        (PAID_BEFORE, false) => "paid before, and one payment is made once".to_owned(),
        (OTHER_CURRENCY, true) => format!("结算币种为{currency}，金额须为{CURRENCY}"),
        (OTHER_CURRENCY, false) => format!("settled in {currency}, amounts are in {CURRENCY}"),
        (_, true) => format!("已用¥{used}，本次¥{asked}，上限¥{limit}"),
        (_, false) => format!("used ¥{used}, asked ¥{asked}, limit ¥{limit}"),
    }
}

/// A cap by its rule, and its amount.
type Window = (&'static str, fn(&CapUsage) -> i64);

/// The caps by their rules (domain policies 5.8), each with its window.
const WINDOWS: [Window; 6] = [
    ("CAP-11", |windows| windows.order_refund),
    ("CAP-12", |windows| windows.order_goodwill),
    ("CAP-21", |windows| windows.customer_24h_refund),
    ("CAP-22", |windows| windows.customer_24h_goodwill),
    ("CAP-31", |windows| windows.merchant_day_refund),
    ("CAP-32", |windows| windows.merchant_day_goodwill),
];

/// Amounts in a line.
fn money(amounts: &Amounts, zh: bool) -> String {
    let (refund, cash, coupon) = (yuan(amounts.refund), yuan(amounts.cash), yuan(amounts.coupon));
    match zh {
        true => format!("退款¥{refund}，现金¥{cash}，优惠券¥{coupon}"),
        false => format!("refund ¥{refund}, cash ¥{cash}, coupon ¥{coupon}"),
    }
}

fn rule_text(out: &mut String, rule: &RuleLine, zh: bool) {
    let by = match rule.by {
        ReasonBy::Policy => "policy",
        ReasonBy::Guardrail => "guardrail",
        ReasonBy::Host => "host",
    };
    let decided = match (rule.decided, zh) {
        (true, true) => "（决定）",
        (true, false) => " (decided)",
        (false, _) => "",
    };
    let severity = rule.severity.to_string();
    line(out, "  ", &format!("{} {}, {}{decided}", rule.rule, terms::term(by, zh), terms::term(&severity, zh)));
    rule.facts.iter().for_each(|fact| line(out, "    ", &format!("{} = {}", fact.path, fact.shown)));
    rule.basis.iter().for_each(|basis| line(out, "    ", basis));
}

fn heading(out: &mut String, words: &str) {
    _ = writeln!(out, "\n{words}");
}

/// One line, whatever the words are: most of them were written by others. Writing to a string cannot fail.
pub(super) fn line(out: &mut String, label: &str, words: &str) {
    _ = writeln!(out, "{label}{}", one_line(words));
}

/// The wire name of a word.
fn name<T: serde::Serialize>(word: &T) -> String {
    serde_json::to_value(word).ok().and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_default()
}
