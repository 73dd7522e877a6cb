//! The values that need no definition of their own.

use serde_json::{Value, json};

use super::{Bounds, Reader, Setting};

impl Setting for bool {
    fn read(value: &Value, _bounds: Bounds, reader: &mut Reader) -> Option<Self> {
        let read = value.as_bool();
        if read.is_none() {
            reader.refuse("must be true or false");
        }
        read
    }

    fn schema(_bounds: Bounds) -> Value {
        json!({"type": "boolean"})
    }

    fn to_json(&self) -> Value {
        Value::Bool(*self)
    }
}

impl Setting for i64 {
    fn read(value: &Value, bounds: Bounds, reader: &mut Reader) -> Option<Self> {
        let Some(number) = value.as_i64() else {
            reader.refuse("must be an integer");
            return None;
        };
        within(number, bounds, "must be", reader).then_some(number)
    }

    fn schema(bounds: Bounds) -> Value {
        let (min, max) = bounds.unwrap_or((i64::MIN, i64::MAX));
        json!({"type": "integer", "minimum": min, "maximum": max})
    }

    fn to_json(&self) -> Value {
        json!(self)
    }
}

impl Setting for u32 {
    fn read(value: &Value, bounds: Bounds, reader: &mut Reader) -> Option<Self> {
        let number = i64::read(value, Self::bounds(bounds), reader)?;
        Self::try_from(number).ok()
    }

    fn schema(bounds: Bounds) -> Value {
        i64::schema(Self::bounds(bounds))
    }

    fn to_json(&self) -> Value {
        json!(self)
    }
}

/// The bounds of an integer that has none of its own are those of its type.
trait Range {
    fn bounds(bounds: Bounds) -> Bounds;
}

impl Range for u32 {
    fn bounds(bounds: Bounds) -> Bounds {
        bounds.or(Some((0, i64::from(u32::MAX))))
    }
}

impl Setting for String {
    fn read(value: &Value, bounds: Bounds, reader: &mut Reader) -> Option<Self> {
        let Some(text) = value.as_str() else {
            reader.refuse("must be a string");
            return None;
        };
        within(text.chars().count() as i64, bounds, "the number of characters must be", reader).then(|| text.to_owned())
    }

    fn schema(bounds: Bounds) -> Value {
        match bounds {
            Some((min, max)) => json!({"type": "string", "minLength": min, "maxLength": max}),
            None => json!({"type": "string"}),
        }
    }

    fn to_json(&self) -> Value {
        json!(self)
    }
}

impl<T: Setting> Setting for Option<T> {
    fn read(value: &Value, bounds: Bounds, reader: &mut Reader) -> Option<Self> {
        if value.is_null() { Some(None) } else { T::read(value, bounds, reader).map(Some) }
    }

    fn schema(bounds: Bounds) -> Value {
        json!({"anyOf": [{"type": "null"}, T::schema(bounds)]})
    }

    fn to_json(&self) -> Value {
        self.as_ref().map_or(Value::Null, T::to_json)
    }
}

/// The bounds are those of the number of items; the items' own are part of their type.
impl<T: Setting> Setting for Vec<T> {
    fn read(value: &Value, bounds: Bounds, reader: &mut Reader) -> Option<Self> {
        let Value::Array(items) = value else {
            reader.refuse("must be a list");
            return None;
        };
        let fits = within(items.len() as i64, bounds, "the number of items must be", reader);
        let mut list = Self::with_capacity(if fits { items.len() } else { 0 });
        let mut complete = fits;
        for (index, item) in items.iter().enumerate() {
            match reader.at(&index.to_string(), |reader| T::read(item, None, reader)) {
                Some(item) => list.push(item),
                None => complete = false,
            }
        }
        complete.then_some(list)
    }

    fn schema(bounds: Bounds) -> Value {
        match bounds {
            Some((min, max)) => json!({"type": "array", "items": T::schema(None), "minItems": min, "maxItems": max}),
            None => json!({"type": "array", "items": T::schema(None)}),
        }
    }

    fn to_json(&self) -> Value {
        self.iter().map(T::to_json).collect()
    }
}

/// Whether the number is within its bounds; if not, says so.
fn within(number: i64, bounds: Bounds, what: &str, reader: &mut Reader) -> bool {
    let Some((min, max)) = bounds else { return true };
    let fits = (min..=max).contains(&number);
    if !fits {
        reader.refuse(&[what, " between ", &min.to_string(), " and ", &max.to_string()].concat());
    }
    fits
}
