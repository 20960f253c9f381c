//! Statements and rows: the only way to the database, so that values are checked going in and
//! errors are understood coming out.

mod batch;
mod value;

use std::borrow::Cow;
use std::str::FromStr;

use futures_util::TryStreamExt;
use sqlx::any::{AnyArguments, AnyRow};
use sqlx::{Any, AnyConnection, AssertSqlSafe};

use crate::error::StoreError;
use crate::fault::fault;
pub(crate) use batch::{Batch, Changed, Sending};
pub(crate) use value::{Bind, Column, Portable, Value};
pub use value::{Revision, Touched};

/// A statement with its values.
#[derive(Clone)]
pub(crate) struct Statement {
    text: Cow<'static, str>,
    values: Vec<Value>,
    nul_in_text: bool,
}

/// Begins a statement; values are bound to `$1`, `$2`, … in order.
pub(crate) fn sql(text: &'static str) -> Statement {
    statement(Cow::Borrowed(text))
}

/// Begins a statement whose text was put together from literals. No value may be part of it.
pub(crate) fn sql_of_literals(text: String) -> Statement {
    statement(Cow::Owned(text))
}

fn statement(text: Cow<'static, str>) -> Statement {
    Statement {
        text,
        values: Vec::new(),
        nul_in_text: false,
    }
}

impl Statement {
    /// Binds the next value. A NUL in a text, which PostgreSQL refuses, fails the statement.
    pub(crate) fn bind(self, value: impl Bind) -> Self {
        self.value(value.into_value())
    }

    /// The same for a value in its form for the database.
    pub(crate) fn value(mut self, value: Value) -> Self {
        self.nul_in_text |= value.has_nul();
        self.values.push(value);
        self
    }

    /// Runs the statement and says how many rows it changed.
    pub(crate) async fn execute(self, connection: &mut AnyConnection) -> Result<u64, StoreError> {
        let done = self.query()?.execute(connection).await;
        done.map(|done| done.rows_affected()).map_err(fault)
    }

    /// The first row, if there is one.
    pub(crate) async fn optional(
        self,
        source: &mut impl Source,
    ) -> Result<Option<Record>, StoreError> {
        source.optional(self).await
    }

    /// The first row, which has to be there.
    pub(crate) async fn one(self, source: &mut impl Source) -> Result<Record, StoreError> {
        let text = self.text.clone();
        let row = source.optional(self).await?;
        row.ok_or_else(|| StoreError::corrupt(format!("no row for `{text}`")))
    }

    /// Every row, as `read` makes of it; one at a time, so that rows take no memory in bulk. It
    /// may be called again from the first row on, when the connection was lost between.
    pub(crate) async fn all<T: Send>(
        self,
        source: &mut impl Source,
        read: impl FnMut(&Record) -> Result<T, StoreError> + Send,
    ) -> Result<Vec<T>, StoreError> {
        source.all(self, read).await
    }

    fn query(self) -> Result<sqlx::query::Query<'static, Any, AnyArguments>, StoreError> {
        if self.nul_in_text {
            return Err(StoreError::NulInText);
        }
        let arguments = arguments(self.values)?;
        Ok(sqlx::query_with(AssertSqlSafe(self.text), arguments))
    }
}

/// What rows can be read from: a connection within a transaction, or a reader of the pool.
pub(crate) trait Source: Send {
    /// The first row, if there is one.
    fn optional(
        &mut self,
        statement: Statement,
    ) -> impl Future<Output = Result<Option<Record>, StoreError>> + Send;

    /// Every row, as `read` makes of it.
    fn all<T: Send>(
        &mut self,
        statement: Statement,
        read: impl FnMut(&Record) -> Result<T, StoreError> + Send,
    ) -> impl Future<Output = Result<Vec<T>, StoreError>> + Send;
}

impl Source for AnyConnection {
    async fn optional(&mut self, statement: Statement) -> Result<Option<Record>, StoreError> {
        let row = statement.query()?.fetch_optional(self).await;
        row.map(|row| row.map(Record)).map_err(fault)
    }

    async fn all<T: Send>(
        &mut self,
        statement: Statement,
        mut read: impl FnMut(&Record) -> Result<T, StoreError> + Send,
    ) -> Result<Vec<T>, StoreError> {
        let mut rows = statement.query()?.fetch(self);
        let mut all = Vec::new();
        while let Some(row) = rows.try_next().await.map_err(fault)? {
            all.push(read(&Record(row))?);
        }
        Ok(all)
    }
}

/// The values in the form that the driver takes.
fn arguments(values: impl IntoIterator<Item = Value>) -> Result<AnyArguments, StoreError> {
    let mut arguments = AnyArguments::default();
    for value in values {
        let added = value.add_to(&mut arguments);
        added.map_err(|error| fault(sqlx::Error::Encode(error)))?;
    }
    Ok(arguments)
}

/// A row.
pub(crate) struct Record(AnyRow);

impl Record {
    /// What the column's value stands for.
    pub(crate) fn get<T: Column>(&self, column: &str) -> Result<T, StoreError> {
        let value = T::TYPE.read(&self.0, column).ok();
        value.and_then(T::read).ok_or_else(|| unreadable(column))
    }

    /// What the column's text stands for, where nothing but this query reads such texts.
    pub(crate) fn parse<T: FromStr>(&self, column: &str) -> Result<T, StoreError> {
        let text: String = self.get(column)?;
        text.parse().map_err(|_| unreadable(column))
    }
}

/// The column's value is not one that this program writes. The value itself is not shown.
pub(crate) fn unreadable(column: &str) -> StoreError {
    StoreError::corrupt(format!("the column `{column}`"))
}
