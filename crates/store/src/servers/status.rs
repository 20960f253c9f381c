//! Where servers stand, and what their runners say about them.

use async_recursion::async_recursion as boxed;
use reoclo_domain::{ServerId, ServerStatus, Timestamp};
use sqlx::AnyConnection;

use super::HostFacts;
use super::remove::end_runner;
use crate::audit::NewAuditEvent;
use crate::error::StoreError;
use crate::sql::sql;
use crate::store::Store;
use crate::writer::{Work, Write};

struct SetStatus {
    server: ServerId,
    status: ServerStatus,
    at: Timestamp,
    events: Vec<NewAuditEvent>,
}

impl Write for SetStatus {
    type Output = ();

    async fn apply(&self, work: &mut Work<'_>) -> Result<(), StoreError> {
        if !self.write(work.connection().await?).await? {
            return Ok(());
        }
        if self.status == ServerStatus::Decommissioned {
            end_runner(work, self.server).await?;
        }
        work.audit(&self.events);
        Ok(())
    }
}

impl SetStatus {
    /// A runner was there until now when it is active, or when it was and is lost.
    async fn write(&self, connection: &mut AnyConnection) -> Result<bool, StoreError> {
        let found = sql("UPDATE servers SET
                 last_seen_at = CASE WHEN $2 = 'active' OR status = 'active'
                     THEN $3 ELSE last_seen_at END,
                 status = $2
             WHERE id = $1 AND status <> 'decommissioned'")
        .bind(self.server)
        .bind(self.status.as_str())
        .bind(self.at)
        .execute(connection)
        .await?;
        Ok(found > 0)
    }
}

struct RecordFacts {
    server: ServerId,
    facts: HostFacts,
    runner_version: String,
    public_ip: Option<String>,
    at: Timestamp,
}

impl Write for RecordFacts {
    type Output = ();

    async fn apply(&self, work: &mut Work<'_>) -> Result<(), StoreError> {
        let facts = &self.facts;
        sql(
            "UPDATE servers SET hostname = $2, os = $3, kernel = $4, architecture = $5,
                 cpu_cores = $6, ram_mb = $7, disk_gb = $8, docker_version = $9,
                 runner_version = $10, public_ip = $11, last_seen_at = $12
             WHERE id = $1",
        )
        .bind(self.server)
        .bind(facts.hostname.as_str())
        .bind(facts.os.as_str())
        .bind(facts.kernel.as_str())
        .bind(facts.architecture.as_str())
        .bind(facts.cpu_cores)
        .bind(facts.ram_mb)
        .bind(facts.disk_gb)
        .bind(facts.docker_version.as_deref())
        .bind(self.runner_version.as_str())
        .bind(self.public_ip.as_deref())
        .bind(self.at)
        .execute(work.connection().await?)
        .await?;
        Ok(())
    }
}

struct MarkAllUnreachable;

impl Write for MarkAllUnreachable {
    type Output = ();

    async fn apply(&self, work: &mut Work<'_>) -> Result<(), StoreError> {
        sql("UPDATE servers SET status = 'unreachable' WHERE status = 'active'")
            .execute(work.connection().await?)
            .await?;
        Ok(())
    }
}

impl Store {
    /// Records where a server stands. `Decommissioned` is final: it ends the runner's key and
    /// enrolment, and later changes, with their events, are dropped.
    #[boxed]
    pub async fn set_server_status(
        &self,
        server: ServerId,
        status: ServerStatus,
        at: Timestamp,
        events: Vec<NewAuditEvent>,
    ) -> Result<(), StoreError> {
        let write = SetStatus {
            server,
            status,
            at,
            events,
        };
        self.write(write).await
    }

    /// Records what a runner says about its host. Not audited.
    #[boxed]
    pub async fn record_facts(
        &self,
        server: ServerId,
        facts: HostFacts,
        runner_version: String,
        public_ip: Option<String>,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        let write = RecordFacts {
            server,
            facts,
            runner_version,
            public_ip,
            at,
        };
        self.write(write).await
    }

    /// Makes every active server unreachable: at the start nothing is connected yet.
    #[boxed]
    pub async fn mark_all_unreachable(&self) -> Result<(), StoreError> {
        self.write(MarkAllUnreachable).await
    }
}
