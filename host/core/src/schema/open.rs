//! Open objects: what a helpdesk may add to an event that no kind of version 1 reads. A few members are known and
//! checked, all others are taken as they come; every string, list and object is bounded.

use serde_json::{Map, Value, json};

use super::Bound;
use crate::limits::{LIST_MAX, MESSAGE_SCALARS_MAX, OPEN_MEMBERS_MAX, OPEN_NAME_SCALARS_MAX};

/// The name of the open value's definition in the schema; it refers to itself.
const VALUE: &str = "OpenValue";

/// An open object's members.
pub type Members = Map<String, Value>;

/// Whether the members are within their bounds, the known ones also of their type.
pub fn within(members: &Members, known: &[(&str, Bound)]) -> bool {
    known.iter().all(|(name, bound)| members.get(*name).is_none_or(|value| bound.holds_json(value))) && object_within(members)
}

fn object_within(members: &Members) -> bool {
    members.len() <= OPEN_MEMBERS_MAX
        && members.iter().all(|(name, value)| name.chars().count() <= OPEN_NAME_SCALARS_MAX && value_within(value))
}

fn value_within(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => true,
        Value::String(text) => text.len() <= MESSAGE_SCALARS_MAX || text.chars().count() <= MESSAGE_SCALARS_MAX,
        Value::Array(items) => items.len() <= LIST_MAX && items.iter().all(value_within),
        Value::Object(members) => object_within(members),
    }
}

/// The schema of an open object with its known members.
pub fn schema(generator: &mut schemars::SchemaGenerator, known: &[(&str, Bound)]) -> schemars::Schema {
    let value = generator.subschema_for::<OpenValue>();
    let properties: Map<String, Value> = known
        .iter()
        .map(|(name, bound)| {
            let mut property = Map::from_iter([("type".to_owned(), bound.json_type())]);
            if matches!(bound, Bound::Whole(..)) {
                property.insert("format".into(), json!("int64"));
            }
            bound.add_to(&mut property);
            ((*name).to_owned(), Value::Object(property))
        })
        .collect();
    schemars::json_schema!({
        "type": "object",
        "properties": properties,
        "additionalProperties": value,
        "maxProperties": OPEN_MEMBERS_MAX,
        "propertyNames": {"maxLength": OPEN_NAME_SCALARS_MAX},
    })
}

/// Any JSON, bounded; the keywords that do not fit a value's type do not apply to it.
struct OpenValue;

impl schemars::JsonSchema for OpenValue {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        VALUE.into()
    }

    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        let value = generator.subschema_for::<Self>();
        schemars::json_schema!({
            "description": "any JSON, with bounded strings, lists and objects",
            "type": ["string", "number", "boolean", "null", "array", "object"],
            "maxLength": MESSAGE_SCALARS_MAX,
            "maxItems": LIST_MAX,
            "items": value,
            "maxProperties": OPEN_MEMBERS_MAX,
            "propertyNames": {"maxLength": OPEN_NAME_SCALARS_MAX},
            "additionalProperties": value,
        })
    }
}

/// Declares an open object with its known members.
macro_rules! open {
    ($(#[$meta:meta])* $name:ident { $($known:ident: $bound:expr),* $(,)? }) => {
        $(#[$meta])*
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub struct $name($crate::schema::open::Members);

        impl $name {
            const KNOWN: &'static [(&'static str, $crate::schema::Bound)] = &[$((stringify!($known), $bound)),*];

            /// The members.
            pub fn into_members(self) -> $crate::schema::open::Members {
                self.0
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
                match $crate::schema::strict::read(input, $crate::limits::LINES_MAX + 1)? {
                    (serde_json::Value::Object(members), repeated) if repeated.is_empty() => Ok(Self(members)),
                    _ => Err(serde::de::Error::custom("expected an object without repeated members")),
                }
            }
        }

        impl $crate::schema::bound::Measure for $name {
            fn measure(&self, bound: $crate::schema::Bound) -> bool {
                matches!(bound, $crate::schema::Bound::Nested) && $crate::schema::open::within(&self.0, Self::KNOWN)
            }
        }

        impl schemars::JsonSchema for $name {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }
            fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
                $crate::schema::open::schema(generator, Self::KNOWN)
            }
        }
    };
}
pub(crate) use open;
