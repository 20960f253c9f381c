//! An organization always has an admin (rule 3).

use reoclo_domain::{OrganizationId, UserId};
use sqlx::AnyConnection;

use crate::error::{Conflict, StoreError};
use crate::sql::sql;

/// Refuses when this is the last admin of the organization.
pub(super) async fn refuse_the_last_admin(
    connection: &mut AnyConnection,
    (organization, user): (OrganizationId, UserId),
) -> Result<(), StoreError> {
    let admins = sql(
        "SELECT user_id FROM memberships WHERE organization_id = $1 AND role = 'admin' LIMIT 2",
    )
    .bind(organization)
    .all(connection, |row| row.get::<UserId>("user_id"))
    .await?;
    if admins == [user] {
        return Err(Conflict::LastAdmin.into());
    }
    Ok(())
}
