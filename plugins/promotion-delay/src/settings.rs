//! What the merchant may choose.

use ombud_rules::civil::parse_iso_date;
use ombud_sdk::Reader;

ombud_sdk::settings! {
    /// A ladder for late shipping, and the sales weeks in which it starts later.
    pub struct Settings {
        /// First day of the sales weeks, in the merchant's time zone: `2026-11-01`. The last day must be given as well.
        pub promotion_from: Option<String> = None;
        /// Their last day.
        pub promotion_to: Option<String> = None;
        /// How much later the ladder starts for a parcel that was due in the sales weeks, as announced to buyers.
        pub promotion_grace_hours: u32 = 48, 0..=120, "h";
        /// The coupon is due from here on.
        pub coupon_from_hours: u32 = 24, 1..=72, "h";
        /// Its face value.
        pub coupon: i64 = 1500, 0..=20000, "fen";
        /// A share of the goods money is due later than this.
        pub share_after_hours: u32 = 72, 24..=240, "h";
        /// That share.
        pub share: u32 = 1000, 0..=10000, "bp";
        /// Paid beside an overdue refund.
        pub refund_solatium: i64 = 5000, 0..=20000, "fen";
    }
    check = check;
}

fn check(settings: &Settings, reader: &mut Reader) {
    let day = |text: &Option<String>| text.as_deref().map(parse_iso_date);
    for (name, day) in [("promotion_from", day(&settings.promotion_from)), ("promotion_to", day(&settings.promotion_to))] {
        if day == Some(None) {
            reader.refuse_at(name, "must be a date such as 2026-11-01");
        }
    }
    match (day(&settings.promotion_from), day(&settings.promotion_to)) {
        (Some(Some(from)), Some(Some(to))) if to < from => reader.refuse_at("promotion_to", "must not be before `promotion_from`"),
        (Some(_), None) => reader.refuse_at("promotion_to", "must be given with `promotion_from`"),
        (None, Some(_)) => reader.refuse_at("promotion_from", "must be given with `promotion_to`"),
        _ => {}
    }
    if settings.share_after_hours < settings.coupon_from_hours {
        reader.refuse_at("share_after_hours", "must not be below `coupon_from_hours`");
    }
}
