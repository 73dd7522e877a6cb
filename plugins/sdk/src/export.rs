//! The macros that make a component of a policy, and the settings an instance was prepared with.

use std::cell::Cell;

use ombud_rules::contract::types::{ErrorCode, PolicyError};

use crate::settings::{Problem, Settings};

/// The settings of this instance, from `prepare` on. A component has one thread and a fresh instance for each decision.
///
/// Before `prepare` there are none: a policy answers `internal`, which the host turns into a fault with the kind's fallback. Ruling by the
/// defaults instead would silently apply other parameters than the merchant's.
pub struct Prepared<S>(Cell<Option<S>>);

impl<S: Settings> Prepared<S> {
    /// Nothing prepared yet.
    #[allow(clippy::new_without_default, reason = "one way to make it, and that one const")]
    pub const fn new() -> Self {
        Self(Cell::new(None))
    }

    /// Checks and keeps settings; settings refused leave those kept before in force.
    pub fn prepare(&self, json: &str) -> Result<(), Vec<Problem>> {
        self.0.set(Some(S::parse(json)?));
        Ok(())
    }

    /// Calls `decide` with the settings kept.
    pub fn decide<R>(&self, decide: impl FnOnce(&S) -> Result<R, PolicyError>) -> Result<R, PolicyError> {
        self.with(decide).unwrap_or_else(|| {
            Err(PolicyError {
                code: ErrorCode::Internal,
                path: String::new(),
                detail: "`prepare` was not called on this instance".to_owned(),
            })
        })
    }

    /// Calls `review` with the settings kept. A review has no error to give, so without settings it traps, which is a fault as well.
    pub fn review<R>(&self, review: impl FnOnce(&S) -> R) -> R {
        self.with(review).unwrap_or_else(|| std::process::abort())
    }

    fn with<R>(&self, call: impl FnOnce(&S) -> R) -> Option<R> {
        let settings = self.0.take()?;
        let answer = call(&settings);
        self.0.set(Some(settings));
        Some(answer)
    }
}

/// Implements the exported `settings` interface for the hidden type `Component` with its `SETTINGS`.
#[doc(hidden)]
#[macro_export]
macro_rules! export_settings {
    ($world:ident, $settings:ty) => {
        use $crate::bindings::$world::exports::ombud::policy as exports;

        struct Component;

        ::std::thread_local! {
            static SETTINGS: $crate::hidden::Prepared<$settings> = const { $crate::hidden::Prepared::new() };
        }

        impl exports::settings::Guest for Component {
            fn prepare(settings: ::std::string::String) -> ::std::result::Result<(), ::std::vec::Vec<exports::settings::SettingsProblem>> {
                SETTINGS.with(|prepared| prepared.prepare(&settings)).map_err(|problems| {
                    problems
                        .into_iter()
                        .map(|problem| exports::settings::SettingsProblem { path: problem.path, message: problem.message })
                        .collect()
                })
            }
        }
    };
}

/// Implements one exported policy interface and exports the component's world; natively checks only that the type is a policy.
#[doc(hidden)]
#[macro_export]
macro_rules! export_policy {
    ($policy:ty, $trait:ident, $world:ident, $case:ty, $ruling:ty) => {
        const _: fn() = || {
            fn is_a_policy<P: $crate::$trait>() {}
            is_a_policy::<$policy>();
        };

        #[cfg(target_family = "wasm")]
        #[allow(unsafe_code)]
        const _: () = {
            $crate::export_settings!($world, <$policy as $crate::$trait>::Settings);

            impl exports::$world::Guest for Component {
                fn decide(ctx: $crate::Context, facts: $case) -> ::std::result::Result<$ruling, $crate::PolicyError> {
                    SETTINGS.with(|prepared| prepared.decide(|settings| <$policy as $crate::$trait>::decide(settings, &ctx, &facts)))
                }
            }

    $crate::bindings::$world::export!(Component with_types_in $crate::bindings::$world);
        };
    };
}

/// Makes a component of the world `after-sale-policy` of a type that implements [`AfterSalePolicy`](crate::AfterSalePolicy).
#[macro_export]
macro_rules! after_sale_policy {
    ($policy:ty) => {
        $crate::export_policy!(
            $policy,
            AfterSalePolicy,
            after_sale,
            $crate::after_sale::AfterSaleCase,
            $crate::after_sale::AfterSaleRuling
        );
    };
}

/// Makes a component of the world `delay-policy` of a type that implements [`DelayPolicy`](crate::DelayPolicy).
#[macro_export]
macro_rules! delay_policy {
    ($policy:ty) => {
        $crate::export_policy!($policy, DelayPolicy, delay, $crate::delay::DelayCase, $crate::delay::DelayRuling);
    };
}

/// Makes a component of the world `blacklist-policy` of a type that implements [`BlacklistPolicy`](crate::BlacklistPolicy).
#[macro_export]
macro_rules! blacklist_policy {
    ($policy:ty) => {
        $crate::export_policy!($policy, BlacklistPolicy, blacklist, $crate::blacklist::BlacklistCase, $crate::blacklist::BlacklistRuling);
    };
}

/// Makes a component of the world `reply-policy` of a type that implements [`ReplyPolicy`](crate::ReplyPolicy).
#[macro_export]
macro_rules! reply_policy {
    ($policy:ty) => {
        $crate::export_policy!($policy, ReplyPolicy, reply, $crate::reply::ReplyCase, $crate::reply::ReplyRuling);
    };
}

/// Makes a component of the world `guardrail` of a type that implements [`Guardrail`](crate::Guardrail).
#[macro_export]
macro_rules! guardrail {
    ($guardrail:ty) => {
        const _: fn() = || {
            fn is_a_guardrail<G: $crate::Guardrail>() {}
            is_a_guardrail::<$guardrail>();
        };

        #[cfg(target_family = "wasm")]
        #[allow(unsafe_code)]
        const _: () = {
            $crate::export_settings!(guardrail, <$guardrail as $crate::Guardrail>::Settings);
            $crate::export_review!($guardrail, review_after_sale, $crate::after_sale::AfterSaleCase, $crate::after_sale::AfterSaleRuling);
            $crate::export_review!($guardrail, review_delay, $crate::delay::DelayCase, $crate::delay::DelayRuling);
            $crate::export_review!($guardrail, review_blacklist, $crate::blacklist::BlacklistCase, $crate::blacklist::BlacklistRuling);
            $crate::export_review!($guardrail, review_reply, $crate::reply::ReplyCase, $crate::reply::ReplyRuling);

    $crate::bindings::guardrail::export!(Component with_types_in $crate::bindings::guardrail);
        };
    };
}

/// Makes a component of the world `policy` of a type that implements the traits of all four kinds with the same settings.
#[macro_export]
macro_rules! policy {
    ($policy:ty) => {
        const _: fn() = || {
            fn decides_every_kind<S, P>()
            where
                P: $crate::AfterSalePolicy<Settings = S>
                    + $crate::DelayPolicy<Settings = S>
                    + $crate::BlacklistPolicy<Settings = S>
                    + $crate::ReplyPolicy<Settings = S>,
            {
            }
            decides_every_kind::<<$policy as $crate::AfterSalePolicy>::Settings, $policy>();
        };

        #[cfg(target_family = "wasm")]
        #[allow(unsafe_code)]
        const _: () = {
            $crate::export_settings!(policy, <$policy as $crate::AfterSalePolicy>::Settings);
            $crate::export_decide!($policy, AfterSalePolicy, after_sale, AfterSaleCase, AfterSaleRuling);
            $crate::export_decide!($policy, DelayPolicy, delay, DelayCase, DelayRuling);
            $crate::export_decide!($policy, BlacklistPolicy, blacklist, BlacklistCase, BlacklistRuling);
            $crate::export_decide!($policy, ReplyPolicy, reply, ReplyCase, ReplyRuling);

    $crate::bindings::policy::export!(Component with_types_in $crate::bindings::policy);
        };
    };
}

/// Implements the exported interface of one kind for the hidden type `Component`.
#[doc(hidden)]
#[macro_export]
macro_rules! export_decide {
    ($policy:ty, $trait:ident, $kind:ident, $case:ident, $ruling:ident) => {
        impl exports::$kind::Guest for Component {
            fn decide(
                ctx: $crate::Context,
                facts: $crate::$kind::$case,
            ) -> ::std::result::Result<$crate::$kind::$ruling, $crate::PolicyError> {
                SETTINGS.with(|prepared| prepared.decide(|settings| <$policy as $crate::$trait>::decide(settings, &ctx, &facts)))
            }
        }
    };
}

/// Implements one exported review interface: the function of the trait has the interface's name.
#[doc(hidden)]
#[macro_export]
macro_rules! export_review {
    ($guardrail:ty, $review:ident, $case:ty, $ruling:ty) => {
        impl exports::$review::Guest for Component {
            fn review(ctx: $crate::Context, facts: $case, ruling: $ruling) -> exports::$review::ReviewResult {
                let answer = SETTINGS.with(|prepared| {
                    prepared.review(|settings| <$guardrail as $crate::Guardrail>::$review(settings, &ctx, &facts, &ruling))
                });
                match answer {
                    $crate::Review::Uphold => exports::$review::ReviewResult::Uphold,
                    $crate::Review::Amend { ruling, reasons } => {
                        exports::$review::ReviewResult::Amend(exports::$review::Amendment { ruling, reasons })
                    }
                    $crate::Review::Escalate(reasons) => exports::$review::ReviewResult::Escalate(reasons),
                }
            }
        }
    };
}
