//! Servers: seeing, adding and changing them.

use crate::core::Core;
use crate::settings::Settings;
use reoclo_dispatch::Dispatcher;

mod change;
mod choose_machine;
mod create;
mod enrol;
mod enrolment;
mod health;
mod list;
mod metrics;
mod named;
mod ports;
mod remove;
mod show;
mod uptime;

pub(crate) use create::server_created;
pub use create::{AddedServer, LocalOwner};
pub use health::ServerHealth;
pub use metrics::ServerMetrics;
pub(crate) use named::server_named;
pub use uptime::{ServerUptime, UptimeSlot, UptimeStatus};

/// The servers of organizations.
#[derive(Clone, Copy)]
pub struct Servers<'c> {
    pub(crate) core: &'c Core,
    pub(crate) settings: &'c Settings,
    pub(crate) dispatcher: &'c Dispatcher,
}
