//! Operations of an earlier time, in the database of an instance that has ended.
//!
//! Their rows are as the control plane leaves them. The audit log is appended to by the store, so
//! that its chain is whole; the operations themselves are made by the database in one statement
//! for many.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result};
use reoclo_domain::{
    AuditEventId, Clock, Entropy, OrganizationId, PlainToken, RequestId, ServerId, Timestamp,
};
use reoclo_store::{Actor, ActorKind, AuditOutcome, NewAuditEvent, RequestSource, Resource, Store};
use serde_json::json;
use sqlx::any::install_default_drivers;
use sqlx::{AnyConnection, Connection, query};

use crate::instance::Instance;
use crate::lab::runtime;
use crate::{ambient, database};

/// Operations whose audit rows are appended in one transaction.
const BATCH: usize = 2000;
/// All of them lie within this time, which ended before now.
const SPAN: Duration = Duration::from_hours(24 * 30);
/// The most operations that there will be in that time.
const MOST: usize = 1_000_000;
/// Every so many have failed, and wrote something to say so.
const FAILS_EVERY: usize = 50;

/// Fills the database of one instance, little by little.
pub(crate) struct Filler {
    organization: OrganizationId,
    server: ServerId,
    key: String,
    begin: i64,
    filled: usize,
}

impl Filler {
    /// For this instance's organization, server and automation key.
    pub(crate) fn new(instance: &Instance) -> Result<Self> {
        Ok(Self {
            organization: instance.organization().parse()?,
            server: instance.server().parse()?,
            key: instance.automation_key()?.to_owned(),
            begin: ambient::clock().now().minus(SPAN).as_micros(),
            filled: 0,
        })
    }

    /// Adds operations until there are `count`, each with its two audit rows.
    pub(crate) fn fill(&mut self, data_dir: &Path, count: usize) -> Result<()> {
        runtime()?.block_on(self.fill_to(data_dir, count))
    }

    async fn fill_to(&mut self, data_dir: &Path, count: usize) -> Result<()> {
        let store = database::reopen(data_dir).await?;
        let found = store
            .find_key(&PlainToken::parse(&self.key)?.hash())
            .await?;
        let found = found.context("the automation key is not stored")?;
        let actor = Actor {
            kind: ActorKind::AutomationKey,
            id: Some(found.key_ref().as_uuid()),
            label: "bench".to_owned(),
        };
        self.append_audit(&store, &actor, count).await?;
        store.close().await;
        self.insert(data_dir, &actor, count).await?;
        self.filled = count;
        Ok(())
    }

    async fn append_audit(&self, store: &Store, actor: &Actor, count: usize) -> Result<()> {
        let (clock, entropy) = (ambient::clock(), ambient::entropy());
        let places: Vec<usize> = (self.filled..count).collect();
        for batch in places.chunks(BATCH) {
            let events = batch
                .iter()
                .flat_map(|place| self.events(actor, *place, &*clock, &*entropy));
            store.append_audit(events.collect()).await?;
        }
        Ok(())
    }

    /// As `operation.start` and `operation.end` are written.
    fn events(
        &self,
        actor: &Actor,
        place: usize,
        clock: &dyn Clock,
        entropy: &dyn Entropy,
    ) -> [NewAuditEvent; 2] {
        let event = |action, outcome, source, detail| NewAuditEvent {
            id: AuditEventId::new(clock, entropy),
            organization: Some(self.organization),
            at: Timestamp::from_micros(self.created_at(place)),
            actor: actor.clone(),
            source,
            action,
            resource: Resource {
                kind: "operation",
                id: Some(self.id(place)),
                name: None,
            },
            outcome,
            detail,
        };
        let source = RequestSource {
            ip: Some([127, 0, 0, 1].into()),
            user_agent: Some("reoclo-bench".to_owned()),
            via: None,
            request_id: Some(RequestId::new(clock, entropy)),
        };
        let server = self.server.to_string();
        let started = json!({
            "operation": "exec", "server_id": server, "server_name": "web",
            "timeout_seconds": 60, "run_id": null, "run_context": null, "command": "true",
        });
        let (outcome, state, exit_code) = if fails(place) {
            (AuditOutcome::Failure, "failed", 1)
        } else {
            (AuditOutcome::Success, "completed", 0)
        };
        let ended = json!({
            "operation": "exec", "server_id": server, "state": state, "exit_code": exit_code,
            "code": null, "duration_ms": 1,
            "stdout_bytes": 0, "stderr_bytes": 0,
        });
        [
            event("operation.start", AuditOutcome::Intent, source, started),
            event("operation.end", outcome, RequestSource::default(), ended),
        ]
    }

    async fn insert(&self, data_dir: &Path, actor: &Actor, count: usize) -> Result<()> {
        install_default_drivers();
        let url = format!("sqlite:{}?mode=rw", data_dir.join("reoclo.db").display());
        let mut connection = AnyConnection::connect(&url).await?;
        let starter = actor.id.map(|id| id.to_string());
        let (first, behind) = (i64::try_from(self.filled)?, i64::try_from(count)?);
        query(INSERT)
            .bind(first)
            .bind(behind)
            .bind(self.begin)
            .bind(step())
            .bind(self.organization.to_string())
            .bind(self.server.to_string())
            .bind(starter)
            .bind(actor.label.as_str())
            .bind(i64::try_from(FAILS_EVERY)?)
            .execute(&mut connection)
            .await?;
        connection.close().await?;
        Ok(())
    }

    fn created_at(&self, place: usize) -> i64 {
        self.begin + i64::try_from(place).unwrap_or(0) * step()
    }

    /// The same as the statement makes: UUIDv7 of the moment and the place.
    fn id(&self, place: usize) -> String {
        let millis = format!("{:012x}", self.created_at(place) / 1000);
        format!("{}-{}-7000-8000-{place:012x}", &millis[..8], &millis[8..])
    }
}

/// Microseconds between two of them.
fn step() -> i64 {
    let most = i64::try_from(MOST).unwrap_or(i64::MAX);
    i64::try_from(SPAN.as_micros()).unwrap_or(i64::MAX) / most
}

fn fails(place: usize) -> bool {
    place.is_multiple_of(FAILS_EVERY)
}

/// `$1` and `$2` are the first place and the one behind the last.
const INSERT: &str = "
    INSERT INTO operations (id, organization_id, server_id, kind, starter_kind, starter_id,
        starter_label, command, timeout_seconds, boot_id, instance_id, created_at,
        acknowledged_at, state, exit_code, duration_us, stdout, stdout_total, stdout_truncated,
        stderr, stderr_total, stderr_truncated, completed_at)
    WITH RECURSIVE places (place) AS (
        SELECT $1 UNION ALL SELECT place + 1 FROM places WHERE place + 1 < $2
    ), moments (place, at, millis) AS (
        SELECT place, $3 + place * $4, printf('%012x', ($3 + place * $4) / 1000) FROM places
    )
    SELECT substr(millis, 1, 8) || '-' || substr(millis, 9) || '-7000-8000-'
            || printf('%012x', place), $5, $6, 'exec', 'automation_key', $7, $8,
        'true', 60, 'a7c1ad3e-2f53-4a8b-9b1e-0c9d2f6b7a10', '01900000-0000-7000-8000-000000000001',
        at, at + 600, CASE WHEN place % $9 = 0 THEN 'failed' ELSE 'completed' END,
        CASE WHEN place % $9 = 0 THEN 1 ELSE 0 END, 1200, x'', 0, 0, x'', 0, 0, at + 2500
    FROM moments";
