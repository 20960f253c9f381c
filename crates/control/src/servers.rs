//! Servers: seeing and adding them.

mod add;
mod list;

pub use add::{AddedServer, LocalOwner, NewServerForm};
