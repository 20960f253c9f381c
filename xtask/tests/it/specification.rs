//! The table of the specification names tests that exist.

use std::collections::HashSet;
use std::fs;

use crate::sources::collect;
use crate::workspace::metadata;

#[test]
fn every_statement_is_proven_by_a_test_that_exists() {
    let root = metadata().workspace_root;
    let table = fs::read_to_string(root.join("docs/specification.md")).unwrap();
    let rows = table
        .lines()
        .filter(|line| line.starts_with("| ") && !line.starts_with("| statement"));
    let tests = tests(root.join("crates").as_std_path());
    let mut statements = 0;
    for row in rows {
        let proof = row.trim_end_matches(" |").rsplit(" | ").next().unwrap();
        let named: Vec<_> = proof.split('`').skip(1).step_by(2).collect();
        assert!(!named.is_empty(), "nothing proves: {row}");
        for name in named {
            assert!(tests.contains(name), "there is no test {name}: {row}");
        }
        statements += 1;
    }
    assert!(statements > 40, "{statements}");
}

/// The name of every function in the sources; those of tests are among them.
pub(crate) fn tests(crates: &std::path::Path) -> HashSet<String> {
    let mut files = Vec::new();
    collect(crates, &mut files);
    let mut names = HashSet::new();
    for file in files {
        let text = fs::read_to_string(&file).unwrap();
        let names_in_it = text.split("fn ").skip(1).map(|rest| {
            rest.chars()
                .take_while(|letter| letter.is_alphanumeric() || *letter == '_')
                .collect::<String>()
        });
        names.extend(names_in_it);
    }
    names
}
