//! Samples of `perf`, folded.

use std::collections::HashMap;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Result, ensure};

use super::frame::Frame;

/// Stacks of functions, the innermost first.
pub(super) struct Stacks(Vec<Vec<Frame>>);

/// Names with their shares of the whole, the largest first.
pub(super) type Costs = Vec<(String, f64)>;

impl Stacks {
    /// Has `perf script` read what was recorded.
    pub(super) fn read(file: &Path) -> Result<Self> {
        let output = Command::new("perf")
            .args(["script", "--no-inline", "-F", "ip,sym,dso", "-i"])
            .arg(file)
            .stderr(Stdio::null())
            .output()?;
        ensure!(output.status.success(), "perf script failed");
        Ok(Self::parse(&String::from_utf8_lossy(&output.stdout)))
    }

    /// One frame a line, and an empty line behind each stack.
    fn parse(text: &str) -> Self {
        let stacks = text.split("\n\n");
        let stacks = stacks.map(|stack| stack.lines().filter_map(Frame::parse).collect());
        Self(stacks.filter(|stack: &Vec<_>| !stack.is_empty()).collect())
    }

    pub(super) fn count(&self) -> usize {
        self.0.len()
    }

    /// By the crate or library of the innermost function that is not there for others: the
    /// kernel's time is that of whoever called it, as is the C and the standard library's.
    pub(super) fn by_library(&self) -> Costs {
        self.fold(|stack| stack.iter().find_map(Frame::library))
    }

    /// By that function.
    pub(super) fn by_function(&self) -> Costs {
        self.fold(|stack| {
            let mut stack = stack.iter();
            let frame = stack.find(|frame| frame.library().is_some());
            frame.map(Frame::function)
        })
    }

    /// By the system call that it was in.
    pub(super) fn by_system_call(&self) -> Costs {
        self.fold(|stack| {
            let call = stack.iter().find_map(Frame::system_call);
            call.map(str::to_owned)
        })
    }

    fn fold(&self, name: impl Fn(&[Frame]) -> Option<String>) -> Costs {
        let mut counts: HashMap<String, u32> = HashMap::new();
        for stack in &self.0 {
            let name = name(stack).unwrap_or_else(|| "(none)".to_owned());
            *counts.entry(name).or_default() += 1;
        }
        let all: u32 = counts.values().sum();
        let costs = counts.into_iter();
        let costs = costs.map(|(name, count)| (name, f64::from(count) / f64::from(all.max(1))));
        let mut costs: Costs = costs.collect();
        costs.sort_by(|(one, a), (other, b)| b.total_cmp(a).then_with(|| one.cmp(other)));
        costs
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_others_do_is_the_time_of_who_called_them() {
        let text = "
\tff81 do_fsync ([kernel.kallsyms])
\tff82 __x64_sys_fdatasync ([kernel.kallsyms])
\t1600 pagerWalFrames (/b/reoclo)
\t1601 reoclo_store::one (/b/reoclo)

\t1602 reoclo_store::one::{{closure}} (/b/reoclo)
\t1603 tokio::run (/b/reoclo)

\t1604 core::poll (/b/reoclo)
\t1605 reoclo_store::one (/b/reoclo)

\tff83 schedule ([kernel.kallsyms])

";
        let stacks = Stacks::parse(text);
        assert_eq!(stacks.count(), 4);
        let cost = |name: &str, share| (name.to_owned(), share);
        assert_eq!(
            stacks.by_library(),
            [
                cost("reoclo_store", 0.5),
                cost("(none)", 0.25),
                cost("sqlite", 0.25)
            ]
        );
        assert_eq!(
            stacks.by_function(),
            [
                cost("reoclo_store::one", 0.5),
                cost("(none)", 0.25),
                cost("pagerWalFrames", 0.25)
            ]
        );
        assert_eq!(
            stacks.by_system_call(),
            [cost("(none)", 0.75), cost("fdatasync", 0.25)]
        );
    }
}
