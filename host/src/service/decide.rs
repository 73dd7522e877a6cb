//! From an event to its decisions: snapshot and permit → history → case → sandbox → writer → answer.

use std::sync::Arc;
use std::time::{Duration, Instant};

use ombud_core::decision::Counted;
use ombud_core::event::Event;
use ombud_core::event::input::BlacklistInput;
use ombud_core::facts::build_case;
use ombud_core::history::{Actor, History};
use ombud_core::ids::MerchantId;
use ombud_core::impact::Stand;
use ombud_core::kind::Kind;
use ombud_core::problem::Problem;
use ombud_ledger::keys::DigestKey;
use ombud_ledger::{Digest, id};
use ombud_rules::contract::delay::DelayCase;
use ombud_store::{Reads, Store as _, StoreError};
use serde_json::value::RawValue;
use tokio::sync::oneshot;

use super::actor::{Principal, Right};
use super::acts::By;
use super::commit::{About, Committed, commit, count_earlier, counted};
use super::error::ServiceError;
use super::fair::{Place, UnderWay};
use super::owner::Owner;
use super::pending::{Draft, Item, Pending};
use super::rollout::{Runs, ShadowJob, ShadowRun, opened, opens};
use super::snapshot::Tenant;
use super::wire::{EventAnswer, Verbatim};
use super::{Service, history, locks, overrides, platform, read};
use crate::bodies::CaseBody;
use crate::clock::now_ms;
use crate::judge::{Inputs, Phases, answer, micros};

/// Where sources of the host's own events begin.
const OWN_SOURCES: &str = "/ombud/";

impl Service {
    /// Decides an event that was sent, and answers once its records are durable.
    pub async fn decide(self: &Arc<Self>, who: &Principal, merchant: &str, event: Event) -> Result<EventAnswer, ServiceError> {
        // A batch brings one event after the other, for as long as a minute.
        self.still_valid(who)?;
        check_source(&event)?;
        self.decide_own(who, merchant, event).await
    }

    /// The same for events that the service makes itself.
    pub(super) async fn decide_own(self: &Arc<Self>, who: &Principal, merchant: &str, event: Event) -> Result<EventAnswer, ServiceError> {
        let tenant = self.tenant(who, merchant, Right::SendEvents, "send events")?;
        let _under_way = self.under_way(&tenant)?;
        check_merchant(&tenant, &event)?;
        let event_id = event.envelope.key.id().to_owned();
        let of_platform = self.orders_of_closed(&tenant.config.id, &event)?;
        let _held = self.locks.hold(lock_keys(&tenant.config.id, &event, &of_platform)).await;
        let body_digest = digest_of(&tenant.digest_key, who.actor.as_str(), &event);
        // Known before it is judged: an act that was valid then need not be valid now, and no policy runs twice for one event.
        if let Some(answer) = self.store.read(|reads| read::known(reads, &self.vault, &tenant.config.id, &event, &body_digest))? {
            self.metrics.observe_duplicate();
            return Ok(answer);
        }
        self.code_at_hand(&tenant, &event).await;
        // The place is held until the records are durable, so that the writer's queue is short and everybody's turn comes before it.
        let (pending, place) = self.judged_in_turn(&tenant, who, event, body_digest).await?;
        // It may have waited long for its turn.
        self.still_valid(who)?;
        let pending = Arc::new(pending);
        let (answer, answered) = oneshot::channel();
        let (service, waiting) = (Arc::clone(self), Arc::clone(&pending));
        let job = move |group: &mut dyn ombud_store::Group| commit(group, &waiting, &service.vault, &service.engine);
        let handed_over = Instant::now();
        // Nobody waits where the caller has gone: the records stand all the same.
        self.writer.submit(job, move |result| _ = answer.send(result))?;
        let committed = answered.await.map_err(|_| ServiceError::Unavailable("the service is shutting down"))??;
        drop(place);
        let appended = match committed {
            Committed::Known(answer) => return Ok(answer),
            Committed::New(appended) => appended,
        };
        let commit_us = micros(handed_over);
        let answered = pending.items.iter().zip(&appended).enumerate().map(|(at, (item, record))| {
            let sealed = record.again.as_deref().unwrap_or(&item.ready);
            self.observe(merchant, item, &sealed.decision, Phases { commit_us, ..item.phases });
            self.watch(&pending.tenant, item, record.seq, &sealed.decision);
            if item.shadow.is_some() {
                let (before, counted) = (Stand::of(&sealed.decision), sealed.counted.clone());
                self.run_in_shadow(ShadowJob { pending: Arc::clone(&pending), at, seq: record.seq, before, counted });
            }
            Verbatim::new(read::answer(item.id.as_str(), record.seq, &record.leaf, &sealed.body))
        });
        Ok(EventAnswer { event: event_id, duplicate: false, decisions: answered.collect() })
    }

    /// The same line, recording nothing.
    pub async fn preview(self: &Arc<Self>, who: &Principal, merchant: &str, event: Event) -> Result<EventAnswer, ServiceError> {
        check_source(&event)?;
        let tenant = self.tenant(who, merchant, Right::SendEvents, "preview events")?;
        let _under_way = self.under_way(&tenant)?;
        check_merchant(&tenant, &event)?;
        let event_id = event.envelope.key.id().to_owned();
        let body_digest = digest_of(&tenant.digest_key, who.actor.as_str(), &event);
        self.code_at_hand(&tenant, &event).await;
        let (pending, _) = self.judged_in_turn(&tenant, who, event, body_digest).await?;
        let decisions = pending.items.into_iter().map(|item| Verbatim::new(item.ready.body)).collect();
        Ok(EventAnswer { event: event_id, duplicate: false, decisions })
    }

    /// Takes one more decision, replay or the like of a merchant in, until what is given back is dropped.
    pub(super) fn under_way(&self, tenant: &Tenant) -> Result<UnderWay, ServiceError> {
        Ok(self.fair.admit(&tenant.share.decisions, &tenant.share_limits)?)
    }

    /// Waits for the code of the policies that decide an event, where it has to be compiled first.
    async fn code_at_hand(self: &Arc<Self>, tenant: &Tenant, event: &Event) {
        let deadline = Duration::from_millis(tenant.terms.limits.policy.deadline_ms);
        for kind in event.kinds() {
            for (_, _, bound) in tenant.versions.iter().filter(|(own, _, _)| *own == kind) {
                self.at_hand(bound, deadline).await;
            }
        }
    }

    /// Everything that does not need the writer, when it is the merchant's turn: here, or on a thread of its own if it takes long.
    async fn judged_in_turn(
        self: &Arc<Self>,
        tenant: &Arc<Tenant>,
        who: &Principal,
        event: Event,
        body_digest: Digest,
    ) -> Result<(Pending, Option<Place>), ServiceError> {
        let (taken, limits) = (&tenant.share.decisions, &tenant.share_limits);
        let event = if self.fair.is_long(taken, event.kinds()) {
            event
        } else {
            let mut held = self.fair.held(taken, limits).await?;
            let judged = {
                let place = self.fair.first(taken, limits).await?;
                let judged = self.judged(tenant, who, event, body_digest, true)?;
                held.worked_at(&place);
                judged
            };
            match judged {
                Judged::Pending(pending) => return Ok((*pending, Some(held))),
                Judged::Long(event, kind) => {
                    self.fair.was_long(taken, kind);
                    *event
                }
            }
        };
        self.metrics.ran_long();
        let (service, own, by) = (Arc::clone(self), Arc::clone(tenant), who.clone());
        match self.fair.long(taken, limits, move || service.judged(&own, &by, event, body_digest, false)).await? {
            Some(Ok(Judged::Pending(pending))) => Ok((*pending, None)),
            Some(Err(error)) => Err(error),
            Some(Ok(Judged::Long(..))) | None => Err(ServiceError::Internal(anyhow::anyhow!("a long decision did not end"))),
        }
    }

    /// Everything that does not need the writer: history, cases, policies, guardrail. `at_first` with little fuel: who needs more is told apart.
    fn judged(
        &self,
        tenant: &Arc<Tenant>,
        who: &Principal,
        event: Event,
        body_digest: Digest,
        at_first: bool,
    ) -> Result<Judged, ServiceError> {
        let merchant = &tenant.config.id;
        let received_at_ms = now_ms();
        let event_body = event.to_structured().into_bytes();
        let kinds: Vec<Kind> = event.kinds().collect();
        let started = Instant::now();
        let epoch = self.vault.epoch();
        let (history, owner, runs) = self.store.read(|reads| {
            let history = if kinds.is_empty() { History::default() } else { self.history(reads, merchant, &event)? };
            let runs = kinds.iter().map(|kind| {
                let opened = opened(reads, tenant, *kind, &event)?;
                let opens = opens(reads, merchant, *kind, &event, &history, opened.as_ref())?;
                Ok((self.runs(reads, tenant, *kind, &event, opened)?, opens))
            });
            let runs: Vec<(Runs, bool)> = runs.collect::<Result<_, ServiceError>>()?;
            Ok::<_, ServiceError>((history, Owner::of(reads, &self.vault, tenant, &event, epoch)?, runs))
        })?;
        let history_us = micros(started);
        let actor = who.role.in_contract().map(|role| Actor { id: who.actor.clone(), role });
        let snapshot = self.snapshot.load_full();
        let limits = &tenant.terms.limits;
        let at_first_limits = at_first.then(|| limits.at_first(event_body.len()));
        let mut items = Vec::with_capacity(kinds.len());
        for (kind, (runs, opens)) in kinds.into_iter().zip(runs) {
            let (ctx, case) = build_case(kind, &event, &tenant.config, &history, actor.as_ref()).map_err(ServiceError::Invalid)?;
            let terms = &tenant.terms;
            let (within, chosen) = (at_first_limits.as_ref().unwrap_or(limits), runs.chosen.as_ref());
            let inputs = Inputs {
                ctx: &ctx,
                case: &case,
                policy: runs.first.as_deref(),
                guardrail: &snapshot.guardrail,
                limits: within,
                fallbacks: &terms.fallback,
                event_bytes: event_body.len(),
            };
            let answered = answer(&inputs, runs.second.as_deref().map(|second| (second, within)), chosen);
            self.fair.used(&tenant.share.decisions, &tenant.share_limits, answered.fuel());
            if at_first_limits.as_ref().is_some_and(|first| answered.was_cut_short(first, limits, event_body.len())) {
                return Ok(Judged::Long(Box::new(event), kind));
            }
            let judged = Instant::now();
            let id = event.decision_id(merchant, kind);
            let case_body = CaseBody { context: &ctx, case: &case, terms, event_bytes: event_body.len(), rollout: chosen }.to_json();
            let draft = Draft::new(id, case, case_body, &snapshot.guardrail, answered);
            // Counters as they are now: mostly they still are when the writer comes to it, and it checks.
            let about = About { tenant, event: &event, formerly: owner.formerly.as_deref(), received_at_ms };
            let mut counted = match draft.asked() {
                None => Counted::default(),
                asked => self.store.read(|reads| counted(reads, &about, draft.case(), asked))?,
            };
            let before = items.iter().map(|item: &Item| (item, &item.ready));
            count_earlier(&mut counted, &event, (draft.case(), draft.asked()), before);
            let item = draft.seal(merchant, &tenant.terms, counted, (&ctx).into(), &owner.secret.key, &event_body);
            let mut item = item.map_err(|error| ServiceError::Internal(error.into()))?;
            if !runs.shadows.is_empty() {
                let guardrail = Arc::clone(&snapshot.guardrail);
                item.shadow = Some(Box::new(ShadowRun { ctx, versions: runs.shadows, guardrail }));
            }
            item.opens = opens;
            item.phases.history_us = history_us;
            item.phases.seal_us = micros(judged);
            items.push(item);
        }
        Ok(Judged::Pending(Box::new(Pending {
            body_digest,
            trace_id: event.trace_id(),
            tenant: Arc::clone(tenant),
            by: By::from(who),
            event,
            event_body,
            received_at_ms,
            owner,
            items,
        })))
    }

    fn history(&self, reads: &dyn Reads, merchant: &MerchantId, event: &Event) -> Result<History, ServiceError> {
        let request = |seq| read::request_state(reads, &self.vault, merchant, seq).map_err(damaged);
        let acted = |seq| self.amounts_of_act(reads, merchant, seq).map_err(damaged);
        let delayed = |seq| self.delay_at(reads, merchant, seq);
        Ok(history::gather(reads, merchant, event, request, acted, delayed)?)
    }

    /// The orders of a case that the platform closed, refused or refunded.
    fn orders_of_closed(&self, merchant: &MerchantId, event: &Event) -> Result<Vec<String>, StoreError> {
        let Some(case) = platform::closed(event) else { return Ok(Vec::new()) };
        Ok(self.store.read(|reads| reads.after_sale_cases_named(merchant, case))?.into_iter().map(|row| row.order).collect())
    }

    /// The case of a delay's decision, or of a person's act on one; none where it was erased.
    pub(super) fn delay_at(&self, reads: &dyn Reads, merchant: &MerchantId, seq: u64) -> Result<Option<DelayCase>, StoreError> {
        overrides::delay_at(reads, &self.vault, merchant, seq).map_err(damaged)
    }
}

/// A record that history is read from and that cannot be read.
pub(super) fn damaged(error: ServiceError) -> StoreError {
    match error {
        ServiceError::Internal(error) => StoreError::Damaged(format!("{error:#}")),
        error => StoreError::Damaged(error.to_string()),
    }
}

/// What came of an event before the writer.
enum Judged {
    /// It waits for the writer.
    Pending(Box<Pending>),
    /// A policy of this kind needs more than it has at first: nothing came of it yet.
    Long(Box<Event>, Kind),
}

/// The configuration is authoritative: an event that contradicts it is refused.
fn check_merchant(tenant: &Tenant, event: &Event) -> Result<(), ServiceError> {
    let problems = tenant.config.contradicted_by(event);
    if problems.is_empty() { Ok(()) } else { Err(ServiceError::Invalid(problems)) }
}

/// Order, after-sales case and blacklist request: what decisions must not overtake each other on. What the platform says of a case names no order:
/// those of the case on record are given.
fn lock_keys(merchant: &MerchantId, event: &Event, of_platform: &[String]) -> Vec<u64> {
    let data = &event.data;
    let orders = data
        .order
        .as_ref()
        .map(|order| order.order_id.as_str())
        .into_iter()
        .chain(data.delay.as_ref().map(|delay| delay.order_id.as_str()))
        .chain(of_platform.iter().map(String::as_str));
    let mut keys: Vec<u64> = orders.map(|order| locks::key(&[merchant.as_str(), "order", order])).collect();
    let cases = data.after_sale.as_ref().map(|input| input.after_sale_id.as_str()).into_iter().chain(platform::closed(event));
    keys.extend(cases.map(|case| locks::key(&[merchant.as_str(), "case", case])));
    keys.extend(data.blacklist.as_ref().map(|request| locks::key(&[merchant.as_str(), "blacklist", request.request_id()])));
    // A redelivery waits for the first delivery, so that it finds its records instead of doing the work again.
    keys.push(locks::key(&[merchant.as_str(), "event", event.envelope.key.source(), event.envelope.key.id()]));
    keys
}

/// By which a redelivery is told from another event. An act on a blacklist request is its person's: the same words of somebody
/// else are another act.
pub(super) fn digest_of(key: &DigestKey, actor: &str, event: &Event) -> Digest {
    let mut canonical = event.canonical();
    if is_persons_act(event) {
        canonical.extend_from_slice(b"\0by\0");
        canonical.extend_from_slice(actor.as_bytes());
    }
    id::body_digest(key, &canonical)
}

/// Whether an event is a person's act on a blacklist request: its record is followed by the act's.
pub(super) fn is_persons_act(event: &Event) -> bool {
    event.data.blacklist.as_ref().is_some_and(|act| !matches!(act, BlacklistInput::Review(_)))
}

/// Events of the host's own come from within: under its name nobody else takes an id before it does.
fn check_source(event: &Event) -> Result<(), ServiceError> {
    if !event.envelope.key.source().starts_with(OWN_SOURCES) {
        return Ok(());
    }
    let problem = Problem::at(
        event.data_pointer().strip_suffix("/data").map(|at| format!("{at}/source")).unwrap_or_default(),
        "is the server's own source",
    );
    Err(ServiceError::Invalid(vec![problem.allowed(format!("a source that does not begin with `{OWN_SOURCES}`"))]))
}

/// JSON text as it is.
pub(super) fn raw(json: String) -> Result<Box<RawValue>, ServiceError> {
    RawValue::from_string(json).map_err(|error| ServiceError::Internal(error.into()))
}
