//! How the control plane and a server's runner talk: what both ends need, and nothing else.
//!
//! A runner enrols once ([`enrolment`]), then dials out a WebSocket and proves its identity on it
//! ([`handshake`]). From then on the WebSocket carries bytes ([`byte_stream`]), and on those bytes
//! runs HTTP/2 with the roles reversed ([`link`]): the control plane is the client of the service
//! in [`proto`].
#![forbid(unsafe_code)]

pub mod ability;
pub mod byte_stream;
pub mod connect;
pub mod enrolment;
pub mod handshake;
pub mod link;
pub mod proto;
