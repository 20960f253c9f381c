//! The end of a command that is not its own: TERM to all of it, a grace, KILL.

use std::sync::Arc;
use std::time::Duration;

use rustix::process::Signal;
use tokio::task::spawn_blocking;
use tokio::time::{sleep, timeout};

use super::Patience;
use super::child::Child;
use super::pump::Pumps;
use super::tree::Tree;
use crate::process::{self, Process};

/// Between two looks at whether anything of it is left; each is twice the one before, up to the
/// last.
const FIRST_LOOK: Duration = Duration::from_millis(5);
const LAST_LOOK: Duration = Duration::from_millis(200);
/// Processes that the record names.
const MOST_NAMED: usize = 10;

/// Ends the command and everything that it started. Gives what could not be ended.
pub(super) async fn stop(child: &mut Child, pumps: &mut Pumps, patience: Patience) -> Vec<Process> {
    let tree = child.tree();
    blocking(&tree, |tree| tree.signal(Signal::TERM)).await;
    let gone = gone(child, pumps, &tree);
    if timeout(patience.kill_grace, gone).await.is_ok() {
        return Vec::new();
    }
    let wait = patience.kill_wait;
    let left = blocking(&tree, move |tree| tree.kill(wait)).await;
    // The status is there a moment after the process is gone.
    let _ = timeout(patience.kill_wait, child.exited()).await;
    left.unwrap_or_default()
}

/// Ends a command that another supervisor started, and everything that it started. Gives what
/// could not be ended.
pub(super) async fn stop_unread(tree: &Arc<Tree>, patience: Patience) -> Vec<Process> {
    blocking(tree, |tree| tree.signal(Signal::TERM)).await;
    if timeout(patience.kill_grace, emptied(tree)).await.is_ok() {
        return Vec::new();
    }
    let wait = patience.kill_wait;
    let left = blocking(tree, move |tree| tree.kill(wait)).await;
    left.unwrap_or_default()
}

/// Waits until the command has ended and nothing of it is left. Its output is read meanwhile, or
/// what cleans up could not say so.
async fn gone(child: &mut Child, pumps: &mut Pumps, tree: &Arc<Tree>) {
    let emptied = async {
        child.exited().await;
        emptied(tree).await;
    };
    tokio::pin!(emptied);
    tokio::select! {
        () = emptied.as_mut() => return,
        () = pumps.done() => {}
    }
    emptied.await;
}

/// Waits until nothing of it is left.
async fn emptied(tree: &Arc<Tree>) {
    let mut pause = FIRST_LOOK;
    while blocking(tree, Tree::is_gone).await == Some(false) {
        sleep(pause).await;
        pause = (pause * 2).min(LAST_LOOK);
    }
}

/// Looks at all processes of the host, which takes too long for a runtime's own thread.
async fn blocking<T: Send + 'static>(
    tree: &Arc<Tree>,
    work: impl FnOnce(&Tree) -> T + Send + 'static,
) -> Option<T> {
    let tree = Arc::clone(tree);
    spawn_blocking(move || work(&tree)).await.ok()
}

/// What a record says about processes that could not be ended; nothing when there are none.
pub(super) fn words(unended: &[Process]) -> String {
    if unended.is_empty() {
        return String::new();
    }
    let named = unended.iter().take(MOST_NAMED);
    let named: Vec<String> = named
        .map(|process| format!("{} ({})", process.pid, plain(&process.name)))
        .collect();
    let more = match unended.len().saturating_sub(MOST_NAMED) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    format!("; could not be ended: {}{more}", named.join(", "))
}

/// What a record says where nobody knows what a command has left.
pub(super) fn blindness() -> &'static str {
    if process::can_be_seen() {
        ""
    } else {
        "; whether anything that it started goes on cannot be seen: mount /proc where its runner runs"
    }
}

/// A process chooses its name itself.
fn plain(name: &str) -> String {
    let is_plain = |character: &char| character.is_ascii_graphic() || *character == ' ';
    let plain = name.chars().map(
        |character| {
            if is_plain(&character) { character } else { '?' }
        },
    );
    plain.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn process(pid: u32, name: &str) -> Process {
        Process {
            pid,
            name: name.into(),
            has_ended: false,
            parent: 1,
            group: pid,
            session: pid,
            begun: 1,
        }
    }

    #[test]
    fn what_could_not_be_ended_is_named_in_plain_characters() {
        assert_eq!(words(&[]), "");
        let left = [process(7, "sleep"), process(8, "a\u{1b}[31m\u{202e}")];
        assert_eq!(words(&left), "; could not be ended: 7 (sleep), 8 (a?[31m?)");
        let many: Vec<_> = (1..=12).map(|pid| process(pid, "x")).collect();
        assert!(words(&many).ends_with("10 (x) and 2 more"));
    }
}
