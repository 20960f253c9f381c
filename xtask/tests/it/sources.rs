//! What every manifest and source file has, or has not.

use std::fs;
use std::path::{Path, PathBuf};

use cargo_metadata::camino::Utf8Path;

use crate::workspace::{metadata, name, roots};

/// The one file that adds routes; it demands a permission for each.
const REGISTRAR: &str = "crates/http/src/registrar.rs";

/// axum's ways to add a handler. The lint knows them by path; this also sees them in macros and
/// in code that is not compiled on this machine.
const ROUTING: &[&str] = &[
    ".route(",
    ".route_service(",
    ".nest_service(",
    ".fallback_service(",
];

#[test]
fn every_crate_takes_the_workspace_lints() {
    let without: Vec<String> = metadata()
        .packages
        .iter()
        .filter(|package| !takes_workspace_lints(&package.manifest_path))
        .map(|package| name(package).to_owned())
        .collect();
    assert_eq!(without, [""; 0]);
}

/// The runner alone may need unsafe code, in places that say why.
#[test]
fn every_crate_but_the_runner_forbids_unsafe_code() {
    let metadata = metadata();
    let without: Vec<_> = metadata
        .packages
        .iter()
        .filter(|package| name(package) != "runner")
        .flat_map(roots)
        .filter(|root| !begins_with_forbid(&fs::read_to_string(root).unwrap()))
        .collect();
    assert_eq!(without, [""; 0]);
}

#[test]
fn routes_are_added_by_the_registrar_only() {
    let workspace = metadata().workspace_root;
    let mut found = Vec::new();
    for file in source_files(workspace.join("crates").as_std_path()) {
        let place = file.strip_prefix(&workspace).unwrap();
        if place == Path::new(REGISTRAR) {
            continue;
        }
        let text = fs::read_to_string(&file).unwrap();
        found.extend(routing(&text).map(|line| format!("{}:{line}", place.display())));
    }
    assert_eq!(found, [""; 0]);
}

#[test]
fn the_scan_sees_a_route_and_no_comment() {
    let text = "// app.route(\nlet app = app\n    .route (\"/\", get(show));\n";
    assert_eq!(routing(text).collect::<Vec<_>>(), [3]);
}

fn takes_workspace_lints(manifest: &Utf8Path) -> bool {
    let manifest: toml::Table = fs::read_to_string(manifest).unwrap().parse().unwrap();
    manifest
        .get("lints")
        .and_then(|lints| lints.get("workspace"))
        .and_then(toml::Value::as_bool)
        == Some(true)
}

/// Whether nothing but comments stands before the attribute.
fn begins_with_forbid(text: &str) -> bool {
    text.lines()
        .find(|line| !line.is_empty() && !line.starts_with("//"))
        == Some("#![forbid(unsafe_code)]")
}

/// The numbers of the lines that add a route.
fn routing(text: &str) -> impl Iterator<Item = usize> {
    text.lines().enumerate().filter_map(|(index, line)| {
        let code: String = line.split_whitespace().collect();
        let adds = !code.starts_with("//") && ROUTING.iter().any(|call| code.contains(call));
        adds.then_some(index + 1)
    })
}

/// Every Rust file below `crates/*/src`.
fn source_files(crates: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(crates).unwrap() {
        collect(&entry.unwrap().path().join("src"), &mut files);
    }
    files.sort();
    files
}

pub(crate) fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    let Ok(entries) = fs::read_dir(folder) else {
        return;
    };
    for path in entries.map(|entry| entry.unwrap().path()) {
        if path.is_dir() {
            collect(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
}
