//! Templates as somebody reads them.

use std::fs;
use std::path::Path;

/// Longer lines cannot be read beside each other, as they stand in a comparison of two versions.
const LONGEST_LINE: usize = 140;

fn too_long(directory: &Path, found: &mut Vec<String>) {
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            too_long(&path, found);
            continue;
        }
        let text = fs::read_to_string(&path).unwrap();
        for (at, line) in text.lines().enumerate() {
            if line.chars().count() > LONGEST_LINE {
                found.push(format!("{}:{}", path.display(), at + 1));
            }
        }
    }
}

#[test]
fn no_line_is_too_long_to_be_read() {
    let mut found = Vec::new();
    let templates = Path::new(env!("CARGO_MANIFEST_DIR")).join("templates");
    too_long(&templates, &mut found);
    assert!(found.is_empty(), "longer than {LONGEST_LINE}: {found:#?}");
}
