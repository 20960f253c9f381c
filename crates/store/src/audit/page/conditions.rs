//! A filter as SQL. Its text is put together from literals alone; every value is bound.

use std::fmt::Write;

use reoclo_domain::Timestamp;

use crate::audit::{AuditActor, AuditFilter, AuditOutcome};
use crate::sql::{Statement, sql_of_literals};

/// The conditions of a statement, with their values.
pub(super) struct Conditions {
    text: String,
    values: Vec<Value>,
}

/// A value to bind.
pub(super) enum Value {
    Text(String),
    Integer(i64),
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Self::Integer(number)
    }
}

impl Conditions {
    /// The rows of a chain up to `newest` that the filter fits.
    pub(super) fn new(chain: &str, newest: i64, filter: &AuditFilter) -> Self {
        let conditions = Self {
            text: " WHERE chain = $1".to_owned(),
            values: vec![chain.to_owned().into()],
        };
        conditions.and("seq <=", newest).fit(filter)
    }

    /// One more condition, on a value.
    pub(super) fn and(mut self, condition: &'static str, value: impl Into<Value>) -> Self {
        self.values.push(value.into());
        // Writing to a string does not fail.
        let _ = write!(self.text, " AND {condition} ${}", self.values.len());
        self
    }

    fn and_if(self, condition: &'static str, value: Option<impl Into<Value>>) -> Self {
        match value {
            Some(value) => self.and(condition, value),
            None => self,
        }
    }

    fn and_literally(mut self, condition: &'static str) -> Self {
        self.text.push_str(condition);
        self
    }

    fn fit(self, filter: &AuditFilter) -> Self {
        self.by(filter.actor.clone())
            .with_key(filter)
            .ended(filter.outcome)
            .done(filter.action.as_deref())
            .and_if("resource_kind =", filter.resource_kind.clone())
            .and_if("resource_id =", filter.resource_id.clone())
            .and_if("ip =", filter.ip.map(|ip| ip.to_string()))
            .and_if("at >=", filter.from.map(Timestamp::as_micros))
            .and_if("at <=", filter.to.map(Timestamp::as_micros))
    }

    fn by(self, actor: Option<AuditActor>) -> Self {
        match actor {
            None => self,
            Some(AuditActor::Id(id)) => self.and("actor_id =", id.to_string()),
            Some(AuditActor::Nameless(kind)) => self
                .and_literally(" AND actor_id IS NULL")
                .and("actor_kind =", kind.as_str().to_owned()),
            // Addresses are kept in small letters.
            Some(AuditActor::Email(email)) => self
                .and(
                    "actor_kind = 'user' AND actor_id IN (SELECT users.id FROM users WHERE email =",
                    email.to_lowercase(),
                )
                .and_literally(")"),
            Some(AuditActor::Called(name)) => self.called(name),
        }
    }

    /// The chain, which stands first, is called as the organization.
    fn called(mut self, name: String) -> Self {
        self.values.push(name.into());
        let place = self.values.len();
        // Writing to a string does not fail.
        let _ = write!(
            self.text,
            " AND actor_kind <> 'user' AND actor_id IN (
                 SELECT api_keys.id FROM api_keys WHERE organization_id = $1 AND label = ${place}
                 UNION ALL
                 SELECT servers.id FROM servers WHERE organization_id = $1 AND name = ${place})"
        );
        self
    }

    /// A whole name such as `key.create`; its first part, which stands for all that begin with it;
    /// or a beginning with a `*` behind it.
    fn done(self, action: Option<&str>) -> Self {
        let Some(action) = action else { return self };
        if let Some(start) = action.strip_suffix('*') {
            return self.beginning(None, start.to_owned());
        }
        if action.contains('.') {
            return self.and("action =", action.to_owned());
        }
        self.beginning(Some(action.to_owned()), format!("{action}."))
    }

    /// No range: how a database orders points depends on its locale.
    fn beginning(mut self, whole: Option<String>, start: String) -> Self {
        self.values.push(start.into());
        let place = self.values.len();
        let begins = format!("substr(action, 1, length(CAST(${place} AS TEXT))) = ${place}");
        // Writing to a string does not fail.
        let _ = match whole {
            None => write!(self.text, " AND {begins}"),
            Some(whole) => {
                self.values.push(whole.into());
                write!(self.text, " AND (action = ${} OR {begins})", place + 1)
            }
        };
        self
    }

    fn with_key(self, filter: &AuditFilter) -> Self {
        match filter.key {
            None => self,
            Some(id) => self
                .and("actor_id =", id.to_string())
                .and_literally(" AND actor_kind IN ('integration_key', 'automation_key')"),
        }
    }

    /// Literals, since the index of refusals fits nothing else.
    fn ended(self, outcome: Option<AuditOutcome>) -> Self {
        self.and_literally(match outcome {
            None => "",
            Some(AuditOutcome::Success) => " AND outcome = 'success'",
            Some(AuditOutcome::Failure) => " AND outcome = 'failure'",
            Some(AuditOutcome::Refused) => " AND outcome = 'refused'",
            Some(AuditOutcome::Intent) => " AND outcome = 'intent'",
        })
    }

    /// The statement that begins with `select` and takes these rows.
    pub(super) fn statement(self, select: &'static str) -> Statement {
        let statement = sql_of_literals(format!("{select}{}", self.text));
        bind(statement, self.values)
    }

    /// The number of the newest of these rows, at most `limit`, and the ends of their numbers.
    pub(super) fn counted(mut self, select: &'static str, limit: i64) -> Statement {
        self.values.push(limit.into());
        let text = format!(
            "SELECT COUNT(*) AS total, MIN(seq) AS oldest, MAX(seq) AS newest
             FROM ({select}{} ORDER BY seq DESC LIMIT ${}) AS counted",
            self.text,
            self.values.len()
        );
        bind(sql_of_literals(text), self.values)
    }

    /// The rows with at most `limit` of them behind the newest `offset`, newest first.
    pub(super) fn newest_first(
        mut self,
        select: &'static str,
        limit: i64,
        offset: i64,
    ) -> Statement {
        self.values.extend([limit.into(), offset.into()]);
        let last = self.values.len();
        let text = format!(
            "{select}{} ORDER BY seq DESC LIMIT ${} OFFSET ${last}",
            self.text,
            last - 1
        );
        bind(sql_of_literals(text), self.values)
    }
}

fn bind(statement: Statement, values: Vec<Value>) -> Statement {
    values
        .into_iter()
        .fold(statement, |statement, value| match value {
            Value::Text(text) => statement.bind(text),
            Value::Integer(number) => statement.bind(number),
        })
}
