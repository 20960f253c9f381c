//! Adding a server: its row, and a single-use token that its runner enrols with.

use async_recursion::async_recursion as boxed;
use reoclo_api_types::AddServerRequest;
use reoclo_domain::{DisplayName, OrganizationId, PlainToken, ServerId, Slug, Timestamp};
use reoclo_store::{
    AuditOutcome, Conflict, NewAuditEvent, NewEnrolment, NewServer, ServerRecord, Store, StoreError,
};
use serde_json::json;

use super::Servers;
use crate::audit::{AuditedAction, resource};
use crate::core::Core;
use crate::{Authorized, Caller, InvalidFields, OnceForm, Refusal, ServersWrite};

const SLUG_TRIES: u32 = 1_000;

/// The proof that the request came from whoever owns the machine: over a socket that only they
/// can open.
#[derive(Debug)]
pub struct LocalOwner(());

impl LocalOwner {
    /// Call this only where a request came through `admin.sock`, or from the binary itself.
    pub const fn over_admin_socket() -> Self {
        Self(())
    }
}

/// The id of a server that is to be added, and where.
struct Place {
    store: Store,
    id: ServerId,
}

/// A server that waits for its runner, and what that needs; the token is shown once.
#[derive(Debug)]
pub struct AddedServer {
    /// The server's id.
    pub id: ServerId,
    /// The server's slug.
    pub slug: String,
    /// The token that its runner enrols with.
    pub token: PlainToken,
    /// When the token stops working.
    pub expires_at: Timestamp,
    /// One line to run on the server.
    pub install_command: String,
}

impl Servers<'_> {
    /// Adds a server to the organization, for the owner of this machine.
    #[boxed]
    pub async fn create_for_owner(
        &self,
        _owner: &LocalOwner,
        organization: OrganizationId,
        form: AddServerRequest,
    ) -> Result<AddedServer, Refusal> {
        let place = Place {
            store: self.core.store().clone(),
            id: ServerId::new(self.core.clock(), self.core.entropy()),
        };
        self.create_in(organization, form, place, None).await
    }

    /// Adds a server to the caller's organization; a form with the mark `once` adds one alone.
    #[boxed]
    pub async fn create(
        &self,
        proof: &Authorized<ServersWrite>,
        form: AddServerRequest,
        once: Option<&str>,
    ) -> Result<(AddedServer, ServerRecord), Refusal> {
        let caller = proof.caller();
        let organization = caller.organization();
        let id = ServerId::new(self.core.clock(), self.core.entropy());
        let store = self
            .core
            .store_for(proof, OnceForm::AddServer, once, id.as_uuid());
        let place = Place { store, id };
        let added = self
            .create_in(organization, form, place, Some(caller))
            .await?;
        let found = self.core.store().server(organization, added.id).await?;
        Ok((added, found.ok_or(Refusal::NotFound("the server"))?))
    }

    async fn create_in(
        self,
        organization: OrganizationId,
        form: AddServerRequest,
        Place { store, id }: Place,
        by: Option<&Caller>,
    ) -> Result<AddedServer, Refusal> {
        let (name, slug) = checked(&form)?;
        let (token, enrolment) = self.new_enrolment();
        let expires_at = enrolment.expires_at;
        let slug = if let Some(slug) = slug {
            let server = self.new_server(id, organization, &name, slug);
            self.insert(&store, server, enrolment, by).await?
        } else {
            let plain = Slug::from_text(name.as_str());
            let server = self.new_server(id, organization, &name, plain);
            self.create_with_free_slug(&store, server, enrolment, by)
                .await?
        };
        let install_command = self.install_command(&token);
        Ok(AddedServer {
            id,
            slug: slug.to_string(),
            token,
            expires_at,
            install_command,
        })
    }

    /// A download that fails makes the whole command fail: a pipe alone would end with 0.
    pub(super) fn install_command(self, token: &PlainToken) -> String {
        let url = &self.settings.public_url;
        format!(
            "{{ curl -fsSL {url}/install.sh || echo exit 1; }} | sh -s -- --token {}",
            token.expose()
        )
    }

    fn new_server(
        self,
        id: ServerId,
        organization: OrganizationId,
        name: &DisplayName,
        slug: Slug,
    ) -> NewServer {
        NewServer {
            id,
            organization,
            slug,
            name: name.clone(),
            created_at: self.core.now(),
        }
    }

    async fn create_with_free_slug(
        self,
        store: &Store,
        server: NewServer,
        enrolment: NewEnrolment,
        by: Option<&Caller>,
    ) -> Result<Slug, Refusal> {
        for number in 1..SLUG_TRIES {
            let mut server = server.clone();
            if number > 1 {
                server.slug = server.slug.numbered(number);
            }
            match self.insert(store, server, enrolment, by).await {
                Err(Refusal::Taken { .. }) => {}
                created => return created,
            }
        }
        Err(Refusal::field(
            "slug",
            "must be given: there are too many servers of that name",
        ))
    }

    async fn insert(
        self,
        store: &Store,
        server: NewServer,
        enrolment: NewEnrolment,
        by: Option<&Caller>,
    ) -> Result<Slug, Refusal> {
        let slug = server.slug.clone();
        let event = server_created(self.core, &server, by);
        let created = store.create_server(server, Some(enrolment), vec![event]);
        match created.await {
            Ok(()) => Ok(slug),
            Err(StoreError::Conflict(Conflict::Taken { column: "slug", .. })) => {
                Err(Refusal::Taken {
                    field: "slug",
                    detail: format!("there is a server with the slug {slug} already"),
                })
            }
            Err(error) => Err(Refusal::of_write(error)),
        }
    }
}

/// That a server was made: by a caller, or by the owner of the machine.
pub(crate) fn server_created(
    core: &Core,
    server: &NewServer,
    by: Option<&Caller>,
) -> NewAuditEvent {
    let audited = AuditedAction {
        action: "server.create",
        resource: resource("server", server.id, Some(server.name.as_str())),
        outcome: AuditOutcome::Success,
        detail: json!({ "slug": server.slug.as_str() }),
    };
    match by {
        Some(caller) => core.event_by(caller, audited),
        None => core.event_by_system(Some(server.organization), audited),
    }
}

fn checked(form: &AddServerRequest) -> Result<(DisplayName, Option<Slug>), Refusal> {
    let mut invalid = InvalidFields::default();
    let name = form.name.parse::<DisplayName>();
    let slug = form.slug.as_deref().map(str::parse::<Slug>).transpose();
    if let Err(problem) = &name {
        invalid.add("name", problem.to_string());
    }
    if let Err(problem) = &slug {
        invalid.add("slug", problem.to_string());
    }
    match (name, slug) {
        (Ok(name), Ok(slug)) => Ok((name, slug)),
        _ => Err(Refusal::InvalidRequest(invalid)),
    }
}
