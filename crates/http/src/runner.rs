//! `/runner/v1`: enrolment and the runner's connection.

mod close;
mod connect;
mod enrol;

use reoclo_wire::enrolment::ENROL_PATH;
use reoclo_wire::handshake::CONNECT_PATH;

use crate::registrar::{Doc, Registrar};

/// Public, because the token or the proof in them is the credential.
pub(crate) fn add(registrar: Registrar) -> Registrar {
    registrar
        .unlisted_post(
            ENROL_PATH,
            Doc::new("Bind a runner to its server."),
            enrol::enrol,
        )
        .unlisted_get(
            CONNECT_PATH,
            Doc::new("Open a runner's connection."),
            connect::connect,
        )
}
