//! What a host says of itself, each part bounded.

mod docker;

use std::fs;
use std::path::Path;
use std::thread::available_parallelism;

use reoclo_domain::hex;
use reoclo_wire::proto::Facts;
use ring::digest::{SHA256, digest};
use rustix::fs::statvfs;
use rustix::system::uname;

pub(crate) use docker::{Docker, ask_docker};

/// The most bytes of any one text.
const LONGEST: usize = 256;

/// Asks the system; what it does not say stays empty or zero.
pub(crate) fn gather(docker_version: String) -> Facts {
    let uname = uname();
    Facts {
        hostname: bounded(&uname.nodename().to_string_lossy()),
        os: bounded(&os_name().unwrap_or_default()),
        kernel: bounded(&uname.release().to_string_lossy()),
        architecture: bounded(&uname.machine().to_string_lossy()),
        cpu_cores: available_parallelism()
            .map_or(0, |cores| u32::try_from(cores.get()).unwrap_or(u32::MAX)),
        ram_mb: ram_mb().unwrap_or(0),
        disk_gb: statvfs("/").map_or(0, |disk| disk.f_frsize.saturating_mul(disk.f_blocks) >> 30),
        docker_version,
    }
}

/// The host's name for itself.
pub(crate) fn hostname() -> String {
    bounded(&uname().nodename().to_string_lossy())
}

/// Where Linux says which boot this is.
pub(crate) const BOOT_ID: &str = "/proc/sys/kernel/random/boot_id";

/// What changes with every boot; empty when nobody says.
pub(crate) fn boot_id(file: &Path) -> String {
    let id = fs::read_to_string(file).unwrap_or_default();
    bounded(id.trim())
}

/// Where Linux says which installation this is: machine-id(5).
pub(crate) const MACHINE_ID: &str = "/etc/machine-id";

/// What stays with an installation, hashed, because machine-id(5) asks to tell nobody; empty when
/// nobody says.
pub(crate) fn machine_id(file: &Path) -> String {
    let id = fs::read_to_string(file).unwrap_or_default();
    let id = id.trim();
    if id.is_empty() || id == "uninitialized" {
        return String::new();
    }
    let digest = digest(&SHA256, format!("reoclo machine {id}").as_bytes());
    let (half, _) = digest.as_ref().split_at(16);
    hex::encode(half)
}

/// Without control characters, and cut to what anybody needs.
pub(crate) fn bounded(text: &str) -> String {
    let mut bounded: String = text.chars().filter(|char| !char.is_control()).collect();
    bounded.truncate(bounded.floor_char_boundary(LONGEST));
    bounded
}

/// `PRETTY_NAME` of os-release(5).
fn os_name() -> Option<String> {
    let text = fs::read_to_string("/etc/os-release").ok()?;
    let value = text
        .lines()
        .find_map(|line| line.strip_prefix("PRETTY_NAME="))?;
    Some(value.trim_matches(['"', '\'']).to_owned())
}

/// `MemTotal` of proc_meminfo(5), which is in KiB.
fn ram_mb() -> Option<u64> {
    let text = fs::read_to_string("/proc/meminfo").ok()?;
    let value = text
        .lines()
        .find_map(|line| line.strip_prefix("MemTotal:"))?;
    let kib: u64 = value.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib / 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_host_has_facts() {
        let facts = gather(String::new());
        assert!(!facts.hostname.is_empty() && !facts.kernel.is_empty());
        assert!(facts.cpu_cores > 0 && facts.ram_mb > 0 && facts.disk_gb > 0);
        assert_eq!(boot_id(Path::new(BOOT_ID)).len(), 36);
    }

    #[test]
    fn texts_are_cut_between_characters() {
        assert_eq!(bounded("a\nb\u{1b}[0m"), "ab[0m");
        assert_eq!(bounded(&"é".repeat(200)).len(), 256);
        assert_eq!(bounded(&"€".repeat(200)).len(), 255);
    }
}
