//! Real processes of the real binary, in a directory that a test has to itself.

mod control_plane;
mod database;
mod docker;
mod ended;
mod events;
mod eventually;
mod gate;
mod home;
mod http;
mod leaks;
mod person;
mod pgbouncer;
mod process;
mod proxy;
mod survivors;
mod terminal;
mod tls;

pub(crate) use control_plane::{ControlPlane, Key};
pub(crate) use database::Database;
pub(crate) use docker::{Docker, Registry};
pub(crate) use ended::Ended;
pub(crate) use events::{Event, Events, text_of};
pub(crate) use eventually::{PATIENCE, eventually, wait_until};
pub(crate) use gate::Gate;
pub(crate) use home::{Home, free_port};
pub(crate) use http::{Answer, Client, Request, read_answer};
pub(crate) use leaks::{holds, leaks};
pub(crate) use person::{PASSWORD, Person};
pub(crate) use pgbouncer::PgBouncer;
pub(crate) use process::{Finished, Process, signal};
pub(crate) use proxy::Proxy;
pub(crate) use terminal::Terminal;
pub(crate) use tls::Certificate;
