//! The migrations and the unique indexes, as the build script reads them from `migrations/`.

use crate::error::Conflict;

include!(concat!(env!("OUT_DIR"), "/migrations.rs"));

/// A unique index: what two rows must not share.
#[derive(Debug)]
pub(crate) struct UniqueIndex {
    /// Its name, which PostgreSQL tells when a row is refused.
    pub(crate) name: &'static str,
    pub(crate) table: &'static str,
    /// Its columns, which SQLite tells; the last is the one that people choose.
    pub(crate) columns: &'static [&'static str],
}

impl UniqueIndex {
    /// What a row is refused for that has the same values as another.
    pub(crate) fn taken(&self) -> Conflict {
        let column = self.columns.last().copied().unwrap_or_default();
        Conflict::Taken {
            table: self.table,
            column,
        }
    }
}
