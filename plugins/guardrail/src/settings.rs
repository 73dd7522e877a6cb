//! The operator's parameters of the guardrail; a merchant has none.

use ombud_sdk::Reader;

ombud_sdk::settings! {
    /// What the operator adds to the statutory guardrails.
    pub struct Settings {
        /// Least cash that the platform prescribes for late shipping; null = none (GR-205).
        pub floor: Option<Floor> = None;
    }
}

ombud_sdk::settings! {
    /// A share of the goods money in cash, between a least and a most.
    pub object Floor {
        /// Share of the goods money.
        pub bp: u32, 0..=10_000, "bp";
        /// Least cash.
        pub min: i64, 0..=100_000, "fen";
        /// Most cash.
        pub max: i64, 0..=1_000_000, "fen";
        /// It is owed from this delay on.
        pub trigger_hours: u32, 1..=720, "h";
    }
    check = ends_rise;
}

fn ends_rise(floor: &Floor, reader: &mut Reader) {
    if floor.max < floor.min {
        reader.refuse_at("max", "must not be below `min`");
    }
}
