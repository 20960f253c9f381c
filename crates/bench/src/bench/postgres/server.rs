//! A database of the benchmark's own on a PostgreSQL that was given.

use anyhow::{Context, Result};
use reoclo_domain::Secret;
use reoclo_store::DatabaseAddress;
use sqlx::any::install_default_drivers;
use sqlx::{AnyConnection, AssertSqlSafe, Connection, Executor};

use crate::lab::runtime;

/// The database; removed when this is dropped.
pub(super) struct Server {
    superuser: String,
    name: String,
}

impl Server {
    /// With a new database.
    pub(super) fn new(superuser: &str) -> Result<Self> {
        let server = Self {
            superuser: superuser.to_owned(),
            name: format!("reoclo_bench_{}", std::process::id()),
        };
        server.execute(&format!("CREATE DATABASE {}", server.name))?;
        Ok(server)
    }

    pub(super) fn url(&self) -> Result<String> {
        let (server, _) = self
            .superuser
            .rsplit_once('/')
            .context("the URL of the PostgreSQL has no database")?;
        Ok(format!("{server}/{}", self.name))
    }

    pub(super) fn address(&self) -> Result<DatabaseAddress> {
        Ok(DatabaseAddress::Postgres(Secret::new(self.url()?)))
    }

    fn execute(&self, statement: &str) -> Result<()> {
        install_default_drivers();
        runtime()?.block_on(async {
            let mut connection = AnyConnection::connect(&self.superuser).await?;
            connection
                .execute(AssertSqlSafe(statement.to_owned()))
                .await?;
            connection.close().await?;
            Ok(())
        })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // A database too many on a server that is somebody's, at worst.
        let _ = self.execute(&format!("DROP DATABASE {} WITH (FORCE)", self.name));
    }
}
