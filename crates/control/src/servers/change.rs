//! Changing what a server is called.

use async_recursion::async_recursion as boxed;
use reoclo_api_types::ChangeServerRequest;
use reoclo_domain::{DisplayName, Slug};
use reoclo_store::{Conflict, ServerRecord, StoreError};

use super::Servers;
use crate::edit::settled;
use crate::{Authorized, InvalidFields, Refusal, ServersWrite};

impl Servers<'_> {
    /// Changes a server of the caller's organization; nothing else about it moves.
    #[boxed]
    pub async fn change(
        &self,
        proof: &Authorized<ServersWrite>,
        reference: &str,
        form: ChangeServerRequest,
    ) -> Result<ServerRecord, Refusal> {
        let caller = proof.caller();
        let organization = caller.organization();
        let change = checked(&form)?;
        let server = self.find(organization, reference).await?.id;
        let rule = move |before: &ServerRecord| change.applied(before);
        let (store, audit) = (self.core.store(), self.core.audit(caller, "server.update"));
        let changed = store.change_server(organization, server, audit, rule);
        match changed.await {
            Err(StoreError::Conflict(Conflict::Taken { column: "slug", .. })) => {
                Err(Refusal::Taken {
                    field: "slug",
                    detail: format!(
                        "there is a server with the slug {} already",
                        form.slug.unwrap_or_default()
                    ),
                })
            }
            edited => settled(edited, "the server"),
        }
    }
}

/// What is to change, checked but for a name that may be the old one; none leaves it as it is.
struct ServerChange {
    name: Option<String>,
    slug: Option<Slug>,
}

impl ServerChange {
    fn applied(&self, before: &ServerRecord) -> Result<ServerRecord, Refusal> {
        let mut record = before.clone();
        if let Some(name) = &self.name {
            let name = DisplayName::instead_of(&before.name, name)
                .map_err(|problem| Refusal::field("name", problem.to_string()))?;
            name.as_str().clone_into(&mut record.name);
        }
        if let Some(slug) = &self.slug {
            slug.as_str().clone_into(&mut record.slug);
        }
        Ok(record)
    }
}

fn checked(form: &ChangeServerRequest) -> Result<ServerChange, Refusal> {
    let mut invalid = InvalidFields::default();
    let slug = form.slug.as_deref().map(str::parse::<Slug>);
    if let Some(Err(problem)) = &slug {
        invalid.add("slug", problem.to_string());
    }
    if form.name.is_none() && slug.is_none() {
        invalid.add("body", "names nothing to change: send slug or name");
    }
    invalid.into_result()?;
    Ok(ServerChange {
        name: form.name.clone(),
        slug: slug.and_then(Result::ok),
    })
}
