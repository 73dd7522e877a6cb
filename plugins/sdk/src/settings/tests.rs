//! Reading settings: defaults, bounds, every problem with its place, and the schema.

use serde_json::{Value, json};

use super::{Problem, Reader, Settings as _};

crate::settings! {
    /// Parameters of the
    /// tests.
    pub struct Settings {
        /// A number.
        pub hours: u32 = 24, 1..=24, "h";
        /// Money.
        pub auto_max: i64 = 10000, 0..=1000000, "fen";
        /// More money.
        pub supervisor_max: i64 = 50000, 0..=1000000, "fen";
        /// Without bounds.
        pub count: u32 = 3;
        /// A choice.
        pub mode: Mode = Mode::Elapsed;
        /// On or off.
        pub inclusive: bool = false;
        /// An object or nothing.
        pub floor: Option<Floor> = None;
        /// A list.
        pub terms: Vec<Term> = Vec::new(), 0..=2, "terms";
    }
    check = maxima;
}

crate::settings! {
    /// How to count.
    pub enum Mode { Elapsed = "elapsed", CivilDays = "civil-days" }
}

crate::settings! {
    /// A floor.
    pub object Floor {
        /// Share.
        pub bp: u32, 0..=10000, "bp";
        /// Least.
        pub min: i64, 0..=1000;
        /// Most.
        pub max: i64, 0..=1000;
    }
    check = ordered;
}

crate::settings! {
    /// A term.
    pub object Term {
        /// The word.
        pub term: String, 1..=4, "characters";
    }
}

fn maxima(settings: &Settings, reader: &mut Reader) {
    if settings.supervisor_max < settings.auto_max {
        reader.refuse_at("supervisor_max", "must not be below `auto_max`");
    }
}

fn ordered(floor: &Floor, reader: &mut Reader) {
    if floor.max < floor.min {
        reader.refuse_at("max", "must not be below `min`");
    }
}

fn problems(json: &str) -> Vec<(String, String)> {
    let problems = Settings::parse(json).expect_err("settings with problems");
    problems.into_iter().map(|Problem { path, message }| (path, message)).collect()
}

fn paths(json: &str) -> Vec<String> {
    problems(json).into_iter().map(|(path, _)| path).collect()
}

#[test]
fn nothing_given_means_the_defaults() {
    for json in ["", "  ", "{}", " {}\n", "{ }"] {
        assert_eq!(Settings::parse(json), Ok(Settings::default()), "{json:?}");
    }
    assert_eq!(Settings::default().hours, 24);
}

#[test]
fn what_is_given_replaces_its_default_alone() {
    let given = r#"{"hours": 1, "mode": "civil-days", "floor": {"bp": 500, "min": 1, "max": 1}, "terms": [{"term": "最好"}]}"#;
    let settings = Settings::parse(given).expect("good settings");
    assert_eq!(
        settings,
        Settings {
            hours: 1,
            mode: Mode::CivilDays,
            floor: Some(Floor { bp: 500, min: 1, max: 1 }),
            terms: vec![Term { term: "最好".into() }],
            ..Settings::default()
        }
    );
    assert_eq!(Settings::parse(r#"{"floor": null}"#), Ok(Settings::default()));
}

#[test]
fn both_ends_of_the_bounds_are_allowed() {
    for hours in [1, 24] {
        assert!(Settings::parse(&json!({ "hours": hours }).to_string()).is_ok());
    }
    for hours in [0, 25, -1] {
        let expected = [("/hours".to_owned(), "must be between 1 and 24".to_owned())];
        assert_eq!(problems(&json!({ "hours": hours }).to_string()), expected);
    }
    assert!(Settings::parse(r#"{"count": 4294967295}"#).is_ok());
    assert_eq!(paths(r#"{"count": 4294967296}"#), ["/count"]);
}

#[test]
fn every_problem_is_named_at_its_place() {
    let bad = json!({
        "hours": "24", "inclusive": 1, "mode": "days", "a/b~c": 1,
        "floor": {"bp": 10001, "min": 1.5},
        "terms": [{"term": ""}, 7, {"term": "a", "rule": "x"}],
    });
    let mut got = paths(&bad.to_string());
    got.sort();
    assert_eq!(
        got,
        ["/a~1b~0c", "/floor/bp", "/floor/min", "/hours", "/inclusive", "/mode", "/terms", "/terms/0/term", "/terms/1", "/terms/2/rule"]
    );
}

#[test]
fn what_is_missing_in_an_object_is_named() {
    assert_eq!(paths(r#"{"floor": {"bp": 1}}"#), ["/floor/min", "/floor/max"]);
}

#[test]
fn conditions_between_settings_are_checked() {
    assert_eq!(paths(r#"{"auto_max": 60000}"#), ["/supervisor_max"]);
    assert!(Settings::parse(r#"{"auto_max": 50000}"#).is_ok());
    assert_eq!(paths(r#"{"floor": {"bp": 1, "min": 2, "max": 1}}"#), ["/floor/max"]);
}

#[test]
fn what_is_not_an_object_is_refused() {
    for json in ["[]", "7", "null", "\"{}\"", "{", "{}{}", "{\"hours\":24", "{hours:1}"] {
        assert_eq!(paths(json), [""], "{json}");
    }
}

#[test]
fn a_number_too_deep_or_large_is_refused_without_a_trap() {
    assert_eq!(paths(&"[".repeat(100_000)), [""]);
    assert_eq!(paths(r#"{"hours": 1e400}"#), [""]);
    assert_eq!(paths(r#"{"auto_max": 99999999999999999999}"#), ["/auto_max"]);
}

#[test]
fn the_schema_says_what_the_reader_does() {
    let schema: Value = serde_json::from_str(&Settings::schema()).expect("a JSON text");
    assert_eq!(schema["$schema"], "https://json-schema.org/draft/2020-12/schema");
    assert_eq!(schema["additionalProperties"], false);
    assert_eq!(schema["description"], "Parameters of the\n tests.");
    assert_eq!(schema.get("required"), None);
    let hours = json!({"type": "integer", "minimum": 1, "maximum": 24, "default": 24, "description": "A number. Unit: h."});
    assert_eq!(schema["properties"]["hours"], hours);
    assert_eq!(schema["properties"]["mode"]["enum"], json!(["elapsed", "civil-days"]));
    assert_eq!(schema["properties"]["mode"]["default"], "elapsed");
    let floor = &schema["properties"]["floor"]["anyOf"][1];
    assert_eq!(floor["required"], json!(["bp", "min", "max"]));
    assert_eq!(schema["properties"]["terms"]["maxItems"], 2);
    assert_eq!(schema["properties"]["terms"]["items"]["properties"]["term"]["maxLength"], 4);
}
