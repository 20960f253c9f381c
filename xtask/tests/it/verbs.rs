//! What is done to a resource is called the same in every layer.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use crate::sources::collect;
use crate::workspace::metadata;

/// The resources, as their files are called.
const RESOURCES: [&str; 10] = [
    "address_sources",
    "audit_logs",
    "invitations",
    "keys",
    "operations",
    "organizations",
    "registry_credentials",
    "servers",
    "sessions",
    "users",
];

/// Who offers what is done to a resource.
const LAYERS: [&str; 3] = ["control", "http", "web"];

/// What a layer does not have under its name, and why.
const ABSENT: &[(&str, &str, &str, &str)] = &[
    ("web", "invitations", "show", "its page is that of accept"),
    ("web", "organizations", "show", "its page is that of change"),
    ("web", "sessions", "show", "every page shows it"),
    (
        "web",
        "address_sources",
        "show",
        "the list shows all of each",
    ),
    (
        "web",
        "invitations",
        "list",
        "they stand on the page of users",
    ),
    (
        "web",
        "operations",
        "reboot",
        "no page reboots a server yet",
    ),
    (
        "control",
        "servers",
        "exec",
        "it begins an operation: operations/exec",
    ),
    (
        "web",
        "servers",
        "exec",
        "its page is that of a new operation",
    ),
    (
        "control",
        "servers",
        "reboot",
        "it begins an operation: operations/reboot",
    ),
    ("web", "servers", "reboot", "no page reboots a server yet"),
];

/// Other words for a verb of the list.
const OTHER_WORDS: [(&str, &str); 9] = [
    ("add", "create"),
    ("get", "show"),
    ("update", "change"),
    ("edit", "change"),
    ("rename", "change"),
    ("delete", "remove"),
    ("decommission", "remove"),
    ("withdraw", "remove"),
    ("retire", "revoke"),
];

/// The list in CONTRIBUTING, between its heading and the next.
fn verbs() -> BTreeSet<String> {
    let guide = fs::read_to_string(metadata().workspace_root.join("CONTRIBUTING.md")).unwrap();
    let list = guide.split("\n## Verbs\n").nth(1).unwrap();
    let list = list.split("\n## ").next().unwrap();
    let rows = list.lines().filter(|line| line.starts_with("| `"));
    let names = rows.flat_map(|row| {
        let cell = row.split('|').nth(1).unwrap();
        cell.split('`').skip(1).step_by(2).map(str::to_owned)
    });
    names.collect()
}

/// The file of a resource and those of its folder.
fn files(layer: &str, resource: &str) -> Vec<PathBuf> {
    let root = metadata().workspace_root;
    let source = root
        .join("crates")
        .join(layer)
        .join("src")
        .into_std_path_buf();
    let mut files = Vec::new();
    collect(&source.join(resource), &mut files);
    let alone = source.join(format!("{resource}.rs"));
    if alone.exists() {
        files.push(alone);
    }
    files
}

fn stem(file: &Path) -> &str {
    file.file_stem().and_then(|stem| stem.to_str()).unwrap()
}

/// The names of the functions that begin so.
fn functions<'t>(text: &'t str, beginning: &str) -> impl Iterator<Item = &'t str> {
    let after = text.split(beginning).skip(1).collect::<Vec<_>>();
    let name = |rest: &'t str| rest.split(|letter: char| !is_of_name(letter)).next();
    after.into_iter().filter_map(name)
}

const fn is_of_name(letter: char) -> bool {
    letter.is_ascii_alphanumeric() || letter == '_'
}

/// Whether a name is the word, or begins with it: `create`, `create_automation`.
fn begins_with(name: &str, word: &str) -> bool {
    let rest = name.strip_prefix(word);
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('_'))
}

/// The verbs that a layer has for a resource: as a file, or as a function in one.
fn had(layer: &str, resource: &str, verbs: &BTreeSet<String>) -> BTreeSet<String> {
    // What others may call, in control; elsewhere nobody calls a handler.
    let beginning = if layer == "control" {
        "pub async fn "
    } else {
        "async fn "
    };
    let is_verb = |name: &str| verbs.iter().any(|verb| begins_with(name, verb));
    let mut names = Vec::new();
    for file in files(layer, resource) {
        let text = fs::read_to_string(&file).unwrap();
        // The page with the form of a verb is shown too, and is no `show` of the resource.
        let is_form = |name: &str| layer == "web" && name == "show" && is_verb(stem(&file));
        let shown = functions(&text, beginning).filter(|name| !is_form(name));
        names.extend(shown.map(str::to_owned));
        names.push(stem(&file).to_owned());
    }
    let verbs = verbs.iter();
    let had = verbs.filter(|verb| names.iter().any(|name| begins_with(name, verb)));
    had.cloned().collect()
}

#[test]
fn what_is_done_to_a_resource_is_called_the_same_in_every_layer() {
    let verbs = verbs();
    assert!(verbs.len() > 15, "{verbs:?}");
    let mut found = Vec::new();
    let mut done = 0;
    for resource in RESOURCES {
        let layers = LAYERS.map(|layer| (layer, had(layer, resource, &verbs)));
        let all: BTreeSet<&String> = layers.iter().flat_map(|(_, had)| had).collect();
        done += all.len();
        for verb in all {
            for (layer, had) in &layers {
                let is_absent = |row: &&(&str, &str, &str, &str)| {
                    (row.0, row.1, row.2) == (*layer, resource, verb)
                };
                match (had.contains(verb), ABSENT.iter().find(is_absent)) {
                    (true, Some(_)) => found.push(format!("{layer} has {resource} {verb} now")),
                    (false, None) => found.push(format!("{layer} has no {resource} {verb}")),
                    _ => {}
                }
            }
        }
    }
    assert_eq!(found, [""; 0]);
    assert!(done > 35, "{done}");
}

#[test]
fn no_file_and_no_function_of_a_resource_has_another_word_for_a_verb() {
    let mut found = Vec::new();
    let layers = LAYERS.into_iter().chain(["store"]);
    for (layer, resource) in layers.flat_map(|layer| RESOURCES.map(|resource| (layer, resource))) {
        for file in files(layer, resource) {
            let text = fs::read_to_string(&file).unwrap();
            let names = functions(&text, "async fn ").chain([stem(&file)]);
            for name in names {
                let other = OTHER_WORDS.iter().find(|(word, _)| begins_with(name, word));
                if let Some((_, verb)) = other {
                    found.push(format!("{}: {name}: say {verb}", file.display()));
                }
            }
        }
    }
    assert_eq!(found, [""; 0]);
}

#[test]
fn a_name_begins_with_a_whole_word() {
    assert!(begins_with("create", "create") && begins_with("create_automation", "create"));
    assert!(!begins_with("created", "create") && !begins_with("recreate", "create"));
    let text = "pub async fn list<P>(\nasync fn show_all(\nfn add(";
    assert_eq!(
        functions(text, "async fn ").collect::<Vec<_>>(),
        ["list", "show_all"]
    );
}
