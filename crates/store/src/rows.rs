//! The rows of an organization's resource, for its use cases: what each table that `table!` writes
//! offers without a line of its own.

use std::collections::HashSet;
use std::fmt;
use std::marker::PhantomData;

use reoclo_domain::{OrganizationId, Secret};
use serde_json::Value as Json;

use crate::audit::Audit;
use crate::edit::{Edited, Rule};
use crate::error::StoreError;
use crate::sealing::{Sealed, SealedColumn};
use crate::store::Store;
use crate::table::{self, Audited, Table};

/// The rows of a table, whose records are `T` and whose ids are `I`.
pub struct Rows<'s, T, I> {
    store: &'s Store,
    of: PhantomData<fn() -> (T, I)>,
}

impl<T, I> Clone for Rows<'_, T, I> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T, I> Copy for Rows<'_, T, I> {}

impl<T, I> fmt::Debug for Rows<'_, T, I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rows").finish_non_exhaustive()
    }
}

impl Store {
    pub(crate) fn rows<T, I>(&self) -> Rows<'_, T, I> {
        Rows {
            store: self,
            of: PhantomData,
        }
    }
}

#[expect(private_bounds, reason = "no other crate has tables")]
impl<T, I> Rows<'_, T, I>
where
    T: Audited<Key = (OrganizationId, I)>,
    I: fmt::Display + Copy,
{
    /// The organization's.
    pub async fn list(self, organization: OrganizationId) -> Result<Vec<T>, StoreError> {
        self.store.list(organization).await
    }

    /// One of the organization's.
    pub async fn find(self, organization: OrganizationId, id: I) -> Result<Option<T>, StoreError> {
        self.store.find((organization, id)).await
    }

    /// One of the organization's, with the secret that belongs to it at the same moment.
    pub async fn open(
        self,
        organization: OrganizationId,
        id: I,
    ) -> Result<Option<(T, Secret)>, StoreError> {
        let (store, column) = (self.store, secret_of::<T>()?);
        let mut reader = store.reader().await?;
        let row = table::find::<T>(&mut reader, (organization, id), Some(column)).await?;
        let opened = row.map(|row| Ok((T::read(&row)?, store.opened(column, &row)?)));
        opened.transpose()
    }

    /// Those of `ids` that are none of the organization's in use.
    pub async fn unknown(
        self,
        organization: OrganizationId,
        ids: &[I],
    ) -> Result<Vec<I>, StoreError> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let there = table::ids::<T>(&mut self.store.reader().await?, organization).await?;
        let there: HashSet<String> = there.into_iter().collect();
        let missing = ids.iter().filter(|id| !there.contains(&id.to_string()));
        Ok(missing.copied().collect())
    }

    /// Keeps a new one, with its secret sealed if it has one.
    ///
    /// # Errors
    /// [`Conflict::Exists`](crate::Conflict::Exists) when the id is taken,
    /// [`Conflict::Taken`](crate::Conflict::Taken) when another value is that has to be unique,
    /// [`Conflict::Missing`](crate::Conflict::Missing) for an unknown organization.
    pub async fn create(
        self,
        record: T,
        secret: Option<&Secret>,
        audit: Audit,
    ) -> Result<(), StoreError> {
        let sealed = self.sealed(record.id(), secret)?;
        self.store.insert(record, sealed, audit).await
    }

    /// Changes one as `rule` says of it as it is, and its secret when one is given. The audit log
    /// is told what each field that differs was and is.
    pub async fn change<E: Send + 'static>(
        self,
        (organization, id): (OrganizationId, I),
        secret: Option<&Secret>,
        audit: Audit,
        rule: impl Rule<T, T, E>,
    ) -> Result<Edited<T, E>, StoreError> {
        let (key, sealed) = ((organization, id), self.sealed(id, secret)?);
        self.store.edit(key, sealed, audit, rule).await
    }

    /// Removes one, if `rule` allows it; the audit log is told what the rule says of it as it was.
    pub async fn remove<E: Send + 'static>(
        self,
        (organization, id): (OrganizationId, I),
        audit: Audit,
        rule: impl Rule<T, Json, E>,
    ) -> Result<Edited<T, E>, StoreError> {
        self.store.remove((organization, id), audit, rule).await
    }

    fn sealed(
        self,
        id: impl fmt::Display,
        secret: Option<&Secret>,
    ) -> Result<Option<Sealed>, StoreError> {
        let Some(secret) = secret else {
            return Ok(None);
        };
        self.store.sealed(secret_of::<T>()?, id, secret).map(Some)
    }
}

fn secret_of<T: Audited>() -> Result<SealedColumn, StoreError> {
    let none = || StoreError::corrupt(format!("{} have no secrets", <T as Table>::NAME));
    T::SECRET.ok_or_else(none)
}
