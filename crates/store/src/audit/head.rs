//! The heads of the chains: where each ends, authenticated with the master key.

use sqlx::AnyConnection;

use crate::audit::Chain;
use crate::audit::entry::NO_HASH;
use crate::error::{Conflict, StoreError};
use crate::master_key::MasterKey;
use crate::sql::{Record, Source, Statement, sql};

/// Where a chain ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Head {
    pub(crate) chain: String,
    /// 0 before the first row.
    pub(crate) seq: i64,
    pub(crate) hash: [u8; 32],
}

/// A head as the database has it, not yet believed.
#[derive(Clone, Debug)]
pub(crate) struct StoredHead {
    pub(crate) head: Head,
    pub(crate) mac: Vec<u8>,
}

impl Head {
    /// What is authenticated. The chain stands last, since it alone has no fixed length.
    fn encoding(&self) -> Vec<u8> {
        [
            &self.seq.to_be_bytes()[..],
            &self.hash,
            self.chain.as_bytes(),
        ]
        .concat()
    }
}

impl StoredHead {
    /// A head as this instance writes it.
    pub(crate) fn new(head: Head, key: &MasterKey) -> Self {
        let mac = key.authenticate(&head.encoding());
        Self { head, mac }
    }

    fn read(row: &Record) -> Result<Self, StoreError> {
        let head = Head {
            chain: row.get("chain")?,
            seq: row.get("seq")?,
            hash: row.get("hash")?,
        };
        let mac = row.get("mac")?;
        Ok(Self { head, mac })
    }

    /// Whether the head is one that this instance wrote.
    pub(crate) fn is_authentic(&self, key: &MasterKey) -> bool {
        key.is_authentic(&self.head.encoding(), &self.mac)
    }

    /// The head, if this instance wrote it.
    pub(crate) fn authentic(self, key: &MasterKey) -> Result<Head, StoreError> {
        if self.is_authentic(key) {
            Ok(self.head)
        } else {
            let chain = self.head.chain;
            Err(StoreError::corrupt(format!(
                "the head of the audit chain {chain}"
            )))
        }
    }
}

/// Begins a chain.
pub(crate) async fn create(
    connection: &mut AnyConnection,
    chain: Chain,
    key: &MasterKey,
) -> Result<(), StoreError> {
    let head = Head {
        chain: chain.to_string(),
        seq: 0,
        hash: NO_HASH,
    };
    sql("INSERT INTO audit_heads (chain, seq, hash, mac) VALUES ($1, $2, $3, $4)")
        .bind(head.chain.as_str())
        .bind(head.seq)
        .bind(head.hash)
        .bind(key.authenticate(&head.encoding()))
        .execute(connection)
        .await?;
    Ok(())
}

/// Takes a chain's lock, which is its row, and says where the chain ends.
///
/// A head that this instance did not write is refused: to append to it would authenticate it.
pub(crate) async fn lock(
    connection: &mut AnyConnection,
    chain: &str,
    key: &MasterKey,
) -> Result<Head, StoreError> {
    let row =
        sql("UPDATE audit_heads SET seq = seq WHERE chain = $1 RETURNING chain, seq, hash, mac")
            .bind(chain)
            .optional(connection)
            .await?;
    let row = row.ok_or(Conflict::Missing)?;
    StoredHead::read(&row)?.authentic(key)
}

/// Moves a locked head.
pub(crate) fn advance(to: &StoredHead) -> Statement {
    moved(
        sql("UPDATE audit_heads SET seq = $2, hash = $3, mac = $4 WHERE chain = $1"),
        to,
    )
}

/// Moves a head that is still the one before.
pub(crate) fn advance_from(before: &StoredHead, to: &StoredHead) -> Statement {
    let text = "UPDATE audit_heads SET seq = $2, hash = $3, mac = $4
         WHERE chain = $1 AND seq = $5 AND hash = $6 AND mac = $7";
    moved(sql(text), to)
        .bind(before.head.seq)
        .bind(before.head.hash)
        .bind(before.mac.as_slice())
}

fn moved(statement: Statement, to: &StoredHead) -> Statement {
    statement
        .bind(to.head.chain.as_str())
        .bind(to.head.seq)
        .bind(to.head.hash)
        .bind(to.mac.as_slice())
}

/// The head of one chain, if it is there and readable.
pub(crate) async fn find(
    connection: &mut impl Source,
    chain: &str,
) -> Result<Option<StoredHead>, StoreError> {
    let row = sql("SELECT chain, seq, hash, mac FROM audit_heads WHERE chain = $1")
        .bind(chain)
        .optional(connection)
        .await?;
    row.as_ref().map(StoredHead::read).transpose()
}

/// Every head, by chain.
pub(crate) async fn all(connection: &mut impl Source) -> Result<Vec<StoredHead>, StoreError> {
    sql("SELECT chain, seq, hash, mac FROM audit_heads ORDER BY chain")
        .all(connection, StoredHead::read)
        .await
}
