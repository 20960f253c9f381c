//! What the benchmarks are run with.

use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use rustix::fs::statfs;
use tokio::runtime::{Builder, Runtime};

use crate::args::Args;
use crate::instance::{Instance, Setup};
use crate::interrupt;
use crate::scratch::Scratch;
use crate::ssh::SshServer;

/// The magic numbers of tmpfs and ramfs (statfs(2)).
const IN_MEMORY: [i64; 2] = [0x0102_1994, 0x8584_58f6];

/// A directory, the release binary, and an sshd and an nginx to compare with.
pub(crate) struct Lab {
    pub(crate) scratch: Scratch,
    binary: Option<PathBuf>,
    ssh: Option<SshServer>,
    nginx: Option<FileServer>,
    postgres: Option<String>,
    quick: bool,
}

/// A server of files on 127.0.0.1.
#[derive(Clone, Debug)]
pub(crate) struct FileServer {
    pub(crate) port: u16,
    /// The directory whose files it serves.
    pub(crate) root: PathBuf,
}

impl Lab {
    pub(crate) fn open(args: &Args) -> Result<Self> {
        let scratch = Scratch::create(&args.scratch)?;
        let kind = statfs(scratch.path())?.f_type;
        if IN_MEMORY.contains(&kind) {
            bail!(
                "{} is in memory, where syncing costs nothing: use --scratch",
                args.scratch.display()
            );
        }
        interrupt::clean_when_interrupted(scratch.path().to_owned())?;
        Ok(Self {
            scratch,
            binary: args.binary.clone(),
            ssh: args.ssh(),
            nginx: args.nginx(),
            postgres: args.postgres_url.clone(),
            quick: args.quick,
        })
    }

    /// How many of `samples` to take.
    pub(crate) fn samples(&self, samples: usize) -> usize {
        if self.quick {
            samples.div_ceil(10).max(3)
        } else {
            samples
        }
    }

    /// Starts the release binary on a new data directory, with a key that has no rate limit worth
    /// the name, and waits until it is ready.
    pub(crate) fn start(&self) -> Result<Instance> {
        Instance::start_unlimited(&self.setup()?)
    }

    /// The release binary and a new data directory.
    pub(crate) fn setup(&self) -> Result<Setup> {
        Ok(Setup::new(self.binary()?, &self.scratch.new_path("data")))
    }

    pub(crate) fn binary(&self) -> Result<&PathBuf> {
        let binary = self.binary.as_ref();
        binary.context("no release binary was given: run `cargo xtask bench`, or use --binary")
    }

    pub(crate) fn ssh(&self) -> Result<&SshServer> {
        let ssh = self.ssh.as_ref();
        ssh.context("no sshd was given: run `cargo xtask bench`, or use --ssh-port, -key and -user")
    }

    /// The URL of a superuser.
    pub(crate) fn postgres(&self) -> Result<&str> {
        let postgres = self.postgres.as_deref();
        postgres.context("no PostgreSQL was given: run `cargo xtask bench`, or use --postgres-url")
    }

    pub(crate) fn nginx(&self) -> Result<&FileServer> {
        let nginx = self.nginx.as_ref();
        nginx.context(
            "no nginx was given: run `cargo xtask bench`, or use --nginx-port and --nginx-root",
        )
    }
}

/// A runtime as the binary has it, for what is measured in this process.
pub(crate) fn runtime() -> Result<Runtime> {
    let runtime = Builder::new_multi_thread().enable_all().build();
    runtime.context("cannot start a runtime")
}
