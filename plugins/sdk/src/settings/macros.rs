//! The macro that defines settings once: struct, defaults, bounds, reading, schema.

/// Defines a struct of settings, an object within one, or an enum of named values.
///
/// * `pub struct Settings { … }`: every property has a default, so it implements [`Settings`](crate::Settings) and `Default`. A property
///   is `name: Type = default`, then optionally its bounds, with them optionally its unit. `check = path;` at the end names a
///   `fn(&Settings, &mut Reader)` for conditions between properties; it runs once every property is right in itself.
/// * `pub object Floor { … }`: the same without defaults, every property must be given.
/// * `pub enum Mode { Extend = "extend", … }`: a string of these.
///
/// The documentation of each becomes its description in the JSON Schema.
///
/// ```
/// ombud_sdk::settings! {
///     /// Parameters of the example.
///     pub struct Settings {
///         /// Days in which goods may come back.
///         pub no_reason_days: u32 = 7, 7..=90, "days";
///         /// What happens when the last day is a holiday.
///         pub holiday_mode: HolidayMode = HolidayMode::HumanReview;
///         /// Steps of the ladder.
///         pub ladder: Vec<Step> = Vec::new(), 0..=20, "steps";
///     }
///     check = rising;
/// }
///
/// ombud_sdk::settings! {
///     /// What to do with a window that ends on a holiday.
///     pub enum HolidayMode { HumanReview = "human-review", Extend = "extend" }
/// }
///
/// ombud_sdk::settings! {
///     /// One step of the ladder.
///     pub object Step {
///         /// The step goes up to this share.
///         pub upto_bp: u32, 1..=10000, "bp";
///     }
/// }
///
/// fn rising(settings: &Settings, reader: &mut ombud_sdk::Reader) {
///     if !settings.ladder.is_sorted_by(|one, next| one.upto_bp < next.upto_bp) {
///         reader.refuse_at("ladder", "the steps must rise");
///     }
/// }
///
/// use ombud_sdk::Settings as _;
/// assert_eq!(Settings::parse(r#"{"holiday_mode": "extend"}"#).unwrap().holiday_mode, HolidayMode::Extend);
/// let problems = Settings::parse(r#"{"no_reason_days": 5, "ladder": [{"upto_bp": 0}]}"#).unwrap_err();
/// assert_eq!(problems.iter().map(|p| p.path.as_str()).collect::<Vec<_>>(), ["/ladder/0/upto_bp", "/no_reason_days"]);
/// ```
#[macro_export]
macro_rules! settings {
    (
        $(#[doc = $doc:literal])*
        pub struct $name:ident {
            $(
                $(#[doc = $field_doc:literal])*
                pub $field:ident: $type:ty = $default:expr $(, $min:literal..=$max:literal $(, $unit:literal)?)?;
            )*
        }
        $(check = $check:path;)?
    ) => {
        $(#[doc = $doc])*
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub struct $name {
            $($(#[doc = $field_doc])* pub $field: $type,)*
        }

        impl ::core::default::Default for $name {
            fn default() -> Self {
                Self { $($field: $default,)* }
            }
        }

        impl $crate::SettingsObject for $name {
            const DESCRIPTION: &'static str = ::core::concat!($($doc, "\n",)*);
            type Draft = Self;

            fn read_property(draft: &mut Self, name: &str, value: &$crate::serde_json::Value, reader: &mut $crate::Reader) -> bool {
                match name {
                    $(::core::stringify!($field) => {
                        if let Some(read) = <$type as $crate::Setting>::read(value, $crate::settings!(@bounds $($min, $max)?), reader) {
                            draft.$field = read;
                        }
                    })*
                    _ => return false,
                }
                true
            }

            fn finish(draft: Self, reader: &mut $crate::Reader) -> Option<Self> {
                let before = reader.problem_count();
                $($check(&draft, reader);)?
                (reader.problem_count() == before).then_some(draft)
            }

            fn write(&self, object: &mut $crate::serde_json::Map<String, $crate::serde_json::Value>) {
                $(object.insert(::core::stringify!($field).to_owned(), $crate::Setting::to_json(&self.$field));)*
            }

            fn properties() -> ($crate::serde_json::Map<String, $crate::serde_json::Value>, Vec<&'static str>) {
                let mut properties = $crate::serde_json::Map::new();
                let default = Self::default();
                $(properties.insert(
                    ::core::stringify!($field).to_owned(),
                    $crate::hidden::property::<$type>(
                        ::core::concat!($($field_doc, "\n",)*),
                        $crate::settings!(@bounds $($min, $max)?),
                        $crate::settings!(@unit $($($unit)?)?),
                        Some(&default.$field),
                    ),
                );)*
                (properties, Vec::new())
            }
        }

        $crate::settings!(@setting $name);

        impl $crate::Settings for $name {
            fn parse(json: &str) -> Result<Self, Vec<$crate::Problem>> {
                $crate::hidden::parse(json)
            }

            fn schema() -> String {
                $crate::hidden::describe::<Self>()
            }
        }
    };

    (
        $(#[doc = $doc:literal])*
        pub object $name:ident {
            $(
                $(#[doc = $field_doc:literal])*
                pub $field:ident: $type:ty $(, $min:literal..=$max:literal $(, $unit:literal)?)?;
            )*
        }
        $(check = $check:path;)?
    ) => {
        $(#[doc = $doc])*
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub struct $name {
            $($(#[doc = $field_doc])* pub $field: $type,)*
        }

        const _: () = {
            /// What was read of the object so far.
            #[derive(Default)]
            pub struct Draft {
                $($field: Option<$type>,)*
            }

            impl $crate::SettingsObject for $name {
                const DESCRIPTION: &'static str = ::core::concat!($($doc, "\n",)*);
                type Draft = Draft;

                fn read_property(draft: &mut Draft, name: &str, value: &$crate::serde_json::Value, reader: &mut $crate::Reader) -> bool {
                    match name {
                        $(::core::stringify!($field) => {
                            draft.$field = <$type as $crate::Setting>::read(value, $crate::settings!(@bounds $($min, $max)?), reader);
                        })*
                        _ => return false,
                    }
                    true
                }

                fn finish(draft: Draft, reader: &mut $crate::Reader) -> Option<Self> {
                    $(if draft.$field.is_none() {
                        reader.refuse_at(::core::stringify!($field), "is missing");
                    })*
                    let whole = Self { $($field: draft.$field?,)* };
                    let before = reader.problem_count();
                    $($check(&whole, reader);)?
                    (reader.problem_count() == before).then_some(whole)
                }

                fn write(&self, object: &mut $crate::serde_json::Map<String, $crate::serde_json::Value>) {
                    $(object.insert(::core::stringify!($field).to_owned(), $crate::Setting::to_json(&self.$field));)*
                }

                fn properties() -> ($crate::serde_json::Map<String, $crate::serde_json::Value>, Vec<&'static str>) {
                    let mut properties = $crate::serde_json::Map::new();
                    $(properties.insert(
                        ::core::stringify!($field).to_owned(),
                        $crate::hidden::property::<$type>(
                            ::core::concat!($($field_doc, "\n",)*),
                            $crate::settings!(@bounds $($min, $max)?),
                            $crate::settings!(@unit $($($unit)?)?),
                            None,
                        ),
                    );)*
                    (properties, ::std::vec![$(::core::stringify!($field)),*])
                }
            }
        };

        $crate::settings!(@setting $name);
    };

    (
        $(#[doc = $doc:literal])*
        pub enum $name:ident {
            $($(#[doc = $case_doc:literal])* $case:ident = $text:literal),+ $(,)?
        }
    ) => {
        $(#[doc = $doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum $name {
            $($(#[doc = $case_doc])* $case,)+
        }

        impl $crate::Setting for $name {
            fn read(value: &$crate::serde_json::Value, _bounds: $crate::Bounds, reader: &mut $crate::Reader) -> Option<Self> {
                match value.as_str() {
                    $(Some($text) => Some(Self::$case),)+
                    _ => {
                        reader.refuse(::core::concat!("must be one of:", $(" `", $text, "`",)+));
                        None
                    }
                }
            }

            fn schema(_bounds: $crate::Bounds) -> $crate::serde_json::Value {
                $crate::serde_json::json!({"enum": [$($text),+]})
            }

            fn to_json(&self) -> $crate::serde_json::Value {
                match self { $(Self::$case => $text.into(),)+ }
            }
        }
    };

    (@setting $name:ident) => {
        impl $crate::Setting for $name {
            fn read(value: &$crate::serde_json::Value, _bounds: $crate::Bounds, reader: &mut $crate::Reader) -> Option<Self> {
                $crate::hidden::read_object(value, reader)
            }

            fn schema(_bounds: $crate::Bounds) -> $crate::serde_json::Value {
                $crate::hidden::object_schema::<Self>()
            }

            fn to_json(&self) -> $crate::serde_json::Value {
                let mut object = $crate::serde_json::Map::new();
                $crate::SettingsObject::write(self, &mut object);
                object.into()
            }
        }
    };

    (@bounds) => { None };
    (@bounds $min:literal, $max:literal) => { Some(($min, $max)) };
    (@unit) => { None };
    (@unit $unit:literal) => { Some($unit) };
}
