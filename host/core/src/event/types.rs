//! The canonical event types (domain model 4.1) and which kinds of version 1 decide on each.

use ombud_rules::contract::after_sale::Stage;

use crate::kind::Kind;

/// Declares the event types with their wire names and the kinds bound to them.
macro_rules! event_types {
    ($($(#[$meta:meta])* $name:ident = $text:literal $kinds:tt,)+) => {
        /// What happened.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum EventType {
            $($(#[$meta])* $name,)+
        }

        impl EventType {
            /// Every type, in the order of the model.
            pub const ALL: &'static [Self] = &[$(Self::$name,)+];

            /// The CloudEvents `type`.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $text,)+ }
            }

            /// The type with this name.
            pub fn parse(text: &str) -> Option<Self> {
                match text { $($text => Some(Self::$name),)+ _ => None }
            }

            /// A valid event of the type in structured mode, for tests, demonstrations and documentation.
            pub const fn example(self) -> &'static str {
                match self { $(Self::$name => include_str!(concat!("../../../../tests/events/", $text, ".json")),)+ }
            }

            /// The kinds bound to the type. Each decides if `data` holds its object, otherwise the event is only recorded.
            /// What routing, SLA, alerts and review classification will do with an event comes with the later kind `ops`.
            pub const fn kinds(self) -> &'static [Kind] {
                #[allow(unused_imports, reason = "some types are bound to no kind")]
                use Kind::{AfterSale, Blacklist, Delay, Reply};
                match self { $(Self::$name => &$kinds,)+ }
            }
        }
    };
}

event_types! {
    /// A consultation or complaint arrives.
    TicketCreated = "ticket.created" [],
    /// The customer writes.
    MessageReceived = "message.received" [],
    /// An agent or bot is about to answer.
    ReplyDrafted = "reply.drafted" [Reply],
    /// A public comment, with the reply drafted for it if there is one.
    CommentPosted = "comment.posted" [Reply],
    /// An after-sales case is opened.
    AftersaleRequested = "aftersale.requested" [AfterSale],
    /// The buyer edits the request.
    AftersaleModified = "aftersale.modified" [AfterSale],
    /// Proof is added.
    AftersaleEvidenceAdded = "aftersale.evidence_added" [AfterSale],
    /// The buyer sends the goods back.
    AftersaleReturnShipped = "aftersale.return_shipped" [],
    /// The warehouse scans the returned goods.
    AftersaleReturnReceived = "aftersale.return_received" [AfterSale],
    /// The merchant agreed.
    AftersaleAgreed = "aftersale.agreed" [Delay],
    /// The merchant refused.
    AftersaleRefused = "aftersale.refused" [Delay],
    /// The case was closed.
    AftersaleClosed = "aftersale.closed" [Delay],
    /// The refund was paid.
    AftersaleRefunded = "aftersale.refunded" [Delay],
    /// The platform moved a timer.
    AftersaleDeadlineChanged = "aftersale.deadline_changed" [],
    /// The platform intervenes.
    DisputeOpened = "dispute.opened" [AfterSale],
    /// The platform decided.
    DisputeRuled = "dispute.ruled" [AfterSale],
    /// A fake-goods or damage guarantee changed.
    GuaranteeUpdated = "guarantee.updated" [AfterSale],
    /// The order was paid.
    OrderPaid = "order.paid" [Delay],
    /// The carrier took the parcel.
    OrderShipped = "order.shipped" [Delay],
    /// The buyer signed for the parcel.
    OrderSigned = "order.signed" [Delay],
    /// Another time of shipping was agreed.
    OrderShipDeadlineChanged = "order.ship_deadline_changed" [Delay],
    /// A scan of the carrier.
    LogisticsUpdated = "logistics.updated" [AfterSale, Delay],
    /// A due time has passed.
    DelayDetected = "delay.detected" [Delay],
    /// A review with three stars or fewer, or with text.
    ReviewPosted = "review.posted" [],
    /// A complaint is handed up.
    ComplaintEscalated = "complaint.escalated" [],
    /// A blacklist request is submitted, or submitted again.
    BlacklistRequested = "blacklist.requested" [Blacklist],
    /// One person's verdict on a blacklist request.
    BlacklistStep = "blacklist.step" [Blacklist],
    /// The numbers of the last minute.
    MetricsWindow = "metrics.window" [],
    /// A scheduled check.
    TimerTick = "timer.tick" [Delay, Blacklist],
    /// The customer asks for access, deletion, an explanation or a review; an appeal against a blacklist measure names its
    /// request and is decided on (BL-043; PIPL art. 24(3), 50).
    PrivacyRequest = "privacy.request" [Blacklist],
}

impl EventType {
    /// The stage of the after-sales case that the type itself says; none where the event must say it.
    pub const fn stage(self) -> Option<Stage> {
        match self {
            Self::AftersaleRequested | Self::AftersaleModified => Some(Stage::Requested),
            Self::AftersaleEvidenceAdded | Self::GuaranteeUpdated => Some(Stage::EvidenceAdded),
            Self::AftersaleReturnShipped => Some(Stage::ReturnInTransit),
            Self::AftersaleReturnReceived => Some(Stage::ReturnReceived),
            Self::DisputeOpened | Self::DisputeRuled => Some(Stage::Arbitration),
            _ => None,
        }
    }
}

impl std::fmt::Display for EventType {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_type_is_found_by_its_name() {
        assert_eq!(EventType::ALL.len(), 30);
        for event_type in EventType::ALL {
            assert_eq!(EventType::parse(event_type.as_str()), Some(*event_type));
        }
        assert_eq!(EventType::parse("aftersale.agreed / refused"), None);
    }

    #[test]
    fn a_type_that_binds_after_sale_fixes_the_stage_or_leaves_it_to_the_event() {
        for event_type in EventType::ALL.iter().filter(|event_type| event_type.kinds().contains(&Kind::AfterSale)) {
            assert_eq!(event_type.stage().is_none(), *event_type == EventType::LogisticsUpdated, "{event_type}");
        }
    }
}
