//! The real binary, end to end: real processes, sockets, files and databases.
#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "tests run in the real world and fail by panicking"
)]

mod faults;
mod fixture;

mod address_sources;
mod audit;
mod bad_exec;
mod bad_requests;
mod busy;
mod cancel;
mod crashes;
mod curl;
mod database_faults;
mod decommission;
mod env_secrets;
mod events;
mod exec;
mod install;
mod kept_secrets;
mod key_scope;
mod keys;
mod left_running;
mod links;
mod logs;
mod many;
mod metrics;
mod name_services;
mod older_runner;
mod open_files;
mod own_runner;
mod people;
mod poolers;
mod postgres;
mod queue;
mod reboot;
mod refused_starts;
mod refused_use;
mod registry;
mod revoke;
mod runner_status;
mod second_runner;
mod self_upgrade;
mod server_exec;
mod servers;
mod setup;
mod shutdown;
mod snippets;
mod start;
mod storage_faults;
mod strangers;
mod surfaces;
mod tls;
mod trees;
mod unwritable_output;
mod waits;
mod yesterday;
