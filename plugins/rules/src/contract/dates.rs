//! Civil dates on the wire: ISO strings in JSON, day numbers (days since 1970-01-01) in the contract.

use std::fmt;

use serde::de::{Error, Visitor};
use serde::{Deserialize, Deserializer, Serializer};

use crate::civil;

pub fn serialize<S: Serializer>(days: &[i32], out: S) -> Result<S::Ok, S::Error> {
    out.collect_seq(days.iter().map(|day| civil::iso_date(*day)))
}

pub fn deserialize<'de, D: Deserializer<'de>>(input: D) -> Result<Vec<i32>, D::Error> {
    Vec::<Day>::deserialize(input).map(|days| days.into_iter().map(|Day(day)| day).collect())
}

/// A date, read without keeping its text: a calendar has a hundred of them.
struct Day(i32);

impl<'de> Deserialize<'de> for Day {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        input.deserialize_str(Written)
    }
}

struct Written;

impl Visitor<'_> for Written {
    type Value = Day;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a date of the form YYYY-MM-DD")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Day, E> {
        let unknown = || E::custom(format!("`{text}` is not a date of the form YYYY-MM-DD"));
        civil::parse_iso_date(text).map(Day).ok_or_else(unknown)
    }
}
