//! Opening the store.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use std::time::Duration;

use async_recursion::async_recursion as boxed;
use sqlx::AnyConnection;
use tokio::time::{sleep, timeout};

use super::{Expected, Inner, NEVER, Store, StoreOptions};
use crate::address_sources::{self, KnownLists};
use crate::audit::heads::Heads;
use crate::cache::Cache;
use crate::database::DatabaseAddress;
use crate::engine::{self, Engine, Purpose};
use crate::error::{OpenError, StoreError};
use crate::health::Health;
use crate::place::Place;
use crate::rate_windows::RateWindows;
use crate::readers::Readers;
use crate::writer::{Counters, Writer};
use crate::{instance, keys, migrations, servers, users};

/// How far apart a database that is not up yet is tried.
const WAIT_PAUSE: Duration = Duration::from_millis(250);

impl Store {
    /// Opens the database: migrates it under a lock, checks the master key, loads the caches and
    /// starts the writer, which needs the current tokio runtime for as long as the store lives.
    #[boxed]
    pub async fn open(options: StoreOptions) -> Result<Self, OpenError> {
        let StoreOptions {
            database,
            master_key,
            clock,
            entropy,
            sharing,
            wait_for_database,
            expected,
        } = options;
        let engine = Engine::of(&database);
        if expected == Expected::Used && engine::is_empty_file(&database) {
            return Err(OpenError::Lost(database.without_secrets()));
        }
        let mut connection = connect_in_time(&database, wait_for_database).await?;
        // Before anything is changed: another may work with the tables as they are.
        let place = match engine {
            Engine::Sqlite => Place::shared(),
            Engine::Postgres => Place::take(&mut connection, sharing).await?,
        };
        check_expected(engine, &mut connection, &database, expected).await?;
        migrations::run(engine, &mut connection).await?;
        place.begin_epoch(&mut connection).await?;
        let place = Arc::new(place);
        let (clock_ref, entropy_ref) = (clock.as_ref(), entropy.as_ref());
        let (instance, own_key) =
            instance::establish(engine, &mut connection, &master_key, clock_ref, entropy_ref)
                .await?;
        let cache = load_cache(engine, &mut connection).await?;
        let health = Health::new(database.clone(), Arc::clone(&clock));
        let readers = Readers::new(database.clone(), Arc::clone(&health), Arc::clone(&clock));
        let master_key = Arc::new(master_key);
        let counters = Arc::new(Counters::default());
        let writer = Writer {
            address: database,
            connection: Some(connection),
            used_at: health.now(),
            place: Arc::clone(&place),
            health,
            master_key: Arc::clone(&master_key),
            cache: cache.clone(),
            heads: Heads::default(),
            counters: Arc::clone(&counters),
        };
        let inner = Inner {
            engine,
            instance,
            own_key,
            place,
            readers,
            writer: writer.start(),
            cache,
            rate_windows: RateWindows::default(),
            known_lists: KnownLists::default(),
            master_key,
            clock,
            entropy,
            counters,
            failed_to_write_at: AtomicU64::new(NEVER),
        };
        Ok(Self {
            inner: Arc::new(inner),
            form: None,
        })
    }
}

/// A database that is not the expected one is left as it is.
async fn check_expected(
    engine: Engine,
    connection: &mut AnyConnection,
    database: &DatabaseAddress,
    expected: Expected,
) -> Result<(), OpenError> {
    if expected == Expected::Anything {
        return Ok(());
    }
    let is_used = engine.is_used(connection).await?;
    match expected {
        Expected::Used if !is_used => Err(OpenError::Lost(database.without_secrets())),
        Expected::Unused if is_used => Err(OpenError::NotNew(database.without_secrets())),
        _ => Ok(()),
    }
}

/// Waits for a server that does not answer yet: it may have been started together with this
/// process.
async fn connect_in_time(
    database: &DatabaseAddress,
    limit: Duration,
) -> Result<AnyConnection, OpenError> {
    let mut error = match connect(database).await {
        Err(error) if error.may_pass() && !limit.is_zero() => error,
        connected => return connected,
    };
    let (cause, seconds) = (error.to_string(), limit.as_secs());
    tracing::warn!(cause, seconds, "waiting for the database");
    let trying = async {
        loop {
            sleep(WAIT_PAUSE).await;
            match connect(database).await {
                Err(again) if again.may_pass() => error = again,
                connected => return connected,
            }
        }
    };
    let connected = timeout(limit, trying).await;
    connected.unwrap_or(Err(error))
}

async fn connect(database: &DatabaseAddress) -> Result<AnyConnection, OpenError> {
    engine::create_file(database)?;
    let connected = engine::connect(database, Purpose::Begin).await;
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
