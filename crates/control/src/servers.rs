//! Servers: seeing and adding them.

mod add;
mod change;
mod find;
mod list;
mod remove;

pub use add::{AddedServer, LocalOwner, NewServerForm};
pub use change::ServerForm;
