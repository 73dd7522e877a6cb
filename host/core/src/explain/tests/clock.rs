//! An auditor's text has every time by one clock, which each names.

use serde_json::json;

use super::*;

#[test]
fn an_auditor_reads_every_time_by_the_clock_of_the_case() {
    let amounts = json!({"refund": 0, "cash": 0, "coupon": 0});
    let explained = json!({
        "decision": "d1", "lang": "en", "seq": 3, "leaf": "00", "merchant": "m1", "kind": "blacklist", "outcome": "execute",
        "amounts": amounts, "currency": "CNY", "tz_offset_min": 480, "erased": false, "masked": false,
        "event": {"type": "blacklist.step", "time": "2026-09-04T03:20:00.000Z", "received_at": "2026-09-04T03:20:01.500Z"},
        "rules": [{
            "rule": "BL-1", "by": "policy", "decided": true, "severity": "low", "basis": [],
            "facts": [{"path": "review-by", "value": "1788492000000", "shown": text::readable("review-by", "1788492000000", 480)}],
        }],
        "facts_read": [], "evaluated": [], "trace": [], "engine": {"profile": "p", "wasmtime": "48"},
        "follows": [{"what": "deadline", "name": "review of the measure", "by": "2027-03-03T16:30:00.000Z"}],
        "messages": [],
        "overrides": [{
            "seq": 5, "leaf": "00", "at": "2026-09-04T19:50:00.000Z", "act": "cancel", "actor": "key-1", "role": "compliance",
            "reason": "by mistake", "outcome": "cancelled", "amounts": amounts,
        }, {
            "seq": 9, "leaf": "00", "at": "2026-09-05T17:00:00.000Z", "act": "amend", "actor": "key-1", "role": "compliance",
            "reason": "no evidence", "outcome": "closed", "amounts": amounts, "decision": "d7",
        }],
        "timeline": [{"at": "2026-09-04T03:20:01.500Z", "seq": 3, "what": "decision", "name": "blacklist", "this": true}],
        "links": {"decision": "/d1", "replay": "/d1/replay"},
    });
    let explained: ForAuditor = serde_json::from_value(explained).unwrap();
    let text = auditor_text(&explained);
    for by_its_clock in [
        "happened 2026-09-04 11:20:00 +08:00, received 2026-09-04 11:20:01 +08:00",
        "review-by = 2026-09-04 11:20:00 +08:00",
        "by 2027-03-04 00:30:00 +08:00",
        "stands since 2026-09-05 03:50:00 +08:00",
        "  2026-09-06 01:00:00 +08:00  #9  amend key-1 → closed (refund ¥0.00, cash ¥0.00, coupon ¥0.00)  on the same request's decision d7\n",
        "→ 2026-09-04 11:20:01 +08:00  #3",
    ] {
        assert!(text.contains(by_its_clock), "no `{by_its_clock}` in\n{text}");
    }
    assert!(!text.contains("Z\n") && !text.contains("Z,") && !text.contains("Z "), "{text}");
    // A time that is none is shown as it is.
    let mut odd = explained;
    odd.event.time = "***".into();
    assert!(auditor_text(&odd).contains("happened ***, "));
}
