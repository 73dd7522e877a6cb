//! `ombud decide`: one event from a file, through the same line as the server's, without a server and without a record.

use std::collections::BTreeMap;
use std::path::PathBuf;

use anyhow::{Context as _, Result, anyhow, bail};
use clap::Args;
use ombud_core::call_limits::OperatorLimits;
use ombud_core::decision::{Counted, conclude};
use ombud_core::event::{self, Event};
use ombud_core::facts::build_case;
use ombud_core::fault::{Fault, FaultCode};
use ombud_core::history::{Actor, History};
use ombud_core::ids::ActorId;
use ombud_core::kind::Kind;
use ombud_core::merchant::MerchantConfig;
use ombud_core::problem::Problem;
use ombud_ledger::Digest;
use ombud_rules::contract::types::Role;
use ombud_sandbox::Limits;
use serde::Deserialize;
use serde_json::{Value, json};

use super::progress::Progress;
use super::shown::{Detail, Shown};
use super::{EXIT_FINDINGS, EXIT_OK, data, packages, screen};
use crate::bodies::decision_body;
use crate::judge::{Bound, Inputs, NO_POLICY, Outcome, judge};
use crate::registry::{Package, PackageToml, Registry};

/// Arguments of `ombud decide`.
#[derive(Args)]
#[command(after_help = "Nothing is stored and nothing was: the history is empty, no money is counted.\n\n\
Exit codes: 0 decided, 1 a policy gave no ruling and its fallback stands, 2 the event or the configuration is refused, or the command could not run.")]
pub(super) struct Decide {
    /// The event, a CloudEvent in JSON; `-` reads standard input.
    event: PathBuf,
    /// Folder of the policy packages.
    #[arg(long, value_name = "FOLDER", default_value = "policies", env = "OMBUD_POLICIES")]
    policies: PathBuf,
    /// The merchant's configuration, as `ombud merchant put` takes it; without it, default settings and caps on the platform
    /// that the event names.
    #[arg(long, value_name = "FILE")]
    merchant: Option<PathBuf>,
    /// Who acts, for blacklist requests: agent, supervisor, dept-head, compliance, admin …
    #[arg(long = "as", value_name = "ROLE", default_value = "agent")]
    role: String,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// The policy chosen for a kind.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Choice {
    policy: Option<String>,
    settings: Option<Value>,
}

/// The merchant that decides.
struct Shop {
    config: MerchantConfig,
    choices: BTreeMap<Kind, Choice>,
}

/// One kind's decision.
struct Decided {
    body: String,
    outcome: Outcome,
}

impl Decide {
    pub(super) fn run(self) -> Result<u8> {
        let bytes = data::read(&self.event)?;
        // No clock: an event of any time is taken.
        let event = event::structured(&bytes, i64::MAX).map_err(|problems| refused(&self.event.display().to_string(), &problems))?;
        let shop = self.shop(&event)?;
        let contradictions = shop.config.contradicted_by(&event);
        if !contradictions.is_empty() {
            return Err(refused(&self.event.display().to_string(), &contradictions));
        }
        let role = Role::parse(&self.role).with_context(|| {
            let known: Vec<&str> = Role::ALL.iter().map(|role| role.as_str()).collect();
            format!("`{}` is no role; allowed: {}", self.role, known.join(", "))
        })?;
        let actor = Actor { id: ActorId::new("ombud-decide")?, role };
        let loading = Progress::waiting("compiling the policies");
        let kinds: Vec<&str> = event.kinds().map(Kind::as_str).collect();
        let needed =
            |package: &PackageToml| !package.reviews.is_empty() || package.decides.iter().any(|kind| kinds.contains(&kind.as_str()));
        let registry = Registry::load_those(&self.policies, &data::sandbox()?, needed)?;
        drop(loading);

        let decided: Vec<Decided> = event.kinds().map(|kind| self.decide(kind, &event, &shop, &actor, &registry)).collect::<Result<_>>()?;
        if self.json {
            println!("{}", serde_json::to_string_pretty(&json_of(&event, &decided)?)?);
        } else {
            print(&event, &decided, shop.config.tz_offset_min)?;
        }
        let faults = decided.iter().any(|decided| decided.outcome.judged.fault.is_some());
        Ok(if faults { EXIT_FINDINGS } else { EXIT_OK })
    }

    fn shop(&self, event: &Event) -> Result<Shop> {
        let Some(path) = &self.merchant else { return Ok(Shop { config: default_config(event)?, choices: BTreeMap::new() }) };
        let name = path.display().to_string();
        let mut json: Value = serde_json::from_slice(&data::read(path)?).with_context(|| format!("`{name}` is not JSON"))?;
        let policies = json.as_object_mut().and_then(|members| members.remove("policies")).unwrap_or_else(|| json!({}));
        let choices = serde_json::from_value(policies).with_context(|| format!("`{name}`, `/policies`"))?;
        let config = MerchantConfig::parse(json.to_string().as_bytes()).map_err(|problems| refused(&name, &problems))?;
        match OperatorLimits::default().refuse(&config.limits) {
            above if above.is_empty() => {}
            above => return Err(refused(&name, &above)),
        }
        Ok(Shop { config, choices })
    }

    fn decide(&self, kind: Kind, event: &Event, shop: &Shop, actor: &Actor, registry: &Registry) -> Result<Decided> {
        let config = &shop.config;
        let terms = config.terms(&OperatorLimits::default());
        let (ctx, case) = build_case(kind, event, config, &History::default(), Some(actor)).map_err(|problems| {
            refused(&self.event.display().to_string(), &problems).context("nothing is known of what came before this event")
        })?;
        let choice = shop.choices.get(&kind);
        let policy = match choice.and_then(|choice| choice.policy.as_deref()) {
            Some(name) => {
                Some(registry.packages.get(name).with_context(|| format!("`{}` holds no policy `{name}`", self.policies.display()))?)
            }
            None => registry.deciding(kind.as_str()),
        };
        let settings = choice.and_then(|choice| choice.settings.as_ref()).map(ToString::to_string);
        let policy = policy.map(|package| bind(package, settings, &terms.limits.policy)).transpose()?;
        let guardrail = match registry.guardrail() {
            Some(package) => bind(package, None, &terms.limits.guardrail)?,
            None => bail!("`{}` holds no guardrail, a package that reviews all four kinds", self.policies.display()),
        };
        let event_bytes = event.to_structured().len();
        let absent = Fault::new(FaultCode::NoPolicy, NO_POLICY);
        let outcome = judge(&Inputs {
            ctx: &ctx,
            case: &case,
            policy: policy.as_ref().ok_or(&absent),
            guardrail: &guardrail,
            limits: &terms.limits,
            fallbacks: &config.fallback,
            event_bytes,
        });
        let reference = policy.as_ref().map(Bound::reference);
        let (decision, _) = conclude(&case, outcome.judged.clone(), reference, &terms, &Counted::default(), (&ctx).into());
        Ok(Decided { body: decision_body(&decision), outcome })
    }
}

/// A package with settings, which its policy has accepted.
fn bind(package: &Package, settings: Option<String>, limits: &Limits) -> Result<Bound> {
    let settings = settings.unwrap_or_else(|| package.settings.clone());
    if let Ok(plugin) = &package.plugin {
        packages::accept_settings(plugin, &settings, limits, &package.name)?;
    }
    Ok(Bound {
        name: package.name.clone(),
        version: package.version.clone(),
        contract: package.contract().to_owned(),
        component: package.digest,
        settings_digest: Digest::of(settings.as_bytes()),
        settings: settings.into(),
        code: package.plugin.clone().into(),
    })
}

/// Defaults, and whatever the event says of its merchant.
fn default_config(event: &Event) -> Result<MerchantConfig> {
    let mut config = json!({"id": "m-default", "shop_id": "shop", "platform": "own-site"});
    if let Some(currency) = &event.data.currency {
        config["currency"] = json!(currency);
    }
    if let Some(claim) = &event.data.merchant {
        let members = [
            ("id", claim.merchant_id.as_ref().map(|id| json!(id))),
            ("shop_id", claim.shop_id.as_ref().map(|id| json!(id))),
            ("platform", claim.platform.map(|platform| json!(platform.as_str()))),
            ("tz_offset_min", claim.tz_offset_min.map(|offset| json!(offset))),
        ];
        for (member, value) in members {
            if let Some(value) = value {
                config[member] = value;
            }
        }
    }
    MerchantConfig::parse(config.to_string().as_bytes()).map_err(|problems| refused("the event's merchant", &problems))
}

fn refused(what: &str, problems: &[Problem]) -> anyhow::Error {
    let list: Vec<String> = problems.iter().map(ToString::to_string).collect();
    anyhow!("`{what}` is refused:\n  {}", list.join("\n  "))
}

fn print(event: &Event, decided: &[Decided], tz_offset_min: i32) -> Result<()> {
    let envelope = &event.envelope;
    println!("{} · {} · {}", envelope.key.id(), envelope.event_type, envelope.time_text);
    if decided.is_empty() {
        println!("no kind decides on this event: it would only be recorded");
    }
    for Decided { body, outcome } in decided {
        let shown = Shown::read(body)?;
        screen::heading(shown.kind.as_str());
        shown.print(Detail::Full { tz_offset_min });
        for line in &outcome.log {
            screen::field_in("log", &format!("{} {}", line.level, line.message), &screen::dim());
        }
        let policy = shown.policy.as_ref().map_or_else(|| "none".to_owned(), |policy| format!("{} {}", policy.name, policy.version));
        screen::field_in("policy", &policy, &screen::dim());
        let phases = &outcome.phases;
        let cost = format!(
            "policy {} and {} fuel, guardrail {} and {} fuel",
            screen::millis(u128::from(phases.policy_us)),
            outcome.policy_fuel,
            screen::millis(u128::from(phases.guardrail_us)),
            outcome.guardrail_fuel
        );
        screen::field_in("took", &cost, &screen::dim());
    }
    Ok(())
}

/// The server's answer, and beside it what the runs cost.
fn json_of(event: &Event, decided: &[Decided]) -> Result<Value> {
    let decisions = decided.iter().map(|decided| serde_json::from_str(&decided.body)).collect::<serde_json::Result<Vec<Value>>>()?;
    let runs: Vec<Value> = decided
        .iter()
        .map(|Decided { outcome, .. }| {
            json!({
                "policy_fuel": outcome.policy_fuel,
                "guardrail_fuel": outcome.guardrail_fuel,
                "policy_us": outcome.phases.policy_us,
                "guardrail_us": outcome.phases.guardrail_us,
                "log": outcome.log,
            })
        })
        .collect();
    Ok(json!({"event": event.envelope.key.id(), "decisions": decisions, "runs": runs}))
}
