//! What one field may hold, as a value that both paths read: the typed check and the keywords of the JSON Schema.

use serde_json::{Map, Value, json};

use crate::ids::{ID_PATTERN, is_id};
use crate::limits::{ID_BYTES_MAX, INSTANT_MS_MAX, MONEY_FEN_MAX, QUANTITY_MAX, TEXT_BYTES_MAX};

/// The schema's own keyword for lengths in bytes of UTF-8 (`maxLength` counts Unicode scalar values).
pub const MAX_BYTES: &str = "x-max-bytes";

/// What a field may hold.
#[derive(Clone, Copy, Debug)]
pub enum Bound {
    /// Whatever its type allows: booleans and enums.
    Free,
    /// A record or open object that checks itself.
    Nested,
    /// An id or reference.
    Id,
    /// A string of at most so many bytes.
    Bytes(usize),
    /// A string of at most so many Unicode scalar values.
    Scalars(usize),
    /// An integer, both ends included.
    Whole(i64, i64),
    /// A civil date: an ISO string in JSON, a day number in the contract.
    Date,
    /// At most so many items, each within a bound.
    List(usize, &'static Bound),
    /// One of these words; in open objects only.
    Word(&'static [&'static str]),
}

impl Bound {
    /// A string without a bound of its own.
    pub const TEXT: Self = Self::Bytes(TEXT_BYTES_MAX);
    /// Money in fen.
    pub const MONEY: Self = Self::Whole(0, MONEY_FEN_MAX);
    /// A count.
    pub const QUANTITY: Self = Self::Whole(0, QUANTITY_MAX as i64);
    /// Epoch milliseconds.
    pub const INSTANT: Self = Self::Whole(0, INSTANT_MS_MAX);

    /// A list of ids.
    pub const fn ids(max: usize) -> Self {
        Self::List(max, &Self::Id)
    }

    /// A list of strings.
    pub const fn texts(max: usize) -> Self {
        Self::List(max, &Self::TEXT)
    }

    /// A list of records.
    pub const fn records(max: usize) -> Self {
        Self::List(max, &Self::Nested)
    }

    /// Adds the bound's keywords to the schema of a field whose type is already there.
    pub fn add_to(self, schema: &mut Map<String, Value>) {
        match self {
            Self::Free | Self::Nested => {}
            Self::Id => {
                schema.insert("minLength".into(), json!(1));
                schema.insert("maxLength".into(), json!(ID_BYTES_MAX));
                schema.insert(MAX_BYTES.into(), json!(ID_BYTES_MAX));
                schema.insert("pattern".into(), json!(ID_PATTERN));
            }
            Self::Bytes(max) => {
                schema.insert("maxLength".into(), json!(max));
                schema.insert(MAX_BYTES.into(), json!(max));
            }
            Self::Scalars(max) => {
                schema.insert("maxLength".into(), json!(max));
            }
            Self::Whole(min, max) => {
                schema.insert("minimum".into(), json!(min));
                schema.insert("maximum".into(), json!(max));
            }
            Self::Date => {
                schema.insert("format".into(), json!("date"));
            }
            Self::List(max, each) => {
                schema.insert("maxItems".into(), json!(max));
                if let Some(Value::Object(items)) = schema.get_mut("items") {
                    each.add_to(items);
                }
            }
            Self::Word(words) => {
                schema.insert("enum".into(), words.iter().map(|word| json!(word)).chain([Value::Null]).collect());
            }
        }
    }

    /// The JSON type of a field of an open object, null included; there a null says nothing.
    pub(super) fn json_type(self) -> Value {
        match self {
            Self::Id | Self::Bytes(_) | Self::Scalars(_) | Self::Date | Self::Word(_) => json!(["string", "null"]),
            Self::Whole(..) => json!(["integer", "null"]),
            Self::List(..) => json!(["array", "null"]),
            Self::Free => json!(["boolean", "null"]),
            Self::Nested => json!(["object", "null"]),
        }
    }

    /// Whether a field of an open object is within the bound and of its type.
    pub(super) fn holds_json(self, value: &Value) -> bool {
        match (self, value) {
            (_, Value::Null) => true,
            (Self::Word(words), Value::String(text)) => words.contains(&text.as_str()),
            (_, Value::String(text)) => text.measure(self),
            (_, Value::Number(number)) => number.as_i64().is_some_and(|number| number.measure(self)),
            (Self::Free, Value::Bool(_)) => true,
            _ => false,
        }
    }
}

/// A record that knows the bounds of its fields.
pub trait Bounded {
    /// Whether every field is within its bound.
    fn within(&self) -> bool;
}

/// A value that can be held against a bound. A bound that does not fit the type holds nothing: it fails closed, and the
/// examples' test shows it at once.
pub trait Measure {
    /// Whether the value is within the bound.
    fn measure(&self, bound: Bound) -> bool;
}

impl Measure for String {
    #[inline]
    fn measure(&self, bound: Bound) -> bool {
        match bound {
            Bound::Free => true,
            Bound::Id => is_id(self),
            Bound::Bytes(max) => self.len() <= max,
            Bound::Scalars(max) => self.len() <= max || self.chars().count() <= max,
            _ => false,
        }
    }
}

impl Measure for i64 {
    #[inline]
    fn measure(&self, bound: Bound) -> bool {
        matches!(bound, Bound::Whole(min, max) if (min..=max).contains(self))
    }
}

impl Measure for i32 {
    #[inline]
    fn measure(&self, bound: Bound) -> bool {
        matches!(bound, Bound::Date) || i64::from(*self).measure(bound)
    }
}

impl Measure for u32 {
    #[inline]
    fn measure(&self, bound: Bound) -> bool {
        i64::from(*self).measure(bound)
    }
}

impl Measure for u64 {
    #[inline]
    fn measure(&self, bound: Bound) -> bool {
        i64::try_from(*self).is_ok_and(|number| number.measure(bound))
    }
}

impl Measure for usize {
    #[inline]
    fn measure(&self, bound: Bound) -> bool {
        i64::try_from(*self).is_ok_and(|number| number.measure(bound))
    }
}

impl<T: Measure> Measure for Option<T> {
    #[inline]
    fn measure(&self, bound: Bound) -> bool {
        self.as_ref().is_none_or(|value| value.measure(bound))
    }
}

impl<T: Measure> Measure for Vec<T> {
    #[inline]
    fn measure(&self, bound: Bound) -> bool {
        matches!(bound, Bound::List(max, each) if self.len() <= max && self.iter().all(|item| item.measure(*each)))
    }
}

/// Types without bounds beyond their own: booleans, enums, flags, ids.
macro_rules! free {
    ($($type:ty),+ $(,)?) => {
        $(impl $crate::schema::bound::Measure for $type {
            #[inline]
            fn measure(&self, bound: $crate::schema::Bound) -> bool {
                matches!(bound, $crate::schema::Bound::Free)
            }
        })+
    };
}
pub(crate) use free;

/// Declares the bounds of records: every field by name, so that a new field does not compile before it has a bound.
macro_rules! bounded {
    ($table:ident: $($type:ident { $($field:ident $(as $wire:literal)? : $bound:expr),+ $(,)? })+) => {
        $(
            impl $crate::schema::Bounded for $type {
                fn within(&self) -> bool {
                    let Self { $($field),+ } = self;
                    true $(&& $crate::schema::bound::Measure::measure($field, const { $bound }))+
                }
            }
            impl $crate::schema::bound::Measure for $type {
                fn measure(&self, bound: $crate::schema::Bound) -> bool {
                    matches!(bound, $crate::schema::Bound::Nested) && $crate::schema::Bounded::within(self)
                }
            }
        )+

        /// The same bounds, by the names of the JSON Schema.
        pub(crate) const $table: &[(&str, &[(&str, $crate::schema::Bound)])] = &[
            $((stringify!($type), &[$(($crate::schema::bound::wire!($field $($wire)?), $bound)),+])),+
        ];
    };
}
pub(crate) use bounded;

/// A field's name in JSON.
macro_rules! wire {
    ($field:ident) => {
        stringify!($field)
    };
    ($field:ident $wire:literal) => {
        $wire
    };
}
pub(crate) use wire;

/// Adds the bounds of a table to a generated schema: to the root if it has the record's title, and to its `$defs`.
pub fn add_bounds(schema: &mut Value, table: &[(&str, &[(&str, Bound)])]) {
    for (record, fields) in table {
        if schema.get("title").is_some_and(|title| title == record) {
            add_to_record(schema, fields);
        }
        if let Some(definition) = schema.get_mut("$defs").and_then(|defs| defs.get_mut(record)) {
            add_to_record(definition, fields);
        }
    }
}

fn add_to_record(record: &mut Value, fields: &[(&str, Bound)]) {
    for (field, bound) in fields {
        if let Some(Value::Object(property)) = record.get_mut("properties").and_then(|properties| properties.get_mut(field)) {
            bound.add_to(property);
        }
    }
}
