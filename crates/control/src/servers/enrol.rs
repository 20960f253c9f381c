//! Enrolment: a single-use token makes a public key the identity of a server's runner.

use async_recursion::async_recursion as boxed;
use reoclo_domain::{OrganizationId, PlainToken, ServerId, TokenKind};
use reoclo_store::{EnrolOutcome, RequestSource};

use super::Servers;
use crate::Refusal;

/// Length of an ed25519 public key in bytes (RFC 8032).
const PUBLIC_KEY_LEN: usize = 32;

impl Servers<'_> {
    /// Binds `public_key` to the server that the token was made for. Doing it again with the same
    /// key, before the token expires, gives the same answer.
    #[boxed]
    pub async fn enrol(
        &self,
        token: &str,
        public_key: &[u8],
        source: RequestSource,
    ) -> Result<(ServerId, OrganizationId), Refusal> {
        let token = PlainToken::parse(token)
            .ok()
            .filter(|token| token.kind() == TokenKind::Enrolment)
            .ok_or_else(|| refused("is not an enrolment token: copy the install command whole"))?;
        if public_key.len() != PUBLIC_KEY_LEN {
            return Err(Refusal::field(
                "public_key",
                "must be 32 bytes of ed25519 in base64",
            ));
        }
        let outcome = self
            .core
            .store()
            .enrol(token.hash(), public_key, self.core.now(), source)
            .await;
        match outcome.map_err(Refusal::of_write)? {
            EnrolOutcome::Enrolled {
                server,
                organization,
            } => {
                // With another key, no copy of before is one any more.
                self.dispatcher.runners().forget_machines(server);
                Ok((server, organization))
            }
            EnrolOutcome::Unknown => Err(refused("is not known: get a new install command")),
            EnrolOutcome::Expired => Err(refused("has expired: get a new install command")),
            EnrolOutcome::Used => Err(refused("was used already: get a new install command")),
        }
    }
}

fn refused(problem: &str) -> Refusal {
    Refusal::field("token", problem)
}
