//! Crates of others that must not come in, not even through somebody else.

use std::collections::BTreeSet;
use std::process::Command;

/// Each with the reason.
const BANNED: &[(&str, &str)] = &[
    ("aws-lc-rs", "cryptography comes from ring"),
    ("aws-lc-sys", "cryptography comes from ring"),
    ("openssl-sys", "TLS comes from rustls"),
    ("sqlx-macros", "it builds the database drivers twice"),
];

#[test]
fn nothing_pulls_in_a_banned_crate() {
    let built = built();
    assert!(built.contains("xtask"), "{built:?}");
    let found: Vec<_> = BANNED
        .iter()
        .filter(|(name, _)| built.contains(*name))
        .collect();
    assert!(found.is_empty(), "see cargo tree --invert: {found:?}");
}

/// The names of all crates that are built. The lock file would be no answer: it also lists
/// optional crates that no feature turns on.
fn built() -> BTreeSet<String> {
    let output = Command::new(std::env::var_os("CARGO").unwrap())
        .args(["tree", "--workspace", "--edges", "normal,build,dev"])
        .args(["--prefix", "none", "--format", "{p}"])
        .output()
        .unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    String::from_utf8(output.stdout)
        .unwrap()
        .lines()
        .filter_map(|line| line.split_whitespace().next())
        .map(str::to_owned)
        .collect()
}
