//! The command line. `cargo xtask bench` gives what the environment is asked for.

use std::path::PathBuf;

use clap::{Parser, ValueEnum};

use crate::bench::Bench;
use crate::lab::FileServer;
use crate::ssh::SshServer;

/// Measures Reoclo beside something that is measured in the same run.
#[derive(Debug, Parser)]
#[command(name = "reoclo-bench", max_term_width = 100)]
pub(crate) struct Args {
    /// Only these benchmarks
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    only: Vec<Bench>,
    /// Also write every figure to this file, as JSON
    #[arg(long, value_name = "FILE")]
    pub(crate) json: Option<PathBuf>,
    /// A tenth of the samples: to see that it runs, not how fast
    #[arg(long)]
    pub(crate) quick: bool,
    /// Where data directories are made; on a real disk, since syncing is part of what is measured
    #[arg(long, value_name = "DIR", default_value = "/var/tmp")]
    pub(crate) scratch: PathBuf,
    /// Be runners that have nothing to do, instead of measuring
    #[arg(long, value_name = "FILE", hide = true)]
    pub(crate) simulate_runners: Option<PathBuf>,
    /// The release binary of reoclo
    #[arg(long, env = "REOCLO_BENCH_BINARY", value_name = "FILE")]
    pub(crate) binary: Option<PathBuf>,
    /// The port on 127.0.0.1 of an sshd to compare with
    #[arg(long, env = "REOCLO_BENCH_SSH_PORT", value_name = "PORT")]
    ssh_port: Option<u16>,
    /// The private key that may sign in there
    #[arg(long, env = "REOCLO_BENCH_SSH_KEY", value_name = "FILE")]
    ssh_key: Option<PathBuf>,
    /// The account that may sign in there
    #[arg(long, env = "REOCLO_BENCH_SSH_USER", value_name = "NAME")]
    ssh_user: Option<String>,
    /// The port on 127.0.0.1 of an nginx to compare with
    #[arg(long, env = "REOCLO_BENCH_NGINX_PORT", value_name = "PORT")]
    nginx_port: Option<u16>,
    /// The directory whose files it serves
    #[arg(long, env = "REOCLO_BENCH_NGINX_ROOT", value_name = "DIR")]
    nginx_root: Option<PathBuf>,
    /// The URL of a superuser of a PostgreSQL, which gets a database for the time
    #[arg(long, env = "REOCLO_BENCH_POSTGRES_URL", value_name = "URL")]
    pub(crate) postgres_url: Option<String>,
}

impl Args {
    /// The benchmarks to run, in their own order.
    pub(crate) fn chosen(&self) -> Vec<Bench> {
        let all = Bench::value_variants().iter().copied();
        all.filter(|bench| match bench {
            // It needs another build.
            Bench::Profile => self.only.contains(bench),
            _ => self.only.is_empty() || self.only.contains(bench),
        })
        .collect()
    }

    /// The sshd, if all of it was given.
    pub(crate) fn ssh(&self) -> Option<SshServer> {
        Some(SshServer {
            port: self.ssh_port?,
            key: self.ssh_key.clone()?,
            user: self.ssh_user.clone()?,
        })
    }

    /// The nginx, if all of it was given.
    pub(crate) fn nginx(&self) -> Option<FileServer> {
        Some(FileServer {
            port: self.nginx_port?,
            root: self.nginx_root.clone()?,
        })
    }
}
