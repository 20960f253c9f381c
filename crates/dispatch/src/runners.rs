//! The runners that are connected to this process.

mod attach;
mod capacity;
mod event;
mod heard;
mod identify;
mod link;
mod machines;
mod ports;
mod registry;
mod seat;
mod upgrade;

use crate::Dispatcher;
pub use attach::Attachment;
pub(crate) use capacity::{Admission, Slot, Waiting};
pub(crate) use heard::{Events, fact, is_unknown_call, why};
pub use identify::RunnerRejected;
pub use link::Detached;
pub(crate) use link::Link;
pub use machines::{ConnectedMachine, MachineConflict, OtherMachine};
pub(crate) use registry::Seats;

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
