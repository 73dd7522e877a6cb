//! The steps that put questions to a policy: its golden cases, the same again in fresh instances, and questions at the bounds of the contract.

use std::cell::RefCell;
use std::collections::{BTreeSet, HashSet};

use ombud_core::boundary::{self, Edge};
use ombud_core::chain;
use ombud_core::fault::{Fault, FaultCode};
use ombud_core::golden::{self, GoldenCase};
use ombud_core::kind::Kind;
use ombud_core::ruling::Ruling;
use ombud_core::ruling_check;
use ombud_rules::contract::types::Reason;
use ombud_rules::review::Review;
use ombud_sandbox::{Facts, Limits, Plugin, Run};

use super::answers::{Answer, difference, short};
use super::report::{Step, count};
use super::{CASES, EDGES, REPEAT, RULES};
use crate::cases::{self, Question, told};

/// A policy with what it is asked.
pub(super) struct Asked<'a> {
    /// The policy.
    pub(super) plugin: &'a Plugin,
    /// The settings that it shall run with.
    pub(super) settings: &'a str,
    /// What a call may use.
    pub(super) limits: &'a Limits,
    /// Golden cases that stand beside the policy and belong to its settings.
    pub(super) beside: Option<&'a str>,
    /// The rules that its answers named so far.
    pub(super) named: RefCell<BTreeSet<(Kind, String)>>,
}

/// Called after each question: how many were put, of how many.
pub(super) type Tell<'a> = &'a mut dyn FnMut(usize, usize);

impl Asked<'_> {
    /// The cases beside the policy, else those that the component carries; none where there are none.
    pub(super) fn cases(&self) -> Result<Option<Vec<GoldenCase>>, Vec<String>> {
        let Some(text) = self.beside.or(self.plugin.inspection().cases.as_deref()) else { return Ok(None) };
        let cases = golden::load(text).map_err(|error| vec![error.to_string()])?;
        let mut seen = HashSet::new();
        let twice = cases.iter().filter(|case| !seen.insert(case.id.as_str()));
        let twice: Vec<String> = twice.map(|case| format!("there are two cases `{}`: give each an id of its own", case.id)).collect();
        if twice.is_empty() { Ok(Some(cases)) } else { Err(twice) }
    }

    /// The golden cases. Those of a component say what it does, whoever's settings it gets: a case without settings has the defaults, if the
    /// component takes any.
    pub(super) fn golden(&self, cases: &[GoldenCase], tell: Tell<'_>) -> Step {
        let settings = match self.beside {
            None if matches!(self.plugin.check_settings("{}", self.limits).result, Ok(Ok(()))) => "{}",
            _ => self.settings,
        };
        let plugins = [(self.plugin.clone(), settings.to_owned())];
        let done = std::cell::Cell::new(0);
        let tell = std::cell::RefCell::new(tell);
        let report = cases::run(&plugins, cases, self.limits, || {
            done.set(done.get() + 1);
            (tell.borrow_mut())(done.get(), cases.len());
        });
        let failures = report.failures.iter().map(|failure| {
            format!("{} {}: {} expected {}, got {}", failure.id, failure.title, failure.field, failure.expected, failure.got)
        });
        let text = format!("{} passed, {} failed, {} skipped", report.passed, report.failed, report.skipped);
        Step::of(CASES, text, failures.collect())
    }

    /// Each case twice in fresh instances, with the settings that the policy shall run with: a policy is a pure function, so that answer and fuel
    /// are the same.
    pub(super) fn repeat(&self, cases: &[GoldenCase], tell: Tell<'_>) -> (Step, Vec<Answer>) {
        let (mut problems, mut answers) = (Vec::new(), Vec::new());
        for (done, case) in cases.iter().enumerate() {
            if let Some(first) = self.case(case) {
                problems.extend(self.case(case).and_then(|second| difference(&first, &second, "in a fresh instance")));
                answers.push(first);
            }
            tell(done + 1, cases.len());
        }
        let asked = format!("{} twice in fresh instances", count(answers.len(), "case"));
        let text = if problems.is_empty() { format!("{asked}: the same answers and the same fuel") } else { asked };
        (Step::of(REPEAT, text, problems), answers)
    }

    /// Questions at the contract's bounds, each twice in fresh instances: whatever a policy says to them, it never traps, and it says the same with
    /// the same fuel. Where its fuel does not last for the largest cases a person decides them: that is said, and no reason to refuse it. None
    /// where it only reviews: a review needs a ruling, and cases have some.
    pub(super) fn edges(&self, tell: Tell<'_>) -> Option<(Step, Vec<Answer>)> {
        let questions = match self.at_edges() {
            Ok(questions) if questions.is_empty() => return None,
            Ok(questions) => questions,
            Err(problem) => return Some((Step::failed(EDGES, "cannot be made", vec![problem]), Vec::new())),
        };
        let (mut faults, mut refused, mut unruled, mut answers) = (Vec::new(), Vec::new(), 0_u64, Vec::new());
        for (done, edge) in questions.iter().enumerate() {
            let (first, second) = (self.edge(edge), self.edge(edge));
            let answer = Answer::new(&edge.name, &first);
            faults.extend(difference(&answer, &Answer::new(&edge.name, &second), "in a fresh instance"));
            answers.push(answer);
            match first.result {
                Err(fault) if fault.code == FaultCode::PolicyError => unruled += 1,
                Err(fault) if fault.code == FaultCode::Fuel && edge.largest => {
                    refused.push(format!("{}: {}", short(&edge.name), told(&fault)))
                }
                Err(fault) => faults.push(format!("{}: {}", short(&edge.name), told(&fault))),
                Ok(ruling) => {
                    self.name(edge.case.kind(), &ruling.notes().reasons);
                    refused.extend(accepted(edge, ruling).err().map(|fault| format!("{}: {fault}", short(&edge.name))));
                }
            }
            tell(done + 1, questions.len());
        }
        let asked = count(questions.len(), "question");
        let without = if unruled == 0 { String::new() } else { format!("; {unruled} without a ruling (policy-error)") };
        let step = if !faults.is_empty() {
            Step::failed(EDGES, format!("{} of {asked} at the contract's bounds end in a fault", faults.len()), faults)
        } else if !refused.is_empty() {
            let text = format!(
                "{} of {asked} at the contract's bounds get no ruling that the host takes, so that a person decides",
                refused.len()
            );
            Step::warnings(EDGES, text, refused)
        } else {
            Step::passed(EDGES, format!("{asked} at the contract's bounds, twice: no trap, the same answers and the same fuel{without}"))
        };
        Some((step, answers))
    }

    /// Every question once: what the first process saw twice.
    pub(super) fn once(&self, tell: Tell<'_>) -> Vec<Answer> {
        let cases = self.cases().ok().flatten().unwrap_or_default();
        let edges = self.at_edges().unwrap_or_default();
        let (of, mut answers) = (cases.len() + edges.len(), Vec::new());
        for (done, case) in cases.iter().enumerate() {
            answers.extend(self.case(case));
            tell(done + 1, of);
        }
        for (done, edge) in edges.iter().enumerate() {
            answers.push(Answer::new(&edge.name, &self.edge(edge)));
            tell(cases.len() + done + 1, of);
        }
        answers
    }

    /// One run of a case; none where it puts no question to the component.
    fn case(&self, case: &GoldenCase) -> Option<Answer> {
        let question = Question::of(case)?;
        let inspection = self.plugin.inspection();
        let kinds = if question.ruling.is_some() { &inspection.reviews } else { &inspection.decides };
        if !kinds.iter().any(|kind| kind == question.facts.kind().as_str()) {
            return None;
        }
        let settings = case.settings.as_ref().map_or_else(|| self.settings.to_owned(), ToString::to_string);
        let (facts, name) = (Facts::new(question.ctx, &question.facts), format!("{} {}", case.id, case.title));
        Some(match &question.ruling {
            None => {
                let run = self.plugin.decide(&facts, &settings, self.limits, 0);
                run.result.iter().for_each(|ruling| self.name(question.facts.kind(), &ruling.notes().reasons));
                Answer::new(&name, &run)
            }
            Some(ruling) => {
                let run = self.plugin.review(&facts, ruling, &settings, self.limits, 0);
                if let Ok(Review::Amend { reasons, .. } | Review::Escalate(reasons)) = &run.result {
                    self.name(question.facts.kind(), reasons);
                }
                Answer::new(&name, &run)
            }
        })
    }

    /// Remembers which rules an answer names.
    fn name(&self, kind: Kind, reasons: &[Reason]) {
        self.named.borrow_mut().extend(reasons.iter().map(|reason| (kind, reason.rule.clone())));
    }

    /// The rules that its answers named so far, held against those that it declares: an auditor is shown which of these did not match. A rule that
    /// is given and not declared is shown as such, so that nobody is refused for it.
    pub(super) fn rules(&self) -> Step {
        let declared = self.plugin.inspection().rules.as_ref();
        let Some(declared) = declared.filter(|declared| Kind::ALL.iter().any(|kind| !declared.of(*kind).is_empty())) else {
            return Step::passed(
                RULES,
                "none are declared in the component: auditors are shown those that match, and the rows of decision tables",
            );
        };
        let of_kinds = Kind::ALL.into_iter().filter(|kind| !declared.of(*kind).is_empty());
        let listed: Vec<String> = of_kinds.map(|kind| format!("{kind} {}", declared.of(kind).len())).collect();
        let named = self.named.borrow();
        let undeclared = named.iter().filter(|(kind, rule)| {
            let rules = declared.of(*kind);
            !rules.is_empty() && !rules.iter().any(|own| own.rule == *rule)
        });
        let problems: Vec<String> = undeclared
            .map(|(kind, rule)| format!("{kind}: its answers name `{}`, which it does not declare: add it to its rules", short(rule)))
            .collect();
        let text = format!("declared: {}", listed.join(", "));
        if problems.is_empty() { Step::passed(RULES, text) } else { Step::warnings(RULES, text, problems) }
    }

    fn edge(&self, edge: &Edge) -> Run<Ruling> {
        self.plugin.decide(&Facts::new(&edge.context, &edge.case), self.settings, self.limits, edge.bytes)
    }

    /// Every question of every kind that the policy decides.
    fn at_edges(&self) -> Result<Vec<Edge>, String> {
        let decides = |kind: &Kind| self.plugin.inspection().decides.iter().any(|own| own == kind.as_str());
        let mut questions = Vec::new();
        for kind in Kind::ALL.into_iter().filter(decides) {
            questions.extend(boundary::edges(kind).map_err(|error| error.to_string())?);
        }
        Ok(questions)
    }
}

/// What the host asks of a ruling.
fn accepted(edge: &Edge, ruling: Ruling) -> Result<(), Fault> {
    let ruling = Ok(ruling);
    ruling_check::explained(chain::accepted(&edge.case, &ruling)?)
}
