//! A component's sections, read one after the other: names of imports and exports, its own facts, and how much it is made of. What could make later
//! steps work for ever is counted here, before anything looks closer.

use ombud_core::declared::DeclaredRules;
use wasmparser::{
    ComponentAlias, ComponentExternalKind, ComponentInstance, ComponentOuterAliasKind, ComponentTypeRef, Encoding, Instance, Parser,
    Payload,
};

use super::{Inspection, PackageFacts, Refused, section};
use crate::limits::{CORE_MODULES_MAX, INSTANCES_CEILING, MEMORY_BYTES_CEILING, NESTING_MAX, TABLE_ELEMENTS_CEILING};

/// Bytes of a WebAssembly page.
const PAGE_BYTES: u64 = 64 << 10;
/// The sections of other tools in which a component names what its package section names too.
const OTHER_FACTS: [&str; 5] = ["version", "licenses", "authors", "description", "source"];

/// A component that is being read.
#[derive(Default)]
struct Frame {
    /// A core module has neither components nor instances.
    is_module: bool,
    /// Core instances that instantiating each component of the index space makes.
    components: Vec<u64>,
    /// Core instances that instantiating this component makes.
    instances: u64,
    /// Bytes with which the memories of this core module begin.
    memory_bytes: u64,
}

/// Reads names and custom sections of the outermost component; returns the exports' names.
pub(super) fn read(bytes: &[u8], seen: &mut Inspection) -> Result<Vec<String>, Refused> {
    let invalid = |error: wasmparser::BinaryReaderError| Refused::Invalid(error.to_string());
    let (mut exports, mut modules) = (Vec::new(), 0_usize);
    let mut frames: Vec<Frame> = Vec::new();
    for payload in Parser::new(0).parse_all(bytes) {
        let outermost = frames.len() == 1;
        match payload.map_err(invalid)? {
            Payload::Version { encoding: Encoding::Module, .. } if frames.is_empty() => return Err(Refused::CoreModule),
            Payload::Version { encoding, .. } => {
                frames.push(Frame { is_module: encoding == Encoding::Module, ..Frame::default() });
                modules += usize::from(encoding == Encoding::Module);
                if frames.len() > NESTING_MAX {
                    return Err(Refused::Structure(format!(
                        "components stand more than {NESTING_MAX} deep in each other: a policy needs two levels"
                    )));
                }
                if modules > CORE_MODULES_MAX {
                    return Err(Refused::Structure(format!("it has more than {CORE_MODULES_MAX} core modules: link them into one")));
                }
            }
            Payload::End(_) => {
                let Some(ended) = frames.pop() else { continue };
                if frames.is_empty() && ended.instances > INSTANCES_CEILING as u64 {
                    let (instances, max) = (ended.instances, INSTANCES_CEILING);
                    let text =
                        format!("instantiating it makes {instances} core instances, more than {max}: nest fewer components in each other");
                    return Err(Refused::Structure(text));
                }
                if let Some(outer) = frames.last_mut().filter(|_| !ended.is_module) {
                    outer.components.push(ended.instances);
                }
            }
            Payload::MemorySection(section) => {
                let mut own = frames.last().map_or(0, |frame| frame.memory_bytes);
                for memory in section {
                    let bytes = memory.map_err(invalid)?.initial.saturating_mul(PAGE_BYTES);
                    seen.memory_bytes = seen.memory_bytes.saturating_add(bytes);
                    own = own.saturating_add(bytes);
                }
                // No engine here has room for it, and no limit of a call allows it.
                if own > MEMORY_BYTES_CEILING as u64 {
                    let text = format!(
                        "a core module begins with memories of {own} bytes, more than memory_bytes_max can be ({MEMORY_BYTES_CEILING}): let it begin \
                         with less"
                    );
                    return Err(Refused::Structure(text));
                }
                if let Some(frame) = frames.last_mut() {
                    frame.memory_bytes = own;
                }
            }
            Payload::TableSection(section) => {
                for table in section {
                    let elements = table.map_err(invalid)?.ty.initial;
                    if elements > TABLE_ELEMENTS_CEILING as u64 {
                        let text = format!(
                            "a core module begins with a table of {elements} elements, more than table_elements_max can be \
                             ({TABLE_ELEMENTS_CEILING}): let it begin with less"
                        );
                        return Err(Refused::Structure(text));
                    }
                }
            }
            Payload::ComponentImportSection(section) => {
                for import in section {
                    let import = import.map_err(invalid)?;
                    if outermost {
                        seen.imports.push(import.name.name.to_owned());
                    }
                    if matches!(import.ty, ComponentTypeRef::Component(_)) {
                        let most = most(&frames);
                        add(&mut frames, most);
                    }
                }
            }
            Payload::ComponentExportSection(section) => {
                for export in section {
                    let export = export.map_err(invalid)?;
                    if outermost {
                        exports.push(export.name.name.to_owned());
                    }
                    if export.kind == ComponentExternalKind::Component {
                        let same = known(&frames, 0, export.index);
                        add(&mut frames, same);
                    }
                }
            }
            Payload::ComponentAliasSection(section) => {
                for alias in section {
                    let instances = match alias.map_err(invalid)? {
                        ComponentAlias::Outer { kind: ComponentOuterAliasKind::Component, count, index } => known(&frames, count, index),
                        // Which one it is takes a validator to say: the largest stands for it.
                        ComponentAlias::InstanceExport { kind: ComponentExternalKind::Component, .. } => most(&frames),
                        _ => continue,
                    };
                    add(&mut frames, instances);
                }
            }
            Payload::InstanceSection(section) => {
                for instance in section {
                    if matches!(instance.map_err(invalid)?, Instance::Instantiate { .. })
                        && let Some(frame) = frames.last_mut()
                    {
                        frame.instances = frame.instances.saturating_add(1);
                    }
                }
            }
            Payload::ComponentInstanceSection(section) => {
                for instance in section {
                    if let ComponentInstance::Instantiate { component_index, .. } = instance.map_err(invalid)? {
                        let more = known(&frames, 0, component_index).max(1);
                        if let Some(frame) = frames.last_mut() {
                            frame.instances = frame.instances.saturating_add(more);
                        }
                    }
                }
            }
            Payload::CustomSection(custom) if outermost => own_fact(custom.name(), custom.data(), seen)?,
            _ => {}
        }
    }
    Ok(exports)
}

/// Core instances that a component makes, by its index so many components further out. One that is not there is the validator's to refuse.
fn known(frames: &[Frame], out: u32, index: u32) -> u64 {
    let frame = frames.iter().rev().nth(out as usize);
    frame.and_then(|frame| frame.components.get(index as usize)).copied().unwrap_or(0)
}

fn most(frames: &[Frame]) -> u64 {
    frames.iter().flat_map(|frame| frame.components.iter().copied()).max().unwrap_or(0)
}

fn add(frames: &mut [Frame], instances: u64) {
    if let Some(frame) = frames.last_mut() {
        frame.components.push(instances);
    }
}

/// Reads a custom section, if it is one of those in which a component carries its own facts.
pub(super) fn own_fact(name: &str, data: &[u8], seen: &mut Inspection) -> Result<(), Refused> {
    let bytes_max = match name {
        section::PACKAGE => section::PACKAGE_BYTES_MAX,
        section::SETTINGS_SCHEMA => section::SETTINGS_SCHEMA_BYTES_MAX,
        section::CASES => section::CASES_BYTES_MAX,
        section::RULES => section::RULES_BYTES_MAX,
        name if OTHER_FACTS.contains(&name) => section::PACKAGE_BYTES_MAX,
        _ => return Ok(()),
    };
    let refused = |why: String| Err(Refused::Metadata(format!("custom section `{name}`: {why}: build it again with `ombud build`")));
    if data.len() > bytes_max {
        return refused(format!("{} bytes, more than {bytes_max}", data.len()));
    }
    let Ok(text) = std::str::from_utf8(data) else { return refused("it is no text".into()) };
    let twice = || refused("it stands there twice, and nobody can say which of them holds".into());
    match name {
        section::PACKAGE if seen.package.is_some() => twice(),
        section::PACKAGE => match serde_json::from_str::<PackageFacts>(text) {
            Ok(facts) => {
                seen.package = Some(facts);
                Ok(())
            }
            Err(error) => refused(error.to_string()),
        },
        section::SETTINGS_SCHEMA => {
            if seen.settings_schema.replace(text.to_owned()).is_some() {
                twice()
            } else {
                Ok(())
            }
        }
        section::CASES => {
            if seen.cases.replace(text.to_owned()).is_some() {
                twice()
            } else {
                Ok(())
            }
        }
        section::RULES if seen.rules.is_some() => twice(),
        section::RULES => match DeclaredRules::parse(text) {
            Ok(rules) => {
                seen.rules = Some(rules);
                Ok(())
            }
            Err(why) => refused(why),
        },
        _ if seen.other_facts.iter().any(|(known, _)| known == name) => twice(),
        _ => {
            seen.other_facts.push((name.to_owned(), text.to_owned()));
            Ok(())
        }
    }
}
