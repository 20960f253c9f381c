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
mod run_note;
mod wait;

pub use cancel::CancelRequested;
pub use exec::{Awaited, Executed, refuse_late};
pub use exec_command::ExecCommand;
pub use log::{LogPart, LogStatus, OperationLog};
pub use read::SeenOperation;
pub use reboot::RebootCommand;
pub use registry_auth::{DirectLogin, RegistryAuth};
pub use run_note::RunNote;
pub use wait::{OperationEnd, WaitPlace};

pub(crate) use wait::Waits;
