//! What comments and documents cite is there.

use std::fs;

use crate::sources::collect;
use crate::workspace::metadata;

/// The comments of all sources, with the file that each is in.
fn comments() -> Vec<(String, String)> {
    let root = metadata().workspace_root;
    let mut files = Vec::new();
    for folder in ["crates", "xtask"] {
        collect(root.join(folder).as_std_path(), &mut files);
    }
    let mut comments = Vec::new();
    for file in files {
        let text = fs::read_to_string(&file).unwrap();
        let lines = text.lines().map(str::trim_start);
        let lines = lines.filter(|line| line.starts_with("//"));
        comments.extend(lines.map(|line| (file.display().to_string(), line.to_owned())));
    }
    comments
}

/// The numbers in a text such as `7 and 9)`, up to the bracket.
fn numbers(text: &str) -> Vec<u32> {
    let text = text.split(')').next().unwrap_or_default();
    let parts = text.split(|letter: char| !letter.is_ascii_digit());
    parts.filter_map(|part| part.parse().ok()).collect()
}

#[test]
fn every_rule_that_is_cited_is_there() {
    let rules = fs::read_to_string(metadata().workspace_root.join("docs/rules.md")).unwrap();
    let mut cited = 0;
    for (file, line) in comments() {
        for beginning in ["(rule ", "(rules "] {
            for rest in line.split(beginning).skip(1) {
                let found = numbers(rest);
                assert!(!found.is_empty(), "{file}: {line}");
                for number in found {
                    let heading = format!("\n### Rule {number}: ");
                    assert!(
                        rules.contains(&heading),
                        "{file}: there is no rule {number}"
                    );
                    cited += 1;
                }
            }
        }
    }
    assert!(cited > 30, "{cited}");
}

#[test]
fn every_section_of_the_clients_that_is_cited_is_there() {
    let clients = fs::read_to_string(metadata().workspace_root.join("docs/clients.md")).unwrap();
    let mut cited = 0;
    for (file, line) in comments() {
        for rest in line.split("clients.md ").skip(1) {
            let section = rest.split(|letter: char| letter != '.' && !letter.is_ascii_digit());
            let section = section.map(|text| text.trim_end_matches('.'));
            let section = section.into_iter().next().unwrap_or_default();
            let heading = if section.contains('.') {
                format!("\n### {section} ")
            } else {
                format!("\n## {section}. ")
            };
            assert!(clients.contains(&heading), "{file}: no section {section}");
            cited += 1;
        }
    }
    assert!(cited > 10, "{cited}");
}

#[test]
fn every_threat_is_held_off_by_tests_that_are_there() {
    let root = metadata().workspace_root;
    let table = fs::read_to_string(root.join("docs/threats.md")).unwrap();
    let tests = crate::specification::tests(root.join("crates").as_std_path());
    let rows = table.lines().filter(|line| line.starts_with("| "));
    let mut named = 0;
    for row in rows {
        let proof = row.trim_end_matches(" |").rsplit(" | ").next().unwrap();
        let names = proof.split('`').skip(1).step_by(2);
        for name in names.filter(|name| name.contains('_') && !name.contains(' ')) {
            assert!(tests.contains(name), "there is no test {name}: {row}");
            named += 1;
        }
    }
    assert!(named > 100, "{named}");
}
