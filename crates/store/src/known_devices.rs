//! From where people signed in before, and where their passwords were refused.

use std::net::IpAddr;

use async_recursion::async_recursion as boxed;
use reoclo_domain::{Timestamp, UserId};
use sqlx::AnyConnection;

use crate::audit::NewAuditEvent;
use crate::error::StoreError;
use crate::sql::sql;
use crate::store::Store;
use crate::writer::{Work, Write};

/// Devices and addresses of one person that are remembered: those that were used last.
const MOST_OF_ONE: u32 = 50;
/// Days in UTC, today included, for which refused passwords are kept.
const KEPT_DAYS: i64 = 90;
/// Addresses of one person and day that are told apart; further ones are counted together.
const MOST_ADDRESSES_A_DAY: i64 = 100;
/// Lines that [`Store::refused_passwords`] gives.
const SHOWN: u32 = 20;

/// Passwords of one person that were refused, from one address on one day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefusedPasswords {
    /// Whose account it was.
    pub user: UserId,
    /// The last time.
    pub at: Timestamp,
    /// From where; none is from many or unknown addresses.
    pub ip: Option<IpAddr>,
    /// How often.
    pub tries: u32,
}

struct RememberDevices {
    user: UserId,
    devices: Vec<String>,
    at: Timestamp,
}

impl Write for RememberDevices {
    type Output = ();

    async fn apply(&self, work: &mut Work<'_>) -> Result<(), StoreError> {
        for device in &self.devices {
            sql(
                "INSERT INTO known_devices (user_id, device, last_at) VALUES ($1, $2, $3)
                 ON CONFLICT (user_id, device) DO UPDATE SET last_at = excluded.last_at",
            )
            .bind(self.user)
            .bind(device.as_str())
            .bind(self.at)
            .execute(work.connection().await?)
            .await?;
        }
        sql(
            "DELETE FROM known_devices WHERE user_id = $1 AND device NOT IN
                 (SELECT device FROM known_devices WHERE user_id = $1
                  ORDER BY last_at DESC, device LIMIT $2)",
        )
        .bind(self.user)
        .bind(MOST_OF_ONE)
        .execute(work.connection().await?)
        .await?;
        Ok(())
    }
}

struct RecordRefusedPasswords {
    refused: Vec<RefusedPasswords>,
    events: Vec<NewAuditEvent>,
}

impl Write for RecordRefusedPasswords {
    type Output = ();

    async fn apply(&self, work: &mut Work<'_>) -> Result<(), StoreError> {
        for refused in &self.refused {
            refused.count(work.connection().await?).await?;
        }
        work.audit(&self.events);
        Ok(())
    }
}

impl RefusedPasswords {
    async fn count(&self, connection: &mut AnyConnection) -> Result<(), StoreError> {
        let day = self.at.utc_day();
        sql("DELETE FROM refused_passwords WHERE user_id = $1 AND day <= $2")
            .bind(self.user)
            .bind(day - KEPT_DAYS)
            .execute(connection)
            .await?;
        let address = self.ip.map(|ip| ip.to_string()).unwrap_or_default();
        sql(
            "INSERT INTO refused_passwords (user_id, day, ip, tries, last_at)
             SELECT users.id, $2, CASE WHEN $6 > (SELECT COUNT(*) FROM refused_passwords
                     WHERE user_id = $1 AND day = $2 AND ip <> $3 AND ip <> '') THEN $3 ELSE '' END, $4, $5
             FROM users WHERE users.id = $1
             ON CONFLICT (user_id, day, ip) DO UPDATE
             SET tries = refused_passwords.tries + excluded.tries, last_at = excluded.last_at",
        )
        .bind(self.user)
        .bind(day)
        .bind(address)
        .bind(self.tries)
        .bind(self.at)
        .bind(MOST_ADDRESSES_A_DAY)
        .execute(connection)
        .await?;
        Ok(())
    }
}

impl Store {
    /// From where a person signed in before, each with the last time.
    #[boxed]
    pub async fn known_devices(
        &self,
        user: UserId,
    ) -> Result<Vec<(String, Timestamp)>, StoreError> {
        sql("SELECT device, last_at FROM known_devices WHERE user_id = $1 ORDER BY device")
            .bind(user)
            .all(&mut self.reader().await?, |row| {
                Ok((row.get("device")?, row.get("last_at")?))
            })
            .await
    }

    /// Remembers from where a person signed in. Not audited.
    #[boxed]
    pub async fn remember_devices(
        &self,
        user: UserId,
        devices: Vec<String>,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        self.write(RememberDevices { user, devices, at }).await
    }

    /// Counts passwords that were refused, and appends what the audit log says of them.
    #[boxed]
    pub async fn record_refused_passwords(
        &self,
        refused: Vec<RefusedPasswords>,
        events: Vec<NewAuditEvent>,
    ) -> Result<(), StoreError> {
        self.write(RecordRefusedPasswords { refused, events }).await
    }

    /// The last passwords of a person that were refused, by day and address.
    #[boxed]
    pub async fn refused_passwords(
        &self,
        user: UserId,
    ) -> Result<Vec<RefusedPasswords>, StoreError> {
        sql(
            "SELECT ip, tries, last_at FROM refused_passwords WHERE user_id = $1
             ORDER BY last_at DESC, ip LIMIT $2",
        )
        .bind(user)
        .bind(SHOWN)
        .all(&mut self.reader().await?, |row| {
            Ok(RefusedPasswords {
                user,
                at: row.get("last_at")?,
                ip: row.get::<String>("ip")?.parse().ok(),
                tries: row.get("tries")?,
            })
        })
        .await
    }
}
