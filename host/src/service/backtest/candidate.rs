//! The candidate of a backtest: a component with settings, wherever they are from.

use std::sync::Arc;

use ombud_core::ids::MerchantId;
use ombud_core::kind::Kind;
use ombud_core::problem::Problem;
use ombud_ledger::{Digest, Entry, Header};
use ombud_sandbox::Plugin;
use ombud_store::{EntryKind, Filter, Store as _};

use super::super::error::ServiceError;
use super::super::replay::Stored;
use super::super::snapshot::Bindings;
use super::Backtests;
use crate::backtest::CandidateView;
use crate::gate::decided;
use crate::judge::Bound;
use crate::plugins::Code;
use crate::registry::Package;
use crate::replay::Blobs as _;

/// Decisions on record whose versions are named where an unknown one is asked for, the newest.
const DECISIONS_MAX: u32 = 1_000;
/// Characters of a settings' digest in a readable version.
const SHORT: usize = 8;

/// Where a candidate is from.
#[derive(Clone, Debug)]
pub enum CandidateSource {
    /// A component's bytes and its package's settings; for whoever has the file and the records.
    File {
        /// The component.
        bytes: Vec<u8>,
        /// The settings beside it.
        settings: Option<String>,
    },
    /// The component of a version that the merchant has, by its digest.
    Stored(Digest),
    /// A version that the merchant has or had: the one that is bound, one on record as a version, one in the operator's folder,
    /// or one that decided before; in this order, the newest of each.
    Named {
        /// The policy's name.
        policy: String,
        /// Its readable version; none is the first that is found.
        version: Option<String>,
    },
    /// The version that is bound to a kind.
    Bound(Kind),
}

/// A candidate that is loaded and has taken its settings.
#[derive(Clone, Debug)]
pub struct Candidate {
    /// What is called.
    pub bound: Arc<Bound>,
    /// The kinds it decides.
    pub kinds: Vec<Kind>,
}

impl Candidate {
    /// For people and programs.
    pub fn view(&self) -> CandidateView {
        CandidateView {
            name: self.bound.name.clone(),
            version: self.bound.version.clone(),
            component: self.bound.component.to_string(),
            settings: self.bound.settings_digest.to_string(),
        }
    }
}

/// A version that was found, with its own settings.
struct Found {
    plugin: Plugin,
    name: String,
    version: String,
    settings: String,
}

/// Where a problem of a candidate stands in a request.
const POLICY: &str = "/policy";
const COMPONENT: &str = "/component";
const SETTINGS: &str = "/settings";

impl Backtests<'_> {
    /// Loads a candidate with its own settings, or others. The component may be compiled for it, which takes its time.
    pub(super) fn candidate(
        &self,
        merchant: &MerchantId,
        bindings: &Bindings,
        source: CandidateSource,
        settings: Option<String>,
    ) -> Result<Candidate, ServiceError> {
        let found = match source {
            CandidateSource::File { bytes, settings } => {
                let loaded = self.replays.replayer.plugins().sandbox().load(&bytes);
                let plugin = loaded.map_err(|refused| invalid(POLICY, format!("is refused: {refused}")))?;
                Found::of(plugin, settings)
            }
            CandidateSource::Stored(component) => self.stored_of(merchant, bindings, &component)?,
            CandidateSource::Named { policy, version } => self.named(merchant, bindings, &policy, version.as_deref())?,
            CandidateSource::Bound(kind) => {
                let binding = bindings.get(&kind).ok_or_else(|| invalid("/kind", format!("no policy is bound to {kind}")))?;
                self.bound_as(binding)?
            }
        };
        let candidate = found.with(settings);
        self.takes_settings(&candidate)?;
        let decides = decided(candidate.plugin.inspection(), &candidate.settings);
        let kinds: Vec<Kind> = Kind::ALL.into_iter().filter(|kind| decides.iter().any(|own| own == kind.as_str())).collect();
        if kinds.is_empty() {
            return Err(invalid(POLICY, "decides nothing: a guardrail has no backtest"));
        }
        let Found { plugin, name, version, settings } = candidate;
        let bound = Bound {
            name,
            version,
            contract: plugin.inspection().contract.clone(),
            component: Digest(plugin.inspection().digest),
            settings_digest: Digest::of(settings.as_bytes()),
            settings: settings.into(),
            code: Code::Held(plugin),
        };
        Ok(Candidate { bound: Arc::new(bound), kinds })
    }

    fn takes_settings(&self, candidate: &Found) -> Result<(), ServiceError> {
        match candidate.plugin.check_settings(&candidate.settings, &self.most.patient()).result {
            Ok(Ok(())) => Ok(()),
            Ok(Err(problems)) => {
                let problem = |own: ombud_sandbox::SettingsProblem| Problem::at(format!("{SETTINGS}{}", own.path), own.message);
                Err(ServiceError::Invalid(problems.into_iter().map(problem).collect()))
            }
            Err(fault) => Err(invalid(SETTINGS, format!("the policy gave no answer about its settings: {fault}"))),
        }
    }

    fn stored(&self, name: &str, component: &Digest, pointer: &str) -> Result<Plugin, ServiceError> {
        let loaded = self.replays.replayer.stored(name, component, &Stored(self.replays.store))?;
        loaded.map_err(|missing| invalid(pointer, missing.detail))
    }

    fn bound_as(&self, binding: &super::super::snapshot::Binding) -> Result<Found, ServiceError> {
        let component = Digest::parse(&binding.component);
        let component = component.ok_or_else(|| invalid(POLICY, format!("the component of `{}` is not stored", binding.policy)))?;
        Ok(Found {
            plugin: self.stored(&binding.policy, &component, POLICY)?,
            name: binding.policy.clone(),
            version: binding.version.clone(),
            settings: binding.settings.clone(),
        })
    }

    fn named(&self, merchant: &MerchantId, bindings: &Bindings, policy: &str, version: Option<&str>) -> Result<Found, ServiceError> {
        let is_wanted = |name: &str, own: &str| name == policy && version.is_none_or(|version| version == own);
        if let Some(found) = self.known(merchant, bindings, is_wanted, |_| true)? {
            return Ok(found);
        }
        if let Some(found) = self.decided_before(merchant, policy, version)? {
            return Ok(found);
        }
        let asked = version.map_or_else(|| policy.to_owned(), |version| format!("{policy}@{version}"));
        Err(self.unknown(merchant, bindings, Problem::at(POLICY, format!("`{asked}` is no version that the merchant has or had")))?)
    }

    /// A component of a version that the merchant has, with that version's settings. Components are stored by digest for all
    /// merchants together: another's is not to be had by its digest.
    fn stored_of(&self, merchant: &MerchantId, bindings: &Bindings, component: &Digest) -> Result<Found, ServiceError> {
        if let Some(found) = self.known(merchant, bindings, |_, _| true, |own| own == component)? {
            return Ok(found);
        }
        if self.registry.is_none() {
            // Whoever reads the directory itself has all of it.
            return Ok(Found::of(self.stored("the candidate", component, COMPONENT)?, None));
        }
        Err(self.unknown(merchant, bindings, Problem::at(COMPONENT, "is of no version that the merchant has"))?)
    }

    /// The first version that fits: the one that is bound, the newest on record, the one in the operator's folder.
    fn known(
        &self,
        merchant: &MerchantId,
        bindings: &Bindings,
        named: impl Fn(&str, &str) -> bool,
        made_of: impl Fn(&Digest) -> bool,
    ) -> Result<Option<Found>, ServiceError> {
        let is_wanted =
            |name: &str, version: &str, component: Option<Digest>| named(name, version) && component.is_some_and(|own| made_of(&own));
        if let Some(binding) = bindings.values().find(|own| is_wanted(&own.policy, &own.version, Digest::parse(&own.component))) {
            return self.bound_as(binding).map(Some);
        }
        let versions = self.replays.store.read(|reads| reads.versions(merchant))?;
        let fitting = versions.into_iter().filter(|own| is_wanted(&own.policy, &own.version, Some(own.component)));
        if let Some(row) = fitting.max_by_key(|own| own.created_at_ms) {
            return Ok(Some(Found {
                plugin: self.stored(&row.policy, &row.component, POLICY)?,
                settings: self.settings(&row.policy, &row.settings)?,
                name: row.policy,
                version: row.version,
            }));
        }
        let Some(package) = self.packages().find(|own| is_wanted(&own.name, &own.version, Some(own.digest))) else { return Ok(None) };
        let plugin = package.plugin.clone().map_err(|reason| invalid(POLICY, format!("`{}` is not loaded: {reason}", package.name)))?;
        Ok(Some(Found { plugin, name: package.name.clone(), version: package.version.clone(), settings: package.settings.clone() }))
    }

    fn packages(&self) -> impl Iterator<Item = &Package> {
        self.registry.into_iter().flat_map(|registry| registry.packages.values())
    }

    /// A problem with what there is instead.
    fn unknown(&self, merchant: &MerchantId, bindings: &Bindings, problem: Problem) -> Result<ServiceError, ServiceError> {
        let named = |policy: &str, version: &str| format!("{policy}@{version}");
        let mut known: Vec<String> = bindings.values().map(|own| named(&own.policy, &own.version)).collect();
        let versions = self.replays.store.read(|reads| reads.versions(merchant))?;
        known.extend(versions.iter().map(|own| named(&own.policy, &own.version)));
        known.extend(self.packages().map(|own| named(&own.name, &own.version)));
        // Versions that decided before are candidates too, for as long as they are remembered by a record.
        let decisions = Filter { entry: Some(EntryKind::Decision), ..Filter::default() };
        let newest = self.replays.store.read(|reads| reads.list(merchant, &decisions, None, DECISIONS_MAX))?;
        known.extend(newest.entries.iter().filter_map(|own| Some(named(own.policy.as_deref()?, own.version.as_deref()?))));
        known.sort_unstable();
        known.dedup();
        Ok(ServiceError::Invalid(vec![problem.allowed(known.join(", "))]))
    }

    /// A version that decided for this merchant, from its newest record: component and settings are stored for replays.
    fn decided_before(&self, merchant: &MerchantId, policy: &str, version: Option<&str>) -> Result<Option<Found>, ServiceError> {
        let Some(record) = self.replays.store.read(|reads| reads.decision_of_policy(merchant, policy, version))? else { return Ok(None) };
        let header = Header::decode(&record.header).map_err(|error| ServiceError::Internal(error.into()))?;
        let Entry::Decision(entry) = header.entry else { return Ok(None) };
        let Some(recorded) = entry.policy else { return Ok(None) };
        Ok(Some(Found {
            plugin: self.stored(policy, &recorded.call.component, POLICY)?,
            settings: self.settings(policy, &recorded.call.settings)?,
            name: recorded.name.to_string(),
            version: recorded.version.to_string(),
        }))
    }

    fn settings(&self, policy: &str, digest: &Digest) -> Result<String, ServiceError> {
        let stored = Stored(self.replays.store).blob(digest)?.and_then(|bytes| String::from_utf8(bytes).ok());
        stored.ok_or_else(|| invalid(POLICY, format!("the settings {digest} of `{policy}` are missing or damaged")))
    }
}

impl Found {
    /// A component under the name that it gives itself.
    fn of(plugin: Plugin, settings: Option<String>) -> Self {
        let package = plugin.inspection().package.clone();
        let (name, version) = package.map_or_else(|| ("component".to_owned(), String::new()), |own| (own.name, own.version));
        Self { plugin, name, version, settings: settings.unwrap_or_else(|| "{}".to_owned()) }
    }

    /// The same with other settings. Their digest is part of the readable version, as where they are bound.
    fn with(self, settings: Option<String>) -> Self {
        let Some(settings) = settings.filter(|settings| *settings != self.settings) else { return self };
        let short = |settings: &str| Digest::of(settings.as_bytes()).to_string().chars().take(SHORT).collect::<String>();
        let base = self.version.strip_suffix(&format!("+{}", short(&self.settings))).unwrap_or(&self.version);
        Self { version: format!("{base}+{}", short(&settings)), settings, ..self }
    }
}

fn invalid(pointer: &str, what: impl Into<String>) -> ServiceError {
    ServiceError::Invalid(vec![Problem::at(pointer, what)])
}
