//! `/metrics` in the Prometheus text format, on a listener of its own.

use axum::Router;
use axum::extract::State;
use axum::response::IntoResponse;
use http::header;
use reoclo_control::{Control, ControlStatistics};

use crate::public::Public;
use crate::registrar::{Doc, Registrar};
use crate::routes::finish;
use crate::state::AppState;

/// The routes of the metrics listener.
pub fn metrics_routes(state: AppState) -> Router {
    let doc = Doc::new("Numbers about this process.");
    let (router, ..) = Registrar::default()
        .unlisted_get("/metrics", doc, show)
        .finish();
    finish(router, state)
}

async fn show(_: Public, State(control): State<Control>) -> impl IntoResponse {
    let kind = "text/plain; version=0.0.4; charset=utf-8";
    (
        [(header::CONTENT_TYPE, kind)],
        render(&control.statistics()),
    )
}

fn render(statistics: &ControlStatistics) -> String {
    let store = &statistics.store;
    let mut text = String::new();
    let mut add = |name: &str, kind: &str, help: &str, value: u64| {
        text += &format!(
            "# HELP reoclo_{name} {help}\n# TYPE reoclo_{name} {kind}\nreoclo_{name} {value}\n"
        );
    };
    let count = |number: usize| u64::try_from(number).unwrap_or(u64::MAX);
    add(
        "connected_runners",
        "gauge",
        "Runners connected to this process.",
        count(statistics.connected_runners),
    );
    add(
        "running_operations",
        "gauge",
        "Operations that this process follows.",
        count(statistics.running_operations),
    );
    add(
        "waiting_clients",
        "gauge",
        "Clients that wait for the end of an operation.",
        count(statistics.waiting_clients),
    );
    add(
        "store_commits_total",
        "counter",
        "Commits of the database.",
        store.commits,
    );
    add(
        "store_writes_total",
        "counter",
        "Writes in those commits.",
        store.writes,
    );
    add(
        "store_retried_groups_total",
        "counter",
        "Groups that were retried one by one.",
        store.retried_groups,
    );
    add(
        "audit_rows_total",
        "counter",
        "Rows appended to the audit log.",
        store.audit_rows,
    );
    add(
        "cached_keys",
        "gauge",
        "Keys held in memory.",
        store.cached_keys,
    );
    let sign_ins = &statistics.sign_ins;
    for (name, help, value) in [
        (
            "sign_ins_total",
            "Sign-ins with a password.",
            sign_ins.signed_in,
        ),
        (
            "sign_ins_wrong_password_total",
            "Sign-ins that were refused for a wrong password.",
            sign_ins.wrong_passwords,
        ),
        (
            "sign_ins_unknown_account_total",
            "Sign-ins to accounts that are not there.",
            sign_ins.unknown_accounts,
        ),
        (
            "sign_ins_too_many_total",
            "Sign-ins that were refused unseen, after too many attempts.",
            sign_ins.too_many,
        ),
        (
            "sign_ins_delayed_total",
            "Sign-ins that had to wait, since many addresses tried the account.",
            sign_ins.delayed,
        ),
        (
            "unknown_keys_total",
            "Requests with a key that is none of ours.",
            sign_ins.unknown_keys,
        ),
    ] {
        add(name, "counter", help, value);
    }
    text
}
