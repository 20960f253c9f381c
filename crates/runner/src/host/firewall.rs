//! Whether a firewall stands before this host, as far as its user may see.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use reoclo_wire::proto::Firewall;
use tokio::io::AsyncReadExt;
use tokio::process::Command;

use super::text::read;

/// A program that does not answer within this time says nothing.
const LIMIT: Duration = Duration::from_secs(2);
/// The most that is read of what it says.
const MOST: u64 = 1 << 20;
const DIRECTORIES: [&str; 4] = ["/usr/sbin", "/sbin", "/usr/bin", "/bin"];

/// What is in charge comes first: ufw and firewalld write rules for those below.
pub(super) async fn detect() -> Firewall {
    let managers = [("ufw", ufw()), ("firewalld", firewalld())];
    let rules = [
        ("nftables", nftables().await),
        ("iptables", iptables().await),
    ];
    choose(managers.into_iter().chain(rules))
}

/// The first that is active, or else the first that is there at all.
fn choose(found: impl Iterator<Item = (&'static str, Option<bool>)>) -> Firewall {
    let mut chosen: Option<(&str, bool)> = None;
    for (backend, active) in found.filter_map(|(name, active)| Some((name, active?))) {
        if active || chosen.is_none() {
            chosen = Some((backend, active));
        }
        if active {
            break;
        }
    }
    let (backend, active) = chosen.unwrap_or_default();
    Firewall {
        detected: !backend.is_empty(),
        active,
        backend: backend.to_owned(),
    }
}

fn ufw() -> Option<bool> {
    let configuration = read("/etc/ufw/ufw.conf")?;
    Some(
        configuration
            .lines()
            .any(|line| line.trim() == "ENABLED=yes"),
    )
}

fn firewalld() -> Option<bool> {
    program("firewalld")?;
    Some(Path::new("/run/firewalld.pid").exists() || Path::new("/run/firewalld").is_dir())
}

/// Active when some chain looks at what comes in.
async fn nftables() -> Option<bool> {
    let rules = ask("nft", &["list", "chains"]).await?;
    Some(rules.contains("hook input"))
}

/// Active when what comes in is refused by default, or by some rule.
async fn iptables() -> Option<bool> {
    let rules = ask("iptables", &["-S", "INPUT"]).await?;
    Some(rules.lines().any(|line| line.trim() != "-P INPUT ACCEPT"))
}

/// What a program says; empty when it may not look, none when it is not installed.
async fn ask(name: &str, arguments: &[&str]) -> Option<String> {
    let program = program(name)?;
    Some(output(&program, arguments).await.unwrap_or_default())
}

async fn output(program: &str, arguments: &[&str]) -> Option<String> {
    let mut child = Command::new(program)
        .args(arguments)
        .env_clear()
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .ok()?;
    let stdout = child.stdout.take()?;
    let mut text = Vec::new();
    let mut bounded = stdout.take(MOST);
    let reading = async {
        bounded.read_to_end(&mut text).await.ok()?;
        child.wait().await.ok()
    };
    let status = tokio::time::timeout(LIMIT, reading).await.ok()??;
    status
        .success()
        .then(|| String::from_utf8_lossy(&text).into_owned())
}

/// Where a program of the system is; what somebody put into PATH is not asked.
fn program(name: &str) -> Option<String> {
    let mut places = DIRECTORIES
        .iter()
        .map(|directory| format!("{directory}/{name}"));
    places.find(|path| Path::new(path).is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(found: [(&'static str, Option<bool>); 2]) -> (bool, bool, String) {
        let Firewall {
            detected,
            active,
            backend,
        } = choose(found.into_iter());
        (detected, active, backend)
    }

    #[test]
    fn what_is_active_counts_before_what_is_only_there() {
        let both = chosen([("ufw", Some(false)), ("nftables", Some(true))]);
        assert_eq!(both, (true, true, "nftables".to_owned()));
        let idle = chosen([("ufw", Some(false)), ("nftables", Some(false))]);
        assert_eq!(idle, (true, false, "ufw".to_owned()));
        let none = chosen([("ufw", None), ("nftables", None)]);
        assert_eq!(none, (false, false, String::new()));
    }

    #[tokio::test]
    async fn a_program_is_asked_without_a_shell() {
        let said = output("/bin/echo", &["$HOME", "a;b"]).await;
        assert_eq!(said.as_deref(), Some("$HOME a;b\n"));
        assert_eq!(output("/bin/false", &[]).await, None);
    }
}
