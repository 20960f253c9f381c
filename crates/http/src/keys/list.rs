use axum::extract::State;
use reoclo_control::{Authorized, Control, KeyListRequest, KeyRef, ManagesKeys, Refusal};
use reoclo_domain::{KeyStatus, UserId};

use super::{Extras, ShowsKeys};
use crate::answer::List;
use crate::error::ApiError;
use crate::query::{QueryReader, QueryText};
use crate::registrar::QueryParameter;

const MAX_LIMIT: i64 = 1000;
const MAX_SEARCH_CHARS: usize = 100;

/// What the document says of them.
pub(super) const PARAMETERS: &[QueryParameter] = &[
    ("status", "`active`, `expired` or `revoked`."),
    (
        "search",
        "Something that the label, the name or the shown prefix has in it.",
    ),
    ("created_by", "The id of the person who made them."),
    (
        "limit",
        "The most keys in the answer: 1 to 1000, or else 1000.",
    ),
    (
        "before",
        "The id of the last key of the answer before: gets the older ones.",
    ),
];

pub(super) async fn list<P: ShowsKeys>(
    proof: Authorized<P>,
    State(control): State<Control>,
    query: QueryText,
) -> Result<List<P::Body>, ApiError> {
    let request = read::<P>(&query)?;
    let found = control.keys().list(&proof, request).await?;
    let keys = found.keys.iter();
    let bodies = keys.filter_map(|key| P::body(key, Extras::default()));
    Ok(List(bodies.collect()))
}

fn read<P: ManagesKeys>(query: &QueryText) -> Result<KeyListRequest, Refusal> {
    let mut reader = QueryReader::new(query);
    let status = reader.read(&["status"], status);
    let search = reader.text("search");
    if search
        .as_ref()
        .is_some_and(|text| text.chars().count() > MAX_SEARCH_CHARS)
    {
        reader.refuse("search", "must be at most 100 characters");
    }
    let creator = reader.read(&["created_by"], |text| {
        text.parse::<UserId>()
            .map_err(|problem| problem.to_string())
    });
    let before = reader.read(&["before"], |text| {
        P::key(text).map_err(|problem| problem.to_string())
    });
    let limit = reader.number(&["limit"], 1, MAX_LIMIT).unwrap_or(MAX_LIMIT);
    reader.finish()?;
    Ok(KeyListRequest {
        status,
        search,
        creator,
        before: before.map(KeyRef::as_uuid),
        limit: u32::try_from(limit).unwrap_or(u32::MAX),
    })
}

fn status(text: &str) -> Result<KeyStatus, String> {
    let found = KeyStatus::ALL
        .into_iter()
        .find(|status| status.as_str() == text);
    found.ok_or_else(|| {
        let names = KeyStatus::ALL.map(KeyStatus::as_str);
        format!("must be one of {}", names.join(", "))
    })
}
