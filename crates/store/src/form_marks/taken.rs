//! Taking a form, and what it did.

use async_recursion::async_recursion as boxed;
use reoclo_domain::{OrganizationId, Timestamp};
use uuid::Uuid;

use super::FormMark;
use crate::error::StoreError;
use crate::sql::sql;
use crate::store::Store;

/// A form that was taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TakenForm {
    /// What it made or changed.
    pub subject: Uuid,
    /// When.
    pub at: Timestamp,
}

impl Store {
    /// The same store, whose changes are those of a form: they are made once.
    ///
    /// # Errors
    /// Of its changes: [`Conflict::FormTaken`] when the form was taken before; then nothing is
    /// changed.
    #[must_use]
    pub fn for_form(&self, mark: FormMark) -> Self {
        Self {
            form: Some(mark),
            ..self.clone()
        }
    }

    /// What a form with this mark did.
    #[boxed]
    pub async fn taken_form(
        &self,
        organization: OrganizationId,
        mark: &str,
    ) -> Result<Option<TakenForm>, StoreError> {
        let row = sql("SELECT subject_id, taken_at FROM form_marks
             WHERE organization_id = $1 AND mark = $2")
        .bind(organization)
        .bind(mark)
        .optional(&mut self.reader().await?)
        .await?;
        row.map(|row| {
            Ok(TakenForm {
                subject: row.get("subject_id")?,
                at: row.get("taken_at")?,
            })
        })
        .transpose()
    }
}
