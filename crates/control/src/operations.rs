//! Operations: intent, dispatch, outcome (DESIGN rules 13 to 16).

mod begin;
mod dispatch;
mod drive;
mod end;
mod exec;
mod exec_command;
mod payload;
mod planned;
mod read;
mod recover;
mod registry_auth;
mod run_note;
mod tail;

pub use begin::Executed;
pub use exec_command::ExecCommand;
pub use registry_auth::{DirectLogin, RegistryAuth};
pub use run_note::RunNote;

pub(crate) use exec_command::ExecPayload;
