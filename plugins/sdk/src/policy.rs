//! The traits a policy or guardrail implements, one for each kind of the contract.

use ombud_rules::contract::after_sale::{AfterSaleCase, AfterSaleRuling};
use ombud_rules::contract::blacklist::{BlacklistCase, BlacklistRuling};
use ombud_rules::contract::delay::{DelayCase, DelayRuling};
use ombud_rules::contract::reply::{ReplyCase, ReplyRuling};
use ombud_rules::contract::types::{Context, PolicyError};
use ombud_rules::review::Review;

use crate::settings::Settings;

/// Declares the trait of one kind.
macro_rules! policy_trait {
    ($(#[$doc:meta])* $name:ident($case:ty) -> $ruling:ty) => {
        $(#[$doc])*
        pub trait $name {
            /// The merchant's parameters.
            type Settings: Settings;

            /// The ruling on one case. An error says that no ruling was possible; the host turns it into a fault with the kind's
            /// fallback. Whatever a merchant may meet in the field has an outcome instead.
            fn decide(settings: &Self::Settings, ctx: &Context, facts: &$case) -> Result<$ruling, PolicyError>;
        }
    };
}

policy_trait! {
    /// Refunds, returns, exchanges and repairs.
    AfterSalePolicy(AfterSaleCase) -> AfterSaleRuling
}
policy_trait! {
    /// Compensation for delays.
    DelayPolicy(DelayCase) -> DelayRuling
}
policy_trait! {
    /// The approval chain of a blacklist request.
    BlacklistPolicy(BlacklistCase) -> BlacklistRuling
}
policy_trait! {
    /// The compliance check of a drafted reply.
    ReplyPolicy(ReplyCase) -> ReplyRuling
}

/// A platform policy that reviews the rulings of the merchants' policies.
pub trait Guardrail {
    /// The operator's parameters.
    type Settings: Settings;

    /// Reviews a ruling on a refund, return, exchange or repair.
    fn review_after_sale(
        settings: &Self::Settings,
        ctx: &Context,
        facts: &AfterSaleCase,
        ruling: &AfterSaleRuling,
    ) -> Review<AfterSaleRuling>;

    /// Reviews a ruling on a delay.
    fn review_delay(settings: &Self::Settings, ctx: &Context, facts: &DelayCase, ruling: &DelayRuling) -> Review<DelayRuling>;

    /// Reviews a ruling on a blacklist request.
    fn review_blacklist(
        settings: &Self::Settings,
        ctx: &Context,
        facts: &BlacklistCase,
        ruling: &BlacklistRuling,
    ) -> Review<BlacklistRuling>;

    /// Reviews a ruling on a drafted reply.
    fn review_reply(settings: &Self::Settings, ctx: &Context, facts: &ReplyCase, ruling: &ReplyRuling) -> Review<ReplyRuling>;
}
