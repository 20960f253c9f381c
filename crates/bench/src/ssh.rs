//! `ssh` to the sshd that was given, over a connection of its own or over a kept one.

use std::ffi::OsString;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

use anyhow::{Context, Result, bail};

use crate::local::{drain, succeed};

const POLL: Duration = Duration::from_millis(20);
/// How often to look for the master: 10 s in all.
const POLLS: u32 = 500;

/// An sshd on 127.0.0.1 and who may sign in.
#[derive(Clone, Debug)]
pub(crate) struct SshServer {
    pub(crate) port: u16,
    pub(crate) key: PathBuf,
    pub(crate) user: String,
}

/// A connection that stays, and is shared by every `ssh` that names its socket (ssh_config(5),
/// `ControlMaster`). It ends when it is dropped.
pub(crate) struct Master<'a> {
    server: &'a SshServer,
    socket: PathBuf,
    child: Child,
}

impl SshServer {
    /// Runs a command over a connection of its own.
    pub(crate) fn run(&self, command: &str) -> Result<()> {
        succeed(self.ssh().args(["-o", "ControlPath=none", command]))
    }

    /// Signs in and stays.
    pub(crate) fn keep(&self, socket: PathBuf) -> Result<Master<'_>> {
        let child = self
            .ssh()
            .args(["-M", "-N", "-o", "ControlPersist=no"])
            .args(socket_option(&socket))
            .stdin(Stdio::null())
            .process_group(0)
            .spawn()
            .context("cannot start ssh")?;
        let mut master = Master {
            server: self,
            socket,
            child,
        };
        master.wait()?;
        Ok(master)
    }

    fn ssh(&self) -> Command {
        let mut ssh = Command::new("ssh");
        ssh.args(["-F", "none", "-o", "BatchMode=yes", "-o", "LogLevel=ERROR"])
            .args(["-o", "StrictHostKeyChecking=no"])
            .args(["-o", "UserKnownHostsFile=/dev/null"])
            .args(["-o", "IdentitiesOnly=yes", "-i"])
            .arg(&self.key)
            .args(["-p", &self.port.to_string(), "-l", &self.user])
            .arg("127.0.0.1");
        ssh
    }
}

impl Master<'_> {
    /// Runs a command over the kept connection.
    pub(crate) fn run(&self, command: &str) -> Result<()> {
        succeed(&mut self.command(command))
    }

    /// Runs a command over the kept connection and reads its output.
    pub(crate) fn read_output(&self, command: &str) -> Result<()> {
        drain(&mut self.command(command))
    }

    fn command(&self, command: &str) -> Command {
        let mut ssh = self.server.ssh();
        ssh.args(["-o", "ControlMaster=no"])
            .args(socket_option(&self.socket))
            .arg(command);
        ssh
    }

    fn wait(&mut self) -> Result<()> {
        for _ in 0..POLLS {
            if self.socket.exists() {
                return Ok(());
            }
            if let Some(status) = self.child.try_wait()? {
                bail!("ssh ended with {status} instead of signing in");
            }
            sleep(POLL);
        }
        bail!("ssh did not sign in in time");
    }
}

impl Drop for Master<'_> {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn socket_option(socket: &Path) -> [OsString; 2] {
    let mut option = OsString::from("ControlPath=");
    option.push(socket);
    ["-o".into(), option]
}
