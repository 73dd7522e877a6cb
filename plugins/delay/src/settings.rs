//! The merchant's parameters of the delay policy (domain policies 5.0). Limits that the law or the training material sets are bounds here.

use ombud_sdk::Reader;

ombud_sdk::settings! {
    /// Compensation for delays: tiers, amounts and who approves them.
    pub struct Settings {
        /// Late shipping from here on is compensated; less than this is answered with an apology (DC-010, DC-011).
        pub ship_min_hours: u32 = 24, 1..=24, "h";
        /// Late shipping up to here is the lower tier, beyond it the upper one (DC-011, DC-012).
        pub ship_upper_hours: u32 = 72, 24..=72, "h";
        /// Whether exactly the upper limit already is the upper tier (DC-012).
        pub ship_upper_tier_inclusive: bool = false;
        /// How days of delay are counted (DC-010 to DC-012, DC-030 to DC-041).
        pub day_mode: DayMode = DayMode::Elapsed;
        /// What the lower tier of late shipping gives (DC-011, DC-062).
        pub ship_slight_form: SlightForm = SlightForm::Coupon;
        /// Face value of it (DC-011, DC-062).
        pub ship_slight_value: i64 = 3000, 0..=100_000, "fen";
        /// What the upper tier of late shipping gives (DC-012).
        pub ship_moderate_form: ModerateForm = ModerateForm::CashRefund;
        /// Its share of the goods money (DC-012).
        pub ship_moderate_bp: u32 = 1000, 0..=10_000, "bp";
        /// Solatium for a late refund, beside the refund itself (DC-020).
        pub refund_solatium: i64 = 5000, 0..=100_000, "fen";
        /// A refund late by no more than this is answered with an apology (DC-020, DC-022).
        pub refund_grace_hours: u32 = 0, 0..=24, "h";
        /// A late exchange from here on is compensated (DC-010, DC-030).
        pub exchange_min_hours: u32 = 24, 1..=24, "h";
        /// A late exchange up to here is the lower tier (DC-030, DC-031).
        pub exchange_upper_hours: u32 = 72, 24..=72, "h";
        /// Coupon of the lower tier of a late exchange (DC-030).
        pub exchange_slight_value: i64 = 3000, 0..=100_000, "fen";
        /// Share of the goods money in the upper tier of a late exchange (DC-031).
        pub exchange_moderate_bp: u32 = 1000, 0..=10_000, "bp";
        /// A late repair from here on is compensated (DC-010, DC-040).
        pub repair_min_hours: u32 = 24, 1..=24, "h";
        /// A late repair up to here is the lower tier (DC-040, DC-041).
        pub repair_upper_hours: u32 = 72, 24..=72, "h";
        /// Coupon of the lower tier of a late repair (DC-040).
        pub repair_slight_value: i64 = 3000, 0..=100_000, "fen";
        /// Share of the goods money in the upper tier of a late repair (DC-041).
        pub repair_moderate_bp: u32 = 1000, 0..=10_000, "bp";
        /// Who approves compensation for late exchanges and repairs, which the training material ranks but gives no amount (DC-030 to DC-041).
        pub ladder_approval: LadderApproval = LadderApproval::Supervisor;
        /// Whether what the platform paid for a delay is netted off (DC-061).
        pub net_platform_paid: bool = true;
        /// Whether an award above the money it is for needs a supervisor (DC-081).
        pub approve_over_base: bool = true;
        /// Goodwill up to here is paid without a person, more needs a supervisor (DC-082).
        pub auto_max: i64 = 10_000, 0..=1_000_000, "fen";
        /// Goodwill up to here is the supervisor's, more needs the department head (DC-082).
        pub supervisor_max: i64 = 50_000, 0..=1_000_000, "fen";
        /// Least cash the platform prescribes for late shipping; null where it prescribes none (DC-070).
        pub platform_floor: Option<PlatformFloor> = None;
    }
    check = maxima_rise;
}

ombud_sdk::settings! {
    /// How days of delay are counted.
    pub enum DayMode {
        /// Hours passed, a day is 24 of them.
        Elapsed = "elapsed",
        /// Calendar days in the merchant's time zone: from one on the lower tier, beyond three the upper one. The limits in hours do not apply.
        CivilDays = "civil-days",
    }
}

ombud_sdk::settings! {
    /// What the lower tier gives.
    pub enum SlightForm { Coupon = "coupon", SampleGift = "sample-gift" }
}

ombud_sdk::settings! {
    /// What the upper tier gives.
    pub enum ModerateForm { CashRefund = "cash-refund", SampleGift = "sample-gift" }
}

ombud_sdk::settings! {
    /// Who approves an award.
    pub enum LadderApproval { None = "none", Supervisor = "supervisor", DeptHead = "dept-head" }
}

ombud_sdk::settings! {
    /// A share of the goods money in cash, between a least and a most.
    pub object PlatformFloor {
        /// Share of the goods money.
        pub bp: u32, 0..=10_000, "bp";
        /// Least cash.
        pub min: i64, 0..=100_000, "fen";
        /// Most cash.
        pub max: i64, 0..=1_000_000, "fen";
        /// It is owed from this delay on.
        pub trigger_hours: u32, 1..=720, "h";
    }
    check = floor_ends_rise;
}

fn maxima_rise(settings: &Settings, reader: &mut Reader) {
    if settings.supervisor_max < settings.auto_max {
        reader.refuse_at("supervisor_max", "must not be below `auto_max`");
    }
}

fn floor_ends_rise(floor: &PlatformFloor, reader: &mut Reader) {
    if floor.max < floor.min {
        reader.refuse_at("max", "must not be below `min`");
    }
}
