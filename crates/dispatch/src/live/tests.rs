use reoclo_domain::{Clock, Entropy};

use super::*;

struct Zero;

impl Entropy for Zero {
    fn fill(&self, bytes: &mut [u8]) {
        bytes.fill(0);
    }
}

impl Clock for Zero {
    fn now(&self) -> reoclo_domain::Timestamp {
        reoclo_domain::Timestamp::from_micros(0)
    }

    fn monotonic(&self) -> std::time::Duration {
        std::time::Duration::ZERO
    }
}

fn live() -> Live {
    Live::new(OrganizationId::new(&Zero, &Zero))
}

const STREAM: LogStream = LogStream::Stdout;

#[test]
fn small_output_ends_in_the_row_alone() {
    let live = live();
    live.push(STREAM, 0, b"hello");
    assert_eq!(live.excerpt(STREAM, 2), Excerpt::Bytes(b"llo".to_vec()));
    assert_eq!(live.excerpt(STREAM, 5), Excerpt::Ahead);
    assert_eq!(live.due(), None);
    assert_eq!(live.missing(5, 0), None);
    let (stdout, _, log) = live.finish(5, 0);
    assert_eq!(
        (stdout.bytes.as_slice(), stdout.truncated),
        (&b"hello"[..], false)
    );
    assert_eq!(log, LogEnd::default());
}

#[test]
fn output_that_the_row_does_not_hold_is_stored_with_the_end() {
    let live = live();
    let output = vec![b'x'; 100_000];
    live.push(STREAM, 0, &output);
    assert_eq!(live.due(), None);
    assert_eq!(live.missing(100_000, 0), None);
    let (stdout, _, log) = live.finish(100_000, 0);
    assert!(stdout.truncated);
    assert_eq!(log.chunks.len(), 1);
    assert_eq!((log.chunks[0].position, &log.chunks[0].bytes), (0, &output));
    // Whoever reads until the outcome is stored finds no gap, and the same end.
    assert_eq!(
        live.excerpt(STREAM, 0),
        Excerpt::Bytes(output[..LOOK].to_vec())
    );
    assert_eq!(live.position(STREAM), 100_000);
}

#[test]
fn the_end_of_a_huge_output_is_fetched_once_more_and_the_middle_dropped() {
    let live = live();
    let (total, step) = (30_u64 << 20, 1 << 16);
    let part = vec![7; step];
    for at in (0..total).step_by(step) {
        live.push(STREAM, at, &part);
        while let Some(chunk) = live.due() {
            assert!(chunk.position < signed(HEAD + RING));
            live.is_stored(chunk.stream);
        }
    }
    let Excerpt::Behind(first) = live.excerpt(STREAM, 0) else {
        panic!("the beginning is not in memory any more")
    };
    assert!((total - 128 * 1024..=total - 64 * 1024).contains(&first));
    let from = (total - RING, 0);
    assert_eq!(live.missing(total, 0), Some(from));
    live.push(STREAM, total - RING, &vec![7; 1 << 20]);
    assert_eq!(live.due().unwrap().position, signed(total - RING));
    let (_, _, log) = live.finish(total, 0);
    assert_eq!(log.dropped, [(STREAM, signed(HEAD), signed(total - RING))]);
}

#[test]
fn what_never_arrived_is_asked_for_again() {
    let live = live();
    live.push(STREAM, 0, b"abc");
    assert_eq!(live.missing(5, 0), Some((3, 0)));
}

#[test]
fn a_wish_is_heard_before_and_after_it_is_made() {
    let live = live();
    assert!(!live.is_cancelled());
    live.cancel();
    assert!(live.is_cancelled());
}
