//! Commands that begin with `#!`: the interpreter that their first line names runs them, as the
//! kernel would (execve(2)), with a text that is in memory and nowhere on disk.

use std::ffi::CString;
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::path::Path;
use std::process::Command;

use rustix::fs::{MemfdFlags, Mode, SealFlags, fchmod, fcntl_add_seals, memfd_create};
use rustix::io::{Errno, FdFlags, fcntl_dupfd_cloexec, fcntl_setfd, write};

use super::launch::Before;

/// Where a process finds what it has open.
const DESCRIPTORS: &str = "/proc/self/fd";
/// Above the numbers that scripts use themselves.
const LEAST_DESCRIPTOR: i32 = 64;

/// The first line names no interpreter that could be started.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the command's first line names no interpreter by its absolute path")]
pub(crate) struct NoInterpreter;

/// A text, and the program that reads it.
pub(crate) struct Script {
    interpreter: String,
    /// The one argument that the kernel would pass.
    argument: Option<String>,
    text: String,
}

impl Script {
    /// Takes a text that begins with `#!`.
    pub(crate) fn parse(text: &str) -> Result<Self, NoInterpreter> {
        let text = text.replace("\r\n", "\n");
        let first = text.split('\n').next().unwrap_or_default();
        let line = first.strip_prefix("#!").ok_or(NoInterpreter)?;
        let line = line.trim_matches([' ', '\t']);
        let (interpreter, argument) = line.split_once([' ', '\t']).unwrap_or((line, ""));
        if !interpreter.starts_with('/') {
            return Err(NoInterpreter);
        }
        let argument = argument.trim_start_matches([' ', '\t']);
        Ok(Self {
            interpreter: interpreter.to_owned(),
            argument: (!argument.is_empty()).then(|| argument.to_owned()),
            text,
        })
    }

    /// The program of the first line.
    pub(super) fn interpreter(&self) -> &str {
        &self.interpreter
    }

    /// The text as an open file.
    pub(super) fn open(&self) -> io::Result<OwnedFd> {
        if !Path::new(DESCRIPTORS).exists() {
            return Err(io::Error::new(
                io::ErrorKind::NotFound,
                "it reads the command from /proc, which is not mounted on the server",
            ));
        }
        in_memory(self.text.as_bytes()).map_err(|error| {
            let said = format!("the command cannot be held in memory as a file: {error}");
            io::Error::new(error.kind(), said)
        })
    }

    /// The interpreter, with the open text as what it is to read.
    pub(super) fn command(&self, text: Option<&OwnedFd>) -> Command {
        let mut command = Command::new(&self.interpreter);
        command.args(&self.argument);
        if let Some(text) = text {
            command.arg(format!("{DESCRIPTORS}/{}", text.as_raw_fd()));
        }
        command
    }
}

/// Has the child keep the text open when it becomes the interpreter. Others that are started
/// meanwhile do not get it: descriptors are the child's own by then.
pub(super) fn inherited(text: OwnedFd, before: Option<Before>) -> Before {
    Box::new(move || {
        fcntl_setfd(&text, FdFlags::empty())?;
        before.as_ref().map_or(Ok(()), |before| before())
    })
}

/// A file without a name that holds the text and takes no other. It is never executed itself, so
/// that a host that forbids that (`vm.memfd_noexec`) does not mind.
fn in_memory(text: &[u8]) -> io::Result<OwnedFd> {
    let name = CString::default();
    let flags = MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING;
    let file = match memfd_create(&name, flags | MemfdFlags::NOEXEC_SEAL) {
        // Before Linux 6.3.
        Err(Errno::INVAL) => memfd_create(&name, flags)?,
        created => created?,
    };
    let mut rest = text;
    while !rest.is_empty() {
        rest = &rest[write(&file, rest)?..];
    }
    fchmod(&file, Mode::RUSR | Mode::RGRP | Mode::ROTH)?;
    fcntl_add_seals(
        &file,
        SealFlags::WRITE | SealFlags::GROW | SealFlags::SHRINK | SealFlags::SEAL,
    )?;
    Ok(fcntl_dupfd_cloexec(&file, LEAST_DESCRIPTOR)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Option<(String, Option<String>)> {
        let script = Script::parse(text).ok()?;
        Some((script.interpreter, script.argument))
    }

    #[test]
    fn the_first_line_is_read_as_the_kernel_reads_it() {
        for (text, interpreter, argument) in [
            ("#!/bin/sh", "/bin/sh", None),
            ("#! \t/bin/bash -eu \t\necho", "/bin/bash", Some("-eu")),
            (
                "#!/usr/bin/env python3\r\nx",
                "/usr/bin/env",
                Some("python3"),
            ),
            (
                "#!/usr/bin/env -S bash -e\n",
                "/usr/bin/env",
                Some("-S bash -e"),
            ),
        ] {
            let expected = (interpreter.to_owned(), argument.map(str::to_owned));
            assert_eq!(parsed(text), Some(expected), "{text:?}");
        }
        for text in [
            "",
            "#!",
            "#! \n/bin/sh",
            "#!sh",
            "#!./x",
            "echo",
            " #!/bin/sh",
        ] {
            assert_eq!(parsed(text), None, "{text:?}");
        }
    }

    #[test]
    fn line_ends_of_another_system_are_taken_for_what_they_mean() {
        let script = Script::parse("#!/bin/sh\r\necho a\r\n\r").unwrap();
        assert_eq!(script.text, "#!/bin/sh\necho a\n\r");
    }

    #[test]
    fn the_text_is_read_only_and_whole() {
        let text = "#!/bin/sh\n".repeat(100_000);
        let file = in_memory(text.as_bytes()).unwrap();
        assert!(file.as_raw_fd() >= LEAST_DESCRIPTOR);
        assert!(write(&file, b"x").is_err());
        let path = format!("{DESCRIPTORS}/{}", file.as_raw_fd());
        assert_eq!(std::fs::read_to_string(path).unwrap(), text);
    }
}
