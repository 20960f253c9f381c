//! What is wrong with a JSON body, in words that are not a library's.

use reoclo_control::InvalidFields;

const BODY: &str = "body";

/// The problem of a body, under the field's path where there is one.
pub(super) fn problem(path: &str, error: &serde_json::Error) -> InvalidFields {
    if error.is_syntax() || error.is_eof() {
        return InvalidFields::one(BODY, no_json(error));
    }
    let text = error.to_string();
    let text = text.split(" at line ").next().unwrap_or_default();
    let name = quoted(text).unwrap_or_default();
    let inside = |name: &str| match path {
        "." => name.to_owned(),
        path if is_last(path, name) => path.to_owned(),
        path => format!("{path}.{name}"),
    };
    if text.starts_with("missing field") {
        return InvalidFields::one(inside(name), "is missing");
    }
    if text.starts_with("unknown field") {
        return InvalidFields::one(inside(name), "is not a field of this request");
    }
    if text.starts_with("duplicate field") {
        return InvalidFields::one(inside(name), "must be there only once");
    }
    let field = if path == "." { BODY } else { path };
    InvalidFields::one(field, wrong_value(text))
}

fn no_json(error: &serde_json::Error) -> String {
    let (line, column) = (error.line(), error.column());
    let what = if error.is_eof() {
        "it ends too early"
    } else {
        "something in it is not as JSON has it"
    };
    format!("is not valid JSON: {what}, at line {line}, column {column}")
}

fn is_last(path: &str, name: &str) -> bool {
    path == name || path.ends_with(&format!(".{name}"))
}

/// The name between the first pair of backticks.
fn quoted(text: &str) -> Option<&str> {
    text.split('`').nth(1)
}

fn wrong_value(text: &str) -> String {
    let of_serde = [
        "invalid type",
        "invalid value",
        "invalid length",
        "unknown variant",
    ];
    if !of_serde.iter().any(|start| text.starts_with(start)) {
        // A type of ours says it itself.
        return text.to_owned();
    }
    let is_out_of_range = text.starts_with("invalid value: integer");
    match text.rsplit_once("expected ") {
        Some((_, expected)) => format!("must be {}", wanted(expected, is_out_of_range)),
        None => "is not of the right kind".to_owned(),
    }
}

/// What serde expects, as people call it.
fn wanted(expected: &str, is_out_of_range: bool) -> String {
    let expected = expected.trim();
    if let Some(range) = range(expected) {
        return match (is_out_of_range, range) {
            (true, (least, Some(most))) => format!("a whole number from {least} to {most}"),
            (_, (0, _)) => "a whole number, 0 or more".to_owned(),
            _ => "a whole number".to_owned(),
        };
    }
    match expected {
        "f32" | "f64" | "a number" => "a number".to_owned(),
        "a boolean" | "bool" => "true or false".to_owned(),
        "a string" | "a borrowed string" | "string" | "str" | "a character" => "a text".to_owned(),
        "a sequence" | "an array" => "a list".to_owned(),
        "a map" | "map" => "an object".to_owned(),
        "unit" | "null" => "null".to_owned(),
        other if other.starts_with("struct ") || other.starts_with("a tuple") => {
            "an object".to_owned()
        }
        // Enumerations: the values that there are.
        other if other.contains('`') => {
            let values: Vec<&str> = other.split('`').skip(1).step_by(2).collect();
            format!("one of {}", values.join(", "))
        }
        other if other.starts_with("variant") || other.starts_with("enum") => {
            "one of the values that the document names".to_owned()
        }
        other => other.to_owned(),
    }
}

/// The least and the most of a whole number's type.
fn range(kind: &str) -> Option<(i64, Option<i64>)> {
    Some(match kind {
        "i8" => (i8::MIN.into(), Some(i8::MAX.into())),
        "i16" => (i16::MIN.into(), Some(i16::MAX.into())),
        "i32" => (i32::MIN.into(), Some(i32::MAX.into())),
        "i64" => (i64::MIN, Some(i64::MAX)),
        "i128" | "isize" => (i64::MIN, None),
        "u8" => (0, Some(u8::MAX.into())),
        "u16" => (0, Some(u16::MAX.into())),
        "u32" => (0, Some(u32::MAX.into())),
        "u64" | "u128" | "usize" => (0, None),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde::Deserialize;
    use serde::de::DeserializeOwned;

    use crate::body::parse;

    #[derive(Debug, Default, Deserialize)]
    #[serde(default)]
    #[allow(dead_code)]
    struct Sample {
        text: String,
        count: Option<i64>,
        small: u8,
        size: usize,
        share: f64,
        flag: Option<bool>,
        list: Vec<String>,
        env: BTreeMap<String, String>,
        inner: Option<Inner>,
        kind: Option<Kind>,
    }

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[allow(dead_code)]
    struct Inner {
        name: String,
    }

    #[derive(Debug, Deserialize)]
    #[serde(rename_all = "snake_case")]
    #[allow(dead_code)]
    enum Kind {
        One,
        Other,
    }

    fn problem_of<T: DeserializeOwned + std::fmt::Debug>(json: &str) -> String {
        parse::<T>(json.as_bytes()).unwrap_err().to_string()
    }

    #[test]
    fn what_is_expected_is_said_in_plain_words() {
        for (json, said) in [
            (r#"{"text":1}"#, "text must be a text"),
            (r#"{"text":null}"#, "text must be a text"),
            (r#"{"text":{"a":1}}"#, "text must be a text"),
            (r#"{"count":"abc"}"#, "count must be a whole number"),
            (r#"{"count":1.5}"#, "count must be a whole number"),
            (
                r#"{"count":99999999999999999999}"#,
                "count must be a whole number",
            ),
            (r#"{"count":[]}"#, "count must be a whole number"),
            (
                r#"{"small":300}"#,
                "small must be a whole number from 0 to 255",
            ),
            (r#"{"size":"x"}"#, "size must be a whole number, 0 or more"),
            (r#"{"size":-1}"#, "size must be a whole number, 0 or more"),
            (r#"{"share":"half"}"#, "share must be a number"),
            (r#"{"flag":1}"#, "flag must be true or false"),
            (r#"{"list":"a"}"#, "list must be a list"),
            (r#"{"list":{}}"#, "list must be a list"),
            (r#"{"list":["a",1]}"#, "list[1] must be a text"),
            (r#"{"env":[]}"#, "env must be an object"),
            (r#"{"env":"A=1"}"#, "env must be an object"),
            (r#"{"env":{"A":1}}"#, "env.A must be a text"),
            (r#"{"inner":5}"#, "inner must be an object"),
            (r#"{"inner":{}}"#, "inner.name is missing"),
            (
                r#"{"inner":{"name":"a","nmae":1}}"#,
                "inner.nmae is not a field of this request",
            ),
            (r#"{"kind":"third"}"#, "kind must be one of one, other"),
        ] {
            assert_eq!(problem_of::<Sample>(json), said, "{json}");
        }
    }

    #[test]
    fn no_word_of_a_library_is_in_any_problem() {
        let values = [
            "null",
            "true",
            "1",
            "-1",
            "1.5",
            "1e400",
            "\"x\"",
            "[]",
            "[1]",
            "{}",
            "{\"a\":{}}",
            "[",
            "{",
            "\"",
            "nul",
            "01",
            "'x'",
        ];
        let names = [
            "text", "count", "small", "size", "share", "flag", "list", "env", "inner", "kind",
        ];
        for name in names {
            for value in values {
                let json = format!("{{\"{name}\":{value}}}");
                let Err(invalid) = parse::<Sample>(json.as_bytes()) else {
                    continue;
                };
                let said = invalid.to_string();
                for word in [
                    "i64", "u8", "usize", "f64", "sequence", "map", "struct", "expected",
                    "invalid", "unit", "variant", "`", "EOF", "boolean", "string",
                ] {
                    assert!(!said.contains(word), "{json}: {said}");
                }
            }
        }
    }
}
