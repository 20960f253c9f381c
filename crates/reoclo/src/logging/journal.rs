//! Lines for journald: it has the time itself, and reads the priority from `<N>` at the begin of a
//! line (sd-daemon(3)).

use std::fmt;
use std::io::stderr;
use std::os::fd::AsFd;

use rustix::fs::fstat;
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::fmt::FmtContext;
use tracing_subscriber::fmt::format::{FormatEvent, FormatFields, Writer};
use tracing_subscriber::registry::LookupSpan;

/// Whether stderr is the journal: systemd names its device and inode (systemd.exec(5)).
pub(crate) fn is_stderr() -> bool {
    let named = std::env::var("JOURNAL_STREAM").unwrap_or_default();
    let Ok(found) = fstat(stderr().as_fd()) else {
        return false;
    };
    named == format!("{}:{}", found.st_dev, found.st_ino)
}

/// The prefix of an error (syslog(3), `LOG_ERR`).
pub(crate) const ERROR: &str = "<3>";

/// Writes a priority, the message and its fields.
pub(crate) struct Journal;

impl<S, N> FormatEvent<S, N> for Journal
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        writer.write_str(priority(*event.metadata().level()))?;
        context.format_fields(writer.by_ref(), event)?;
        writeln!(writer)
    }
}

fn priority(level: Level) -> &'static str {
    match level {
        Level::ERROR => ERROR,
        Level::WARN => "<4>",
        Level::INFO => "<6>",
        Level::DEBUG | Level::TRACE => "<7>",
    }
}
