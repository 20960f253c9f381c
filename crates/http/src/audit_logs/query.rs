//! The filters of the audit log, in every dialect that clients speak.

use std::net::IpAddr;

use reoclo_control::{ActorKind, AuditActor, AuditFilter, AuditLogRequest, AuditOutcome, Refusal};
use reoclo_domain::{IntegrationKeyId, UserId};

use crate::query::{QueryReader, QueryText, period};
use crate::registrar::QueryParameter;

const MAX_PAGE_SIZE: i64 = 200;
const DEFAULT_PAGE_SIZE: i64 = 50;
const MAX_PAGE: i64 = 1_000_000_000;

/// What the document says of them.
pub(super) const PARAMETERS: &[QueryParameter] = &[
    ("page", "The page, from 1."),
    (
        "page_size",
        "The most rows on a page: 1 to 200, or else 50.",
    ),
    ("limit", "Another name of `page_size`."),
    (
        "as_of",
        "The `as_of` of the first page: leaves out rows that were added since. Without it, a \
         later page is that of the log as this key's last first page with the same filters saw it.",
    ),
    (
        "before_seq",
        "The `next_before_seq` of the page before: gets the rows that follow it, exactly and at \
         the same speed however far back. Not with `page`.",
    ),
    (
        "actor_id",
        "The id of the person, key or runner, a person's e-mail address, the name of a key or a \
         server, or `system`.",
    ),
    ("key_id", "The id of the key with which it was done."),
    (
        "action",
        "What was done, such as `operation.start`; `operation` for all that begin so.",
    ),
    ("resource_type", "What kind of thing it was done to."),
    ("resource_id", "That thing's id."),
    ("outcome", "`success`, `failure`, `refused` or `intent`."),
    ("ip", "The client's address."),
    (
        "from_date",
        "The first day or moment, in ISO 8601; UTC where it names no zone.",
    ),
    ("from", "Another name of `from_date`."),
    ("to_date", "The last day or moment, which is included."),
    ("to", "Another name of `to_date`."),
];

/// How a client asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Dialect {
    /// By the document.
    Rest,
    /// As published clients do: who wants more rows than there can be on a page gets as many as
    /// there can.
    Published,
}

pub(super) fn read(query: &QueryText, dialect: Dialect) -> Result<AuditLogRequest, Refusal> {
    let mut reader = QueryReader::new(query);
    let most = match dialect {
        Dialect::Rest => MAX_PAGE_SIZE,
        Dialect::Published => i64::MAX,
    };
    let filter = filter(&mut reader);
    let page = reader.number(&["page"], 1, MAX_PAGE);
    let page_size = reader.number(&["page_size", "limit"], 1, most);
    let as_of = reader.number(&["as_of"], 0, i64::MAX);
    let before_seq = reader.number(&["before_seq"], 0, i64::MAX);
    if before_seq.is_some() && page.is_some_and(|page| page > 1) {
        reader.refuse("page", "cannot be combined with before_seq: leave it out");
    }
    reader.finish()?;
    Ok(AuditLogRequest {
        most_counted: None,
        filter,
        page: page.unwrap_or(1),
        page_size: page_size.unwrap_or(DEFAULT_PAGE_SIZE).min(MAX_PAGE_SIZE),
        as_of,
        before_seq,
    })
}

fn filter(reader: &mut QueryReader<'_>) -> AuditFilter {
    AuditFilter {
        actor: reader.text("actor_id").map(|text| actor(&text)),
        key: reader.read(&["key_id"], |text| {
            let id: IntegrationKeyId = text.parse().map_err(|problem| format!("{problem}"))?;
            Ok(id.as_uuid())
        }),
        action: reader.text("action"),
        resource_kind: reader.text("resource_type"),
        resource_id: reader.text("resource_id"),
        outcome: reader.read(&["outcome"], outcome),
        ip: reader.read(&["ip"], |text| {
            let ip: IpAddr = text.parse().map_err(|_| "is not an IP address")?;
            Ok(ip.to_canonical())
        }),
        from: reader
            .read(&["from_date", "from"], period)
            .map(|period| period.first),
        to: reader
            .read(&["to_date", "to"], period)
            .map(|period| period.last),
    }
}

/// Who is neither an id nor an address or a name of anybody has done nothing, so that the page is empty.
fn actor(text: &str) -> AuditActor {
    if text == ActorKind::System.as_str() {
        return AuditActor::Nameless(ActorKind::System);
    }
    match text.parse::<UserId>() {
        Ok(id) => AuditActor::Id(id.as_uuid()),
        Err(_) if text.contains('@') => AuditActor::Email(text.trim().to_owned()),
        // No address: nobody's key is taken for a person.
        Err(_) => AuditActor::Called(text.trim().to_owned()),
    }
}

fn outcome(text: &str) -> Result<AuditOutcome, String> {
    let found = AuditOutcome::ALL
        .into_iter()
        .find(|outcome| outcome.as_str() == text);
    found.ok_or_else(|| {
        let names = AuditOutcome::ALL.map(AuditOutcome::as_str);
        format!("must be one of {}", names.join(", "))
    })
}
