//! Measurements as bytes: a version, then 52 bytes for each, little-endian.

use reoclo_domain::{HostChecks, HostSample, Metric, Timestamp};

use crate::error::StoreError;
use crate::sql::unreadable;

const VERSION: u8 = 1;
/// Milliseconds since the row's begin, two counts, the values.
const POINT: usize = 4 + 2 + 2 + 4 * Metric::COUNT;

pub(super) fn pack(begin: Timestamp, points: &[HostChecks]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(1 + POINT * points.len());
    bytes.push(VERSION);
    for point in points {
        let offset = point.at.since(begin).as_millis();
        let offset = u32::try_from(offset).unwrap_or(u32::MAX);
        bytes.extend_from_slice(&offset.to_le_bytes());
        bytes.extend_from_slice(&point.total.to_le_bytes());
        bytes.extend_from_slice(&point.ok.to_le_bytes());
        for value in point.sample.values() {
            bytes.extend_from_slice(&value.unwrap_or(f32::NAN).to_le_bytes());
        }
    }
    bytes
}

pub(super) fn unpack(begin: Timestamp, bytes: &[u8]) -> Result<Vec<HostChecks>, StoreError> {
    let points = bytes.strip_prefix(&[VERSION]);
    let points = points.filter(|points| points.len().is_multiple_of(POINT));
    let points = points.ok_or_else(|| unreadable("points"))?;
    Ok(points
        .chunks_exact(POINT)
        .map(|point| one(begin, point))
        .collect())
}

fn one(begin: Timestamp, point: &[u8]) -> HostChecks {
    let offset = u64::from(u32::from_le_bytes(part(point, 0)));
    let value = |index: usize| f32::from_le_bytes(part(point, 8 + 4 * index));
    HostChecks {
        at: begin.plus(std::time::Duration::from_millis(offset)),
        total: u16::from_le_bytes(part(point, 4)),
        ok: u16::from_le_bytes(part(point, 6)),
        sample: HostSample::of_values(std::array::from_fn(|index| Some(value(index)))),
    }
}

/// The bytes at a position that the length of the point holds.
fn part<const N: usize>(point: &[u8], from: usize) -> [u8; N] {
    std::array::from_fn(|index| point.get(from + index).copied().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn points_come_back_as_they_were(offsets in prop::collection::vec(0_i64..600_000, 0..20), cpu: f64) {
            let begin = Timestamp::from_micros(1_700_000_000_000_000);
            let sample = HostSample::default().with(Metric::CpuPercent, cpu);
            let points: Vec<_> = offsets
                .iter()
                .map(|offset| {
                    let at = Timestamp::from_micros(begin.as_micros() + offset * 1000);
                    HostChecks::answered(at, sample)
                })
                .collect();
            prop_assert_eq!(unpack(begin, &pack(begin, &points)).unwrap(), points);
        }

        #[test]
        fn any_bytes_are_read_or_refused(bytes: Vec<u8>) {
            let _ = unpack(Timestamp::from_micros(0), &bytes);
        }
    }
}
