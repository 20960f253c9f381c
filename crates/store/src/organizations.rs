//! Organizations: the isolation boundary.

use std::sync::Arc;

use ipnet::IpNet;
use reoclo_domain::{OrganizationId, Role, Timestamp, UserId};
use serde_json::json;
use sqlx::AnyConnection;

use crate::audit::{Actor, AuditOutcome, Chain, NewAuditEvent, RequestSource, Resource, head};
use crate::edit::{Edit, Edited, Rule};
use crate::error::StoreError;
use crate::master_key::MasterKey;
use crate::sql::{Record, sql};
use crate::store::Store;
use crate::users;
use crate::writer::{Work, Write};

/// What the instance's chain says of each other chain; a verification relies on it.
pub(crate) const CHAIN_CREATED: &str = "audit.chain.create";

const TRUSTED_NETWORKS: &str = "trusted_networks";

/// An organization as stored.
#[derive(Clone, Debug, PartialEq, Eq)]
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
        insert(work.connection().await?, &self.new).await?;
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

async fn insert(connection: &mut AnyConnection, new: &NewOrganization) -> Result<(), StoreError> {
    sql("INSERT INTO organizations (id, slug, name, created_at) VALUES ($1, $2, $3, $4)")
        .bind(new.id)
        .bind(new.slug.as_str())
        .bind(new.name.as_str())
        .bind(new.created_at)
        .execute(connection)
        .await?;
    Ok(())
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

impl OrganizationRecord {
    fn read(row: &Record) -> Result<Self, StoreError> {
        Ok(Self {
            id: row.get("id")?,
            slug: row.get("slug")?,
            name: row.get("name")?,
            created_at: row.get("created_at")?,
            max_key_lifetime_days: row.get("max_key_lifetime_days")?,
            trusted_networks: row.get(TRUSTED_NETWORKS)?,
        })
    }
}

struct ChangeOrganization<E> {
    id: OrganizationId,
    rule: Rule<OrganizationRecord, E>,
}

impl<E: Send + 'static> Write for ChangeOrganization<E> {
    type Output = Edited<OrganizationRecord, E>;

    async fn apply(&self, work: &mut Work<'_>) -> Result<Self::Output, StoreError> {
        let row = sql("UPDATE organizations SET name = name WHERE id = $1 RETURNING *")
            .bind(self.id)
            .optional(work.connection().await?)
            .await?;
        let Some(row) = row else {
            return Ok(Edited::Unknown);
        };
        let before = OrganizationRecord::read(&row)?;
        let Edit { record, events } = match (self.rule)(&before) {
            Ok(edit) => edit,
            Err(refused) => return Ok(Edited::Refused(refused)),
        };
        if record != before {
            write(work.connection().await?, &record).await?;
            work.audit(&events);
        }
        Ok(Edited::Is(record))
    }
}

async fn write(
    connection: &mut AnyConnection,
    record: &OrganizationRecord,
) -> Result<(), StoreError> {
    let networks = record.trusted_networks.iter().map(IpNet::to_string);
    let networks = networks.collect::<Vec<_>>().join(" ");
    sql(
        "UPDATE organizations SET name = $2, max_key_lifetime_days = $3, trusted_networks = $4
         WHERE id = $1",
    )
    .bind(record.id)
    .bind(record.name.as_str())
    .bind(record.max_key_lifetime_days)
    .bind(networks)
    .execute(connection)
    .await?;
    Ok(())
}

impl Store {
    /// Changes the name, the maximum lifetime and the networks of an organization, as `rule` says
    /// of it as it is.
    pub async fn change_organization<E: Send + 'static>(
        &self,
        id: OrganizationId,
        rule: impl Fn(&OrganizationRecord) -> Result<Edit<OrganizationRecord>, E>
        + Send
        + Sync
        + 'static,
    ) -> Result<Edited<OrganizationRecord, E>, StoreError> {
        let rule = Box::new(rule);
        self.write(ChangeOrganization { id, rule }).await
    }

    /// Creates an organization and its audit chain; the instance chain records the new chain.
    ///
    /// # Errors
    /// [`Conflict::Slug`](crate::Conflict::Slug) when the slug is taken.
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
    pub async fn organizations(&self) -> Result<Vec<OrganizationRecord>, StoreError> {
        sql("SELECT * FROM organizations ORDER BY slug")
            .all(&mut self.reader().await?, OrganizationRecord::read)
            .await
    }

    /// One organization.
    pub async fn organization(
        &self,
        id: OrganizationId,
    ) -> Result<Option<OrganizationRecord>, StoreError> {
        let row = sql("SELECT * FROM organizations WHERE id = $1")
            .bind(id)
            .optional(&mut self.reader().await?)
            .await?;
        row.as_ref().map(OrganizationRecord::read).transpose()
    }
}
