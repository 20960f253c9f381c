//! `reoclo audit`: reading the log beside a live server, or without one.

use std::io::{Write, stdout};
use std::path::Path;
use std::process::ExitCode;

use anyhow::Context;
use reoclo_store::{
    AuditReader, ChainReport, Checkpoint, DatabaseAddress, MasterKey, RememberedDatabase,
    VerifyReport,
};
use serde_json::json;

use crate::ambient;
use crate::args::{AuditCommand, AuditSource, Output, VerifyOptions};
use crate::exit::misuse;
use crate::instance::master_key;
use crate::serve::runtime;

/// Exit code when the log does not hold.
const BROKEN: u8 = 1;

pub(crate) fn run(command: AuditCommand) -> anyhow::Result<ExitCode> {
    let runtime = runtime()?;
    match command {
        AuditCommand::Verify(options) => runtime.block_on(verify(options)),
        AuditCommand::Export(source) => runtime.block_on(export(source)),
    }
}

async fn verify(options: VerifyOptions) -> anyhow::Result<ExitCode> {
    let checkpoints = match &options.checkpoint {
        Some(file) => read_checkpoints(file)?,
        None => Vec::new(),
    };
    let mut reader = open(&options.source).await?;
    let report = reader.verify(&checkpoints).await?;
    let text = match options.output {
        Output::Json => json_report(&report),
        Output::Text => text_report(&report),
    };
    writeln!(stdout(), "{text}")?;
    Ok(if report.is_intact() {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(BROKEN)
    })
}

async fn export(source: AuditSource) -> anyhow::Result<ExitCode> {
    let mut reader = open(&source).await?;
    let mut out = tokio::io::stdout();
    reader.export(ambient::clock().now(), &mut out).await?;
    Ok(ExitCode::SUCCESS)
}

async fn open(source: &AuditSource) -> anyhow::Result<AuditReader> {
    let key = master_key(&source.data_dir, MasterKey::load)?;
    let database = match &source.database_url {
        Some(url) => DatabaseAddress::parse(url).map_err(misuse)?,
        None => RememberedDatabase::read(&source.data_dir, &key).map_err(misuse)?,
    };
    AuditReader::open(&database, key).await.map_err(misuse)
}

/// An export has rows first and its checkpoints last; either file will do.
fn read_checkpoints(file: &Path) -> anyhow::Result<Vec<Checkpoint>> {
    let text = std::fs::read_to_string(file)
        .with_context(|| format!("cannot read {}", file.display()))
        .map_err(misuse)?;
    let checkpoints: Vec<Checkpoint> = text
        .lines()
        .filter_map(|line| serde_json::from_str(line).ok())
        .collect();
    if checkpoints.is_empty() {
        let problem = format!(
            "{} holds no checkpoint: give a file of `audit export`",
            file.display()
        );
        return Err(misuse(anyhow::anyhow!(problem)));
    }
    Ok(checkpoints)
}

fn text_report(report: &VerifyReport) -> String {
    let mut text = String::new();
    for chain in &report.chains {
        text += &format!("{}: {}\n", chain.chain, chain_text(chain));
    }
    for chain in &report.unknown_chains {
        text += &format!("{chain}: BROKEN: rows of a chain that was never begun\n");
    }
    text += if report.is_intact() {
        "The audit log is intact."
    } else {
        "The audit log is BROKEN."
    };
    text
}

fn chain_text(chain: &ChainReport) -> String {
    match &chain.fault {
        None => format!("{} rows, intact", chain.rows),
        Some(fault) => format!("BROKEN at row {}: {}", fault.seq, fault.kind),
    }
}

fn json_report(report: &VerifyReport) -> String {
    let chains = report.chains.iter().map(|chain| {
        json!({
            "chain": chain.chain.to_string(),
            "rows": chain.rows,
            "fault": chain.fault.as_ref().map(|fault| json!({
                "seq": fault.seq, "id": fault.id, "problem": fault.kind.to_string(),
            })),
        })
    });
    json!({
        "intact": report.is_intact(),
        "chains": chains.collect::<Vec<_>>(),
        "unknown_chains": report.unknown_chains,
    })
    .to_string()
}
