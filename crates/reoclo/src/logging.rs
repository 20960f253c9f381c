//! Logs on stderr.

mod journal;

use std::backtrace::{Backtrace, BacktraceStatus};
use std::io::{IsTerminal, stderr};

use tracing_subscriber::EnvFilter;

use crate::args::LogFormat;
use crate::stderr::{LogLines, say};

use journal::Journal;

/// Warnings of libraries, and what Reoclo itself says at `info`.
const DEFAULT_FILTER: &str = "warn,reoclo=info,reoclo_control=info,reoclo_http=info,\
     reoclo_runner=info,reoclo_store=info";

/// What a line of an error on stderr begins with.
pub(crate) fn error_prefix() -> &'static str {
    if journal::is_stderr() {
        journal::ERROR
    } else {
        ""
    }
}

/// `REOCLO_LOG` takes the place of the default filter.
pub(crate) fn begin(format: LogFormat) {
    let filter = EnvFilter::try_from_env("REOCLO_LOG");
    let filter = filter.unwrap_or_else(|_| EnvFilter::new(DEFAULT_FILTER));
    let logs = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(LogLines)
        // It would be said on stderr, by a macro that panics when it cannot.
        .log_internal_errors(false)
        .with_ansi(stderr().is_terminal());
    std::panic::set_hook(Box::new(|panic| say_of_panic(&panic.to_string())));
    match format {
        LogFormat::Text if journal::is_stderr() => {
            logs.with_ansi(false).event_format(Journal).init();
        }
        LogFormat::Text => logs.with_target(false).init(),
        LogFormat::Json => logs.json().init(),
    }
}

/// As the standard library does, on a stderr that may not be written.
fn say_of_panic(what: &str) {
    say(&format!(
        "{}reoclo {}",
        error_prefix(),
        what.replace('\n', " ")
    ));
    let backtrace = Backtrace::capture();
    if backtrace.status() == BacktraceStatus::Captured {
        say(&backtrace.to_string());
    }
}
