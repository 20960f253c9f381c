//! The HTTP surfaces of Reoclo.
//!
//! A request passes the [`edge`] (request id, `Host`, client address), then the route's proof of
//! authorization, then its body is read, then a use case of `control` is called. Routes are added
//! through [`Registrar`] alone, which demands that a handler begins with such a proof.
#![forbid(unsafe_code)]

mod authorized;
mod automation;
mod body;
mod edge;
mod error;
mod identity;
mod install;
mod keys;
mod listener;
mod metrics;
mod openapi;
mod operations;
mod path;
mod probes;
mod program;
mod public;
mod query;
mod registrar;
mod registry_credentials;
mod routes;
mod runner;
mod servers;
mod sessions;
mod state;
mod tenant;
mod users;

pub use edge::{ConnectionInfo, Hosts, TrustedProxies};
pub use error::{ApiError, Malformed};
pub use listener::{ListenError, Listener, Served, TlsFiles, serve};
pub use metrics::metrics_routes;
pub use openapi::document;
pub use program::{ProgramSlot, RunnerProgram};
pub use public::Public;
pub use registrar::{Doc, Guarded, QueryParameter, Registrar, Route};
pub use routes::{Api, api};
pub use state::AppState;
