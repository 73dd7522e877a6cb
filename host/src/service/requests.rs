//! Blacklist requests for people: acts as events, views of their state, measures in force.

use std::sync::Arc;

use ombud_core::event;
use ombud_core::history::RequestState;
use ombud_core::ids::EventKey;
use ombud_core::problem::Problem;
use ombud_rules::contract::blacklist::Stage;
use ombud_store::{CaseState, MeasureRow, Reads, RequestRow, Store as _};
use serde_json::{Value, json};

use super::actor::{Principal, Right};
use super::acts::Look;
use super::error::ServiceError;
use super::listing::rfc3339;
use super::privacy::{Sight, UnmaskQuery};
use super::snapshot::Tenant;
use super::wire::{BlacklistAct, BlacklistActKind, BlacklistPage, BlacklistQuery, BlacklistView, EventAnswer, MeasureView};
use super::{Service, aside, read};
use crate::clock::now_ms;

/// The source of events that come from acts of this interface.
const SOURCE: &str = "/ombud/blacklist";
/// Requests of one page.
const REQUESTS_MAX: u32 = 200;
/// The same where nothing is asked for.
const REQUESTS_DEFAULT: u32 = 50;

impl Service {
    /// Submits a request, gives a verdict or passes on an appeal, as the event that it is.
    pub async fn blacklist_act(self: &Arc<Self>, who: &Principal, merchant: &str, act: BlacklistAct) -> Result<EventAnswer, ServiceError> {
        self.tenant(who, merchant, Right::SendEvents, "act on blacklist requests, or pass on appeals")?;
        let mut data = json!({"ticket_id": act.ticket_id, "customer_ref": act.customer_ref, "blacklist": act.blacklist});
        let event_type = match act.act {
            BlacklistActKind::Submit => "blacklist.requested",
            BlacklistActKind::Step => "blacklist.step",
            BlacklistActKind::Appeal => {
                // The customer's own words belong to the privacy request that an appeal is.
                let mut request = json!({"request": "appeal"});
                if let Some(note) = data.pointer_mut("/blacklist").and_then(|own| own.as_object_mut()?.remove("note"))
                    && let Some(request) = request.as_object_mut()
                {
                    request.insert("text".into(), note);
                }
                if let Some(data) = data.as_object_mut() {
                    data.insert("privacy_request".into(), request);
                }
                "privacy.request"
            }
        };
        let tenant = self.tenant(who, merchant, Right::SendEvents, "act on blacklist requests")?;
        let at_ms = now_ms();
        // An act that is on record keeps its time: repeated, it is the same event. A new one follows the last, whose helpdesk's
        // clock may be some minutes ahead.
        let request_id = data.pointer("/blacklist/request_id").and_then(Value::as_str).unwrap_or_default().to_owned();
        let key = EventKey::new(SOURCE, &act.event_id).ok();
        let known = || {
            self.store.read(|reads| {
                let seen = key.as_ref().map(|key| reads.event(&tenant.config.id, key)).transpose()?.flatten();
                let listed = seen.map(|seen| reads.listed(&tenant.config.id, seen.first_seq)).transpose()?.flatten();
                let steps = reads.blacklist_request(&tenant.config.id, &request_id)?.map(|(_, steps)| steps).unwrap_or_default();
                Ok::<_, ServiceError>((listed.and_then(|entry| entry.event_at_ms), steps.last().map(|step| step.at_ms)))
            })
        };
        let decide = |time: i64| {
            let event = json!({
                "specversion": "1.0", "id": act.event_id, "source": SOURCE, "type": event_type, "time": rfc3339(time),
                "datacontenttype": "application/json",
                "data": data,
            });
            let event = event::structured(event.to_string().as_bytes(), at_ms).map_err(ServiceError::Invalid);
            async { self.decide_own(who, merchant, event?).await }
        };
        let (known_ms, last_ms) = known()?;
        let mut answer = decide(known_ms.unwrap_or_else(|| last_ms.map_or(at_ms, |last| at_ms.max(last)))).await;
        // It may have been sent twice at once: then the other one's time is on record now.
        if let (Err(ServiceError::Conflict(_)), None) = (&answer, known_ms)
            && let (Some(known_ms), _) = known()?
        {
            answer = decide(known_ms).await;
        }
        answer.map_err(|error| match error {
            ServiceError::Invalid(problems) => ServiceError::Invalid(of_the_act(problems)),
            error => error,
        })
    }

    /// A page of requests, open ones first, each of the two by their ids.
    pub async fn blacklist_requests(
        self: &Arc<Self>,
        who: &Principal,
        merchant: &str,
        query: BlacklistQuery,
    ) -> Result<BlacklistPage, ServiceError> {
        let tenant = self.tenant(who, merchant, Right::Read, "read blacklist requests")?;
        let limit = query.limit.unwrap_or(REQUESTS_DEFAULT);
        if !(1..=REQUESTS_MAX).contains(&limit) {
            return Err(ServiceError::Invalid(vec![Problem::at("/limit", "is out of bounds").allowed(format!("1 to {REQUESTS_MAX}"))]));
        }
        let (from, behind) = match query.cursor.as_deref().map(read_cursor) {
            None => (CaseState::Open, String::new()),
            Some(Some(place)) => place,
            Some(None) => {
                return Err(ServiceError::Invalid(vec![
                    Problem::at("/cursor", "is none of this list").allowed("`cursor` of a page of it"),
                ]));
            }
        };
        let sight = self.sight(who, &tenant, (Look::Blacklist, None), None, query.unmask.as_deref()).await?;
        let read = |reads: &dyn Reads| {
            // One more than is shown tells whether there is a next page.
            let wanted = limit as usize + 1;
            let mut rows = Vec::with_capacity(wanted);
            let mut behind = behind;
            for state in [CaseState::Open, CaseState::Closed].into_iter().skip_while(|state| *state != from) {
                let left = u32::try_from(wanted - rows.len()).unwrap_or(0);
                rows.extend(reads.blacklist_requests(&tenant.config.id, state, &std::mem::take(&mut behind), left)?);
            }
            let more = rows.len() == wanted;
            rows.truncate(limit as usize);
            let cursor = rows.last().filter(|_| more).map(|row| hex::encode(format!("{} {}", row.state.as_str(), row.request_id)));
            let requests = rows.iter().map(|row| self.request_view(reads, &tenant, row, sight)).collect::<Result<Vec<_>, _>>()?;
            Ok(BlacklistPage { requests, cursor, masked: sight.is_masked() })
        };
        aside(|| self.store.read(read))
    }

    /// One request.
    pub async fn blacklist_request(
        self: &Arc<Self>,
        who: &Principal,
        merchant: &str,
        request_id: &str,
        query: UnmaskQuery,
    ) -> Result<BlacklistView, ServiceError> {
        let tenant = self.tenant(who, merchant, Right::Read, "read blacklist requests")?;
        let row = self.store.read(|reads| reads.blacklist_request(&tenant.config.id, request_id))?;
        let (row, _) = row.ok_or(ServiceError::NotFound("blacklist request"))?;
        let sight = self.sight(who, &tenant, (Look::Blacklist, Some(request_id)), Some(&row.customer), query.unmask.as_deref()).await?;
        self.store.read(|reads| self.request_view(reads, &tenant, &row, sight))
    }

    /// Measures in force, of one customer or of all.
    pub async fn measures(
        self: &Arc<Self>,
        who: &Principal,
        merchant: &str,
        customer: Option<&str>,
        query: UnmaskQuery,
    ) -> Result<Vec<MeasureView>, ServiceError> {
        let tenant = self.tenant(who, merchant, Right::Read, "read measures")?;
        let sight = self.sight(who, &tenant, (Look::Blacklist, None), customer, query.unmask.as_deref()).await?;
        // Whoever asks for a customer knows the reference.
        let sight = if customer.is_some() { Sight::Full } else { sight };
        let id = &tenant.config.id;
        self.store.read(|reads| {
            let mut views = Vec::new();
            if let Some(customer) = customer {
                views.extend(reads.measure(id, customer)?.map(|row| measure_view(row, sight)));
                return Ok(views);
            }
            let mut after = String::new();
            loop {
                let page = reads.measures(id, &after, REQUESTS_MAX)?;
                let Some(last) = page.last() else { return Ok(views) };
                after.clone_from(&last.customer);
                views.extend(page.into_iter().map(|row| measure_view(row, sight)));
            }
        })
    }

    fn request_view(&self, reads: &dyn Reads, tenant: &Tenant, row: &RequestRow, sight: Sight) -> Result<BlacklistView, ServiceError> {
        let id = &tenant.config.id;
        let recorded = read::shown_state(reads, &self.vault, id, row.last_seq)?.map(|(_, state)| state);
        // One that another request put in force is shown there.
        let measure = reads.measure(id, &row.customer)?.filter(|measure| measure.request_id == row.request_id);
        let mut state = match recorded.map(|state| RequestState { stage: Stage::parse(&row.stage).unwrap_or(state.stage), ..state }) {
            Some(state) => serde_json::to_value(state).map_err(|error| ServiceError::Internal(error.into()))?,
            // The customer was erased: what the index holds is all there is.
            None => json!({"stage": row.stage, "criterion": row.criterion, "erased": true}),
        };
        sight.json(&mut state);
        Ok(BlacklistView {
            request_id: row.request_id.clone(),
            masked: sight.is_masked(),
            state,
            measure: measure.as_ref().map_or_else(|| "none".to_owned(), |row| row.measure.clone()),
            review_by: measure.and_then(|row| row.review_by_ms).map(rfc3339),
        })
    }
}

/// Where a page ended: the state of its last request, and its id.
fn read_cursor(cursor: &str) -> Option<(CaseState, String)> {
    let text = String::from_utf8(hex::decode(cursor).ok()?).ok()?;
    let (state, request_id) = text.split_once(' ')?;
    let state = [CaseState::Open, CaseState::Closed].into_iter().find(|known| known.as_str() == state)?;
    Some((state, request_id.to_owned()))
}

fn measure_view(row: MeasureRow, sight: Sight) -> MeasureView {
    MeasureView {
        customer: sight.customer(row.customer),
        request_id: row.request_id,
        measure: row.measure,
        review_by: row.review_by_ms.map(rfc3339),
    }
}

/// Problems of the event, as places of the act that it was made from.
fn of_the_act(problems: Vec<Problem>) -> Vec<Problem> {
    let place = |mut problem: Problem| {
        problem.pointer = match problem.pointer.as_str() {
            "/id" => "/event_id".to_owned(),
            pointer => pointer.strip_prefix("/data").unwrap_or(pointer).to_owned(),
        };
        problem
    };
    problems.into_iter().map(place).collect()
}
