//! What a version of the protocol promises to the versions before it.
#![allow(clippy::unwrap_used)]

mod released;
