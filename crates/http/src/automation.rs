//! `/api/automation/v1`: for CI, with automation keys (CLIENTS B).

mod exec;
mod operations;
mod result;

use reoclo_api_types::{ExecAnswer, ExecRequest, OperationBody};

use crate::registrar::{Doc, Registrar};

pub(crate) fn add(registrar: Registrar) -> Registrar {
    registrar
        .post(
            "/api/automation/v1/exec",
            Doc::new("Run a command on a server and wait for it for up to 20 seconds.")
                .takes::<ExecRequest>()
                .answers::<ExecAnswer>(200),
            exec::run,
        )
        .get(
            "/api/automation/v1/operations/{operation_id}",
            Doc::new("The record of an operation that this key started.")
                .answers::<OperationBody>(200),
            operations::show,
        )
}
