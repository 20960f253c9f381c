//! `reoclo runner enrol`.

use std::fs::File;
use std::io::{Read, Write, stdin, stdout};
use std::path::Path;
use std::process::ExitCode;

use anyhow::Context;
use reoclo_domain::Secret;
use reoclo_runner::{EnrolRequestOptions, RunnerTiming};

use super::{ambient, end, small_runtime};
use crate::args::EnrolOptions;
use crate::exit::misuse;

/// The most bytes of a file with a token.
const MOST: u64 = 4096;

pub(super) fn run(options: EnrolOptions) -> anyhow::Result<ExitCode> {
    let token = token(&options.token_file).map_err(misuse)?;
    let options = EnrolRequestOptions {
        data_dir: options.data_dir,
        url: options.url,
        token,
        ca_cert: options.ca_cert,
        timing: RunnerTiming::default(),
    };
    let enrolled = small_runtime()?
        .block_on(reoclo_runner::enrol(options, ambient()))
        .map_err(end)?;
    let text = if let Some(was) = enrolled.was {
        format!(
            "This machine is enrolled as server {} now. It was server {was}, whose identity is \
             kept beside it.",
            enrolled.server_id
        )
    } else if enrolled.is_new {
        format!("This machine is enrolled as server {}.", enrolled.server_id)
    } else {
        format!(
            "This machine was enrolled already, as server {} of {}.",
            enrolled.server_id, enrolled.url
        )
    };
    writeln!(stdout(), "{text}")?;
    Ok(ExitCode::SUCCESS)
}

fn token(file: &Path) -> anyhow::Result<Secret> {
    let mut text = String::new();
    if file == Path::new("-") {
        let read = stdin().take(MOST).read_to_string(&mut text);
        read.context("cannot read the token from the standard input")?;
    } else {
        let read = File::open(file).and_then(|file| file.take(MOST).read_to_string(&mut text));
        read.with_context(|| format!("cannot read the token from {}", file.display()))?;
    }
    Ok(Secret::new(text.trim()))
}
