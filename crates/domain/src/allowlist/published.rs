//! Lists of networks that somebody publishes, such as those of a CI provider's machines.

use std::collections::HashSet;

use ipnet::IpNet;
use serde_json::Value;

use super::{AllowlistEntry, AllowlistEntryError};

/// The most entries of a list that is published.
pub const MAX_PUBLISHED_ENTRIES: usize = 20_000;

/// Wider networks are nobody's machines, but a mistake that would let everybody in.
const WIDEST_IPV4: u8 = 8;
const WIDEST_IPV6: u8 = 19;
/// How much of an entry that is none is shown.
const SHOWN_CHARS: usize = 60;
/// How many names of an object are shown.
const SHOWN_NAMES: usize = 12;

/// Why an answer is no list of networks.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PublishedListError {
    /// It is neither JSON nor text.
    #[error("the answer is no text")]
    NotText,
    /// It is a page for people.
    #[error("the answer is a web page: name the address of the list itself")]
    WebPage,
    /// It is an object, and nothing says which of its lists is meant.
    #[error("the answer has several fields: say which one holds the networks, such as {0}")]
    FieldNeeded(String),
    /// It has no such field.
    #[error("the answer has no field `{field}`: it has {there}")]
    NoField {
        /// The field that was named.
        field: String,
        /// Those that are there.
        there: String,
    },
    /// A field was named for a list that has none.
    #[error("the answer is a plain list without fields: leave the field out")]
    NoFields,
    /// There is something else than texts in it.
    #[error("the networks must be texts")]
    NotTexts,
    /// An entry is no network.
    #[error("`{entry}` {problem}")]
    Entry {
        /// The entry, cut.
        entry: String,
        /// What is wrong.
        problem: AllowlistEntryError,
    },
    /// An entry would let a large part of the network in.
    #[error(
        "{0} is wider than any provider's network: a /8 of IPv4, or a /19 of IPv6, is the most"
    )]
    TooWide(IpNet),
    /// There is nothing in it.
    #[error("the list is empty")]
    Empty,
    /// There is too much in it.
    #[error("the list has more than {MAX_PUBLISHED_ENTRIES} entries")]
    TooMany,
}

/// Reads a list: JSON (a list of texts, or an object of which `field` names the list, with dots
/// for what lies deeper), or text with an entry a line and comments behind `#` or `;`.
pub fn read_published(
    answer: &[u8],
    field: Option<&str>,
) -> Result<Vec<IpNet>, PublishedListError> {
    let text = std::str::from_utf8(answer).map_err(|_| PublishedListError::NotText)?;
    let text = text.trim_start_matches('\u{feff}').trim();
    let mut entries = Entries::default();
    if text.starts_with(['{', '[']) {
        let json = serde_json::from_str(text).map_err(|_| PublishedListError::NotText)?;
        json_entries(&json, field, &mut entries)?;
    } else if text.starts_with('<') {
        return Err(PublishedListError::WebPage);
    } else if field.is_some() {
        return Err(PublishedListError::NoFields);
    } else {
        for line in text.lines() {
            let line = line.split(['#', ';']).next().unwrap_or_default();
            for entry in line
                .split([' ', '\t', ','])
                .filter(|entry| !entry.is_empty())
            {
                entries.add(entry)?;
            }
        }
    }
    if entries.list.is_empty() {
        return Err(PublishedListError::Empty);
    }
    Ok(entries.list)
}

/// The networks so far, each once.
#[derive(Default)]
struct Entries {
    list: Vec<IpNet>,
    known: HashSet<IpNet>,
}

impl Entries {
    fn add(&mut self, text: &str) -> Result<(), PublishedListError> {
        let network = text.parse::<AllowlistEntry>();
        let network = network.map_err(|problem| PublishedListError::Entry {
            entry: shown(text),
            problem,
        })?;
        let network = network.network();
        let widest = match network {
            IpNet::V4(_) => WIDEST_IPV4,
            IpNet::V6(_) => WIDEST_IPV6,
        };
        if network.prefix_len() < widest {
            return Err(PublishedListError::TooWide(network));
        }
        if self.known.insert(network) {
            self.list.push(network);
        }
        if self.list.len() > MAX_PUBLISHED_ENTRIES {
            return Err(PublishedListError::TooMany);
        }
        Ok(())
    }
}

fn json_entries(
    json: &Value,
    field: Option<&str>,
    entries: &mut Entries,
) -> Result<(), PublishedListError> {
    match (json, field) {
        (Value::Object(object), None) => {
            let lists = object.iter().filter(|(_, value)| value.is_array());
            Err(PublishedListError::FieldNeeded(names(
                lists.map(|(name, _)| name),
            )))
        }
        (Value::Object(_), Some(path)) => within(json, path, path, entries),
        (_, Some(path)) if has_objects(json) => within(json, path, path, entries),
        (_, Some(_)) => Err(PublishedListError::NoFields),
        (list, None) => texts(list, entries),
    }
}

fn has_objects(json: &Value) -> bool {
    json.as_array()
        .is_some_and(|items| items.iter().any(Value::is_object))
}

/// Follows the path; of a list, every item that has the field.
fn within(
    json: &Value,
    path: &str,
    whole: &str,
    entries: &mut Entries,
) -> Result<(), PublishedListError> {
    let (name, rest) = path
        .split_once('.')
        .map_or((path, None), |(name, rest)| (name, Some(rest)));
    match json {
        Value::Array(items) => items
            .iter()
            .filter(|item| item.get(name).is_some())
            .try_for_each(|item| within(item, path, whole, entries)),
        Value::Object(object) => match (object.get(name), rest) {
            (Some(value), Some(rest)) => within(value, rest, whole, entries),
            (Some(value), None) => texts(value, entries),
            (None, _) => Err(no_field(whole, names(object.keys()))),
        },
        _ => Err(no_field(whole, "other fields".to_owned())),
    }
}

fn no_field(field: &str, there: String) -> PublishedListError {
    PublishedListError::NoField {
        field: shown(field),
        there,
    }
}

fn texts(json: &Value, entries: &mut Entries) -> Result<(), PublishedListError> {
    match json {
        Value::String(text) => entries.add(text),
        Value::Array(items) => items.iter().try_for_each(|item| match item {
            Value::String(text) => entries.add(text),
            _ => Err(PublishedListError::NotTexts),
        }),
        _ => Err(PublishedListError::NotTexts),
    }
}

fn names<'n>(names: impl Iterator<Item = &'n String>) -> String {
    let names: Vec<String> = names.take(SHOWN_NAMES).map(|name| shown(name)).collect();
    if names.is_empty() {
        return "none".to_owned();
    }
    names.join(", ")
}

/// A foreign text, cut, with nothing in it that could mislead.
fn shown(text: &str) -> String {
    let chars = text.chars().take(SHOWN_CHARS);
    chars.flat_map(char::escape_debug).collect()
}
