//! Servers as rows, and what follows from their changes.

use std::sync::Arc;

use reoclo_domain::{OrganizationId, ServerId, ServerStatus, Timestamp};
use serde_json::Value as Json;

use super::{HostFacts, NewServer, ServerRecord, remove};
use crate::cache::Effect;
use crate::error::StoreError;
use crate::sql::{Bind, Column, Record, Value};
use crate::table::{Audited, Table};
use crate::writer::Work;

/// By hand, and not by `table!`: what a runner says about its host is all there, or nothing is.
impl Table for ServerRecord {
    const NAME: &'static str = "servers";
    const COLUMNS: &'static [&'static str] = &[
        "id",
        "organization_id",
        "slug",
        "name",
        "status",
        "created_at",
        "last_seen_at",
        "public_ip",
        "runner_version",
        "hostname",
        "os",
        "kernel",
        "architecture",
        "cpu_cores",
        "ram_mb",
        "disk_gb",
        "docker_version",
    ];

    fn read(row: &Record) -> Result<Self, StoreError> {
        Ok(Self {
            id: row.get("id")?,
            organization: row.get("organization_id")?,
            slug: row.get("slug")?,
            name: row.get("name")?,
            status: row.get("status")?,
            facts: HostFacts::read(row)?,
            public_ip: row.get("public_ip")?,
            runner_version: row.get("runner_version")?,
            created_at: row.get("created_at")?,
            last_seen_at: row.get("last_seen_at")?,
        })
    }

    fn values(&self) -> Vec<Value> {
        let facts = self.facts.as_ref();
        vec![
            self.id.into_value(),
            self.organization.into_value(),
            self.slug.as_str().into_value(),
            self.name.as_str().into_value(),
            self.status.into_value(),
            self.created_at.into_value(),
            self.last_seen_at.into_value(),
            self.public_ip.as_deref().into_value(),
            self.runner_version.as_deref().into_value(),
            facts.map(|facts| facts.hostname.as_str()).into_value(),
            facts.map(|facts| facts.os.as_str()).into_value(),
            facts.map(|facts| facts.kernel.as_str()).into_value(),
            facts.map(|facts| facts.architecture.as_str()).into_value(),
            facts.map(|facts| facts.cpu_cores).into_value(),
            facts.map(|facts| facts.ram_mb).into_value(),
            facts.map(|facts| facts.disk_gb).into_value(),
            facts
                .and_then(|facts| facts.docker_version.as_deref())
                .into_value(),
        ]
    }

    /// What people change; runners tell the rest, and no audit log is told of it.
    fn told(&self) -> Vec<Option<Json>> {
        let told = [None, None, self.slug.told(), self.name.told()];
        let rest = std::iter::repeat_n(None, Self::COLUMNS.len() - told.len());
        told.into_iter().chain(rest).collect()
    }

    fn touch(&mut self, _at: Timestamp) {}
}

impl HostFacts {
    /// All of them are there, or none is.
    fn read(row: &Record) -> Result<Option<Self>, StoreError> {
        let Some(hostname) = row.get("hostname")? else {
            return Ok(None);
        };
        Ok(Some(Self {
            hostname,
            os: row.get("os")?,
            kernel: row.get("kernel")?,
            architecture: row.get("architecture")?,
            cpu_cores: row.get("cpu_cores")?,
            ram_mb: row.get("ram_mb")?,
            disk_gb: row.get("disk_gb")?,
            docker_version: row.get("docker_version")?,
        }))
    }
}

impl Audited for ServerRecord {
    type Key = (OrganizationId, ServerId);

    const KIND: &'static str = "server";
    const IN_USE: &'static str = "status <> 'decommissioned'";

    fn id(&self) -> String {
        self.id.to_string()
    }

    fn name(&self) -> Option<String> {
        Some(self.name.clone())
    }

    async fn settle(
        before: Option<&Self>,
        after: Option<&Self>,
        work: &mut Work<'_>,
    ) -> Result<(), StoreError> {
        let Some(after) = after else {
            return Ok(());
        };
        if after.status == ServerStatus::Decommissioned {
            remove::end_runner(work, after.id).await?;
        } else if before.is_none_or(|before| before.name != after.name) {
            let name = Arc::from(after.name.as_str());
            work.effect(Effect::ServerCreated(after.id, after.organization, name));
        }
        Ok(())
    }
}

impl From<&NewServer> for ServerRecord {
    fn from(new: &NewServer) -> Self {
        Self {
            id: new.id,
            organization: new.organization,
            slug: new.slug.to_string(),
            name: new.name.to_string(),
            status: ServerStatus::Provisioning,
            facts: None,
            public_ip: None,
            runner_version: None,
            created_at: new.created_at,
            last_seen_at: None,
        }
    }
}
