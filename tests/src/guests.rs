//! Guests as `.wat` text: a core module with the contract's canonical exports, wrapped here as a component.

use std::path::{Path, PathBuf};

use ombud_core::case::Case;
use ombud_ledger::Digest;
use ombud_rules::contract::delay::DelayCase;
use ombud_rules::contract::types::{Calendar, Context, Platform, Tri};
use ombud_sandbox::Facts;
use wit_component::{ComponentEncoder, StringEncoding};
use wit_parser::Resolve;

/// The repository's root.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("tests/ stands in the repository").to_path_buf()
}

/// The text of `tests/guests/<name>.wat`, its `(; prelude ;)` replaced by the shared one.
pub fn text(name: &str) -> String {
    let folder = root().join("tests/guests");
    let read = |file: &str| std::fs::read_to_string(folder.join(file)).unwrap_or_else(|error| panic!("tests/guests/{file}: {error}"));
    read(&format!("{name}.wat")).replace("(; prelude ;)", &read("prelude.wat"))
}

/// The component of a guest for `world`.
pub fn component(name: &str, world: &str) -> Vec<u8> {
    component_with(name, world, "")
}

/// The same with `more` in its module.
pub fn component_with(name: &str, world: &str, more: &str) -> Vec<u8> {
    let text = text(name);
    let whole = text.trim_end().strip_suffix(')').expect("a module");
    component_of(name, world, &format!("{whole}{more})"))
}

/// The component of a guest whose text is at hand.
pub fn component_of(name: &str, world: &str, text: &str) -> Vec<u8> {
    wrapped(name, "wit/v1", world, text)
}

/// The same for version 1.1 of the contract, which its names then have.
pub fn component_of_v1_1(name: &str, world: &str, text: &str) -> Vec<u8> {
    wrapped(name, "wit/v1.1", world, &text.replace("@1.0.0", "@1.1.0"))
}

fn wrapped(name: &str, contract: &str, world: &str, text: &str) -> Vec<u8> {
    let mut module = wat::parse_str(text).unwrap_or_else(|error| panic!("tests/guests/{name}.wat: {error}"));
    let mut resolve = Resolve::default();
    let (package, _) = resolve.push_dir(root().join(contract)).unwrap_or_else(|error| panic!("{contract}: {error:#}"));
    let world = resolve.select_world(&[package], Some(world)).unwrap_or_else(|error| panic!("{contract}: {error:#}"));
    wit_component::embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8).expect("metadata");
    ComponentEncoder::default().module(&module).expect("module").validate(true).encode().unwrap_or_else(|error| panic!("{name}: {error:#}"))
}

/// The files of a folder with an ending.
pub fn files(folder: &Path, ending: &str) -> Vec<PathBuf> {
    let all = std::fs::read_dir(folder).expect("a folder").flatten().map(|file| file.path());
    all.filter(|path| path.to_str().is_some_and(|name| name.ends_with(ending))).collect()
}

/// Facts of the kind `delay` about nothing in particular.
pub fn facts() -> Facts {
    let ctx = Context {
        merchant_id: "m_001".into(),
        shop_id: "s".into(),
        platform: Platform::Douyin,
        tz_offset_min: 480,
        now: 1_793_930_400_000,
        calendar: Calendar { non_working: vec![], statutory_holidays: vec![] },
    };
    let case = DelayCase {
        order_id: "o1".into(),
        lines: vec![],
        episodes: vec![],
        already: vec![],
        demanded: None,
        extortion_flag: Tri::No,
        attributes: vec![],
    };
    Facts::new(&ctx, &Case::Delay(case))
}

/// Writes a package that decides delays around a component; its folder.
pub fn package(folder: &Path, name: &str, component: &[u8]) -> PathBuf {
    let own = folder.join(name);
    std::fs::create_dir_all(&own).expect("written");
    std::fs::write(own.join("p.wasm"), component).expect("written");
    let mut toml = toml::Table::new();
    for (key, value) in
        [("name", name), ("version", "1"), ("component", "p.wasm"), ("toolchain", "text"), ("sha256", &Digest::of(component).to_string())]
    {
        toml.insert(key.into(), value.into());
    }
    toml.insert("decides".into(), toml::Value::Array(vec!["delay".into()]));
    toml.insert("reviews".into(), toml::Value::Array(Vec::new()));
    std::fs::write(own.join("policy.toml"), toml.to_string()).expect("written");
    own
}
