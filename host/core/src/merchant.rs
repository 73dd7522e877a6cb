//! A merchant as the operator configures it: what the host takes from here, and never from an event.

use std::sync::OnceLock;

use ombud_rules::civil::day_of;
use ombud_rules::contract::types::{Calendar, CivilDate, Context, InstantMs, Platform};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::call_limits::{OperatorLimits, SomeLimits, add_limits};
use crate::caps::CapLimits;
use crate::decision::Terms;
use crate::edition::Edition;
use crate::event::Event;
use crate::event::input::MerchantClaim;
use crate::fallback::Fallbacks;
use crate::ids::{Currency, MerchantId};
use crate::limits::{CALENDAR_DATES_MAX, CALENDAR_DAYS_AFTER, CALENDAR_DAYS_BEFORE, MERCHANT_BYTES_MAX, TZ_OFFSET_MIN};
use crate::problem::{Problem, below};
use crate::protect::Protection;
use crate::schema::bound::{bounded, free};
use crate::schema::check::{read, schema_of};
use crate::schema::{Bound, Checker};
use crate::share_limits::SomeShare;
use crate::upload_limits::Signatures;

/// The platform's time zone: China Standard Time, minutes east of UTC.
const TZ_OFFSET_MIN_DEFAULT: i32 = 480;

/// A merchant's configuration.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MerchantConfig {
    /// The merchant, as paths name it.
    pub id: MerchantId,
    /// The shop's id on the platform.
    pub shop_id: String,
    /// The platform.
    pub platform: Platform,
    /// Minutes east of UTC, −720 to 840.
    #[serde(default = "tz_offset_min")]
    pub tz_offset_min: i32,
    /// Days nobody works, and the statutory holidays among them; in any order.
    #[serde(default = "empty_calendar")]
    pub calendar: Calendar,
    /// The currency the merchant settles in. Only CNY is paid without a person (CAP-02).
    #[serde(default)]
    pub currency: Currency,
    /// Money caps (domain policies 5.8); what is left out has the default.
    #[serde(default)]
    pub caps: CapLimits,
    /// What stands for a kind when its policy gave no ruling.
    #[serde(default)]
    pub fallback: Fallbacks,
    /// Days after which customers and tickets of whom nothing more was heard are erased; for ever unless it is said. What the
    /// law has kept longer (电子商务法 art. 31: transactions, three years) is the merchant's to see to.
    #[serde(default)]
    pub retention_days: Option<u32>,
    /// What one call of the merchant's policies may use, each at most the operator's bound; what is left out has the operator's default.
    #[serde(default, skip_serializing_if = "SomeLimits::is_empty")]
    pub limits: SomeLimits,
    /// Whether the merchant's policies must be signed; the operator may require it of all.
    #[serde(default, skip_serializing_if = "Signatures::are_optional")]
    pub signatures: Signatures,
    /// How much of the machine the merchant's decisions may take; set by the operator only. What is left out is as for all merchants.
    #[serde(default, skip_serializing_if = "SomeShare::is_empty")]
    pub share: SomeShare,
    /// When a version that does harm is taken back or paused by itself.
    #[serde(default, skip_serializing_if = "Protection::is_default")]
    pub protection: Protection,
    /// What needs two persons.
    #[serde(default, skip_serializing_if = "Approvals::is_default")]
    pub approvals: Approvals,
}

/// What needs more than one person.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Approvals {
    /// How many persons it takes to change what answers: to activate a version, let one answer a share or a time, roll one back or resume
    /// it: 1 or 2. Pausing never waits. From 2 back to 1 takes two as well.
    pub rollout: u32,
}

impl Default for Approvals {
    fn default() -> Self {
        Self { rollout: 1 }
    }
}

impl Approvals {
    /// Whether one person is enough for everything.
    pub fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

impl MerchantConfig {
    /// Reads a configuration, with every problem by its JSON pointer.
    pub fn parse(json: &[u8]) -> Result<Self, Vec<Problem>> {
        let mut config: Self = read(json, MERCHANT_BYTES_MAX, checker())?;
        for dates in [&mut config.calendar.non_working, &mut config.calendar.statutory_holidays] {
            dates.sort_unstable();
            dates.dedup();
        }
        Ok(config)
    }

    /// The JSON Schema (2020-12, self-contained) of a configuration.
    pub fn schema() -> Value {
        checker().map_or(Value::Bool(true), |checker| checker.schema().clone())
    }

    /// The host's own inputs of the merchant's decisions, within the operator's limits.
    pub fn terms(&self, operator: &OperatorLimits) -> Terms {
        Terms {
            caps: self.caps.clone(),
            currency: self.currency.to_string(),
            fallback: self.fallback,
            limits: operator.in_force(&self.limits),
            edition: Edition::NEWEST,
        }
    }

    /// What an event says of its merchant that is not so. The configuration is authoritative: such an event is refused.
    pub fn contradicted_by(&self, event: &Event) -> Vec<Problem> {
        let data = event.data_pointer();
        let merchant = below(data, "merchant");
        let MerchantClaim { merchant_id, shop_id, platform, tz_offset_min } = match &event.data.merchant {
            Some(claim) => claim.clone(),
            None => MerchantClaim { merchant_id: None, shop_id: None, platform: None, tz_offset_min: None },
        };
        let claims = [
            (data, "currency", event.data.currency.as_ref().map(Currency::to_string), self.currency.to_string()),
            (merchant.as_str(), "merchant_id", merchant_id.map(|id| id.to_string()), self.id.to_string()),
            (merchant.as_str(), "shop_id", shop_id, self.shop_id.clone()),
            (merchant.as_str(), "platform", platform.map(|platform| platform.to_string()), self.platform.to_string()),
            (merchant.as_str(), "tz_offset_min", tz_offset_min.map(|offset| offset.to_string()), self.tz_offset_min.to_string()),
        ];
        let contradicts = |(_, _, claimed, configured): &(&str, &str, Option<String>, String)| {
            claimed.as_ref().is_some_and(|claimed| claimed != configured)
        };
        claims
            .into_iter()
            .filter(contradicts)
            .map(|(base, member, _, configured)| {
                Problem::at(below(base, member), "contradicts the merchant's configuration").allowed(format!("{configured}, or nothing"))
            })
            .collect()
    }

    /// The context of a case at `now`. The calendar is cut to what a case can read, from a month before the earlier of `now`
    /// and `applied_at`: every date in it costs each decision a little.
    pub fn context(&self, now: InstantMs, applied_at: Option<InstantMs>) -> Context {
        let applied_at = applied_at.unwrap_or(now);
        let first = day_of(now.min(applied_at), self.tz_offset_min).saturating_sub(CALENDAR_DAYS_BEFORE);
        let last = day_of(now.max(applied_at), self.tz_offset_min).saturating_add(CALENDAR_DAYS_AFTER);
        Context {
            merchant_id: self.id.to_string(),
            shop_id: self.shop_id.clone(),
            platform: self.platform,
            tz_offset_min: self.tz_offset_min,
            now,
            calendar: Calendar {
                non_working: self.rest_days(first, last),
                statutory_holidays: between(&self.calendar.statutory_holidays, first, last),
            },
        }
    }

    /// The days off from `first` to `last`. Where none is configured it is every Saturday and Sunday (国务院关于职工工作时间的规定 art. 7): a window
    /// that ends on one is not over before the next working day (Civil Code art. 203), and what nobody said must not refuse anybody.
    fn rest_days(&self, first: CivilDate, last: CivilDate) -> Vec<CivilDate> {
        if self.calendar.non_working.is_empty() {
            return (first..=last).filter(|date| is_weekend(*date)).collect();
        }
        between(&self.calendar.non_working, first, last)
    }
}

/// Whether a civil date is a Saturday or a Sunday.
const fn is_weekend(date: CivilDate) -> bool {
    // Day 0, 1970-01-01, is a Thursday.
    matches!(date.rem_euclid(7), 2 | 3)
}

/// The dates from `first` to `last`, in their order.
fn between(dates: &[CivilDate], first: CivilDate, last: CivilDate) -> Vec<CivilDate> {
    dates.iter().copied().filter(|date| (first..=last).contains(date)).collect()
}

const fn tz_offset_min() -> i32 {
    TZ_OFFSET_MIN_DEFAULT
}

const fn empty_calendar() -> Calendar {
    Calendar { non_working: Vec::new(), statutory_holidays: Vec::new() }
}

free!(Currency, Fallbacks);

/// A hundred years, which no retention needs.
const RETENTION_DAYS_MAX: i64 = 36_500;

/// A share in basis points, above zero.
const WARN_AT: Bound = Bound::Whole(1, 10_000);

bounded! { MERCHANT:
    MerchantConfig {
        id: Bound::Free, shop_id: Bound::Id, platform: Bound::Free,
        tz_offset_min: Bound::Whole(*TZ_OFFSET_MIN.start() as i64, *TZ_OFFSET_MIN.end() as i64),
        calendar: Bound::Nested, currency: Bound::Free, caps: Bound::Nested, fallback: Bound::Free,
        retention_days: Bound::Whole(1, RETENTION_DAYS_MAX),
        limits: Bound::Nested, signatures: Bound::Free, share: Bound::Nested, protection: Bound::Nested, approvals: Bound::Nested,
    }
    Approvals { rollout: Bound::Whole(1, 2) }
    Protection {
        on: Bound::Free, pause_last: Bound::Free, error_streak: Bound::Whole(3, 1_000), fault_share_bp: Bound::Whole(1, 10_000),
        deadline_hits: Bound::Whole(1, 1_000), approval_jump_bp: Bound::Whole(100, 10_000),
        money_factor_pct: Bound::Whole(110, 100_000), watch_days: Bound::Whole(1, 3_650), sample_min: Bound::Whole(20, 10_000),
    }
    CapLimits {
        order_refund_auto_fen_max: Bound::MONEY, order_goodwill_fen_max: Bound::MONEY, customer_24h_refund_fen_max: Bound::MONEY,
        customer_24h_goodwill_fen_max: Bound::MONEY, merchant_day_refund_fen_max: Bound::MONEY,
        merchant_day_goodwill_fen_max: Bound::MONEY, warn_at_bp: WARN_AT,
    }
}

fn checker() -> Option<&'static Checker> {
    static CHECKER: OnceLock<Option<Checker>> = OnceLock::new();
    let schema = || {
        let mut schema = schema_of::<MerchantConfig>(MERCHANT);
        add_limits(&mut schema);
        schema
    };
    CHECKER.get_or_init(|| Checker::new(schema(), CALENDAR_DATES_MAX)).as_ref()
}

#[cfg(test)]
mod tests;
