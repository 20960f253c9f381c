//! A PostgreSQL for one test run: its own data, its own port, gone afterwards.

use std::fs::{self, File};
use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result};
use rustix::process::Signal;
use tempfile::TempDir;

use crate::host;
use crate::loopback;
use crate::process::{Background, Processes};

/// Where Debian's packages put each major version's programs.
const VERSIONS: &str = "/usr/lib/postgresql";
/// The account that owns the server, which refuses to run as root.
const ACCOUNT: &str = "postgres";

/// The directory of the newest installed version's programs.
pub(crate) fn programs() -> Option<PathBuf> {
    newest(Path::new(VERSIONS))
}

fn newest(versions: &Path) -> Option<PathBuf> {
    fs::read_dir(versions)
        .ok()?
        .filter_map(Result::ok)
        .filter_map(|entry| {
            let version: u32 = entry.file_name().to_str()?.parse().ok()?;
            let programs = entry.path().join("bin");
            programs
                .join("postgres")
                .is_file()
                .then_some((version, programs))
        })
        .max()
        .map(|(_, programs)| programs)
}

/// What becomes of what is written when the machine fails.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Care {
    /// It may be lost, which is the quickest.
    None,
    /// It is kept, as where it matters.
    Usual,
}

/// A running server; dropping it stops the server and removes its data.
pub(crate) struct Postgres {
    // Dropped first: the data is removed once nothing writes to it.
    _server: Background,
    _directory: TempDir,
    port: u16,
}

impl Postgres {
    /// Creates a cluster in a temporary directory and starts it on 127.0.0.1.
    pub(crate) fn start(processes: &Processes, care: Care) -> Result<Self> {
        let cluster = Cluster::create(processes)?;
        let (server, port) = loopback::start(
            |port| cluster.serve(port, care),
            |port| cluster.answers(port, processes),
        )
        .with_context(|| format!("cannot start PostgreSQL\n{}", cluster.log()))?;
        println!("PostgreSQL answers on 127.0.0.1:{port}");
        Ok(Self {
            _server: server,
            _directory: cluster.directory,
            port,
        })
    }

    /// The URL of the superuser, who needs no password.
    pub(crate) fn url(&self) -> String {
        format!("postgres://{ACCOUNT}@127.0.0.1:{}/postgres", self.port)
    }
}

struct Cluster {
    programs: PathBuf,
    /// The user and group to run as, unless the chore already runs as a plain user.
    owner: Option<(u32, u32)>,
    directory: TempDir,
}

impl Cluster {
    fn create(processes: &Processes) -> Result<Self> {
        let cluster = Self {
            programs: programs().context("PostgreSQL is not installed")?,
            owner: owner(processes)?,
            directory: directory()?,
        };
        cluster.initialize(processes)?;
        Ok(cluster)
    }

    /// Nothing in it outlives the run, so nothing is synced and nobody needs a password.
    fn initialize(&self, processes: &Processes) -> Result<()> {
        if let Some((user, group)) = self.owner {
            chown(self.directory.path(), Some(user), Some(group))?;
        }
        let log = File::create(self.log_path())?;
        let mut command = self.program("initdb");
        command
            .args(["--username", ACCOUNT, "--auth", "trust", "--no-sync"])
            .args(["--encoding", "UTF8", "--locale", "C", "--pgdata"])
            .arg(self.data())
            .stderr(log.try_clone()?)
            .stdout(log);
        processes
            .succeed(&mut command)
            .with_context(|| format!("cannot create a cluster\n{}", self.log()))?;
        Ok(())
    }

    fn serve(&self, port: u16, care: Care) -> Result<Background> {
        let log = File::options().append(true).open(self.log_path())?;
        let mut command = self.program("postgres");
        command.arg("-D").arg(self.data());
        for (name, value) in [
            ("listen_addresses", "127.0.0.1"),
            ("port", &port.to_string()),
            ("unix_socket_directories", &self.path().to_string_lossy()),
            ("max_connections", "300"),
        ] {
            command.arg("-c").arg(format!("{name}={value}"));
        }
        if care == Care::None {
            for name in ["fsync", "synchronous_commit", "full_page_writes"] {
                command.arg("-c").arg(format!("{name}=off"));
            }
        }
        command.stderr(log.try_clone()?).stdout(log);
        // SIGQUIT is PostgreSQL's immediate shutdown.
        Background::start(&mut command, Signal::QUIT)
    }

    /// Asks over the private socket, where nobody else can answer. It exists only when the port
    /// could be bound as well.
    fn answers(&self, port: u16, processes: &Processes) -> Result<bool> {
        let mut command = self.program("pg_isready");
        command
            .args(["--quiet", "--port", &port.to_string(), "--host"])
            .arg(self.path())
            .stderr(Stdio::null());
        Ok(processes.run(&mut command)?.status.success())
    }

    fn program(&self, name: &str) -> Command {
        let mut command = Command::new(self.programs.join(name));
        command.current_dir(self.path());
        if let Some((user, group)) = self.owner {
            command.uid(user).gid(group);
        }
        command
    }

    fn path(&self) -> &Path {
        self.directory.path()
    }

    fn data(&self) -> PathBuf {
        self.path().join("data")
    }

    fn log_path(&self) -> PathBuf {
        self.path().join("log")
    }

    fn log(&self) -> String {
        fs::read_to_string(self.log_path()).unwrap_or_default()
    }
}

fn owner(processes: &Processes) -> Result<Option<(u32, u32)>> {
    if !host::Host::detect().is_root() {
        return Ok(None);
    }
    host::account(ACCOUNT, processes)
        .map(Some)
        .with_context(|| format!("PostgreSQL refuses to run as root and needs the user {ACCOUNT}"))
}

/// In /tmp whatever `TMPDIR` says: another account has to reach it, and the path of a socket in
/// it has to fit into 107 bytes.
fn directory() -> Result<TempDir> {
    tempfile::Builder::new()
        .prefix("reoclo-postgres-")
        .tempdir_in("/tmp")
        .context("cannot create a directory for PostgreSQL")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_version_counts_by_number() {
        let versions = tempfile::tempdir().unwrap();
        for version in ["9", "15", "17", "18-broken"] {
            let programs = versions.path().join(version).join("bin");
            fs::create_dir_all(&programs).unwrap();
            if version != "17" {
                fs::write(programs.join("postgres"), "").unwrap();
            }
        }
        let expected = versions.path().join("15/bin");
        assert_eq!(newest(versions.path()), Some(expected));
        assert_eq!(newest(&versions.path().join("none")), None);
    }
}
