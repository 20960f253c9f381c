//! How much memory this process may have.

use std::path::{Path, PathBuf};

use rustix::process::{Resource, getrlimit};

/// Where the systems mount their groups: cgroups(7) of the second version, and of the first.
const UNIFIED: (&str, &str) = ("/sys/fs/cgroup", "memory.max");
const FIRST: (&str, &str) = ("/sys/fs/cgroup/memory", "memory.limit_in_bytes");

/// The least of what the machine has, and of what its groups and its own limits leave it; none
/// where nothing tells.
pub(crate) fn allowed() -> Option<u64> {
    let groups = read(Path::new("/proc/self/cgroup"));
    let groups = groups.lines().flat_map(files);
    let groups = groups.filter_map(|file| limit(&file));
    let own = [Resource::As, Resource::Data].map(|resource| getrlimit(resource).current);
    let machine = of_machine(&read(Path::new("/proc/meminfo")));
    groups.chain(own.into_iter().flatten()).chain(machine).min()
}

/// The files that may hold a limit for a group such as `0::/system.slice/reoclo.service`: its own
/// and those of the groups that it is in.
fn files(group: &str) -> Vec<PathBuf> {
    let mut parts = group.splitn(3, ':').skip(1);
    let (root, file) = match parts.next() {
        Some("") => UNIFIED,
        Some(kinds) if kinds.split(',').any(|kind| kind == "memory") => FIRST,
        _ => return Vec::new(),
    };
    let path = Path::new(parts.next().unwrap_or_default().trim_start_matches('/'));
    // In a container the path may be the host's, and its own group the root.
    let groups = path.ancestors().map(|group| Path::new(root).join(group));
    groups.map(|group| group.join(file)).collect()
}

/// Without a limit it says `max`, or a number beyond every machine.
fn limit(file: &Path) -> Option<u64> {
    read(file).trim().parse().ok()
}

/// In bytes, of proc(5), `meminfo`.
fn of_machine(text: &str) -> Option<u64> {
    let total = text.lines().find_map(|line| line.strip_prefix("MemTotal:"));
    let kilobytes: u64 = total?.trim().trim_end_matches(" kB").parse().ok()?;
    Some(kilobytes * 1024)
}

fn read(file: &Path) -> String {
    std::fs::read_to_string(file).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_is_looked_for_in_the_group_and_all_above() {
        let shown = |group| {
            let files = files(group);
            let files = files.iter().map(|file| file.display().to_string());
            files.collect::<Vec<_>>()
        };
        assert_eq!(
            shown("0::/system.slice/reoclo.service"),
            [
                "/sys/fs/cgroup/system.slice/reoclo.service/memory.max",
                "/sys/fs/cgroup/system.slice/memory.max",
                "/sys/fs/cgroup/memory.max",
            ]
        );
        let first = shown("9:cpu,memory:/docker/ab");
        assert_eq!(
            first.last().unwrap(),
            "/sys/fs/cgroup/memory/memory.limit_in_bytes"
        );
        assert!(shown("8:pids:/docker/ab").is_empty() && shown("").is_empty());
    }

    #[test]
    fn the_machine_tells_what_it_has() {
        assert_eq!(
            of_machine("MemTotal:     1000 kB\nMemFree: 1 kB\n"),
            Some(1_024_000)
        );
        assert_eq!(of_machine(""), None);
        assert!(allowed().is_some());
    }
}
