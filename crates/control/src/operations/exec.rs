//! Running a command on a server.

use std::sync::Arc;

use async_recursion::async_recursion as boxed;
use reoclo_dispatch::{Begun, CODE_WORKING_DIRECTORY, Drain, Live, Payload, Plan};
use reoclo_domain::{OperationId, ServerId};
use reoclo_store::OperationOutcome;
use serde_json::json;
use tokio::time::sleep;

use super::Operations;
use super::exec_command::{ExecCommand, ValidExec};
use crate::servers::server_named;
use crate::{Allowed, Authorized, Exec, InvalidFields, Permission, Refusal, ServersExecute};

/// An accepted command: its outcome, or none while it runs on.
#[derive(Clone, Debug)]
pub struct Executed {
    /// The operation to ask for later.
    pub operation: OperationId,
    /// How it ended, when it ended within the inline wait.
    pub outcome: Option<Arc<OperationOutcome>>,
}

/// An accepted operation, for who waits for it without a limit.
pub struct Awaited {
    drain: Drain,
    /// The operation.
    pub operation: OperationId,
    live: Arc<Live>,
}

impl Awaited {
    /// How it ended; none when this process begins to stop before.
    #[boxed]
    pub async fn ended(&self) -> Option<Arc<OperationOutcome>> {
        tokio::select! {
            biased;
            ended = self.live.ended() => ended,
            () = self.drain.begun() => None,
        }
    }
}

impl Operations<'_> {
    /// Runs a command on the server with this id or slug.
    #[boxed]
    pub async fn exec_on_server(
        &self,
        proof: Authorized<ServersExecute>,
        server: &str,
        scope: Option<&str>,
        command: ExecCommand,
    ) -> Result<Awaited, Refusal> {
        let organization = proof.caller().organization();
        let server = server_named(self.core, organization, server).await?;
        let allowed = proof.on_server(self.refusals, server).await?;
        check_scope(scope)?;
        let begun = self
            .begin(&allowed, plan(command.validated().await?))
            .await?;
        Ok(self.awaited(begun))
    }

    pub(crate) fn awaited(self, begun: Begun) -> Awaited {
        Awaited {
            drain: self.drain.clone(),
            operation: begun.id,
            live: begun.live,
        }
    }

    /// Runs a command on a server and waits for it for a short while (rule 9).
    ///
    /// Whoever asked may go away: the command and its record go on without them.
    #[boxed]
    pub async fn exec(
        &self,
        proof: Authorized<Exec>,
        server: ServerId,
        command: ExecCommand,
    ) -> Result<Executed, Refusal> {
        let allowed = proof.on_server(self.refusals, server).await?;
        let plan = plan(command.validated().await?);
        let executed = self.begin_and_wait(&allowed, plan).await?;
        if let Some(outcome) = &executed.outcome {
            refuse_late(executed.operation, outcome)?;
        }
        Ok(executed)
    }

    /// Begins an operation and waits for it for a short while.
    pub(super) async fn begin_and_wait<P: Permission>(
        self,
        allowed: &Allowed<P>,
        plan: Plan,
    ) -> Result<Executed, Refusal> {
        let begun = self.begin(allowed, plan).await?;
        Ok(Executed {
            operation: begun.id,
            outcome: self.wait_inline(&begun.live).await,
        })
    }

    /// Waits until the operation ends, the inline wait is over, or the process begins to stop.
    async fn wait_inline(self, live: &Live) -> Option<Arc<OperationOutcome>> {
        tokio::select! {
            biased;
            ended = live.ended() => ended,
            () = sleep(self.settings.inline_wait) => None,
            () = self.drain.begun() => None,
        }
    }
}

/// Commands run on the host; what a client means by another place would not be what it gets.
fn check_scope(scope: Option<&str>) -> Result<(), Refusal> {
    match scope {
        None | Some("host") => Ok(()),
        Some("rootless") => Err(Refusal::field(
            "scope",
            "cannot be rootless on this server: leave it out to run the command on the host",
        )),
        Some(_) => Err(Refusal::field("scope", "must be host, or left out")),
    }
}

fn plan(exec: ValidExec) -> Plan {
    Plan {
        detail: json!({
            "command": exec.masked_command,
            "working_directory": exec.masked_directory,
            "env_names": exec.masked_names,
        }),
        command: Some(exec.masked_command),
        timeout_seconds: exec.timeout_seconds,
        run: exec.run,
        payload: Payload::Exec(exec.payload),
    }
}

const DIRECTORY: &str = "working_directory";

/// The rest of a sentence that begins with the field. Runners say it as a sentence of its own.
fn directory_problem(message: &str) -> String {
    let own = ["working_directory ", "the working directory "];
    match own.iter().find_map(|start| message.strip_prefix(start)) {
        Some(rest) => rest.to_owned(),
        None => format!("is out of reach: {message}"),
    }
}

/// What only the server could check comes back as the refusal that it is.
///
/// # Errors
/// [`Refusal::InvalidRequest`], which names the operation.
pub fn refuse_late(operation: OperationId, outcome: &OperationOutcome) -> Result<(), Refusal> {
    if outcome.code.as_deref() != Some(CODE_WORKING_DIRECTORY) {
        return Ok(());
    }
    let message = outcome.message.as_deref().unwrap_or_default();
    let invalid = InvalidFields::one(DIRECTORY, directory_problem(message));
    Err(Refusal::InvalidRequest(invalid.of_operation(operation)))
}
