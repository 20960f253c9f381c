//! Operations: intent, dispatch, outcome (DESIGN rules 13 to 16).

mod dispatch;
mod drive;
mod end;
mod exec;
mod exec_command;
mod planned;
mod read;
mod recover;
mod tail;

pub use exec::Executed;
pub use exec_command::ExecCommand;
pub use planned::Credential;
pub use read::SeenOperation;

pub(crate) use exec_command::ExecPayload;
