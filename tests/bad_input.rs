//! Bad input, case by case from `cases/bad-input.yaml`: each gives a typed answer and leaves nothing behind that it should not.

use std::collections::BTreeMap;

use ombud::service::Role;
use ombud_tests::client::{Reply, pointers};
use ombud_tests::events::{event, set};
use ombud_tests::guests::root;
use ombud_tests::ledger;
use ombud_tests::server::{Merchant, only, rules, shared};
use serde::Deserialize;
use serde_json::{Value, json};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    name: String,
    event: Option<String>,
    #[serde(default)]
    change: BTreeMap<String, Value>,
    #[serde(default)]
    remove: Vec<String>,
    duplicate: Option<Duplicate>,
    raw: Option<String>,
    raw_hex: Option<String>,
    fill: Option<String>,
    size: Option<usize>,
    method: Option<String>,
    path: Option<String>,
    role: Option<String>,
    content: Option<String>,
    #[serde(default)]
    headers: BTreeMap<String, String>,
    expect: Expect,
}

/// Puts `with` before the first `at` of the body.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Duplicate {
    at: String,
    with: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Expect {
    status: u16,
    pointers: Option<Vec<String>>,
    outcome: Option<String>,
    rules: Option<Vec<String>>,
    fault: Option<String>,
}

fn cases() -> Vec<Case> {
    let text = std::fs::read_to_string(root().join("tests/cases/bad-input.yaml")).unwrap();
    serde_norway::from_str(&text).unwrap_or_else(|error| panic!("tests/cases/bad-input.yaml: {error}"))
}

impl Case {
    fn body(&self, merchant: &Merchant<'_>) -> Vec<u8> {
        if let Some(hex) = &self.raw_hex {
            return (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect();
        }
        if let Some(raw) = &self.raw {
            return self.filled(&raw.replace("$m", &merchant.id)).into_bytes();
        }
        let mut event = event(self.event.as_ref().expect("an event or a body"), "bad");
        for (pointer, value) in &self.change {
            set(&mut event, pointer, value.clone());
        }
        for pointer in &self.remove {
            let (parent, member) = pointer.rsplit_once('/').unwrap();
            event.pointer_mut(parent).unwrap().as_object_mut().unwrap().remove(member).expect(pointer);
        }
        let body = event.to_string();
        let body =
            self.duplicate.as_ref().map_or(body.clone(), |twice| body.replacen(&twice.at, &format!("{}{}", twice.with, twice.at), 1));
        self.filled(&body).into_bytes()
    }

    /// The text with its `@` filled up; without a filling an `@` is an `@`.
    fn filled(&self, text: &str) -> String {
        self.fill.as_ref().map_or_else(|| text.to_owned(), |fill| text.replace('@', &fill.repeat(self.size.unwrap_or(1))))
    }

    fn send(&self, merchant: &Merchant<'_>) -> Reply {
        let path = self.filled(self.path.as_deref().unwrap_or("/events"));
        let path = path.strip_prefix("//").map_or_else(|| format!("/v1/merchants/{}{path}", merchant.id), |path| format!("/{path}"));
        let mut call = merchant.server.call(self.method.as_deref().unwrap_or("POST"), &path);
        match self.role.as_deref().unwrap_or("agent") {
            "nobody" => {}
            "stranger" => call = call.key(&format!("ombud_{}", "1".repeat(64))),
            "operator" => call = call.key(&merchant.server.operator),
            role => call = call.key(merchant.key(Role::parse(role).expect("a role"))),
        }
        for (name, value) in &self.headers {
            call = call.header(name, &self.filled(value));
        }
        call.header("content-type", self.content.as_deref().unwrap_or("application/cloudevents+json")).body(self.body(merchant)).send()
    }
}

#[test]
fn every_bad_input_is_answered_and_leaves_nothing_behind() {
    let server = shared();
    let good = event("aftersale.requested", "good");
    let mut wrong = Vec::new();
    let cases = cases();
    assert!(cases.len() > 70);
    for case in &cases {
        let merchant = server.merchant(json!({}));
        let before = merchant.call(Role::Auditor, "GET", "").send().ok();
        let reply = case.send(&merchant);
        let mut differs = |what: &str, expected: String, got: String| {
            if expected != got {
                wrong.push(format!(
                    "{}: {what} is {got}, expected {expected}\n    {}",
                    case.name,
                    reply.text().chars().take(600).collect::<String>()
                ));
            }
        };
        differs("status", case.expect.status.to_string(), reply.status.to_string());
        let recorded = usize::from(case.expect.status == 200);
        if reply.status == 200 {
            let answer = reply.ok();
            if let Some(outcome) = &case.expect.outcome {
                let decision = only(&answer);
                differs("outcome", outcome.clone(), decision["outcome"].as_str().unwrap_or_default().to_owned());
                differs("rules", format!("{:?}", case.expect.rules.clone().unwrap_or_default()), format!("{:?}", rules(&decision)));
            }
            for decision in answer["decisions"].as_array().unwrap() {
                let fault = decision["fault"]["code"].as_str().unwrap_or("none");
                differs("fault", case.expect.fault.clone().unwrap_or_else(|| "none".into()), fault.to_owned());
            }
        } else if reply.status == case.expect.status {
            let document = reply.problem(case.expect.status);
            if let Some(expected) = &case.expect.pointers {
                let mut found = pointers(&document);
                found.dedup();
                differs("pointers", format!("{expected:?}"), format!("{found:?}"));
            }
        }
        differs("number of records", recorded.to_string(), merchant.records().to_string());
        if recorded == 0 {
            let keys = format!(
                "SELECT count(*) FROM subject_keys JOIN merchants USING (merchant_no) WHERE id = '{}' AND subject <> 'merchant'",
                merchant.id
            );
            differs("number of customers' keys", "0".to_owned(), ledger::count(&server.data, &keys).to_string());
        }
        differs("the merchant", before.to_string(), merchant.call(Role::Auditor, "GET", "").send().ok().to_string());
        // The next one is served as if nothing had been.
        let after = merchant.call(Role::Agent, "POST", "/events").event(&good).send();
        differs("the next answer", "200".to_owned(), after.status.to_string());
    }
    assert!(wrong.is_empty(), "{} of {} cases:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
}

#[test]
fn another_body_under_a_known_id_changes_nothing() {
    let merchant = shared().merchant(json!({}));
    let first = event("aftersale.requested", "known");
    let answer = merchant.call(Role::Agent, "POST", "/events").event(&first).send();
    for (pointer, value) in
        [("/data/order/lines/0/paid", json!(1)), ("/type", json!("aftersale.modified")), ("/time", json!("2026-11-06T02:00:01Z"))]
    {
        let mut other = first.clone();
        set(&mut other, pointer, value);
        merchant.call(Role::Agent, "POST", "/events").event(&other).send().problem(409);
    }
    assert_eq!(merchant.records(), 1);
    // The same instant in another notation is the same event.
    let mut same = first.clone();
    set(&mut same, "/time", json!("2026-11-06T02:00:00Z"));
    assert_eq!(merchant.call(Role::Agent, "POST", "/events").event(&same).send().decisions(), answer.decisions());
}

#[test]
fn a_broken_connection_leaves_nothing_and_harms_nobody() {
    use std::io::{Read as _, Write as _};
    let merchant = shared().merchant(json!({}));
    let head = |length: usize| {
        format!(
            "POST /v1/merchants/{}/events HTTP/1.1\r\nhost: test\r\nauthorization: Bearer {}\r\ncontent-type: application/cloudevents+json\r\ncontent-length: {length}\r\n\r\n",
            merchant.id,
            merchant.key(Role::Agent)
        )
    };
    let body = event("aftersale.requested", "broken").to_string();
    let connect = || std::net::TcpStream::connect(shared().address).unwrap();
    // Hung up in the middle of the body, in the middle of the header, and with bytes that are no HTTP.
    for bytes in
        [format!("{}{}", head(body.len()), &body[..body.len() / 2]), head(10)[..40].to_owned(), "\0\u{1}\u{2}nonsense\r\n\r\n".to_owned()]
    {
        for _ in 0..5 {
            connect().write_all(bytes.as_bytes()).unwrap();
        }
    }
    // Much more than is taken is not even read.
    let mut stream = connect();
    stream.write_all(head(3_000_000).as_bytes()).unwrap();
    let mut answer = [0; 12];
    stream.read_exact(&mut answer).unwrap();
    assert_eq!(&answer, b"HTTP/1.1 413");
    // Two lengths, and a length that lies.
    for bytes in [format!("{}{body}", head(body.len()).replace("\r\n\r\n", "\r\ncontent-length: 3\r\n\r\n")), format!("{}{body}", head(3))]
    {
        let mut stream = connect();
        stream.write_all(bytes.as_bytes()).unwrap();
        stream.shutdown(std::net::Shutdown::Write).unwrap();
        let mut answer = Vec::new();
        _ = stream.read_to_end(&mut answer);
        assert!(String::from_utf8_lossy(&answer).starts_with("HTTP/1.1 400"), "{}", String::from_utf8_lossy(&answer));
    }
    assert_eq!(merchant.records(), 0);
    assert_eq!(merchant.post(&event("aftersale.requested", "broken"))["duplicate"], false);
}
