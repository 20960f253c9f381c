//! Pages of the dashboard, as the server makes them, with few and with many things to show.

mod world;

use anyhow::{Context, Result, ensure};

use crate::contest::{Contest, p50};
use crate::lab::Lab;
use crate::report::Report;
use crate::unit::Unit;
use world::{Amount, World};

const BENCH: &str = "dashboard";
const ROUNDS: usize = 100;
const BAR_SECONDS: f64 = 0.05;

const FEW: Amount = Amount {
    keys: 10,
    operations: 50,
};
const MANY: Amount = Amount {
    keys: 1000,
    operations: 50_000,
};

/// Each page by name, and where it is for an instance whose automation key has this id.
const PAGES: [(&str, &str); 11] = [
    ("home", "/"),
    ("integration keys", "/api-keys/integration"),
    ("automation keys", "/api-keys/automation"),
    ("automation keys, a search", "/api-keys/automation?search=7"),
    ("audit log", "/audit-log"),
    ("audit log of an action", "/audit-log?action=operation.end"),
    ("audit log of a key", "/audit-log?key={key}"),
    ("audit log of an outcome", "/audit-log?outcome=failure"),
    ("audit log, last page", "/audit-log?before=51"),
    ("operations", "/operations"),
    ("operations that failed", "/operations?state=failed"),
];

pub(super) fn run(lab: &Lab, report: &mut Report) -> Result<()> {
    let worlds = [World::make(lab, FEW)?, World::make(lab, MANY)?];
    let mut contest = Contest::default();
    for (name, path) in PAGES {
        for world in &worlds {
            let request = world.page(path)?;
            let mut connection = world.instance.connect()?;
            let page = connection.send(&request).context(name)?;
            ensure!(
                page.ends_with(b"</html>\n") || page.ends_with(b"</html>"),
                "no page: {name}"
            );
            contest.add_timed(of(name, world.amount), move || {
                connection.send(&request).map(drop)
            });
        }
    }
    let mut measured = contest.run(lab.samples(ROUNDS));
    let slowest = PAGES.iter().map(|(name, _)| {
        let seconds = p50(&measured, &of(name, MANY))?;
        Some((seconds, *name))
    });
    let slowest: Option<Vec<_>> = slowest.collect();
    let slowest = slowest.and_then(|all| {
        all.into_iter()
            .max_by(|one, other| one.0.total_cmp(&other.0))
    });
    let verdict = slowest.map(|(seconds, name)| {
        let text = format!("{} ({name})", Unit::Seconds.format(seconds));
        (text, seconds < BAR_SECONDS)
    });
    let bar = format!("slowest page with {MANY} < 50 ms, p50");
    report.bar(BENCH, &bar, verdict);
    for (name, _) in PAGES {
        let rest = measured.split_off(2);
        report.take(BENCH, measured, &of(name, FEW));
        measured = rest;
    }
    for world in worlds {
        world.instance.stop();
    }
    Ok(())
}

fn of(page: &str, amount: Amount) -> String {
    format!("{page}, {amount}")
}
