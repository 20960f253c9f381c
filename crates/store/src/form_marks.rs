//! What a form of a page did: each is taken once, however often it is sent.

mod taken;

use std::time::Duration;

use reoclo_domain::{OrganizationId, Timestamp};
use uuid::Uuid;

use crate::error::{Conflict, StoreError};
use crate::sql::sql;
use crate::writer::{Work, Write};
pub use taken::TakenForm;

/// A form that is older was sent in a session that is over.
const KEPT: Duration = Duration::from_hours(30 * 24);

/// The mark of a form that is being taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FormMark {
    /// The organization that it changes.
    pub organization: OrganizationId,
    /// What it does, and the mark of its page.
    pub mark: String,
    /// What it makes or changes.
    pub subject: Uuid,
    /// When it is taken.
    pub at: Timestamp,
}

/// A write that is made for a form, once.
pub(crate) struct ForForm<W> {
    pub(crate) mark: FormMark,
    pub(crate) write: W,
}

impl<W: Write> Write for ForForm<W> {
    type Output = W::Output;

    /// The mark is used up by what has the audit log told; what was refused can be sent again.
    async fn apply(&self, work: &mut Work<'_>) -> Result<W::Output, StoreError> {
        let before = work.audited();
        let output = self.write.apply(work).await?;
        if work.audited() > before {
            self.mark.take(work).await?;
        }
        Ok(output)
    }
}

impl FormMark {
    async fn take(&self, work: &mut Work<'_>) -> Result<(), StoreError> {
        sql("DELETE FROM form_marks WHERE organization_id = $1 AND taken_at < $2")
            .bind(self.organization)
            .bind(self.at.minus(KEPT))
            .execute(work.connection().await?)
            .await?;
        let taken = sql(
            "INSERT INTO form_marks (organization_id, mark, subject_id, taken_at)
             VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING",
        )
        .bind(self.organization)
        .bind(self.mark.as_str())
        .bind(self.subject)
        .bind(self.at)
        .execute(work.connection().await?)
        .await?;
        if taken == 0 {
            return Err(Conflict::FormTaken.into());
        }
        Ok(())
    }
}
