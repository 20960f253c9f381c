//! Asking for a list.

use http::StatusCode;
use ipnet::IpNet;
use reoclo_domain::{OrganizationId, counted, read_published};
use tokio::time::timeout;

use super::AddressSources;
use crate::Refusal;
use crate::outbound::{Outbound, OutboundUrl};

/// The most bytes of an answer: twenty thousand entries with much else around them.
const MOST: usize = 8 << 20;
/// A list is larger than the answers of registries, so it may take longer.
const PATIENCE: u32 = 3;

impl AddressSources<'_> {
    /// The networks of a list, or a sentence that says why there are none.
    pub(super) async fn fetch_networks(
        self,
        organization: OrganizationId,
        url: &OutboundUrl,
        field: Option<&str>,
    ) -> Result<Result<Vec<IpNet>, String>, Refusal> {
        let outbound = Outbound::of(self.core, self.settings, organization).await?;
        let patience = self.settings.outbound_timeout * PATIENCE;
        let Ok(answer) = timeout(patience, outbound.get_at_most(url, None, MOST)).await else {
            return Ok(Err(format!(
                "no whole answer came within {}",
                counted(patience.as_secs_f64(), "second")
            )));
        };
        Ok(match answer {
            Err(error) => Err(error.to_string()),
            Ok(answer) if answer.status.is_redirection() => Err(format!(
                "the answer was {}, which leads elsewhere: name that address itself",
                answer.status.as_u16()
            )),
            Ok(answer) if answer.status != StatusCode::OK => {
                Err(format!("the answer was {}", answer.status.as_u16()))
            }
            Ok(answer) => {
                read_published(&answer.body, field).map_err(|problem| problem.to_string())
            }
        })
    }
}
