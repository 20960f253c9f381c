//! Statements and rows: the only way to the database, so that values are checked going in and
//! errors are understood coming out.

use std::borrow::Cow;
use std::net::IpAddr;
use std::str::FromStr;

use futures_util::TryStreamExt;
use reoclo_domain::{Secret, Timestamp, TokenHash};
use sqlx::any::{AnyArguments, AnyRow};
use sqlx::{Any, AnyConnection, Arguments, AssertSqlSafe, Decode, Encode, Row, Type};
use uuid::Uuid;

use crate::engine;
use crate::error::StoreError;

/// A statement with its values.
pub(crate) struct Statement {
    text: Cow<'static, str>,
    arguments: AnyArguments,
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
        arguments: AnyArguments::default(),
        nul_in_text: false,
    }
}

impl Statement {
    /// Binds the next value. A NUL in a text, which PostgreSQL refuses, fails the statement.
    pub(crate) fn bind(mut self, value: impl Bind) -> Self {
        let bound = value.into_sql();
        let added = bound.is_ok_and(|value| self.arguments.add(value).is_ok());
        self.nul_in_text |= !added;
        self
    }

    /// Runs the statement and says how many rows it changed.
    pub(crate) async fn execute(self, connection: &mut AnyConnection) -> Result<u64, StoreError> {
        let done = self.query()?.execute(connection).await;
        done.map(|done| done.rows_affected()).map_err(engine::fault)
    }

    /// The first row, if there is one.
    pub(crate) async fn optional(
        self,
        connection: &mut AnyConnection,
    ) -> Result<Option<Record>, StoreError> {
        let row = self.query()?.fetch_optional(connection).await;
        row.map(|row| row.map(Record)).map_err(engine::fault)
    }

    /// The first row, which has to be there.
    pub(crate) async fn one(self, connection: &mut AnyConnection) -> Result<Record, StoreError> {
        let text = self.text.clone();
        let row = self.optional(connection).await?;
        row.ok_or_else(|| StoreError::corrupt(format!("no row for `{text}`")))
    }

    /// Every row, as `read` makes of it; one at a time, so that rows take no memory in bulk.
    pub(crate) async fn all<T>(
        self,
        connection: &mut AnyConnection,
        mut read: impl FnMut(&Record) -> Result<T, StoreError>,
    ) -> Result<Vec<T>, StoreError> {
        let mut rows = self.query()?.fetch(connection);
        let mut all = Vec::new();
        while let Some(row) = rows.try_next().await.map_err(engine::fault)? {
            all.push(read(&Record(row))?);
        }
        Ok(all)
    }

    fn query(self) -> Result<sqlx::query::Query<'static, Any, AnyArguments>, StoreError> {
        if self.nul_in_text {
            return Err(StoreError::NulInText);
        }
        Ok(sqlx::query_with(AssertSqlSafe(self.text), self.arguments))
    }
}

/// A text has a character that the databases cannot hold.
pub(crate) struct Nul;

/// A value that can be bound to a statement.
pub(crate) trait Bind {
    /// What it is in the database.
    type Sql: for<'q> Encode<'q, Any> + Type<Any> + 'static;

    /// The value as it goes into the database.
    fn into_sql(self) -> Result<Self::Sql, Nul>;
}

impl Bind for String {
    type Sql = Self;

    fn into_sql(self) -> Result<Self, Nul> {
        if self.contains('\0') {
            Err(Nul)
        } else {
            Ok(self)
        }
    }
}

impl Bind for &str {
    type Sql = String;

    fn into_sql(self) -> Result<String, Nul> {
        self.to_owned().into_sql()
    }
}

impl<T: Bind> Bind for Option<T> {
    type Sql = Option<T::Sql>;

    fn into_sql(self) -> Result<Self::Sql, Nul> {
        self.map(T::into_sql).transpose()
    }
}

macro_rules! bind {
    ($($type:ty => $sql:ty: |$value:ident| $convert:expr;)+) => {$(
        impl Bind for $type {
            type Sql = $sql;

            fn into_sql(self) -> Result<$sql, Nul> {
                let $value = self;
                Ok($convert)
            }
        }
    )+};
}

bind! {
    i64 => i64: |number| number;
    i32 => i64: |number| i64::from(number);
    u32 => i64: |number| i64::from(number);
    bool => i64: |flag| i64::from(flag);
    Timestamp => i64: |moment| moment.as_micros();
    Vec<u8> => Vec<u8>: |bytes| bytes;
    &[u8] => Vec<u8>: |bytes| bytes.to_vec();
    [u8; 32] => Vec<u8>: |bytes| bytes.to_vec();
    TokenHash => Vec<u8>: |hash| hash.as_bytes().to_vec();
    Uuid => String: |id| id.to_string();
    IpAddr => String: |address| address.to_string();
    reoclo_domain::OrganizationId => String: |id| id.to_string();
    reoclo_domain::UserId => String: |id| id.to_string();
    reoclo_domain::ServerId => String: |id| id.to_string();
    reoclo_domain::OperationId => String: |id| id.to_string();
    reoclo_domain::IntegrationKeyId => String: |id| id.to_string();
    reoclo_domain::SessionId => String: |id| id.to_string();
    reoclo_domain::AutomationKeyId => String: |id| id.to_string();
    reoclo_domain::RegistryCredentialId => String: |id| id.to_string();
}

impl Bind for &Secret {
    type Sql = String;

    fn into_sql(self) -> Result<String, Nul> {
        self.expose().into_sql()
    }
}

/// A row.
pub(crate) struct Record(AnyRow);

impl Record {
    /// The column's text.
    pub(crate) fn text(&self, column: &'static str) -> Result<String, StoreError> {
        self.get(column)
    }

    /// The column's text, or NULL.
    pub(crate) fn text_or_null(&self, column: &'static str) -> Result<Option<String>, StoreError> {
        self.get(column)
    }

    /// The column's number.
    pub(crate) fn integer(&self, column: &'static str) -> Result<i64, StoreError> {
        self.get(column)
    }

    /// The column's number, or NULL.
    pub(crate) fn integer_or_null(&self, column: &'static str) -> Result<Option<i64>, StoreError> {
        self.get(column)
    }

    /// The column's number in the type that was stored.
    pub(crate) fn number<T: TryFrom<i64>>(&self, column: &'static str) -> Result<T, StoreError> {
        T::try_from(self.integer(column)?).map_err(|_| unreadable(column))
    }

    /// The column's bytes.
    pub(crate) fn bytes(&self, column: &'static str) -> Result<Vec<u8>, StoreError> {
        self.get(column)
    }

    /// The column's bytes, or NULL.
    pub(crate) fn bytes_or_null(
        &self,
        column: &'static str,
    ) -> Result<Option<Vec<u8>>, StoreError> {
        self.get(column)
    }

    /// The column's 32 bytes.
    pub(crate) fn hash(&self, column: &'static str) -> Result<[u8; 32], StoreError> {
        let bytes = self.bytes(column)?;
        bytes.try_into().map_err(|_| unreadable(column))
    }

    /// The column's moment.
    pub(crate) fn time(&self, column: &'static str) -> Result<Timestamp, StoreError> {
        self.integer(column).map(Timestamp::from_micros)
    }

    /// The column's moment, or NULL.
    pub(crate) fn time_or_null(
        &self,
        column: &'static str,
    ) -> Result<Option<Timestamp>, StoreError> {
        Ok(self.integer_or_null(column)?.map(Timestamp::from_micros))
    }

    /// What the column's text stands for.
    pub(crate) fn parse<T: FromStr>(&self, column: &'static str) -> Result<T, StoreError> {
        self.text(column)?.parse().map_err(|_| unreadable(column))
    }

    /// What the column's text stands for, or NULL.
    pub(crate) fn parse_or_null<T: FromStr>(
        &self,
        column: &'static str,
    ) -> Result<Option<T>, StoreError> {
        let text = self.text_or_null(column)?;
        let value = text.map(|text| text.parse());
        value.transpose().map_err(|_| unreadable(column))
    }

    /// Which of `all` has the column's text as its name.
    pub(crate) fn name<T: Copy>(
        &self,
        column: &'static str,
        all: &[T],
        name: impl Fn(T) -> &'static str,
    ) -> Result<T, StoreError> {
        let text = self.text(column)?;
        let found = all.iter().copied().find(|value| name(*value) == text);
        found.ok_or_else(|| unreadable(column))
    }

    fn get<'r, T: Decode<'r, Any> + Type<Any>>(
        &'r self,
        column: &'static str,
    ) -> Result<T, StoreError> {
        self.0.try_get(column).map_err(|_| unreadable(column))
    }
}

/// The column's value is not one that this program writes. The value itself is not shown.
pub(crate) fn unreadable(column: &str) -> StoreError {
    StoreError::corrupt(format!("the column `{column}`"))
}
