use std::path::Path;
use std::sync::Arc;

use proptest::prelude::*;

use super::super::{HEAD, RING};
use super::*;
use crate::spool::Budget;

fn place(dir: &Path, limit: u64) -> Place {
    Place {
        path: dir.join("stdout"),
        budget: Arc::new(Budget::new(limit)),
    }
}

/// The byte at a position of the test's stream.
fn byte(at: u64) -> u8 {
    (at % 251).to_le_bytes()[0]
}

fn bytes(from: u64, len: u64) -> Bytes {
    (from..from + len).map(byte).collect()
}

/// Reads from `offset` to the end, checks every byte, and gives the ranges that were there.
fn ranges(log: &OutputLog, mut offset: u64) -> Vec<(u64, u64)> {
    let mut ranges: Vec<(u64, u64)> = Vec::new();
    while let Some(chunk) = log.read(offset) {
        assert!(!chunk.data.is_empty() && chunk.offset >= offset);
        let end = chunk.offset + chunk.data.len() as u64;
        assert_eq!(chunk.data, bytes(chunk.offset, chunk.data.len() as u64));
        match ranges.last_mut() {
            Some(last) if last.1 == chunk.offset => last.1 = end,
            _ => ranges.push((chunk.offset, end)),
        }
        offset = end;
    }
    ranges
}

fn fill(log: &mut OutputLog, len: u64, piece: u64) {
    while log.len() < len {
        let next = piece.min(len - log.len());
        log.append(bytes(log.len(), next));
    }
}

#[test]
fn small_output_makes_no_file() {
    let dir = tempfile::tempdir().unwrap();
    let mut log = OutputLog::new(place(dir.path(), u64::MAX));
    fill(&mut log, MEMORY as u64, 1000);
    assert!(!log.place.path.exists());
    assert_eq!(ranges(&log, 0), [(0, MEMORY as u64)]);
    assert_eq!(ranges(&log, 5), [(5, MEMORY as u64)]);
}

#[test]
fn the_first_and_the_last_are_kept_of_a_long_stream() {
    let dir = tempfile::tempdir().unwrap();
    let mut log = OutputLog::new(place(dir.path(), u64::MAX));
    let len = HEAD + 3 * RING + 12_345;
    fill(&mut log, len, 60_001);
    assert_eq!(ranges(&log, 0), [(0, HEAD), (len - RING, len)]);
    assert_eq!(ranges(&log, HEAD + 7), [(len - RING, len)]);
    assert_eq!(ranges(&log, len), []);
    assert!(log.place.path.metadata().unwrap().len() <= HEAD + RING);
}

#[test]
fn a_stored_stream_reads_the_same() {
    let dir = tempfile::tempdir().unwrap();
    for len in [1, 100, MEMORY as u64 + 1, HEAD + RING + 99] {
        let place = place(dir.path(), u64::MAX);
        let mut log = OutputLog::new(place.clone());
        fill(&mut log, len, 50_000);
        let before = ranges(&log, 0);
        let layout = log.store();
        assert!(log.take_share() > 0);
        drop(log);
        let stored = OutputLog::stored(place.clone(), layout);
        assert_eq!(ranges(&stored, 0), before);
        std::fs::remove_file(&place.path).unwrap();
        let gone = OutputLog::stored(place, layout);
        assert_eq!((ranges(&gone, 0), gone.len()), (vec![], len));
    }
}

#[test]
fn without_room_the_end_is_kept_in_memory() {
    let dir = tempfile::tempdir().unwrap();
    let len = HEAD + RING;
    let mut log = OutputLog::new(place(dir.path(), 0));
    fill(&mut log, len, 10_000);
    let kept = ranges(&log, 0);
    assert_eq!(kept.len(), 1);
    assert_eq!(kept[0].1, len);
    assert!(kept[0].0 <= len - RECENT as u64 && kept[0].0 > len - 2 * RECENT as u64);
}

#[test]
fn when_room_ends_midway_both_parts_are_read() {
    let dir = tempfile::tempdir().unwrap();
    let len = HEAD + 3 * RING;
    let mut log = OutputLog::new(place(dir.path(), 2 << 20));
    fill(&mut log, len, 10_000);
    let kept = ranges(&log, 0);
    assert_eq!(kept.len(), 2);
    assert_eq!(kept[0].0, 0);
    assert!(kept[0].1 > HEAD && kept[0].1 <= 2 << 20);
    assert_eq!(kept[1].1, len);
}

#[test]
fn a_log_that_is_not_stored_leaves_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let place = place(dir.path(), u64::MAX);
    let mut log = OutputLog::new(place.clone());
    fill(&mut log, HEAD, 10_000);
    assert!(place.path.exists() && place.budget.used() > 0);
    drop(log);
    assert!(!place.path.exists());
    assert_eq!(place.budget.used(), 0);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn pieces_of_any_size_are_read_back(
        pieces in prop::collection::vec(1_u64..30_000, 1..60), from in 0_u64..200_000,
    ) {
        let dir = tempfile::tempdir().unwrap();
        let mut log = OutputLog::new(place(dir.path(), u64::MAX));
        for piece in pieces {
            log.append(bytes(log.len(), piece));
        }
        let expected = if from < log.len() { vec![(from, log.len())] } else { vec![] };
        prop_assert_eq!(ranges(&log, from), expected);
    }
}
