//! Everything administrative is in the ledger, by this one mechanism: an act is a record of the merchant's own log, appended in
//! the transaction of the change it stands for. What concerns no merchant is in the operator's log.
//!
//! In reading order: what an act is, how it is recorded, how acts are listed, auditors' looks, and what is told of acts elsewhere.

mod body;
mod list;
mod looks;
mod rollout;
mod told;
mod what;

use ombud_core::ids::{MerchantId, is_invisible};
use ombud_core::problem::Problem;
use ombud_ledger::seal::{Of, seal};
use ombud_ledger::{ActEntry, BodyKind, Digest, Entry, Header, leaf_hash};
use ombud_store::{EntryKind, Group, Listing, MerchantRow, NewRecord, Reads, Store as _};

pub use body::ActBody;
pub use list::{ActView, ActsPage, ActsQuery};
pub use looks::Look;
pub(super) use looks::Looks;
pub use rollout::RolloutAct;
pub(crate) use told::{BroughtIn, Overridden, Told, told};
pub use what::What;
pub(super) use what::{
    BACKUP_RESTORED, BLACKLIST_STEP, ERASURE, HOLD_LIFTED, HOLD_SET, LOSS_ACCEPTED, MERCHANT_CHANGED, OVERRIDE, SELF_AUDIT_DIVERGED,
};

use super::Service;
use super::actor::{Principal, Role, key_id};
use super::error::ServiceError;
use super::listing::rfc3339;
use super::vault::{SubjectId, Vault};
use crate::clock::now_ms;

/// The log of what concerns no merchant. No merchant has this name.
pub const OPERATOR: &str = "operator";

/// Who acts.
#[derive(Clone, Debug)]
pub struct By {
    actor: String,
    role: Option<Role>,
    key: Option<String>,
}

/// The host's own names in the records: no key has them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Host {
    /// The service itself.
    Ombud,
    /// Takes back what does harm.
    Protection,
    /// Erases what is kept too long.
    Retention,
    /// Runs records again.
    SelfAudit,
    /// Reviews measures that are due.
    Timer,
}

impl Host {
    /// Every name.
    pub(super) const ALL: [Self; 5] = [Self::Ombud, Self::Protection, Self::Retention, Self::SelfAudit, Self::Timer];

    /// The name in the records.
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Ombud => "ombud",
            Self::Protection => "protection",
            Self::Retention => "ombud-retention",
            Self::SelfAudit => "ombud-self-audit",
            Self::Timer => "ombud-timer",
        }
    }
}

impl By {
    /// Nobody: for what is only computed again.
    pub(super) const fn nobody() -> &'static Self {
        const NOBODY: &By = &By { actor: String::new(), role: None, key: None };
        NOBODY
    }

    /// The host itself, under a name of its own.
    pub(super) fn host(name: Host) -> Self {
        Self { actor: name.as_str().to_owned(), role: None, key: None }
    }
}

impl From<&Principal> for By {
    fn from(who: &Principal) -> Self {
        Self { actor: who.actor.to_string(), role: Some(who.role), key: who.key.as_ref().map(key_id) }
    }
}

/// An act to be recorded.
#[derive(Clone, Debug)]
pub(super) struct NewAct {
    /// Who acts.
    pub(super) by: By,
    /// What is done.
    pub(super) what: What,
    /// Why.
    pub(super) reason: Option<String>,
    /// What stood before.
    pub(super) before: Option<Digest>,
    /// What stands now.
    pub(super) after: Option<Digest>,
    /// The document of the merchant's plans as the change found it; the first act of the change has it.
    pub(super) plans_before: Option<Digest>,
    /// The document of the merchant's plans as it is now, where the change moves any.
    pub(super) plans: Option<Digest>,
    /// When, epoch milliseconds.
    pub(super) at_ms: i64,
    /// Under whose key the body is sealed: the first of these whose key is there.
    pub(super) subjects: Vec<SubjectId>,
    /// By what it is found beside its name.
    pub(super) about: About,
}

/// By what an act is found beside its name.
#[derive(Clone, Debug, Default)]
pub(super) struct About {
    pub(super) kind: Option<String>,
    pub(super) outcome: Option<String>,
    pub(super) ticket: Option<String>,
    pub(super) customer: Option<String>,
    pub(super) order: Option<String>,
}

/// Where an act was recorded.
#[derive(Clone, Copy, Debug)]
pub(super) struct Recorded {
    /// Its place in the log.
    pub(super) seq: u64,
    /// Its leaf.
    pub(super) leaf: Digest,
}

impl NewAct {
    /// An act about the log's owner, at this moment.
    pub(super) fn new(by: impl Into<By>, what: What) -> Self {
        Self {
            by: by.into(),
            what,
            reason: None,
            before: None,
            after: None,
            plans_before: None,
            plans: None,
            at_ms: now_ms(),
            subjects: vec![SubjectId::Merchant],
            about: About::default(),
        }
    }

    /// From what to what.
    pub(super) fn change(self, before: Option<Digest>, after: Option<Digest>) -> Self {
        Self { before, after, ..self }
    }

    /// Appends the act to a log, within the transaction of what it stands for.
    ///
    /// # Errors
    /// Nobody's key is there: the customer was erased.
    pub(super) fn append(&self, group: &mut dyn Group, vault: &Vault, log: &MerchantId) -> Result<Recorded, ServiceError> {
        let internal = |error: anyhow::Error| ServiceError::Internal(error);
        let body = ActBody {
            what: self.what.clone(),
            actor: self.by.actor.clone(),
            role: self.by.role,
            by_key: self.by.key.clone(),
            at: rfc3339(self.at_ms),
            reason: self.reason.clone(),
            before: self.before.map(|digest| digest.to_string()),
            after: self.after.map(|digest| digest.to_string()),
            plans_before: self.plans_before.map(|digest| digest.to_string()),
            plans: self.plans.map(|digest| digest.to_string()),
        };
        let json = serde_json::to_vec(&body).map_err(|error| internal(error.into()))?;
        let mut id = [0_u8; 16];
        getrandom::fill(&mut id).map_err(|error| internal(anyhow::anyhow!("no random bytes: {error}")))?;
        let reads: &dyn Reads = group;
        let key = match self.subjects.iter().map(|subject| vault.open(log, subject, reads)).find_map(Result::transpose) {
            Some(key) => key?,
            None => return Err(ServiceError::Conflict("the customer was erased: nothing more is decided on this record".into())),
        };
        let mut sealed = Vec::new();
        let detached = seal(&key, log, Of::Act(&id), &[(BodyKind::Act, &json)], &mut sealed).map_err(|error| internal(error.into()))?;
        let seq = group.log_size(log)?;
        let header = Header {
            merchant: log.clone(),
            seq,
            entry: Entry::Act(ActEntry { id, act: self.what.name().to_owned(), actor: self.by.actor.clone() }),
            received_at_ms: self.at_ms,
            trace_id: None,
            detached: Some(detached),
        };
        let header = header.encode().map_err(|error| internal(error.into()))?;
        let leaf = leaf_hash(&header);
        let listing = Listing {
            entry: EntryKind::Act,
            decision: None,
            kind: self.about.kind.as_deref(),
            outcome: self.about.outcome.as_deref(),
            policy: None,
            version: None,
            event_type: self.what.name(),
            ticket: self.about.ticket.as_deref(),
            customer: self.about.customer.as_deref(),
            order: self.about.order.as_deref(),
            event_at_ms: None,
            received_at_ms: self.at_ms,
        };
        group.append(&NewRecord { merchant: log, seq, header: &header, leaf, sealed: &sealed, listing })?;
        Ok(Recorded { seq, leaf })
    }
}

/// The operator's value that has the digest of the guardrail in force.
pub(super) const GUARDRAIL: &str = "guardrail";

/// Characters of a reason.
pub(super) const REASON_SCALARS_MAX: usize = 2_000;

/// A reason in a person's words.
pub(super) fn reason(text: &str) -> Result<String, ServiceError> {
    is_reason("/reason", text)?;
    Ok(text.to_owned())
}

/// Refuses what nobody can read as a reason: too long, or nothing to be seen.
pub(super) fn is_reason(pointer: &str, text: &str) -> Result<(), ServiceError> {
    let wrong = match text.chars().count() {
        scalars if scalars > REASON_SCALARS_MAX => "is too long",
        _ if text.chars().all(|scalar| scalar.is_whitespace() || is_invisible(scalar)) => "says nothing",
        _ => return Ok(()),
    };
    Err(ServiceError::Invalid(vec![
        Problem::at(pointer, wrong).allowed(format!("1 to {REASON_SCALARS_MAX} characters, not only blank ones")),
    ]))
}

/// The log of a merchant's acts, or the operator's where there is none.
pub(super) fn log_of(merchant: Option<&MerchantId>) -> Result<MerchantId, ServiceError> {
    match merchant {
        Some(merchant) => Ok(merchant.clone()),
        None => MerchantId::new(OPERATOR).map_err(|error| ServiceError::Internal(anyhow::anyhow!("{error}"))),
    }
}

impl Service {
    /// Records acts that change nothing else.
    pub(super) async fn record(&self, log: &MerchantId, acts: Vec<NewAct>) -> Result<(), ServiceError> {
        let (vault, log) = (self.vault.clone(), log.clone());
        let (answer, answered) = tokio::sync::oneshot::channel();
        let job = move |group: &mut dyn Group| acts.iter().try_for_each(|act| act.append(group, &vault, &log).map(|_| ()));
        self.writer.submit(job, move |result| _ = answer.send(result))?;
        Ok(answered.await.map_err(|_| ServiceError::Unavailable("the service is shutting down"))??)
    }

    /// Makes the operator's log, where it is not there yet. Its key also shows at once that the master key is the right one.
    pub(super) fn open_operators_log(&self) -> anyhow::Result<()> {
        let (log, epoch) = (log_of(None)?, self.vault.epoch());
        let (known, secret) = self.store.read(|reads| {
            let known = reads.merchant(&log)?.is_some();
            Ok::<_, ServiceError>((known, self.vault.open_or_draw(&log, &SubjectId::Merchant, reads, epoch)?))
        })?;
        if known && secret.wrapped.is_none() {
            return Ok(());
        }
        let row = MerchantRow { id: log, config: "{}".into(), created_at_ms: now_ms() };
        let vault = self.vault.clone();
        let made = self.writer.wait(move |group| {
            group.put_merchant(&row)?;
            if let Some(wrapped) = &secret.wrapped {
                vault.keep(group, &row.id, &SubjectId::Merchant, wrapped, row.created_at_ms)?;
            }
            Ok::<_, ServiceError>(())
        });
        Ok(made.map_err(ServiceError::from)?)
    }

    /// Records the platform's guardrail, where it is another one than at the last start with packages.
    pub(super) fn record_guardrail(&self) -> anyhow::Result<()> {
        let guardrail = self.snapshot.load().guardrail.clone();
        if guardrail.status().is_err() {
            return Ok(());
        }
        let digest = |component: &Digest, settings: &Digest| Digest::of_parts(b"ombud guardrail v1\0", &[&component.0, &settings.0]);
        let now = digest(&guardrail.component, &guardrail.settings_digest);
        let before = self.store.read(|reads| reads.value(GUARDRAIL))?.and_then(|bytes| bytes.try_into().ok()).map(Digest);
        if before == Some(now) {
            return Ok(());
        }
        let what = What::GuardrailBound {
            version: guardrail.version.clone(),
            component: guardrail.component.to_string(),
            settings: guardrail.settings_digest.to_string(),
        };
        let act = NewAct::new(By::host(Host::Ombud), what).change(before, Some(now));
        let (vault, log) = (self.vault.clone(), log_of(None)?);
        let recorded = self.writer.wait(move |group| {
            group.set_value(GUARDRAIL, &now.0)?;
            act.append(group, &vault, &log).map(|_| ())
        });
        Ok(recorded.map_err(ServiceError::from)?)
    }
}
