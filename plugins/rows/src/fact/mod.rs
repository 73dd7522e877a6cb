//! Facts by path: the contract's records as something a condition can walk through, with the type of every field.
//!
//! What the contract calls `unknown`, and an option that is none, is [`Value::Unknown`]: as in CEL a field that is not there.

mod contract;
pub mod derived;

use ombud_rules::contract::types::Tri;

/// What a path leads to.
#[derive(Clone, Copy)]
pub enum Value<'a> {
    /// Nobody stated it, or it cannot be computed.
    Unknown,
    /// Yes or no.
    Bool(bool),
    /// A count, money in fen, a share in basis points, or milliseconds.
    Int(i64),
    /// A text.
    Text(&'a str),
    /// A case of an enum by its place in the contract.
    Enum(u8),
    /// A record.
    Record(&'a dyn Record),
    /// A list.
    List(&'a dyn Items),
}

/// What a condition may do with a value.
#[derive(Clone, Copy, Debug)]
pub enum Type {
    /// Yes or no.
    Bool,
    /// A number.
    Int,
    /// A text.
    Text,
    /// One of a few names.
    Enum(&'static EnumType),
    /// Milliseconds since 1970-01-01 UTC.
    Instant,
    /// Milliseconds between two instants.
    Duration,
    /// A record of the contract.
    Record(&'static Schema),
    /// A list of one type.
    List(&'static Type),
}

impl PartialEq for Type {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Enum(one), Self::Enum(two)) => one.name == two.name,
            (Self::Record(one), Self::Record(two)) => one.name == two.name,
            (Self::List(one), Self::List(two)) => one == two,
            (one, two) => core::mem::discriminant(one) == core::mem::discriminant(two),
        }
    }
}

impl Type {
    /// The type as a table's author reads it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Bool => "a bool",
            Self::Int => "a number",
            Self::Text => "a text",
            Self::Enum(of) => of.name,
            Self::Instant => "an instant",
            Self::Duration => "a duration",
            Self::Record(of) => of.name,
            Self::List(_) => "a list",
        }
    }
}

/// An enum of the contract.
#[derive(Debug)]
pub struct EnumType {
    /// Its name in WIT.
    pub name: &'static str,
    /// The name of the case at a place; none beyond the last.
    pub text: fn(u8) -> Option<&'static str>,
}

impl EnumType {
    /// The names of all cases that are values; `unknown` is none.
    pub fn names(&self) -> impl Iterator<Item = &'static str> {
        (0..=u8::MAX).map_while(self.text).filter(|name| *name != UNKNOWN)
    }

    /// The place of the case with this name.
    pub fn place(&self, name: &str) -> Option<u8> {
        (0..=u8::MAX)
            .map_while(|place| (self.text)(place).map(|text| (place, text)))
            .find(|(_, text)| *text == name)
            .map(|(place, _)| place)
    }
}

/// The name of the case that states nothing.
const UNKNOWN: &str = "unknown";

/// The fields of a record.
#[derive(Debug)]
pub struct Schema {
    /// Its name in WIT.
    pub name: &'static str,
    /// The fields a condition may read, by place.
    pub fields: &'static [Field],
}

/// A field of a record.
#[derive(Debug)]
pub struct Field {
    /// `snake_case`, as in JSON.
    pub name: &'static str,
    /// What it holds.
    pub ty: Type,
    /// Whether it may be unknown.
    pub optional: bool,
    /// `fen`, `bp` or nothing.
    pub unit: &'static str,
}

impl Schema {
    /// Place and field of a name.
    pub fn field(&self, name: &str) -> Option<(u8, &'static Field)> {
        let place = self.fields.iter().position(|field| field.name == name)?;
        Some((u8::try_from(place).ok()?, self.fields.get(place)?))
    }
}

/// A record whose fields can be read by place.
pub trait Record {
    /// The value of a field of the schema; `Unknown` for a place that it does not have.
    fn get(&self, place: u8) -> Value<'_>;
}

/// A list whose items can be read.
pub trait Items {
    /// Number of items.
    fn count(&self) -> usize;
    /// The item at a place; `Unknown` beyond the last.
    fn item(&self, at: usize) -> Value<'_>;
}

/// A type of the contract that is a fact.
pub trait Fact {
    /// What it is.
    const TYPE: Type;
    /// Whether it may be unknown.
    const OPTIONAL: bool = false;
    /// Its value.
    fn value(&self) -> Value<'_>;
}

impl Fact for bool {
    const TYPE: Type = Type::Bool;

    fn value(&self) -> Value<'_> {
        Value::Bool(*self)
    }
}

impl Fact for Tri {
    const TYPE: Type = Type::Bool;
    const OPTIONAL: bool = true;

    fn value(&self) -> Value<'_> {
        match self {
            Tri::Yes => Value::Bool(true),
            Tri::No => Value::Bool(false),
            Tri::Unknown => Value::Unknown,
        }
    }
}

impl Fact for i64 {
    const TYPE: Type = Type::Int;

    fn value(&self) -> Value<'_> {
        Value::Int(*self)
    }
}

impl Fact for i32 {
    const TYPE: Type = Type::Int;

    fn value(&self) -> Value<'_> {
        Value::Int(i64::from(*self))
    }
}

impl Fact for u32 {
    const TYPE: Type = Type::Int;

    fn value(&self) -> Value<'_> {
        Value::Int(i64::from(*self))
    }
}

impl Fact for String {
    const TYPE: Type = Type::Text;

    fn value(&self) -> Value<'_> {
        Value::Text(self)
    }
}

impl<T: Fact> Fact for Option<T> {
    const TYPE: Type = T::TYPE;
    const OPTIONAL: bool = true;

    fn value(&self) -> Value<'_> {
        self.as_ref().map_or(Value::Unknown, T::value)
    }
}

impl<T: Fact> Fact for Vec<T> {
    const TYPE: Type = Type::List(&T::TYPE);

    fn value(&self) -> Value<'_> {
        Value::List(self)
    }
}

impl<T: Fact> Items for Vec<T> {
    fn count(&self) -> usize {
        self.len()
    }

    fn item(&self, at: usize) -> Value<'_> {
        self.get(at).map_or(Value::Unknown, T::value)
    }
}

/// The type of the field that `read` reads.
pub(crate) const fn type_of<R, F: Fact>(_read: fn(&R) -> &F) -> Type {
    F::TYPE
}

/// Whether that field may be unknown.
pub(crate) const fn optional_of<R, F: Fact>(_read: fn(&R) -> &F) -> bool {
    F::OPTIONAL
}
