//! Which process has which socket: by its descriptors, where they may be seen.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::path::Path;

use crate::facts::bounded;

/// The most descriptors that are looked at: a host may have a million.
const MOST: usize = 200_000;

/// The names of the processes that hold these sockets, as far as they can be seen.
pub(super) fn owners(inodes: impl Iterator<Item = u64>) -> HashMap<u64, String> {
    let mut wanted: HashSet<u64> = inodes.collect();
    let mut found = HashMap::new();
    let mut left = MOST;
    let Ok(processes) = fs::read_dir("/proc") else {
        return found;
    };
    for process in processes.flatten() {
        if wanted.is_empty() || left == 0 {
            break;
        }
        let is_process = process
            .file_name()
            .as_encoded_bytes()
            .iter()
            .all(u8::is_ascii_digit);
        if is_process {
            look_at(&process.path(), &mut wanted, &mut found, &mut left);
        }
    }
    found
}

fn look_at(
    process: &Path,
    wanted: &mut HashSet<u64>,
    found: &mut HashMap<u64, String>,
    left: &mut usize,
) {
    let Ok(descriptors) = fs::read_dir(process.join("fd")) else {
        return;
    };
    let mut name = None;
    for descriptor in descriptors.flatten() {
        let Some(rest) = left.checked_sub(1) else {
            return;
        };
        *left = rest;
        let Some(inode) = socket_of(&descriptor.path()).filter(|inode| wanted.remove(inode)) else {
            continue;
        };
        let name = name.get_or_insert_with(|| name_of(process));
        found.insert(inode, name.clone());
    }
}

/// The socket that a descriptor is of: its link reads `socket:[1234]`.
fn socket_of(descriptor: &Path) -> Option<u64> {
    let target = fs::read_link(descriptor).ok()?;
    let inode = target
        .to_str()?
        .strip_prefix("socket:[")?
        .strip_suffix(']')?;
    inode.parse().ok()
}

fn name_of(process: &Path) -> String {
    bounded(&fs::read_to_string(process.join("comm")).unwrap_or_default())
}
