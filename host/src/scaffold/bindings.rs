//! The contract's types for authors of other languages, written from the contract itself: declarations for TypeScript, stubs for Python.
//!
//! They are for editors and type checkers. What a component is built with comes from componentize-js and componentize-py, which read the
//! same files.

use anyhow::{Context as _, Result};
use wit_parser::{Docs, Function, Interface, Resolve, Type, TypeDef, TypeDefKind, TypeId, TypeOwner};

use crate::package::contract_files;

/// The contract, read.
pub struct Contract {
    resolve: Resolve,
}

/// One named type, in the language of the caller.
type Write<'a> = &'a dyn Fn(&Contract, &TypeDef, &str) -> Option<String>;

impl Contract {
    /// Reads a version of the contract.
    pub fn read(version: &str) -> Result<Self> {
        let mut resolve = Resolve::default();
        let text: String = contract_files(version)?.iter().map(|(_, text)| *text).collect();
        resolve.push_source("contract.wit", &text).context("the contract")?;
        Ok(Self { resolve })
    }

    /// Declarations of everything that a policy of a kind meets.
    pub fn typescript(&self, kind: &str) -> String {
        let mut out = "// The contract's types, written by `ombud new`. An s64 is a bigint.\n".to_owned();
        for name in ["types".to_owned(), format!("{kind}-types"), "settings".to_owned()] {
            out.push_str(&self.interface(&name, &|contract, ty, name| contract.ts_type(ty, name)));
        }
        out
    }

    /// A stub of one interface.
    pub fn python(&self, name: &str) -> String {
        let mut out =
            "\"\"\"The contract's types, written by `ombud new`.\"\"\"\n\nfrom dataclasses import dataclass\nfrom enum import Enum, Flag\n"
                .to_owned();
        if name != "types" {
            out.push_str("\nfrom . import types\n");
        }
        out.push_str(&self.interface(name, &|contract, ty, name| contract.py_type(ty, name)));
        out
    }

    /// Declarations of an interface that a policy calls, as the module that it imports.
    pub fn typescript_module(&self, name: &str, module: &str) -> String {
        let types = self.interface(name, &|contract, ty, name| contract.ts_type(ty, name));
        let functions = self.functions(name, &|function| {
            let parameters = function.params.iter().map(|param| format!("{}: {}", camel(&param.name, false), self.ts(&param.ty)));
            let result = function.result.as_ref().map_or_else(|| "void".to_owned(), |ty| self.ts(ty));
            let doc = doc(&function.docs, "/** ", " */\n", "");
            let name = camel(&function.name, false);
            format!("\n{doc}export function {name}({}): {result};\n", parameters.collect::<Vec<_>>().join(", "))
        });
        let inside = format!("{types}{functions}").replace('\n', "\n  ").replace("\n  \n", "\n\n");
        format!("// What the host answers, written by `ombud new`.\n\ndeclare module '{module}' {{{}}}\n", inside.trim_end_matches(' '))
    }

    /// A stub of an interface that a policy calls.
    pub fn python_module(&self, name: &str) -> String {
        let functions = self.functions(name, &|function| {
            let parameters = function.params.iter().map(|param| format!("{}: {}", snake(&param.name), self.py_of(&param.ty)));
            let result = function.result.as_ref().map_or_else(|| "None".to_owned(), |ty| self.py_of(ty));
            let doc = doc(&function.docs, "    \"\"\"", "\"\"\"\n", "");
            format!("\n\ndef {}({}) -> {result}:\n{doc}    ...\n", snake(&function.name), parameters.collect::<Vec<_>>().join(", "))
        });
        format!("{}{functions}", self.python(name).replace("\nfrom . import types\n", "").replace("from enum import Enum, Flag\n", ""))
    }

    /// The functions of an interface, one after the other.
    fn functions(&self, name: &str, write: &dyn Fn(&Function) -> String) -> String {
        self.named_interface(name).map(|interface| interface.functions.values().map(write).collect()).unwrap_or_default()
    }

    fn named_interface(&self, name: &str) -> Option<&Interface> {
        self.resolve.interfaces.iter().map(|(_, interface)| interface).find(|one| one.name.as_deref() == Some(name))
    }

    /// The types that an interface itself declares, one after the other.
    fn interface(&self, name: &str, write: Write<'_>) -> String {
        let Some(interface) = self.named_interface(name) else { return String::new() };
        let types = interface.types.iter().filter_map(|(name, id)| write(self, self.resolve.types.get(*id)?, name));
        types.collect()
    }

    fn ts_type(&self, ty: &TypeDef, name: &str) -> Option<String> {
        let name = camel(name, true);
        let doc = doc(&ty.docs, "/** ", " */\n", "");
        Some(match &ty.kind {
            TypeDefKind::Record(record) => {
                let fields = record.fields.iter().map(|field| {
                    let doc = self::doc(&field.docs, "  /** ", " */\n", "");
                    format!("{doc}  {}: {};\n", camel(&field.name, false), self.ts(&field.ty))
                });
                format!("\n{doc}export interface {name} {{\n{}}}\n", fields.collect::<String>())
            }
            TypeDefKind::Enum(of) => {
                let cases: Vec<String> = of.cases.iter().map(|case| format!("'{}'", case.name)).collect();
                format!("\n{doc}export type {name} = {};\n", cases.join(" | "))
            }
            TypeDefKind::Flags(of) => {
                let flags = of.flags.iter().map(|flag| format!("  {}?: boolean;\n", camel(&flag.name, false)));
                format!("\n{doc}export interface {name} {{\n{}}}\n", flags.collect::<String>())
            }
            TypeDefKind::Type(of) if !matches!(of, Type::Id(_)) => format!("\n{doc}export type {name} = {};\n", self.ts(of)),
            _ => return None,
        })
    }

    fn ts(&self, ty: &Type) -> String {
        match ty {
            Type::Bool => "boolean".to_owned(),
            Type::S64 | Type::U64 => "bigint".to_owned(),
            Type::String | Type::Char => "string".to_owned(),
            Type::Id(id) => match self.named(*id) {
                (_, TypeDefKind::List(of)) => format!("Array<{}>", self.ts(of)),
                (_, TypeDefKind::Option(of)) => format!("{} | undefined", self.ts(of)),
                (name, _) => camel(name, true),
            },
            _ => "number".to_owned(),
        }
    }

    fn py_type(&self, ty: &TypeDef, name: &str) -> Option<String> {
        let name = camel(name, true);
        let doc = doc(&ty.docs, "    \"\"\"", "\"\"\"\n", "");
        Some(match &ty.kind {
            TypeDefKind::Record(record) => {
                let fields = record.fields.iter().map(|field| {
                    let doc = self::doc(&field.docs, "    # ", "\n", "");
                    format!("{doc}    {}: {}\n", snake(&field.name), self.py(&field.ty, ty))
                });
                format!("\n\n@dataclass\nclass {name}:\n{doc}{}", fields.collect::<String>())
            }
            TypeDefKind::Enum(of) => {
                let cases = of.cases.iter().enumerate().map(|(at, case)| format!("    {} = {at}\n", snake(&case.name).to_uppercase()));
                format!("\n\nclass {name}(Enum):\n{doc}{}", cases.collect::<String>())
            }
            TypeDefKind::Flags(of) => {
                let flags =
                    of.flags.iter().enumerate().map(|(at, flag)| format!("    {} = {}\n", snake(&flag.name).to_uppercase(), 1 << at));
                format!("\n\nclass {name}(Flag):\n{doc}{}", flags.collect::<String>())
            }
            _ => return None,
        })
    }

    /// A type as a function of the same interface names it.
    fn py_of(&self, ty: &Type) -> String {
        match ty {
            Type::Id(id) => match self.named(*id) {
                (_, TypeDefKind::List(of)) => format!("list[{}]", self.py_of(of)),
                (_, TypeDefKind::Option(of)) => format!("{} | None", self.py_of(of)),
                (name, _) => camel(name, true),
            },
            Type::Bool => "bool".to_owned(),
            Type::String | Type::Char => "str".to_owned(),
            _ => "int".to_owned(),
        }
    }

    /// A type inside another; what another interface declares is named with it.
    fn py(&self, ty: &Type, inside: &TypeDef) -> String {
        match ty {
            Type::Bool => "bool".to_owned(),
            Type::String | Type::Char => "str".to_owned(),
            Type::Id(id) => match self.named(*id) {
                (_, TypeDefKind::List(of)) => format!("list[{}]", self.py(of, inside)),
                (_, TypeDefKind::Option(of)) => format!("{} | None", self.py(of, inside)),
                (_, TypeDefKind::Type(of)) => self.py(of, inside),
                (name, _) => {
                    let owner = self.resolve.types.get(self.end(*id)).map(|found| found.owner);
                    let own =
                        matches!((owner, inside.owner), (Some(TypeOwner::Interface(one)), TypeOwner::Interface(other)) if one == other);
                    if own { camel(name, true) } else { format!("types.{}", camel(name, true)) }
                }
            },
            _ => "int".to_owned(),
        }
    }

    /// Where a chain of `use` ends.
    fn end(&self, id: TypeId) -> TypeId {
        match self.resolve.types.get(id).map(|found| &found.kind) {
            Some(TypeDefKind::Type(Type::Id(next))) => self.end(*next),
            _ => id,
        }
    }

    /// Name and kind of a type at the end of its `use`s.
    fn named(&self, id: TypeId) -> (&str, &TypeDefKind) {
        const NOTHING: (&str, &TypeDefKind) = ("unknown", &TypeDefKind::Unknown);
        self.resolve.types.get(self.end(id)).map_or(NOTHING, |found| (found.name.as_deref().unwrap_or_default(), &found.kind))
    }
}

fn doc(docs: &Docs, before: &str, after: &str, none: &str) -> String {
    let text = docs.contents.as_deref().map(|text| text.split_whitespace().collect::<Vec<_>>().join(" "));
    text.map_or_else(|| none.to_owned(), |text| format!("{before}{text}{after}"))
}

/// `order-line` as `orderLine`, or as `OrderLine`.
pub fn camel(name: &str, first_too: bool) -> String {
    let parts = name.split('-').enumerate().map(|(at, part)| {
        let mut letters = part.chars();
        match letters.next() {
            Some(first) if at > 0 || first_too => first.to_uppercase().chain(letters).collect(),
            _ => part.to_owned(),
        }
    });
    parts.collect()
}

/// `order-line` as `order_line`.
pub fn snake(name: &str) -> String {
    name.replace('-', "_")
}
