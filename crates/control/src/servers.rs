//! Servers: seeing, adding and changing them.

mod add;
mod change;
mod enrolment;
mod find;
mod health;
mod list;
mod metrics;
mod ports;
mod remove;
mod uptime;

pub use add::{AddedServer, LocalOwner, NewServerForm};
pub use change::ServerForm;
pub use health::ServerHealth;
pub use metrics::ServerMetrics;
pub use uptime::{ServerUptime, UptimeSlot, UptimeStatus};
