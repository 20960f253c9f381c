//! What a real runner says about its host.

use std::net::TcpListener;

use serde_json::Value;

use crate::fixture::{ControlPlane, Home, Request, eventually, wait_until};

fn ask(control_plane: &ControlPlane, method: &str, what: &str) -> Value {
    let path = format!("/api/servers/{}/{what}", control_plane.server());
    let request = Request::new(method, &path);
    let key = control_plane.integration();
    control_plane.send(&request.bearer(&key.token)).ok()
}

#[test]
fn a_runner_measures_its_host() {
    let home = Home::with_timing(&[("metrics_interval", 0.6)]);
    let up = home.up();
    let metrics = eventually("the processor is measured", || {
        let metrics = ask(&up, "GET", "metrics");
        let history = metrics["history"].as_array().unwrap();
        let is_whole = metrics["cpu_percent"].is_number() && history.len() > 1;
        is_whole.then_some(metrics)
    });
    let number = |name: &str| metrics[name].as_f64().unwrap_or_else(|| panic!("{name}"));
    assert!((0.0..=100.0).contains(&number("cpu_percent")));
    for (used, total) in [
        ("memory_used_mb", "memory_total_mb"),
        ("disk_used_gb", "disk_total_gb"),
    ] {
        assert!(
            number(used) > 0.0 && number(used) < number(total),
            "{metrics}"
        );
    }
    for rate in [
        "network_rx_bytes_per_second",
        "network_tx_bytes_per_second",
        "load_1",
        "load_15",
    ] {
        assert!(number(rate) >= 0.0);
    }
    assert!(metrics["collected_at"].as_str().unwrap().ends_with('Z'));

    let health = ask(&up, "POST", "health-check");
    assert_eq!(health["status"], "healthy", "{health}");
    assert!(health["last_latency_ms"].as_f64().unwrap() >= 0.0);
    assert_eq!(health["consecutive_failures"], 0);
    assert!(health["disk_percent"].is_number() && health["disk_status"].is_string());
}

#[test]
fn what_was_measured_outlives_a_restart() {
    let home = Home::with_timing(&[("metrics_interval", 0.1)]);
    let mut up = home.up();
    let key = up.integration().token;
    let history = |up: &ControlPlane| {
        let path = format!("/api/servers/{}/metrics", up.server());
        let metrics = up.send(&Request::get(&path).bearer(&key)).ok();
        metrics["history"].as_array().unwrap().clone()
    };
    wait_until("there is a history", || history(&up).len() > 2);
    let before = history(&up);
    assert!(up.process.stop().success());
    let up = home.up();
    assert_eq!(history(&up)[0], before[0]);
}

#[test]
fn an_absent_runner_shows_in_health_and_uptime() {
    let home = Home::with_timing(&[("metrics_interval", 0.1), ("resume_grace", 0.0)]);
    let serve = home.serve_with(&[]);
    let added = home.add_server("web");
    let mut runner = home.runner("web", Some((serve.url(), &added.token)));
    serve.integration().wait_for_status(&added.server, "active");
    let token = serve.integration().token;
    let get = |what: &str| {
        let path = format!("/api/servers/web/{what}");
        serve.send(&Request::get(&path).bearer(&token)).ok()
    };
    assert_eq!(get("health")["status"], "healthy");
    wait_until("the runner was asked", || {
        get("uptime")["overall_uptime_pct"].as_f64().unwrap() > 0.0
    });
    runner.kill();
    wait_until("the failures are counted", || {
        let health = get("health");
        health["consecutive_failures"].as_i64().unwrap() >= 3 && health["status"] == "unhealthy"
    });
    assert!(get("uptime")["overall_uptime_pct"].as_f64().unwrap() < 100.0);
    let _runner = home.runner("web", None);
    wait_until("it is well again", || {
        let health = get("health");
        health["status"] == "healthy" && health["consecutive_failures"] == 0
    });
}

#[test]
fn the_ports_of_a_host_are_listed() {
    let home = Home::new();
    let up = home.up();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let ports = ask(&up, "GET", "ports");
    let listed = ports["listening_ports"].as_array().unwrap();
    let mine = listed.iter().find(|listed| listed["port"] == port);
    let mine = mine.unwrap_or_else(|| panic!("{port} in {ports}"));
    assert_eq!(
        (&mine["protocol"], &mine["address"]),
        (&"tcp".into(), &"127.0.0.1".into())
    );
    assert!(mine["process"].is_string());
    let firewall = &ports["firewall"];
    assert!(firewall["detected"].is_boolean() && firewall["active"].is_boolean());
    assert!(firewall.as_object().unwrap().contains_key("backend"));
    assert!(ports["docker_port_bindings"].is_array());
    assert!(ports["scanned_at"].is_string());
}
