//! Reads JSON whose members stand in the order of their struct's fields: a name is compared with the one that is due, instead of
//! being looked for among all.

use serde::de::value::{BorrowedStrDeserializer, StringDeserializer};
use serde::de::{self, Deserialize, DeserializeSeed, Visitor};
use serde::forward_to_deserialize_any;

use super::{PRIVATE, Unknown, begins_with, plain_bytes};

/// Values within values at most; deeper ones are left to `serde_json`, which has a bound of its own.
const DEPTH_MAX: u8 = 64;

/// Reads a value from JSON without spaces. None means that `serde_json` has to be asked: the text has spaces, or numbers that are not
/// integers, or it does not read as such a value.
///
/// The fields of the structs have no aliases, and names that stand for themselves in JSON.
pub fn read<'t, T: Deserialize<'t>>(text: &'t str) -> Option<T> {
    let (value, len) = read_first(text)?;
    (len == text.len()).then_some(value)
}

/// The same of a text that goes on behind the value; with the bytes that it has.
pub fn read_first<'t, T: Deserialize<'t>>(text: &'t str) -> Option<(T, usize)> {
    let mut reader = Reader { text, at: 0, depth: 0 };
    let value = T::deserialize(&mut reader).ok()?;
    Some((value, reader.at))
}

/// The text, and how far it is read.
struct Reader<'t> {
    text: &'t str,
    at: usize,
    depth: u8,
}

/// A text of JSON.
enum Text<'t> {
    /// As it stands.
    Plain(&'t str),
    /// With characters that were written in another way.
    Escaped(String),
}

/// An integer of JSON.
enum Integer {
    Unsigned(u64),
    Negative(i64),
}

impl<'t> Reader<'t> {
    fn rest(&self) -> &'t [u8] {
        self.text.as_bytes().get(self.at..).unwrap_or_default()
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn byte(&mut self, byte: u8) -> Result<(), Unknown> {
        if self.peek() != Some(byte) {
            return Err(Unknown);
        }
        self.at += 1;
        Ok(())
    }

    fn word(&mut self, word: &[u8]) -> Result<(), Unknown> {
        if !self.rest().starts_with(word) {
            return Err(Unknown);
        }
        self.at += word.len();
        Ok(())
    }

    fn string(&mut self) -> Result<Text<'t>, Unknown> {
        self.byte(b'"')?;
        let start = self.at;
        self.at += plain_bytes(self.rest()).ok_or(Unknown)?;
        if self.peek() == Some(b'"') {
            let plain = self.text.get(start..self.at).ok_or(Unknown)?;
            self.at += 1;
            return Ok(Text::Plain(plain));
        }
        let mut escaped = false;
        let len = self.rest().iter().position(|byte| {
            let ends = *byte == b'"' && !escaped;
            escaped = *byte == b'\\' && !escaped;
            ends
        });
        self.at += len.ok_or(Unknown)? + 1;
        let token = self.text.get(start - 1..self.at).ok_or(Unknown)?;
        serde_json::from_str(token).map(Text::Escaped).map_err(|_| Unknown)
    }

    fn integer(&mut self) -> Result<Integer, Unknown> {
        let negative = self.peek() == Some(b'-');
        self.at += usize::from(negative);
        let start = self.at;
        let mut number = 0_u64;
        while let Some(digit @ b'0'..=b'9') = self.peek() {
            number = number.checked_mul(10).and_then(|number| number.checked_add(u64::from(digit - b'0'))).ok_or(Unknown)?;
            self.at += 1;
        }
        let digits = self.at - start;
        let leading_zero = digits > 1 && self.text.as_bytes().get(start) == Some(&b'0');
        if digits == 0 || leading_zero || matches!(self.peek(), Some(b'.' | b'e' | b'E')) {
            return Err(Unknown);
        }
        match (negative, number) {
            (false, number) => Ok(Integer::Unsigned(number)),
            // A float for `serde_json`.
            (true, 0) => Err(Unknown),
            (true, number) => 0_i64.checked_sub_unsigned(number).map(Integer::Negative).ok_or(Unknown),
        }
    }

    fn visit_integer<V: Visitor<'t>>(&mut self, visitor: V) -> Result<V::Value, Unknown> {
        match self.integer()? {
            Integer::Unsigned(number) => visitor.visit_u64(number),
            Integer::Negative(number) => visitor.visit_i64(number),
        }
    }

    fn visit_string<V: Visitor<'t>>(&mut self, visitor: V) -> Result<V::Value, Unknown> {
        match self.string()? {
            Text::Plain(text) => visitor.visit_borrowed_str(text),
            Text::Escaped(text) => visitor.visit_string(text),
        }
    }

    fn visit_map<V: Visitor<'t>>(&mut self, visitor: V, fields: &'static [&'static str]) -> Result<V::Value, Unknown> {
        self.within(b'{', |reader| visitor.visit_map(Members { reader, first: true, fields, due: 0 }), b'}')
    }

    fn visit_seq<V: Visitor<'t>>(&mut self, visitor: V) -> Result<V::Value, Unknown> {
        self.within(b'[', |reader| visitor.visit_seq(Items { reader, first: true }), b']')
    }

    /// What stands between two brackets.
    fn within<T>(&mut self, open: u8, read: impl FnOnce(&mut Self) -> Result<T, Unknown>, close: u8) -> Result<T, Unknown> {
        self.byte(open)?;
        if self.depth >= DEPTH_MAX {
            return Err(Unknown);
        }
        self.depth += 1;
        let value = read(self)?;
        self.depth -= 1;
        self.byte(close)?;
        Ok(value)
    }
}

/// Sorts of values that are read alike.
macro_rules! alike {
    ($as:ident: $($method:ident)+) => {$(
        fn $method<V: Visitor<'t>>(self, visitor: V) -> Result<V::Value, Unknown> {
            self.$as(visitor)
        }
    )+};
}

impl<'t> de::Deserializer<'t> for &mut Reader<'t> {
    type Error = Unknown;

    alike!(visit_integer: deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64);
    alike!(visit_integer: deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64 deserialize_f32 deserialize_f64);
    alike!(visit_string: deserialize_str deserialize_string deserialize_char deserialize_identifier);
    alike!(visit_seq: deserialize_seq);
    alike!(deserialize_any: deserialize_bool deserialize_unit deserialize_ignored_any);

    fn deserialize_any<V: Visitor<'t>>(self, visitor: V) -> Result<V::Value, Unknown> {
        match self.peek().ok_or(Unknown)? {
            b'"' => self.visit_string(visitor),
            b'{' => self.visit_map(visitor, &[]),
            b'[' => self.visit_seq(visitor),
            b't' => self.word(b"true").and_then(|()| visitor.visit_bool(true)),
            b'f' => self.word(b"false").and_then(|()| visitor.visit_bool(false)),
            b'n' => self.word(b"null").and_then(|()| visitor.visit_unit()),
            _ => self.visit_integer(visitor),
        }
    }

    fn deserialize_bytes<V: Visitor<'t>>(self, _: V) -> Result<V::Value, Unknown> {
        Err(Unknown)
    }

    fn deserialize_byte_buf<V: Visitor<'t>>(self, _: V) -> Result<V::Value, Unknown> {
        Err(Unknown)
    }

    fn deserialize_option<V: Visitor<'t>>(self, visitor: V) -> Result<V::Value, Unknown> {
        if self.peek() == Some(b'n') {
            self.word(b"null")?;
            return visitor.visit_none();
        }
        visitor.visit_some(self)
    }

    fn deserialize_unit_struct<V: Visitor<'t>>(self, _: &'static str, visitor: V) -> Result<V::Value, Unknown> {
        self.deserialize_any(visitor)
    }

    fn deserialize_newtype_struct<V: Visitor<'t>>(self, name: &'static str, visitor: V) -> Result<V::Value, Unknown> {
        if name.starts_with(PRIVATE) {
            return Err(Unknown);
        }
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_tuple<V: Visitor<'t>>(self, _: usize, visitor: V) -> Result<V::Value, Unknown> {
        self.visit_seq(visitor)
    }

    fn deserialize_tuple_struct<V: Visitor<'t>>(self, _: &'static str, _: usize, visitor: V) -> Result<V::Value, Unknown> {
        self.visit_seq(visitor)
    }

    fn deserialize_map<V: Visitor<'t>>(self, visitor: V) -> Result<V::Value, Unknown> {
        self.visit_map(visitor, &[])
    }

    fn deserialize_struct<V: Visitor<'t>>(
        self,
        name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Unknown> {
        // A struct may stand as a list, too; `serde_json` reads that one.
        if name.starts_with(PRIVATE) { Err(Unknown) } else { self.visit_map(visitor, fields) }
    }

    fn deserialize_enum<V: Visitor<'t>>(self, _: &'static str, _: &'static [&'static str], visitor: V) -> Result<V::Value, Unknown> {
        if self.peek() == Some(b'{') {
            return self.within(b'{', |reader| visitor.visit_enum(Variant { reader }), b'}');
        }
        match self.string()? {
            Text::Plain(name) => visitor.visit_enum(BorrowedStrDeserializer::new(name)),
            Text::Escaped(_) => Err(Unknown),
        }
    }
}

/// The members of an object.
struct Members<'r, 't> {
    reader: &'r mut Reader<'t>,
    first: bool,
    fields: &'static [&'static str],
    /// The field that is due.
    due: usize,
}

impl<'t> Members<'_, 't> {
    /// The number of the field whose name comes next, if one of those that are due does.
    fn due_field(&self) -> Option<usize> {
        let rest = self.reader.rest().strip_prefix(b"\"")?;
        let named = |field: &&str| rest.get(field.len()) == Some(&b'"') && begins_with(rest, field.as_bytes());
        Some(self.due + self.fields.get(self.due..)?.iter().position(named)?)
    }
}

impl<'t> de::MapAccess<'t> for Members<'_, 't> {
    type Error = Unknown;

    fn next_key_seed<K: DeserializeSeed<'t>>(&mut self, seed: K) -> Result<Option<K::Value>, Unknown> {
        if self.reader.peek() == Some(b'}') {
            return Ok(None);
        }
        if !std::mem::take(&mut self.first) {
            self.reader.byte(b',')?;
        }
        if let Some(number) = self.due_field() {
            let name = self.fields.get(number).copied().unwrap_or_default();
            self.reader.at += name.len() + 2;
            self.reader.byte(b':')?;
            self.due = number + 1;
            return seed.deserialize(Field { number, name }).map(Some);
        }
        let key = match self.reader.string()? {
            Text::Plain(key) => seed.deserialize(BorrowedStrDeserializer::new(key)),
            Text::Escaped(key) => seed.deserialize(StringDeserializer::new(key)),
        };
        self.reader.byte(b':')?;
        key.map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'t>>(&mut self, seed: V) -> Result<V::Value, Unknown> {
        seed.deserialize(&mut *self.reader)
    }
}

/// The name of a field, known by its number.
struct Field {
    number: usize,
    name: &'static str,
}

impl<'t> de::Deserializer<'t> for Field {
    type Error = Unknown;

    fn deserialize_identifier<V: Visitor<'t>>(self, visitor: V) -> Result<V::Value, Unknown> {
        visitor.visit_u64(self.number as u64)
    }

    fn deserialize_any<V: Visitor<'t>>(self, visitor: V) -> Result<V::Value, Unknown> {
        visitor.visit_borrowed_str(self.name)
    }

    forward_to_deserialize_any! {
        <V: Visitor<'t>>
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct newtype_struct seq
        tuple tuple_struct map struct enum ignored_any
    }
}

/// The items of a list.
struct Items<'r, 't> {
    reader: &'r mut Reader<'t>,
    first: bool,
}

impl<'t> de::SeqAccess<'t> for Items<'_, 't> {
    type Error = Unknown;

    fn next_element_seed<T: DeserializeSeed<'t>>(&mut self, seed: T) -> Result<Option<T::Value>, Unknown> {
        if self.reader.peek() == Some(b']') {
            // A comma before it is no end.
            return Ok(None);
        }
        if !std::mem::take(&mut self.first) {
            self.reader.byte(b',')?;
        }
        seed.deserialize(&mut *self.reader).map(Some)
    }
}

/// A variant with its content.
struct Variant<'r, 't> {
    reader: &'r mut Reader<'t>,
}

impl<'t> de::EnumAccess<'t> for Variant<'_, 't> {
    type Error = Unknown;
    type Variant = Self;

    fn variant_seed<V: DeserializeSeed<'t>>(self, seed: V) -> Result<(V::Value, Self), Unknown> {
        let variant = seed.deserialize(&mut *self.reader)?;
        self.reader.byte(b':')?;
        Ok((variant, self))
    }
}

impl<'t> de::VariantAccess<'t> for Variant<'_, 't> {
    type Error = Unknown;

    fn unit_variant(self) -> Result<(), Unknown> {
        Deserialize::deserialize(self.reader)
    }

    fn newtype_variant_seed<T: DeserializeSeed<'t>>(self, seed: T) -> Result<T::Value, Unknown> {
        seed.deserialize(self.reader)
    }

    fn tuple_variant<V: Visitor<'t>>(self, _: usize, visitor: V) -> Result<V::Value, Unknown> {
        self.reader.visit_seq(visitor)
    }

    fn struct_variant<V: Visitor<'t>>(self, fields: &'static [&'static str], visitor: V) -> Result<V::Value, Unknown> {
        self.reader.visit_map(visitor, fields)
    }
}
