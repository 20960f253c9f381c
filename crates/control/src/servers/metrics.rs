//! What a server measured.

use std::time::Duration;

use async_recursion::async_recursion as boxed;
use reoclo_dispatch::{HOW_TO_UPDATE, Stretch};
use reoclo_domain::{HostChecks, Resolution, counted};
use reoclo_store::ServerRecord;
use reoclo_wire::ability::Ability;

use super::Servers;
use crate::{Authorized, Refusal, ServersRead};

/// What a server measures now, and measured.
#[derive(Debug)]
pub struct ServerMetrics {
    /// The server.
    pub server: ServerRecord,
    /// The last measurement, if there was one.
    pub current: Option<HostChecks>,
    /// How fine the history is.
    pub resolution: Resolution,
    /// The history, the oldest first.
    pub history: Vec<HostChecks>,
    /// Why there is less than somebody might expect.
    pub note: Option<String>,
}

impl Servers<'_> {
    /// What a server of the caller's organization measured in the last `hours`.
    #[boxed]
    pub async fn metrics(
        &self,
        proof: &Authorized<ServersRead>,
        reference: &str,
        hours: u32,
        resolution: Option<Resolution>,
    ) -> Result<ServerMetrics, Refusal> {
        let organization = proof.caller().organization();
        let server = self.find(organization, reference).await?;
        let asked = Duration::from_hours(hours.into());
        let resolution = chosen(asked, resolution)?;
        let now = self.core.now();
        let stretch = Stretch {
            organization,
            server: server.id,
            from: now.minus(asked),
            // What is measured in this moment is part of it.
            to: now.plus(Duration::from_micros(1)),
        };
        let history = self.dispatcher.measured(stretch, resolution).await?;
        let known = self.dispatcher.checked(server.id).answered;
        let stored = history.iter().rev().find(|checks| checks.ok > 0);
        Ok(ServerMetrics {
            current: known.or(stored.copied()),
            resolution,
            note: self.lack_of_metrics(server.id),
            history,
            server,
        })
    }

    /// What the connected runner of a server is too old for, and what to do about it.
    pub fn lack_of_abilities(
        self,
        _proof: &Authorized<ServersRead>,
        server: &ServerRecord,
    ) -> Option<String> {
        let (version, lacking) = self.dispatcher.runners().outdated(server.id)?;
        let lacking: Vec<_> = lacking.into_iter().map(Ability::what).collect();
        Some(format!(
            "Its runner ({version}) is older than this control plane and cannot {}; {HOW_TO_UPDATE}",
            lacking.join(", ")
        ))
    }

    /// What an old runner does not do.
    pub(super) fn lack_of_metrics(self, server: reoclo_domain::ServerId) -> Option<String> {
        let version = self.dispatcher.runners().version_without_metrics(server)?;
        Some(format!(
            "this server's runner ({version}) does not measure its host: it needs a newer runner"
        ))
    }
}

/// The finest that is kept for so long, unless another was asked for.
fn chosen(asked: Duration, resolution: Option<Resolution>) -> Result<Resolution, Refusal> {
    let mut kept = Resolution::ALL
        .into_iter()
        .filter(|resolution| resolution.kept() >= asked);
    let finest = kept.next().unwrap_or(Resolution::TenMinutes);
    match resolution {
        None => Ok(finest),
        Some(resolution) if resolution >= finest => Ok(resolution),
        Some(resolution) => Err(Refusal::field(
            "resolution",
            format!(
                "{} is kept for {} only: ask for {}, or for fewer hours",
                resolution.seconds(),
                counted(resolution.kept().as_secs() / 3600, "hour"),
                finest.seconds()
            ),
        )),
    }
}
