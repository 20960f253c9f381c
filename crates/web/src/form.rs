//! What was wrong with a form, as its page says it.

use std::collections::BTreeMap;

use http::StatusCode;
use reoclo_control::Refusal;
use reoclo_domain::counted;
use reoclo_http::ApiError;

use crate::page::Standing;

/// A line of what stands at the top of a form that was not taken.
pub(crate) struct Told {
    /// What the field is called on the page.
    pub(crate) label: &'static str,
    /// Where it is.
    pub(crate) href: String,
    /// What is wrong with it: the rest of a sentence that begins with the label.
    pub(crate) text: String,
}

/// The fields of all forms: as requests call them, as pages do, and where they are on the page. They
/// stand in the order that they have in every form that has them; one form has an order of its own.
const PLACES: [(&str, &str, &str); 32] = [
    ("body", "The form", "main"),
    ("email", "E-mail", "email"),
    ("name", "Name", "name"),
    ("slug", "Slug", "slug"),
    ("label", "Label", "label"),
    ("server_ids", "Servers", "server_ids"),
    ("operations", "Operations", "operations"),
    (
        "registry_credential_ids",
        "Registry credentials",
        "registry_credential_ids",
    ),
    ("expires_in", "Expires after", "expires_in"),
    ("ip_allowlist", "IP allowlist", "ip_allowlist"),
    (
        "ip_allowlist_source_ids",
        "Published address lists",
        "ip_allowlist_source_ids",
    ),
    (
        "rate_limit_per_minute",
        "Rate limit",
        "rate_limit_per_minute",
    ),
    ("permissions", "Permissions", "preset"),
    ("preset", "Permissions", "preset"),
    ("role", "Role", "role"),
    ("registry_type", "Registry", "registry_type"),
    ("registry_url", "Address", "registry_url"),
    ("url", "Address", "url"),
    ("field", "Field", "field"),
    ("username", "User name", "username"),
    ("encrypted_credential", "Password or token", "secret"),
    ("description", "Description", "description"),
    (
        "max_key_lifetime_days",
        "Longest life of a new key",
        "max_key_lifetime_days",
    ),
    ("trusted_networks", "Trusted networks", "trusted_networks"),
    ("current_password", "Current password", "current_password"),
    ("new_password", "New password", "new_password"),
    ("password", "Password", "password"),
    ("command", "Command", "command"),
    ("env", "Environment", "command"),
    (
        "working_directory",
        "Working directory",
        "working_directory",
    ),
    ("timeout_seconds", "Time limit", "timeout_seconds"),
    ("checkpoint", "Checkpoint", "checkpoint"),
];

/// The form of the first account asks for the name before the e-mail address, beside which browsers
/// look for the password.
pub(crate) const SETUP_FIRST: [&str; 2] = ["name", "email"];

/// What is wrong with each field, as sentences.
#[derive(Clone, Debug, Default)]
pub(crate) struct Problems {
    fields: BTreeMap<String, String>,
    general: Option<String>,
    status: Standing,
    /// What comes first, where a form has an order of its own.
    first: &'static [&'static str],
}

impl Problems {
    /// What the form's page can say; other refusals are answered as such.
    pub(crate) fn of(refusal: Refusal) -> Result<Self, ApiError> {
        let general = |refusal: &Refusal, status| {
            Ok(Self {
                fields: BTreeMap::new(),
                general: Some(said(refusal)),
                status: Standing {
                    status,
                    retry_after: refusal.retry_after(),
                },
                first: &[],
            })
        };
        match &refusal {
            Refusal::InvalidRequest(invalid) => Ok(Self {
                fields: invalid.fields().iter().map(worded).collect(),
                general: None,
                status: StatusCode::UNPROCESSABLE_ENTITY.into(),
                first: &[],
            }),
            Refusal::Taken { field, detail } => Ok(Self {
                fields: BTreeMap::from([(
                    (*field).to_owned(),
                    format!("cannot be used: {detail}"),
                )]),
                general: None,
                status: StatusCode::CONFLICT.into(),
                first: &[],
            }),
            Refusal::Conflict(_)
            | Refusal::FormTaken
            | Refusal::ServerUnreachable
            | Refusal::RunnerOutdated(_) => general(&refusal, StatusCode::CONFLICT),
            Refusal::InvalidCredentials | Refusal::TemporaryPasswordExpired => {
                general(&refusal, StatusCode::UNAUTHORIZED)
            }
            Refusal::Busy => general(&refusal, StatusCode::SERVICE_UNAVAILABLE),
            Refusal::TooManyAttempts { .. } | Refusal::ServerBusy { .. } => {
                general(&refusal, StatusCode::TOO_MANY_REQUESTS)
            }
            _ => Err(refusal.into()),
        }
    }

    /// Whether there is anything to say at the top of the form.
    pub(crate) fn is_told(&self) -> bool {
        self.general.is_some() || !self.summary().is_empty()
    }

    /// The same for a form in which these fields come first.
    pub(crate) const fn with_first(mut self, first: &'static [&'static str]) -> Self {
        self.first = first;
        self
    }

    /// What is wrong, a field at a time, in the page's words and in the order of the form.
    pub(crate) fn summary(&self) -> Vec<Told> {
        let mut fields: Vec<_> = self.fields.iter().collect();
        fields.sort_by_key(|(field, _)| self.rank(field));
        let fields = fields.into_iter();
        fields
            .filter_map(|(field, text)| told(field, text))
            .collect()
    }

    /// Where a field stands in its form, and which entry of it this is.
    fn rank(&self, field: &str) -> (usize, usize, usize) {
        let (name, part) = split(field);
        let first = self.first.iter().position(|first| *first == name);
        let place = PLACES.iter().position(|(known, _, _)| *known == name);
        let last = usize::MAX;
        let entry = entry(part).unwrap_or_default();
        (first.unwrap_or(last), place.unwrap_or(last), entry)
    }

    /// The status of the page that shows them.
    pub(crate) const fn status(&self) -> Standing {
        self.status
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.about(name).next().is_some()
    }

    /// What is wrong with a field, or with entries of it.
    pub(crate) fn of_field(&self, name: &str) -> Option<String> {
        let texts: Vec<String> = self
            .about(name)
            .map(|(place, problem)| match place {
                Some(place) => format!("Entry {place} {problem}."),
                None => format!("This {problem}."),
            })
            .collect();
        (!texts.is_empty()).then(|| texts.join(" "))
    }

    /// What is wrong with the whole of a field, and not with a part of it.
    pub(crate) fn of_exactly(&self, name: &str) -> Option<String> {
        let problem = self.fields.get(name)?;
        Some(format!("This {problem}."))
    }

    /// What is wrong with none of these fields in particular.
    pub(crate) fn general(&self) -> Option<&str> {
        self.general.as_deref()
    }

    /// Problems of `name`, `name[2]` and `name.part`, with the place in a list from 1.
    fn about<'p>(&'p self, name: &'p str) -> impl Iterator<Item = (Option<String>, &'p str)> {
        self.fields.iter().filter_map(move |(field, problem)| {
            let rest = field.strip_prefix(name)?;
            if rest.is_empty() {
                return Some((None, problem.as_str()));
            }
            if let Some(part) = rest.strip_prefix('.') {
                return Some((Some(part.to_owned()), problem.as_str()));
            }
            let place = rest.strip_prefix('[')?.strip_suffix(']')?;
            let place: usize = place.parse().ok()?;
            Some((Some((place + 1).to_string()), problem.as_str()))
        })
    }
}

fn told(field: &str, text: &str) -> Option<Told> {
    let (name, part) = split(field);
    let (_, label, place) = PLACES.iter().find(|(known, _, _)| *known == name)?;
    let which = match (entry(part), part.strip_prefix('.')) {
        (Some(place), _) => format!("(entry {}) ", place + 1),
        (None, Some(part)) => format!("({part}) "),
        (None, None) => String::new(),
    };
    Some(Told {
        label,
        href: format!("#{place}"),
        text: format!("{which}{text}."),
    })
}

/// A field's name, and which part of it is meant.
fn split(field: &str) -> (&str, &str) {
    match field.find(['[', '.']) {
        Some(end) => field.split_at(end),
        None => (field, ""),
    }
}

/// The place in a list, from 0.
fn entry(part: &str) -> Option<usize> {
    part.strip_prefix('[')?.strip_suffix(']')?.parse().ok()
}

/// The API's sentences speak of what a request has; those that a form can meet are said for it.
fn worded((field, problem): (&String, &String)) -> (String, String) {
    let text: &str = match field.as_str() {
        "server_ids" if problem.contains("all_servers: true") => {
            "must have at least one: tick a server, or allow all servers"
        }
        "server_ids" if problem.contains("all_servers") => {
            "cannot be both: tick servers, or allow all servers"
        }
        "expires_in" if !problem.contains("is longer than") && problem.contains("30d") => {
            "must be one of the choices"
        }
        "operations" if problem.starts_with("must have at least one of") => {
            "must have at least one: tick an operation"
        }
        "permissions" if problem.starts_with("must have at least one") => {
            "must have at least one: tick an action"
        }
        "body" if problem.contains("nothing to change") => "changes nothing",
        _ => problem,
    };
    (field.clone(), text.to_owned())
}

/// The sentences of the API are for programs too; those that people meet often are said for them.
fn said(refusal: &Refusal) -> String {
    let when = wait(refusal.retry_after().unwrap_or_default());
    match refusal {
        Refusal::TooManyAttempts { .. } => too_many_attempts(&when),
        Refusal::ServerBusy { limit, queued } => format!(
            "Nothing was started: the server runs {}, and {queued} {}. Wait for one to end, or try \
             again in {when}.",
            counted(limit, "operation"),
            if *queued == 1 { "waits" } else { "wait" },
        ),
        _ => sentence(&refusal.to_string()),
    }
}

/// What whoever is to wait for `when` is told.
pub(crate) fn too_many_attempts(when: &str) -> String {
    format!(
        "There were too many attempts with a wrong password. Wait {when} and try again: until \
         then the right one is not looked at either. Whoever has forgotten theirs asks an admin \
         for a new one."
    )
}

/// A length as people say it, rounded up.
pub(crate) fn wait(seconds: u64) -> String {
    match seconds {
        0 | 1 => "a second".to_owned(),
        2..=90 => counted(seconds, "second"),
        _ => counted(seconds.div_ceil(60), "minute"),
    }
}

/// With a capital at its beginning and a stop at its end. What begins with an address, a name or
/// another thing that is no word of ours is left as it is: a capital would change it.
pub(crate) fn sentence(text: &str) -> String {
    let stop = if text.ends_with(['.', '!', '?']) {
        ""
    } else {
        "."
    };
    let mut letters = text.chars();
    match letters.next() {
        Some(first) if begins_with_a_word(text) => {
            format!("{}{}{stop}", first.to_uppercase(), letters.as_str())
        }
        _ => format!("{text}{stop}"),
    }
}

fn begins_with_a_word(text: &str) -> bool {
    let first = text.split_ascii_whitespace().next().unwrap_or_default();
    let first = first.trim_end_matches([',', ':', ';', '.']);
    !first.is_empty()
        && first
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte == b'\'')
}

#[cfg(test)]
mod tests;
