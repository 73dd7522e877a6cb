//! The gate: what a policy passes before it may decide anything. `ombud check` and an upload are this one gate, step by step.
//!
//! In reading order: what is said of a step, the steps that only read, those about settings, those that put questions, whether two runs gave the same,
//! and the processes in which all of it happens. The component is read in a process first, compiled in the next, checked in a third, and asked
//! everything once more in a fourth: what a hostile component does to its reader, compiler or runner is that process's end and nobody else's.

mod answers;
mod look;
mod process;
mod questions;
pub mod report;
mod settings;
mod worker;

use std::path::Path;
use std::time::{Duration, Instant};

use ombud_core::upload_limits::UploadLimits;
use ombud_sandbox::{Code, Inspection, Limits, Sandbox};

use answers::{Answer, differences};
use worker::{Said, Task, Work};

pub use look::{NAME_RULE, is_name, look};
pub use report::{Status, Step, refusal};
pub use settings::{decided, of_schema, outside_schema};
pub use worker::check_worker;

/// Size, nesting, number of modules, and whether it is valid under the engine profile.
pub const STRUCTURE: &str = "structure";
/// Nothing but the contract is imported.
pub const IMPORTS: &str = "imports";
/// Which kinds it decides, in which version of the contract.
pub const CONTRACT_STEP: &str = "contract";
/// What it says of itself.
pub const METADATA: &str = "metadata";
/// Compiled, in a process of its own.
pub const COMPILE: &str = "compile";
/// Its exports have the contract's types.
pub const LINK: &str = "link";
/// Its settings schema.
pub const SCHEMA: &str = "schema";
/// The settings it shall run with.
pub const SETTINGS: &str = "settings";
/// Settings outside the schema.
pub const BOUNDS: &str = "bounds";
/// Its golden cases.
pub const CASES: &str = "cases";
/// The cases again.
pub const REPEAT: &str = "repeat";
/// Questions at the contract's bounds.
pub const EDGES: &str = "edges";
/// The rules that it declares, held against those that its answers name.
pub const RULES: &str = "rules";
/// Everything again in a second process.
pub const PROCESS: &str = "process";

/// The steps after a look, in their order.
const LATER: [&str; 10] = [COMPILE, LINK, SCHEMA, SETTINGS, BOUNDS, CASES, REPEAT, EDGES, RULES, PROCESS];

/// What is said of a process that ended well and said nothing.
const SILENT: &str = "the process that checks ended without saying what it found: is it another program?";

/// Who checks, and what that may take.
pub struct Gate<'a> {
    /// Inspects, compiles and links.
    pub sandbox: &'a Sandbox,
    /// This program, for the processes that check.
    pub program: &'a Path,
    /// What a call of the policy may use.
    pub limits: &'a Limits,
    /// What the checks may take.
    pub upload: &'a UploadLimits,
}

/// A policy that wants to pass.
#[derive(Clone, Copy)]
pub struct Candidate<'a> {
    /// The component.
    pub component: &'a [u8],
    /// The settings that it shall run with.
    pub settings: &'a str,
    /// Golden cases that stand beside it and belong to its settings, as those of a table do.
    pub beside: Option<&'a str>,
}

/// What is told while a policy is checked.
pub enum Told<'a> {
    /// A step begins.
    Begins(&'a str),
    /// How far the step is.
    Progress { done: usize, of: usize },
    /// A step is done.
    Done(&'a Step),
}

impl Gate<'_> {
    /// Has another process read a component and its cases first: validating one may take hours, which no limit ends where it is done. Its processor time is
    /// bounded, so that a busy machine refuses nobody; the clock ends only what gets no processor at all. The step that fails, if one does.
    pub fn read(&self, component: &[u8]) -> Option<Step> {
        let cpu_s = Some(self.upload.read_cpu_s);
        let (limits, component_bytes) = (self.limits.clone(), component.len());
        let task = Task { work: Work::Read, cpu_s, limits, component: component_bytes, code: 0, settings: 0, beside: None };
        let seconds = self.upload.check_deadline_s;
        let late = format!("reading it took more than check_deadline_s ({seconds} s), while the machine was busy: upload it again later");
        let until = Instant::now() + Duration::from_secs(seconds);
        let read = process::check(self.program, &task, &[component], (until, &late), self.upload, |_| ());
        read.err().map(|why| Step::failed(STRUCTURE, "cannot be read", vec![why]))
    }

    /// The steps after a look: compiled, linked, asked, and asked again in a second process. The code, if the policy has passed.
    pub fn check(&self, candidate: Candidate<'_>, inspection: &Inspection, mut tell: impl FnMut(Told<'_>)) -> (Vec<Step>, Option<Code>) {
        let began = Instant::now();
        let mut steps = Vec::new();
        let code = self.steps(candidate, inspection, began, &mut steps, &mut tell);
        // What was not come to is said as well.
        for name in LATER {
            let optional = matches!(name, REPEAT | EDGES) && code.is_some();
            if !optional && !steps.iter().any(|step| step.name == name) {
                steps.push(Step::skipped(name));
            }
        }
        (steps, code)
    }

    fn steps(
        &self,
        candidate: Candidate<'_>,
        inspection: &Inspection,
        began: Instant,
        steps: &mut Vec<Step>,
        tell: &mut dyn FnMut(Told<'_>),
    ) -> Option<Code> {
        let until = began + Duration::from_secs(self.upload.check_deadline_s);
        tell(Told::Begins(COMPILE));
        let compiled = self.sandbox.compile(candidate.component, self.upload.check_deadline_s);
        let linked = compiled.and_then(|code| self.sandbox.load_with(inspection.clone(), &code).map(|_| code));
        let mut done = |step: Step, tell: &mut dyn FnMut(Told<'_>)| {
            tell(Told::Done(&step));
            steps.push(step);
        };
        let took_ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
        let compiled = |bytes: usize| Step { took_ms, ..Step::passed(COMPILE, format!("{bytes} bytes of code")) };
        let code = match linked {
            Ok(code) => code,
            Err(refused) => {
                if look::step_of(&refused) == LINK {
                    done(Step { took_ms, ..Step::passed(COMPILE, "in a process of its own") }, tell);
                }
                done(look::refusal(&refused), tell);
                return None;
            }
        };
        done(compiled(code.bytes().len()), tell);
        done(Step::passed(LINK, "its exports have the contract's types"), tell);

        let mut step = SCHEMA.to_owned();
        let mut first: Option<Vec<Answer>> = None;
        let mut found = Vec::new();
        let checked = self.process(candidate, &code, Work::Check, until, |said| match said {
            Said::Begins(name) => {
                tell(Told::Begins(&name));
                step = name;
            }
            Said::Progress { done, of } => tell(Told::Progress { done, of }),
            Said::Step(step) => {
                tell(Told::Done(&step));
                found.push(step);
            }
            Said::Answers(answers) => first = Some(answers),
            Said::Failed(_) => {}
        });
        let refused = refusal(&found).is_some();
        steps.append(&mut found);
        if let Err(why) = checked {
            let failed = Step::failed(&step, "could not be done", vec![why]);
            tell(Told::Done(&failed));
            steps.push(failed);
            return None;
        }
        if refused {
            return None;
        }
        let Some(first) = first else {
            let failed = Step::failed(&step, "could not be done", vec![SILENT.to_owned()]);
            tell(Told::Done(&failed));
            steps.push(failed);
            return None;
        };

        let started = Instant::now();
        tell(Told::Begins(PROCESS));
        let mut second: Vec<Answer> = Vec::new();
        let checked = self.process(candidate, &code, Work::Again, until, |said| match said {
            Said::Progress { done, of } => tell(Told::Progress { done, of }),
            Said::Answers(answers) => second = answers,
            Said::Begins(_) | Said::Step(_) | Said::Failed(_) => {}
        });
        let again = match checked {
            Ok(()) => {
                let found = differences(&first, &second);
                let asked = format!("{} once more in a second process", report::count(first.len(), "question"));
                let text = if found.is_empty() { format!("{asked}: the same answers and the same fuel") } else { asked };
                Step::of(PROCESS, text, found)
            }
            Err(why) => Step::failed(PROCESS, "could not be done", vec![why]),
        };
        let took_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
        let again = Step { took_ms, ..again };
        tell(Told::Done(&again));
        let refused = again.is_refusal();
        steps.push(again);
        (!refused).then_some(code)
    }

    fn process(&self, candidate: Candidate<'_>, code: &Code, work: Work, until: Instant, hear: impl FnMut(Said)) -> Result<(), String> {
        let task = Task {
            work,
            cpu_s: None,
            limits: self.limits.clone(),
            component: candidate.component.len(),
            code: code.bytes().len(),
            settings: candidate.settings.len(),
            beside: candidate.beside.map(str::len),
        };
        let beside = candidate.beside.unwrap_or_default().as_bytes();
        let parts = [candidate.component, code.bytes(), candidate.settings.as_bytes(), beside];
        let late = format!("the checks took more than check_deadline_s ({} s): make the policy faster", self.upload.check_deadline_s);
        process::check(self.program, &task, &parts, (until, &late), self.upload, hear)
    }
}
