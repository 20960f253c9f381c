//! A filter as SQL. Its text is put together from literals alone; every value is bound.

use std::fmt::Write;

use reoclo_domain::{OperationKind, OperationState, OrganizationId, Timestamp};

use super::query::{Ended, OperationCursor, OperationQuery};
use crate::sql::{Statement, sql_of_literals};

/// The conditions of a statement, with their values.
pub(super) struct Conditions {
    text: String,
    values: Vec<Value>,
}

enum Value {
    Text(String),
    Integer(i64),
}

impl Conditions {
    pub(super) fn new(organization: OrganizationId, query: &OperationQuery) -> Self {
        let filter = &query.filter;
        let conditions = Self {
            text: " WHERE operations.organization_id = $1".to_owned(),
            values: vec![Value::Text(organization.to_string())],
        };
        conditions
            .text_is("server_id", filter.server.map(|id| id.to_string()))
            .text_is("starter_id", filter.starter.map(|id| id.to_string()))
            .text_is("run_id", filter.run_id.clone())
            .of_kind(filter.kind)
            .in_state(filter.state)
            .ended(filter.ended)
            .time("operations.created_at >=", filter.from)
            .time("operations.created_at <=", filter.to)
            .before(query.before)
    }

    /// The statement that begins with `select` and takes at most `limit` of these operations.
    pub(super) fn newest_first(self, select: &'static str, limit: i64) -> Statement {
        let limited = self.bind(Value::Integer(limit));
        let text = format!(
            "{select}{} ORDER BY operations.created_at DESC, operations.id DESC LIMIT ${}",
            limited.text,
            limited.values.len()
        );
        let statement = sql_of_literals(text);
        let values = limited.values.into_iter();
        values.fold(statement, |statement, value| match value {
            Value::Text(text) => statement.bind(text),
            Value::Integer(number) => statement.bind(number),
        })
    }

    fn text_is(self, column: &'static str, value: Option<String>) -> Self {
        match value {
            None => self,
            Some(value) => self.bind(Value::Text(value)).and(&format!("{column} = ")),
        }
    }

    fn time(self, condition: &'static str, moment: Option<Timestamp>) -> Self {
        match moment {
            None => self,
            Some(moment) => self
                .bind(Value::Integer(moment.as_micros()))
                .and(&format!("{condition} ")),
        }
    }

    fn of_kind(self, kind: Option<OperationKind>) -> Self {
        let conditions = self.text_is("kind", kind.map(|kind| kind.as_str().to_owned()));
        conditions.literally(match kind {
            None | Some(OperationKind::Exec) => "",
            Some(_) => " AND kind <> 'exec'",
        })
    }

    fn in_state(self, state: Option<OperationState>) -> Self {
        match state {
            None => self,
            Some(OperationState::Running) => self.literally(" AND state = 'running'"),
            Some(OperationState::Completed) => self.literally(" AND state = 'completed'"),
            Some(state @ (OperationState::Failed | OperationState::Timeout)) => self
                .text_is("state", Some(state.as_str().to_owned()))
                .literally(" AND state IN ('failed', 'timeout')"),
        }
    }

    /// The same words as in the index of failures.
    fn ended(self, ended: Option<Ended>) -> Self {
        match ended {
            None => self,
            Some(Ended::Well) => {
                self.literally(" AND state = 'completed' AND COALESCE(exit_code, 0) = 0")
            }
            Some(Ended::Badly) => {
                self.literally(" AND (state IN ('failed', 'timeout') OR exit_code <> 0)")
            }
        }
    }

    fn before(self, cursor: Option<OperationCursor>) -> Self {
        let Some(cursor) = cursor else { return self };
        let bound = self
            .bind(Value::Integer(cursor.created_at.as_micros()))
            .bind(Value::Text(cursor.id.to_string()));
        let last = bound.values.len();
        let condition = format!(
            " AND (operations.created_at, operations.id) < (${}, ${last})",
            last - 1
        );
        Self {
            text: bound.text + &condition,
            ..bound
        }
    }

    /// A condition on the value that was bound last.
    fn and(mut self, condition: &str) -> Self {
        // Writing to a string does not fail.
        let _ = write!(self.text, " AND {condition}${}", self.values.len());
        self
    }

    fn literally(mut self, condition: &'static str) -> Self {
        self.text.push_str(condition);
        self
    }

    fn bind(mut self, value: Value) -> Self {
        self.values.push(value);
        self
    }
}
