//! Rebooting a server.

use std::sync::Arc;
use std::time::Duration;

use async_recursion::async_recursion as boxed;
use reoclo_dispatch::{Payload, Plan, RebootPayload};
use reoclo_domain::ServerId;
use reoclo_domain::masking::masked_shapes;
use serde_json::json;
use tokio::time::timeout;

use super::Operations;
use super::run_note::RunNote;
use crate::servers::server_named;
use crate::{
    Allowed, Authorized, Executed, InvalidFields, Permission, Reboot, Refusal, ServersExecute,
};

const DEFAULT_SECONDS: u32 = 600;
const MOST_SECONDS: u32 = 3600;
/// How long the answer waits for a command that fails at once.
const FAILS_WITHIN: Duration = Duration::from_secs(2);

/// A reboot as it was asked for, not yet checked.
#[derive(Clone, Debug, Default)]
pub struct RebootCommand {
    /// How long the server may take to be back.
    pub timeout_seconds: Option<i64>,
    /// The CI run that it belongs to.
    pub run: RunNote,
}

impl Operations<'_> {
    /// Has a server reboot, with an automation key.
    #[boxed]
    pub async fn reboot(
        &self,
        proof: Authorized<Reboot>,
        server: ServerId,
        command: RebootCommand,
    ) -> Result<Executed, Refusal> {
        let allowed = proof.on_server(self.refusals, server).await?;
        self.begin_reboot(&allowed, command).await
    }

    /// Has the server with this id or slug reboot.
    #[boxed]
    pub async fn reboot_server(
        &self,
        proof: Authorized<ServersExecute>,
        server: &str,
    ) -> Result<Executed, Refusal> {
        let organization = proof.caller().organization();
        let server = server_named(self.core, organization, server).await?;
        let allowed = proof.on_server(self.refusals, server).await?;
        self.begin_reboot(&allowed, RebootCommand::default()).await
    }

    async fn begin_reboot<P: Permission>(
        self,
        allowed: &Allowed<P>,
        command: RebootCommand,
    ) -> Result<Executed, Refusal> {
        let plan = self.plan_reboot(command)?;
        let begun = self.begin(allowed, plan).await?;
        let ended = timeout(FAILS_WITHIN, begun.live.ended()).await;
        Ok(Executed {
            operation: begun.id,
            outcome: ended.ok().flatten().as_ref().map(Arc::clone),
        })
    }

    fn plan_reboot(self, command: RebootCommand) -> Result<Plan, Refusal> {
        let mut invalid = InvalidFields::default();
        let least = self.settings.reboot_least_seconds;
        let seconds = match command.timeout_seconds {
            None => DEFAULT_SECONDS,
            Some(seconds) => {
                let seconds = u32::try_from(seconds).unwrap_or(0);
                if !(least..=MOST_SECONDS).contains(&seconds) {
                    let problem = format!("must be from {least} to {MOST_SECONDS}");
                    invalid.add("timeout_seconds", problem);
                }
                seconds
            }
        };
        command.run.check(&mut invalid);
        invalid.into_result()?;
        Ok(Plan {
            payload: Payload::Reboot(RebootPayload {}),
            command: None,
            timeout_seconds: seconds,
            run: command.run.checked(masked_shapes),
            detail: json!({}),
        })
    }
}
