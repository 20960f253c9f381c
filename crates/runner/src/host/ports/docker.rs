//! The ports that Docker leads to containers.

use reoclo_wire::proto::PortBinding;
use serde::Deserialize;

use crate::facts::{self, bounded};

/// The most bindings that are listed.
const MOST: usize = 1000;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Container {
    #[serde(default)]
    names: Vec<String>,
    #[serde(default)]
    ports: Vec<Port>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Port {
    #[serde(rename = "IP", default)]
    ip: String,
    #[serde(rename = "PrivatePort")]
    inside: u16,
    #[serde(rename = "PublicPort")]
    outside: Option<u16>,
    #[serde(rename = "Type", default)]
    protocol: String,
}

/// None without Docker.
pub(super) async fn bindings() -> Vec<PortBinding> {
    let containers: Vec<Container> = facts::ask_docker("/containers/json")
        .await
        .unwrap_or_default();
    let bindings = containers.into_iter().flat_map(|container| {
        let name = container.names.first().map_or("", String::as_str);
        let name = bounded(name.trim_start_matches('/'));
        let ports = container.ports.into_iter();
        ports.filter_map(move |port| binding(&name, &port))
    });
    bindings.take(MOST).collect()
}

/// None for a port that the container keeps to itself.
fn binding(container: &str, port: &Port) -> Option<PortBinding> {
    Some(PortBinding {
        container: container.to_owned(),
        container_port: port.inside.into(),
        protocol: bounded(&port.protocol),
        host_address: bounded(&port.ip),
        host_port: port.outside?.into(),
    })
}
