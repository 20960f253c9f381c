//! The committed list of who may use whom. A crate uses only crates that stand above it.

use std::collections::BTreeSet;

use cargo_metadata::{DependencyKind, Package};

use crate::workspace::{folder_name, metadata, name};

/// Each crate and the crates of this workspace that its code or build script may use. Tests may
/// use any. Crates that are planned are listed as well, so that they are born into the rule.
const ALLOWED: &[(&str, &[&str])] = &[
    ("domain", &[]),
    ("api-types", &["domain"]),
    ("wire", &["domain"]),
    ("store", &["domain"]),
    // It knows nothing of who may do what, so only `control`, which does, uses it.
    ("dispatch", &["domain", "store", "wire"]),
    // A use case takes the request that its route takes.
    (
        "control",
        &["domain", "api-types", "store", "wire", "dispatch"],
    ),
    // It speaks the runner's handshake, hence `wire`.
    ("http", &["domain", "api-types", "wire", "control"]),
    // Pages are routes: it adds them through `http`'s registrar.
    ("web", &["domain", "api-types", "control", "http"]),
    ("mcp", &["domain", "api-types", "control"]),
    ("client", &["domain", "api-types"]),
    ("cli", &["domain", "api-types", "client"]),
    ("runner", &["domain", "wire"]),
    ("reoclo", PRODUCT),
    // Nobody's list has these: tests use them, or a person does.
    ("testkit", PRODUCT),
    ("bench", PRODUCT),
    ("xtask", &[]),
];

/// What makes up the binary.
const PRODUCT: &[&str] = &[
    "domain",
    "api-types",
    "wire",
    "store",
    "control",
    "http",
    "web",
    "mcp",
    "client",
    "cli",
    "runner",
    "reoclo",
];

/// `cargo run --release -- up` names no package.
#[test]
fn cargo_run_starts_reoclo() {
    let metadata = metadata();
    let default = metadata.workspace_default_packages();
    let names: Vec<&str> = default
        .iter()
        .map(|package| package.name.as_str())
        .collect();
    assert_eq!(names, ["reoclo"]);
}

#[test]
fn every_crate_uses_only_crates_that_it_may() {
    let violations: Vec<String> = metadata()
        .packages
        .iter()
        .flat_map(|package| {
            let allowed = allowed(name(package)).unwrap_or_default();
            used(package)
                .into_iter()
                .filter(|dependency| !allowed.contains(&dependency.as_str()))
                .map(|dependency| format!("{} may not use {dependency}", name(package)))
                .collect::<Vec<_>>()
        })
        .collect();
    assert_eq!(violations, [""; 0]);
}

#[test]
fn every_crate_is_on_the_list() {
    let metadata = metadata();
    let missing: Vec<_> = metadata
        .packages
        .iter()
        .map(name)
        .filter(|name| allowed(name).is_none())
        .collect();
    assert_eq!(missing, [""; 0]);
}

#[test]
fn the_testkit_is_used_by_tests_only() {
    let users: Vec<String> = metadata()
        .packages
        .iter()
        .filter(|package| used(package).contains("testkit"))
        .map(|package| name(package).to_owned())
        .collect();
    assert_eq!(users, [""; 0]);
}

fn allowed(name: &str) -> Option<&'static [&'static str]> {
    ALLOWED
        .iter()
        .find(|(crate_name, _)| *crate_name == name)
        .map(|(_, allowed)| *allowed)
}

/// The crates of this workspace that the package's code and build script use.
fn used(package: &Package) -> BTreeSet<String> {
    package
        .dependencies
        .iter()
        .filter(|dependency| dependency.kind != DependencyKind::Development)
        .filter_map(|dependency| dependency.path.as_deref())
        .map(|path| folder_name(path).to_owned())
        .collect()
}
