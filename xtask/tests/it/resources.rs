//! What a resource costs: its own files, their lines, the places of a field, and the lines of
//! files that all resources share. Registry credentials are the example of CONTRIBUTING.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::workspace::metadata;

/// What is of its own beside the resource itself: trying a credential out.
const BESIDE: &[&str] = &[
    "crates/control/src/registry_credentials",
    "crates/http/src/registry_credentials",
    "crates/web/src/registry_credentials",
    "crates/web/templates/registry_credentials/tried.html",
];
const MOST_FILES: usize = 10;
const MOST_LINES: usize = 800;
/// A field stands in the resource's own files, and once among the labels of forms.
const MOST_PLACES: usize = 14;
const FIELD: &str = "description";
const LABELS: &str = "crates/web/src/form.rs";

/// The lines that one more resource adds to files of all: each behind the first line that has the
/// text. CONTRIBUTING shows them.
const SHARED: &[(&str, &str, &str)] = &[
    (
        "crates/domain/src/id.rs",
        "kinds! {",
        "    Bookmark => BookmarkId, \"An address that a team wants at hand.\";",
    ),
    (
        "crates/store/src/lib.rs",
        "mod audit;",
        "pub mod bookmarks;",
    ),
    (
        "crates/control/src/lib.rs",
        "mod authorize;",
        "pub mod bookmarks;",
    ),
    (
        "crates/api-types/src/lib.rs",
        "mod audit_logs;",
        "pub mod bookmark;",
    ),
    ("crates/http/src/lib.rs", "mod body;", "mod bookmarks;"),
    (
        "crates/http/src/routes.rs",
        "let registrar = probes::add(registrar);",
        "    let registrar = crate::bookmarks::add(registrar);",
    ),
];
const MOST_SHARED_LINES: usize = 6;

/// What is compiled, and nothing else that may lie beside it, such as the data of an instance.
const SOURCES: &[&str] = &[".cargo", "Cargo.lock", "Cargo.toml", "crates", "xtask"];

/// Its own files, in `new_resource`.
const OWN: &[(&str, &str)] = &[
    ("migrations/9000_bookmarks.sql", "crates/store/migrations"),
    ("store/bookmarks.rs", "crates/store/src"),
    ("control/bookmarks.rs", "crates/control/src"),
    ("api-types/bookmark.rs", "crates/api-types/src"),
    ("http/bookmarks.rs", "crates/http/src"),
];

#[test]
fn registry_credentials_are_one_file_in_each_layer() {
    let files = own_files();
    let lines: usize = files.iter().map(|file| read(file).lines().count()).sum();
    assert!(files.len() <= MOST_FILES, "{files:#?}");
    assert!(lines <= MOST_LINES, "{lines} lines in {files:#?}");
}

#[test]
fn a_field_of_a_registry_credential_stands_in_few_places() {
    let files = own_files();
    let said = |file: &PathBuf| {
        let text = read(file);
        text.lines().filter(|line| line.contains(FIELD)).count()
    };
    let places: usize = files.iter().map(said).sum();
    let labels = read(&root().join(LABELS));
    let labels = labels.matches(&format!("(\"{FIELD}\"")).count();
    assert!(places + labels <= MOST_PLACES, "{places} and {labels}");
}

#[test]
fn a_new_resource_takes_few_lines_of_shared_files() {
    assert!(SHARED.len() <= MOST_SHARED_LINES);
    let contributing = read(&root().join("CONTRIBUTING.md"));
    for (file, _, line) in SHARED {
        let shown = format!("{}: {}", file, line.trim());
        assert!(
            contributing.contains(&shown),
            "CONTRIBUTING lacks `{shown}`"
        );
    }
    // Always in the same place, so that nothing piles up; with what was built of others' crates.
    let target = metadata().target_directory.into_std_path_buf();
    let copy = target.join("new-resource");
    if copy.exists() {
        fs::remove_dir_all(&copy).unwrap();
    }
    fs::create_dir_all(&copy).unwrap();
    for source in SOURCES {
        copy_tree(&root().join(source), &copy.join(source));
    }
    version_apart(&copy.join("Cargo.toml"));
    for (file, behind, line) in SHARED {
        insert(&copy.join(file), behind, line);
    }
    let example = root().join("xtask/tests/it/new_resource");
    for (file, folder) in OWN {
        let from = example.join(file);
        let name = from.file_name().unwrap();
        fs::copy(&from, copy.join(folder).join(name)).unwrap();
    }
    let checked = Command::new(env!("CARGO"))
        .args(["check", "--quiet", "--offline", "-p", "reoclo-http"])
        .current_dir(&copy)
        .env("CARGO_TARGET_DIR", target)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&checked.stderr);
    assert!(
        checked.status.success() && !said.contains("warning:"),
        "{said}"
    );
}

/// Cargo takes two workspaces with packages of the same names and versions for one: what is built
/// of the copy would be used for what it was copied from.
fn version_apart(manifest: &Path) {
    let version = concat!("version = \"", env!("CARGO_PKG_VERSION"), "\"");
    let text = read(manifest);
    assert!(text.contains(version), "{}", manifest.display());
    fs::write(manifest, text.replacen(version, "version = \"0.0.0\"", 1)).unwrap();
}

fn root() -> PathBuf {
    metadata().workspace_root.clone().into_std_path_buf()
}

fn read(file: &Path) -> String {
    fs::read_to_string(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
}

/// The files of the product that are named after the resource.
fn own_files() -> Vec<PathBuf> {
    let root = root();
    let mut found = Vec::new();
    let mut folders = vec![root.join("crates")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            let beside = BESIDE.iter().any(|beside| path == root.join(beside));
            if beside || ["tests", "target"].contains(&name.as_str()) {
                continue;
            }
            if path.is_dir() {
                folders.push(path);
            } else if path.to_string_lossy().contains("registry_credential") {
                found.push(path);
            }
        }
    }
    found
}

/// A file, or a folder with all below it.
fn copy_tree(from: &Path, to: &Path) {
    if !from.is_dir() {
        fs::copy(from, to).unwrap_or_else(|error| panic!("{}: {error}", from.display()));
        return;
    }
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let name = entry.unwrap().file_name();
        copy_tree(&from.join(&name), &to.join(&name));
    }
}

fn insert(file: &Path, behind: &str, line: &str) {
    let mut lines: Vec<String> = read(file).lines().map(str::to_owned).collect();
    let place = lines.iter().position(|found| found.trim() == behind);
    let place = place.unwrap_or_else(|| panic!("{} has no `{behind}`", file.display()));
    lines.insert(place + 1, line.to_owned());
    fs::write(file, lines.join("\n") + "\n").unwrap();
}
