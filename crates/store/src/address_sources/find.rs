//! Published lists as rows, and whether an address is in one.

use std::net::IpAddr;

use async_recursion::async_recursion as boxed;
use ipnet::IpNet;
use reoclo_domain::{AddressSourceId, Addresses, OrganizationId, Timestamp};

use super::AddressSourceRecord;
use crate::cache::Effect;
use crate::error::StoreError;
use crate::sql::{Record, Source, sql};
use crate::store::Store;

/// All but the networks.
macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT id, organization_id, name, url, field, entries, revision, checked_at,
                 fetched_at, problem, created_at FROM address_sources ",
            $rest
        )
    };
}

impl AddressSourceRecord {
    fn read(row: &Record) -> Result<Self, StoreError> {
        Ok(Self {
            id: row.get("id")?,
            organization: row.get("organization_id")?,
            name: row.get("name")?,
            url: row.get("url")?,
            field: row.get("field")?,
            entries: row.get("entries")?,
            revision: row.get("revision")?,
            checked_at: row.get("checked_at")?,
            fetched_at: row.get("fetched_at")?,
            problem: row.get("problem")?,
            created_at: row.get("created_at")?,
        })
    }
}

/// Every list, for the cache.
pub(crate) async fn load_all(connection: &mut impl Source) -> Result<Vec<Effect>, StoreError> {
    sql("SELECT id, organization_id, networks FROM address_sources")
        .all(connection, |row| {
            let addresses = row.get::<Vec<IpNet>>("networks")?.iter().collect();
            let organization = row.get("organization_id")?;
            Ok(Effect::ListFetched(row.get("id")?, organization, addresses))
        })
        .await
}

impl Store {
    /// The organization's lists, by name and id.
    #[boxed]
    pub async fn address_sources(
        &self,
        organization: OrganizationId,
    ) -> Result<Vec<AddressSourceRecord>, StoreError> {
        sql(select!("WHERE organization_id = $1 ORDER BY name, id"))
            .bind(organization)
            .all(&mut self.reader().await?, AddressSourceRecord::read)
            .await
    }

    /// One list of the organization.
    #[boxed]
    pub async fn address_source(
        &self,
        organization: OrganizationId,
        id: AddressSourceId,
    ) -> Result<Option<AddressSourceRecord>, StoreError> {
        let row = sql(select!("WHERE organization_id = $1 AND id = $2"))
            .bind(organization)
            .bind(id)
            .optional(&mut self.reader().await?)
            .await?;
        row.as_ref().map(AddressSourceRecord::read).transpose()
    }

    /// The networks of a list.
    #[boxed]
    pub async fn published_networks(
        &self,
        organization: OrganizationId,
        id: AddressSourceId,
    ) -> Result<Option<Vec<IpNet>>, StoreError> {
        let row =
            sql("SELECT networks FROM address_sources WHERE organization_id = $1 AND id = $2")
                .bind(organization)
                .bind(id)
                .optional(&mut self.reader().await?)
                .await?;
        row.map(|row| row.get("networks")).transpose()
    }

    /// Lists of every organization that were last asked for before `moment`, the oldest first.
    #[boxed]
    pub async fn stale_address_sources(
        &self,
        moment: Timestamp,
        limit: u32,
    ) -> Result<Vec<AddressSourceRecord>, StoreError> {
        sql(select!(
            "WHERE checked_at < $1 ORDER BY checked_at, id LIMIT $2"
        ))
        .bind(moment)
        .bind(limit)
        .all(&mut self.reader().await?, AddressSourceRecord::read)
        .await
    }

    /// Whether the address is in one of the organization's lists that are named: from memory on
    /// SQLite; on PostgreSQL, where another replica may have fetched a newer list, after a look
    /// at their revisions. A list that is gone has no address.
    #[boxed]
    pub async fn is_published(
        &self,
        organization: OrganizationId,
        sources: &[AddressSourceId],
        address: IpAddr,
    ) -> Result<bool, StoreError> {
        if sources.is_empty() {
            return Ok(false);
        }
        if let Some(cache) = self.cache() {
            let mut lists = sources.iter();
            return Ok(lists.any(|source| {
                let list = cache.published(organization, *source);
                list.is_some_and(|list| list.contains(address))
            }));
        }
        let mut reader = self.reader().await?;
        let known = sql("SELECT id, revision FROM address_sources WHERE organization_id = $1")
            .bind(organization)
            .all(&mut reader, |row| {
                let id: AddressSourceId = row.get("id")?;
                Ok((id, row.get("revision")?))
            })
            .await?;
        for (source, revision) in known {
            if !sources.contains(&source) {
                continue;
            }
            let list = self.published(source, revision, &mut reader).await?;
            if list.contains(address) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    async fn published(
        &self,
        source: AddressSourceId,
        revision: i64,
        reader: &mut impl Source,
    ) -> Result<Addresses, StoreError> {
        if let Some(addresses) = self.known_lists().published(source, revision) {
            return Ok(addresses);
        }
        let row = sql("SELECT networks, revision FROM address_sources WHERE id = $1")
            .bind(source)
            .optional(reader)
            .await?;
        let Some(row) = row else {
            return Ok(Addresses::default());
        };
        let addresses: Addresses = row.get::<Vec<IpNet>>("networks")?.iter().collect();
        let revision = row.get("revision")?;
        self.known_lists()
            .keep_published(source, revision, addresses.clone());
        Ok(addresses)
    }
}
