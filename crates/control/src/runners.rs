//! The runners that are connected to this process.

mod attach;
mod enrol;
mod event;
mod heard;
mod identify;
mod link;
mod machines;
mod registry;
mod room;
mod seat;
mod upgrade;

pub use attach::{Attachment, Detached};
pub use identify::RunnerRejected;
pub use machines::{ConnectedMachine, MachineConflict, OtherMachine};

pub(crate) use heard::{Events, fact, is_unknown_call, why};
pub(crate) use link::Link;
pub(crate) use registry::Runners;
pub(crate) use room::{Place, Slot, Waiting};
