//! Crates of others: which must not come in, not even through somebody else, under which licences
//! those are that do, and where they come from.

use std::collections::BTreeMap;
use std::fs;
use std::process::Command;

use spdx::{Expression, ParseMode};

/// Each with the reason.
const BANNED: &[(&str, &str)] = &[
    ("aws-lc-rs", "cryptography comes from ring"),
    ("aws-lc-sys", "cryptography comes from ring"),
    ("openssl-sys", "TLS comes from rustls"),
    ("sqlx-macros", "it builds the database drivers twice"),
];

/// Licences under which a crate may be part of a program that is itself under Apache-2.0: none
/// that asks for more than its own text beside the program.
const LICENCES: &[&str] = &[
    "0BSD",
    "Apache-2.0",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "ISC",
    "MIT",
    "Unicode-3.0",
    "Zlib",
];

const REGISTRY: &str = "registry+https://github.com/rust-lang/crates.io-index";

#[test]
fn nothing_pulls_in_a_banned_crate() {
    let built = built();
    assert!(built.contains_key("xtask"), "{built:?}");
    let found: Vec<_> = BANNED
        .iter()
        .filter(|(name, _)| built.contains_key(*name))
        .collect();
    assert!(found.is_empty(), "see cargo tree --invert: {found:?}");
}

#[test]
fn every_crate_is_under_a_licence_that_we_take() {
    let built = built();
    assert!(built.len() > 100, "{built:?}");
    let refused = built.iter().filter(|(_, licence)| !is_taken(licence));
    let refused: Vec<_> = refused.collect();
    assert!(refused.is_empty(), "see LICENCES: {refused:?}");
}

#[test]
fn a_licence_is_taken_when_one_of_its_choices_is() {
    for licence in [
        "MIT/Apache-2.0",
        "(MIT OR GPL-3.0-only) AND Unicode-3.0",
        "Apache-2.0 WITH LLVM-exception OR GPL-2.0-only",
    ] {
        assert!(is_taken(licence), "{licence}");
    }
    for licence in [
        "",
        "GPL-3.0-only",
        "MIT AND AGPL-3.0-only",
        "LicenseRef-mine",
    ] {
        assert!(!is_taken(licence), "{licence:?}");
    }
}

/// The lock file has those of all platforms and features.
#[test]
fn every_crate_comes_from_the_registry() {
    let lock = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../Cargo.lock")).unwrap();
    let lock: toml::Table = lock.parse().unwrap();
    let packages = lock["package"].as_array().unwrap();
    let text = |package: &toml::Value, field: &str| {
        let text = package.get(field).and_then(toml::Value::as_str);
        text.map(str::to_owned)
    };
    let foreign = packages
        .iter()
        .filter(|package| package.get("source").is_some());
    let elsewhere: Vec<_> = foreign
        .clone()
        .filter(|package| {
            let is_checked = text(package, "checksum").is_some();
            text(package, "source").as_deref() != Some(REGISTRY) || !is_checked
        })
        .map(|package| text(package, "name"))
        .collect();
    assert!(foreign.count() > 100);
    assert!(elsewhere.is_empty(), "{elsewhere:?}");
}

fn is_taken(licence: &str) -> bool {
    // Some old crates have a slash for OR.
    let expression = Expression::parse_mode(licence, ParseMode::LAX);
    expression.is_ok_and(|expression| {
        expression.evaluate(|wanted| {
            let id = wanted.license.id();
            id.is_some_and(|id| LICENCES.contains(&id.name))
        })
    })
}

/// The names of all crates that are built, with their licences. The lock file would be no answer:
/// it also lists optional crates that no feature turns on.
fn built() -> BTreeMap<String, String> {
    let output = Command::new(std::env::var_os("CARGO").unwrap())
        .args(["tree", "--workspace", "--edges", "normal,build,dev"])
        .args(["--prefix", "none", "--no-dedupe", "--format", "{p}|{l}"])
        .output()
        .unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    let text = String::from_utf8(output.stdout).unwrap();
    let lines = text.lines().filter_map(|line| line.rsplit_once('|'));
    lines
        .filter_map(|(package, licence)| {
            let name = package.split_whitespace().next()?;
            // What stands further up as well is marked.
            let licence = licence.trim_end_matches(" (*)");
            Some((name.to_owned(), licence.to_owned()))
        })
        .collect()
}
