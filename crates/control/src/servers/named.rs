//! Servers by the names that paths have for them.

use reoclo_domain::{OrganizationId, ServerId, Slug};

use crate::Refusal;
use crate::core::Core;

/// The server that a path names by its id or slug.
pub(crate) async fn server_named(
    core: &Core,
    organization: OrganizationId,
    name: &str,
) -> Result<ServerId, Refusal> {
    if let Ok(id) = name.parse() {
        return Ok(id);
    }
    let slug: Option<Slug> = name.parse().ok();
    let found = match slug {
        Some(slug) => {
            let store = core.store();
            store.server_of_slug(organization, slug.as_str()).await?
        }
        None => None,
    };
    found.ok_or(Refusal::NotFound("the server"))
}
