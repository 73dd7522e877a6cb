//! The bounds of what comes in (domain model 4.0, rule 12; money and quantities as fixed in the design). More is an
//! error of the caller: 422, nothing is cut off and nothing is recorded.

/// One event's body, in bytes.
pub const EVENT_BYTES_MAX: usize = 1 << 20;
/// A batch's body, in bytes.
pub const BATCH_BYTES_MAX: usize = 16 << 20;
/// Events in one batch.
pub const BATCH_ITEMS_MAX: usize = 1000;
/// How far an event's `time` may lie ahead of its receipt, in milliseconds (5 minutes of clock skew).
pub const EVENT_AHEAD_MS_MAX: i64 = 5 * 60 * 1000;
/// Problems reported for one event; the last one says that there are more.
pub const PROBLEMS_MAX: usize = 200;

/// An id or reference, in bytes of UTF-8.
pub const ID_BYTES_MAX: usize = 256;
/// A merchant's id, in bytes; it stands in paths and in checkpoint origins.
pub const MERCHANT_ID_BYTES_MAX: usize = 64;
/// Any string without a bound of its own, in bytes of UTF-8.
pub const TEXT_BYTES_MAX: usize = 256;
/// A message's or reply's text, in Unicode scalar values.
pub const MESSAGE_SCALARS_MAX: usize = 4000;
/// Money of one field, in fen.
pub const MONEY_FEN_MAX: i64 = 1_000_000_000_000;
/// A count: units, days, attempts.
pub const QUANTITY_MAX: u32 = 1_000_000;
/// The last instant taken, in epoch milliseconds: the end of the year 9999. Instants before 1970 are refused too.
pub const INSTANT_MS_MAX: i64 = 253_402_300_799_999;

/// Lines of an order, a request, a delay, a bundle or an episode.
pub const LINES_MAX: usize = 200;
/// Evidence items.
pub const EVIDENCE_MAX: usize = 100;
/// Incidents of a blacklist request.
pub const INCIDENTS_MAX: usize = 200;
/// Steps of one round of a blacklist request.
pub const STEPS_MAX: usize = 20;
/// Episodes of a delay.
pub const EPISODES_MAX: usize = 100;
/// Known ids of a reply.
pub const KNOWN_IDS_MAX: usize = 100;
/// Every list without a bound of its own: gifts, payments, grants, defects, claims.
pub const LIST_MAX: usize = 100;
/// Attributes of a case.
pub const ATTRIBUTES_MAX: usize = 32;
/// An attribute's key, in bytes.
pub const ATTRIBUTE_KEY_BYTES_MAX: usize = 64;
/// An attribute's value, in bytes.
pub const ATTRIBUTE_VALUE_BYTES_MAX: usize = 512;

/// Extension attributes of a CloudEvent.
pub const EXTENSIONS_MAX: usize = 32;
/// An extension attribute's name, in bytes.
pub const EXTENSION_NAME_BYTES_MAX: usize = 64;
/// An extension attribute's value, in bytes (`tracestate` needs 512).
pub const EXTENSION_VALUE_BYTES_MAX: usize = 512;

/// Members of one object inside an open object.
pub const OPEN_MEMBERS_MAX: usize = 64;
/// A member's name inside an open object, in Unicode scalar values.
pub const OPEN_NAME_SCALARS_MAX: usize = 64;

/// A merchant's configuration, in bytes.
pub const MERCHANT_BYTES_MAX: usize = 256 << 10;
/// The operator's limits, in bytes.
pub const LIMITS_BYTES_MAX: usize = 64 << 10;
/// The farthest time zones from UTC, in minutes.
pub const TZ_OFFSET_MIN: std::ops::RangeInclusive<i32> = -720..=840;
/// Dates of each list of a merchant's calendar: ten years of weekends and holidays.
pub const CALENDAR_DATES_MAX: usize = 1500;
/// Days before the earlier of event and application that a case's calendar reaches back.
pub const CALENDAR_DAYS_BEFORE: i32 = 31;
/// Days after the later of event and application that a case's calendar reaches: the longest no-reason window (90 days) and a run of holidays.
pub const CALENDAR_DAYS_AFTER: i32 = 120;
