//! Which ports a server listens on.

use std::time::Duration;

use async_recursion::async_recursion as boxed;
use reoclo_domain::ServerId;
use reoclo_wire::ability::Ability;
use reoclo_wire::proto::PortsReply;
use tokio::time::timeout;

use super::{Runners, is_unknown_call};
use crate::error::Error;

/// How long a runner may take to look.
const LIMIT: Duration = Duration::from_secs(10);

impl Runners<'_> {
    /// Asks a server's runner to look now.
    ///
    /// # Errors
    /// When it is not connected, does not answer in time or is too old.
    #[boxed]
    pub async fn ports(&self, server: ServerId) -> Result<PortsReply, Error> {
        let link = self.0.seats().link(server);
        let link = link.ok_or(Error::ServerUnreachable)?;
        if link.lacks(Ability::Ports) {
            return Err(link.is_too_old_for(Ability::Ports));
        }
        match timeout(LIMIT, link.calls().ports()).await {
            Ok(Ok(reply)) => Ok(reply),
            Ok(Err(status)) if is_unknown_call(&status) => Err(link.is_too_old_for(Ability::Ports)),
            Ok(Err(_)) | Err(_) => Err(Error::ServerUnreachable),
        }
    }

    /// The version of a connected runner that is too old to measure its host.
    pub fn version_without_metrics(self, server: ServerId) -> Option<String> {
        let link = self.0.seats().link(server)?;
        link.lacks(Ability::Metrics)
            .then(|| link.version().to_owned())
    }

    /// The version of a connected runner that is too old for something, and for what.
    pub fn outdated(self, server: ServerId) -> Option<(String, Vec<Ability>)> {
        let link = self.0.seats().link(server)?;
        let lacking = link.lacking();
        (!lacking.is_empty()).then(|| (link.version().to_owned(), lacking))
    }
}
