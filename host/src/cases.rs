//! Runs golden cases through built components, in the server's own sandbox.

use ombud_core::caps::{self, CapLimits, CapResult, CapUsage, Demand};
use ombud_core::case::Case;
use ombud_core::fault::{Fault, FaultCode};
use ombud_core::golden::{Answer, Caps, CapsGiven, CapsOutcome, CapsResult, Given, GoldenCase};
use ombud_core::money::{Amounts, Due};
use ombud_core::ruling::Ruling;
use ombud_rules::contract::types::Context;
use ombud_rules::contract::{after_sale, delay};
use ombud_rules::review::Review;
use ombud_sandbox::{Facts, Limits, Plugin};
use serde::Serialize;

/// One difference between a case and an answer.
#[derive(Clone, Debug, Serialize)]
pub struct Failure {
    /// The case.
    pub id: String,
    /// What it is about.
    pub title: String,
    /// The field that differs.
    pub field: String,
    /// As the case has it.
    pub expected: String,
    /// As the component answered.
    pub got: String,
}

/// The result of a run.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Report {
    /// Cases without a difference.
    pub passed: u32,
    /// Cases with at least one.
    pub failed: u32,
    /// Cases of a kind that no named policy has.
    pub skipped: u32,
    /// Every difference.
    pub failures: Vec<Failure>,
}

/// Runs `cases` through the first of `plugins` that has the kind; `settings` apply where a case names none. `step` is called
/// after each case.
pub fn run(plugins: &[(Plugin, String)], cases: &[GoldenCase], limits: &Limits, step: impl Fn()) -> Report {
    let mut report = Report::default();
    for case in cases {
        match run_one(plugins, case, limits) {
            None => report.skipped += 1,
            Some(failures) if failures.is_empty() => report.passed += 1,
            Some(failures) => {
                report.failed += 1;
                report.failures.extend(failures);
            }
        }
        step();
    }
    report
}

/// What a case puts to a component.
pub struct Question<'a> {
    /// The context.
    pub ctx: &'a Context,
    /// The facts.
    pub facts: Case,
    /// The ruling under review, for a guardrail.
    pub ruling: Option<Ruling>,
}

impl<'a> Question<'a> {
    /// The question of a case; none where the case is about the host's caps, or skipped.
    pub fn of(case: &'a GoldenCase) -> Option<Self> {
        let (ctx, facts, ruling) = match &case.given {
            Given::AfterSale(ctx, facts) => (ctx, Case::AfterSale(facts.clone()), None),
            Given::Delay(ctx, facts) => (ctx, Case::Delay(facts.clone()), None),
            Given::Blacklist(ctx, facts) => (ctx, Case::Blacklist(facts.clone()), None),
            Given::Reply(ctx, facts) => (ctx, Case::Reply(facts.clone()), None),
            Given::ReviewAfterSale(ctx, facts, ruling) => (ctx, Case::AfterSale(facts.clone()), Some(Ruling::AfterSale(ruling.clone()))),
            Given::ReviewDelay(ctx, facts, ruling) => (ctx, Case::Delay(facts.clone()), Some(Ruling::Delay(ruling.clone()))),
            Given::ReviewBlacklist(ctx, facts, ruling) => (ctx, Case::Blacklist(facts.clone()), Some(Ruling::Blacklist(ruling.clone()))),
            Given::ReviewReply(ctx, facts, ruling) => (ctx, Case::Reply(facts.clone()), Some(Ruling::Reply(ruling.clone()))),
            Given::Caps(_) | Given::Skipped { .. } => return None,
        };
        Some(Self { ctx, facts, ruling })
    }

    /// The first of `plugins` that answers it, with its settings.
    fn answered_by<'p>(&self, plugins: &'p [(Plugin, String)]) -> Option<&'p (Plugin, String)> {
        let kind = self.facts.kind();
        plugins.iter().find(|(plugin, _)| {
            let inspection = plugin.inspection();
            let kinds = if self.ruling.is_some() { &inspection.reviews } else { &inspection.decides };
            kinds.iter().any(|name| name == kind.as_str())
        })
    }
}

/// The cases to which two components do not answer the same, in all that they say, with the settings that each case names or else the defaults; the
/// cases compared. A guardrail's answers are its reviews.
pub fn compared(old: &Plugin, new: &Plugin, cases: &[GoldenCase], limits: &Limits) -> (u32, Vec<String>) {
    let (mut asked, mut differing) = (0, Vec::new());
    for case in cases {
        let Some(question) = Question::of(case) else { continue };
        let settings = case.settings.as_ref().map_or_else(|| "{}".to_owned(), ToString::to_string);
        let facts = Facts::new(question.ctx, &question.facts);
        let same = match &question.ruling {
            None => {
                let of = |plugin: &Plugin| plugin.decide(&facts, &settings, limits, 0).result;
                of(old) == of(new)
            }
            Some(ruling) => {
                let of = |plugin: &Plugin| plugin.review(&facts, ruling, &settings, limits, 0).result;
                of(old) == of(new)
            }
        };
        asked += 1;
        if !same {
            differing.push(format!("{} {}", case.id, case.title));
        }
    }
    (asked, differing)
}

fn run_one(plugins: &[(Plugin, String)], case: &GoldenCase, limits: &Limits) -> Option<Vec<Failure>> {
    let failure = |field: &str, expected: String, got: String| Failure {
        id: case.id.clone(),
        title: case.title.clone(),
        field: field.to_owned(),
        expected,
        got,
    };
    if let Given::Caps(given) = &case.given {
        return Some(differences(case, &Answer::Caps(&check_caps(given)), failure));
    }
    let question = Question::of(case)?;
    let (plugin, settings) = question.answered_by(plugins)?;
    let settings = case.settings.as_ref().map_or_else(|| settings.clone(), ToString::to_string);
    Some(match &question.ruling {
        None => decide(plugin, &question, &settings, limits, case, failure),
        Some(ruling) => review(plugin, &question, ruling, &settings, limits, case, failure),
    })
}

fn decide(
    plugin: &Plugin,
    question: &Question<'_>,
    settings: &str,
    limits: &Limits,
    case: &GoldenCase,
    failure: impl Fn(&str, String, String) -> Failure,
) -> Vec<Failure> {
    match plugin.decide(&Facts::new(question.ctx, &question.facts), settings, limits, 0).result {
        Err(fault) => vec![failure("fault", "a ruling".into(), told(&fault))],
        Ok(ruling) => {
            let answer = match &ruling {
                Ruling::AfterSale(ruling) => Answer::AfterSale(ruling),
                Ruling::Delay(ruling) => Answer::Delay(ruling),
                Ruling::Blacklist(ruling) => Answer::Blacklist(ruling),
                Ruling::Reply(ruling) => Answer::Reply(ruling),
            };
            differences(case, &answer, failure)
        }
    }
}

fn review(
    plugin: &Plugin,
    question: &Question<'_>,
    ruling: &Ruling,
    settings: &str,
    limits: &Limits,
    case: &GoldenCase,
    failure: impl Fn(&str, String, String) -> Failure,
) -> Vec<Failure> {
    let review = match plugin.review(&Facts::new(question.ctx, &question.facts), ruling, settings, limits, 0).result {
        Err(fault) => return vec![failure("fault", "a review".into(), told(&fault))],
        Ok(review) => review,
    };
    macro_rules! compare {
        ($variant:ident, $answer:ident) => {{
            let typed = match review {
                Review::Uphold => Review::Uphold,
                Review::Escalate(reasons) => Review::Escalate(reasons),
                Review::Amend { ruling: Ruling::$variant(ruling), reasons } => Review::Amend { ruling, reasons },
                Review::Amend { ruling, .. } => {
                    return vec![failure("review", "a ruling of the case's kind".into(), ruling.kind().to_string())];
                }
            };
            differences(case, &Answer::$answer(&typed), failure)
        }};
    }
    match question.facts {
        Case::AfterSale(_) => compare!(AfterSale, ReviewAfterSale),
        Case::Delay(_) => compare!(Delay, ReviewDelay),
        Case::Blacklist(_) => compare!(Blacklist, ReviewBlacklist),
        Case::Reply(_) => compare!(Reply, ReviewReply),
    }
}

fn differences(case: &GoldenCase, answer: &Answer<'_>, failure: impl Fn(&str, String, String) -> Failure) -> Vec<Failure> {
    case.check(answer).into_iter().map(|found| failure(&found.field, found.expected, found.got)).collect()
}

/// A fault as the policy's author is told of it.
pub fn told(fault: &Fault) -> String {
    match fault.code {
        FaultCode::Fuel => format!("out of {}: it loops, or looks at each part too often", fault.detail),
        FaultCode::Trap => format!(
            "{fault} (in Rust a panic; in other languages an exception that nobody catches, or an answer that has not the contract's types)"
        ),
        _ => fault.to_string(),
    }
}

/// The host's caps on a case of domain policies 5.8, with the default limits.
fn check_caps(given: &CapsGiven) -> Caps {
    let demand = Demand {
        due: match given.ruling.outcome {
            CapsOutcome::AfterSale(
                after_sale::Outcome::ApproveRefundOnly | after_sale::Outcome::ApprovePartialRefund | after_sale::Outcome::RefundNow,
            )
            | CapsOutcome::Delay(delay::Outcome::Compensate) => Due::Now,
            CapsOutcome::AfterSale(after_sale::Outcome::ApproveReturnRefund | after_sale::Outcome::InterceptThenRefund) => Due::Later,
            _ => Due::Proposal,
        },
        amounts: Amounts { refund: given.ruling.refund, cash: given.ruling.cash, coupon: given.ruling.coupon },
        balance: Some(given.balance),
        currency: given.currency.clone(),
        already_paid: given.executed,
        restated: 0,
    };
    let used = CapUsage {
        order_refund: given.used.order_refund,
        order_goodwill: given.used.order_goodwill,
        customer_24h_refund: given.used.customer_24h_refund,
        customer_24h_goodwill: given.used.customer_24h_goodwill,
        merchant_day_refund: given.used.merchant_day_refund,
        merchant_day_goodwill: given.used.merchant_day_goodwill,
    };
    let review = caps::check(&demand, &used, &CapLimits::default());
    Caps {
        result: match review.result {
            CapResult::Uphold => CapsResult::Uphold,
            CapResult::Amend => CapsResult::Amend,
            CapResult::Escalate => CapsResult::Escalate,
        },
        caps: review.breaches.iter().map(|mark| mark.cap.clone()).collect(),
        refund: review.refund,
    }
}
