//! The HTTP surfaces of Reoclo.
//!
//! A request passes the [`edge`] (request id, `Host`, client address), then the route's proof of
//! authorization, then its body is read, then a use case of `control` is called. Routes are added
//! through [`Registrar`] alone, which demands that a handler begins with such a proof.
#![forbid(unsafe_code)]

mod address_sources;
mod answer;
mod audit_logs;
mod authorized;
mod automation;
mod body;
mod caller;
mod edge;
mod error;
mod identity;
mod install;
mod invitations;
mod keys;
mod listener;
mod metrics;
mod openapi;
mod operations;
mod organizations;
mod page;
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
mod setup;
mod signature;
mod state;
mod users;

pub use audit_logs::audit_export_answer;
pub use edge::{ConnectionInfo, Hosts, Source, TooWideError, TrustedProxies};
pub use error::{ApiError, Malformed};
pub use listener::{
    Certificate, ConnectionLimits, Front, ListenError, Listener, Served, TlsFiles, serve,
};
pub use metrics::metrics_routes;
pub use openapi::document;
pub use page::{FormFields, PageForm, PublicForm, RefusalPage, RefusedRequest};
pub use path::ItemId;
pub use program::{ProgramSlot, RunnerProgram};
pub use public::Public;
pub use query::{QueryReader, QueryText};
pub use registrar::{Doc, Guarded, QueryParameter, Registrar, Route, TakesForm};
pub use routes::{Api, api};
pub use sessions::cookie::{
    SessionCookie, of_nobody as cookie_of_nobody, of_session as cookie_of_session,
    read as session_token,
};
pub use sessions::device::{devices as device_tokens, of_device as cookie_of_device};
pub use signature::{Documented, Signature};
pub use state::AppState;
