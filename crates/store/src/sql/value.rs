//! Values: how each kind of them goes into the database and comes out of it.

use std::net::IpAddr;

use ipnet::IpNet;
use reoclo_domain::{
    AllowlistEntry, DisplayName, Id, KeyKind, OperationKind, OperationState, RegistryAddress,
    RegistryTypeName, Role, Secret, ServerStatus, Slug, Timestamp, TokenHash,
};
use serde_json::{Value as Json, json};
use sqlx::any::AnyArguments;
use sqlx::error::BoxDynError;
use sqlx::{Arguments, Row};
use uuid::Uuid;

use crate::audit::{ActorKind, AuditOutcome};

/// A value of one of the portable types.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Value {
    Integer(Option<i64>),
    Text(Option<String>),
    Bytes(Option<Vec<u8>>),
}

/// The portable types.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Portable {
    Integer,
    Text,
    Bytes,
}

impl Portable {
    const fn null(self) -> Value {
        match self {
            Self::Integer => Value::Integer(None),
            Self::Text => Value::Text(None),
            Self::Bytes => Value::Bytes(None),
        }
    }

    /// What stands in a column of that type.
    pub(super) fn read(self, row: &sqlx::any::AnyRow, column: &str) -> Result<Value, sqlx::Error> {
        Ok(match self {
            Self::Integer => Value::Integer(row.try_get(column)?),
            Self::Text => Value::Text(row.try_get(column)?),
            Self::Bytes => Value::Bytes(row.try_get(column)?),
        })
    }
}

impl Value {
    pub(super) fn add_to(self, arguments: &mut AnyArguments) -> Result<(), BoxDynError> {
        match self {
            Self::Integer(number) => arguments.add(number),
            Self::Text(text) => arguments.add(text),
            Self::Bytes(bytes) => arguments.add(bytes),
        }
    }

    /// PostgreSQL refuses it in a text.
    pub(super) fn has_nul(&self) -> bool {
        matches!(self, Self::Text(Some(text)) if text.contains('\0'))
    }

    fn is_null(&self) -> bool {
        matches!(
            self,
            Self::Integer(None) | Self::Text(None) | Self::Bytes(None)
        )
    }

    /// As the audit log tells it; bytes are told to nobody.
    fn told(self) -> Option<Json> {
        match self {
            Self::Integer(number) => Some(json!(number)),
            Self::Text(text) => Some(json!(text)),
            Self::Bytes(_) => None,
        }
    }
}

/// What can be bound to a statement.
pub(crate) trait Bind {
    /// The type that it has in the database.
    const TYPE: Portable;

    /// The value as it goes into the database.
    fn into_value(self) -> Value;
}

/// What stands in a column: bound and read, and told to the audit log when it changes.
pub(crate) trait Column: Bind + Clone {
    /// What the column's value stands for, if this program can have written it.
    fn read(value: Value) -> Option<Self>;

    /// As the audit log tells it; nothing for what it is not told.
    fn told(&self) -> Option<Json> {
        self.clone().into_value().told()
    }

    /// The row is changed at that moment in other columns.
    fn touch(&mut self, _at: Timestamp) {}
}

impl<T: Bind + Clone> Bind for &T {
    const TYPE: Portable = T::TYPE;

    fn into_value(self) -> Value {
        self.clone().into_value()
    }
}

impl Bind for &str {
    const TYPE: Portable = Portable::Text;

    fn into_value(self) -> Value {
        Value::Text(Some(self.to_owned()))
    }
}

impl Bind for &[u8] {
    const TYPE: Portable = Portable::Bytes;

    fn into_value(self) -> Value {
        Value::Bytes(Some(self.to_vec()))
    }
}

impl Bind for Secret {
    const TYPE: Portable = Portable::Text;

    fn into_value(self) -> Value {
        self.expose().into_value()
    }
}

impl<T: Bind> Bind for Option<T> {
    const TYPE: Portable = T::TYPE;

    fn into_value(self) -> Value {
        self.map_or(T::TYPE.null(), T::into_value)
    }
}

impl<T: Column> Column for Option<T> {
    fn read(value: Value) -> Option<Self> {
        if value.is_null() {
            return Some(None);
        }
        T::read(value).map(Some)
    }

    fn told(&self) -> Option<Json> {
        match self {
            Some(value) => value.told(),
            None => Some(Json::Null),
        }
    }
}

impl<K> Bind for Id<K> {
    const TYPE: Portable = Portable::Text;

    fn into_value(self) -> Value {
        Value::Text(Some(self.to_string()))
    }
}

impl<K> Column for Id<K> {
    fn read(value: Value) -> Option<Self> {
        String::read(value)?.parse().ok()
    }
}

/// One line for each type: how it goes in, and how it comes out.
macro_rules! columns {
    ($($type:ty => $kind:ident: |$value:ident| $bind:expr, |$read:ident| $parse:expr;)+) => {$(
        impl Bind for $type {
            const TYPE: Portable = Portable::$kind;

            fn into_value(self) -> Value {
                let $value = self;
                Value::$kind(Some($bind))
            }
        }

        impl Column for $type {
            fn read(value: Value) -> Option<Self> {
                let Value::$kind(Some($read)) = value else {
                    return None;
                };
                $parse
            }
        }
    )+};
}

columns! {
    i64 => Integer: |number| number, |number| Some(number);
    i32 => Integer: |number| i64::from(number), |number| number.try_into().ok();
    u32 => Integer: |number| i64::from(number), |number| number.try_into().ok();
    u64 => Integer: |number| number.try_into().unwrap_or(i64::MAX), |number| number.try_into().ok();
    Timestamp => Integer: |moment| moment.as_micros(), |micros| Some(Self::from_micros(micros));
    String => Text: |text| text, |text| Some(text);
    Vec<u8> => Bytes: |bytes| bytes, |bytes| Some(bytes);
    [u8; 32] => Bytes: |bytes| bytes.to_vec(), |bytes| bytes.try_into().ok();
    TokenHash => Bytes: |hash| hash.as_bytes().to_vec(),
        |bytes| <[u8; 32]>::try_from(bytes).ok().map(Self::from_bytes);
    Uuid => Text: |id| id.to_string(), |text| text.parse().ok();
    IpAddr => Text: |address| address.to_string(), |text| text.parse().ok();
    DisplayName => Text: |name| name.to_string(), |text| Some(Self::stored(text));
    Slug => Text: |slug| slug.to_string(), |text| text.parse().ok();
    RegistryAddress => Text: |address| address.to_string(), |text| text.parse().ok();
    RegistryTypeName => Text: |name| name.to_string(), |text| text.parse().ok();
    ActorKind => Text: |kind| kind.as_str().to_owned(), |text| named(&Self::ALL, Self::as_str, &text);
    AuditOutcome => Text: |kind| kind.as_str().to_owned(),
        |text| named(&Self::ALL, Self::as_str, &text);
    KeyKind => Text: |kind| kind.as_str().to_owned(),
        |text| named(&[Self::Integration, Self::Automation], Self::as_str, &text);
    Role => Text: |role| role.as_str().to_owned(), |text| text.parse().ok();
    OperationKind => Text: |kind| kind.as_str().to_owned(), |text| text.parse().ok();
    OperationState => Text: |state| state.as_str().to_owned(),
        |text| named(&Self::ALL, Self::as_str, &text);
    ServerStatus => Text: |status| status.as_str().to_owned(),
        |text| named(&Self::ALL, Self::as_str, &text);
}

fn named<T: Copy>(all: &[T], name: impl Fn(T) -> &'static str, text: &str) -> Option<T> {
    all.iter().copied().find(|value| name(*value) == text)
}

impl Bind for bool {
    const TYPE: Portable = Portable::Integer;

    fn into_value(self) -> Value {
        Value::Integer(Some(i64::from(self)))
    }
}

impl Column for bool {
    fn read(value: Value) -> Option<Self> {
        i64::read(value).map(|number| number != 0)
    }

    fn told(&self) -> Option<Json> {
        Some(json!(self))
    }
}

impl Bind for Vec<IpNet> {
    const TYPE: Portable = Portable::Text;

    fn into_value(self) -> Value {
        let texts: Vec<String> = self.iter().map(IpNet::to_string).collect();
        Value::Text(Some(texts.join(" ")))
    }
}

impl Column for Vec<IpNet> {
    fn read(value: Value) -> Option<Self> {
        let text = String::read(value)?;
        let networks = text.split_ascii_whitespace().map(str::parse);
        networks.collect::<Result<_, _>>().ok()
    }

    /// As people write them: a single address without a prefix length.
    fn told(&self) -> Option<Json> {
        let entries = self.iter().copied().map(AllowlistEntry::from);
        Some(entries.map(|entry| json!(entry.to_string())).collect())
    }
}

/// When a row was last changed: every change of another column moves it, and the audit log is not
/// told of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Touched(Timestamp);

impl Touched {
    /// A row that is made at that moment.
    pub const fn new(at: Timestamp) -> Self {
        Self(at)
    }

    /// The moment.
    pub const fn at(self) -> Timestamp {
        self.0
    }
}

impl Bind for Touched {
    const TYPE: Portable = Portable::Integer;

    fn into_value(self) -> Value {
        self.0.into_value()
    }
}

impl Column for Touched {
    fn read(value: Value) -> Option<Self> {
        Timestamp::read(value).map(Self)
    }

    fn told(&self) -> Option<Json> {
        None
    }

    fn touch(&mut self, at: Timestamp) {
        self.0 = at;
    }
}

/// How often a row was changed, from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Revision(i64);

impl Revision {
    /// That of a new row.
    pub const FIRST: Self = Self(1);

    /// The number.
    pub const fn number(self) -> i64 {
        self.0
    }
}

impl Bind for Revision {
    const TYPE: Portable = Portable::Integer;

    fn into_value(self) -> Value {
        self.0.into_value()
    }
}

impl Column for Revision {
    fn read(value: Value) -> Option<Self> {
        i64::read(value).map(Self)
    }

    fn told(&self) -> Option<Json> {
        None
    }

    fn touch(&mut self, _at: Timestamp) {
        self.0 += 1;
    }
}
