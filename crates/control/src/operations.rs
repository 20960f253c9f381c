//! Operations: intent, dispatch, outcome (rules 13 to 16).

mod begin;
mod cancel;
mod dispatch;
mod drive;
mod end;
mod exec;
mod exec_command;
mod live;
mod log;
mod mask_stored;
mod payload;
mod planned;
mod queue;
mod read;
mod reboot;
mod recover;
mod registry_auth;
mod run_note;
mod tail;
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

pub(crate) use exec_command::ExecPayload;
pub(crate) use live::LiveOperations;
pub(crate) use wait::Waits;
