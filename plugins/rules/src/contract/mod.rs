//! The contract's types, one Rust type for each type of `wit/v1`, with the same names.
//!
//! Policies, guardrail and host all use these: in a component the bindings are generated over them (no copy), on the
//! host the sandbox maps them to its own bindings, and with the feature `serde` they are the JSON of the wire
//! (`snake_case` keys, `kebab-case` values, civil dates as ISO strings).

/// Derives what every record of the contract has.
macro_rules! contract_record {
    ($($tokens:tt)*) => {
        #[derive(Clone, Debug, PartialEq, Eq)]
        #[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(deny_unknown_fields))]
        #[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
        $($tokens)*
    };
}

/// Declares an enum of the contract with its wire names, in the order of the WIT.
macro_rules! contract_enum {
    ($(#[$meta:meta])* $name:ident { $($case:ident = $text:literal,)+ }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
        #[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
        #[repr(u8)]
        pub enum $name {
            $(#[cfg_attr(feature = "serde", serde(rename = $text))] $case,)+
        }

        impl $name {
            /// Every case, in the order of the WIT.
            pub const ALL: &'static [$name] = &[$($name::$case,)+];

            /// The name used in WIT, JSON, rules and cases.
            pub const fn as_str(self) -> &'static str {
                match self { $($name::$case => $text,)+ }
            }

            /// The case with this wire name.
            pub fn parse(text: &str) -> Option<Self> {
                match text { $($text => Some($name::$case),)+ _ => None }
            }

            /// The case with this discriminant; the generated bindings call it with values the canonical ABI has checked.
            #[doc(hidden)]
            pub fn _lift(discriminant: u8) -> Self {
                Self::ALL[usize::from(discriminant)]
            }
        }

        impl core::fmt::Display for $name {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}

/// Declares a set of flags of the contract with their wire names, lowest bit first; in JSON a list of names.
macro_rules! contract_flags {
    ($(#[$meta:meta])* $name:ident { $($flag:ident = $text:literal,)+ }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
        pub struct $name(u8);

        impl $name {
            contract_flags!(@bits 0u8; $($flag,)+);

            /// Every flag with its wire name.
            pub const NAMES: &'static [($name, &'static str)] = &[$(($name::$flag, $text),)+];

            /// No flag set.
            pub const fn empty() -> Self { Self(0) }
            /// The raw bits, lowest flag first.
            pub const fn bits(&self) -> u8 { self.0 }
            /// The flags with these raw bits.
            pub const fn from_bits_retain(bits: u8) -> Self { Self(bits) }
            /// Whether no flag is set.
            pub const fn is_empty(&self) -> bool { self.0 == 0 }
            /// Whether every flag of `other` is set.
            pub const fn contains(&self, other: Self) -> bool { self.0 & other.0 == other.0 }
        }

        impl core::ops::BitOr for $name {
            type Output = Self;
            fn bitor(self, other: Self) -> Self { Self(self.0 | other.0) }
        }

        #[cfg(feature = "serde")]
        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
                out.collect_seq(Self::NAMES.iter().filter(|(flag, _)| self.contains(*flag)).map(|(_, name)| *name))
            }
        }

        #[cfg(feature = "serde")]
        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
                let names = Vec::<std::borrow::Cow<'de, str>>::deserialize(input)?;
                names.iter().try_fold(Self::empty(), |flags, name| {
                    match Self::NAMES.iter().find(|(_, known)| *known == name.as_ref()) {
                        Some((flag, text)) if flags.contains(*flag) => Err(serde::de::Error::duplicate_field(text)),
                        Some((flag, _)) => Ok(flags | *flag),
                        None => Err(serde::de::Error::unknown_variant(name, &[$($text),+])),
                    }
                })
            }
        }

        #[cfg(feature = "schema")]
        impl schemars::JsonSchema for $name {
            fn schema_name() -> std::borrow::Cow<'static, str> { stringify!($name).into() }
            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                schemars::json_schema!({"type": "array", "items": {"enum": [$($text),+]}, "uniqueItems": true})
            }
        }
    };
    (@bits $bit:expr; $flag:ident, $($rest:ident,)*) => {
        pub const $flag: Self = Self(1 << ($bit));
        contract_flags!(@bits $bit + 1; $($rest,)*);
    };
    (@bits $bit:expr;) => {};
}

pub mod after_sale;
pub mod blacklist;
pub mod delay;
pub mod reply;
pub mod types;

#[cfg(feature = "serde")]
mod dates;

impl Default for types::Tri {
    /// A fact nobody stated is unknown, never "no" (domain model 4.0, rule 4).
    fn default() -> Self {
        Self::Unknown
    }
}

impl types::Notes {
    /// Notes with nothing in them.
    pub fn empty() -> Self {
        Self {
            reasons: Vec::new(),
            obligations: Vec::new(),
            approvals: Vec::new(),
            messages: Vec::new(),
            alerts: Vec::new(),
            attributes: Vec::new(),
        }
    }
}
