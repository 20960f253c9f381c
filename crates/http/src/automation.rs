//! `/api/automation/v1`: for CI, with automation keys (clients.md 2).

use reoclo_control::{Deploy, Restart};

use crate::operations::{exec, logs, own, planned, reboot, registry_auth, wait};
use crate::registrar::{Doc, Registrar};

pub(crate) fn add(registrar: Registrar) -> Registrar {
    let registrar = registrar
        .post(
            "/api/automation/v1/exec",
            Doc::new("Run a command on a server and wait for it for up to 20 seconds."),
            exec::exec,
        )
        .post(
            "/api/automation/v1/reboot",
            Doc::new("Reboot a server; the operation ends when it is back with a new boot."),
            reboot::reboot,
        )
        .get(
            "/api/automation/v1/operations",
            Doc::new("The operations of a run that this key started, newest first.")
                .takes_query(own::PARAMETERS),
            own::list,
        )
        .get(
            "/api/automation/v1/operations/{operation_id}",
            Doc::new("The record of an operation that this key started.")
                .takes_query(wait::PARAMETERS),
            own::show,
        )
        .get(
            "/api/automation/v1/operations/{operation_id}/logs",
            Doc::new("The full output of an operation that this key started, as bytes.")
                .takes_query(logs::PARAMETERS),
            own::logs,
        )
        .get(
            "/api/automation/v1/operations/{operation_id}/events",
            Doc::new("The output of such an operation as it comes, as server-sent events."),
            own::events,
        )
        .post(
            "/api/automation/v1/operations/{operation_id}/cancel",
            Doc::new("End an operation that this key started, if it still may start such."),
            own::cancel,
        );
    add_registry_auth(add_planned(registrar))
}

/// Logging a server's Docker in to a registry and out of it.
fn add_registry_auth(registrar: Registrar) -> Registrar {
    registrar
        .post(
            "/api/automation/v1/registry-auth/login",
            Doc::new("Log a server's Docker in to a registry with a stored credential."),
            registry_auth::login,
        )
        .post(
            "/api/automation/v1/registry-auth/login-direct",
            Doc::new("Log a server's Docker in with a credential that comes with the request."),
            registry_auth::login_direct,
        )
        .post(
            "/api/automation/v1/registry-auth/logout",
            Doc::new("Log a server's Docker out of a registry."),
            registry_auth::logout,
        )
}

/// Checked like any other, and answered with 501 until they are built.
fn add_planned(registrar: Registrar) -> Registrar {
    let doc = |summary| Doc::new(summary);
    registrar
        .post(
            "/api/automation/v1/deploy",
            doc("Deploy an application. Not built yet: 501 after all checks."),
            planned::planned::<Deploy>,
        )
        .post(
            "/api/automation/v1/restart",
            doc("Restart an application. Not built yet: 501 after all checks."),
            planned::planned::<Restart>,
        )
}
