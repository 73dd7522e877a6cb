//! Civil dates on the wire: ISO strings in JSON, day numbers (days since 1970-01-01) in the contract.

use serde::de::Error;
use serde::{Deserialize, Deserializer, Serializer};

use crate::civil;

pub fn serialize<S: Serializer>(days: &[i32], out: S) -> Result<S::Ok, S::Error> {
    out.collect_seq(days.iter().map(|day| civil::iso_date(*day)))
}

pub fn deserialize<'de, D: Deserializer<'de>>(input: D) -> Result<Vec<i32>, D::Error> {
    Vec::<std::borrow::Cow<'de, str>>::deserialize(input)?
        .iter()
        .map(|text| civil::parse_iso_date(text).ok_or_else(|| D::Error::custom(format!("`{text}` is not a date of the form YYYY-MM-DD"))))
        .collect()
}
