//! The runners that are connected to this process.

mod attach;
mod event;
mod heard;
mod identify;
mod link;
mod machines;
mod ports;
mod registry;
mod room;
mod seat;
mod upgrade;

use crate::Dispatcher;
pub use attach::Attachment;
pub(crate) use heard::{Events, fact, is_unknown_call, why};
pub use identify::RunnerRejected;
pub use link::Detached;
pub(crate) use link::Link;
pub use machines::{ConnectedMachine, MachineConflict, OtherMachine};
pub(crate) use registry::Seats;
pub(crate) use room::{Place, Slot, Waiting};

/// Runners: whom they speak for, which of them are connected, and what they are asked. Nothing
/// here begins an operation.
#[derive(Clone, Copy, Debug)]
pub struct Runners<'d>(pub(crate) &'d Dispatcher);

impl Dispatcher {
    /// The runners of all servers.
    pub const fn runners(&self) -> Runners<'_> {
        Runners(self)
    }
}
