//! Settings: a merchant's parameters of a policy, defined once as a struct and read from JSON with every problem named.
//!
//! They are parsed in every fresh instance, before every decision. So nothing given (an empty text or `{}`) costs nothing, only what is
//! given is read, and the JSON Schema is made by functions that no component calls and its linker therefore drops.

mod macros;
mod reader;
mod values;

#[cfg(test)]
mod tests;

use serde_json::{Map, Value, json};

pub use reader::{Problem, Reader};

/// Limits of a value, both included: of an integer itself, of the number of characters of a string, of the number of items of a list.
pub type Bounds = Option<(i64, i64)>;

/// A value that stands in settings. Implemented for `bool`, `u32`, `i64`, `String`, `Option` (JSON `null`), `Vec`, and by
/// [`settings!`](crate::settings!) for enums and objects; implement it for whatever else a parameter is.
pub trait Setting: Sized {
    /// Reads the value. What is wrong with it is told to the reader, which knows where it stands; then the answer is `None`.
    fn read(value: &Value, bounds: Bounds, reader: &mut Reader) -> Option<Self>;

    /// The JSON Schema of such a value.
    fn schema(bounds: Bounds) -> Value;

    /// The value as JSON, for the default in the schema.
    fn to_json(&self) -> Value;
}

/// A struct of settings or an object in one, as [`settings!`](crate::settings!) makes it.
pub trait SettingsObject: Sized {
    /// What the settings are, from the struct's documentation.
    const DESCRIPTION: &'static str;

    /// The properties read so far.
    type Draft: Default;

    /// Reads one property; `false` if there is none with this name.
    fn read_property(draft: &mut Self::Draft, name: &str, value: &Value, reader: &mut Reader) -> bool;

    /// The object, once everything was read without a problem.
    fn finish(draft: Self::Draft, reader: &mut Reader) -> Option<Self>;

    /// Writes every property.
    fn write(&self, object: &mut Map<String, Value>);

    /// The schema of each property and the names of those that must be there.
    fn properties() -> (Map<String, Value>, Vec<&'static str>);
}

/// A policy's whole settings.
pub trait Settings: Default + Sized {
    /// Reads settings; an empty text or `{}` gives the defaults. On failure every problem is in the list.
    fn parse(json: &str) -> Result<Self, Vec<Problem>>;

    /// The JSON Schema (2020-12) of the settings as text.
    fn schema() -> String;
}

/// [`Settings::parse`] for every struct of settings.
pub fn parse<S: SettingsObject + Default>(json: &str) -> Result<S, Vec<Problem>> {
    let json = json.trim_ascii();
    if json.is_empty() || json == "{}" {
        return Ok(S::default());
    }
    let mut reader = Reader::new();
    let Ok(value) = serde_json::from_str(json) else {
        reader.refuse("not valid JSON");
        return Err(reader.into_problems());
    };
    match read_object(&value, &mut reader) {
        Some(settings) => Ok(settings),
        None => Err(reader.into_problems()),
    }
}

/// [`Setting::read`] for every struct.
pub fn read_object<S: SettingsObject>(value: &Value, reader: &mut Reader) -> Option<S> {
    let Value::Object(properties) = value else {
        reader.refuse("must be an object");
        return None;
    };
    let before = reader.problem_count();
    let mut draft = S::Draft::default();
    for (name, value) in properties {
        reader.at(name, |reader| {
            if !S::read_property(&mut draft, name, value, reader) {
                reader.refuse("there is no such setting");
            }
        });
    }
    // A check of the whole, or a word on what is missing, would only confuse while a part is wrong.
    if reader.problem_count() > before { None } else { S::finish(draft, reader) }
}

/// [`Setting::schema`] for every struct.
pub fn object_schema<S: SettingsObject>() -> Value {
    let (properties, required) = S::properties();
    let mut schema = json!({
        "type": "object",
        "description": S::DESCRIPTION.trim(),
        "additionalProperties": false,
        "properties": properties,
    });
    if let (Value::Object(schema), false) = (&mut schema, required.is_empty()) {
        schema.insert("required".to_owned(), json!(required));
    }
    schema
}

/// The text of a whole schema.
pub fn describe<S: SettingsObject>() -> String {
    let mut schema = object_schema::<S>();
    if let Value::Object(schema) = &mut schema {
        schema.insert("$schema".to_owned(), json!("https://json-schema.org/draft/2020-12/schema"));
    }
    schema.to_string()
}

/// The schema of one property with its documentation, unit and default.
pub fn property<T: Setting>(description: &str, bounds: Bounds, unit: Option<&str>, default: Option<&T>) -> Value {
    let mut schema = T::schema(bounds);
    if let Value::Object(schema) = &mut schema {
        let description = match unit {
            Some(unit) => format!("{} Unit: {unit}.", description.trim()),
            None => description.trim().to_owned(),
        };
        schema.insert("description".to_owned(), Value::String(description));
        if let Some(default) = default {
            schema.insert("default".to_owned(), default.to_json());
        }
    }
    schema
}

/// For a policy's tests: whether the file holds the schema of these settings. `UPDATE_SCHEMA=1` in the environment writes it instead.
#[cfg(not(target_family = "wasm"))]
pub fn schema_file_is_current<S: Settings>(path: &str) -> Result<(), String> {
    let wanted: Value = serde_json::from_str(&S::schema()).map_err(|error| error.to_string())?;
    if std::env::var_os("UPDATE_SCHEMA").is_some() {
        return std::fs::write(path, format!("{wanted:#}\n")).map_err(|error| format!("`{path}`: {error}"));
    }
    let text = std::fs::read_to_string(path).map_err(|error| format!("`{path}`: {error}"))?;
    let found: Value = serde_json::from_str(&text).map_err(|error| format!("`{path}`: {error}"))?;
    if found == wanted { Ok(()) } else { Err(format!("`{path}` is not the schema of the settings; run the test with UPDATE_SCHEMA=1")) }
}
