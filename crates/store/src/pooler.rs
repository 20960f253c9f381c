//! Poolers between a control plane and its PostgreSQL.
//!
//! One that gives each transaction another session takes the lock of the instance from who has it
//! (ADR 25), and prepared statements from who prepared them. PgBouncer does not tell its users how
//! it is set, so it is told by what it does.

use std::time::Duration;

use sqlx::any::AnyConnectOptions;
use sqlx::error::DatabaseError;
use sqlx::{AnyConnection, ConnectOptions, Connection, Row, raw_sql};

/// Looks at two connections; one is enough where nobody else uses the pooler.
const ROUNDS: usize = 3;
/// A pooler that has no second session to give keeps its clients waiting.
const PATIENCE: Duration = Duration::from_secs(2);

/// Names a session of one server for ever: numbers of processes come again. Nothing is prepared,
/// since that may be another's.
const SESSION: &str = "
    SELECT CAST(pid AS TEXT) || ' of ' || CAST(backend_start AS TEXT) AS session
    FROM pg_stat_activity WHERE pid = pg_backend_pid()";

/// Whether connections have no sessions of their own: two that are open at the same time have the
/// same one, or one of them changes its own. Whatever keeps that from being seen is found again,
/// and told, by whoever needs the connection.
pub(crate) async fn shares_sessions(
    connection: &mut AnyConnection,
    options: &AnyConnectOptions,
) -> bool {
    let looking = async {
        let mut other = options.connect().await?;
        let shares = compare(connection, &mut other).await;
        let _ = other.close().await;
        shares
    };
    let looked: Result<Result<bool, sqlx::Error>, _> =
        tokio::time::timeout(PATIENCE, looking).await;
    let cause = match looked {
        Ok(Ok(shares)) => return shares,
        Ok(Err(error)) => error.to_string(),
        Err(_) => "it is not given".to_owned(),
    };
    tracing::warn!(
        cause,
        "a second session with the database could not be had, and up to 16 are needed: look at \
         default_pool_size of a pooler, and at max_connections of PostgreSQL"
    );
    false
}

async fn compare(one: &mut AnyConnection, other: &mut AnyConnection) -> Result<bool, sqlx::Error> {
    let mut before = None;
    for _ in 0..ROUNDS {
        let now = (session(one).await?, session(other).await?);
        if now.0 == now.1 || before.is_some_and(|before| before != now) {
            return Ok(true);
        }
        before = Some(now);
    }
    Ok(false)
}

async fn session(connection: &mut AnyConnection) -> Result<String, sqlx::Error> {
    raw_sql(SESSION)
        .fetch_one(connection)
        .await?
        .try_get("session")
}

/// The parameter that a pooler refuses to begin a connection with: every driver sends some that
/// PgBouncer takes only when it is told to. PostgreSQL names what it does not know in another way.
pub(crate) fn refused_parameter(refusal: &dyn DatabaseError) -> Option<&str> {
    let told = refusal.message();
    told.strip_prefix("unsupported startup parameter: ")
}
