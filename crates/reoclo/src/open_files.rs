//! How many files a process may have open at a time (getrlimit(2), `RLIMIT_NOFILE`).

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Allows this process as many as anybody may allow it, and answers what was allowed before: a
/// connected runner is an open file, and the usual 1,024 are gone with as many runners.
pub(crate) fn allow_most() -> Option<u64> {
    let before = getrlimit(Resource::Nofile);
    if before.current == before.maximum {
        return before.current;
    }
    let (soft, hard) = (shown(before.current), shown(before.maximum));
    match allow(before.maximum) {
        Ok(()) => tracing::info!("up to {hard} files may be open, {soft} before"),
        Err(error) => tracing::warn!(
            %error,
            "only {soft} files may be open, and connections beyond them are refused"
        ),
    }
    before.current
}

/// How many this process may have; none is any number.
pub(crate) fn allowed() -> Option<u64> {
    getrlimit(Resource::Nofile).current
}

/// Allows so many from here on, and to every process that this one starts; none is without a
/// limit.
pub(crate) fn allow(files: Option<u64>) -> std::io::Result<()> {
    let limit = Rlimit {
        current: files,
        ..getrlimit(Resource::Nofile)
    };
    Ok(setrlimit(Resource::Nofile, limit)?)
}

fn shown(limit: Option<u64>) -> String {
    limit.map_or_else(|| "any number of".to_owned(), |limit| limit.to_string())
}
