//! Linking against an older glibc than this machine's: zig brings the libraries of all of them.

use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result};

use crate::cargo::{build_with, cargo, target_directory};
use crate::process::Processes;

/// Pinned: these two are known to work together.
const PACKAGES: [&str; 2] = ["ziglang==0.17.1", "cargo-zigbuild==0.24.0"];

/// Builds `package` for glibc 2.`minor` on this machine's architecture.
pub(super) fn build(package: &str, minor: u32, processes: &Processes) -> Result<PathBuf> {
    let tools = install(processes)?;
    let target = format!("{}-unknown-linux-gnu.2.{minor}", env::consts::ARCH);
    println!("building {package} for {target}");
    let mut command = cargo();
    command
        .args(["zigbuild", "--target", &target])
        .env("PATH", path(&tools)?);
    build_with(command, package, "dist", processes)
}

/// The folder of the tools' programs; they are installed when it does not have them yet.
fn install(processes: &Processes) -> Result<PathBuf> {
    let folder = target_directory().join("dist-tools");
    let programs = folder.join("bin");
    let pip = programs.join("pip");
    if !has_packages(&pip, processes)? {
        println!("installing {}", PACKAGES.join(", "));
        let mut make = Command::new("python3");
        make.args(["-m", "venv", "--clear"]).arg(&folder);
        processes
            .succeed(&mut make)
            .context("Python 3 with venv is needed (Debian: python3-venv), or use --native")?;
        let mut install = Command::new(&pip);
        install.args(["install", "--quiet", "--disable-pip-version-check"]);
        processes.succeed(install.args(PACKAGES))?;
    }
    Ok(programs)
}

fn has_packages(pip: &Path, processes: &Processes) -> Result<bool> {
    if !pip.exists() {
        return Ok(false);
    }
    let mut list = Command::new(pip);
    list.args(["list", "--format=freeze", "--disable-pip-version-check"])
        .stdout(Stdio::piped());
    let listed = processes.succeed(&mut list)?.stdout;
    let listed = String::from_utf8_lossy(&listed).into_owned();
    Ok(PACKAGES
        .iter()
        .all(|package| listed.lines().any(|line| line == *package)))
}

/// PATH with the tools before everything else.
fn path(tools: &Path) -> Result<OsString> {
    let present = env::var_os("PATH").unwrap_or_default();
    let folders = [tools.to_owned()]
        .into_iter()
        .chain(env::split_paths(&present));
    Ok(env::join_paths(folders)?)
}
