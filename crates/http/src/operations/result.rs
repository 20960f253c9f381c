//! An outcome as clients read it.

use reoclo_api_types::OperationResult;
use reoclo_control::{OperationOutcome, Tail};

pub(crate) fn result(outcome: &OperationOutcome) -> OperationResult {
    OperationResult {
        exit_code: outcome.exit_code,
        stdout: text(&outcome.stdout),
        stderr: stderr(outcome),
        stdout_truncated: outcome.stdout.truncated,
        stderr_truncated: outcome.stderr.truncated,
        duration_ms: duration_ms(outcome),
        left_running: outcome.left_running,
        still_held: still_held(outcome),
    }
}

/// Where a login stays for others.
pub(crate) fn still_held(outcome: &OperationOutcome) -> Option<i64> {
    Some(outcome.still_held).filter(|others| *others > 0)
}

/// Rounded to whole milliseconds.
pub(crate) const fn duration_ms(outcome: &OperationOutcome) -> i64 {
    (outcome.duration_us + 500) / 1000
}

/// Clients that know no `message` show `stderr` when something failed.
fn stderr(outcome: &OperationOutcome) -> String {
    let written = text(&outcome.stderr);
    match (&outcome.message, written.is_empty()) {
        (Some(message), true) => format!("reoclo: {message}\n"),
        _ => written,
    }
}

/// Invalid UTF-8 is replaced; where the beginning was cut off, so is the rest of a character.
fn text(tail: &Tail) -> String {
    let is_continuation = |byte: &&u8| **byte & 0b1100_0000 == 0b1000_0000;
    let cut = if tail.truncated {
        tail.bytes
            .iter()
            .take(3)
            .take_while(is_continuation)
            .count()
    } else {
        0
    };
    String::from_utf8_lossy(&tail.bytes[cut..]).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tail(bytes: &[u8], truncated: bool) -> Tail {
        Tail {
            bytes: bytes.to_vec(),
            total: 100,
            truncated,
        }
    }

    #[test]
    fn bytes_that_are_no_text_are_replaced() {
        assert_eq!(text(&tail(b"a\xffb", false)), "a\u{fffd}b");
        assert_eq!(text(&tail("ü".as_bytes(), false)), "ü");
    }

    #[test]
    fn half_a_character_at_the_cut_is_left_out() {
        assert_eq!(text(&tail(&"€uro".as_bytes()[1..], true)), "uro");
        assert_eq!(text(&tail(&"€uro".as_bytes()[2..], true)), "uro");
    }
}
