//! Organizations: the isolation boundary.

use std::sync::Arc;

use async_recursion::async_recursion as boxed;
use ipnet::IpNet;
use reoclo_domain::{OrganizationId, Role, Timestamp, UserId};
use serde_json::json;

use crate::audit::{
    Actor, Audit, AuditOutcome, Chain, NewAuditEvent, RequestSource, Resource, head,
};
use crate::edit::{Edited, Rule};
use crate::error::StoreError;
use crate::master_key::MasterKey;
use crate::store::Store;
use crate::table::{self, Table, table};
use crate::users;
use crate::writer::{Work, Write};

/// What the instance's chain says of each other chain; a verification relies on it.
pub(crate) const CHAIN_CREATED: &str = "audit.chain.create";

table! { "organizations", "organization" by OrganizationId =>
    /// An organization as stored.
    pub struct OrganizationRecord {
        /// Its id.
        pub id: OrganizationId,
        /// Its name in addresses; unique in the instance.
        pub slug: String,
        /// Its name for people.
        pub name: String,
        /// When it was created.
        pub created_at: Timestamp,
        /// The longest that a new key may live, in days; none is for ever.
        pub max_key_lifetime_days: Option<u32>,
        /// Networks that are not public and that requests may go to all the same.
        pub trusted_networks: Vec<IpNet>,
    }
}

/// An organization to create.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewOrganization {
    /// Its id.
    pub id: OrganizationId,
    /// Its name in addresses; unique in the instance.
    pub slug: String,
    /// Its name for people.
    pub name: String,
    /// When it is created.
    pub created_at: Timestamp,
}

pub(crate) struct CreateOrganization {
    new: NewOrganization,
    chain_created: NewAuditEvent,
    key: Arc<MasterKey>,
    admin: Option<UserId>,
    events: Vec<NewAuditEvent>,
}

impl Write for CreateOrganization {
    type Output = ();

    async fn apply(&self, work: &mut Work<'_>) -> Result<(), StoreError> {
        let record = OrganizationRecord::from(self.new.clone());
        table::insert(work.connection().await?, &record, None).await?;
        let chain = Chain::Organization(self.new.id);
        head::create(work.connection().await?, chain, &self.key).await?;
        if let Some(admin) = self.admin {
            users::grant(work, self.new.id, admin, Role::Admin).await?;
        }
        work.audit(std::slice::from_ref(&self.chain_created));
        work.audit(&self.events);
        Ok(())
    }
}

impl From<NewOrganization> for OrganizationRecord {
    fn from(new: NewOrganization) -> Self {
        Self {
            id: new.id,
            slug: new.slug,
            name: new.name,
            created_at: new.created_at,
            max_key_lifetime_days: None,
            trusted_networks: Vec::new(),
        }
    }
}

impl Store {
    /// Changes the name, the maximum lifetime and the networks of an organization, as `rule` says
    /// of it as it is.
    #[boxed]
    pub async fn change_organization<E: Send + 'static>(
        &self,
        id: OrganizationId,
        audit: Audit,
        rule: impl Rule<OrganizationRecord, OrganizationRecord, E>,
    ) -> Result<Edited<OrganizationRecord, E>, StoreError> {
        self.edit(id, None, audit, rule).await
    }

    /// Creates an organization and its audit chain; the instance chain records the new chain.
    ///
    /// # Errors
    /// [`Conflict::Taken`](crate::Conflict::Taken) when the slug is taken.
    #[boxed]
    pub async fn create_organization(
        &self,
        new: NewOrganization,
        events: Vec<NewAuditEvent>,
    ) -> Result<(), StoreError> {
        self.write(self.organization_creation(new, None, events))
            .await
    }

    /// Creates an organization with somebody who exists as its admin; errors as for
    /// [`Store::create_organization`].
    #[boxed]
    pub async fn create_organization_with_admin(
        &self,
        new: NewOrganization,
        admin: UserId,
        events: Vec<NewAuditEvent>,
    ) -> Result<(), StoreError> {
        self.write(self.organization_creation(new, Some(admin), events))
            .await
    }

    /// The change that creates an organization with its chain.
    pub(crate) fn organization_creation(
        &self,
        new: NewOrganization,
        admin: Option<UserId>,
        events: Vec<NewAuditEvent>,
    ) -> CreateOrganization {
        let chain_created = NewAuditEvent {
            id: self.event_id(),
            organization: None,
            at: self.clock().now(),
            actor: Actor::system(),
            source: RequestSource::default(),
            action: CHAIN_CREATED,
            resource: Resource {
                kind: "organization",
                id: Some(new.id.to_string()),
                name: Some(new.slug.clone()),
            },
            outcome: AuditOutcome::Success,
            detail: json!({}),
        };
        CreateOrganization {
            new,
            chain_created,
            key: self.shared_master_key(),
            admin,
            events,
        }
    }

    /// Every organization, by slug.
    #[boxed]
    pub async fn organizations(&self) -> Result<Vec<OrganizationRecord>, StoreError> {
        table::select::<OrganizationRecord>("ORDER BY slug")
            .all(&mut self.reader().await?, OrganizationRecord::read)
            .await
    }

    /// One organization.
    #[boxed]
    pub async fn organization(
        &self,
        id: OrganizationId,
    ) -> Result<Option<OrganizationRecord>, StoreError> {
        self.find(id).await
    }
}
