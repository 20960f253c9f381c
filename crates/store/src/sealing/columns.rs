//! Sealed secrets in columns.

use std::fmt::Display;

use reoclo_domain::Secret;

use super::AssociatedData;
use crate::error::StoreError;
use crate::sql::{Bind, Portable, Record, Statement, Value, unreadable};
use crate::store::Store;

/// A column of sealed secrets, in a table whose rows have an `id`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SealedColumn {
    /// The column.
    pub(crate) column: &'static str,
    /// What its secrets are for.
    pub(crate) purpose: &'static str,
}

/// A sealed secret, for its column.
#[derive(Clone)]
pub(crate) struct Sealed {
    column: &'static str,
    bytes: Vec<u8>,
}

impl Sealed {
    pub(crate) fn column(&self) -> &'static str {
        self.column
    }

    /// Binds it as the next value.
    pub(crate) fn bind_to(statement: Statement, sealed: &Self) -> Statement {
        statement.bind(sealed)
    }
}

impl Bind for &Sealed {
    const TYPE: Portable = Portable::Bytes;

    fn into_value(self) -> Value {
        self.bytes.as_slice().into_value()
    }
}

impl SealedColumn {
    fn place(self, id: &str) -> AssociatedData<'_> {
        AssociatedData {
            purpose: self.purpose,
            id,
        }
    }
}

impl Store {
    /// Seals a secret for the row with that id.
    pub(crate) fn sealed(
        &self,
        column: SealedColumn,
        id: impl Display,
        secret: &Secret,
    ) -> Result<Sealed, StoreError> {
        let (id, sealer) = (id.to_string(), self.master_key().sealer());
        let plain = secret.expose().as_bytes();
        let bytes = sealer.seal(column.place(&id), plain, self.entropy())?;
        Ok(Sealed {
            column: column.column,
            bytes,
        })
    }

    /// What is sealed in a row.
    pub(crate) fn opened(&self, column: SealedColumn, row: &Record) -> Result<Secret, StoreError> {
        let opened = self.opened_if_there(column, row)?;
        opened.ok_or_else(|| unreadable(column.column))
    }

    /// What is sealed in a row, unless it was erased.
    pub(crate) fn opened_if_there(
        &self,
        column: SealedColumn,
        row: &Record,
    ) -> Result<Option<Secret>, StoreError> {
        let Some(sealed) = row.get::<Option<Vec<u8>>>(column.column)? else {
            return Ok(None);
        };
        let id: String = row.get("id")?;
        let opened = self
            .master_key()
            .sealer()
            .open(column.place(&id), &sealed)?;
        let text = std::str::from_utf8(&opened).map_err(|_| unreadable(column.column))?;
        Ok(Some(Secret::new(text)))
    }
}
