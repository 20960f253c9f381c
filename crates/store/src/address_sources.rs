//! Published lists of networks that automation keys may be used from.

mod create;
mod find;
mod known;
mod refresh;
mod remove;

pub(crate) use find::load_all;
pub(crate) use known::KnownLists;
pub use refresh::RefreshedList;
pub use remove::RemovedSource;

use ipnet::IpNet;
use reoclo_domain::{AddressSourceId, DisplayName, OrganizationId, Timestamp};

/// A published list of networks as stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AddressSourceRecord {
    /// Its id.
    pub id: AddressSourceId,
    /// The organization it belongs to.
    pub organization: OrganizationId,
    /// Its name for people.
    pub name: DisplayName,
    /// Where it is published.
    pub url: String,
    /// The field of the answer that holds it.
    pub field: Option<String>,
    /// How many networks the last good list has.
    pub entries: u32,
    /// How often another list was fetched.
    pub revision: i64,
    /// When it was last asked for.
    pub checked_at: Timestamp,
    /// When that last went well.
    pub fetched_at: Timestamp,
    /// Why the last attempt did not; the list before it is in force.
    pub problem: Option<String>,
    /// When it was added.
    pub created_at: Timestamp,
}

/// Networks as the column holds them.
fn column(networks: &[IpNet]) -> String {
    let texts: Vec<String> = networks.iter().map(IpNet::to_string).collect();
    texts.join(" ")
}
