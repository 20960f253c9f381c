//! A control plane, a runner and the link between them, and what strikes them.

use std::time::Duration;

use serde_json::json;

use crate::fixture::{ControlPlane, Home, Key, Process, Proxy, free_port, wait_until};

/// Numbers that look random and are the same for the same seed (SplitMix64).
pub(super) struct Dice(u64);

impl Dice {
    pub(super) const fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(super) fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (mixed ^ (mixed >> 31)) % end
    }
}

/// A runner that soon notices that its link is lost, and soon tries again.
const QUICK: [&str; 6] = [
    "--reconnect-most",
    "1",
    "--keepalive-every",
    "1",
    "--keepalive-timeout",
    "1",
];

/// What is struck.
pub(super) struct Storm<'h> {
    home: &'h Home,
    dice: Dice,
    proxy: Proxy,
    arguments: Vec<String>,
    listen: String,
    serve: ControlPlane,
    runner: Process,
    key: Key,
}

impl<'h> Storm<'h> {
    pub(super) fn begin(home: &'h Home, seed: u64, database: Option<&str>) -> Self {
        let port = free_port();
        let proxy = Proxy::to(port);
        let (listen, url) = (format!("127.0.0.1:{port}"), proxy.url());
        let mut arguments = ["--listen", &listen, "--public-url", &url]
            .map(str::to_owned)
            .to_vec();
        if let Some(database) = database {
            arguments.extend(["--database-url".to_owned(), database.to_owned()]);
        }
        let serve = serve(home, &arguments, &listen);
        let added = home.add_server("web");
        let runner = home.runner_with("web", Some((&url, &added.token)), &QUICK);
        let integration = serve.integration();
        integration.wait_for_status(&added.server, "active");
        let key = serve.automation().on(&added.server);
        Self {
            home,
            dice: Dice::new(seed.wrapping_mul(1_000_003)),
            proxy,
            arguments,
            listen,
            serve,
            runner,
            key,
        }
    }

    /// The automation key, as callers keep it through all that happens.
    pub(super) fn key(&self) -> Key {
        self.key.clone()
    }

    /// Does one kind of harm, and lets what was harmed come back.
    pub(super) fn strike(&mut self) {
        // What was held back comes at some time.
        if self.dice.below(2) == 0 {
            self.proxy.let_go();
        }
        match self.dice.below(13) {
            0 => self.kill_control_plane(),
            1 => self.kill_runner(),
            2 => {
                self.runner.kill();
                self.kill_control_plane();
                self.start_runner();
            }
            3 => self.proxy.cut(),
            4 => self.proxy.leave_half_open(),
            // The link falls silent, and one end is replaced before it speaks again.
            5 => {
                self.proxy.silence();
                self.kill_control_plane();
                self.proxy.resume();
            }
            6 => {
                self.proxy.silence();
                self.kill_runner();
                self.proxy.resume();
            }
            7 => {
                self.proxy.refuse();
                self.kill_control_plane();
                self.proxy.accept();
            }
            // Nobody closes it, ever.
            8 => self.proxy.silence_what_is_there(),
            9 => self.proxy.hold_back(),
            10 => {
                self.proxy.hold_back();
                self.kill_runner();
            }
            11 => self.proxy.end_one_direction(self.dice.below(2) == 0),
            _ => {
                let delay = self.dice.below(3) * 10;
                self.proxy.slow(Duration::from_millis(delay));
            }
        }
    }

    /// Leaves a link that works, for what is still under way.
    pub(super) fn calm(&self) {
        self.proxy.accept();
        self.proxy.slow(Duration::ZERO);
        self.proxy.resume();
        self.proxy.let_go();
    }

    /// When nothing happens any more, the runner is back before anybody has lost their patience.
    pub(super) fn is_over(&self) {
        let fields = json!({ "command": "true" });
        // A link that is lost may not have shown it yet.
        wait_until("the runner is back", || {
            let answer = self.key.try_exec(&fields);
            answer.is_ok_and(|answer| answer.status == 200)
        });
    }

    fn kill_control_plane(&mut self) {
        self.serve.process.kill();
        self.serve = serve(self.home, &self.arguments, &self.listen);
    }

    pub(super) fn kill_runner(&mut self) {
        self.runner.kill();
        self.start_runner();
    }

    fn start_runner(&mut self) {
        self.runner = self.home.runner_with("web", None, &QUICK);
    }
}

fn serve(home: &Home, arguments: &[String], listen: &str) -> ControlPlane {
    let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
    home.serve_with(&arguments).at(&format!("http://{listen}"))
}
