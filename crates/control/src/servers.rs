//! Servers: seeing, adding and changing them.

mod change;
mod choose_machine;
mod create;
mod enrol;
mod enrolment;
mod health;
mod list;
mod metrics;
mod ports;
mod remove;
mod show;
mod uptime;

pub use change::ServerForm;
pub use create::{AddedServer, LocalOwner, NewServerForm};
pub use health::ServerHealth;
pub use metrics::ServerMetrics;
pub use uptime::{ServerUptime, UptimeSlot, UptimeStatus};
