//! Runners, and the operations that they run: who is connected, what is sent, what comes back.
//!
//! It knows the store and the runner's protocol, and nothing of who may do what: an operation is
//! begun with a [`Grant`], which only the holder of the [`Authority`] makes.
#![forbid(unsafe_code)]

mod audit;
mod begin;
mod checks;
mod complaints;
mod dispatch;
mod dispatcher;
mod drain;
mod drive;
mod end;
mod error;
mod grant;
mod kinds;
mod live;
mod queue;
mod recover;
mod runners;
mod settings;
mod tail;
mod verdict;

pub use audit::server_called;
pub use begin::{Begun, Plan, Run};
pub use checks::{Checked, Stretch, UNHEALTHY_AFTER};
pub use complaints::Complaints;
pub use dispatcher::{Dispatcher, Parts, Statistics};
pub use drain::Drain;
pub use error::{Error, HOW_TO_UPDATE};
pub use grant::{Authority, Grant, Party};
pub use kinds::{
    CODE_WORKING_DIRECTORY, ExecPayload, Payload, RebootPayload, RegistryLoginPayload,
    RegistryLogoutPayload, is_script,
};
pub use live::{Excerpt, Live};
pub use runners::{
    Attachment, ConnectedMachine, Detached, MachineConflict, OtherMachine, RunnerRejected, Runners,
};
pub use settings::Settings;
