//! How a change that was decided in the store's own transaction ended, for whoever asked.

use reoclo_store::{Edited, StoreError};

use crate::Refusal;

/// The record as it is now, or as it was when it was removed. `what` is missing when there is none.
pub(crate) fn settled<T>(
    edited: Result<Edited<T, Refusal>, StoreError>,
    what: &'static str,
) -> Result<T, Refusal> {
    match edited.map_err(Refusal::of_write)? {
        Edited::Is(record) | Edited::Removed(record) => Ok(record),
        Edited::Refused(refusal) => Err(refusal),
        Edited::Unknown => Err(Refusal::NotFound(what)),
    }
}
