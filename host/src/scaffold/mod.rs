//! `ombud new`: a working policy in the author's language, with settings, cases, readme and the contract's types.
//!
//! The templates are files beside this one. Settings and cases are the same in every language, and so is what they are answered with.

mod bindings;

use anyhow::Result;

pub use bindings::Contract;
use bindings::{camel, snake};

/// A language to write a policy in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Language {
    /// Rust, with the SDK.
    Rust,
    /// TypeScript or JavaScript, with componentize-js.
    Js,
    /// Python, with componentize-py.
    Python,
    /// No language: a decision table.
    Table,
}

/// The files of a new policy: path and text.
pub type Files = Vec<(String, String)>;

/// What a template of one kind has in the place of its names.
struct Names<'a> {
    name: &'a str,
    kind: &'a str,
    sdk: &'a str,
    /// The contract's version, `1.0`.
    contract: &'a str,
}

macro_rules! of_kind {
    ($kind:expr, $before:literal, $after:literal) => {
        match $kind {
            "after-sale" => include_str!(concat!($before, "after-sale", $after)),
            "delay" => include_str!(concat!($before, "delay", $after)),
            "blacklist" => include_str!(concat!($before, "blacklist", $after)),
            _ => include_str!(concat!($before, "reply", $after)),
        }
    };
}

/// The files of a policy. `sdk` is where a Rust policy finds the SDK; `contract` is the version that a policy with code is written for.
pub fn files(name: &str, kind: &str, language: Language, sdk: &str, contract: &str) -> Result<Files> {
    let names = Names { name, kind, sdk, contract };
    let mut files: Files = match language {
        Language::Rust => rust(&names),
        Language::Js => javascript(&names)?,
        Language::Python => python(&names)?,
        Language::Table => return Ok(table(&names)),
    };
    files.push(("cases.yaml".into(), of_kind!(kind, "shared/", "/cases.yaml").into()));
    files.push(("rules.json".into(), of_kind!(kind, "shared/", "/rules.json").into()));
    files.push(("settings.schema.json".into(), schema(kind).into()));
    let files = files.into_iter().map(|(path, text)| (path, names.filled(&text)));
    Ok(files.collect())
}

fn schema(kind: &str) -> &'static str {
    of_kind!(kind, "shared/", "/settings.schema.json")
}

fn rust(names: &Names<'_>) -> Files {
    vec![
        ("Cargo.toml".into(), include_str!("rust/Cargo.toml.txt").into()),
        ("src/lib.rs".into(), include_str!("rust/lib.rs.txt").into()),
        ("src/settings.rs".into(), of_kind!(names.kind, "rust/", "/settings.rs.txt").into()),
        ("src/rule.rs".into(), of_kind!(names.kind, "rust/", "/rule.rs.txt").into()),
        ("README.md".into(), readme(include_str!("rust/README.md.txt"))),
        (".gitignore".into(), "build\ntarget\n".into()),
    ]
}

/// The import that a version has beside the log, and its module's name.
fn text_of(contract: &str) -> Option<&'static str> {
    (contract == "1.1").then_some("ombud:policy/text@1.1.0")
}

fn javascript(names: &Names<'_>) -> Result<Files> {
    let contract = Contract::read(names.contract)?;
    let mut files: Files = vec![
        ("package.json".into(), include_str!("javascript/package.json.txt").into()),
        ("tsconfig.json".into(), include_str!("javascript/tsconfig.json.txt").into()),
        ("src/policy.ts".into(), include_str!("javascript/policy.ts.txt").into()),
        ("src/settings.ts".into(), include_str!("javascript/settings.ts.txt").into()),
        ("src/notes.ts".into(), include_str!("javascript/notes.ts.txt").into()),
        ("src/rule.ts".into(), of_kind!(names.kind, "javascript/", "/rule.ts.txt").into()),
        ("src/contract.d.ts".into(), contract.typescript(names.kind)),
        ("README.md".into(), readme(include_str!("javascript/README.md.txt"))),
        (".gitignore".into(), "build\nnode_modules\n".into()),
    ];
    files.extend(text_of(names.contract).map(|module| ("src/text.d.ts".into(), contract.typescript_module("text", module))));
    Ok(files)
}

fn python(names: &Names<'_>) -> Result<Files> {
    let contract = Contract::read(names.contract)?;
    let kind = snake(names.kind);
    let mut files: Files = vec![
        ("pyproject.toml".into(), include_str!("python/pyproject.toml.txt").into()),
        ("requirements.txt".into(), include_str!("python/requirements.txt").into()),
        ("src/policy.py".into(), include_str!("python/policy.py.txt").into()),
        ("src/chosen.py".into(), include_str!("python/chosen.py.txt").into()),
        ("src/notes.py".into(), include_str!("python/notes.py.txt").into()),
        ("src/rule.py".into(), of_kind!(names.kind, "python/", "/rule.py.txt").into()),
        ("README.md".into(), readme(include_str!("python/README.md.txt"))),
        (".gitignore".into(), "build\n.venv\n__pycache__\n".into()),
    ];
    for interface in ["types".to_owned(), format!("{}-types", names.kind)] {
        files.push((format!("typings/wit_world/imports/{}.pyi", snake(&interface)), contract.python(&interface)));
    }
    files.extend(text_of(names.contract).map(|_| ("typings/wit_world/imports/text.pyi".into(), contract.python_module("text"))));
    let exports = "from typing import Protocol\n\nfrom ..imports import {{module}}_types, types\n\n\nclass Settings(Protocol):\n    \
        def prepare(self, settings: str) -> None: ...\n\n\nclass {{Kind}}(Protocol):\n    \
        def decide(self, ctx: types.Context, facts: {{module}}_types.{{Kind}}Case) -> {{module}}_types.{{Kind}}Ruling: ...\n";
    files.push(("typings/wit_world/exports/__init__.pyi".into(), exports.into()));
    files.push(("typings/wit_world/exports/settings.pyi".into(), contract.python("settings").replace("\nfrom . import types\n", "")));
    files.push((format!("typings/wit_world/exports/{kind}.pyi"), String::new()));
    files.push(("typings/wit_world/imports/__init__.pyi".into(), String::new()));
    files.push(("typings/wit_world/__init__.pyi".into(), String::new()));
    let err = "from dataclasses import dataclass\nfrom typing import Generic, TypeVar\n\nE = TypeVar(\"E\")\n\n\n@dataclass(frozen=True)\n\
        class Err(Generic[E], Exception):\n    value: E\n";
    files.push(("typings/componentize_py_types.pyi".into(), err.into()));
    Ok(files)
}

fn table(names: &Names<'_>) -> Files {
    vec![
        ("table.yaml".into(), of_kind!(names.kind, "table/", ".yaml").into()),
        ("cases.yaml".into(), of_kind!(names.kind, "table/", ".cases.yaml").into()),
        ("README.md".into(), names.filled(include_str!("table/README.md.txt"))),
    ]
}

/// A readme with what every language has in common at its end.
fn readme(own: &str) -> String {
    format!("{own}{}", include_str!("shared/README.md.txt"))
}

impl Names<'_> {
    fn filled(&self, text: &str) -> String {
        let (setting, [min, max, default]) = match self.kind {
            "after-sale" => ("exchange_days", [7, 90, 15]),
            "delay" => ("min_hours", [1, 72, 24]),
            "blacklist" => ("incidents_min", [2, 50, 3]),
            _ => ("length_max", [20, 4000, 200]),
        };
        text.replace("{{name}}", self.name)
            .replace("{{kind}}", self.kind)
            .replace("{{module}}", &snake(self.kind))
            .replace("{{Kind}}", &camel(self.kind, true))
            .replace("{{camel}}", &camel(self.kind, false))
            .replace("{{sdk}}", self.sdk)
            .replace("{{contract}}", self.contract)
            .replace("{{features}}", if self.contract == "1.1" { ", \"v1-1\"" } else { "" })
            .replace("{{setting}}", setting)
            .replace("{{min}}", &min.to_string())
            .replace("{{max}}", &max.to_string())
            .replace("{{default}}", &default.to_string())
    }
}
