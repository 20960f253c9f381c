//! New enrolment tokens for servers that exist.

use std::time::Duration;

use async_recursion::async_recursion as boxed;
use reoclo_dispatch::server_called;
use reoclo_domain::{OrganizationId, PlainToken, ServerId, ServerStatus, TokenKind};
use reoclo_store::{AuditOutcome, NewAuditEvent, NewEnrolment, ServerRecord};
use serde_json::json;

use super::Servers;
use super::{AddedServer, LocalOwner};
use crate::audit::{AuditedAction, resource};
use crate::{Authorized, Caller, OnceForm, Refusal, ServersWrite};

const TOKEN_LIFETIME: Duration = Duration::from_hours(1);

impl Servers<'_> {
    /// A new enrolment token for a server that exists; an earlier one stops working.
    #[boxed]
    pub async fn renew_enrolment_for_owner(
        &self,
        _owner: &LocalOwner,
        organization: OrganizationId,
        server: ServerId,
    ) -> Result<PlainToken, Refusal> {
        let (token, enrolment) = self.new_enrolment();
        let name = server_called(self.core.store(), organization, server).await;
        let audited = created(server, name.as_deref(), enrolment);
        let event = self.core.event_by_system(Some(organization), audited);
        let renewed = self
            .core
            .store()
            .replace_enrolment(organization, server, enrolment, vec![event])
            .await;
        if renewed.map_err(Refusal::of_write)? {
            Ok(token)
        } else {
            Err(Refusal::NotFound("the server"))
        }
    }

    /// A new enrolment token for a server of the caller's organization whose runner has never
    /// connected; an earlier one stops working. Any other server is refused, and keeps its
    /// runner's identity.
    #[boxed]
    pub async fn renew_enrolment(
        &self,
        proof: &Authorized<ServersWrite>,
        reference: &str,
        once: Option<&str>,
    ) -> Result<(AddedServer, ServerRecord), Refusal> {
        let caller = proof.caller();
        let organization = caller.organization();
        let server = self.find(organization, reference).await?;
        if server.status != ServerStatus::Provisioning {
            return Err(needs_no_token(&server));
        }
        let (token, enrolment) = self.new_enrolment();
        let event = self.enrolment_renewed(caller, &server, enrolment);
        let renewed = self
            .core
            .store_for(proof, OnceForm::RenewEnrolment, once, server.id.as_uuid())
            .replace_unused_enrolment(organization, server.id, enrolment, vec![event])
            .await;
        if !renewed.map_err(Refusal::of_write)? {
            // Its runner was faster.
            let now = self.find(organization, reference).await?;
            return Err(needs_no_token(&now));
        }
        let renewed = AddedServer {
            id: server.id,
            slug: server.slug.clone(),
            install_command: self.install_command(&token),
            expires_at: enrolment.expires_at,
            token,
        };
        Ok((renewed, server))
    }

    pub(super) fn new_enrolment(self) -> (PlainToken, NewEnrolment) {
        let token = PlainToken::generate(TokenKind::Enrolment, self.core.entropy());
        let enrolment = NewEnrolment {
            token: token.hash(),
            expires_at: self.core.now().plus(TOKEN_LIFETIME),
        };
        (token, enrolment)
    }

    fn enrolment_renewed(
        self,
        caller: &Caller,
        server: &ServerRecord,
        enrolment: NewEnrolment,
    ) -> NewAuditEvent {
        let audited = created(server.id, Some(&server.name), enrolment);
        self.core.event_by(caller, audited)
    }
}

fn created(server: ServerId, name: Option<&str>, enrolment: NewEnrolment) -> AuditedAction {
    AuditedAction {
        action: "enrolment.create",
        resource: resource("server", server, name),
        outcome: AuditOutcome::Success,
        detail: json!({ "expires_at": enrolment.expires_at.to_string() }),
    }
}

fn needs_no_token(server: &ServerRecord) -> Refusal {
    let name = &server.name;
    Refusal::Conflict(match server.status {
        ServerStatus::Unreachable => format!(
            "the runner of {name} is enrolled, and is not connected: start it on the server \
             (`systemctl start reoclo-runner`); if the machine is gone, decommission {name} and \
             add the new one"
        ),
        _ => format!(
            "the runner of {name} is enrolled: to install it anew on the same machine, run \
             install.sh there without a token; for another machine, add a server"
        ),
    })
}
