//! Statements and rows: the only way to the database, so that values are checked going in and
//! errors are understood coming out.

mod batch;

use std::borrow::Cow;
use std::net::IpAddr;
use std::str::FromStr;

use futures_util::TryStreamExt;
use reoclo_domain::{Id, Secret, Timestamp, TokenHash};
use sqlx::any::{AnyArguments, AnyRow};
use sqlx::error::BoxDynError;
use sqlx::{Any, AnyConnection, Arguments, AssertSqlSafe, Decode, Row, Type};
use uuid::Uuid;

use crate::engine;
use crate::error::StoreError;
pub(crate) use batch::{Batch, Changed, Sending};

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
    pub(crate) fn bind(mut self, value: impl Bind) -> Self {
        match value.into_value() {
            Ok(value) => self.values.push(value),
            Err(Nul) => self.nul_in_text = true,
        }
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
        row.map(|row| row.map(Record)).map_err(engine::fault)
    }

    async fn all<T: Send>(
        &mut self,
        statement: Statement,
        mut read: impl FnMut(&Record) -> Result<T, StoreError> + Send,
    ) -> Result<Vec<T>, StoreError> {
        let mut rows = statement.query()?.fetch(self);
        let mut all = Vec::new();
        while let Some(row) = rows.try_next().await.map_err(engine::fault)? {
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
        added.map_err(|error| engine::fault(sqlx::Error::Encode(error)))?;
    }
    Ok(arguments)
}

/// A value of one of the portable types.
#[derive(Clone)]
pub(crate) enum Value {
    Integer(Option<i64>),
    Text(Option<String>),
    Bytes(Option<Vec<u8>>),
}

impl Value {
    fn add_to(self, arguments: &mut AnyArguments) -> Result<(), BoxDynError> {
        match self {
            Self::Integer(number) => arguments.add(number),
            Self::Text(text) => arguments.add(text),
            Self::Bytes(bytes) => arguments.add(bytes),
        }
    }
}

/// A text has a character that the databases cannot hold.
pub(crate) struct Nul;

/// A value that can be bound to a statement.
pub(crate) trait Bind {
    /// NULL in the type of such values.
    const NULL: Value;

    /// The value as it goes into the database.
    fn into_value(self) -> Result<Value, Nul>;
}

impl Bind for String {
    const NULL: Value = Value::Text(None);

    fn into_value(self) -> Result<Value, Nul> {
        if self.contains('\0') {
            Err(Nul)
        } else {
            Ok(Value::Text(Some(self)))
        }
    }
}

impl Bind for &str {
    const NULL: Value = Value::Text(None);

    fn into_value(self) -> Result<Value, Nul> {
        self.to_owned().into_value()
    }
}

impl<T: Bind> Bind for Option<T> {
    const NULL: Value = T::NULL;

    fn into_value(self) -> Result<Value, Nul> {
        self.map_or(Ok(T::NULL), T::into_value)
    }
}

macro_rules! bind {
    ($($type:ty => $kind:ident: |$value:ident| $convert:expr;)+) => {$(
        impl Bind for $type {
            const NULL: Value = Value::$kind(None);

            fn into_value(self) -> Result<Value, Nul> {
                let $value = self;
                Ok(Value::$kind(Some($convert)))
            }
        }
    )+};
}

bind! {
    i64 => Integer: |number| number;
    i32 => Integer: |number| i64::from(number);
    u32 => Integer: |number| i64::from(number);
    bool => Integer: |flag| i64::from(flag);
    Timestamp => Integer: |moment| moment.as_micros();
    Vec<u8> => Bytes: |bytes| bytes;
    &[u8] => Bytes: |bytes| bytes.to_vec();
    [u8; 32] => Bytes: |bytes| bytes.to_vec();
    TokenHash => Bytes: |hash| hash.as_bytes().to_vec();
    Uuid => Text: |id| id.to_string();
    IpAddr => Text: |address| address.to_string();
}

impl<K> Bind for Id<K> {
    const NULL: Value = Value::Text(None);

    fn into_value(self) -> Result<Value, Nul> {
        self.as_uuid().into_value()
    }
}

impl Bind for &Secret {
    const NULL: Value = Value::Text(None);

    fn into_value(self) -> Result<Value, Nul> {
        self.expose().into_value()
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
