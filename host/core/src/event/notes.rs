//! The open objects of events that no kind of version 1 reads: a few members are known, the rest is taken as it comes.

use crate::limits::MESSAGE_SCALARS_MAX;
use crate::schema::Bound;
use crate::schema::open::open;

/// Text written by a person.
const WRITTEN: Bound = Bound::Scalars(MESSAGE_SCALARS_MAX);
/// Where something was said.
const CHANNEL: Bound = Bound::TEXT;

open! {
    /// A new ticket.
    TicketNote { subject: WRITTEN, channel: CHANNEL, opened_at: Bound::INSTANT }
}
open! {
    /// A customer's message.
    MessageNote {
        message_id: Bound::Id, text: WRITTEN, channel: CHANNEL, sent_at: Bound::INSTANT,
        extortion_flag: Bound::Word(&["yes", "no", "unknown"]),
    }
}
open! {
    /// A public comment.
    CommentNote { comment_id: Bound::Id, text: WRITTEN, channel: CHANNEL, posted_at: Bound::INSTANT }
}
open! {
    /// The parcel of a return.
    ReturnNote { after_sale_id: Bound::Id, carrier: Bound::TEXT, tracking_id: Bound::Id, shipped_at: Bound::INSTANT }
}
open! {
    /// What became of an after-sales case on the platform.
    StateNote { after_sale_id: Bound::Id, amount: Bound::MONEY, note: WRITTEN, at: Bound::INSTANT }
}
open! {
    /// A timer of the platform.
    DeadlineNote { after_sale_id: Bound::Id, due: Bound::INSTANT, action: Bound::TEXT }
}
open! {
    /// An intervention of the platform.
    DisputeNote { dispute_id: Bound::Id, ruling: WRITTEN, in_favour_of: Bound::Word(&["buyer", "merchant", "both", "open"]), due: Bound::INSTANT }
}
open! {
    /// A fake-goods or damage guarantee.
    GuaranteeNote { guarantee_id: Bound::Id, state: Bound::TEXT, amount: Bound::MONEY }
}
open! {
    /// A step of the trade.
    TradeNote { order_id: Bound::Id, at: Bound::INSTANT, promised_ship_by: Bound::INSTANT, amount: Bound::MONEY }
}
open! {
    /// A scan of the carrier.
    LogisticsNote { order_id: Bound::Id, carrier: Bound::TEXT, tracking_id: Bound::Id, state: Bound::TEXT, scanned_at: Bound::INSTANT }
}
open! {
    /// A review.
    ReviewNote { review_id: Bound::Id, order_id: Bound::Id, rating: Bound::Whole(1, 5), text: WRITTEN, posted_at: Bound::INSTANT }
}
open! {
    /// A complaint.
    ComplaintNote { complaint_id: Bound::Id, level: Bound::Word(&["L1", "L2", "L3", "L4"]), reason: WRITTEN }
}
open! {
    /// A scheduled check.
    TimerNote { timer_id: Bound::Id, purpose: Bound::TEXT, due: Bound::INSTANT }
}
open! {
    /// A request about personal data or a decision (PIPL 24(3), 44–50).
    PrivacyNote {
        request: Bound::Word(&["access", "delete", "explain", "appeal"]), decision_id: Bound::Id, request_id: Bound::Id, text: WRITTEN,
    }
}
