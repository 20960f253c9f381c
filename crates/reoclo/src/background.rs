//! What goes on beside the requests.

pub(crate) mod certificates;
mod freed_memory;

use std::time::Duration;

use reoclo_control::Control;
use tokio::task::JoinHandle;
use tokio::time::{MissedTickBehavior, interval};

const KEY_USE_TICK: Duration = Duration::from_secs(1);
const SESSION_USE_TICK: Duration = Duration::from_secs(1);
const REFUSED_USE_TICK: Duration = Duration::from_secs(1);
const PRUNE_TICK: Duration = Duration::from_mins(10);
const CHECKS_TICK: Duration = Duration::from_secs(1);
const CONDENSE_TICK: Duration = Duration::from_mins(1);
const COUNT_TICK: Duration = Duration::from_mins(1);
const ADDRESS_SOURCES_TICK: Duration = Duration::from_mins(1);
const CHECKPOINT_TICK: Duration = Duration::from_hours(1);

pub(crate) fn start(control: &Control) -> Vec<JoinHandle<()>> {
    vec![
        tokio::spawn(freed_memory::give_back()),
        tokio::spawn(write_key_uses(control.clone())),
        tokio::spawn(write_refused_uses(control.clone())),
        tokio::spawn(write_session_uses(control.clone())),
        tokio::spawn(write_checks(control.clone())),
        tokio::spawn(check_absent(control.clone())),
        tokio::spawn(condense_metrics(control.clone())),
        tokio::spawn(count_operations(control.clone())),
        tokio::spawn(write_checkpoints(control.clone())),
        tokio::spawn(prune(control.clone())),
        tokio::spawn(refresh_address_sources(control.clone())),
        // This may be the first process of a container.
        tokio::spawn(reoclo_runner::reap_orphans()),
    ]
}

async fn write_key_uses(control: Control) {
    let mut ticks = interval(KEY_USE_TICK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        control.write_key_uses(false).await;
    }
}

async fn write_session_uses(control: Control) {
    let mut ticks = interval(SESSION_USE_TICK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        control.write_session_uses().await;
    }
}

async fn write_checks(control: Control) {
    let mut ticks = interval(CHECKS_TICK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        control.write_checks(false).await;
    }
}

async fn check_absent(control: Control) {
    let mut ticks = interval(control.settings().dispatch.metrics_interval);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        control.check_absent().await;
    }
}

async fn condense_metrics(control: Control) {
    let mut ticks = interval(CONDENSE_TICK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        control.condense_metrics().await;
    }
}

async fn count_operations(control: Control) {
    let mut ticks = interval(COUNT_TICK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        control.operations().count_by_day().await;
    }
}

async fn write_refused_uses(control: Control) {
    let mut ticks = interval(REFUSED_USE_TICK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = ticks.tick() => {}
            () = control.refused_use_is_urgent() => {}
        }
        control.write_refused_uses(false).await;
    }
}

/// Signed heads leave the machine with its logs, so that a log that was rewritten later can be
/// told from the one that was there.
async fn write_checkpoints(control: Control) {
    let mut ticks = interval(CHECKPOINT_TICK);
    ticks.tick().await;
    loop {
        ticks.tick().await;
        match control.store().checkpoints().await {
            Ok(checkpoints) => {
                for checkpoint in checkpoints {
                    let checkpoint = serde_json::to_string(&checkpoint).unwrap_or_default();
                    tracing::info!(%checkpoint, "audit checkpoint");
                }
            }
            Err(error) if error.is_of_an_outage() => {}
            Err(error) => tracing::error!(%error, "no audit checkpoint could be made"),
        }
    }
}

async fn prune(control: Control) {
    let mut ticks = interval(PRUNE_TICK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        match control.operations().prune_logs().await {
            Ok(0) => {}
            Ok(operations) => tracing::info!(operations, "old logs were removed"),
            Err(error) if error.is_of_an_outage() => {}
            Err(error) => tracing::error!(%error, "old logs could not be removed"),
        }
        match control.operations().prune().await {
            Ok(0) => {}
            Ok(operations) => tracing::info!(operations, "old operations were removed"),
            Err(error) if error.is_of_an_outage() => {}
            Err(error) => tracing::error!(%error, "old operations could not be removed"),
        }
    }
}

async fn refresh_address_sources(control: Control) {
    let mut ticks = interval(ADDRESS_SOURCES_TICK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        control.address_sources().refresh_stale().await;
    }
}
