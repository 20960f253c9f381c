//! Cargo itself, started from within cargo.

use std::env;
use std::ffi::OsString;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::{Context, Result};
use serde_json::Value;

use crate::process::Processes;

/// `cargo` in the workspace's root, with the environment of a shell.
///
/// What `cargo run` says about this package is taken away: build scripts that look at it would
/// run again for every switch between `cargo xtask` and plain `cargo`.
pub(crate) fn cargo() -> Command {
    let program = env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo"));
    let mut command = Command::new(program);
    command.current_dir(root());
    for (name, _) in env::vars_os() {
        let text = name.to_string_lossy();
        if text.starts_with("CARGO_PKG_") || text.starts_with("CARGO_MANIFEST_") {
            command.env_remove(&name);
        }
    }
    command
}

/// Where cargo puts what it builds.
pub(crate) fn target_directory() -> PathBuf {
    env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from)
}

/// The workspace's root, as `cargo run` says it: when two checkouts share a target folder, the
/// path that was compiled in can be the other one's.
pub(crate) fn root() -> PathBuf {
    let package = env::var_os("CARGO_MANIFEST_DIR")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
    package.join("..")
}

/// Builds `package` with `profile` and answers where its binary of that name is.
pub(crate) fn build(package: &str, profile: &str, processes: &Processes) -> Result<PathBuf> {
    println!("building {package} with profile {profile}");
    let mut command = cargo();
    command.arg("build");
    build_with(command, package, profile, processes)
}

/// Like [`build`], with a command that begins with `cargo build` or what stands in for it.
pub(crate) fn build_with(
    mut command: Command,
    package: &str,
    profile: &str,
    processes: &Processes,
) -> Result<PathBuf> {
    command
        .args(["--package", package, "--bin", package])
        .args(["--profile", profile])
        .arg("--message-format=json-render-diagnostics")
        .stdout(Stdio::piped());
    let output = processes.succeed(&mut command)?;
    executable(&String::from_utf8_lossy(&output.stdout), package)
        .with_context(|| format!("cargo built no binary {package}"))
}

/// The path of the binary `name` in cargo's JSON messages.
fn executable(messages: &str, name: &str) -> Option<PathBuf> {
    messages
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok())
        .filter(|message| message["reason"] == "compiler-artifact")
        .filter(|artifact| artifact["target"]["name"] == name)
        .find_map(|artifact| artifact["executable"].as_str().map(PathBuf::from))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_executable_is_found_among_the_other_artifacts() {
        let messages = r#"
            {"reason":"compiler-artifact","target":{"name":"reoclo"},"executable":null}
            {"reason":"compiler-artifact","target":{"name":"other"},"executable":"/t/other"}
            {"reason":"compiler-artifact","target":{"name":"reoclo"},"executable":"/t/reoclo"}
            {"reason":"build-finished","success":true}"#;
        assert_eq!(executable(messages, "reoclo"), Some("/t/reoclo".into()));
        assert_eq!(executable(messages, "missing"), None);
    }
}
