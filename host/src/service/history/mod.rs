//! Reads what the merchant's own records say about an event, before the policy is called.

mod delays;
mod order;
mod reply;

use ombud_core::event::Event;
use ombud_core::event::input::AfterSaleInput;
use ombud_core::history::{BlacklistHistory, CaseHistory, CustomerHistory, DelayHistory, History, RequestState};
use ombud_core::ids::MerchantId;
use ombud_core::money::{Amounts, EPISODE_AFTER_SALE};
use ombud_rules::civil::DAY_MS;
use ombud_rules::contract::after_sale::{Order, RequestKind};
use ombud_rules::contract::blacklist::{Criterion, Stage};
use ombud_rules::contract::delay::DelayCase;
use ombud_rules::contract::types::CustomerMeasure;
use ombud_store::{AfterSaleRow, CaseState, Reads, StoreError};

pub(super) use self::order::{Sold, refunded_of_order};

/// Days that malicious returns and extortion look back (domain model 4.3, customer-facts).
const INCIDENTS_DAYS: i64 = 180;

/// The history that bears on an event. `request` reads a blacklist request's state from its last record, `acted` the amounts
/// of a person's act on a decision, `delayed` the case of a delay's decision or of an act on one.
pub fn gather(
    reads: &(impl Reads + ?Sized),
    merchant: &MerchantId,
    event: &Event,
    request: impl Fn(u64) -> Result<Option<RequestState>, StoreError>,
    acted: impl Fn(u64) -> Result<Option<Amounts>, StoreError>,
    delayed: impl Fn(u64) -> Result<Option<DelayCase>, StoreError>,
) -> Result<History, StoreError> {
    let data = &event.data;
    let mut history = History::default();
    let customer = data.customer_ref.as_ref().map(ToString::to_string);
    if let (Some(input), Some(order)) = (&data.after_sale, &data.order) {
        let cases = reads.after_sale_cases(merchant, &order.order_id)?;
        let own_id = input.after_sale_id.as_str();
        // What this very case already paid counts as well: it must not be paid again.
        history.order = refunded_of_order(reads, merchant, (&order.order_id, &cases), &Sold::from(order), &delayed)?;
        let (own, others): (Vec<_>, Vec<_>) = cases.iter().partition(|case| case.after_sale_id == own_id);
        history.case = CaseHistory {
            duplicate_open: is_open_elsewhere(input, order, &others),
            attempts: own.first().map_or(0, |case| case.attempts),
            decided: !own.is_empty(),
            approved: own.first().and_then(|case| case.resolution.as_deref()).and_then(RequestKind::parse),
        };
    }
    if let Some(delay) = &data.delay {
        let cases = reads.after_sale_cases(merchant, &delay.order_id)?;
        history.delay = DelayHistory {
            lines: refunded_of_order(reads, merchant, (&delay.order_id, &cases), &Sold::from(delay), &delayed)?.lines,
            own_cases: cases
                .iter()
                .filter(|case| delay.episodes.iter().any(|episode| episode.episode_id == case.after_sale_id))
                .map(|case| case.after_sale_id.clone())
                .collect(),
            grants: delays::grants(reads, merchant, delay, &delayed)?,
            foreign_cases: foreign_cases(reads, merchant, delay, customer.as_deref())?,
        };
    }
    if let Some(customer) = &customer
        && (data.after_sale.is_some() || data.delay.is_some() || data.blacklist.is_some())
    {
        let since = event.now().saturating_sub(INCIDENTS_DAYS * DAY_MS);
        let incidents = reads.incidents(merchant, customer, since)?;
        let of = |criterion: Criterion| incidents.iter().filter(move |incident| incident.criterion == criterion.as_str());
        history.customer = CustomerHistory {
            malicious_returns: u32::try_from(of(Criterion::MaliciousReturns).filter(|one| one.confirmed).count()).unwrap_or(u32::MAX),
            extortion: of(Criterion::Extortion).next().is_some(),
            open_after_sales: if data.blacklist.is_some() { reads.open_after_sales(merchant, customer)? } else { 0 },
        };
    }
    if let (Some(input), Some(customer)) = (&data.blacklist, &customer) {
        let measure = reads.measure(merchant, customer)?;
        history.blacklist = BlacklistHistory {
            request: match reads.blacklist_request(merchant, input.request_id())? {
                // The row's stage is the later word: a person who decides an appeal makes no new case.
                Some((row, _)) => {
                    request(row.last_seq)?.map(|state| RequestState { stage: Stage::parse(&row.stage).unwrap_or(state.stage), ..state })
                }
                None => None,
            },
            measure: measure.as_ref().and_then(|row| CustomerMeasure::parse(&row.measure)).unwrap_or(CustomerMeasure::None),
            on_this_request: measure.as_ref().is_some_and(|row| row.request_id == input.request_id()),
            review_by: measure.and_then(|row| row.review_by_ms),
        };
    }
    if data.reply.is_some() {
        history.reply = reply::gather(reads, merchant, event, acted)?;
    }
    Ok(history)
}

/// Whether other cases that are open hold units of a line which this one asks for: so many that with those which came back for good there are
/// too few (AS-002).
fn is_open_elsewhere(input: &AfterSaleInput, order: &Order, others: &[&AfterSaleRow]) -> bool {
    let units = |state: CaseState, line_id: &str| -> u64 {
        let of_state = others.iter().filter(|case| case.state == state);
        let lines = of_state.flat_map(|case| &case.lines).filter(|line| line.line_id == line_id);
        lines.map(|line| u64::from(if state == CaseState::Open { line.qty } else { line.units_back() })).sum()
    };
    input.lines.iter().any(|wanted| {
        let bought = order.lines.iter().find(|line| line.line_id == wanted.line_id).map_or(0, |line| u64::from(line.qty));
        let open = units(CaseState::Open, &wanted.line_id);
        open > 0 && open + units(CaseState::Closed, &wanted.line_id) + u64::from(wanted.qty) > bought
    })
}

/// The after-sales cases whose refund a delay is said to be about, as far as they are known as another order's or another
/// customer's. One that nobody knows may still come.
fn foreign_cases(
    reads: &(impl Reads + ?Sized),
    merchant: &MerchantId,
    delay: &DelayCase,
    customer: Option<&str>,
) -> Result<Vec<String>, StoreError> {
    let mut foreign = Vec::new();
    for named in delay.attributes.iter().filter(|attribute| attribute.key.starts_with(EPISODE_AFTER_SALE)) {
        let known = reads.after_sale_cases_named(merchant, &named.value)?;
        let own = |row: &AfterSaleRow| row.order == delay.order_id && (row.customer.is_none() || row.customer.as_deref() == customer);
        if !known.is_empty() && !known.iter().any(own) {
            foreign.push(named.value.clone());
        }
    }
    Ok(foreign)
}
