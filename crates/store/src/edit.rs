//! Changes that read, decide, write and audit in one transaction.
//!
//! A rule sees the record as it is while nobody else can change it. So what it refuses writes
//! nothing, and what the audit log is told follows on what it was told before.

use reoclo_domain::{OrganizationId, Timestamp};
use serde_json::Value as Json;

use crate::audit::{Audit, NewAuditEvent};
use crate::error::StoreError;
use crate::sealing::Sealed;
use crate::store::Store;
use crate::table::{self, Audited};
use crate::writer::{Work, Write};

/// What a rule makes of a record as it is now.
#[derive(Clone, Debug)]
pub struct Edit<T> {
    /// The record as it is to be; none removes it.
    pub record: Option<T>,
    /// What the audit log is told, unless the record stays as it is.
    pub events: Vec<NewAuditEvent>,
}

/// How a change ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Edited<T, E> {
    /// There is no such record; nothing was written.
    Unknown,
    /// The rule refused; nothing was written.
    Refused(E),
    /// The record as it is now, whether or not anything had to be written.
    Is(T),
    /// The record that was there until now.
    Removed(T),
}

/// What can be changed by a rule: a row, or what is put together from several.
pub(crate) trait Editable: Clone + PartialEq + Send + Sync + 'static {
    /// What it is found by.
    type Key: Copy + Send + Sync + 'static;
    /// What is written besides, and is no part of the record: a secret.
    type Besides: Send + Sync + 'static;

    /// The record as it is; others who change it wait until the transaction ends.
    fn lock(
        key: Self::Key,
        work: &mut Work<'_>,
    ) -> impl Future<Output = Result<Option<Self>, StoreError>> + Send;

    /// Makes it what it is to be.
    fn write(
        change: Changing<'_, Self>,
        work: &mut Work<'_>,
    ) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// The record, which is changed at that moment.
    fn touched(self, _at: Timestamp) -> Self {
        self
    }
}

/// A change that is being written.
pub(crate) struct Changing<'a, T: Editable> {
    pub(crate) key: T::Key,
    pub(crate) before: &'a T,
    /// None removes it.
    pub(crate) after: Option<&'a T>,
    pub(crate) besides: Option<&'a T::Besides>,
}

/// Decides on a record as it is. Called again when the transaction has to be made again.
pub trait Rule<T, O, E>: Fn(&T) -> Result<O, E> + Send + Sync + 'static {}

impl<T, O, E, F: Fn(&T) -> Result<O, E> + Send + Sync + 'static> Rule<T, O, E> for F {}

/// A change of one record by a rule.
pub(crate) struct Change<T: Editable, E> {
    key: T::Key,
    besides: Option<T::Besides>,
    rule: Box<dyn Rule<T, Edit<T>, E>>,
    at: Timestamp,
}

impl<T: Editable, E: Send + 'static> Write for Change<T, E> {
    type Output = Edited<T, E>;

    async fn apply(&self, work: &mut Work<'_>) -> Result<Self::Output, StoreError> {
        let Some(before) = T::lock(self.key, work).await? else {
            return Ok(Edited::Unknown);
        };
        let Edit { record, events } = match (self.rule)(&before) {
            Ok(edit) => edit,
            Err(refused) => return Ok(Edited::Refused(refused)),
        };
        if self.besides.is_none() && record.as_ref() == Some(&before) {
            return Ok(Edited::Is(before));
        }
        let after = record.map(|record| record.touched(self.at));
        let change = Changing {
            key: self.key,
            before: &before,
            after: after.as_ref(),
            besides: self.besides.as_ref(),
        };
        T::write(change, work).await?;
        work.audit(&events);
        Ok(after.map_or(Edited::Removed(before), Edited::Is))
    }
}

impl<T: Audited> Editable for T {
    type Key = T::Key;
    type Besides = Sealed;

    async fn lock(key: T::Key, work: &mut Work<'_>) -> Result<Option<Self>, StoreError> {
        table::lock(work.connection().await?, key).await
    }

    async fn write(change: Changing<'_, Self>, work: &mut Work<'_>) -> Result<(), StoreError> {
        let (before, sealed) = (change.before, change.besides);
        let connection = work.connection().await?;
        match change.after {
            Some(after) => {
                table::update(connection, change.key, (before, after), sealed).await?;
            }
            None => table::delete::<T>(connection, change.key).await?,
        }
        T::settle(Some(before), change.after, work).await
    }

    fn touched(mut self, at: Timestamp) -> Self {
        self.touch(at);
        self
    }
}

/// A new row.
struct Insert<T> {
    record: T,
    sealed: Option<Sealed>,
    events: Vec<NewAuditEvent>,
}

impl<T: Audited> Write for Insert<T> {
    type Output = ();

    async fn apply(&self, work: &mut Work<'_>) -> Result<(), StoreError> {
        let connection = work.connection().await?;
        table::insert(connection, &self.record, self.sealed.as_ref()).await?;
        T::settle(None, Some(&self.record), work).await?;
        work.audit(&self.events);
        Ok(())
    }
}

impl Store {
    /// Changes what is there as `rule` says of it as it is.
    pub(crate) async fn change<T: Editable, E: Send + 'static>(
        &self,
        key: T::Key,
        besides: Option<T::Besides>,
        rule: impl Rule<T, Edit<T>, E>,
    ) -> Result<Edited<T, E>, StoreError> {
        let (rule, at) = (Box::new(rule), self.clock().now());
        self.write(Change {
            key,
            besides,
            rule,
            at,
        })
        .await
    }

    /// The row of a key.
    pub(crate) async fn find<T: Audited>(&self, key: T::Key) -> Result<Option<T>, StoreError> {
        let row = table::find::<T>(&mut self.reader().await?, key, None).await?;
        row.as_ref().map(T::read).transpose()
    }

    /// The rows of an organization that are in use.
    pub(crate) async fn list<T: Audited>(
        &self,
        organization: OrganizationId,
    ) -> Result<Vec<T>, StoreError> {
        let (in_use, order) = (T::IN_USE, T::ORDER);
        table::select::<T>(&format!(
            "WHERE organization_id = $1 AND {in_use} ORDER BY {order}"
        ))
        .bind(organization)
        .all(&mut self.reader().await?, T::read)
        .await
    }

    /// Inserts a row.
    pub(crate) async fn insert<T: Audited>(
        &self,
        record: T,
        sealed: Option<Sealed>,
        audit: Audit,
    ) -> Result<(), StoreError> {
        let events = vec![audit.of(table::named(&record))];
        self.write(Insert {
            record,
            sealed,
            events,
        })
        .await
    }

    /// Changes a row as `rule` says of it as it is. The audit log is told what each field that
    /// differs was and is.
    pub(crate) async fn edit<T: Audited, E: Send + 'static>(
        &self,
        key: T::Key,
        sealed: Option<Sealed>,
        audit: Audit,
        rule: impl Rule<T, T, E>,
    ) -> Result<Edited<T, E>, StoreError> {
        let told = sealed.clone();
        let rule = move |before: &T| {
            let after = rule(before)?;
            let detail = T::detail(table::differences(before, &after), told.as_ref());
            let event = audit.of(table::named(before));
            Ok(Edit {
                record: Some(after),
                events: vec![NewAuditEvent {
                    detail: Json::Object(detail),
                    ..event
                }],
            })
        };
        self.change(key, sealed, rule).await
    }

    /// Removes a row if `rule` allows it as it is, and says what the audit log is told of it.
    pub(crate) async fn remove<T: Audited, E: Send + 'static>(
        &self,
        key: T::Key,
        audit: Audit,
        rule: impl Rule<T, Json, E>,
    ) -> Result<Edited<T, E>, StoreError> {
        let rule = move |before: &T| {
            let event = audit.of(table::named(before));
            let detail = rule(before)?;
            Ok(Edit {
                record: None,
                events: vec![NewAuditEvent { detail, ..event }],
            })
        };
        self.change(key, None, rule).await
    }
}
