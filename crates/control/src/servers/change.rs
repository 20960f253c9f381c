//! Changing what a server is called.

use reoclo_domain::{DisplayName, Slug};
use reoclo_store::{AuditOutcome, Conflict, ServerChange, ServerRecord, StoreError};
use serde_json::json;

use crate::audit::{Happening, resource};
use crate::{Authorized, Control, InvalidFields, Refusal, ServersWrite};

/// What is to change; none leaves it as it is.
#[derive(Clone, Debug, Default)]
pub struct ServerForm {
    /// 1 to 100 characters.
    pub name: Option<String>,
    /// 1 to 63 of `a-z`, `0-9` and `-`.
    pub slug: Option<String>,
}

impl Control {
    /// Changes a server of the caller's organization; nothing else about it moves.
    pub async fn change_server(
        &self,
        proof: &Authorized<ServersWrite>,
        reference: &str,
        form: ServerForm,
    ) -> Result<ServerRecord, Refusal> {
        let caller = proof.caller();
        let organization = caller.organization();
        let before = self.find_server(organization, reference).await?;
        let change = checked(&form)?;
        let happening = Happening {
            action: "server.update",
            resource: resource("server", before.id, Some(&before.name)),
            outcome: AuditOutcome::Success,
            detail: json!({ "slug": form.slug, "name": form.name }),
        };
        let event = self.event_by(caller, happening);
        let changed = self
            .store()
            .change_server(organization, before.id, change, vec![event])
            .await;
        match changed {
            Ok(true) => self.find_server(organization, &before.id.to_string()).await,
            Ok(false) => Err(Refusal::NotFound("the server")),
            Err(StoreError::Conflict(Conflict::Slug)) => Err(Refusal::Conflict(format!(
                "there is a server with the slug {} already",
                form.slug.unwrap_or_default()
            ))),
            Err(error) => Err(Refusal::of_write(error)),
        }
    }
}

fn checked(form: &ServerForm) -> Result<ServerChange, Refusal> {
    let mut invalid = InvalidFields::default();
    let name = form.name.as_deref().map(str::parse::<DisplayName>);
    if let Some(Err(problem)) = &name {
        invalid.add("name", problem.to_string());
    }
    let slug = form.slug.as_deref().map(str::parse::<Slug>);
    if let Some(Err(problem)) = &slug {
        invalid.add("slug", problem.to_string());
    }
    if name.is_none() && slug.is_none() {
        invalid.add("body", "names nothing to change: send slug or name");
    }
    invalid.into_result()?;
    Ok(ServerChange {
        name: name.and_then(Result::ok),
        slug: slug.and_then(Result::ok),
    })
}
