//! This instance of Reoclo, as the database knows it.

use reoclo_domain::{AuditEventId, Clock, Entropy, Timestamp, new_id};
use ring::signature::Ed25519KeyPair;
use serde_json::json;
use sqlx::AnyConnection;
use uuid::Uuid;
use zeroize::Zeroizing;

use crate::audit::append::append;
use crate::audit::heads::Heads;
use crate::audit::{Actor, AuditOutcome, Chain, NewAuditEvent, RequestSource, Resource, head};
use crate::engine::Engine;
use crate::error::{OpenError, StoreError};
use crate::master_key::MasterKey;
use crate::sealing::AssociatedData;
use crate::sql::{sql, unreadable};
use crate::writer::Work;

/// Made when the database is first opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InstanceRecord {
    /// Names this control plane to its runners.
    pub control_plane_id: Uuid,
    /// When the database was first opened.
    pub created_at: Timestamp,
}

/// Makes the instance, its key and its audit chain in a new database, and checks the master key
/// against the one that the instance was made with.
pub(crate) async fn establish(
    engine: Engine,
    connection: &mut AnyConnection,
    key: &MasterKey,
    clock: &dyn Clock,
    entropy: &dyn Entropy,
) -> Result<(InstanceRecord, Ed25519KeyPair), OpenError> {
    let mut work = Work::begin(engine, connection, 1, false);
    if insert(work.connection().await?, key, clock, entropy).await? {
        head::create(work.connection().await?, Chain::Instance, key).await?;
        let created = created(clock, entropy);
        append(&mut work, &[created], key, &mut Heads::default()).await?;
    }
    let instance = load(work.connection().await?, key).await?;
    let connection = work.connection().await?;
    let own_key = own_key(connection, &instance, key, entropy).await?;
    work.commit().await?;
    Ok((instance, own_key))
}

/// The key that this control plane proves itself with: made once, and sealed, so that all that
/// share the database sign with the same.
async fn own_key(
    connection: &mut AnyConnection,
    instance: &InstanceRecord,
    key: &MasterKey,
    entropy: &dyn Entropy,
) -> Result<Ed25519KeyPair, StoreError> {
    let id = instance.control_plane_id.to_string();
    let place = AssociatedData {
        purpose: "control_plane_key",
        id: &id,
    };
    let mut seed = Zeroizing::new([0; 32]);
    entropy.fill(seed.as_mut());
    let sealed = key.sealer().seal(place, seed.as_ref(), entropy)?;
    // Whoever is first has made it.
    sql("UPDATE instance SET sealed_key = $1 WHERE id = 1 AND sealed_key IS NULL")
        .bind(sealed)
        .execute(connection)
        .await?;
    let row = sql("SELECT sealed_key FROM instance WHERE id = 1")
        .one(connection)
        .await?;
    let seed = key
        .sealer()
        .open(place, &row.get::<Vec<u8>>("sealed_key")?)?;
    Ed25519KeyPair::from_seed_unchecked(&seed)
        .map_err(|_| StoreError::corrupt("the sealed control_plane_key"))
}

/// Another node may be first; then nothing is inserted.
async fn insert(
    connection: &mut AnyConnection,
    key: &MasterKey,
    clock: &dyn Clock,
    entropy: &dyn Entropy,
) -> Result<bool, StoreError> {
    let id = new_id(clock, entropy);
    let inserted = sql(
        "INSERT INTO instance (id, control_plane_id, created_at, master_key_check)
         VALUES (1, $1, $2, $3) ON CONFLICT (id) DO NOTHING",
    )
    .bind(id)
    .bind(clock.now())
    .bind(key.check_value(id.as_bytes()))
    .execute(connection)
    .await?;
    Ok(inserted == 1)
}

fn created(clock: &dyn Clock, entropy: &dyn Entropy) -> NewAuditEvent {
    NewAuditEvent {
        id: AuditEventId::new(clock, entropy),
        organization: None,
        at: clock.now(),
        actor: Actor::system(),
        source: RequestSource::default(),
        action: "instance.create",
        resource: Resource {
            kind: "instance",
            id: None,
            name: None,
        },
        outcome: AuditOutcome::Success,
        detail: json!({}),
    }
}

/// Reads the instance and checks the master key against it.
pub(crate) async fn load(
    connection: &mut AnyConnection,
    key: &MasterKey,
) -> Result<InstanceRecord, OpenError> {
    let row =
        sql("SELECT control_plane_id, created_at, master_key_check FROM instance WHERE id = 1")
            .one(connection)
            .await?;
    let id: String = row.get("control_plane_id")?;
    let id = Uuid::try_parse(&id).map_err(|_| unreadable("control_plane_id"))?;
    if row.get::<Vec<u8>>("master_key_check")? != key.check_value(id.as_bytes()) {
        return Err(OpenError::WrongMasterKey);
    }
    Ok(InstanceRecord {
        control_plane_id: id,
        created_at: row.get("created_at")?,
    })
}
