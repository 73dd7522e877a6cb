//! A policy without code: its settings are decision tables, compiled by `ombud table compile`. Everything it does is in `ombud-rows`.

use ombud_rows::{Kind, Tables, ruling};
use ombud_sdk::after_sale::{AfterSaleCase, AfterSaleRuling};
use ombud_sdk::blacklist::{BlacklistCase, BlacklistRuling};
use ombud_sdk::delay::{DelayCase, DelayRuling};
use ombud_sdk::reply::{ReplyCase, ReplyRuling};
use ombud_sdk::{AfterSalePolicy, BlacklistPolicy, Context, DelayPolicy, PolicyError, Problem, ReplyPolicy};

/// The tables as the SDK's settings.
#[derive(Default)]
pub struct Settings(Tables);

impl ombud_sdk::Settings for Settings {
    fn parse(json: &str) -> Result<Self, Vec<Problem>> {
        let problem = |problem: ombud_rows::Problem| Problem { path: problem.path, message: problem.message };
        Tables::parse(json).map(Self).map_err(|problems| problems.into_iter().map(problem).collect())
    }

    fn schema() -> String {
        Tables::schema().to_string()
    }
}

struct TablePolicy;

/// The trait of one kind: the ruling that its table gives.
macro_rules! decides {
    ($trait:ident, $case:ty, $ruling:ty, $kind:ident, $rule:path) => {
        impl $trait for TablePolicy {
            type Settings = Settings;

            fn decide(settings: &Settings, ctx: &Context, facts: &$case) -> Result<$ruling, PolicyError> {
                Ok($rule(settings.0.of(Kind::$kind), ctx, facts))
            }
        }
    };
}

decides!(AfterSalePolicy, AfterSaleCase, AfterSaleRuling, AfterSale, ruling::after_sale);
decides!(DelayPolicy, DelayCase, DelayRuling, Delay, ruling::delay);
decides!(BlacklistPolicy, BlacklistCase, BlacklistRuling, Blacklist, ruling::blacklist);
decides!(ReplyPolicy, ReplyCase, ReplyRuling, Reply, ruling::reply);

ombud_sdk::policy!(TablePolicy);

#[test]
fn the_schema_file_is_current() {
    ombud_sdk::schema_file_is_current::<Settings>("settings.schema.json").unwrap();
}
