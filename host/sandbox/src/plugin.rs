//! A loaded plugin: compiled, linked and probed once; each call gets a fresh instance.

use std::sync::Arc;

use ombud_core::case::Case;
use ombud_core::declared::DeclaredRules;
use ombud_core::fault::{Fault, FaultCode};
use ombud_core::kind::Kind;
use ombud_core::ruling::{Ruling, RulingReview};
use ombud_rules::contract::types::{Context, PolicyError};
use ombud_rules::review::Review;
use wasmtime::Store;
use wasmtime::component::{Instance, InstancePre};

use crate::cache::InUse;
use crate::faults;
use crate::floor::{GuestRuling, LoweredRuling};
use crate::inspect::{Inspection, Refused};
use crate::limits::Limits;
use crate::size;
use crate::store::{self, Guest, LogLine};
use crate::v1::bindings::exports::ombud::policy as exports;
use crate::v1::bindings::ombud::policy as guest;
use crate::v1::wire::{Lower, Raise};

/// Facts in the contract's binary shape, made once and put to the policy and to every guardrail.
pub struct Facts {
    ctx: guest::types::Context,
    case: GuestCase,
}

enum GuestCase {
    AfterSale(Box<guest::after_sale_types::AfterSaleCase>),
    Delay(guest::delay_types::DelayCase),
    Blacklist(guest::blacklist_types::BlacklistCase),
    Reply(guest::reply_types::ReplyCase),
}

impl Facts {
    /// Lowers context and case.
    pub fn new(ctx: &Context, case: &Case) -> Self {
        let case = match case {
            Case::AfterSale(facts) => GuestCase::AfterSale(Box::new(facts.lower())),
            Case::Delay(facts) => GuestCase::Delay(facts.lower()),
            Case::Blacklist(facts) => GuestCase::Blacklist(facts.lower()),
            Case::Reply(facts) => GuestCase::Reply(facts.lower()),
        };
        Self { ctx: ctx.lower(), case }
    }

    /// The kind of the case.
    pub const fn kind(&self) -> Kind {
        match self.case {
            GuestCase::AfterSale(_) => Kind::AfterSale,
            GuestCase::Delay(_) => Kind::Delay,
            GuestCase::Blacklist(_) => Kind::Blacklist,
            GuestCase::Reply(_) => Kind::Reply,
        }
    }
}

/// What one call gave and used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run<T> {
    /// The answer, or why there is none.
    pub result: Result<T, Fault>,
    /// Fuel used by `prepare` and the call together.
    pub fuel: u64,
    /// What the guest logged.
    pub log: Vec<LogLine>,
}

/// A setting that a policy refused.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct SettingsProblem {
    /// JSON pointer into the settings.
    pub path: String,
    /// What is allowed there.
    pub message: String,
}

/// What the engine keeps beside a component's code, in bytes: types, tables of functions, an open file with the first content of its memory. It is
/// also what bounds the number of components that are loaded, however small.
pub const KEPT_BESIDE_BYTES: usize = 64 << 10;

/// A component that can be called. Cloning shares the compiled code.
#[derive(Clone)]
pub struct Plugin {
    shared: Arc<Shared>,
}

struct Shared {
    /// Its files in the code cache stay while it is loaded.
    _in_use: Option<InUse>,
    inspection: Inspection,
    pre: InstancePre<Guest>,
    settings: exports::settings::GuestIndices,
    after_sale: Option<exports::after_sale::GuestIndices>,
    delay: Option<exports::delay::GuestIndices>,
    blacklist: Option<exports::blacklist::GuestIndices>,
    reply: Option<exports::reply::GuestIndices>,
    review_after_sale: Option<exports::review_after_sale::GuestIndices>,
    review_delay: Option<exports::review_delay::GuestIndices>,
    review_blacklist: Option<exports::review_blacklist::GuestIndices>,
    review_reply: Option<exports::review_reply::GuestIndices>,
}

impl std::fmt::Debug for Plugin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Plugin").field("inspection", &self.shared.inspection).finish_non_exhaustive()
    }
}

impl Plugin {
    /// Probes which exports are there and whether they fit the contract.
    pub(crate) fn link(inspection: Inspection, pre: InstancePre<Guest>, in_use: Option<InUse>) -> Result<Self, Refused> {
        let unfit = |error: wasmtime::Error| Refused::Contract(format!("{error:#}"));
        let decides = |kind: &str| inspection.decides.iter().any(|name| name == kind);
        let reviews = |kind: &str| inspection.reviews.iter().any(|name| name == kind);
        macro_rules! probe {
            ($there:expr, $module:ident) => {
                if $there { Some(exports::$module::GuestIndices::new(&pre).map_err(unfit)?) } else { None }
            };
        }
        let shared = Shared {
            _in_use: in_use,
            settings: exports::settings::GuestIndices::new(&pre).map_err(unfit)?,
            after_sale: probe!(decides("after-sale"), after_sale),
            delay: probe!(decides("delay"), delay),
            blacklist: probe!(decides("blacklist"), blacklist),
            reply: probe!(decides("reply"), reply),
            review_after_sale: probe!(reviews("after-sale"), review_after_sale),
            review_delay: probe!(reviews("delay"), review_delay),
            review_blacklist: probe!(reviews("blacklist"), review_blacklist),
            review_reply: probe!(reviews("reply"), review_reply),
            pre: pre.clone(),
            inspection,
        };
        Ok(Self { shared: Arc::new(shared) })
    }

    /// What the component is.
    pub fn inspection(&self) -> &Inspection {
        &self.shared.inspection
    }

    /// Memory that it takes while it is loaded, in bytes: its code, its texts, and [`KEPT_BESIDE_BYTES`].
    pub fn resident_bytes(&self) -> usize {
        let image = self.shared.pre.component().image_range();
        let text = |text: &Option<String>| text.as_ref().map_or(0, String::len);
        let Inspection { settings_schema, cases, rules, .. } = &self.shared.inspection;
        let texts = text(settings_schema) + text(cases) + rules.as_ref().map_or(0, DeclaredRules::resident_bytes);
        (image.end as usize).saturating_sub(image.start as usize) + texts + KEPT_BESIDE_BYTES
    }

    /// Whether the policy takes these settings: `Ok(Err(..))` lists what it refuses.
    pub fn check_settings(&self, settings: &str, limits: &Limits) -> Run<Result<(), Vec<SettingsProblem>>> {
        self.run(limits, limits.fuel_base, |store, instance| self.prepare(store, instance, settings).map(Ok))
    }

    /// Puts the facts to the policy in a fresh instance. `event_bytes` scales the fuel.
    pub fn decide(&self, facts: &Facts, settings: &str, limits: &Limits, event_bytes: usize) -> Run<Ruling> {
        macro_rules! call {
            ($indices:ident, $case:ident, $variant:ident) => {
                self.run(limits, limits.fuel(event_bytes), |store, instance| {
                    let Some(indices) = &self.shared.$indices else { return Ok(Err(self.lacks(facts.kind()))) };
                    if let Err(problems) = self.prepare(store, instance, settings)? {
                        return Ok(Err(settings_fault(&problems)));
                    }
                    let guest = indices.load(&mut *store, instance)?;
                    let answer = guest.call_decide(&mut *store, &facts.ctx, $case)?;
                    Ok(match answer {
                        Ok(ruling) => within_bytes(Ruling::$variant(ruling.raise()), limits),
                        Err(error) => Err(policy_error(error.raise())),
                    })
                })
            };
        }
        match &facts.case {
            GuestCase::AfterSale(case) => call!(after_sale, case, AfterSale),
            GuestCase::Delay(case) => call!(delay, case, Delay),
            GuestCase::Blacklist(case) => call!(blacklist, case, Blacklist),
            GuestCase::Reply(case) => call!(reply, case, Reply),
        }
    }

    /// Puts the facts and a ruling on them to a guardrail in a fresh instance.
    pub fn review(&self, facts: &Facts, ruling: &Ruling, settings: &str, limits: &Limits, event_bytes: usize) -> Run<RulingReview> {
        macro_rules! call {
            ($indices:ident, $case:ident, $ruling:ident, $variant:ident) => {
                self.run(limits, limits.fuel(event_bytes), |store, instance| {
                    use exports::$indices::ReviewResult;
                    let Some(indices) = &self.shared.$indices else { return Ok(Err(self.lacks(facts.kind()))) };
                    if let Err(problems) = self.prepare(store, instance, settings)? {
                        return Ok(Err(settings_fault(&problems)));
                    }
                    let guest = indices.load(&mut *store, instance)?;
                    Ok(Ok(match guest.call_review(&mut *store, &facts.ctx, $case, &$ruling.lower())? {
                        ReviewResult::Uphold => Review::Uphold,
                        ReviewResult::Amend(amendment) => {
                            Review::Amend { ruling: Ruling::$variant(amendment.ruling.raise()), reasons: amendment.reasons.raise() }
                        }
                        ReviewResult::Escalate(reasons) => Review::Escalate(reasons.raise()),
                    }))
                })
            };
        }
        match (&facts.case, ruling) {
            (GuestCase::AfterSale(case), Ruling::AfterSale(ruling)) => call!(review_after_sale, case, ruling, AfterSale),
            (GuestCase::Delay(case), Ruling::Delay(ruling)) => call!(review_delay, case, ruling, Delay),
            (GuestCase::Blacklist(case), Ruling::Blacklist(ruling)) => call!(review_blacklist, case, ruling, Blacklist),
            (GuestCase::Reply(case), Ruling::Reply(ruling)) => call!(review_reply, case, ruling, Reply),
            _ => {
                let detail = format!("a ruling of kind {} on a case of kind {}", ruling.kind(), facts.kind());
                Run { result: Err(Fault::new(FaultCode::Host, detail)), fuel: 0, log: Vec::new() }
            }
        }
    }

    /// The benchmark's floor: the call of [`Self::decide`] without turning the answer into the host's types.
    pub(crate) fn decide_only(&self, facts: &Facts, settings: &str, limits: &Limits) -> Run<()> {
        macro_rules! call {
            ($indices:ident, $case:ident) => {
                self.run(limits, limits.fuel_base, |store, instance| {
                    let Some(indices) = &self.shared.$indices else { return Ok(Err(self.lacks(facts.kind()))) };
                    if let Err(problems) = self.prepare(store, instance, settings)? {
                        return Ok(Err(settings_fault(&problems)));
                    }
                    let answer = indices.load(&mut *store, instance)?.call_decide(&mut *store, &facts.ctx, $case)?;
                    Ok(answer.map(drop).map_err(|error| policy_error(error.raise())))
                })
            };
        }
        match &facts.case {
            GuestCase::AfterSale(case) => call!(after_sale, case),
            GuestCase::Delay(case) => call!(delay, case),
            GuestCase::Blacklist(case) => call!(blacklist, case),
            GuestCase::Reply(case) => call!(reply, case),
        }
    }

    /// The benchmark's floor: the call of [`Self::review`] without turning anything into or from the host's types.
    pub(crate) fn review_only(&self, facts: &Facts, ruling: &LoweredRuling, settings: &str, limits: &Limits) -> Run<()> {
        macro_rules! call {
            ($indices:ident, $case:ident, $ruling:ident) => {
                self.run(limits, limits.fuel_base, |store, instance| {
                    let Some(indices) = &self.shared.$indices else { return Ok(Err(self.lacks(facts.kind()))) };
                    if let Err(problems) = self.prepare(store, instance, settings)? {
                        return Ok(Err(settings_fault(&problems)));
                    }
                    indices.load(&mut *store, instance)?.call_review(&mut *store, &facts.ctx, $case, $ruling).map(|review| Ok(drop(review)))
                })
            };
        }
        match (&facts.case, &ruling.0) {
            (GuestCase::AfterSale(case), GuestRuling::AfterSale(ruling)) => call!(review_after_sale, case, ruling),
            (GuestCase::Delay(case), GuestRuling::Delay(ruling)) => call!(review_delay, case, ruling),
            (GuestCase::Blacklist(case), GuestRuling::Blacklist(ruling)) => call!(review_blacklist, case, ruling),
            (GuestCase::Reply(case), GuestRuling::Reply(ruling)) => call!(review_reply, case, ruling),
            _ => Run { result: Err(Fault::new(FaultCode::Host, "a ruling of another kind")), fuel: 0, log: Vec::new() },
        }
    }

    fn prepare(&self, store: &mut Store<Guest>, instance: &Instance, settings: &str) -> wasmtime::Result<Result<(), Vec<SettingsProblem>>> {
        let guest = self.shared.settings.load(&mut *store, instance)?;
        let refused = match guest.call_prepare(&mut *store, settings)? {
            Ok(()) => return Ok(Ok(())),
            Err(problems) => problems,
        };
        let mut problems: Vec<SettingsProblem> =
            refused.into_iter().map(|problem| SettingsProblem { path: problem.path, message: problem.message }).collect();
        if problems.is_empty() {
            // A guest that only throws (JavaScript does) names nothing; refused is refused.
            problems.push(SettingsProblem { path: String::new(), message: "refused without saying why".into() });
        }
        Ok(Err(problems))
    }

    /// A fresh store and instance for `call`; what it used, and its trap as a fault.
    fn run<T>(
        &self,
        limits: &Limits,
        fuel: u64,
        call: impl FnOnce(&mut Store<Guest>, &Instance) -> wasmtime::Result<Result<T, Fault>>,
    ) -> Run<T> {
        let engine = self.shared.pre.engine();
        let mut store = match store::fresh(engine, limits, fuel) {
            Ok(store) => store,
            Err(error) => return Run { result: Err(Fault::new(FaultCode::Host, format!("{error:#}"))), fuel: 0, log: Vec::new() },
        };
        let result = match self.shared.pre.instantiate(&mut store) {
            Ok(instance) => call(&mut store, &instance).unwrap_or_else(|error| Err(faults::classify(&error, store.data(), limits, fuel))),
            Err(error) => Err(faults::classify_start(&error, store.data(), limits, fuel)),
        };
        let left = store.get_fuel().unwrap_or(0);
        // The engine looks at the fuel now and then, so a call may end a little beyond it. Nothing says by how much, and on more fuel it would
        // have used more: what is used up is used up.
        let result = if left == 0 && result.is_ok() { Err(Fault::new(FaultCode::Fuel, format!("fuel {fuel}"))) } else { result };
        let used = fuel.saturating_sub(left);
        let log = std::mem::take(&mut store.data_mut().log);
        Run { result, fuel: used, log }
    }

    fn lacks(&self, kind: Kind) -> Fault {
        Fault::new(FaultCode::NotLoaded, format!("the component exports nothing for the kind {kind}"))
    }
}

/// The ruling, if its texts are within `ruling_bytes_max`.
fn within_bytes(ruling: Ruling, limits: &Limits) -> Result<Ruling, Fault> {
    let bytes = size::text_bytes(&ruling);
    if bytes <= limits.ruling_bytes_max {
        return Ok(ruling);
    }
    Err(Fault::new(FaultCode::Output, format!("a ruling of {bytes} bytes, ruling_bytes_max {}", limits.ruling_bytes_max)))
}

fn policy_error(error: PolicyError) -> Fault {
    Fault::new(FaultCode::PolicyError, format!("{} at `{}`: {}", error.code, error.path, error.detail))
}

fn settings_fault(problems: &[SettingsProblem]) -> Fault {
    let list: Vec<String> = problems.iter().map(|problem| format!("`{}`: {}", problem.path, problem.message)).collect();
    Fault::new(FaultCode::Settings, list.join("; "))
}
