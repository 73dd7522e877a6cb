//! Components to upload: the repository's own, and such as are made up here.

use ombud::service::Role;
use serde_json::{Value, json};

use crate::client::{Call, Reply};
use crate::guests::{component, root};
use crate::server::Merchant;

/// The component of a policy in `policies/`.
pub fn policy(name: &str) -> Vec<u8> {
    let path = root().join("policies").join(name).join(format!("{name}.wasm"));
    std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// A component with one more custom section.
pub fn with_section(component: &[u8], name: &str, data: &[u8]) -> Vec<u8> {
    let mut bytes = component.to_vec();
    let mut payload = leb(name.len());
    payload.extend_from_slice(name.as_bytes());
    payload.extend_from_slice(data);
    bytes.push(0);
    bytes.extend(leb(payload.len()));
    bytes.extend(payload);
    bytes
}

/// A component as it is before the last section, in which the build writes the rules that it declares.
pub fn without_rules(component: &[u8]) -> Vec<u8> {
    let name = b"\x0bombud:rules";
    let at = component.windows(name.len()).rposition(|window| window == name).expect("rules");
    let payload = component.len() - at;
    component[..at - leb(payload).len() - 1].to_vec()
}

/// A component as its language's tools made it: before the first section in which the build writes what it says of itself.
pub fn bare(component: &[u8]) -> Vec<u8> {
    let name = b"\x0dombud:package";
    let at = component.windows(name.len()).rposition(|window| window == name).expect("facts");
    let begun = (1..=3).map(|bytes| at - bytes).find(|length| {
        let payload = component[*length..at].iter().rev().fold(0, |sum, byte| sum << 7 | usize::from(byte & 0x7f));
        component[length - 1] == 0 && leb(payload) == component[*length..at]
    });
    component[..begun.expect("a section") - 1].to_vec()
}

/// A length as WebAssembly writes it.
pub fn leb(mut number: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    loop {
        let low = (number & 0x7f) as u8;
        number >>= 7;
        if number == 0 {
            bytes.push(low);
            return bytes;
        }
        bytes.push(low | 0x80);
    }
}

/// What a component says of itself.
pub fn facts(name: &str, version: &str) -> Value {
    json!({"name": name, "version": version, "license": "Apache-2.0"})
}

/// A component with what it says of itself.
pub fn named(component: &[u8], facts: &Value) -> Vec<u8> {
    with_section(component, "ombud:package", facts.to_string().as_bytes())
}

/// A policy that decides delays and always errs: small, sound, and without cases.
pub fn guest(name: &str, version: &str) -> Vec<u8> {
    named(&component("long-error", "delay-policy"), &facts(name, version))
}

/// An upload of a component alone.
pub fn upload(merchant: &Merchant<'_>, component: impl Into<Vec<u8>>) -> Call {
    merchant.call(Role::MerchantAdmin, "POST", "/policies").header("content-type", "application/wasm").body(component)
}

/// An upload of a component alone, under a name of the merchant's: the default policies' own names are taken.
pub fn upload_as(merchant: &Merchant<'_>, name: &str, component: impl Into<Vec<u8>>) -> Call {
    merchant.call(Role::MerchantAdmin, "POST", &format!("/policies?name={name}")).header("content-type", "application/wasm").body(component)
}

/// An upload as a form.
pub fn form(merchant: &Merchant<'_>, parts: &[(&str, &[u8])]) -> Call {
    let mut body = Vec::new();
    for (name, content) in parts {
        body.extend(format!("--limit\r\ncontent-disposition: form-data; name=\"{name}\"\r\n\r\n").bytes());
        body.extend_from_slice(content);
        body.extend(b"\r\n");
    }
    body.extend(b"--limit--\r\n");
    merchant.call(Role::MerchantAdmin, "POST", "/policies").header("content-type", "multipart/form-data; boundary=limit").body(body)
}

/// The end of an upload, however long it takes: its status, and the document.
pub fn ended(merchant: &Merchant<'_>, reply: &Reply) -> (u16, Value) {
    if reply.status != 202 {
        return (reply.status, reply.json());
    }
    let location = reply.headers["location"].to_str().expect("text").to_owned();
    for _ in 0..3_000 {
        let view = merchant.server.call("GET", &location).key(merchant.key(Role::MerchantAdmin)).send().ok();
        if let Some(status) = view["status"].as_u64() {
            return (u16::try_from(status).expect("a status"), view);
        }
        std::thread::sleep(std::time::Duration::from_millis(100));
    }
    panic!("the upload did not end");
}

/// The first step that failed, by its name, with its problems.
pub fn failed_step(document: &Value) -> (String, String) {
    let steps = document["report"].as_array().unwrap_or_else(|| panic!("no report: {document}"));
    let step = steps.iter().find(|step| step["status"] == "failed").unwrap_or_else(|| panic!("nothing failed: {document}"));
    (step["name"].as_str().expect("a name").to_owned(), step["problems"].to_string())
}
