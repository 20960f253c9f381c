//! The suite `browser`: the dashboard of the real binary, in Chromium.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::SystemTime;

use anyhow::Result;

use crate::cargo::{build, root};
use crate::process::Processes;

/// Where the tests look for the binary, and leave pictures of every page.
const BINARY: &str = "REOCLO_BINARY";
const SCREENSHOTS: &str = "REOCLO_SCREENSHOTS";

/// Whether every test passed.
pub(super) fn run(processes: &Processes) -> Result<bool> {
    let folder = root().join("e2e");
    if !is_installed(&folder) {
        processes.succeed(npm(&folder).args(["ci", "--no-audit", "--no-fund"]))?;
    }
    let binary = build("reoclo", "dev", processes)?;
    let pictures = root().join("target").join("screenshots");
    let mut tests = npm(&folder);
    tests
        .args(["test", "--silent"])
        .env(BINARY, binary)
        .env(SCREENSHOTS, pictures);
    Ok(processes.run(&mut tests)?.status.success())
}

/// Whether the packages are there, and not older than the list of them.
fn is_installed(folder: &Path) -> bool {
    let installed = changed(&folder.join("node_modules/.package-lock.json"));
    installed.is_some() && installed >= changed(&folder.join("package-lock.json"))
}

fn changed(file: &Path) -> Option<SystemTime> {
    fs::metadata(file).ok()?.modified().ok()
}

fn npm(folder: &Path) -> Command {
    let mut command = Command::new("npm");
    command.current_dir(folder);
    command
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packages_are_installed_when_their_list_is_newer() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        assert!(!is_installed(folder));
        fs::create_dir(folder.join("node_modules")).unwrap();
        fs::write(folder.join("package-lock.json"), "{}").unwrap();
        fs::write(folder.join("node_modules/.package-lock.json"), "{}").unwrap();
        assert!(is_installed(folder));
    }
}
