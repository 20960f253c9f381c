//! Looking at files as somebody else does, without a process: the kernel checks a thread's access
//! to files by ids of its own (setfsuid(2)), and by nothing else does anybody know it.

use std::io;
use std::thread;

use rustix::process::{Gid, Uid};
use rustix::thread::set_thread_groups;

/// Gives no id of its own, and is refused: setfsuid(2) answers what it was.
const NONE: u32 = u32::MAX;

/// Looks with these ids, on a thread that ends with it. As the file system's ids are the thread's
/// alone, the user can neither signal nor trace it.
pub(super) fn look_as<T: Send>(
    uid: Uid,
    gid: Gid,
    groups: &[Gid],
    look: impl FnOnce() -> T + Send,
) -> io::Result<T> {
    thread::scope(|scope| {
        let looking = move || {
            become_for_files(uid, gid, groups)?;
            Ok(look())
        };
        let thread = thread::Builder::new().spawn_scoped(scope, looking)?;
        let ended = thread.join();
        ended.map_err(|_| io::Error::other("the look at a file failed"))?
    })
}

fn become_for_files(uid: Uid, gid: Gid, groups: &[Gid]) -> io::Result<()> {
    // The system's own call, which is for this thread alone.
    set_thread_groups(groups)?;
    let (uid, gid) = (uid.as_raw(), gid.as_raw());
    set_fs_ids(uid, gid);
    if set_fs_ids(NONE, NONE) == (uid, gid) {
        Ok(())
    } else {
        Err(io::ErrorKind::PermissionDenied.into())
    }
}

/// Sets them, and gives those before. The user's capabilities over files go with the id 0.
#[expect(unsafe_code, reason = "there is no safe call for it")]
fn set_fs_ids(uid: u32, gid: u32) -> (u32, u32) {
    // SAFETY: system calls on numbers, which change what this thread may do and no memory.
    let (uid, gid) = unsafe { (libc::setfsuid(uid), libc::setfsgid(gid)) };
    (uid.cast_unsigned(), gid.cast_unsigned())
}

#[cfg(test)]
mod tests {
    use std::fs::{self, File, Permissions};
    use std::os::unix::fs::PermissionsExt;

    use rustix::process::geteuid;

    use super::*;

    #[test]
    fn who_looks_sees_what_that_user_may_see_and_nobody_else_changes() {
        if !geteuid().is_root() {
            return;
        }
        let dir = tempfile::tempdir().unwrap();
        fs::set_permissions(dir.path(), Permissions::from_mode(0o755)).unwrap();
        let (open, closed) = (dir.path().join("open"), dir.path().join("closed"));
        for (path, mode) in [(&open, 0o644), (&closed, 0o600)] {
            fs::write(path, "x").unwrap();
            fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
        }
        let nobody = || (Uid::from_raw(65534), Gid::from_raw(65534));
        let can_read = |path: &std::path::Path| {
            let (uid, gid) = nobody();
            look_as(uid, gid, &[gid], || File::open(path).is_ok()).unwrap()
        };
        assert!(can_read(&open));
        assert!(!can_read(&closed));
        assert!(File::open(&closed).is_ok());
        let root = look_as(Uid::ROOT, Gid::ROOT, &[Gid::ROOT], || File::open(&closed));
        assert!(root.unwrap().is_ok());
    }
}
