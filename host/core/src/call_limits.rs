//! What one call of a policy or guardrail may use, and what a component may be: the operator's values and bounds, what a merchant asks for
//! within them, and what is in force. The sandbox enforces them; records carry them, because a replay needs them.

use std::sync::OnceLock;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::limits::{LIMITS_BYTES_MAX, OPEN_MEMBERS_MAX};
use crate::problem::Problem;
use crate::protect::ProtectionMost;
use crate::schema::bound::{add_bounds, bounded, free};
use crate::schema::check::{read, schema_of};
use crate::schema::{Bound, Checker};
use crate::share_limits::{ShareLimits, SomeShare};
use crate::upload_limits::UploadLimits;

free!(crate::upload_limits::Signatures);

/// The largest `memory_bytes_max` that the instance pool has room for.
pub const MEMORY_BYTES_CEILING: usize = 256 << 20;

/// The largest `table_elements_max` that the instance pool has room for.
pub const TABLE_ELEMENTS_CEILING: usize = 100_000;

/// The largest `instances_max` that the instance pool has room for. A component of JavaScript has 5; of Python, whose interpreter is
/// linked when it is instantiated, 41 to 44; of QuickJS 36.
pub const INSTANCES_CEILING: usize = 64;

/// Milliseconds that a replayed call may take: nobody waits for it as the customer did.
const REPLAY_DEADLINE_MS: u64 = 60_000;

/// Fuel of a call at first: some ten milliseconds, which no usual policy needs.
pub const FIRST_FUEL: u64 = 10_000_000;

/// Milliseconds of a call at first: far above the time of [`FIRST_FUEL`], for work that uses time and little fuel.
pub const FIRST_DEADLINE_MS: u64 = 50;

/// Declares the limits of a call once: all of them, and those that somebody asks for.
macro_rules! call_limits {
    ($($(#[doc = $doc:literal])+ $name:ident: $type:ty = $default:expr, $least:expr => $most:expr;)+) => {
        /// What one call of a policy or guardrail may use.
        ///
        /// A record leaves limits out that are [`Limits::default`], so these numbers are frozen; an operator sets others.
        #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
        #[serde(deny_unknown_fields, default)]
        pub struct Limits {
            $($(#[doc = $doc])+ pub $name: $type,)+
        }

        /// Some of the limits of a call; what is left out has the operator's default.
        #[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
        #[serde(deny_unknown_fields, default)]
        pub struct SomeLimits {
            $(
                $(#[doc = $doc])+
                #[serde(skip_serializing_if = "Option::is_none")]
                pub $name: Option<$type>,
            )+
        }

        impl Default for Limits {
            fn default() -> Self {
                Self { $($name: $default,)+ }
            }
        }

        impl SomeLimits {
            /// Whether nothing is asked for.
            pub fn is_empty(&self) -> bool {
                true $(&& self.$name.is_none())+
            }

            /// These, and `others` for what is left out.
            pub fn or(&self, others: &Limits) -> Limits {
                Limits { $($name: self.$name.unwrap_or(others.$name),)+ }
            }

            /// Those above `most`, each with the bound.
            pub fn above(&self, most: &Limits) -> Vec<(&'static str, u64)> {
                let mut above = Vec::new();
                $(if self.$name.is_some_and(|own| own > most.$name) {
                    above.push((stringify!($name), most.$name as u64));
                })+
                above
            }
        }

        impl Limits {
            /// Each at most what `most` has.
            fn at_most(&self, most: &Self) -> Self {
                Self { $($name: self.$name.min(most.$name),)+ }
            }

            /// The most that any operator can set.
            fn ceiling() -> Self {
                Self { $($name: <$type>::try_from($most as i64).unwrap_or(<$type>::MAX),)+ }
            }
        }

        impl From<&Limits> for SomeLimits {
            fn from(all: &Limits) -> Self {
                Self { $($name: Some(all.$name),)+ }
            }
        }

        bounded! { LIMITS:
            SomeLimits { $($name: Bound::Whole($least, $most)),+ }
            LoadLimits {
                component_bytes_max: Bound::Whole(1 << 10, 1 << 28), compile_cpu_s: Bound::Whole(1, 3_600),
                compile_deadline_s: Bound::Whole(1, 86_400), compile_memory_bytes_max: Bound::Whole(64 << 20, 64 << 30),
                code_bytes_max: Bound::Whole(1 << 10, 1 << 32), loaded_bytes_max: Bound::Whole(1 << 20, 1 << 36),
                code_cache_bytes_max: Bound::Whole(1 << 20, 1 << 44),
            }
            UploadLimits {
                signatures: Bound::Free, settings_bytes_max: Bound::Whole(1 << 10, 4 << 20), check_deadline_s: Bound::Whole(1, 86_400),
                read_cpu_s: Bound::Whole(1, 3_600), check_memory_bytes_max: Bound::Whole(64 << 20, 64 << 30), stored_bytes_max: Bound::Whole(1 << 20, 1 << 40),
            }
            SomeShare {
                weight: Bound::Whole(1, 10_000), decisions_max: Bound::Whole(1, 4_096), queue_max: Bound::Whole(0, 4_096),
                queue_ms: Bound::Whole(1, 20_000), fuel_per_s: Bound::Whole(1_000, 1_000_000_000_000),
            }
            ProtectionMost {
                always_on: Bound::Free, error_streak: Bound::Whole(3, 1_000), fault_share_bp: Bound::Whole(1, 10_000),
                deadline_hits: Bound::Whole(1, 1_000), approval_jump_bp: Bound::Whole(100, 10_000),
                money_factor_pct: Bound::Whole(110, 100_000), sample_min: Bound::Whole(20, 10_000),
            }
            OperatorFile {
                default: Bound::Nested, most: Bound::Nested, load: Bound::Nested, upload: Bound::Nested, share: Bound::Nested,
                protection: Bound::Nested,
            }
        }
    };
}

call_limits! {
    /// Fuel (about one unit for each WebAssembly instruction) that every call starts with, 1 000 to 10 000 000 000.
    fuel_base: u64 = 50_000_000, 1_000 => 10_000_000_000;
    /// Fuel added for each byte of the event, so that large orders are not refused for their size, at most 1 000 000.
    fuel_per_event_byte: u64 = 1_000, 0 => 1_000_000;
    /// Wall-clock backstop of one call in milliseconds, 1 to 10 000. It cannot be replayed, so it lies above the time that the fuel of
    /// the largest event takes (about a second).
    deadline_ms: u64 = 2_000, 1 => 10_000;
    /// Linear memory of one instance in bytes, all memories together, 64 KiB to 256 MiB.
    memory_bytes_max: usize = 64 << 20, 64 << 10 => MEMORY_BYTES_CEILING as i64;
    /// Elements of one table, at most 100 000.
    table_elements_max: usize = 100_000, 0 => TABLE_ELEMENTS_CEILING as i64;
    /// Core instances of one component, 1 to 64.
    instances_max: usize = 64, 1 => INSTANCES_CEILING as i64;
    /// Bytes that may be copied out of a guest in one call, 1 KiB to 16 MiB: the ruling, error texts and log lines together.
    hostcall_bytes_max: usize = 1 << 20, 1 << 10 => 16 << 20;
    /// Bytes of text and lists in one ruling, 1 KiB to 1 MiB.
    ruling_bytes_max: usize = 256 << 10, 1 << 10 => 1 << 20;
    /// Bytes of log text of one call, at most 1 MiB.
    log_bytes_max: usize = 16 << 10, 0 => 1 << 20;
}

impl Limits {
    /// The fuel of a call on an event of `event_bytes`.
    pub fn fuel(&self, event_bytes: usize) -> u64 {
        self.fuel_base.saturating_add(self.fuel_per_event_byte.saturating_mul(event_bytes as u64))
    }

    /// The same, without the haste of a caller who waits: fuel, memory and sizes decide, which are the same everywhere, and not the
    /// clock of a busy machine. For a replayed fault, and for a policy's build, test and check.
    pub fn patient(&self) -> Self {
        Self { deadline_ms: REPLAY_DEADLINE_MS, ..self.clone() }
    }

    fn at_first(&self, event_bytes: usize) -> Self {
        Self {
            fuel_base: self.fuel(event_bytes).min(FIRST_FUEL),
            fuel_per_event_byte: 0,
            deadline_ms: self.deadline_ms.min(FIRST_DEADLINE_MS),
            ..self.clone()
        }
    }

    /// The limits of a replay: a ruling that was given is given again, however slow the machine or thirsty the engine.
    pub fn generous(&self) -> Self {
        Self { fuel_base: u64::MAX / 2, ..self.patient() }
    }
}

/// What the two calls of a decision may use: the policy's is the merchant's, within the operator's bounds; the guardrail's is the
/// operator's, so that no merchant starves it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CallLimits {
    /// The policy's.
    pub policy: Limits,
    /// The guardrail's.
    pub guardrail: Limits,
}

impl CallLimits {
    /// At first a call may use so much and no more, for nobody knows yet how long it runs: what needs more is run again under these limits, elsewhere.
    /// A policy is a pure function, so it answers the same then.
    pub fn at_first(&self, event_bytes: usize) -> Self {
        Self { policy: self.policy.at_first(event_bytes), guardrail: self.guardrail.at_first(event_bytes) }
    }

    /// [`Limits::patient`] of both.
    pub fn patient(&self) -> Self {
        Self { policy: self.policy.patient(), guardrail: self.guardrail.patient() }
    }

    /// [`Limits::generous`] of both.
    pub fn generous(&self) -> Self {
        Self { policy: self.policy.generous(), guardrail: self.guardrail.generous() }
    }

    /// The same, none above what any operator can set: what a record says that somebody else made is as high as its maker likes.
    pub fn within_bounds(&self) -> Self {
        let ceiling = Limits::ceiling();
        Self { policy: self.policy.at_most(&ceiling), guardrail: self.guardrail.at_most(&ceiling) }
    }

    /// Whether a record leaves them out.
    pub fn are_default(&self) -> bool {
        *self == Self::default()
    }
}

/// What a component may be and what compiling it may take.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct LoadLimits {
    /// Bytes of one component, 1 KiB to 256 MiB.
    pub component_bytes_max: usize,
    /// Processor time in seconds that compiling one component may take, 1 to 3 600. A component of Python takes 10 to 27.
    pub compile_cpu_s: u64,
    /// Wall-clock time in seconds that compiling one component may take, 1 to 86 400. It shares the machine with decisions.
    pub compile_deadline_s: u64,
    /// Resident memory of the process that compiles, in bytes, 64 MiB to 64 GiB. A component of Python takes about 550 MB.
    pub compile_memory_bytes_max: usize,
    /// Bytes of the compiled code of one component, 1 KiB to 4 GiB.
    pub code_bytes_max: usize,
    /// Memory of all components that are loaded at the same time, in bytes, 1 MiB to 64 GiB; beyond it the one that was not used for longest is
    /// unloaded. A component in Rust takes about 0.5 MB, of Python 40 MB.
    pub loaded_bytes_max: usize,
    /// Bytes of all compiled code on disk, 1 MiB to 16 TiB; beyond it what was not used for longest and is not loaded is removed, and compiled again
    /// when it is needed. Code of Rust takes about 0.5 MB, of Python 40 MB: by default there is room for 100 000 components of the one and 1 600 of
    /// the other. It should hold whatever is bound.
    pub code_cache_bytes_max: u64,
}

impl Default for LoadLimits {
    fn default() -> Self {
        Self {
            component_bytes_max: 32 << 20,
            compile_cpu_s: 60,
            compile_deadline_s: 600,
            compile_memory_bytes_max: 1 << 30,
            code_bytes_max: 256 << 20,
            loaded_bytes_max: 256 << 20,
            code_cache_bytes_max: 64 << 30,
        }
    }
}

/// The operator's values.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OperatorLimits {
    /// What a call may use where the merchant asks for nothing, and what a call of the guardrail may use.
    pub default: Limits,
    /// The most a merchant may ask for.
    pub most: Limits,
    /// What a component may be.
    pub load: LoadLimits,
    /// What an upload may bring and take.
    #[serde(default)]
    pub upload: UploadLimits,
    /// How much of the machine one merchant may take, where nothing else is set for it.
    #[serde(default)]
    pub share: ShareLimits,
    /// The most lenient that a merchant's protection may be.
    #[serde(default, skip_serializing_if = "ProtectionMost::is_empty")]
    pub protection: ProtectionMost,
}

/// The operator's values as written down; what is left out of `most` is as in `default`, what is left out of `default` is built in.
#[derive(Clone, Debug, Default, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
struct OperatorFile {
    /// What a call may use where the merchant asks for nothing, and what a call of the guardrail may use.
    default: SomeLimits,
    /// The most a merchant may ask for.
    most: SomeLimits,
    /// What a component may be.
    load: LoadLimits,
    /// What an upload may bring and take.
    upload: UploadLimits,
    /// How much of the machine one merchant may take, where nothing else is set for it.
    share: SomeShare,
    /// The most lenient that a merchant's protection may be.
    protection: ProtectionMost,
}

impl OperatorLimits {
    /// Reads the operator's values from JSON.
    ///
    /// # Errors
    /// Every problem by its JSON pointer.
    pub fn parse(json: &[u8]) -> Result<Self, Vec<Problem>> {
        static CHECKER: OnceLock<Option<Checker>> = OnceLock::new();
        let checker = CHECKER.get_or_init(|| Checker::new(schema_of::<OperatorFile>(LIMITS), OPEN_MEMBERS_MAX)).as_ref();
        let file: OperatorFile = read(json, LIMITS_BYTES_MAX, checker)?;
        let default = file.default.or(&Limits::default());
        let most = file.most.or(&default);
        let crossed = SomeLimits::from(&default).above(&most);
        if crossed.is_empty() {
            let share = file.share.or(&ShareLimits::default());
            return Ok(Self { default, most, load: file.load, upload: file.upload, share, protection: file.protection });
        }
        let problem = |(name, most): (&str, u64)| Problem::at(format!("/default/{name}"), format!("is above /most/{name}, {most}"));
        Err(crossed.into_iter().map(problem).collect())
    }

    /// What a merchant asks for beyond its bound, by its place in the merchant's configuration.
    pub fn refuse(&self, asked: &SomeLimits) -> Vec<Problem> {
        let problem = |(name, most): (&str, u64)| {
            Problem::at(format!("/limits/{name}"), "is above the operator's bound").allowed(format!("at most {most}"))
        };
        asked.above(&self.most).into_iter().map(problem).collect()
    }

    /// What is in force for a merchant. A bound that was lowered since holds for those who asked before.
    pub fn in_force(&self, asked: &SomeLimits) -> CallLimits {
        CallLimits { policy: asked.or(&self.default).at_most(&self.most), guardrail: self.default.clone() }
    }
}

/// Adds the bounds to the schema of a document that has [`SomeLimits`] and [`SomeShare`].
pub(crate) fn add_limits(schema: &mut Value) {
    add_bounds(schema, LIMITS);
}

#[cfg(test)]
mod tests;
