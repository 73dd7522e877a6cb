//! The steps that only read a component: what it is made of, what it imports and exports, what it says of itself.

use ombud_core::kind::Kind;
use ombud_core::shown::is_harmful;
use ombud_sandbox::{CORE_MODULES_MAX, Inspection, NESTING_MAX, PackageFacts, Refused, Sandbox};

use super::report::Step;
use super::{COMPILE, CONTRACT_STEP, IMPORTS, LINK, METADATA, STRUCTURE};

/// Bytes of a policy's name.
const NAME_BYTES_MAX: usize = 64;
/// Bytes of a component's version.
const VERSION_BYTES_MAX: usize = 64;
/// Bytes of any other thing that a component says of itself.
const FACT_BYTES_MAX: usize = 512;

/// Looks at a component. None if it is refused; the last step says why.
pub fn look(sandbox: &Sandbox, bytes: &[u8]) -> (Vec<Step>, Option<Inspection>) {
    match sandbox.inspect(bytes) {
        Ok(inspection) => {
            let mut steps = passed(sandbox, &inspection);
            let metadata = metadata(&inspection);
            let refused = metadata.is_refusal();
            steps.push(metadata);
            (steps, (!refused).then_some(inspection))
        }
        Err(refused) => {
            let step = step_of(&refused);
            let before = [STRUCTURE, IMPORTS, CONTRACT_STEP, METADATA].into_iter().take_while(|name| *name != step);
            let mut steps: Vec<Step> = before.map(|name| Step::passed(name, "nothing wrong was found")).collect();
            steps.push(refusal(&refused));
            (steps, None)
        }
    }
}

/// The step that a refusal belongs to.
pub(super) const fn step_of(refused: &Refused) -> &'static str {
    match refused {
        Refused::TooLarge { .. } | Refused::NotWasm { .. } | Refused::CoreModule | Refused::Invalid(_) | Refused::Structure(_) => STRUCTURE,
        Refused::Import(_) => IMPORTS,
        Refused::Version(_) | Refused::NoKind { .. } | Refused::NoSettings => CONTRACT_STEP,
        Refused::Metadata(_) => METADATA,
        Refused::Contract(_) => LINK,
        Refused::Compile(_)
        | Refused::CompileTime { .. }
        | Refused::CompileMemory { .. }
        | Refused::CompileCrash(_)
        | Refused::CodeTooLarge { .. } => COMPILE,
    }
}

/// The step of a refusal.
pub(super) fn refusal(refused: &Refused) -> Step {
    Step::failed(step_of(refused), format!("the component is refused: {}", refused.code()), vec![refused.to_string()])
}

fn passed(sandbox: &Sandbox, inspection: &Inspection) -> Vec<Step> {
    let sizes = format!(
        "{} of {} bytes, at most {NESTING_MAX} levels and {CORE_MODULES_MAX} modules",
        inspection.bytes,
        sandbox.limits().component_bytes_max
    );
    let imports = if inspection.imports.is_empty() { "none".to_owned() } else { inspection.imports.join(", ") };
    let mut kinds = Vec::new();
    if !inspection.decides.is_empty() {
        kinds.push(format!("decides {}", inspection.decides.join(", ")));
    }
    if !inspection.reviews.is_empty() {
        kinds.push(format!("reviews {}", inspection.reviews.join(", ")));
    }
    vec![
        Step::passed(STRUCTURE, sizes),
        Step::passed(IMPORTS, imports),
        Step::passed(CONTRACT_STEP, format!("{}; {}", inspection.contract, kinds.join("; "))),
    ]
}

/// What a component says of itself: it must be there, be of a form that can stand in paths and lists, and be true.
fn metadata(inspection: &Inspection) -> Step {
    let Some(facts) = &inspection.package else {
        let problem = "the component says neither its name nor its version: `ombud build` writes them";
        return Step::failed(METADATA, "there is none", vec![problem.to_owned()]);
    };
    let mut problems = Vec::new();
    if !is_name(&facts.name) {
        problems.push(format!("the name {:?} is no name of a policy: {NAME_RULE}", facts.name));
    }
    if !is_version(&facts.version) {
        problems.push(format!("the version {:?} is no version: {VERSION_RULE}", facts.version));
    }
    let texts = [("licence", &facts.license), ("source", &facts.source), ("description", &facts.description), ("author", &facts.author)];
    for (what, text) in texts {
        let Some(text) = text else { continue };
        if text.len() > FACT_BYTES_MAX || text.chars().any(is_harmful) {
            problems.push(format!("the {what} is longer than {FACT_BYTES_MAX} bytes, or has characters that cannot be shown"));
        }
    }
    for (kind, rule) in
        inspection.rules.iter().flat_map(|rules| Kind::ALL.into_iter().flat_map(|kind| rules.of(kind).iter().map(move |rule| (kind, rule))))
    {
        if [Some(&rule.rule), rule.title.as_ref()].into_iter().flatten().any(|text| text.chars().any(is_harmful)) {
            problems.push(format!("the rule {:?} of {kind} has characters that cannot be shown, in its id or its title", rule.rule));
        }
    }
    let mut own: Vec<&String> = inspection.decides.iter().chain(&inspection.reviews).collect();
    own.sort_unstable();
    own.dedup();
    if let Some(kinds) = &facts.kinds {
        let mut said: Vec<&String> = kinds.iter().collect();
        said.sort_unstable();
        if said != own {
            let listed = |kinds: &[&String]| kinds.iter().map(|kind| kind.as_str()).collect::<Vec<_>>().join(", ");
            problems.push(format!("it says that its kinds are {}, and its exports are {}", listed(&said), listed(&own)));
        }
    }
    for (name, text) in &inspection.other_facts {
        if let Some(said) = same_fact(facts, name).filter(|said| said != text) {
            problems.push(format!("section `{name}` says {text:?}, and the package section {said:?}: build it again with `ombud build`"));
        }
    }
    let licence = facts.license.as_deref().unwrap_or("no licence");
    let author = facts.author.as_deref().map(|author| format!(", by {author}")).unwrap_or_default();
    let text = format!("{} {}, {licence}{author}", facts.name, facts.version);
    if problems.is_empty() && facts.license.is_none() {
        return Step::warning(METADATA, format!("{text}: nobody may use it without one"));
    }
    Step::of(METADATA, text, problems)
}

/// What the package section says where another tool's section says it too.
fn same_fact<'a>(facts: &'a PackageFacts, section: &str) -> Option<&'a str> {
    match section {
        "version" => Some(&facts.version),
        "licenses" => facts.license.as_deref(),
        "authors" => facts.author.as_deref(),
        "description" => facts.description.as_deref(),
        "source" => facts.source.as_deref(),
        _ => None,
    }
}

/// What a policy's name may be, for people.
pub const NAME_RULE: &str = "1 to 64 lowercase letters, digits, `-` and `_`, beginning with a letter or digit";
/// What a component's version may be, for people.
const VERSION_RULE: &str = "1 to 64 letters, digits, `.`, `-`, `_` and `+`, beginning with a letter or digit";

/// Whether a text may be a policy's name: it stands in paths, lists and file names.
pub fn is_name(text: &str) -> bool {
    is_made_of(text, NAME_BYTES_MAX, |byte| byte.is_ascii_lowercase() || byte.is_ascii_digit(), b"-_")
}

/// Whether a text may be a component's version.
fn is_version(text: &str) -> bool {
    is_made_of(text, VERSION_BYTES_MAX, |byte| byte.is_ascii_alphanumeric(), b".-_+")
}

fn is_made_of(text: &str, bytes_max: usize, first: impl Fn(u8) -> bool, others: &[u8]) -> bool {
    text.len() <= bytes_max && text.bytes().next().is_some_and(&first) && text.bytes().all(|byte| first(byte) || others.contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stand_in_paths_and_lists() {
        let longest = "a".repeat(NAME_BYTES_MAX);
        for good in ["delay", "7-days", "a", "fruit_loss", longest.as_str()] {
            assert!(is_name(good), "{good}");
        }
        let longer = "a".repeat(NAME_BYTES_MAX + 1);
        for bad in ["", ".", "..", "../x", "a/b", "a\\b", "A", "-a", "a b", "a\0", "a%2f", "名", longer.as_str()] {
            assert!(!is_name(bad), "{bad}");
        }
        for good in ["1", "0.1.0", "1.0.0-rc.1", "1.0.0+build"] {
            assert!(is_version(good), "{good}");
        }
        for bad in ["", ".", "..", "1/2", "1 0", "+1", "1\n"] {
            assert!(!is_version(bad), "{bad}");
        }
    }
}
