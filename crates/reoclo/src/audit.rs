//! `reoclo audit`: reading the log beside a live server, or without one.

use std::io::{Write, stdout};
use std::path::Path;
use std::process::ExitCode;

use anyhow::Context;
use reoclo_domain::counted;
use reoclo_store::{
    AuditReader, ChainReport, Checkpoint, Checkpoints, DatabaseAddress, MasterKey,
    RememberedDatabase, StoreError, Strangeness, VerifyReport,
};
use serde_json::json;

use crate::ambient;
use crate::args::{AuditCommand, AuditSource, Output, VerifyOptions};
use crate::exit::{STRANGE_CHECKPOINT, misuse};
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
        None => Checkpoints::default(),
    };
    let mut reader = open(&options.source).await?;
    let verified = Verified {
        report: reader.verify(&checkpoints.read).await.map_err(unreadable)?,
        unreadable: checkpoints.unreadable,
    };
    let text = match options.output {
        Output::Json => verified.json(),
        Output::Text => verified.text(),
    };
    writeln!(stdout(), "{text}")?;
    Ok(verified.code())
}

/// What was found, in the log and in the checkpoints that it was to be held against.
struct Verified {
    report: VerifyReport,
    /// Checkpoints that cannot be read.
    unreadable: usize,
}

fn unreadable(error: StoreError) -> anyhow::Error {
    if error.is_of_a_damaged_file() {
        anyhow::anyhow!(
            "the database file is damaged, so the audit log cannot be read to its end: restore a \
             copy of it"
        )
    } else {
        error.into()
    }
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
fn read_checkpoints(file: &Path) -> anyhow::Result<Checkpoints> {
    let text = std::fs::read_to_string(file)
        .with_context(|| format!("cannot read {}", file.display()))
        .map_err(misuse)?;
    let checkpoints = Checkpoint::among(&text);
    if checkpoints.is_empty() {
        let problem = format!(
            "{} holds no checkpoint: give a file of `audit export`",
            file.display()
        );
        return Err(misuse(anyhow::anyhow!(problem)));
    }
    Ok(checkpoints)
}

impl Verified {
    fn code(&self) -> ExitCode {
        match (self.report.is_intact(), self.strangeness()) {
            (false, _) => ExitCode::from(BROKEN),
            (true, Some(_)) => ExitCode::from(STRANGE_CHECKPOINT),
            (true, None) => ExitCode::SUCCESS,
        }
    }

    /// What is wrong with the first checkpoint that the log was not held against.
    fn strangeness(&self) -> Option<Strangeness> {
        let unreadable = (self.unreadable > 0).then_some(Strangeness::Changed);
        let first = self.report.strange.first();
        first.map(|made| made.why).or(unreadable)
    }

    fn text(&self) -> String {
        let mut text = String::new();
        for chain in &self.report.chains {
            text += &format!("{}: {}\n", chain.chain, chain_text(chain));
        }
        for chain in &self.report.unknown_chains {
            text += &format!("{chain}: BROKEN: rows of a chain that was never begun\n");
        }
        for made in &self.report.strange {
            text += &format!(
                "checkpoint of {} at row {}: {}\n",
                made.chain, made.seq, made.why
            );
        }
        if self.unreadable > 0 {
            text += "checkpoints that cannot be read, so they were changed: ";
            text += &format!("{}\n", self.unreadable);
        }
        text += &self.conclusion();
        text
    }

    fn conclusion(&self) -> String {
        let log = if self.report.is_intact() {
            "intact"
        } else {
            "BROKEN"
        };
        match self.strangeness() {
            None => format!("The audit log is {log}."),
            Some(Strangeness::OfAnotherLog) => {
                format!("This checkpoint is of another audit log. The log itself is {log}.")
            }
            Some(Strangeness::Changed) => {
                format!("This checkpoint was changed. The log itself is {log}.")
            }
        }
    }

    fn json(&self) -> String {
        let chains = self.report.chains.iter().map(|chain| {
            json!({
                "chain": chain.chain.to_string(),
                "rows": chain.rows,
                "fault": chain.fault.as_ref().map(|fault| json!({
                    "seq": fault.seq, "id": fault.id, "problem": fault.kind.to_string(),
                })),
            })
        });
        let strange = self.report.strange.iter().map(|made| {
            json!({
                "chain": made.chain.to_string(),
                "seq": made.seq,
                "kind": made.why.as_str(),
                "problem": made.why.to_string(),
            })
        });
        let is_intact = self.report.is_intact();
        json!({
            "intact": is_intact && self.strangeness().is_none(),
            "log_intact": is_intact,
            "chains": chains.collect::<Vec<_>>(),
            "unknown_chains": self.report.unknown_chains,
            "checkpoint_faults": strange.collect::<Vec<_>>(),
            "unreadable_checkpoints": self.unreadable,
        })
        .to_string()
    }
}

fn chain_text(chain: &ChainReport) -> String {
    match &chain.fault {
        None => format!("{}, intact", counted(chain.rows, "row")),
        Some(fault) => format!("BROKEN at row {}: {}", fault.seq, fault.kind),
    }
}
