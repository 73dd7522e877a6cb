//! Whether a value would be written as exactly these bytes: each piece is compared where it would be written.

use serde::ser::{self, Serialize};

use super::{PRIVATE, Unknown, begins_with, plain_bytes};

/// Whether `serde_json` writes the value as exactly these bytes. `false` means that it does not, or that it has to be asked: numbers
/// that are not integers and keys that are not texts are not known here.
///
/// The names of fields and variants stand for themselves in JSON.
pub fn is_written_as<T: Serialize + ?Sized>(value: &T, bytes: &[u8]) -> bool {
    let mut same = Same { rest: bytes };
    value.serialize(&mut same).is_ok() && same.rest.is_empty()
}

/// What is left of the bytes.
struct Same<'b> {
    rest: &'b [u8],
}

type Compared = Result<(), Unknown>;

impl Same<'_> {
    #[inline]
    fn byte(&mut self, byte: u8) -> Compared {
        match self.rest.split_first() {
            Some((first, rest)) if *first == byte => {
                self.rest = rest;
                Ok(())
            }
            _ => Err(Unknown),
        }
    }

    #[inline]
    fn bytes(&mut self, bytes: &[u8]) -> Compared {
        if !begins_with(self.rest, bytes) {
            return Err(Unknown);
        }
        self.rest = self.rest.get(bytes.len()..).unwrap_or_default();
        Ok(())
    }

    fn text(&mut self, text: &str) -> Compared {
        if plain_bytes(text.as_bytes()).is_some() {
            return self.bytes(&serde_json::to_vec(text).map_err(|_| Unknown)?);
        }
        self.byte(b'"')?;
        self.bytes(text.as_bytes())?;
        self.byte(b'"')
    }

    /// The name of a field or a variant, which stands for itself.
    #[inline]
    fn name(&mut self, name: &'static str) -> Compared {
        self.byte(b'"')?;
        self.bytes(name.as_bytes())?;
        self.byte(b'"')
    }

    fn unsigned(&mut self, number: u64) -> Compared {
        let mut digits = [0_u8; 20];
        let mut at = digits.len();
        let mut left = number;
        for digit in digits.iter_mut().rev() {
            // A remainder of ten is below ten.
            *digit = b'0' + (left % 10) as u8;
            left /= 10;
            at -= 1;
            if left == 0 {
                break;
            }
        }
        self.bytes(digits.get(at..).unwrap_or_default())
    }
}

/// A list, a map or a struct under way.
struct Items<'s, 'b> {
    same: &'s mut Same<'b>,
    first: bool,
    /// What ends it.
    end: &'static [u8],
}

impl Items<'_, '_> {
    #[inline]
    fn next(&mut self) -> Compared {
        if std::mem::take(&mut self.first) { Ok(()) } else { self.same.byte(b',') }
    }
}

impl<'s, 'b> ser::Serializer for &'s mut Same<'b> {
    type Ok = ();
    type Error = Unknown;
    type SerializeSeq = Items<'s, 'b>;
    type SerializeTuple = Items<'s, 'b>;
    type SerializeTupleStruct = Items<'s, 'b>;
    type SerializeTupleVariant = Items<'s, 'b>;
    type SerializeMap = Items<'s, 'b>;
    type SerializeStruct = Items<'s, 'b>;
    type SerializeStructVariant = Items<'s, 'b>;

    #[inline]
    fn serialize_bool(self, value: bool) -> Compared {
        self.bytes(if value { b"true" } else { b"false" })
    }

    fn serialize_i8(self, value: i8) -> Compared {
        self.serialize_i64(value.into())
    }

    fn serialize_i16(self, value: i16) -> Compared {
        self.serialize_i64(value.into())
    }

    fn serialize_i32(self, value: i32) -> Compared {
        self.serialize_i64(value.into())
    }

    #[inline]
    fn serialize_i64(self, value: i64) -> Compared {
        if value < 0 {
            self.byte(b'-')?;
        }
        self.unsigned(value.unsigned_abs())
    }

    fn serialize_u8(self, value: u8) -> Compared {
        self.unsigned(value.into())
    }

    fn serialize_u16(self, value: u16) -> Compared {
        self.unsigned(value.into())
    }

    fn serialize_u32(self, value: u32) -> Compared {
        self.unsigned(value.into())
    }

    #[inline]
    fn serialize_u64(self, value: u64) -> Compared {
        self.unsigned(value)
    }

    fn serialize_f32(self, _: f32) -> Compared {
        Err(Unknown)
    }

    fn serialize_f64(self, _: f64) -> Compared {
        Err(Unknown)
    }

    fn serialize_char(self, value: char) -> Compared {
        self.text(value.encode_utf8(&mut [0; 4]))
    }

    #[inline]
    fn serialize_str(self, value: &str) -> Compared {
        self.text(value)
    }

    fn serialize_bytes(self, _: &[u8]) -> Compared {
        Err(Unknown)
    }

    #[inline]
    fn serialize_none(self) -> Compared {
        self.bytes(b"null")
    }

    #[inline]
    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Compared {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Compared {
        self.bytes(b"null")
    }

    fn serialize_unit_struct(self, _: &'static str) -> Compared {
        self.bytes(b"null")
    }

    #[inline]
    fn serialize_unit_variant(self, _: &'static str, _: u32, variant: &'static str) -> Compared {
        self.name(variant)
    }

    #[inline]
    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, _: &'static str, value: &T) -> Compared {
        value.serialize(self)
    }

    #[inline]
    fn serialize_newtype_variant<T: Serialize + ?Sized>(self, _: &'static str, _: u32, variant: &'static str, value: &T) -> Compared {
        self.byte(b'{')?;
        self.name(variant)?;
        self.byte(b':')?;
        value.serialize(&mut *self)?;
        self.byte(b'}')
    }

    #[inline]
    fn serialize_seq(self, _: Option<usize>) -> Result<Items<'s, 'b>, Unknown> {
        self.byte(b'[')?;
        Ok(Items { same: self, first: true, end: b"]" })
    }

    fn serialize_tuple(self, len: usize) -> Result<Items<'s, 'b>, Unknown> {
        self.serialize_seq(Some(len))
    }

    fn serialize_tuple_struct(self, _: &'static str, len: usize) -> Result<Items<'s, 'b>, Unknown> {
        self.serialize_seq(Some(len))
    }

    fn serialize_tuple_variant(self, _: &'static str, _: u32, variant: &'static str, _: usize) -> Result<Items<'s, 'b>, Unknown> {
        self.byte(b'{')?;
        self.name(variant)?;
        self.bytes(b":[")?;
        Ok(Items { same: self, first: true, end: b"]}" })
    }

    #[inline]
    fn serialize_map(self, _: Option<usize>) -> Result<Items<'s, 'b>, Unknown> {
        self.byte(b'{')?;
        Ok(Items { same: self, first: true, end: b"}" })
    }

    #[inline]
    fn serialize_struct(self, name: &'static str, len: usize) -> Result<Items<'s, 'b>, Unknown> {
        if name.starts_with(PRIVATE) {
            return Err(Unknown);
        }
        self.serialize_map(Some(len))
    }

    fn serialize_struct_variant(self, _: &'static str, _: u32, variant: &'static str, _: usize) -> Result<Items<'s, 'b>, Unknown> {
        self.byte(b'{')?;
        self.name(variant)?;
        self.bytes(b":{")?;
        Ok(Items { same: self, first: true, end: b"}}" })
    }
}

/// Lists of all sorts are written alike.
macro_rules! lists {
    ($($sort:ident :: $method:ident),+) => {$(
        impl ser::$sort for Items<'_, '_> {
            type Ok = ();
            type Error = Unknown;

            #[inline]
            fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> Compared {
                self.next()?;
                value.serialize(&mut *self.same)
            }

            #[inline]
            fn end(self) -> Compared {
                self.same.bytes(self.end)
            }
        }
    )+};
}

lists!(
    SerializeSeq::serialize_element,
    SerializeTuple::serialize_element,
    SerializeTupleStruct::serialize_field,
    SerializeTupleVariant::serialize_field
);

/// So are structs.
macro_rules! structs {
    ($($sort:ident),+) => {$(
        impl ser::$sort for Items<'_, '_> {
            type Ok = ();
            type Error = Unknown;

            #[inline]
            fn serialize_field<T: Serialize + ?Sized>(&mut self, name: &'static str, value: &T) -> Compared {
                self.next()?;
                self.same.name(name)?;
                self.same.byte(b':')?;
                value.serialize(&mut *self.same)
            }

            #[inline]
            fn end(self) -> Compared {
                self.same.bytes(self.end)
            }
        }
    )+};
}

structs!(SerializeStruct, SerializeStructVariant);

impl ser::SerializeMap for Items<'_, '_> {
    type Ok = ();
    type Error = Unknown;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Compared {
        self.next()?;
        // Of keys that are no texts `serde_json` makes texts.
        if self.same.rest.first() != Some(&b'"') {
            return Err(Unknown);
        }
        key.serialize(&mut *self.same)?;
        self.same.byte(b':')
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Compared {
        value.serialize(&mut *self.same)
    }

    fn end(self) -> Compared {
        self.same.bytes(self.end)
    }
}
