//! The command line.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Args as ArgsDerive, Parser, Subcommand, ValueEnum};

use crate::config::{ListenAddress, Network};

/// Operate your own servers through scoped, audited API keys.
#[derive(Debug, Parser)]
#[command(name = "reoclo", version, max_term_width = 100)]
pub(crate) struct Args {
    /// How logs on stderr look.
    #[arg(long, global = true, env = "REOCLO_LOG_FORMAT", default_value = "text")]
    pub(crate) log_format: LogFormat,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum LogFormat {
    Text,
    Json,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Output {
    /// For people.
    Text,
    /// One line, for programs.
    Json,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Start a control plane and a runner for this machine.
    Up(ServeOptions),
    /// Start a control plane without a runner.
    Serve(ServeOptions),
    /// Connect this machine to a control plane, so that keys can run commands here.
    Runner(RunnerArgs),
    /// The process that runs the commands; the runner starts it.
    #[command(hide = true)]
    Supervisor(SupervisorOptions),
    /// Manage the servers of the control plane on this machine.
    #[command(subcommand)]
    Servers(ServersCommand),
    /// What the owner of the control plane's machine may do without signing in.
    #[command(subcommand)]
    Admin(AdminCommand),
    /// Check or export the audit log.
    #[command(subcommand)]
    Audit(AuditCommand),
}

/// Flags come first, then `REOCLO_…` variables, then `reoclo.toml`.
#[derive(Clone, Debug, Default, ArgsDerive)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a flag of its own on the command line"
)]
pub(crate) struct ServeOptions {
    /// Where everything is kept [default: ./.reoclo].
    #[arg(long, env = "REOCLO_DATA_DIR", value_name = "DIR")]
    pub(crate) data_dir: Option<PathBuf>,
    /// The address to serve; port 0 picks one, and without an address it is every one where TLS, a
    /// proxy or --insecure-http allows it [default: 127.0.0.1:7676].
    #[arg(long, env = "REOCLO_LISTEN", value_name = "ADDR:PORT")]
    pub(crate) listen: Option<ListenAddress>,
    /// How the result of the start is printed on stdout.
    #[arg(long, default_value = "text", value_name = "FORMAT")]
    pub(crate) output: Option<Output>,
    /// The address that links, install commands and clients use; further ones are served as well
    /// [default: the listening one].
    #[arg(
        long,
        env = "REOCLO_PUBLIC_URL",
        value_name = "URL",
        value_delimiter = ','
    )]
    pub(crate) public_url: Vec<String>,
    /// Use PostgreSQL instead of the embedded database (`serve` only).
    #[arg(
        long,
        env = "REOCLO_DATABASE_URL",
        value_name = "URL",
        hide_env_values = true
    )]
    pub(crate) database_url: Option<String>,
    /// Seconds to wait for a database that is not up yet [default: 30].
    #[arg(long, env = "REOCLO_WAIT_FOR_DATABASE", value_name = "SECONDS")]
    pub(crate) wait_for_database: Option<u64>,
    /// Seconds to wait for another control plane on the same database to end [default: 60].
    #[arg(long, env = "REOCLO_WAIT", value_name = "SECONDS")]
    pub(crate) wait: Option<u64>,
    /// Take the place of another control plane on the same database, which ends then.
    #[arg(long)]
    pub(crate) takeover: bool,
    /// Begin an empty database in a data directory that was used with one before.
    #[arg(long)]
    pub(crate) new: bool,
    /// Share the database with other control planes.
    #[arg(long, env = "REOCLO_REPLICAS", hide = true)]
    pub(crate) replicas: bool,
    /// Serve TLS with this certificate chain, in PEM form.
    #[arg(long, env = "REOCLO_TLS_CERT", value_name = "FILE")]
    pub(crate) tls_cert: Option<PathBuf>,
    /// The private key of the certificate, in PEM form.
    #[arg(long, env = "REOCLO_TLS_KEY", value_name = "FILE")]
    pub(crate) tls_key: Option<PathBuf>,
    /// Addresses or networks of proxies whose X-Forwarded-For is believed.
    #[arg(
        long,
        env = "REOCLO_TRUSTED_PROXY",
        value_name = "CIDR",
        value_delimiter = ','
    )]
    pub(crate) trusted_proxy: Vec<Network>,
    /// Addresses or networks that are not public and that requests of Reoclo's own may go to all the same, such
    /// as the one of your registry.
    #[arg(
        long,
        env = "REOCLO_ALLOW_OUTBOUND",
        value_name = "CIDR",
        value_delimiter = ','
    )]
    pub(crate) allow_outbound: Vec<Network>,
    /// Do not let organizations trust private networks in their settings.
    #[arg(long, env = "REOCLO_NO_ORGANIZATION_NETWORKS")]
    pub(crate) no_organization_networks: bool,
    /// Serve plaintext on an address that is not loopback: keys can be read on the way.
    #[arg(long, env = "REOCLO_INSECURE_HTTP")]
    pub(crate) insecure_http: bool,
    /// Serve /metrics on this address; beyond loopback it needs what --listen needs there.
    #[arg(long, env = "REOCLO_METRICS_LISTEN", value_name = "ADDR:PORT")]
    pub(crate) metrics_listen: Option<ListenAddress>,
    /// The program that runners are given, for this platform [default: this one].
    #[arg(long, env = "REOCLO_RUNNER_PROGRAM", value_name = "FILE")]
    pub(crate) runner_program: Option<PathBuf>,
    /// The configuration file [default: ./reoclo.toml, if it is there].
    #[arg(long, env = "REOCLO_CONFIG", value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// The user that commands run as on this machine (`up` only) [default: the runner's own].
    #[arg(long, env = "REOCLO_EXEC_USER", value_name = "NAME")]
    pub(crate) exec_user: Option<String>,
}

#[derive(Clone, Debug, ArgsDerive)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct RunnerArgs {
    #[command(flatten)]
    pub(crate) options: RunnerOptions,
    #[command(subcommand)]
    pub(crate) command: Option<RunnerCommand>,
}

#[derive(Clone, Debug, Subcommand)]
pub(crate) enum RunnerCommand {
    /// Give this machine its identity, and leave it to a service to start the runner.
    Enrol(EnrolOptions),
    /// Say how the runner of this machine is; exit code 1 when it is not connected.
    Status(StatusOptions),
    /// Connect once: how a program is tried before it replaces another.
    #[command(hide = true)]
    Probe(RunnerOptions),
    /// Wait for a new program to connect, or put the previous one back.
    #[command(hide = true)]
    GuardUpgrade(GuardOptions),
}

#[derive(Clone, Debug, ArgsDerive)]
pub(crate) struct GuardOptions {
    #[arg(long)]
    pub(crate) data_dir: PathBuf,
    #[arg(long)]
    pub(crate) program: PathBuf,
    #[arg(long)]
    pub(crate) within: f64,
    #[arg(long)]
    pub(crate) pid: u32,
    /// What the service starts the program with, as JSON.
    #[arg(long, env = "REOCLO_SERVICE_ARGUMENTS")]
    pub(crate) service_arguments: Option<String>,
    /// Seconds in which a service starts its program again.
    #[arg(long, env = "REOCLO_RESTART_PATIENCE", default_value = "15")]
    pub(crate) restart_patience: f64,
    #[arg(long, env = "REOCLO_BOOT_ID_FILE")]
    pub(crate) boot_id_file: Option<PathBuf>,
}

#[derive(Clone, Debug, ArgsDerive)]
pub(crate) struct StatusOptions {
    /// The runner's data directory [default: ./.reoclo-runner, or else that of install.sh].
    #[arg(long, env = "REOCLO_RUNNER_DIR", value_name = "DIR")]
    pub(crate) data_dir: Option<PathBuf>,
    /// How the result is printed.
    #[arg(long, default_value = "text", value_name = "FORMAT")]
    pub(crate) output: Output,
}

#[derive(Clone, Debug, ArgsDerive)]
pub(crate) struct EnrolOptions {
    /// The control plane's address.
    #[arg(long, env = "REOCLO_URL", value_name = "URL")]
    pub(crate) url: String,
    /// A file with the single-use token of the install command; - is the standard input.
    #[arg(long, value_name = "FILE")]
    pub(crate) token_file: PathBuf,
    /// Where the runner's identity and its spool are kept.
    #[arg(
        long,
        env = "REOCLO_RUNNER_DIR",
        value_name = "DIR",
        default_value = "./.reoclo-runner"
    )]
    pub(crate) data_dir: PathBuf,
    /// Trust this certificate authority too, in PEM form.
    #[arg(long, env = "REOCLO_CA_CERT", value_name = "FILE")]
    pub(crate) ca_cert: Option<PathBuf>,
}

#[derive(Clone, Debug, ArgsDerive)]
pub(crate) struct RunnerOptions {
    /// The control plane's address; remembered after the first start.
    #[arg(long, env = "REOCLO_URL", value_name = "URL")]
    pub(crate) url: Option<String>,
    /// The single-use token of the install command; needed at the first start only.
    #[arg(
        long,
        env = "REOCLO_ENROLMENT_TOKEN",
        value_name = "TOKEN",
        hide_env_values = true
    )]
    pub(crate) token: Option<String>,
    /// Where the runner's identity and its spool are kept.
    #[arg(
        long,
        env = "REOCLO_RUNNER_DIR",
        value_name = "DIR",
        default_value = "./.reoclo-runner"
    )]
    pub(crate) data_dir: PathBuf,
    /// Trust this certificate authority too, in PEM form.
    #[arg(long, env = "REOCLO_CA_CERT", value_name = "FILE")]
    pub(crate) ca_cert: Option<PathBuf>,
    /// The user that commands run as [default: the runner's own].
    #[arg(long, env = "REOCLO_EXEC_USER", value_name = "NAME")]
    pub(crate) exec_user: Option<String>,
    /// What reboots this machine: a program and its arguments, separated by blanks; no shell reads
    /// it.
    #[arg(
        long,
        env = "REOCLO_REBOOT_COMMAND",
        value_name = "COMMAND",
        value_delimiter = ' ',
        allow_hyphen_values = true,
        default_value = "systemctl reboot"
    )]
    pub(crate) reboot_command: Vec<OsString>,
    /// Where the machine says which boot this is.
    #[arg(long, env = "REOCLO_BOOT_ID_FILE", value_name = "FILE", hide = true)]
    pub(crate) boot_id_file: Option<PathBuf>,
    /// Where the machine says which installation this is.
    #[arg(long, env = "REOCLO_MACHINE_ID_FILE", value_name = "FILE", hide = true)]
    pub(crate) machine_id_file: Option<PathBuf>,
    /// Stay at this version when the control plane has a newer one.
    #[arg(long, env = "REOCLO_NO_SELF_UPGRADE")]
    pub(crate) no_self_upgrade: bool,
    /// This program was installed by install.sh and is kept running by a service.
    #[arg(long, hide = true)]
    pub(crate) installed: bool,
    /// Seconds in which a new program has to connect.
    #[arg(long, env = "REOCLO_UPGRADE_WITHIN", default_value = "60", hide = true)]
    pub(crate) upgrade_within: f64,
    /// Seconds after which a new program that took too long is tried again.
    #[arg(
        long,
        env = "REOCLO_UPGRADE_AGAIN",
        default_value = "3600",
        hide = true
    )]
    pub(crate) upgrade_again: f64,
    /// Seconds between TERM and KILL when a command is stopped.
    #[arg(long, env = "REOCLO_KILL_GRACE", default_value = "5", hide = true)]
    pub(crate) kill_grace: f64,
    /// Seconds without work and without a runner after which the supervisor ends.
    #[arg(
        long,
        env = "REOCLO_SUPERVISOR_IDLE",
        default_value = "10",
        hide = true
    )]
    pub(crate) supervisor_idle: f64,
    /// Files that this process and every command may have open [default: as it was started].
    #[arg(long, value_name = "COUNT", hide = true)]
    pub(crate) open_files: Option<u64>,
    /// The longest pause in seconds between two attempts to connect again.
    #[arg(long, env = "REOCLO_RECONNECT_MOST", default_value = "60", hide = true)]
    pub(crate) reconnect_most: f64,
    #[command(flatten)]
    pub(crate) keepalive: KeepaliveOptions,
}

/// How the server's end notices a lost link.
#[derive(Clone, Copy, Debug, ArgsDerive)]
pub(crate) struct KeepaliveOptions {
    /// Seconds between pings.
    #[arg(
        long,
        env = "REOCLO_KEEPALIVE_EVERY",
        default_value = "20",
        hide = true
    )]
    pub(crate) keepalive_every: f64,
    /// Seconds that an answer may take.
    #[arg(
        long,
        env = "REOCLO_KEEPALIVE_TIMEOUT",
        default_value = "10",
        hide = true
    )]
    pub(crate) keepalive_timeout: f64,
}

#[derive(Clone, Debug, ArgsDerive)]
pub(crate) struct SupervisorOptions {
    #[arg(long)]
    pub(crate) data_dir: PathBuf,
    #[arg(long)]
    pub(crate) exec_user: Option<String>,
    #[arg(long, default_value = "5")]
    pub(crate) kill_grace: f64,
    #[arg(long, default_value = "10")]
    pub(crate) idle_exit: f64,
    #[command(flatten)]
    pub(crate) keepalive: KeepaliveOptions,
    /// One word of the command that reboots this machine.
    #[arg(long = "reboot-word", allow_hyphen_values = true)]
    pub(crate) reboot_words: Vec<OsString>,
    #[arg(long)]
    pub(crate) boot_id_file: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ServersCommand {
    /// Add a server and print the command that connects it.
    Add(AddServer),
}

#[derive(Clone, Debug, ArgsDerive)]
pub(crate) struct AddServer {
    /// What the server is called.
    pub(crate) name: String,
    /// A short name for addresses [default: made from the name].
    #[arg(long)]
    pub(crate) slug: Option<String>,
    /// The data directory of the running control plane.
    #[arg(
        long,
        env = "REOCLO_DATA_DIR",
        value_name = "DIR",
        default_value = "./.reoclo"
    )]
    pub(crate) data_dir: PathBuf,
    /// How the result is printed.
    #[arg(long, default_value = "text", value_name = "FORMAT")]
    pub(crate) output: Output,
}

#[derive(Debug, Subcommand)]
pub(crate) enum AdminCommand {
    /// Give somebody a temporary password, and end their sessions.
    ResetPassword(ResetPassword),
    /// Find stored operations and audit rows with a key or a password in a URL, which older
    /// versions stored; exit code 1 when there are any left.
    MaskStored(MaskStored),
}

#[derive(Clone, Debug, ArgsDerive)]
pub(crate) struct MaskStored {
    /// Replace what is found in operations and their output. Audit rows are never changed.
    #[arg(long)]
    pub(crate) apply: bool,
    /// The data directory of the running control plane.
    #[arg(
        long,
        env = "REOCLO_DATA_DIR",
        value_name = "DIR",
        default_value = "./.reoclo"
    )]
    pub(crate) data_dir: PathBuf,
    /// How the result is printed.
    #[arg(long, default_value = "text", value_name = "FORMAT")]
    pub(crate) output: Output,
}

#[derive(Clone, Debug, ArgsDerive)]
pub(crate) struct ResetPassword {
    /// The address that they sign in with.
    pub(crate) email: String,
    /// The data directory of the running control plane.
    #[arg(
        long,
        env = "REOCLO_DATA_DIR",
        value_name = "DIR",
        default_value = "./.reoclo"
    )]
    pub(crate) data_dir: PathBuf,
    /// How the result is printed.
    #[arg(long, default_value = "text", value_name = "FORMAT")]
    pub(crate) output: Output,
}

#[derive(Debug, Subcommand)]
pub(crate) enum AuditCommand {
    /// Check that no row was changed, removed or cut off; exit code 1 when one was, 4 when only
    /// the checkpoint is of another audit log or was changed.
    Verify(VerifyOptions),
    /// Write every row as a line of JSON, then signed checkpoints.
    Export(AuditSource),
}

#[derive(Clone, Debug, ArgsDerive)]
pub(crate) struct VerifyOptions {
    #[command(flatten)]
    pub(crate) source: AuditSource,
    /// Also hold the log against the checkpoints of an earlier export.
    #[arg(long, value_name = "FILE")]
    pub(crate) checkpoint: Option<PathBuf>,
    /// How the result is printed.
    #[arg(long, default_value = "text", value_name = "FORMAT")]
    pub(crate) output: Output,
}

#[derive(Clone, Debug, ArgsDerive)]
pub(crate) struct AuditSource {
    /// The control plane's data directory; it also holds the master key, unless REOCLO_MASTER_KEY
    /// is set.
    #[arg(
        long,
        env = "REOCLO_DATA_DIR",
        value_name = "DIR",
        default_value = "./.reoclo"
    )]
    pub(crate) data_dir: PathBuf,
    /// The database [default: the one that the data directory was started with last].
    #[arg(
        long,
        env = "REOCLO_DATABASE_URL",
        value_name = "URL",
        hide_env_values = true
    )]
    pub(crate) database_url: Option<String>,
}
