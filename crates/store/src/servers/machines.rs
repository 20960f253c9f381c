//! The machines that claimed to be a server, as the control plane words them.

use async_recursion::async_recursion as boxed;
use reoclo_domain::ServerId;
use sqlx::AnyConnection;

use crate::error::StoreError;
use crate::sql::sql;
use crate::store::Store;
use crate::writer::{Work, Write};

struct KeepMachines {
    server: ServerId,
    known: Option<String>,
}

impl Write for KeepMachines {
    type Output = ();

    async fn apply(&self, work: &mut Work<'_>) -> Result<(), StoreError> {
        let connection = work.connection().await?;
        let Some(known) = &self.known else {
            return forget(connection, self.server).await;
        };
        sql(
            "INSERT INTO server_machines (server_id, known) VALUES ($1, $2)
             ON CONFLICT (server_id) DO UPDATE SET known = excluded.known",
        )
        .bind(self.server)
        .bind(known.as_str())
        .execute(connection)
        .await?;
        Ok(())
    }
}

pub(super) async fn forget(
    connection: &mut AnyConnection,
    server: ServerId,
) -> Result<(), StoreError> {
    sql("DELETE FROM server_machines WHERE server_id = $1")
        .bind(server)
        .execute(connection)
        .await?;
    Ok(())
}

impl Store {
    /// What was kept of the machines of servers.
    #[boxed]
    pub async fn machines(&self) -> Result<Vec<(ServerId, String)>, StoreError> {
        sql("SELECT server_id, known FROM server_machines ORDER BY server_id")
            .all(&mut self.reader().await?, |row| {
                Ok((row.get("server_id")?, row.get("known")?))
            })
            .await
    }

    /// Keeps what is known of the machines that claim to be a server; `None` when there is nothing
    /// to know. Not audited.
    #[boxed]
    pub async fn keep_machines(
        &self,
        server: ServerId,
        known: Option<String>,
    ) -> Result<(), StoreError> {
        self.write(KeepMachines { server, known }).await
    }
}
