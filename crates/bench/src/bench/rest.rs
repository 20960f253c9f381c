//! A list over HTTP: what the key system adds to it, and what nginx takes for a file of the size.
//!
//! The same process answers the list with a key and without one: the handler without one reads the
//! same rows and writes the same bytes.

mod service;

use std::fs;
use std::sync::Barrier;
use std::thread;
use std::time::Instant;

use anyhow::{Context, Result, anyhow, ensure};

use crate::contest::Contest;
use crate::http::{Connection, Request};
use crate::lab::{Lab, runtime};
use crate::report::Report;
use crate::unit::{Unit, number, rate};
use service::Service;

const BENCH: &str = "rest";
const ROUNDS: usize = 60;
/// Requests in one sample.
const REQUESTS: usize = 200;
const CALLERS: usize = 8;

const OPEN: &str = "without a credential";

/// Where an answer comes from.
struct Source {
    what: &'static str,
    host: String,
    request: Request,
}

pub(super) fn run(lab: &Lab, report: &mut Report) -> Result<()> {
    let runtime = runtime()?;
    let service = runtime.block_on(Service::start(&lab.scratch.new_path("rest")))?;
    let host = service.host();
    let key = Some(service.key());
    let mut sources = vec![
        Source::new(OPEN, host, service::OPEN_PATH, None),
        Source::new("with a key", host, "/api/servers", key),
    ];
    let answer = sources[0].ask()?;
    ensure!(sources[1].ask()? == answer, "the two answers differ");
    println!("  the answer has {} bytes", answer.len());
    match file_of(lab, &answer) {
        Ok(source) => sources.push(source),
        Err(error) => report.unmeasured(BENCH, "a file of nginx", &error),
    }
    one_at_a_time(lab, &sources, report)?;
    many_at_a_time(lab, &sources, report);
    runtime.block_on(service.stop());
    Ok(())
}

impl Source {
    fn new(what: &'static str, host: &str, path: &str, key: Option<&str>) -> Self {
        Self {
            what,
            host: host.to_owned(),
            request: Request::get(host, path, key),
        }
    }

    fn ask(&self) -> Result<Vec<u8>> {
        Connection::open(&self.host)?.send(&self.request)
    }
}

/// A file that nginx serves, with this content.
fn file_of(lab: &Lab, content: &[u8]) -> Result<Source> {
    let nginx = lab.nginx()?;
    let file = nginx.root.join("servers.json");
    fs::write(&file, content).with_context(|| format!("cannot write {}", file.display()))?;
    let host = format!("127.0.0.1:{}", nginx.port);
    let source = Source::new("nginx, a file of that size", &host, "/servers.json", None);
    ensure!(source.ask()? == content, "nginx serves something else");
    Ok(source)
}

fn one_at_a_time(lab: &Lab, sources: &[Source], report: &mut Report) -> Result<()> {
    let mut contest = Contest::default();
    for source in sources {
        let mut connection = Connection::open(&source.host)?;
        contest.add(source.what, Unit::Seconds, move || {
            let start = Instant::now();
            for _ in 0..REQUESTS {
                connection.send(&source.request)?;
            }
            Ok(start.elapsed().as_secs_f64() / number(REQUESTS))
        });
    }
    report.take(BENCH, contest.run(lab.samples(ROUNDS)), OPEN);
    Ok(())
}

fn many_at_a_time(lab: &Lab, sources: &[Source], report: &mut Report) {
    let name = |what: &str| format!("{what}, {CALLERS} at a time");
    let mut contest = Contest::default();
    for source in sources {
        contest.add(name(source.what), Unit::PerSecond, || together(source));
    }
    report.take(BENCH, contest.run(lab.samples(ROUNDS)), &name(OPEN));
}

/// The requests per second of all callers together, each with a connection of its own.
fn together(source: &Source) -> Result<f64> {
    let ready = Barrier::new(CALLERS + 1);
    let caller = || {
        let connection = Connection::open(&source.host);
        ready.wait();
        let mut connection = connection?;
        (0..REQUESTS).try_for_each(|_| connection.send(&source.request).map(drop))
    };
    thread::scope(|scope| {
        let callers: Vec<_> = (0..CALLERS).map(|_| scope.spawn(caller)).collect();
        ready.wait();
        let start = Instant::now();
        let ended = callers.into_iter().map(|caller| {
            let ended = caller.join().map_err(|_| anyhow!("a caller panicked"));
            ended.and_then(|result| result)
        });
        let ended: Vec<Result<()>> = ended.collect();
        let time = start.elapsed();
        ended.into_iter().collect::<Result<()>>()?;
        Ok(rate(CALLERS * REQUESTS, time))
    })
}
