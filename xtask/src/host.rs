//! What this machine is, and what may be installed on it.

use std::fs;
use std::process::{Command, Stdio};

use anyhow::{Context, Result};

use crate::process::Processes;

/// How often `apt-get update` is tried: mirrors fail now and then.
const UPDATE_ATTEMPTS: u32 = 3;

/// The facts about a machine that decide what may be installed.
pub(crate) struct Host {
    name: String,
    version: Option<u32>,
    has_apt: bool,
    is_root: bool,
}

impl Host {
    /// Reads `/etc/os-release` and the effective user.
    pub(crate) fn detect() -> Self {
        let release = fs::read_to_string("/etc/os-release").unwrap_or_default();
        Self::new(&release, rustix::process::geteuid().is_root())
    }

    fn new(release: &str, is_root: bool) -> Self {
        let id = field(release, "ID").unwrap_or("an unknown system");
        let like = field(release, "ID_LIKE").unwrap_or_default();
        Self {
            name: id.to_owned(),
            version: field(release, "VERSION_ID").and_then(|version| version.parse().ok()),
            has_apt: [id]
                .into_iter()
                .chain(like.split_whitespace())
                .any(|name| matches!(name, "debian" | "ubuntu")),
            is_root,
        }
    }

    /// Whether the chore runs as root.
    pub(crate) fn is_root(&self) -> bool {
        self.is_root
    }

    /// Whether it is Debian of that version or a later one; what is not released yet has none.
    pub(crate) fn is_debian_since(&self, version: u32) -> bool {
        self.name == "debian" && self.version.is_none_or(|ours| ours >= version)
    }

    /// Why nothing can be installed here, or `None` where it can.
    pub(crate) fn why_not_install(&self) -> Option<String> {
        if !self.has_apt {
            Some(format!(
                "packages are installed only on Debian and Ubuntu, and this is {}",
                self.name
            ))
        } else if !self.is_root {
            Some("packages are installed only by root".to_owned())
        } else {
            None
        }
    }
}

/// The value of `key` in the format of os-release(5).
fn field<'a>(release: &'a str, key: &str) -> Option<&'a str> {
    release
        .lines()
        .find_map(|line| line.strip_prefix(key)?.strip_prefix('='))
        .map(|value| value.trim_matches(['"', '\'']))
}

/// Installs Debian packages, without the packages they merely recommend.
pub(crate) fn install(packages: &[&str], processes: &Processes) -> Result<()> {
    println!("installing {}", packages.join(", "));
    update(processes)?;
    let mut command = apt_get();
    command.args(["install", "--yes", "--no-install-recommends"]);
    processes.succeed(command.args(packages))?;
    Ok(())
}

fn update(processes: &Processes) -> Result<()> {
    for _ in 1..UPDATE_ATTEMPTS {
        if processes.run(apt_get().arg("update"))?.status.success() {
            return Ok(());
        }
        println!("apt-get update failed, trying again");
    }
    processes.succeed(apt_get().arg("update"))?;
    Ok(())
}

/// Quiet, never asking, and patient with another apt that holds the lock.
fn apt_get() -> Command {
    let mut command = Command::new("apt-get");
    command
        .args(["-qq", "-o", "DPkg::Lock::Timeout=120"])
        .env("DEBIAN_FRONTEND", "noninteractive");
    command
}

/// Whether `program --version` runs.
pub(crate) fn has(program: &str, processes: &Processes) -> Result<bool> {
    let mut command = Command::new(program);
    command
        .arg("--version")
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    match processes.run(&mut command) {
        Ok(output) => Ok(output.status.success()),
        Err(error) if error.is::<std::io::Error>() => Ok(false),
        Err(error) => Err(error),
    }
}

/// The numeric user and group of an account.
pub(crate) fn account(name: &str, processes: &Processes) -> Result<(u32, u32)> {
    let id = |option| -> Result<u32> {
        let mut command = Command::new("id");
        let output = processes.succeed(command.args([option, name]).stdout(Stdio::piped()))?;
        String::from_utf8_lossy(&output.stdout)
            .trim()
            .parse()
            .with_context(|| format!("id {option} {name} printed no number"))
    };
    Ok((id("-u")?, id("-g")?))
}

/// Whether there is an account of this name.
pub(crate) fn has_account(name: &str, processes: &Processes) -> Result<bool> {
    let mut command = Command::new("id");
    command
        .args(["-u", name])
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    Ok(processes.run(&mut command)?.status.success())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packages_are_installed_by_root_on_debian_and_its_kin_only() {
        let debian = "PRETTY_NAME=\"Debian GNU/Linux 12\"\nID=debian\n";
        let mint = "ID=linuxmint\nID_LIKE=\"ubuntu debian\"\n";
        let fedora = "ID=fedora\nVERSION_ID=42\n";
        assert_eq!(Host::new(debian, true).why_not_install(), None);
        assert_eq!(Host::new(mint, true).why_not_install(), None);
        assert_eq!(
            Host::new(debian, false).why_not_install().unwrap(),
            "packages are installed only by root"
        );
        assert_eq!(
            Host::new(fedora, true).why_not_install().unwrap(),
            "packages are installed only on Debian and Ubuntu, and this is fedora"
        );
        assert!(Host::new("", true).why_not_install().is_some());
    }

    #[test]
    fn versions_are_those_of_debian_itself() {
        let is_13 = |release: &str| Host::new(release, true).is_debian_since(13);
        assert!(!is_13("ID=debian\nVERSION_ID=\"12\"\n"));
        assert!(is_13("ID=debian\nVERSION_ID=\"13\"\n"));
        assert!(is_13("ID=debian\n"));
        assert!(!is_13("ID=ubuntu\nID_LIKE=debian\nVERSION_ID=\"24.04\"\n"));
    }
}
