//! Logs on stderr.

use std::io::{IsTerminal, stderr};

use tracing_subscriber::EnvFilter;

use crate::args::LogFormat;

/// Warnings of libraries, and what Reoclo itself says at `info`.
const DEFAULT_FILTER: &str = "warn,reoclo=info,reoclo_control=info,reoclo_http=info,\
     reoclo_runner=info,reoclo_store=info";

/// `REOCLO_LOG` takes the place of the default filter.
pub(crate) fn begin(format: LogFormat) {
    let filter = EnvFilter::try_from_env("REOCLO_LOG");
    let filter = filter.unwrap_or_else(|_| EnvFilter::new(DEFAULT_FILTER));
    let logs = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(stderr)
        .with_ansi(stderr().is_terminal());
    match format {
        LogFormat::Text => logs.with_target(false).init(),
        LogFormat::Json => logs.json().init(),
    }
}
