//! The filters of the page, as they stand in its address.

use std::net::IpAddr;

use reoclo_control::{AuditFilter, AuditOutcome};
use reoclo_domain::Period;
use reoclo_http::{QueryReader, QueryText};

use crate::page::encoded;

/// What was typed, kept for the form and for the next page.
#[derive(Clone, Debug, Default)]
pub(super) struct Filters {
    pub(super) action: String,
    pub(super) outcome: String,
    pub(super) ip: String,
    pub(super) from: String,
    pub(super) to: String,
    pub(super) key: String,
    /// What could not be read, and was left out.
    pub(super) problems: Vec<&'static str>,
}

impl Filters {
    pub(super) fn read(query: &QueryText) -> (Self, AuditFilter) {
        let mut reader = QueryReader::new(query);
        let mut text = |name| reader.text(name).unwrap_or_default().trim().to_owned();
        let mut filters = Self {
            action: text("action"),
            outcome: text("outcome"),
            ip: text("ip"),
            from: text("from"),
            to: text("to"),
            key: text("key"),
            problems: Vec::new(),
        };
        let filter = filters.filter();
        (filters, filter)
    }

    fn filter(&mut self) -> AuditFilter {
        let outcome = parsed(&self.outcome, |text| {
            let mut all = AuditOutcome::ALL.into_iter();
            all.find(|outcome| outcome.as_str() == text)
        });
        let ip = parsed(&self.ip, |text| text.parse::<IpAddr>().ok());
        let from = parsed(&self.from, |text| text.parse::<Period>().ok());
        let to = parsed(&self.to, |text| text.parse::<Period>().ok());
        let key = parsed(&self.key, |text| text.parse().ok());
        let mut note = |is_wrong: bool, what| {
            if is_wrong {
                self.problems.push(what);
            }
        };
        note(outcome.is_err(), "the outcome");
        note(ip.is_err(), "the address");
        note(from.is_err(), "the first day");
        note(to.is_err(), "the last day");
        note(key.is_err(), "the key");
        AuditFilter {
            key: key.unwrap_or_default(),
            action: Some(self.action.clone()).filter(|action| !action.is_empty()),
            outcome: outcome.unwrap_or_default(),
            ip: ip.unwrap_or_default().map(|ip| ip.to_canonical()),
            from: from.unwrap_or_default().map(|period| period.first),
            to: to.unwrap_or_default().map(|period| period.last),
            ..AuditFilter::default()
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.pairs().iter().all(|(_, value)| value.is_empty())
    }

    /// The address of the rows before this one.
    pub(super) fn before(&self, seq: i64) -> String {
        let mut address = format!("/audit-log?before={seq}");
        for (name, value) in self.pairs() {
            if !value.is_empty() {
                address.push_str(&format!("&{name}={}", encoded(value)));
            }
        }
        address
    }

    fn pairs(&self) -> [(&'static str, &str); 6] {
        [
            ("action", &self.action),
            ("outcome", &self.outcome),
            ("ip", &self.ip),
            ("from", &self.from),
            ("to", &self.to),
            ("key", &self.key),
        ]
    }
}

/// Nothing for nothing; an error for what cannot be read.
fn parsed<T>(text: &str, parse: impl FnOnce(&str) -> Option<T>) -> Result<Option<T>, ()> {
    if text.is_empty() {
        Ok(None)
    } else {
        parse(text).map(Some).ok_or(())
    }
}
