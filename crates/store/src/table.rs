//! Tables that say their columns once, and what is done alike with the rows of all of them.

use reoclo_domain::{Id, OrganizationId, Timestamp};
use serde_json::{Map, Value as Json, json};
use sqlx::AnyConnection;

use crate::audit;
use crate::error::StoreError;
use crate::sealing::{Sealed, SealedColumn};
use crate::sql::{Record, Source, Statement, Value, sql_of_literals};
use crate::writer::Work;

/// A record that is a row of a table; made by [`table!`].
pub(crate) trait Table: Clone + PartialEq + Send + Sync + 'static {
    /// The table.
    const NAME: &'static str;
    /// Its columns, but for sealed ones and those that only few queries need.
    const COLUMNS: &'static [&'static str];

    /// The record of a row that has these columns.
    fn read(row: &Record) -> Result<Self, StoreError>;

    /// The value of each column.
    fn values(&self) -> Vec<Value>;

    /// Each column's value as the audit log tells it.
    fn told(&self) -> Vec<Option<Json>>;

    /// The row is changed at that moment.
    fn touch(&mut self, at: Timestamp);
}

/// A table whose rows people manage: how a row is found, and what the audit log calls it. Written
/// by [`table!`] too, where it says how.
pub(crate) trait Audited: Table {
    /// What a row is found by.
    type Key: Key;

    /// The kind of thing.
    const KIND: &'static str;
    /// What only rows in use fulfil; others are found by nobody who would change them.
    const IN_USE: &'static str = "1 = 1";
    /// How people see them listed.
    const ORDER: &'static str = "name, id";
    /// The secret that belongs to a row.
    const SECRET: Option<SealedColumn> = None;

    /// The row's id.
    fn id(&self) -> String;

    /// The row's name, as people know it.
    fn name(&self) -> Option<String>;

    /// What the audit log is told of a change: of each column that differs, what it was and is.
    fn detail(differences: Vec<Difference>, _sealed: Option<&Sealed>) -> Map<String, Json> {
        told(differences)
    }

    /// What follows from a row that came, changed or went, in the same transaction.
    fn settle(
        _before: Option<&Self>,
        _after: Option<&Self>,
        _work: &mut Work<'_>,
    ) -> impl Future<Output = Result<(), StoreError>> + Send {
        std::future::ready(Ok(()))
    }
}

/// What a row is found by: its id, mostly within an organization.
pub(crate) trait Key: Copy + Send + Sync + 'static {
    /// What the row fulfils.
    const CONDITION: &'static str;
    /// How many values that takes.
    const VALUES: usize;

    /// Binds these values.
    fn bind(self, statement: Statement) -> Statement;
}

impl<K: 'static> Key for Id<K> {
    const CONDITION: &'static str = "id = $1";
    const VALUES: usize = 1;

    fn bind(self, statement: Statement) -> Statement {
        statement.bind(self)
    }
}

impl<K: 'static> Key for (OrganizationId, Id<K>) {
    const CONDITION: &'static str = "organization_id = $1 AND id = $2";
    const VALUES: usize = 2;

    fn bind(self, statement: Statement) -> Statement {
        statement.bind(self.0).bind(self.1)
    }
}

/// A record and its columns: a field is the column of its name, or of the one behind `=`.
///
/// ```text
/// table! { "monitors" => pub struct MonitorRecord { … } }
/// ```
///
/// Where people manage its rows, what the audit log calls them, what a row is found by, and what
/// else [`Audited`] can say:
///
/// ```text
/// table! { "monitors", "monitor" by (OrganizationId, MonitorId) =>
///     pub struct MonitorRecord { … }
///     impl { const ORDER: &'static str = "url, id"; }
/// }
/// ```
macro_rules! table {
    ($table:literal, $kind:literal by $key:ty =>
        $(#[$meta:meta])* $visible:vis struct $record:ident { $($fields:tt)* }
        $(impl { $($more:tt)* })?
    ) => {
        $crate::table::table! { $table => $(#[$meta])* $visible struct $record { $($fields)* } }

        impl $crate::table::Audited for $record {
            type Key = $key;

            const KIND: &'static str = $kind;

            fn id(&self) -> String {
                self.id.to_string()
            }

            fn name(&self) -> Option<String> {
                Some(self.name.to_string())
            }

            $($($more)*)?
        }
    };
    ($table:literal => $(#[$meta:meta])* $visible:vis struct $record:ident {
        $($(#[$doc:meta])* $field_visible:vis $field:ident: $type:ty $(= $column:literal)?),+ $(,)?
    }) => {
        $(#[$meta])*
        #[derive(Clone, Debug, PartialEq, Eq)]
        $visible struct $record {
            $($(#[$doc])* $field_visible $field: $type),+
        }

        impl $crate::table::Table for $record {
            const NAME: &'static str = $table;
            const COLUMNS: &'static [&'static str] =
                &[$($crate::table::column!($field $($column)?)),+];

            fn read(row: &$crate::sql::Record) -> Result<Self, $crate::error::StoreError> {
                Ok(Self {
                    $($field: row.get($crate::table::column!($field $($column)?))?),+
                })
            }

            fn values(&self) -> Vec<$crate::sql::Value> {
                vec![$($crate::sql::Bind::into_value(&self.$field)),+]
            }

            fn told(&self) -> Vec<Option<serde_json::Value>> {
                vec![$($crate::sql::Column::told(&self.$field)),+]
            }

            fn touch(&mut self, at: reoclo_domain::Timestamp) {
                $($crate::sql::Column::touch(&mut self.$field, at);)+
            }
        }
    };
}

macro_rules! column {
    ($field:ident) => {
        stringify!($field)
    };
    ($field:ident $column:literal) => {
        $column
    };
}

pub(crate) use {column, table};

/// A column that differs between two records, and what it was and is.
pub(crate) type Difference = (&'static str, Json);

/// What differs between two records, in the order of the columns.
pub(crate) fn differences<T: Table>(before: &T, after: &T) -> Vec<Difference> {
    let told = before.told().into_iter().zip(after.told());
    let columns = T::COLUMNS.iter().copied().zip(told);
    let differing = columns.filter_map(|(column, told)| match told {
        (Some(from), Some(to)) if from != to => Some((column, json!({ "from": from, "to": to }))),
        _ => None,
    });
    differing.collect()
}

/// Each by its name.
pub(crate) fn told(differences: Vec<Difference>) -> Map<String, Json> {
    let fields = differences.into_iter();
    fields
        .map(|(column, told)| (column.to_owned(), told))
        .collect()
}

/// The row as the audit log names it.
pub(crate) fn named<T: Audited>(record: &T) -> audit::Resource {
    audit::Resource {
        kind: T::KIND,
        id: Some(record.id()),
        name: record.name(),
    }
}

/// Inserts a row.
pub(crate) async fn insert<T: Table>(
    connection: &mut AnyConnection,
    record: &T,
    sealed: Option<&Sealed>,
) -> Result<(), StoreError> {
    let columns = T::COLUMNS.iter().copied();
    let columns: Vec<&str> = columns.chain(sealed.map(Sealed::column)).collect();
    let places: Vec<String> = (1..=columns.len())
        .map(|place| format!("${place}"))
        .collect();
    let text = format!(
        "INSERT INTO {} ({}) VALUES ({})",
        T::NAME,
        columns.join(", "),
        places.join(", ")
    );
    let statement = record
        .values()
        .into_iter()
        .fold(sql_of_literals(text), Statement::value);
    let statement = sealed.into_iter().fold(statement, Sealed::bind_to);
    statement.execute(connection).await.map(drop)
}

/// Writes the columns that differ.
pub(super) async fn update<T: Audited>(
    connection: &mut AnyConnection,
    key: T::Key,
    (before, after): (&T, &T),
    sealed: Option<&Sealed>,
) -> Result<(), StoreError> {
    let values = before.values().into_iter().zip(after.values());
    let fields = T::COLUMNS.iter().copied().zip(values);
    let changed: Vec<(&str, Value)> = fields
        .filter(|(_, (before, after))| before != after)
        .map(|(column, (_, after))| (column, after))
        .collect();
    let columns = changed.iter().map(|(column, _)| *column);
    let columns = columns.chain(sealed.map(Sealed::column)).enumerate();
    let set: Vec<String> = columns
        .map(|(place, column)| format!("{column} = ${}", place + 1 + T::Key::VALUES))
        .collect();
    let text = format!(
        "UPDATE {} SET {} WHERE {}",
        T::NAME,
        set.join(", "),
        T::Key::CONDITION
    );
    let statement = key.bind(sql_of_literals(text));
    let values = changed.into_iter().map(|(_, value)| value);
    let statement = values.fold(statement, Statement::value);
    let statement = sealed.into_iter().fold(statement, Sealed::bind_to);
    statement.execute(connection).await.map(drop)
}

/// Removes a row.
pub(super) async fn delete<T: Audited>(
    connection: &mut AnyConnection,
    key: T::Key,
) -> Result<(), StoreError> {
    let text = format!("DELETE FROM {} WHERE {}", T::NAME, T::Key::CONDITION);
    key.bind(sql_of_literals(text))
        .execute(connection)
        .await
        .map(drop)
}

/// A row in use as it is; others who change it wait until the transaction ends. The column that
/// is written to that end is one that no other row refers to.
pub(super) async fn lock<T: Audited>(
    connection: &mut AnyConnection,
    key: T::Key,
) -> Result<Option<T>, StoreError> {
    let text = format!(
        "UPDATE {} SET created_at = created_at WHERE {} AND {} RETURNING {}",
        T::NAME,
        T::Key::CONDITION,
        T::IN_USE,
        T::COLUMNS.join(", ")
    );
    let row = key.bind(sql_of_literals(text)).optional(connection).await?;
    row.as_ref().map(T::read).transpose()
}

/// Rows of the table: `rest` is what follows its name.
pub(crate) fn select<T: Table>(rest: &str) -> Statement {
    select_with::<T>(None, rest)
}

fn select_with<T: Table>(sealed: Option<SealedColumn>, rest: &str) -> Statement {
    let columns = T::COLUMNS.iter().copied();
    let columns: Vec<&str> = columns.chain(sealed.map(|sealed| sealed.column)).collect();
    sql_of_literals(format!(
        "SELECT {} FROM {} {rest}",
        columns.join(", "),
        T::NAME
    ))
}

/// The row of a key, whether it is in use or not.
pub(crate) async fn find<T: Audited>(
    source: &mut impl Source,
    key: T::Key,
    sealed: Option<SealedColumn>,
) -> Result<Option<Record>, StoreError> {
    let condition = format!("WHERE {}", T::Key::CONDITION);
    let statement = key.bind(select_with::<T>(sealed, &condition));
    statement.optional(source).await
}

/// The ids of an organization's rows in use.
pub(crate) async fn ids<T: Audited>(
    source: &mut impl Source,
    organization: OrganizationId,
) -> Result<Vec<String>, StoreError> {
    let (table, in_use) = (T::NAME, T::IN_USE);
    let text = format!("SELECT id FROM {table} WHERE organization_id = $1 AND {in_use}");
    sql_of_literals(text)
        .bind(organization)
        .all(source, |row| row.get("id"))
        .await
}
