//! From a core module to a finished component: the contract wrapped around it, its own facts in custom sections.

use anyhow::{Context as _, Result, bail};
use ombud_sandbox::{PackageFacts, section};
use wasm_encoder::{Component, ComponentSectionId, CustomSection, Encode as _};

/// What goes into the custom sections.
pub struct Extras {
    /// Name, version, licence, source.
    pub package: PackageFacts,
    /// JSON Schema of the settings.
    pub settings_schema: Option<String>,
    /// Golden cases, YAML.
    pub cases: Option<String>,
    /// The rules that it looks at, JSON.
    pub rules: Option<String>,
}

/// Wraps a core module that carries the contract.
pub fn wrap(module: &[u8]) -> Result<Vec<u8>> {
    wit_component::ComponentEncoder::default()
        .validate(true)
        .module(module)
        .context("the module does not carry the contract: does its crate use one of the SDK's policy macros?")?
        .encode()
        .context("the module cannot be wrapped as a component")
}

/// Adds the sections to a component.
pub fn finish(component: Vec<u8>, extras: &Extras) -> Result<Vec<u8>> {
    if !component.starts_with(&Component::HEADER) {
        bail!("the encoder wrote something that is not a component");
    }
    let package = serde_json::to_string(&extras.package)?;
    let mut bytes = component;
    append(&mut bytes, section::PACKAGE, package.as_bytes());
    if let Some(schema) = &extras.settings_schema {
        append(&mut bytes, section::SETTINGS_SCHEMA, schema.as_bytes());
    }
    if let Some(cases) = &extras.cases {
        append(&mut bytes, section::CASES, cases.as_bytes());
    }
    if let Some(rules) = &extras.rules {
        append(&mut bytes, section::RULES, rules.as_bytes());
    }
    Ok(bytes)
}

/// Adds a custom section.
pub fn append(component: &mut Vec<u8>, name: &str, data: &[u8]) {
    component.push(ComponentSectionId::CoreCustom.into());
    CustomSection { name: name.into(), data: data.into() }.encode(component);
}
