//! Logs on stderr.

mod journal;

use std::io::{IsTerminal, stderr};

use tracing_subscriber::EnvFilter;

use crate::args::LogFormat;

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
        .with_writer(stderr)
        .with_ansi(stderr().is_terminal());
    match format {
        LogFormat::Text if journal::is_stderr() => {
            logs.with_ansi(false).event_format(Journal).init();
        }
        LogFormat::Text => logs.with_target(false).init(),
        LogFormat::Json => logs.json().init(),
    }
}
