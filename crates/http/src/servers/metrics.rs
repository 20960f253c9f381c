use axum::extract::State;
use reoclo_api_types::{MetricsPointBody, ServerMetricsBody};
use reoclo_control::domain::{HostChecks, HostSample, Metric, Resolution};
use reoclo_control::{Authorized, Control, Refusal, ServerMetrics, ServersRead};

use crate::answer::Answer;
use crate::error::ApiError;
use crate::path::ItemId;
use crate::query::{QueryReader, QueryText};
use crate::registrar::QueryParameter;

const MIB_IN_GIB: f64 = 1024.0;

pub(super) const PARAMETERS: &[QueryParameter] = &[
    (
        "hours",
        "How far back the history goes: 1 to 168, 1 by default.",
    ),
    (
        "resolution",
        "Seconds between two points: 10 (kept for an hour), 60 (for a day) or 600 (for seven \
         days); the finest that is kept for so many hours by default.",
    ),
];

pub(super) async fn show(
    proof: Authorized<ServersRead>,
    State(control): State<Control>,
    ItemId(id): ItemId,
    query: QueryText,
) -> Result<Answer<ServerMetricsBody>, ApiError> {
    let (hours, resolution) = read(&query)?;
    let found = control
        .servers()
        .metrics(&proof, &id, hours, resolution)
        .await?;
    Ok(Answer(body(&found, hours)))
}

fn read(query: &QueryText) -> Result<(u32, Option<Resolution>), Refusal> {
    let mut reader = QueryReader::new(query);
    let hours = reader.number(&["hours"], 1, 168).unwrap_or(1);
    let resolution = reader.read(&["resolution"], |text| {
        let mut all = Resolution::ALL.into_iter();
        all.find(|resolution| resolution.seconds().to_string() == text)
            .ok_or_else(|| "must be 10, 60 or 600".to_owned())
    });
    reader.finish()?;
    Ok((u32::try_from(hours).unwrap_or(1), resolution))
}

fn body(found: &ServerMetrics, hours: u32) -> ServerMetricsBody {
    let current = found.current.as_ref();
    let sample = current.map(|checks| checks.sample).unwrap_or_default();
    let values = Values::of(&sample);
    ServerMetricsBody {
        server_id: found.server.id.to_string(),
        collected_at: current.map(|checks| checks.at.to_string()),
        cpu_percent: values.cpu_percent,
        memory_used_mb: values.memory_used_mb,
        memory_total_mb: values.memory_total_mb,
        memory_percent: values.memory_percent,
        disk_used_gb: values.disk_used_gb,
        disk_total_gb: values.disk_total_gb,
        disk_percent: values.disk_percent,
        network_rx_bytes_per_second: values.network_rx,
        network_tx_bytes_per_second: values.network_tx,
        load_1: values.load[0],
        load_5: values.load[1],
        load_15: values.load[2],
        hours: hours.into(),
        resolution: found.resolution.seconds().into(),
        history: found.history.iter().map(point).collect(),
        message: found.note.clone(),
    }
}

fn point(checks: &HostChecks) -> MetricsPointBody {
    let values = Values::of(&checks.sample);
    MetricsPointBody {
        collected_at: checks.at.to_string(),
        total_checks: checks.total.into(),
        ok_checks: checks.ok.into(),
        cpu_percent: values.cpu_percent,
        memory_used_mb: values.memory_used_mb,
        memory_total_mb: values.memory_total_mb,
        memory_percent: values.memory_percent,
        disk_used_gb: values.disk_used_gb,
        disk_total_gb: values.disk_total_gb,
        disk_percent: values.disk_percent,
        network_rx_bytes_per_second: values.network_rx,
        network_tx_bytes_per_second: values.network_tx,
        load_1: values.load[0],
        load_5: values.load[1],
        load_15: values.load[2],
    }
}

/// A sample in the units of the API, with two decimals.
pub(super) struct Values {
    pub(super) cpu_percent: Option<f64>,
    memory_used_mb: Option<f64>,
    memory_total_mb: Option<f64>,
    pub(super) memory_percent: Option<f64>,
    disk_used_gb: Option<f64>,
    disk_total_gb: Option<f64>,
    pub(super) disk_percent: Option<f64>,
    network_rx: Option<f64>,
    network_tx: Option<f64>,
    load: [Option<f64>; 3],
}

impl Values {
    pub(super) fn of(sample: &HostSample) -> Self {
        let get = |metric| sample.get(metric);
        let rounded = |metric| get(metric).map(round);
        let gib = |metric| get(metric).map(|mib| round(mib / MIB_IN_GIB));
        let percent = |part, whole| {
            let whole = get(whole).filter(|whole| *whole > 0.0)?;
            Some(round(get(part)? * 100.0 / whole))
        };
        Self {
            cpu_percent: rounded(Metric::CpuPercent),
            memory_used_mb: rounded(Metric::MemoryUsedMb),
            memory_total_mb: rounded(Metric::MemoryTotalMb),
            memory_percent: percent(Metric::MemoryUsedMb, Metric::MemoryTotalMb),
            disk_used_gb: gib(Metric::DiskUsedMb),
            disk_total_gb: gib(Metric::DiskTotalMb),
            disk_percent: percent(Metric::DiskUsedMb, Metric::DiskTotalMb),
            network_rx: rounded(Metric::NetworkRx),
            network_tx: rounded(Metric::NetworkTx),
            load: [Metric::Load1, Metric::Load5, Metric::Load15].map(rounded),
        }
    }
}

/// To two decimals.
pub(super) fn round(value: f64) -> f64 {
    (value * 100.0).round() / 100.0
}
