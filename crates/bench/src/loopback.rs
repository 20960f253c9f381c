//! What crosses the loopback interface.

use std::fs;

use anyhow::{Context, Result};

/// Bytes received on the loopback interface since the machine started, whoever sent them.
pub(crate) fn bytes() -> Result<usize> {
    let text = fs::read_to_string("/proc/net/dev").context("cannot read /proc/net/dev")?;
    received(&text).context("/proc/net/dev has no lo")
}

fn received(text: &str) -> Option<usize> {
    let line = text
        .lines()
        .find_map(|line| line.trim_start().strip_prefix("lo:"))?;
    line.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_number_of_its_line_is_taken() {
        let text = "Inter-|   Receive\n eth0: 1 2\n    lo: 34567  8 0\n";
        assert_eq!(received(text), Some(34567));
        assert_eq!(received("eth0: 1"), None);
    }
}
