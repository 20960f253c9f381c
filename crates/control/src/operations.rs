//! Operations: intent, dispatch, outcome (rules 13 to 16).

mod begin;
mod cancel;
mod exec;
mod exec_command;
mod log;
mod mask_stored;
mod planned;
mod read;
mod reboot;
mod registry_auth;
mod retention;
mod run_note;
mod wait;
mod waits;

use reoclo_dispatch::{Dispatcher, Drain};

use crate::authorize::Granting;
use crate::core::Core;
use crate::refused_use::Refusals;
use crate::settings::Settings;

pub use cancel::CancelRequested;
pub use exec::{Awaited, Executed, refuse_late};
pub use exec_command::ExecCommand;
pub use log::{LogPart, LogStatus, OperationLog};
pub use read::SeenOperation;
pub use reboot::RebootCommand;
pub use registry_auth::{DirectLogin, RegistryAuth};
pub use run_note::RunNote;
pub use wait::OperationEnd;
pub use waits::WaitPlace;

pub(crate) use waits::Waits;

/// What is done on servers, and its records.
#[derive(Clone, Copy)]
pub struct Operations<'c> {
    pub(crate) core: &'c Core,
    pub(crate) settings: &'c Settings,
    pub(crate) dispatcher: &'c Dispatcher,
    pub(crate) granting: &'c Granting,
    pub(crate) refusals: Refusals<'c>,
    pub(crate) waits: &'c Waits,
    pub(crate) drain: &'c Drain,
}
