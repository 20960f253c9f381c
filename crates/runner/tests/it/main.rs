//! The supervisor and the runner with real processes, sockets and files.
#![allow(
    unreachable_pub,
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "nothing here is for others; tests run on the real clock and fail by panicking"
)]

mod ambient;
mod commands;
mod connections;
mod control_plane;
mod enrolment;
mod killed;
mod output;
mod proxying;
mod reboot;
mod reconnecting;
mod recovery;
mod registry;
mod registry_logins;
mod runner;
mod scripts;
mod starts;
mod supervisor;
mod through;
mod trees;
mod users;
