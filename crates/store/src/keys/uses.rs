//! Who uses a key, from where, and since when (rule 6).

use std::net::IpAddr;

use async_recursion::async_recursion as boxed;
use reoclo_domain::{OrganizationId, Timestamp};
use sqlx::AnyConnection;

use super::KeyRef;
use crate::error::StoreError;
use crate::sql::{Record, sql};
use crate::store::Store;
use crate::writer::{Work, Write};

/// Days in UTC, today included, for which the uses of a key are kept.
pub const KEPT_USE_DAYS: i64 = 90;
/// Addresses of a key that are counted apart on one day; further ones are counted together, so
/// that whoever has a key and many addresses cannot fill the disk.
pub const MAX_ADDRESSES_A_DAY: u32 = 1000;
/// The most addresses that [`Store::key_usage`] shows: those that were seen last.
const MAX_ADDRESSES_SHOWN: u32 = 1000;

/// That a key was used from an address, on the day of the last time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyUse {
    /// The key.
    pub key: KeyRef,
    /// The last time.
    pub at: Timestamp,
    /// The address.
    pub ip: IpAddr,
    /// What the last client called itself.
    pub user_agent: String,
    /// How often.
    pub count: i64,
}

/// The uses of a key from one address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AddressUsage {
    /// The address; `None` are those beyond [`MAX_ADDRESSES_A_DAY`], together.
    pub ip: Option<IpAddr>,
    /// What the last client called itself.
    pub user_agent: String,
    /// How often.
    pub count: i64,
    /// The first time.
    pub first_used_at: Timestamp,
    /// The last time.
    pub last_used_at: Timestamp,
}

struct RecordKeyUses(Vec<KeyUse>);

impl Write for RecordKeyUses {
    type Output = ();

    async fn apply(&self, work: &mut Work<'_>) -> Result<(), StoreError> {
        let mut pruned = Vec::new();
        for key_use in &self.0 {
            if key_use.set_last(work.connection().await?).await? {
                key_use.count(work.connection().await?).await?;
                if !pruned.contains(&key_use.key) {
                    key_use.prune(work.connection().await?).await?;
                    pruned.push(key_use.key);
                }
            }
        }
        Ok(())
    }
}

impl KeyUse {
    /// Notes the use on the key, unless a later one is noted. `false` for an unknown key.
    async fn set_last(&self, connection: &mut AnyConnection) -> Result<bool, StoreError> {
        let found = sql("UPDATE api_keys SET
                 last_used_ip = CASE WHEN last_used_at > $2 THEN last_used_ip ELSE $3 END,
                 last_used_user_agent =
                     CASE WHEN last_used_at > $2 THEN last_used_user_agent ELSE $4 END,
                 last_used_at = CASE WHEN last_used_at > $2 THEN last_used_at ELSE $2 END
             WHERE id = $1")
        .bind(self.key.as_uuid())
        .bind(self.at)
        .bind(self.ip)
        .bind(self.user_agent.as_str())
        .execute(connection)
        .await?;
        Ok(found > 0)
    }

    /// Counts it for its address, or for all others when the day has too many.
    async fn count(&self, connection: &mut AnyConnection) -> Result<(), StoreError> {
        sql("INSERT INTO key_use_days
                 (key_id, day, ip, uses, first_used_at, last_used_at, user_agent)
             VALUES ($1, $2, CASE
                 WHEN EXISTS (SELECT 1 FROM key_use_days
                     WHERE key_id = $1 AND day = $2 AND ip = $3) THEN $3
                 WHEN (SELECT COUNT(*) FROM key_use_days
                     WHERE key_id = $1 AND day = $2 AND ip <> '') < $7 THEN $3
                 ELSE '' END, $4, $5, $5, $6)
             ON CONFLICT (key_id, day, ip) DO UPDATE SET
                 uses = key_use_days.uses + excluded.uses,
                 user_agent = CASE WHEN key_use_days.last_used_at > excluded.last_used_at
                     THEN key_use_days.user_agent ELSE excluded.user_agent END,
                 first_used_at = CASE WHEN key_use_days.first_used_at < excluded.first_used_at
                     THEN key_use_days.first_used_at ELSE excluded.first_used_at END,
                 last_used_at = CASE WHEN key_use_days.last_used_at > excluded.last_used_at
                     THEN key_use_days.last_used_at ELSE excluded.last_used_at END")
        .bind(self.key.as_uuid())
        .bind(self.at.utc_day())
        .bind(self.ip)
        .bind(self.count)
        .bind(self.at)
        .bind(self.user_agent.as_str())
        .bind(MAX_ADDRESSES_A_DAY)
        .execute(connection)
        .await?;
        Ok(())
    }

    /// Forgets the days that are no longer shown.
    async fn prune(&self, connection: &mut AnyConnection) -> Result<(), StoreError> {
        sql("DELETE FROM key_use_days WHERE key_id = $1 AND day < $2")
            .bind(self.key.as_uuid())
            .bind(first_kept_day(self.at))
            .execute(connection)
            .await?;
        Ok(())
    }
}

fn first_kept_day(now: Timestamp) -> i64 {
    now.utc_day() - KEPT_USE_DAYS + 1
}

impl AddressUsage {
    fn read(row: &Record) -> Result<Self, StoreError> {
        let ip: String = row.get("ip")?;
        let ip = if ip.is_empty() {
            None
        } else {
            Some(row.get("ip")?)
        };
        Ok(Self {
            ip,
            user_agent: row.get("newest_user_agent")?,
            count: row.get("count")?,
            first_used_at: row.get("first_use")?,
            last_used_at: row.get("last_use")?,
        })
    }
}

impl Store {
    /// Adds uses to the counts by address and day; uses of unknown keys are ignored. Not audited.
    #[boxed]
    pub async fn record_key_uses(&self, uses: Vec<KeyUse>) -> Result<(), StoreError> {
        if uses.is_empty() {
            return Ok(());
        }
        self.write(RecordKeyUses(uses)).await
    }

    /// From where a key was used in the last [`KEPT_USE_DAYS`], the address that was seen last
    /// first. Nothing for a key that the organization does not have.
    #[boxed]
    pub async fn key_usage(
        &self,
        organization: OrganizationId,
        key: KeyRef,
        now: Timestamp,
    ) -> Result<Vec<AddressUsage>, StoreError> {
        sql(
            "SELECT ip, CAST(SUM(uses) AS BIGINT) AS count, MIN(first_used_at) AS first_use,
                 MAX(last_used_at) AS last_use,
                 MAX(CASE WHEN place = 1 THEN user_agent END) AS newest_user_agent
             FROM (SELECT ip, uses, first_used_at, key_use_days.last_used_at AS last_used_at,
                     user_agent, ROW_NUMBER() OVER (PARTITION BY ip ORDER BY day DESC) AS place
                 FROM key_use_days JOIN api_keys ON api_keys.id = key_id
                 WHERE key_id = $1 AND kind = $2 AND organization_id = $3 AND day >= $4) AS days
             GROUP BY ip ORDER BY last_use DESC, ip LIMIT $5",
        )
        .bind(key.as_uuid())
        .bind(key.kind().as_str())
        .bind(organization)
        .bind(first_kept_day(now))
        .bind(MAX_ADDRESSES_SHOWN)
        .all(&mut self.reader().await?, AddressUsage::read)
        .await
    }
}
