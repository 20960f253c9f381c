//! Reading the audit log without a store: read-only, without a lock, beside a live server.

use async_recursion::async_recursion as boxed;
use sqlx::AnyConnection;

use crate::database::DatabaseAddress;
use crate::engine::{self, Engine, Purpose};
use crate::error::OpenError;
use crate::instance::{self, InstanceRecord};
use crate::master_key::MasterKey;
use crate::migrations;

/// A read-only view of a database's audit log.
pub struct AuditReader {
    pub(super) engine: Engine,
    pub(super) connection: AnyConnection,
    pub(super) master_key: MasterKey,
    pub(super) instance: InstanceRecord,
}

impl AuditReader {
    /// Opens the database as it is: without migrations and without a lock.
    #[boxed]
    pub async fn open(
        database: &DatabaseAddress,
        master_key: MasterKey,
    ) -> Result<Self, OpenError> {
        let address = database.without_secrets();
        if let DatabaseAddress::Sqlite(path) = database
            && !path.exists()
        {
            return Err(OpenError::Absent(address));
        }
        let connecting = engine::connect(database, Purpose::Inspect).await;
        let mut connection = connecting.map_err(|cause| engine::open_error(database, cause))?;
        migrations::check(&mut connection, &address).await?;
        let instance = instance::load(&mut connection, &master_key).await?;
        Ok(Self {
            engine: Engine::of(database),
            connection,
            master_key,
            instance,
        })
    }
}
