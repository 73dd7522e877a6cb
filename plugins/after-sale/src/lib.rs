//! Default policy for refunds, returns, exchanges and repairs.

mod effects;
mod fault;
mod money;
mod no_reason;
pub mod rule;
mod run;
pub mod settings;
mod standing;
mod table;
mod transit;

#[cfg(test)]
mod tests;

use ombud_sdk::after_sale::{AfterSaleCase, AfterSaleRuling};
use ombud_sdk::{AfterSalePolicy, Context, PolicyError};

use settings::Settings;

struct DefaultAfterSale;

impl AfterSalePolicy for DefaultAfterSale {
    type Settings = Settings;

    fn decide(settings: &Settings, ctx: &Context, facts: &AfterSaleCase) -> Result<AfterSaleRuling, PolicyError> {
        Ok(rule::decide(settings, ctx, facts))
    }
}

ombud_sdk::after_sale_policy!(DefaultAfterSale);
