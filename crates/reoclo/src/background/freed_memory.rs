//! Memory goes back to the system when whoever took it has gone.

use std::time::Duration;

use reoclo_runner::return_freed_memory;
use tokio::time::sleep;

/// Between two walks while they find something.
const SHORT: Duration = Duration::from_secs(5);
/// Between two walks that found nothing: what is held is in use.
const LONG: Duration = Duration::from_secs(20);
/// Less than this is not worth the walk over the heap.
const WORTH_PAGES: u64 = 4 * 1024 * 1024 / 4096;

/// Looks every few seconds whether the process is larger than it once was, and gives back what it
/// has freed.
pub(super) async fn give_back() {
    let mut least = resident_pages();
    let mut pause = SHORT;
    loop {
        sleep(pause).await;
        let before = resident_pages();
        least = least.min(before);
        pause = SHORT;
        if before < least + WORTH_PAGES {
            continue;
        }
        // It can fail only with the process.
        let _ = tokio::task::spawn_blocking(return_freed_memory).await;
        if resident_pages() + WORTH_PAGES > before {
            pause = LONG;
        }
    }
}

/// Of proc(5), `statm`; 0 where there is none.
fn resident_pages() -> u64 {
    let text = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let resident = text.split(' ').nth(1).and_then(|pages| pages.parse().ok());
    resident.unwrap_or_default()
}
