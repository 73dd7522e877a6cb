//! JSON as a tree, with every repeated member found. `serde_json` alone keeps the last of two members with one name; a
//! decision about money must not depend on which one a reader happens to take.

use std::cell::RefCell;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

use crate::problem::below;

/// The tree and the pointers of the members that stand twice. Of a list or object only the first `items_kept` items
/// are kept, which must be more than any may have: a body of half a million wrong items is refused for their number, and explaining
/// each of them would cost a gigabyte.
pub fn parse(json: &str, items_kept: usize) -> Result<(Value, Vec<String>), serde_json::Error> {
    let mut reader = serde_json::Deserializer::from_str(json);
    let found = read(&mut reader, items_kept)?;
    reader.end()?;
    Ok(found)
}

/// Reads one value and the pointers of the members that stand twice in it.
pub fn read<'de, D: Deserializer<'de>>(input: D, items_kept: usize) -> Result<(Value, Vec<String>), D::Error> {
    let repeated = RefCell::new(Vec::new());
    let value = Tree { place: &Place::Root, repeated: &repeated, items_kept }.deserialize(input)?;
    Ok((value, repeated.into_inner()))
}

/// Where the reader is; written out only when something is repeated.
enum Place<'p> {
    Root,
    Member(&'p Place<'p>, &'p str),
    Item(&'p Place<'p>, usize),
}

impl Place<'_> {
    fn pointer(&self) -> String {
        match self {
            Self::Root => String::new(),
            Self::Member(parent, name) => below(&parent.pointer(), name),
            Self::Item(parent, index) => format!("{}/{index}", parent.pointer()),
        }
    }
}

#[derive(Clone, Copy)]
struct Tree<'p> {
    place: &'p Place<'p>,
    repeated: &'p RefCell<Vec<String>>,
    items_kept: usize,
}

impl<'p> Tree<'p> {
    fn at<'q>(&self, place: &'q Place<'q>) -> Tree<'q>
    where
        'p: 'q,
    {
        Tree { place, repeated: self.repeated, items_kept: self.items_kept }
    }
}

impl<'de> DeserializeSeed<'de> for Tree<'_> {
    type Value = Value;
    fn deserialize<D: Deserializer<'de>>(self, input: D) -> Result<Value, D::Error> {
        input.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Tree<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E: Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }
    fn visit_bool<E: Error>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }
    fn visit_i64<E: Error>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }
    fn visit_u64<E: Error>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }
    fn visit_f64<E: Error>(self, value: f64) -> Result<Value, E> {
        Ok(Number::from_f64(value).map_or(Value::Null, Value::Number))
    }
    fn visit_str<E: Error>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }
    fn visit_string<E: Error>(self, value: String) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        loop {
            if list.len() == self.items_kept {
                while items.next_element::<IgnoredAny>()?.is_some() {}
                return Ok(Value::Array(list));
            }
            let place = Place::Item(self.place, list.len());
            match items.next_element_seed(self.at(&place))? {
                Some(item) => list.push(item),
                None => return Ok(Value::Array(list)),
            }
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let mut object = Map::new();
        while let Some(name) = members.next_key::<String>()? {
            if object.len() == self.items_kept {
                members.next_value::<IgnoredAny>()?;
                continue;
            }
            let place = Place::Member(self.place, &name);
            let value = members.next_value_seed(self.at(&place))?;
            if object.contains_key(&name) {
                self.repeated.borrow_mut().push(place.pointer());
            }
            object.insert(name, value);
        }
        Ok(Value::Object(object))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repeated_members_are_found_at_any_depth() {
        let (value, repeated) = parse(r#"{"a":[{"x":1,"x":2},{"x":1}],"b":{"c":{}},"b":null,"b":-1.5}"#, 9).unwrap();
        assert_eq!(value, serde_json::json!({"a":[{"x":2},{"x":1}],"b":-1.5}));
        assert_eq!(repeated, ["/a/0/x", "/b", "/b"]);
    }

    #[test]
    fn what_follows_the_value_is_refused() {
        assert!(parse("{} {}", 9).is_err());
        assert!(parse("", 9).is_err());
    }

    #[test]
    fn long_lists_and_objects_are_cut() {
        assert_eq!(parse("[1,[2,3,4],5,6]", 2).unwrap().0, serde_json::json!([1, [2, 3]]));
        assert_eq!(parse(r#"{"a":1,"b":2,"c":3}"#, 2).unwrap().0, serde_json::json!({"a": 1, "b": 2}));
        assert!(parse("[1,2,3", 2).is_err());
    }
}
