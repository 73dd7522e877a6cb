//! An event's `data`: one record for each family of event types on the wire, one wide record behind it.

use ombud_rules::contract::after_sale::Order;
use ombud_rules::contract::delay::DelayCase;
use ombud_rules::contract::reply::ReplyCase;
use serde::Deserialize;
use serde_json::Value;

use super::input::{
    AfterSaleInput, BlacklistAppeal, BlacklistInput, BlacklistRequest, BlacklistReview, BlacklistVerdict, CustomerInput, INPUT,
    MerchantClaim, Metrics,
};
use super::notes::{
    CommentNote, ComplaintNote, DeadlineNote, DisputeNote, GuaranteeNote, LogisticsNote, MessageNote, PrivacyNote, ReturnNote, ReviewNote,
    StateNote, TicketNote, TimerNote, TradeNote,
};
use super::types::EventType;
use crate::ids::{Currency, CustomerRef, TicketId};
use crate::schema::Bound;
use crate::schema::bound::Measure;
use crate::schema::check::{Bounds, schema_of};
use crate::schema::open::Members;
use crate::schema::typed;

/// What an event carries. Which members can be there is the event type's matter.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Data {
    /// The helpdesk's ticket; only `metrics.window` and `timer.tick` may be about none.
    pub ticket_id: Option<TicketId>,
    /// The customer's pseudonym; there whenever an after-sale, delay or blacklist decision follows.
    pub customer_ref: Option<CustomerRef>,
    /// Currency of every amount in the event.
    pub currency: Option<Currency>,
    /// The merchant as the caller names it.
    pub merchant: Option<MerchantClaim>,
    /// The after-sales case.
    pub after_sale: Option<AfterSaleInput>,
    /// The order that the after-sales case is about.
    pub order: Option<Order>,
    /// What the helpdesk knows of the customer.
    pub customer: Option<CustomerInput>,
    /// The delay.
    pub delay: Option<DelayCase>,
    /// An act on a blacklist request.
    pub blacklist: Option<BlacklistInput>,
    /// The drafted reply.
    pub reply: Option<ReplyCase>,
    /// The numbers of a window.
    pub metrics: Option<Metrics>,
    /// The open object of the event type, whatever its name.
    pub note: Option<Members>,
}

impl Data {
    /// Whether a decision about a customer's rights or standing follows; then the customer must be named.
    fn decides_on_a_customer(&self) -> bool {
        (self.after_sale.is_some() && self.order.is_some()) || self.delay.is_some() || self.blacklist.is_some()
    }

    /// What the bounds of single fields cannot say. The schema says the same, but for the last line.
    fn fits(&self, event_type: EventType) -> bool {
        let stage_fits = self.after_sale.as_ref().is_none_or(|case| match event_type.stage() {
            Some(fixed) => case.stage.is_none_or(|stage| stage == fixed),
            None => case.stage.is_some(),
        });
        stage_fits
            && (self.customer_ref.is_some() || !self.decides_on_a_customer())
            && self
                .customer
                .as_ref()
                .and_then(|customer| customer.customer_ref.as_ref())
                .is_none_or(|again| self.customer_ref.as_ref().is_none_or(|customer| customer == again))
    }
}

/// Reads the data of an event on the fast path; none if anything at all is wrong with it.
pub(super) fn read(event_type: EventType, json: &str) -> Option<Data> {
    (reader(event_type).read)(json).filter(|data| data.fits(event_type))
}

/// The schema of the type's family, before the type adds what it fixes.
pub(super) fn family_schema(event_type: EventType) -> Value {
    (reader(event_type).schema)(INPUT)
}

/// How a family is read and described.
struct Reader {
    read: fn(&str) -> Option<Data>,
    schema: fn(&Bounds) -> Value,
}

/// The family of each event type.
const fn reader(event_type: EventType) -> Reader {
    use EventType as T;
    match event_type {
        T::TicketCreated => Reader::of::<TicketData>(),
        T::MessageReceived => Reader::of::<MessageData>(),
        T::ReplyDrafted => Reader::of::<ReplyData>(),
        T::CommentPosted => Reader::of::<CommentData>(),
        T::AftersaleRequested | T::AftersaleModified | T::AftersaleEvidenceAdded | T::AftersaleReturnReceived => {
            Reader::of::<AfterSaleData>()
        }
        T::AftersaleReturnShipped => Reader::of::<ReturnData>(),
        T::AftersaleAgreed | T::AftersaleRefused | T::AftersaleClosed | T::AftersaleRefunded => Reader::of::<StateData>(),
        T::AftersaleDeadlineChanged => Reader::of::<DeadlineData>(),
        T::DisputeOpened | T::DisputeRuled => Reader::of::<DisputeData>(),
        T::GuaranteeUpdated => Reader::of::<GuaranteeData>(),
        T::OrderPaid | T::OrderShipped | T::OrderSigned | T::OrderShipDeadlineChanged => Reader::of::<TradeData>(),
        T::LogisticsUpdated => Reader::of::<LogisticsData>(),
        T::DelayDetected => Reader::of::<DelayData>(),
        T::ReviewPosted => Reader::of::<ReviewData>(),
        T::ComplaintEscalated => Reader::of::<ComplaintData>(),
        T::BlacklistRequested => Reader::of::<BlacklistRequestData>(),
        T::BlacklistStep => Reader::of::<BlacklistStepData>(),
        T::MetricsWindow => Reader::of::<MetricsData>(),
        T::TimerTick => Reader::of::<TimerData>(),
        T::PrivacyRequest => Reader::of::<PrivacyData>(),
    }
}

impl Reader {
    const fn of<F: Family>() -> Self {
        Self { read: family::<F>, schema: schema_of::<F> }
    }
}

/// The data of one family of event types, as it stands on the wire.
trait Family: for<'de> Deserialize<'de> + schemars::JsonSchema {
    fn within(&self) -> bool;
    fn into_data(self) -> Data;
}

fn family<F: Family>(json: &str) -> Option<Data> {
    let data: F = typed::from_str(json).ok()?;
    data.within().then(|| data.into_data())
}

/// Declares a family: the type of its ticket, its typed members, its open object.
macro_rules! data {
    ($(#[$meta:meta])* $name:ident, $ticket:ty { $($field:ident: $type:ty),* $(,)? } $($note:ident: $open:ty)?) => {
        $(#[$meta])*
        #[derive(Deserialize, schemars::JsonSchema)]
        #[serde(deny_unknown_fields)]
        struct $name {
            /// The helpdesk's ticket.
            ticket_id: $ticket,
            /// The customer's pseudonym; required where an after-sale, delay or blacklist decision follows.
            customer_ref: Option<CustomerRef>,
            /// Currency of every amount in the event; the merchant's if it is left out.
            currency: Option<Currency>,
            /// The merchant as the caller names it; must agree with the configuration.
            merchant: Option<MerchantClaim>,
            $($field: Option<$type>,)*
            $($note: Option<$open>,)?
        }

        impl Family for $name {
            fn within(&self) -> bool {
                self.merchant.measure(Bound::Nested) $(&& self.$field.measure(Bound::Nested))* $(&& self.$note.measure(Bound::Nested))?
            }

            fn into_data(self) -> Data {
                Data {
                    ticket_id: self.ticket_id.into(),
                    customer_ref: self.customer_ref,
                    currency: self.currency,
                    merchant: self.merchant,
                    $($field: self.$field.map(Into::into),)*
                    $(note: self.$note.map(<$open>::into_members),)?
                    ..Data::default()
                }
            }
        }
    };
}

data! { TicketData, TicketId {} ticket: TicketNote }
data! { MessageData, TicketId {} message: MessageNote }
data! { ReplyData, TicketId { reply: ReplyCase } }
data! { CommentData, TicketId { reply: ReplyCase } comment: CommentNote }
data! { AfterSaleData, TicketId { after_sale: AfterSaleInput, order: Order, customer: CustomerInput } }
data! { ReturnData, TicketId {} return_shipment: ReturnNote }
data! { StateData, TicketId { delay: DelayCase } after_sale_state: StateNote }
data! { DeadlineData, TicketId {} deadline: DeadlineNote }
data! { DisputeData, TicketId { after_sale: AfterSaleInput, order: Order, customer: CustomerInput } dispute: DisputeNote }
data! { GuaranteeData, TicketId { after_sale: AfterSaleInput, order: Order, customer: CustomerInput } guarantee: GuaranteeNote }
data! { TradeData, TicketId { delay: DelayCase } trade: TradeNote }
data! {
    LogisticsData, TicketId { after_sale: AfterSaleInput, order: Order, customer: CustomerInput, delay: DelayCase }
    logistics: LogisticsNote
}
data! { DelayData, TicketId { delay: DelayCase } }
data! { ReviewData, TicketId {} review: ReviewNote }
data! { ComplaintData, TicketId {} complaint: ComplaintNote }
data! { BlacklistRequestData, TicketId { blacklist: BlacklistRequest } }
data! { BlacklistStepData, TicketId { blacklist: BlacklistVerdict } }
data! { MetricsData, Option<TicketId> { metrics: Metrics } }
data! { TimerData, Option<TicketId> { delay: DelayCase, blacklist: BlacklistReview } timer: TimerNote }
data! { PrivacyData, TicketId { blacklist: BlacklistAppeal } privacy_request: PrivacyNote }
