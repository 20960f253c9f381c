//! The server's side of Reoclo, in two processes.
//!
//! The **runner** ([`run`]) enrols, dials out to the control plane, proves which server it is and
//! then only passes bytes between that connection and a unix socket. Behind the socket the
//! **supervisor** ([`supervise`]) starts every command, keeps its output and masks it. It is a
//! process of its own, so that killing or upgrading the runner does not touch a command.

mod address;
mod ambient;
mod back_off;
mod data_dir;
mod dial;
mod drain;
mod enrol;
mod enrolled;
mod exec;
mod facts;
mod freed_memory;
mod host;
mod identity;
mod inherited;
mod lock;
mod look_up;
mod mutex;
mod nothing;
mod operation;
mod orphans;
mod output;
mod process;
mod retry_after;
mod run;
mod socket;
mod spool;
mod status;
mod supervisor;
mod supervisor_process;
mod upgrade;

pub use address::AddressError;
pub use ambient::Ambient;
pub use back_off::{BackOff, BackOffRange};
pub use data_dir::DataDirError;
pub use dial::{NO_PROXY_VARIABLES, PROXY_VARIABLES, ProxyError, ProxySettings, TrustError};
pub use drain::{drain, is_drain};
pub use enrol::EnrolError;
pub use exec::{DrainCommand, NameError, UserError, UserLookup, check_exec_user};
pub use freed_memory::return_freed_memory;
pub use host::platform;
pub use identity::IdentityError;
pub use lock::{LockError, is_running};
pub use look_up::{WantedUser, look_user_up, wanted_user};
pub use nothing::no_stdio;
pub use orphans::reap_orphans;
pub use run::{
    EnrolRequestOptions, EnrolledServer, MachineFiles, RunnerError, RunnerOptions, RunnerTiming,
    enrol, probe, run,
};
pub use status::{RunnerProcess, RunnerStatus, ServerStatus, SupervisorStatus, status};
pub use supervisor::{SupervisorError, SupervisorOptions, supervise};
pub use supervisor_process::SupervisorCommand;
pub use upgrade::{GuardOptions, UpgradeOptions, guard as guard_upgrade, is_on_trial};
