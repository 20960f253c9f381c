//! A private sshd: its own port, host key and authorized key, and one account that may sign in.

use std::fmt::Write;
use std::fs::{self, File, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result};
use rustix::process::Signal;
use tempfile::TempDir;

use crate::host;
use crate::loopback;
use crate::process::{Background, Processes};

/// The account that signs in.
pub(crate) const ACCOUNT: &str = "reoclo-bench";

/// sshd insists on being started by its full path.
const SSHD: &str = "/usr/sbin/sshd";
const SSH: &str = "/usr/bin/ssh";
/// Where sshd locks its unprivileged half in; the Debian package expects a service to create it.
const PRIVILEGE_SEPARATION: &str = "/run/sshd";

/// The packages to install before [`Sshd::start`] can work.
pub(crate) fn missing_packages() -> Vec<&'static str> {
    [(SSHD, "openssh-server"), (SSH, "openssh-client")]
        .into_iter()
        .filter(|(program, _)| !Path::new(program).is_file())
        .map(|(_, package)| package)
        .collect()
}

/// A running sshd; dropping it stops the server and removes its keys.
pub(crate) struct Sshd {
    // Dropped first: the directory is removed once nothing uses it.
    _server: Background,
    directory: Directory,
    port: u16,
}

impl Sshd {
    /// Makes the keys and, where it is missing, the account; starts the server on 127.0.0.1.
    pub(crate) fn start(processes: &Processes) -> Result<Self> {
        add_account(processes)?;
        fs::create_dir_all(PRIVILEGE_SEPARATION)?;
        let directory = Directory::create(processes)?;
        let (server, port) = loopback::start(
            |port| directory.serve(port),
            |_| Ok(directory.pid_file().is_file()),
        )
        .with_context(|| format!("cannot start sshd\n{}", directory.log()))?;
        println!("sshd answers on 127.0.0.1:{port}");
        Ok(Self {
            _server: server,
            directory,
            port,
        })
    }

    /// The port on 127.0.0.1.
    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// The file with the private key that may sign in.
    pub(crate) fn key(&self) -> PathBuf {
        self.directory.file("client_key")
    }
}

/// Adds a plain account. `*` is no password either, but unlike the default `!` it does not lock
/// the account, which sshd would refuse.
fn add_account(processes: &Processes) -> Result<()> {
    if host::has_account(ACCOUNT, processes)? {
        return Ok(());
    }
    println!("adding the account {ACCOUNT}");
    let mut command = Command::new("useradd");
    command.args(["--create-home", "--shell", "/bin/sh", "--password", "*"]);
    processes.succeed(command.arg(ACCOUNT))?;
    Ok(())
}

struct Directory(TempDir);

impl Directory {
    fn create(processes: &Processes) -> Result<Self> {
        let directory = tempfile::Builder::new()
            .prefix("reoclo-sshd-")
            .permissions(Permissions::from_mode(0o755))
            .tempdir_in("/tmp")
            .context("cannot create a directory for sshd")?;
        let directory = Self(directory);
        directory.make_key("host_key", processes)?;
        directory.make_key("client_key", processes)?;
        fs::rename(
            directory.file("client_key.pub"),
            directory.file("authorized_keys"),
        )?;
        Ok(directory)
    }

    fn make_key(&self, name: &str, processes: &Processes) -> Result<()> {
        let mut command = Command::new("ssh-keygen");
        command
            .args(["-q", "-t", "ed25519", "-N", "", "-C", ACCOUNT, "-f"])
            .arg(self.file(name))
            .stdout(Stdio::null());
        processes.succeed(&mut command)?;
        Ok(())
    }

    fn serve(&self, port: u16) -> Result<Background> {
        fs::write(self.file("sshd_config"), self.configuration(port)?)?;
        let log = File::create(self.file("log"))?;
        let mut command = Command::new(SSHD);
        command
            .args(["-D", "-e", "-f"])
            .arg(self.file("sshd_config"))
            .stdout(log.try_clone()?)
            .stderr(log);
        Background::start(&mut command, Signal::TERM)
    }

    /// Nothing that costs time at sign-in without being part of SSH: no PAM, no message of the
    /// day, no last login.
    fn configuration(&self, port: u16) -> Result<String> {
        let mut text = String::new();
        for (name, value) in [
            ("ListenAddress", "127.0.0.1"),
            ("AllowUsers", ACCOUNT),
            ("PasswordAuthentication", "no"),
            ("KbdInteractiveAuthentication", "no"),
            ("UsePAM", "no"),
            ("StrictModes", "no"),
            ("PrintMotd", "no"),
            ("PrintLastLog", "no"),
            ("MaxSessions", "100"),
            ("MaxStartups", "200"),
        ] {
            writeln!(text, "{name} {value}")?;
        }
        writeln!(text, "Port {port}")?;
        writeln!(text, "HostKey {}", self.file("host_key").display())?;
        writeln!(text, "PidFile {}", self.pid_file().display())?;
        let keys = self.file("authorized_keys");
        writeln!(text, "AuthorizedKeysFile {}", keys.display())?;
        Ok(text)
    }

    /// Written by sshd once it listens.
    fn pid_file(&self) -> PathBuf {
        self.file("pid")
    }

    fn log(&self) -> String {
        fs::read_to_string(self.file("log")).unwrap_or_default()
    }

    fn file(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }
}
