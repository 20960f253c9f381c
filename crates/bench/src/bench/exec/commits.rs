//! What an operation needs of the store, without the operation: a look-up and two commits.

use std::path::Path;
use std::time::Instant;

use anyhow::{Context, Result};
use reoclo_domain::{OperationId, OperationKind, OperationState, Secret};
use reoclo_store::{NewOperation, OperationOutcome, Tail};

use crate::bench::audit::event;
use crate::database::Database;

/// A database in this process, on the same file system as the instance's.
pub(super) struct Commits(Database);

impl Commits {
    pub(super) async fn create(directory: &Path) -> Result<Self> {
        Ok(Self(Database::create(directory).await?))
    }

    /// The seconds that it takes to find the server.
    pub(super) async fn look_up(&self) -> Result<f64> {
        let Database {
            organization,
            server,
            ..
        } = self.0;
        let start = Instant::now();
        let found = self.0.store.server(organization, server).await?;
        let seconds = start.elapsed().as_secs_f64();
        found.context("the server is gone")?;
        Ok(seconds)
    }

    /// The seconds that it takes to record an intent.
    pub(super) async fn intent(&self) -> Result<f64> {
        let start = Instant::now();
        self.begin().await?;
        Ok(start.elapsed().as_secs_f64())
    }

    /// The seconds that it takes to record an outcome; recording its intent is not among them.
    pub(super) async fn outcome(&self) -> Result<f64> {
        let id = self.begin().await?;
        let start = Instant::now();
        let end = vec![event(&self.0, "operation.end")];
        let store = &self.0.store;
        store.finish_operation(id, self.completed(), end).await?;
        Ok(start.elapsed().as_secs_f64())
    }

    pub(super) async fn close(&self) {
        self.0.store.close().await;
    }

    async fn begin(&self) -> Result<OperationId> {
        let operation = self.operation();
        let id = operation.id;
        let payload = Secret::new(r#"{"command":"true","env":{}}"#);
        let intent = vec![event(&self.0, "operation.start")];
        let store = &self.0.store;
        store.begin_operation(operation, &payload, intent).await?;
        Ok(id)
    }

    fn operation(&self) -> NewOperation {
        let Database { clock, entropy, .. } = &self.0;
        NewOperation {
            id: OperationId::new(&**clock, &**entropy),
            organization: self.0.organization,
            server: self.0.server,
            server_name: "web".into(),
            kind: OperationKind::Exec,
            starter: event(&self.0, "operation.start").actor,
            via: None,
            command: Some("true".into()),
            timeout_seconds: 60,
            run_id: None,
            run_context: None,
            boot_id: "boot".into(),
            instance_id: "supervisor".into(),
            created_at: clock.now(),
            queued_at: None,
        }
    }

    fn completed(&self) -> OperationOutcome {
        OperationOutcome {
            state: OperationState::Completed,
            code: None,
            message: None,
            exit_code: 0,
            signal: None,
            duration_us: 1000,
            left_running: 0,
            still_held: 0,
            stdout: Tail::default(),
            stderr: Tail::default(),
            completed_at: self.0.clock.now(),
        }
    }
}
