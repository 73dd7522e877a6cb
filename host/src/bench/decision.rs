//! One decision in process, nothing stored: case in, policy, guardrail, caps, decision out.

use std::hint::black_box;
use std::path::Path;
use std::time::Instant;

use anyhow::{Result, anyhow};
use ombud_core::call_limits::CallLimits;
use ombud_core::caps::CapLimits;
use ombud_core::case::Case;
use ombud_core::decision::{Counted, Terms, conclude};
use ombud_core::edition::Edition;
use ombud_core::fallback::Fallbacks;
use ombud_core::golden::{self, Given};
use ombud_ledger::Digest;
use ombud_rules::contract::after_sale::{AfterSaleCase, LineRequest, OrderLine};
use ombud_rules::contract::types::Context;
use ombud_sandbox::{Facts, Limits, LoweredRuling, Sandbox, floor};

use super::{BenchRow, PhaseTimes};
use crate::judge::{Bound, Inputs, Phases, judge};
use crate::registry::{Package, Registry};

/// Calls before the measurement.
const WARM_UP: u32 = 2_000;
/// Calls of one sample.
const CALLS: u32 = 2_000;
/// Samples, of which the best counts: what disturbs a sample only ever makes it slower.
const SAMPLES: u32 = 15;

/// Lines of the order under test.
pub(super) const LINES: usize = 5;
/// Characters of the draft under test.
const DRAFT: &str = "您好,非常抱歉给您带来不便。您反馈的包裹我们已经联系快递核实,目前显示包裹正在派送途中,预计会在两天内送达,请您耐心等待。\
如果收到商品后有任何问题,欢迎随时联系我们,我们会第一时间为您处理。退换货请保持商品完好,并保留好外包装和吊牌,在订单页面提交申请即可,\
审核通过后我们会提供退货地址,收到退货后三日内办理退款,款项原路退回。感谢您的理解与支持,祝您生活愉快,期待您的再次光临。";

/// The two rows of decisions in process.
pub(super) fn rows(policies: &Path) -> Result<Vec<BenchRow>> {
    let cases = golden::load(include_str!("../../../tests/cases/golden.yaml"))?;
    let (after_sale_floor, after_sale, phases) = Line::open(policies, "after-sale", after_sale(&cases)?)?.measure()?;
    let first = BenchRow::at_most("after-sale", "µs", after_sale_floor, after_sale, 1.5, phases);
    let (reply_floor, reply, mut phases) = Line::open(policies, "reply", reply(&cases)?)?.measure()?;
    phases.push(("wasmtime alone".into(), reply_floor));
    let second = BenchRow::at_most("reply", "µs", after_sale, reply, 2.0, phases);
    Ok(vec![first, second])
}

/// Decisions in process, for rows that have them as their floor.
pub(super) struct InProcess(Line);

impl InProcess {
    /// The decision of the first row, made often enough to be at its speed.
    pub(super) fn open(policies: &Path) -> Result<Self> {
        let cases = golden::load(include_str!("../../../tests/cases/golden.yaml"))?;
        let line = Line::open(policies, "after-sale", after_sale(&cases)?)?;
        for _ in 0..WARM_UP {
            line.decide();
        }
        Ok(Self(line))
    }

    /// Decisions of one core a second, in the best of all samples.
    pub(super) fn rate(&self) -> f64 {
        let sample = |_| {
            let started = Instant::now();
            for _ in 0..CALLS {
                self.0.decide();
            }
            f64::from(CALLS) / started.elapsed().as_secs_f64()
        };
        (0..SAMPLES).map(sample).fold(0.0, f64::max)
    }
}

fn bound(package: &Package) -> Bound {
    Bound {
        name: package.name.clone(),
        version: package.version.clone(),
        contract: package.contract().to_owned(),
        component: package.digest,
        settings_digest: Digest::of(package.settings.as_bytes()),
        settings: package.settings.as_str().into(),
        code: package.plugin.clone().into(),
    }
}

/// AS-G01 with five lines, each asked for.
fn after_sale(cases: &[golden::GoldenCase]) -> Result<(Context, Case)> {
    let case = cases.iter().find(|case| case.id == "AS-G01").ok_or_else(|| anyhow!("no case AS-G01"))?;
    let Given::AfterSale(ctx, case) = &case.given else { return Err(anyhow!("AS-G01 is no after-sale case")) };
    Ok((ctx.clone(), Case::AfterSale(with_lines(case.clone(), LINES)?)))
}

/// The same with so many lines, each like the first.
pub(super) fn with_lines(mut case: AfterSaleCase, lines: usize) -> Result<AfterSaleCase> {
    let (line, request) = (case.order.lines.first().cloned(), case.lines.first().cloned());
    let (Some(line), Some(request)) = (line, request) else { return Err(anyhow!("AS-G01 has no line")) };
    let named = |at: usize| format!("L{}", at + 1);
    case.order.lines = (0..lines).map(|at| OrderLine { line_id: named(at), ..line.clone() }).collect();
    case.lines = (0..lines).map(|at| LineRequest { line_id: named(at), ..request.clone() }).collect();
    Ok(case)
}

/// A friendly draft of 200 characters.
fn reply(cases: &[golden::GoldenCase]) -> Result<(Context, Case)> {
    let given = cases.iter().find_map(|case| if let Given::Reply(ctx, case) = &case.given { Some((ctx, case)) } else { None });
    let (ctx, case) = given.ok_or_else(|| anyhow!("no reply case"))?;
    let mut case = case.clone();
    case.text = DRAFT.chars().take(200).collect();
    Ok((ctx.clone(), Case::Reply(case)))
}

/// One case with everything that decides it.
struct Line {
    ctx: Context,
    case: Case,
    policy: Bound,
    guardrail: Bound,
    terms: Terms,
    /// Its clock stops calls that are late.
    _sandbox: Sandbox,
}

impl Line {
    fn open(policies: &Path, kind: &str, (ctx, case): (Context, Case)) -> Result<Self> {
        let sandbox = Sandbox::new()?;
        let registry = Registry::load(policies, &sandbox)?;
        let guardrail = bound(registry.guardrail().ok_or_else(|| anyhow!("no guardrail package"))?);
        let policy = bound(registry.deciding(kind).ok_or_else(|| anyhow!("no {kind} package"))?);
        let limits = CallLimits::default();
        let terms =
            Terms { caps: CapLimits::default(), currency: "CNY".into(), fallback: Fallbacks::default(), limits, edition: Edition::NEWEST };
        Ok(Self { ctx, case, policy, guardrail, terms, _sandbox: sandbox })
    }

    fn inputs(&self) -> Inputs<'_, '_> {
        let Self { ctx, case, policy, guardrail, terms, .. } = self;
        Inputs { ctx, case, policy: Ok(policy), guardrail, limits: &terms.limits, fallbacks: &terms.fallback, event_bytes: 0 }
    }

    /// One decision, and where its time went.
    fn decide(&self) -> Phases {
        let outcome = judge(&self.inputs());
        let reference = Some(self.policy.reference());
        black_box(conclude(&self.case, outcome.judged, reference, &self.terms, &Counted::default(), (&self.ctx).into()));
        outcome.phases
    }

    /// Microseconds of the floor and of a whole decision, and the phases of the decision.
    fn measure(&self) -> Result<(f64, f64, PhaseTimes)> {
        let limits = Limits::default();
        let facts = Facts::new(&self.ctx, &self.case);
        let first = judge(&self.inputs());
        let ruling = LoweredRuling::new(first.policy.as_ref().map_err(|fault| anyhow!("the policy gave no ruling: {fault}"))?);
        let plugin = |bound: &Bound| bound.plugin().map_err(|reason| anyhow!("{reason}"));
        let (policy_plugin, guardrail_plugin) = (plugin(&self.policy)?, plugin(&self.guardrail)?);

        let mut sums = [0_u64; 3];
        let mut calls = 0_u64;
        let mut decide = || {
            let phases = self.decide();
            for (sum, us) in sums.iter_mut().zip([phases.lower_us, phases.policy_us, phases.guardrail_us]) {
                *sum += u64::from(us);
            }
            calls += 1;
        };
        let alone = || {
            let called = floor(&policy_plugin, &guardrail_plugin, &facts, &ruling, &self.policy.settings, &limits);
            black_box(called).map_err(|fault| anyhow!("{fault}"))
        };
        for _ in 0..WARM_UP {
            decide();
            alone()?;
        }
        // Floor and value take turns, so that a slower minute of the machine hits both.
        let (mut floor_us, mut value_us) = (f64::MAX, f64::MAX);
        for _ in 0..SAMPLES {
            let started = Instant::now();
            for _ in 0..CALLS {
                alone()?;
            }
            floor_us = floor_us.min(per_call(started));
            let started = Instant::now();
            for _ in 0..CALLS {
                decide();
            }
            value_us = value_us.min(per_call(started));
        }
        let [lower, policy_sum, guardrail_sum] = sums;
        let mean = |sum: u64| sum as f64 / calls as f64;
        let named = vec![
            ("lower".to_owned(), mean(lower)),
            ("policy".to_owned(), mean(policy_sum)),
            ("guardrail".to_owned(), mean(guardrail_sum)),
            ("chain, caps, decision".to_owned(), value_us - mean(lower + policy_sum + guardrail_sum)),
        ];
        Ok((floor_us, value_us, named))
    }
}

fn per_call(started: Instant) -> f64 {
    started.elapsed().as_secs_f64() * 1e6 / f64::from(CALLS)
}
