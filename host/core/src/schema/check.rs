//! The slow path: a JSON tree against a JSON Schema, every problem with its place, in words.

use std::collections::HashSet;

use jsonschema::error::{TypeKind, ValidationErrorKind};
use jsonschema::{Keyword, ValidationError, Validator};
use ombud_rules::civil;
use schemars::generate::SchemaSettings;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::bound::{MAX_BYTES, add_bounds};
use super::contract::CONTRACT;
use super::{Bound, Bounded, strict, text, typed};
use crate::ids::ALLOWED;
use crate::limits::PROBLEMS_MAX;
use crate::problem::{Problem, below, tidy};

/// How the message of a type error begins.
const WRONG_TYPE: &str = "has the wrong type";

/// A table of bounds, by record and field.
pub type Bounds = [(&'static str, &'static [(&'static str, Bound)])];

/// The JSON Schema (2020-12, self-contained) of what `T` reads, with the contract's bounds and those of `own`.
pub fn schema_of<T: schemars::JsonSchema>(own: &Bounds) -> Value {
    let mut schema = SchemaSettings::draft2020_12().into_generator().into_root_schema_for::<T>().to_value();
    add_bounds(&mut schema, CONTRACT);
    add_bounds(&mut schema, own);
    schema
}

/// Reads a record that stands alone, such as a configuration: fast where it is right, with every problem where it is not.
pub fn read<T: DeserializeOwned + Bounded>(body: &[u8], bytes_max: usize, checker: Option<&Checker>) -> Result<T, Vec<Problem>> {
    let text = text::utf8(body, bytes_max).map_err(|problem| vec![problem])?;
    if let Some(record) = typed::from_str::<T>(text).ok().filter(T::within) {
        return Ok(record);
    }
    let mut problems = match checker {
        Some(checker) => checker.check(text, "").map_err(|error| vec![text::malformed(text, text, &error, "")])?.1,
        None => Vec::new(),
    };
    if problems.is_empty() {
        // The two paths disagree, which the property tests exclude. The typed one is the one that decides.
        problems.push(Problem::at("", "does not fit"));
    }
    Err(tidy(problems))
}

/// A schema with its validator.
pub struct Checker {
    schema: Value,
    validator: Validator,
    items_max: usize,
}

impl Checker {
    /// A checker of this schema, in which no list may have more than `items_max` items; none if it is not a schema, which
    /// the tests exclude.
    pub fn new(schema: Value, items_max: usize) -> Option<Self> {
        let validator = jsonschema::options()
            .with_keyword(MAX_BYTES, |_, limit, _| Ok(Box::new(MaxBytes(limit.as_u64().unwrap_or(0)))))
            .with_keyword("format", |_, format, _| Ok(Box::new(Format(format.as_str().unwrap_or_default().to_owned()))))
            .build(&schema)
            .ok()?;
        Some(Self { schema, validator, items_max })
    }

    /// The schema.
    pub fn schema(&self) -> &Value {
        &self.schema
    }

    /// Every problem of a JSON text that is well-formed; `base` is the pointer of its place in the posted body. Gives the
    /// tree too, for checks that no schema can say.
    pub fn check(&self, json: &str, base: &str) -> Result<(Value, Vec<Problem>), serde_json::Error> {
        let (value, repeated) = strict::parse(json, self.items_max + 1)?;
        let mut problems: Vec<Problem> =
            repeated.into_iter().map(|pointer| Problem::at(format!("{base}{pointer}"), "stands more than once")).collect();
        for error in self.validator.iter_errors(&value) {
            self.explain(&error, base, &mut problems);
        }
        // Of a value of the wrong type nothing else needs to be said.
        let mistyped: HashSet<String> =
            problems.iter().filter(|problem| problem.message.starts_with(WRONG_TYPE)).map(|problem| problem.pointer.clone()).collect();
        problems.retain(|problem| problem.message.starts_with(WRONG_TYPE) || !mistyped.contains(&problem.pointer));
        Ok((value, problems))
    }

    /// Turns one validation error into problems.
    fn explain(&self, error: &ValidationError<'_>, base: &str, problems: &mut Vec<Problem>) {
        use ValidationErrorKind as K;
        let place = format!("{base}{}", error.instance_path().as_str());
        // The schema that holds the broken keyword.
        let node = error.schema_path().as_str().rsplit_once('/').and_then(|(node, _)| self.schema.pointer(node)).unwrap_or(&Value::Null);
        let message = match error.kind() {
            K::Required { property } => {
                let name = property.as_str().unwrap_or_default();
                let problem = Problem::at(below(&place, name), "is missing");
                problems.push(self.with_allowed(problem, node.get("properties").and_then(|properties| properties.get(name))));
                return;
            }
            K::AdditionalProperties { unexpected } => {
                let known = node.get("properties").and_then(Value::as_object).map(names).unwrap_or_default();
                problems.extend(
                    unexpected
                        .iter()
                        .take(PROBLEMS_MAX)
                        .map(|name| Problem::at(below(&place, name), "is not a known member").allowed(known.clone())),
                );
                return;
            }
            // A member that may be null: the errors of its other branch are the ones that help.
            K::AnyOf { context } => {
                let only_null = |branch: &&Vec<ValidationError<'static>>| !matches!(branch.first().map(ValidationError::kind), Some(K::Type { kind: TypeKind::Single(kind) }) if kind.to_string() == "null");
                context.iter().filter(only_null).flatten().for_each(|error| self.explain(error, base, problems));
                return;
            }
            K::Type { .. } => format!("{WRONG_TYPE}, {}", type_name(error.instance())),
            K::Enum { .. } | K::Constant { .. } | K::OneOfNotValid { .. } => "is not one of the allowed values".to_owned(),
            K::Minimum { .. } => "is too small".to_owned(),
            K::Maximum { .. } => "is too large".to_owned(),
            K::MinLength { .. } => "is empty".to_owned(),
            K::MaxLength { .. } => "is too long".to_owned(),
            K::MaxItems { .. } => "has too many items".to_owned(),
            K::UniqueItems => "names something more than once".to_owned(),
            K::MaxProperties { .. } => "has too many members".to_owned(),
            K::PropertyNames { .. } => "has a member whose name is too long".to_owned(),
            K::Custom { message, .. } => message.clone(),
            _ => "is not allowed".to_owned(),
        };
        problems.push(self.with_allowed(Problem::at(place, message), Some(node)));
    }

    fn with_allowed(&self, problem: Problem, node: Option<&Value>) -> Problem {
        match node.and_then(|node| self.describe(node)) {
            Some(allowed) => problem.allowed(allowed),
            None => problem,
        }
    }

    /// What a schema allows, in words.
    fn describe(&self, node: &Value) -> Option<String> {
        let number = |key: &str| node.get(key).and_then(Value::as_u64);
        if let Some(target) = node.get("$ref").and_then(Value::as_str).and_then(|target| target.strip_prefix('#')) {
            return self.describe(self.schema.pointer(target)?);
        }
        if let Some(branches) = node.get("anyOf").and_then(Value::as_array) {
            return branches.first().and_then(|branch| self.describe(branch));
        }
        if let Some(branches) = node.get("oneOf").and_then(Value::as_array) {
            return branches.iter().map(|branch| self.describe(branch)).collect::<Option<Vec<_>>>().map(|all| all.join(", "));
        }
        if let Some(value) = node.get("const") {
            return Some(plain(value));
        }
        if let Some(values) = node.get("enum").and_then(Value::as_array) {
            return Some(values.iter().filter(|value| !value.is_null()).map(plain).collect::<Vec<_>>().join(", "));
        }
        if let Some(allowed) = node.get(ALLOWED) {
            return Some(plain(allowed));
        }
        let kind = match node.get("type")? {
            Value::Array(kinds) => kinds.first()?.as_str()?,
            kind => kind.as_str()?,
        };
        Some(match kind {
            "string" => match (number("minLength"), number(MAX_BYTES), number("maxLength"), node.get("format"), node.get("pattern")) {
                (_, _, _, Some(format), _) if format == "date" => "a date of the form YYYY-MM-DD".to_owned(),
                (Some(_), Some(max), ..) => {
                    format!("a string of 1 to {max} bytes without control or invisible characters and without space at its ends")
                }
                (None, Some(max), ..) => format!("a string of at most {max} bytes"),
                (_, None, Some(max), ..) => format!("a string of at most {max} characters"),
                (.., Some(pattern)) => format!("a string that matches {}", plain(pattern)),
                _ => "a string".to_owned(),
            },
            "integer" => match (node.get("minimum"), node.get("maximum")) {
                (Some(min), Some(max)) => format!("a whole number from {} to {}", plain(min), plain(max)),
                _ => "a whole number".to_owned(),
            },
            "boolean" => "true or false".to_owned(),
            "array" => number("maxItems").map_or_else(|| "a list".to_owned(), |max| format!("a list of at most {max} items")),
            "object" => number("maxProperties").map_or_else(|| "an object".to_owned(), |max| format!("an object of at most {max} members")),
            other => other.to_owned(),
        })
    }
}

/// The names of an object's members, as a list in words.
fn names(properties: &Map<String, Value>) -> String {
    properties.keys().map(String::as_str).collect::<Vec<_>>().join(", ")
}

/// A schema's value without quotes.
fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn type_name(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(number) if number.is_f64() => "a number with a fraction or exponent",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

/// `x-max-bytes`: the length of a string in bytes of UTF-8.
struct MaxBytes(u64);

impl<'i> Keyword<'i> for MaxBytes {
    fn validate(&self, value: &'i Value) -> Result<(), ValidationError<'i>> {
        if self.is_valid(value) { Ok(()) } else { Err(ValidationError::custom("is too long")) }
    }

    fn is_valid(&self, value: &'i Value) -> bool {
        value.as_str().is_none_or(|text| text.len() as u64 <= self.0)
    }
}

/// `format`, where the typed records are stricter than JSON Schema: an integer is written without fraction and exponent
/// (1.0 is not one), and a date exists.
struct Format(String);

impl<'i> Keyword<'i> for Format {
    fn validate(&self, value: &'i Value) -> Result<(), ValidationError<'i>> {
        if self.is_valid(value) { Ok(()) } else { Err(ValidationError::custom("is not written as allowed")) }
    }

    fn is_valid(&self, value: &'i Value) -> bool {
        match (self.0.as_str(), value) {
            ("int32" | "int64" | "uint32" | "uint64", Value::Number(number)) => !number.is_f64(),
            ("date", Value::String(text)) => civil::parse_iso_date(text).is_some(),
            _ => true,
        }
    }
}
