//! One function on a stack.

/// Crates that do things for others: their time is that of whoever called them.
const FOR_OTHERS: [&str; 3] = ["core", "alloc", "std"];
/// What the system calls of the kernel are called there.
const SYSTEM_CALLS: [&str; 2] = ["__x64_sys_", "__arm64_sys_"];

/// A function and the file that it is in.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Frame {
    function: String,
    object: String,
}

impl Frame {
    /// Reads `ADDRESS FUNCTION (FILE)`.
    pub(super) fn parse(line: &str) -> Option<Self> {
        let (_address, rest) = line.trim().split_once(' ')?;
        let (function, object) = rest.rsplit_once(" (")?;
        Some(Self {
            function: function.to_owned(),
            object: object.trim_end_matches(')').to_owned(),
        })
    }

    /// Its name; a closure goes by the function that it is in.
    pub(super) fn function(&self) -> String {
        self.function.replace("::{{closure}}", "")
    }

    /// The crate or library that it belongs to, unless that does things for others.
    pub(super) fn library(&self) -> Option<String> {
        let is_program = self.object.rsplit('/').next() == Some("reoclo");
        if !is_program {
            return None;
        }
        match self.path() {
            // The only C that is linked in.
            None => Some("sqlite".to_owned()),
            Some(path) => {
                let name = path.split("::").next()?;
                (!FOR_OTHERS.contains(&name)).then(|| name.to_owned())
            }
        }
    }

    /// The system call that begins with it.
    pub(super) fn system_call(&self) -> Option<&str> {
        SYSTEM_CALLS
            .iter()
            .find_map(|prefix| self.function.strip_prefix(prefix))
    }

    /// From the crate's name on; none where the function is not Rust's.
    fn path(&self) -> Option<&str> {
        let path = self.function.trim_start_matches(['<', '&', '(']);
        let path = path.strip_prefix("dyn ").unwrap_or(path);
        path.contains("::").then_some(path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(line: &str) -> Frame {
        Frame::parse(line).unwrap()
    }

    #[test]
    fn a_frame_belongs_to_the_crate_that_its_path_begins_with() {
        let own = frame("\t  1426f6f reoclo_store::writer::run::{{closure}} (/b/reoclo)");
        assert_eq!(own.function(), "reoclo_store::writer::run");
        assert_eq!(own.library().unwrap(), "reoclo_store");
        let hyper = frame(" 104b <hyper::Conn<T,B> as core::future::Future>::poll (/b/reoclo)");
        assert_eq!(hyper.library().unwrap(), "hyper");
        let std = frame(" 6533 <core::pin::Pin<P> as core::future::Future>::poll (/b/reoclo)");
        assert_eq!(std.library(), None);
    }

    #[test]
    fn c_in_the_program_is_sqlite_and_elsewhere_the_systems() {
        let sqlite = frame(" 166d083 sqlite3VdbeExec (/b/reoclo)");
        assert_eq!(sqlite.library().unwrap(), "sqlite");
        let libc = frame(" fed0a fdatasync (/usr/lib/x86_64-linux-gnu/libc.so.6)");
        assert_eq!((libc.library(), libc.system_call()), (None, None));
        let kernel = frame(" ffff81712072 __x64_sys_fdatasync ([kernel.kallsyms])");
        assert_eq!(kernel.system_call(), Some("fdatasync"));
    }
}
