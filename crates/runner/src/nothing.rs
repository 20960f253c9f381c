//! `/dev/null`: nothing to read, and a place for what nobody reads.

use std::fs::OpenOptions;
use std::io;
use std::os::fd::OwnedFd;
use std::process::Stdio;

const NOTHING: &str = "/dev/null";

/// Opens it both ways. An error names it, and says how to make it again.
pub(crate) fn nothing() -> io::Result<OwnedFd> {
    open(NOTHING)
}

/// The same for the standard library's processes, whose own errors name no file.
pub fn no_stdio() -> io::Result<Stdio> {
    nothing().map(Stdio::from)
}

fn open(path: &str) -> io::Result<OwnedFd> {
    let opened = OpenOptions::new().read(true).write(true).open(path);
    opened.map(OwnedFd::from).map_err(|error| {
        let what_to_do = match error.kind() {
            io::ErrorKind::NotFound => format!(": make it with `mknod -m 666 {path} c 1 3`"),
            io::ErrorKind::PermissionDenied => format!(": allow it with `chmod 666 {path}`"),
            _ => String::new(),
        };
        io::Error::new(
            error.kind(),
            format!("cannot open {path} ({error}){what_to_do}"),
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_there_is_named_with_what_to_do() {
        let said = open("/no/such/null").unwrap_err().to_string();
        assert!(
            said.contains("cannot open /no/such/null (No such file"),
            "{said}"
        );
        assert!(
            said.ends_with("`mknod -m 666 /no/such/null c 1 3`"),
            "{said}"
        );
        nothing().unwrap();
    }
}
