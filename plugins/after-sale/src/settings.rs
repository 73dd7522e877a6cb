//! The merchant's parameters (domain policies 5.0, after-sale). A minimum or maximum marked "law" is a legal floor or ceiling.

use ombud_rules::contract::types::Platform;
use ombud_sdk::serde_json::{Map, Value, json};
use ombud_sdk::{Bounds, Reader, Setting};

ombud_sdk::settings! {
    /// Parameters of the default after-sale policy: windows, clocks and what a machine may pay by itself.
    pub struct Settings {
        /// Days of the no-reason window, the day of signing not counted (消费者权益保护法 25: at least 7).
        pub no_reason_days: u32 = 7, 7..=90, "days";
        /// Days in which goods with a fault may be returned (消费者权益保护法 24: at least 7).
        pub quality_return_days: u32 = 7, 7..=90, "days";
        /// What happens to a notice that came on the next working day after a window ended on a day off (民法典 203).
        pub holiday_mode: HolidayMode = HolidayMode::HumanReview;
        /// Whether art. 7 goods are excluded only once opened or activated; false: as soon as marked and confirmed at purchase.
        pub may_exclude_needs_trigger: bool = true;
        /// Months in which the seller has to prove that durable goods had no defect (消费者权益保护法 23(3): at least 6).
        pub burden_months: u32 = 6, 6..=36, "months";
        /// Days in which three-guarantee goods with a fault are exchanged (三包: 15).
        pub three_guarantee_exchange_days: u32 = 15, 15..=90, "days";
        /// Hours after receipt in which spoiled goods must be shown.
        pub spoiled_report_hours: u32 = 48, 24..=168, "h";
        /// The same for live animals.
        pub spoiled_report_hours_live: u32 = 12, 12..=168, "h";
        /// What is paid for spoiled goods by the spoiled share: the first step that reaches the share decides. Shares rise, the last is
        /// 10000, and no step pays less than its share.
        pub spoiled_ladder: Vec<LadderStep> = default_ladder(), 1..=100, "steps";
        /// Largest refund without return that needs nobody; 0: a person always decides.
        pub refund_only_auto_max: i64 = 0, 0..=100000, "fen";
        /// Confirmed malicious returns in 180 days from which a person looks at a no-reason return.
        pub malicious_returns_review: u32 = 3, 2..=20, "cases";
        /// Attempts a platform allows before a person decides; a platform that is not named has no limit.
        pub attempts_max: AttemptsMax = AttemptsMax::default();
        /// Hours after the application in which a signing record must be produced for a parcel said not to have come.
        pub sign_proof_hours: u32 = 72, 24..=168, "h";
        /// Days of 24 hours from the receipt of returned goods to the refund (消费者权益保护法 25: at most 7).
        pub refund_after_receipt_days: u32 = 3, 1..=7, "days";
        /// Days of 24 hours from the receipt of returned goods to the shipping of a replacement.
        pub exchange_ship_days: u32 = 3, 1..=7, "days";
        /// Days of 24 hours of a repair; one that is open longer opens exchange and return (三包: 30).
        pub repair_days: u32 = 30, 1..=30, "days";
        /// Days in which the buyer is asked to send goods back.
        pub send_back_days: u32 = 7, 3..=30, "days";
        /// Who bears the freight of an exchange by preference where the merchant promised nothing.
        pub exchange_preference_payer: PreferencePayer = PreferencePayer::Buyer;
        /// How a no-reason return of a part that breaks a promo is settled (七日无理由退货办法 17).
        pub partial_mode_no_reason: PartialMode = PartialMode::RecomputeIfBroken;
        /// Whether the card fee that the merchant bore is taken off a no-reason refund (七日无理由退货办法 16).
        pub deduct_waived_card_fee: bool = false;
    }
    check = check;
}

ombud_sdk::settings! {
    /// What to do when a window ends on a day off.
    pub enum HolidayMode {
        /// A person decides on a notice of the next working day.
        HumanReview = "human-review",
        /// The window ends with the next working day.
        Extend = "extend",
    }
}

ombud_sdk::settings! {
    /// Who pays.
    pub enum PreferencePayer { Buyer = "buyer", Merchant = "merchant" }
}

ombud_sdk::settings! {
    /// How the kept goods of a broken promo are settled.
    pub enum PartialMode {
        /// At the prices of the purchase.
        RecomputeIfBroken = "recompute-if-broken",
        /// With their apportioned discount.
        Apportion = "apportion",
    }
}

ombud_sdk::settings! {
    /// A step of the ladder for spoiled goods.
    pub object LadderStep {
        /// The step reaches up to this spoiled share.
        pub upto_bp: u32, 0..=10000, "bp";
        /// The share of the amount that is paid.
        pub pay_bp: u32, 0..=10000, "bp";
    }
    check = check_step;
}

fn default_ladder() -> Vec<LadderStep> {
    [1_000, 3_000, 5_000, 7_000, 10_000].map(|share| LadderStep { upto_bp: share, pay_bp: share }).into()
}

fn check(settings: &Settings, reader: &mut Reader) {
    let ladder = &settings.spoiled_ladder;
    if !ladder.is_sorted_by(|one, next| one.upto_bp < next.upto_bp) {
        reader.refuse_at("spoiled_ladder", "the steps must rise");
    }
    if ladder.last().is_none_or(|last| last.upto_bp != 10_000) {
        reader.refuse_at("spoiled_ladder", "the last step must reach 10000");
    }
}

fn check_step(step: &LadderStep, reader: &mut Reader) {
    if step.pay_bp < step.upto_bp {
        reader.refuse_at("pay_bp", "must not be below `upto_bp`");
    }
}

/// Attempts that a platform allows, 1 to 99 each; in JSON an object platform → count.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AttemptsMax(Vec<(Platform, u32)>);

impl Default for AttemptsMax {
    fn default() -> Self {
        Self(vec![(Platform::WechatShop, 5)])
    }
}

impl AttemptsMax {
    const BOUNDS: Bounds = Some((1, 99));

    /// The limit of a platform, if it has one.
    pub fn of(&self, platform: Platform) -> Option<u32> {
        self.0.iter().find(|(named, _)| *named == platform).map(|(_, attempts)| *attempts)
    }
}

impl Setting for AttemptsMax {
    fn read(value: &Value, _bounds: Bounds, reader: &mut Reader) -> Option<Self> {
        let Value::Object(entries) = value else {
            reader.refuse("must be an object of platforms with their counts");
            return None;
        };
        let before = reader.problem_count();
        let mut limits = Vec::with_capacity(entries.len());
        for (name, count) in entries {
            reader.at(name, |reader| match Platform::parse(name) {
                Some(platform) => limits.extend(u32::read(count, Self::BOUNDS, reader).map(|count| (platform, count))),
                None => reader.refuse("there is no such platform"),
            });
        }
        (reader.problem_count() == before).then_some(Self(limits))
    }

    fn schema(_bounds: Bounds) -> Value {
        let platforms: Vec<&str> = Platform::ALL.iter().map(|platform| platform.as_str()).collect();
        json!({"type": "object", "propertyNames": {"enum": platforms}, "additionalProperties": u32::schema(Self::BOUNDS)})
    }

    fn to_json(&self) -> Value {
        self.0.iter().map(|(platform, attempts)| (platform.as_str().to_owned(), json!(attempts))).collect::<Map<_, _>>().into()
    }
}
