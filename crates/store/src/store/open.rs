//! Opening the store.

use std::sync::Arc;

use sqlx::AnyConnection;

use super::{Inner, Store, StoreOptions};
use crate::address_sources::{self, KnownLists};
use crate::audit::heads::Heads;
use crate::cache::Cache;
use crate::database::DatabaseAddress;
use crate::engine::{self, Engine, Purpose};
use crate::error::{OpenError, StoreError};
use crate::rate_windows::RateWindows;
use crate::writer::{Counters, Writer};
use crate::{instance, keys, migrations, servers, users};

impl Store {
    /// Opens the database: migrates it under a lock, checks the master key, loads the caches and
    /// starts the writer, which needs the current tokio runtime for as long as the store lives.
    pub async fn open(options: StoreOptions) -> Result<Self, OpenError> {
        let StoreOptions {
            database,
            master_key,
            clock,
            entropy,
        } = options;
        let engine = Engine::of(&database);
        let mut connection = connect(&database).await?;
        let migrated = migrations::run(engine, &mut connection).await;
        migrated.map_err(migrations::open_error)?;
        let (clock_ref, entropy_ref) = (clock.as_ref(), entropy.as_ref());
        let instance =
            instance::establish(engine, &mut connection, &master_key, clock_ref, entropy_ref)
                .await?;
        let cache = load_cache(engine, &mut connection).await?;
        let readers = engine::readers(&database);
        let readers = readers.map_err(|cause| engine::open_error(&database, cause))?;
        let master_key = Arc::new(master_key);
        let counters = Arc::new(Counters::default());
        let writer = Writer {
            address: database,
            connection: Some(connection),
            master_key: Arc::clone(&master_key),
            cache: cache.clone(),
            heads: Heads::default(),
            counters: Arc::clone(&counters),
        };
        let inner = Inner {
            engine,
            instance,
            readers,
            writer: writer.start(),
            cache,
            rate_windows: RateWindows::default(),
            known_lists: KnownLists::default(),
            master_key,
            clock,
            entropy,
            counters,
        };
        Ok(Self {
            inner: Arc::new(inner),
        })
    }
}

async fn connect(database: &DatabaseAddress) -> Result<AnyConnection, OpenError> {
    engine::create_file(database)?;
    let connected = engine::connect(database, Purpose::Write).await;
    connected.map_err(|cause| engine::open_error(database, cause))
}

async fn load_cache(
    engine: Engine,
    connection: &mut AnyConnection,
) -> Result<Option<Arc<Cache>>, StoreError> {
    if engine == Engine::Postgres {
        return Ok(None);
    }
    let cache = Cache::default();
    cache.apply(users::load_roles(connection).await?);
    cache.apply(keys::load_all(connection).await?);
    cache.apply(servers::load_names(connection).await?);
    cache.apply(address_sources::load_all(connection).await?);
    Ok(Some(Arc::new(cache)))
}
