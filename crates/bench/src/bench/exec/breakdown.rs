//! Where the time of a command goes, from what its record says.
//!
//! The control plane notes when it accepts an operation, just before its first commit, and when
//! it learns the end, just before its second; the supervisor measures the process itself.

use std::path::Path;

use anyhow::{Context, Result};
use reoclo_domain::{OperationId, OrganizationId};
use reoclo_store::Store;

use super::latency::Answer;
use crate::contest::Measured;
use crate::database;
use crate::samples::Samples;
use crate::unit::Unit;

/// The whole that the parts are compared with.
pub(super) const WHOLE: &str = "the whole, as its client sees it";

/// Seconds.
#[derive(Clone, Copy)]
struct Parts {
    whole: f64,
    process: f64,
    way: f64,
    edge: f64,
}

/// Reads the records of an instance that has ended.
pub(super) async fn read(
    data_dir: &Path,
    organization: OrganizationId,
    answers: &[Answer],
) -> Result<Vec<Measured>> {
    let store = database::reopen(data_dir).await?;
    let mut parts = Vec::new();
    for answer in answers {
        parts.push(parts_of(&store, organization, answer).await?);
    }
    store.close().await;
    let figure = |what: &str, part: fn(&Parts) -> f64| Measured {
        what: what.to_owned(),
        unit: Unit::Seconds,
        samples: parts.iter().map(part).collect::<Samples>(),
        failure: None,
    };
    Ok(vec![
        figure(WHOLE, |parts| parts.whole),
        figure("- the process, by its supervisor", |parts| parts.process),
        figure("- intent commit, link, supervisor", |parts| parts.way),
        figure("- HTTP, key check, outcome commit", |parts| parts.edge),
    ])
}

async fn parts_of(store: &Store, organization: OrganizationId, answer: &Answer) -> Result<Parts> {
    let id: OperationId = answer.operation.parse()?;
    let record = store.operation(organization, id).await?;
    let record = record.with_context(|| format!("operation {id} has no record"))?;
    let outcome = record.outcome.context("the operation has no outcome")?;
    let accepted = outcome.completed_at.since(record.created_at).as_secs_f64();
    let process = f64::from(i32::try_from(outcome.duration_us)?) / 1e6;
    Ok(Parts {
        whole: answer.seconds,
        process,
        way: accepted - process,
        edge: answer.seconds - accepted,
    })
}
