//! Seeing servers.

use reoclo_domain::{OrganizationId, ServerId, Slug};
use reoclo_store::ServerRecord;

use crate::{Authorized, Control, Refusal, ServersRead};

impl Control {
    /// The server that a path names by its id or slug.
    pub(crate) async fn server_named(
        &self,
        organization: OrganizationId,
        name: &str,
    ) -> Result<ServerId, Refusal> {
        if let Ok(id) = name.parse() {
            return Ok(id);
        }
        let slug: Option<Slug> = name.parse().ok();
        let found = match slug {
            Some(slug) => {
                let store = self.store();
                store.server_of_slug(organization, slug.as_str()).await?
            }
            None => None,
        };
        found.ok_or(Refusal::NotFound("the server"))
    }

    /// The organization's servers by name, without those that were decommissioned.
    pub async fn list_servers(
        &self,
        proof: &Authorized<ServersRead>,
    ) -> Result<Vec<ServerRecord>, Refusal> {
        Ok(self.store().servers(proof.caller().organization()).await?)
    }
}
