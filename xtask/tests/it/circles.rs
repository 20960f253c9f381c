//! Files that use each other in a circle can only be understood together.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use crate::sources::collect;
use crate::workspace::metadata;

/// The crates whose files stand in an order.
const CRATES: &[&str] = &["control", "dispatch", "store"];
/// `Control` assembles its parts; what a part does is the part's.
const MOST_FILES_OF_CONTROL: usize = 5;

#[test]
fn no_files_use_each_other_in_a_circle() {
    let circles: Vec<String> = CRATES
        .iter()
        .flat_map(|name| {
            let crate_files = CrateFiles::of(&read(name));
            let circles = crate_files.circles().into_iter();
            circles.map(move |circle| format!("{name}: {}", circle.join(", ")))
        })
        .collect();
    assert_eq!(circles, [""; 0]);
}

#[test]
fn control_only_assembles() {
    let files: Vec<String> = read("control")
        .into_iter()
        .filter(|(_, text)| text.lines().any(|line| line.starts_with("impl Control {")))
        .map(|(name, _)| name)
        .collect();
    assert!(
        files.len() <= MOST_FILES_OF_CONTROL,
        "{}: {files:?}",
        files.len()
    );
}

#[test]
fn a_circle_is_found_through_what_is_exported() {
    let of = |files: &[(&str, &str)]| {
        let files = files
            .iter()
            .map(|(name, text)| ((*name).to_owned(), (*text).to_owned()));
        CrateFiles::of(&files.collect::<Vec<_>>()).circles()
    };
    let lib = (
        "lib.rs",
        "mod a;\nmod b;\npub use a::A;\npub use b::{B, c::C as D};\n",
    );
    let c = ("b/c.rs", "pub struct C;\n");
    let plain = [
        lib,
        ("a.rs", "use crate::D;\npub struct A(D);\n"),
        ("b.rs", "mod c;\nuse crate::A;\npub struct B(A);\n"),
        c,
    ];
    assert_eq!(of(&plain), [[""; 0]; 0]);
    for text in [
        "use crate::{\n    B,\n};\npub struct A(B);\n",
        "pub struct A(super::b::B);\n",
        "use super::b;\npub struct A(b::B);\n",
    ] {
        let circle = [lib, ("a.rs", text), plain[2], c];
        assert_eq!(of(&circle), [["a.rs", "b.rs"]], "{text}");
    }
    // A parent that passes a child's name on does not use it; one that says it does.
    let child = ("b/c.rs", "use super::B;\npub struct C(B);\n");
    let passes = (
        "b.rs",
        "mod c;\npub use c::C;\n/// Not [`C`].\npub struct B;\n",
    );
    assert_eq!(of(&[lib, plain[0], passes, child]), [[""; 0]; 0]);
    let says = ("b.rs", "mod c;\npub use c::C;\npub struct B(C);\n");
    assert_eq!(of(&[lib, says, child]), [["b.rs", "b/c.rs"]]);
    let test = (
        "b.rs",
        "mod c;\npub struct B;\n#[cfg(test)]\nmod tests {\n    use super::c::C;\n}\n",
    );
    assert_eq!(of(&[lib, test, child]), [[""; 0]; 0]);
}

/// The files of one crate, each with its text.
fn read(name: &str) -> Vec<(String, String)> {
    let root = metadata()
        .workspace_root
        .join("crates")
        .join(name)
        .join("src");
    let mut files = Vec::new();
    collect(root.as_std_path(), &mut files);
    assert!(!files.is_empty(), "{name} has no sources");
    let named = files.iter().map(|file| {
        let name = file.strip_prefix(&root).unwrap().display().to_string();
        (name, fs::read_to_string(file).unwrap())
    });
    named.filter(|(name, _)| !is_test(name)).collect()
}

fn is_test(name: &str) -> bool {
    Path::new(name)
        .file_stem()
        .is_some_and(|stem| stem == "tests")
}

type Module = Vec<String>;

/// One `use`, one name.
struct Use {
    path: Vec<String>,
    /// What it is called here.
    name: String,
    is_export: bool,
}

struct CrateFiles {
    /// Each module and its file.
    modules: BTreeMap<Module, String>,
    /// What a module passes on under a name.
    exports: BTreeMap<(Module, String), (Module, Vec<String>)>,
    uses: BTreeMap<String, BTreeSet<String>>,
}

impl CrateFiles {
    fn of(files: &[(String, String)]) -> Self {
        let mut this = Self {
            modules: files
                .iter()
                .map(|(name, _)| (module_of(name), name.clone()))
                .collect(),
            exports: BTreeMap::new(),
            uses: BTreeMap::new(),
        };
        let read: Vec<_> = files
            .iter()
            .map(|(name, text)| (name, module_of(name), code_of(text)))
            .collect();
        for (_, module, (uses, _)) in &read {
            for one in uses.iter().filter(|one| one.is_export) {
                let key = (module.clone(), one.name.clone());
                this.exports.insert(key, (module.clone(), one.path.clone()));
            }
        }
        for (name, module, (uses, rest)) in &read {
            let said = words(rest);
            let imported = uses
                .iter()
                .filter(|one| !one.is_export || said.contains(one.name.as_str()))
                .map(|one| one.path.clone());
            let mut found = BTreeSet::new();
            for path in imported.chain(paths_in(rest)) {
                found.extend(this.file_of(module, &path, 0));
            }
            found.remove(*name);
            this.uses.insert((*name).clone(), found);
        }
        this
    }

    /// The file that has what a path names, seen from a module; none of another crate's.
    fn file_of(&self, from: &[String], path: &[String], depth: usize) -> Option<String> {
        let (mut module, mut rest) = match path.first()?.as_str() {
            "crate" => (Vec::new(), &path[1..]),
            "super" => (from[..from.len().checked_sub(1)?].to_vec(), &path[1..]),
            "self" => (from.to_vec(), &path[1..]),
            first => {
                let mut child = from.to_vec();
                child.push(first.to_owned());
                if !self.modules.contains_key(&child) {
                    return None;
                }
                (child, &path[1..])
            }
        };
        while let Some((first, more)) = rest.split_first() {
            if first == "super" {
                module.pop();
                rest = more;
                continue;
            }
            let mut child = module.clone();
            child.push(first.clone());
            if self.modules.contains_key(&child) {
                (module, rest) = (child, more);
                continue;
            }
            let Some((at, exported)) = self.exports.get(&(module.clone(), first.clone())) else {
                break;
            };
            // It may be a module, of which the rest is then looked up.
            let whole: Vec<String> = exported.iter().chain(more).cloned().collect();
            return (depth < 16).then(|| self.file_of(at, &whole, depth + 1))?;
        }
        self.modules.get(&module).cloned()
    }

    /// Files that reach each other, each circle once.
    fn circles(&self) -> Vec<Vec<String>> {
        let reached: BTreeMap<&String, BTreeSet<&String>> = self
            .uses
            .keys()
            .map(|file| (file, self.reached(file)))
            .collect();
        let mut circles = BTreeSet::new();
        for (file, far) in &reached {
            let circle: Vec<String> = far
                .iter()
                .filter(|other| {
                    reached
                        .get(**other)
                        .is_some_and(|back| back.contains(*file))
                })
                .map(|other| (*other).clone())
                .collect();
            if circle.len() > 1 {
                circles.insert(circle);
            }
        }
        circles.into_iter().collect()
    }

    fn reached(&self, file: &String) -> BTreeSet<&String> {
        let mut reached = BTreeSet::new();
        let mut next: Vec<&String> = self.uses[file].iter().collect();
        while let Some(other) = next.pop() {
            if reached.insert(other) {
                next.extend(self.uses.get(other).into_iter().flatten());
            }
        }
        reached
    }
}

/// `keys/list.rs` is `keys::list`.
fn module_of(name: &str) -> Module {
    let path = name.trim_end_matches(".rs");
    if path == "lib" {
        return Vec::new();
    }
    path.split('/').map(str::to_owned).collect()
}

/// The uses of a file, and what else stands in it; without comments and tests.
fn code_of(text: &str) -> (Vec<Use>, String) {
    let text = text
        .split("#[cfg(test)]\nmod tests {")
        .next()
        .unwrap_or_default();
    let lines = text
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"));
    let (mut uses, mut rest, mut open) = (Vec::new(), String::new(), String::new());
    for line in lines {
        let trimmed = line.trim();
        if open.is_empty() && !is_use(trimmed) {
            rest.push_str(line);
            rest.push('\n');
            continue;
        }
        open.push_str(trimmed);
        open.push(' ');
        if trimmed.ends_with(';') {
            uses.extend(uses_of(&open));
            open.clear();
        }
    }
    (uses, rest)
}

fn is_use(line: &str) -> bool {
    let after_visibility = match line.strip_prefix("pub") {
        Some(rest) if rest.starts_with('(') => rest.split_once(") ").map_or("", |(_, rest)| rest),
        Some(rest) => rest.trim_start(),
        None => line,
    };
    after_visibility.starts_with("use ")
}

fn uses_of(statement: &str) -> Vec<Use> {
    let is_export = statement.starts_with("pub");
    let (_, tree) = statement.split_once("use ").unwrap();
    let mut paths = Vec::new();
    expand(
        tree.trim().trim_end_matches(';'),
        &mut Vec::new(),
        &mut paths,
    );
    let uses = paths.into_iter().map(|(path, name)| Use {
        path,
        name,
        is_export,
    });
    uses.collect()
}

/// `a::{b, c::d as e}` is `a::b` and `a::c::d`, the latter called `e`.
fn expand(tree: &str, before: &mut Vec<String>, paths: &mut Vec<(Vec<String>, String)>) {
    let tree = tree.trim();
    let length = before.len();
    if let Some((head, inner)) = tree.split_once('{') {
        before.extend(segments(head));
        for branch in branches(inner.trim_end().trim_end_matches('}')) {
            expand(branch, before, paths);
        }
    } else if !tree.is_empty() {
        let (path, called) = match tree.split_once(" as ") {
            Some((path, called)) => (path, Some(called.trim().to_owned())),
            None => (tree, None),
        };
        before.extend(segments(path).filter(|segment| segment != "self" || length == 0));
        let name = called
            .or_else(|| before.last().cloned())
            .unwrap_or_default();
        paths.push((before.clone(), name));
    }
    before.truncate(length);
}

fn segments(path: &str) -> impl Iterator<Item = String> {
    let parts = path.split("::").map(str::trim);
    parts
        .filter(|part| !part.is_empty() && *part != "*")
        .map(str::to_owned)
}

/// What stands between commas that are in no further braces.
fn branches(inner: &str) -> Vec<&str> {
    let (mut depth, mut start, mut found) = (0_i32, 0, Vec::new());
    for (index, character) in inner.char_indices() {
        match character {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                found.push(&inner[start..index]);
                start = index + 1;
            }
            _ => {}
        }
    }
    found.push(&inner[start..]);
    found
}

fn words(code: &str) -> BTreeSet<&str> {
    code.split(|character: char| !character.is_alphanumeric() && character != '_')
        .collect()
}

/// Paths that code says in full.
fn paths_in(code: &str) -> impl Iterator<Item = Vec<String>> {
    let is_of_path = |character: char| character.is_alphanumeric() || "_:".contains(character);
    let paths = code.split(move |character| !is_of_path(character));
    paths
        .filter(|path| path.starts_with("crate::") || path.starts_with("super::"))
        .map(|path| segments(path).collect())
}
