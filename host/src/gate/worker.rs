//! The side of the process that checks: it reads one policy, puts every question to it, and says step by step what it saw. Whatever a policy's schema,
//! cases or code do to whoever reads them, they do it here.

use std::cell::RefCell;
use std::io::{BufRead as _, Read, Write};
use std::time::{Duration, Instant};

use ombud_core::golden;
use ombud_sandbox::{Code, Limits, LoadLimits, Plugin, Sandbox};
use serde::{Deserialize, Serialize};

use super::answers::Answer;
use super::questions::Asked;
use super::report::Step;
use super::{BOUNDS, CASES, EDGES, PROCESS, REPEAT, RULES, SCHEMA, SETTINGS, settings};

/// How often progress is told.
const TELL_EVERY: Duration = Duration::from_millis(200);

/// The exit code of a process that has said everything.
pub(super) const SAID: i32 = 0;
/// The exit code of a process that could not work.
const FAILED: i32 = 4;

/// What a process that checks is told first, as a line of JSON; the bytes follow in this order.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Task {
    /// What there is to do.
    pub(super) work: Work,
    /// What a call may use.
    pub(super) limits: Limits,
    /// Processor time of the process, in seconds; none where only the clock ends it.
    pub(super) cpu_s: Option<u64>,
    /// Bytes of the component.
    pub(super) component: usize,
    /// Bytes of its code.
    pub(super) code: usize,
    /// Bytes of the settings.
    pub(super) settings: usize,
    /// Bytes of the cases beside the policy.
    pub(super) beside: Option<usize>,
}

/// What a process that checks is there for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Work {
    /// Reads the component and says nothing: whether that ends is all there is to know.
    Read,
    /// Checks it, step by step.
    Check,
    /// Asks everything once more, and says the answers only.
    Again,
}

/// What a process that checks says, each as a line of JSON.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Said {
    /// A step begins.
    Begins(String),
    /// How far the step is.
    Progress { done: usize, of: usize },
    /// A step is done.
    Step(Step),
    /// What came of each question.
    Answers(Vec<Answer>),
    /// It could not work.
    Failed(String),
}

/// Checks the policy on standard input and gives the process's exit code. It ends when standard input is closed: then its parent is gone.
pub fn check_worker() -> i32 {
    let mut worker = Worker { told: Instant::now() };
    let given = read();
    let done = given.and_then(|given| given.map_or(Ok(()), |given| worker.work(&given.task, &given.plugin, &given.texts)));
    match done {
        Ok(()) => SAID,
        Err(problem) => {
            say(&Said::Failed(problem));
            FAILED
        }
    }
}

/// Settings, and cases beside the policy.
struct Texts {
    settings: String,
    beside: Option<String>,
}

/// What was read.
struct Given {
    task: Task,
    plugin: Plugin,
    texts: Texts,
    /// Its ticker ends calls that take too long.
    _sandbox: Sandbox,
}

/// What was given; none where reading it was all there was to do.
fn read() -> Result<Option<Given>, String> {
    let mut input = std::io::stdin().lock();
    let mut line = String::new();
    input.read_line(&mut line).map_err(|error| error.to_string())?;
    let task: Task = serde_json::from_str(&line).map_err(|error| error.to_string())?;
    if let Some(cpu_s) = task.cpu_s {
        ombud_sandbox::limit_processor_time(cpu_s).map_err(|error| format!("the processor time cannot be limited: {error}"))?;
    }
    let mut part = |length: usize| {
        let mut bytes = Vec::new();
        match (&mut input).take(length as u64).read_to_end(&mut bytes) {
            Ok(read) if read == length => Ok(bytes),
            Ok(read) => Err(format!("cut short: {read} of {length} bytes")),
            Err(error) => Err(error.to_string()),
        }
    };
    let (component, code, settings) = (part(task.component)?, part(task.code)?, part(task.settings)?);
    let beside = task.beside.map(&mut part).transpose()?;
    drop(input);
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).map_err(|error| error.to_string());
    let texts = Texts { settings: text(settings)?, beside: beside.map(text).transpose()? };
    end_with_parent()?;
    let limits = LoadLimits { component_bytes_max: component.len(), ..LoadLimits::default() };
    if task.work == Work::Read {
        // What is wrong with it the parent sees as well; its cases are read later, in a process that has more time.
        let inspection = ombud_sandbox::inspect(&component, &limits);
        _ = inspection.map(|inspection| inspection.cases.map(|cases| golden::load(&cases).map(|_| ())));
        return Ok(None);
    }
    let sandbox = Sandbox::new().map_err(|error| error.to_string())?.with_compiler(ombud_sandbox::Compiler::InProcess, limits);
    let inspection = sandbox.inspect(&component).map_err(|refused| refused.to_string())?;
    let plugin = sandbox.load_with(inspection, &Code::from_parent(code)).map_err(|refused| refused.to_string())?;
    Ok(Some(Given { task, plugin, texts, _sandbox: sandbox }))
}

/// A process without its parent works for nobody: the parent holds standard input open for as long as it waits.
fn end_with_parent() -> Result<(), String> {
    let wait = || {
        let _ = std::io::copy(&mut std::io::stdin().lock(), &mut std::io::sink());
        std::process::exit(FAILED);
    };
    std::thread::Builder::new().name("parent".into()).spawn(wait).map(drop).map_err(|error| error.to_string())
}

struct Worker {
    told: Instant,
}

impl Worker {
    fn work(&mut self, task: &Task, plugin: &Plugin, texts: &Texts) -> Result<(), String> {
        let limits = &task.limits;
        let asked = Asked { plugin, settings: &texts.settings, limits, beside: texts.beside.as_deref(), named: RefCell::default() };
        if task.work == Work::Again {
            say(&Said::Begins(PROCESS.into()));
            let answers = asked.once(&mut |done, of| self.tell(done, of));
            say(&Said::Answers(answers));
            return Ok(());
        }
        let schema = RefCell::new(None);
        self.step(SCHEMA, |_| {
            let (step, found) = settings::schema(plugin, limits);
            *schema.borrow_mut() = found;
            Some(step)
        });
        let schema = schema.into_inner();
        let settings = self.step(SETTINGS, |_| Some(settings::settings(&texts.settings, plugin, schema.as_ref(), limits)));
        self.step(BOUNDS, |_| Some(settings::bounds(plugin, schema.as_ref(), limits)));
        if settings.is_some_and(|step| step.is_refusal()) {
            // With settings that it does not take a policy answers nothing.
            for name in [CASES, REPEAT, EDGES, RULES] {
                say(&Said::Step(Step::skipped(name)));
            }
            return Ok(());
        }
        let mut answers = Vec::new();
        match asked.cases() {
            Ok(None) => {
                let text = "the component carries none: name them in its manifest, as `ombud new` does";
                self.step(CASES, |_| Some(Step::warning(CASES, text)));
            }
            Ok(Some(cases)) if cases.is_empty() => {
                let text = if texts.beside.is_some() { "there are none: write a `cases.yaml` beside the table" } else { "there are none" };
                self.step(CASES, |_| Some(Step::warning(CASES, text)));
            }
            Ok(Some(cases)) => {
                self.step(CASES, |worker| Some(asked.golden(&cases, &mut |done, of| worker.tell(done, of))));
                self.step(REPEAT, |worker| {
                    let (step, seen) = asked.repeat(&cases, &mut |done, of| worker.tell(done, of));
                    answers.extend(seen);
                    Some(step)
                });
            }
            Err(problems) => {
                self.step(CASES, |_| Some(Step::failed(CASES, "cannot be used", problems)));
            }
        }
        self.step(EDGES, |worker| {
            let (step, seen) = asked.edges(&mut |done, of| worker.tell(done, of))?;
            answers.extend(seen);
            Some(step)
        });
        self.step(RULES, |_| Some(asked.rules()));
        say(&Said::Answers(answers));
        Ok(())
    }

    /// Does a step, unless it is none of this policy's, and says so.
    fn step(&mut self, name: &str, work: impl FnOnce(&mut Self) -> Option<Step>) -> Option<Step> {
        say(&Said::Begins(name.to_owned()));
        let began = Instant::now();
        let took_ms = |began: Instant| u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
        let step = work(self).map(|step| Step { took_ms: took_ms(began), ..step })?;
        say(&Said::Step(step.clone()));
        Some(step)
    }

    fn tell(&mut self, done: usize, of: usize) {
        if self.told.elapsed() > TELL_EVERY {
            self.told = Instant::now();
            say(&Said::Progress { done, of });
        }
    }
}

/// Says something. Without a reader there is nobody to tell, and the process ends with its parent.
fn say(said: &Said) {
    let Ok(mut line) = serde_json::to_vec(said) else { return };
    line.push(b'\n');
    let mut out = std::io::stdout().lock();
    _ = out.write_all(&line).and_then(|()| out.flush());
}
