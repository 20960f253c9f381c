//! The parameters behind the `?`.

use axum::extract::{FromRequestParts, Query};
use http::request::Parts;
use reoclo_control::{InvalidFields, Refusal};
use reoclo_domain::{ParsePeriodError, Period, escaped};

use crate::error::ApiError;
use crate::registrar::QueryParameter;

/// Characters of a parameter's name that an error shows.
const SHOWN_NAME: usize = 100;

/// Marks a route that takes the parameters of its document, each once, and no others: a filter
/// that somebody relies on must not be ignored.
#[derive(Clone, Copy, Debug)]
pub(crate) struct KnownQuery(pub(crate) &'static [QueryParameter]);

impl KnownQuery {
    /// Refuses what the route of this request does not take; once it is known who asks.
    pub(crate) fn check(parts: &Parts) -> Result<(), ApiError> {
        let Some(Self(known)) = parts.extensions.get::<Self>() else {
            return Ok(());
        };
        let QueryText(given) = QueryText::of(parts)?;
        let mut invalid = InvalidFields::default();
        for (position, (name, _)) in given.iter().enumerate() {
            if !known.iter().any(|(known, _)| known == name) {
                invalid.add(shown(name), unknown(known));
            } else if given[..position].iter().any(|(other, _)| other == name) {
                invalid.add(name.as_str(), "must be there only once");
            }
        }
        Ok(invalid.into_result()?)
    }
}

fn shown(name: &str) -> String {
    let shown = escaped(name, SHOWN_NAME);
    if shown.is_empty() {
        "a parameter without a name".into()
    } else {
        shown
    }
}

fn unknown(known: &[QueryParameter]) -> String {
    let names: Vec<_> = known.iter().map(|(known, _)| *known).collect();
    if names.is_empty() {
        "is not known here, which takes no parameters".into()
    } else {
        format!("is not known here: there are {}", names.join(", "))
    }
}

/// Parameters by name. An empty one counts as none. Unknown ones are left alone here: the routes
/// that refuse them have a [`KnownQuery`].
#[derive(Debug)]
pub struct QueryText(Vec<(String, String)>);

impl<S: Send + Sync> FromRequestParts<S> for QueryText {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        Self::of(parts)
    }
}

impl QueryText {
    fn of(parts: &Parts) -> Result<Self, ApiError> {
        match Query::try_from_uri(&parts.uri) {
            Ok(Query(parameters)) => Ok(Self(parameters)),
            Err(_) => Err(Refusal::field("query", "is not readable").into()),
        }
    }

    fn get(&self, name: &str) -> Option<&str> {
        let mut values = self.0.iter().filter(|(key, _)| key == name);
        let (_, value) = values.next_back()?;
        Some(value.as_str()).filter(|value| !value.is_empty())
    }
}

/// Reads parameters and collects what is wrong with them.
#[derive(Debug)]
pub struct QueryReader<'q> {
    query: &'q QueryText,
    invalid: InvalidFields,
}

impl<'q> QueryReader<'q> {
    /// Reads from `query`.
    pub fn new(query: &'q QueryText) -> Self {
        Self {
            query,
            invalid: InvalidFields::default(),
        }
    }

    /// The first of `names` that is there, as `parse` reads it.
    pub fn read<T>(
        &mut self,
        names: &[&'static str],
        parse: impl Fn(&str) -> Result<T, String>,
    ) -> Option<T> {
        let (name, text) = names
            .iter()
            .find_map(|name| Some((*name, self.query.get(name)?)))?;
        match parse(text) {
            Ok(value) => Some(value),
            Err(problem) => {
                self.invalid.add(name, problem);
                None
            }
        }
    }

    /// A text that the database can hold.
    pub fn text(&mut self, name: &'static str) -> Option<String> {
        self.read(&[name], |text| {
            if text.contains('\0') {
                Err("must not contain a NUL character".into())
            } else {
                Ok(text.to_owned())
            }
        })
    }

    /// A number from `least` to `most`.
    pub fn number(&mut self, names: &[&'static str], least: i64, most: i64) -> Option<i64> {
        self.read(names, |text| {
            let number = text.parse().ok();
            number
                .filter(|number| (least..=most).contains(number))
                .ok_or_else(|| match most {
                    i64::MAX => format!("must be a whole number, {least} or more"),
                    most => format!("must be a whole number from {least} to {most}"),
                })
        })
    }

    /// Notes a problem that shows only in what other parameters are.
    pub fn refuse(&mut self, name: &'static str, problem: &str) {
        self.invalid.add(name, problem);
    }

    /// Refuses when there was any problem.
    pub fn finish(self) -> Result<(), Refusal> {
        self.invalid.into_result()
    }
}

/// A day or a moment. A `+` that was not encoded arrives as a blank.
pub(crate) fn period(text: &str) -> Result<Period, String> {
    let text = if text.contains(['T', 't']) {
        text.replace(' ', "+")
    } else {
        text.to_owned()
    };
    text.parse()
        .map_err(|problem: ParsePeriodError| problem.to_string())
}
