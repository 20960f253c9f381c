//! Rules about the workspace as a whole: who depends on whom, and what no source may contain.
#![forbid(unsafe_code)]
#![allow(clippy::unwrap_used)]
#![expect(
    clippy::disallowed_methods,
    reason = "cargo says in the environment which cargo it is"
)]

mod circles;
mod citations;
mod dependencies;
mod foreign;
mod resources;
mod sources;
mod specification;
mod verbs;
mod workspace;
