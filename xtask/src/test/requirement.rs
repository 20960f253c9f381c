//! What the suites need on this machine, and installing it where that is allowed.

use std::path::Path;
use std::process::Stdio;

use anyhow::{Result, bail};

use crate::cargo::cargo;
use crate::host::{self, Host};
use crate::process::Processes;

use super::postgres;
use super::suite::Suite;

/// Something a suite cannot run without.
#[derive(Clone, Copy)]
enum Requirement {
    /// A cargo subcommand that comes with the toolchain, as a component of this name.
    Component {
        command: &'static str,
        component: &'static str,
    },
    /// A C compiler, for the libraries that are built from C.
    Compiler,
    /// PostgreSQL's server programs.
    Postgres,
    /// What stands before a PostgreSQL in many places.
    PgBouncer,
    /// The browser of the tests of the dashboard.
    Chromium,
    /// What drives it.
    Node,
    /// Docker's command line and, for root, its engine, with a registry to log in to.
    Docker,
    /// The shell that small images have, in which what is shown to be pasted must work.
    Busybox,
    /// A name service, for users who are in no file of the host.
    NameService,
    /// `systemd-analyze`, which checks the runner's unit; no systemd has to run.
    Systemd,
}

/// Something is missing that cannot be installed; `why` ends the sentence "… cannot run: ".
struct Blocked {
    suite: Suite,
    why: String,
}

/// Installs what `suites` lack, or fails with every suite that cannot run and why.
pub(crate) fn meet(suites: &[Suite], processes: &Processes) -> Result<()> {
    let host = Host::detect();
    let mut packages = Vec::new();
    let mut blocked = Vec::new();
    for &suite in suites {
        for &requirement in Requirement::of(suite) {
            if requirement.is_met(&host, processes)? {
                continue;
            }
            match requirement.packages(&host) {
                Ok(missing) => packages.extend_from_slice(missing),
                Err(why) => blocked.push(Blocked { suite, why }),
            }
        }
    }
    if !blocked.is_empty() {
        bail!(explain(suites, &blocked));
    }
    packages.sort_unstable();
    packages.dedup();
    if !packages.is_empty() {
        host::install(&packages, processes)?;
    }
    Ok(())
}

impl Requirement {
    const RUSTFMT: Self = Self::Component {
        command: "fmt",
        component: "rustfmt",
    };
    const CLIPPY: Self = Self::Component {
        command: "clippy",
        component: "clippy",
    };

    fn of(suite: Suite) -> &'static [Self] {
        match suite {
            Suite::Fmt => &[Self::RUSTFMT],
            Suite::Clippy => &[Self::CLIPPY, Self::Compiler],
            Suite::Unit => &[Self::Compiler],
            Suite::Sqlite => &[
                Self::Compiler,
                Self::Docker,
                Self::Systemd,
                Self::Busybox,
                Self::NameService,
            ],
            Suite::Postgres => &[
                Self::Compiler,
                Self::Docker,
                Self::Postgres,
                Self::PgBouncer,
            ],
            Suite::Browser => &[Self::Compiler, Self::Chromium, Self::Node],
        }
    }

    fn is_met(self, host: &Host, processes: &Processes) -> Result<bool> {
        match self {
            Self::Component { command, .. } => has_subcommand(command, processes),
            Self::Compiler => host::has("cc", processes),
            Self::Postgres => Ok(postgres::programs().is_some()),
            // Debian's is not on everybody's path.
            Self::PgBouncer => {
                Ok(Path::new("/usr/sbin/pgbouncer").exists() || host::has("pgbouncer", processes)?)
            }
            Self::Docker => has_docker(host, processes),
            Self::Chromium => host::has("chromium", processes),
            Self::Node => Ok(host::has("node", processes)? && host::has("npm", processes)?),
            Self::Systemd => host::has("systemd-analyze", processes),
            // The directory that its users are in; nobody but root can put another in its place.
            Self::NameService => Ok(!host.is_root() || Path::new("/var/lib/extrausers").is_dir()),
            Self::Busybox => Ok(host::has("busybox", processes)? && host::has("curl", processes)?),
        }
    }

    /// The packages to install, or why that is impossible.
    fn packages(self, host: &Host) -> Result<&'static [&'static str], String> {
        let (what, packages): (_, &'static [_]) = match self {
            Self::Component { command, component } => {
                return Err(format!(
                    "cargo {command} is missing; add it with: rustup component add {component}"
                ));
            }
            Self::Compiler => ("there is no C compiler", &["gcc", "libc6-dev"]),
            Self::Postgres => ("PostgreSQL is not installed", &["postgresql"]),
            Self::PgBouncer => ("PgBouncer is not installed", &["pgbouncer"]),
            Self::Docker => (
                "Docker or docker-registry is not installed",
                docker_packages(host),
            ),
            Self::Systemd => ("systemd-analyze is missing", &["systemd"]),
            Self::NameService => ("libnss-extrausers is not installed", &["libnss-extrausers"]),
            Self::Busybox => (
                "busybox or curl is not installed",
                &["busybox-static", "curl"],
            ),
            Self::Chromium => ("Chromium is not installed", &["chromium"]),
            Self::Node => ("Node.js or npm is not installed", &["nodejs", "npm"]),
        };
        match host.why_not_install() {
            None => Ok(packages),
            Some(why_not) => Err(format!("{what}, and {why_not}")),
        }
    }
}

/// Nobody but root can run an engine; the tests then use the command line alone.
fn has_docker(host: &Host, processes: &Processes) -> Result<bool> {
    Ok(host::has("docker", processes)?
        && host::has("docker-registry", processes)?
        && (!host.is_root() || host::has("dockerd", processes)?))
}

/// Debian has had the command line in a package of its own since its version 13.
fn docker_packages(host: &Host) -> &'static [&'static str] {
    if host.is_debian_since(13) {
        &["docker-cli", "docker-registry", "docker.io"]
    } else {
        &["docker-registry", "docker.io"]
    }
}

fn has_subcommand(name: &str, processes: &Processes) -> Result<bool> {
    let mut command = cargo();
    command
        .args([name, "--version"])
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    Ok(processes.run(&mut command)?.status.success())
}

fn explain(suites: &[Suite], blocked: &[Blocked]) -> String {
    let mut lines = vec!["nothing was run, because a suite cannot run here:".to_owned()];
    lines.extend(
        blocked
            .iter()
            .map(|Blocked { suite, why }| format!("  {suite}: {why}")),
    );
    let rest: Vec<_> = suites
        .iter()
        .filter(|suite| blocked.iter().all(|other| other.suite != **suite))
        .map(Suite::to_string)
        .collect();
    if !rest.is_empty() {
        let rest = rest.join(",");
        lines.push(format!(
            "hint: the rest runs with: cargo xtask test --only {rest}"
        ));
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_blocked_suite_is_explained_with_a_way_to_run_the_rest() {
        let blocked = [Blocked {
            suite: Suite::Postgres,
            why: "PostgreSQL is not installed, and packages are installed only by root".to_owned(),
        }];
        assert_eq!(
            explain(&[Suite::Unit, Suite::Sqlite, Suite::Postgres], &blocked),
            "nothing was run, because a suite cannot run here:\n  \
             postgres: PostgreSQL is not installed, and packages are installed only by root\n\
             hint: the rest runs with: cargo xtask test --only unit,sqlite"
        );
    }
}
