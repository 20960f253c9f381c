//! What the page of a new key shows to be pasted, run as it stands there by busybox's shell.

use std::process::Command;

use crate::fixture::{
    Client, ControlPlane, Finished, Home, Person, Process, Request, free_port, wait_until,
};

const COMMAND: &str = "docker compose up -d";

/// The snippets of one new key.
struct Made {
    token: String,
    page: String,
}

impl Made {
    fn by(person: &Person, control_plane: &ControlPlane, operations: &[&str]) -> Self {
        Self::on(control_plane.server(), person, control_plane, operations)
    }

    fn on(
        server: &str,
        person: &Person,
        control_plane: &ControlPlane,
        operations: &[&str],
    ) -> Self {
        let servers = if server == "all" { "all" } else { "some" };
        let mut fields = vec![
            ("name", "pasted"),
            ("servers", servers),
            ("server_ids", server),
            ("credentials", "all"),
            ("expires_in", "30d"),
        ];
        fields.extend(
            operations
                .iter()
                .map(|operation| ("operations", *operation)),
        );
        let made = person.submit(control_plane, "/api-keys/automation", &fields);
        assert_eq!(made.status, 201, "{}", made.text());
        let page = made.text().to_owned();
        let token = between(&page, "<code id=\"token\">", "</code>").to_owned();
        Self { token, page }
    }

    fn text(&self, title: &str) -> String {
        let label = |number: &usize| {
            let start = format!("id=\"snippet-{number}\"");
            between(&self.page, &start, "</label>").ends_with(&format!(">{title}"))
        };
        let many = self.page.matches("name=\"snippet\"").count();
        let number = (0..many).find(label);
        let number = number.unwrap_or_else(|| panic!("no snippet {title}: {}", self.page));
        let start = format!("id=\"snippet-text-{number}\">");
        unescaped(between(&self.page, &start, "</pre>"))
    }

    /// What GitLab hands to the shell.
    fn gitlab(&self) -> String {
        let yaml = self.text("GitLab CI");
        let (_, script) = yaml.split_once("- |\n").unwrap();
        let lines = script
            .lines()
            .map(|line| line.strip_prefix("      ").unwrap_or(line));
        lines.collect::<Vec<_>>().join("\n")
    }
}

fn between<'t>(text: &'t str, before: &str, after: &str) -> &'t str {
    let (_, rest) = text
        .split_once(before)
        .unwrap_or_else(|| panic!("no {before} in {text}"));
    rest.split_once(after).unwrap().0
}

fn unescaped(html: &str) -> String {
    let mut text = html.to_owned();
    for (entity, letter) in [
        ("&#34;", "\""),
        ("&#39;", "'"),
        ("&#60;", "<"),
        ("&#62;", ">"),
        ("&#38;", "&"),
    ] {
        text = text.replace(entity, letter);
    }
    text
}

/// As a pipeline's job: `-e`, and traced, which must not show the key.
fn begin(home: &Home, token: &str, script: &str) -> Process {
    let script = format!("set -ex\n{script}\necho not reached after a failure\n");
    home.spawn(job(home, token, &script))
}

fn job(home: &Home, token: &str, script: &str) -> Command {
    let mut command = home.any_command("busybox", &["sh", "-c", script]);
    command.env("REOCLO_API_KEY", token);
    command
}

fn run(home: &Home, made: &Made, command: &str) -> Finished {
    let script = made.gitlab().replace(COMMAND, command);
    let finished = begin(home, &made.token, &script).finished();
    for said in [&finished.stdout, &finished.stderr] {
        assert!(!said.contains(&made.token), "{said}");
    }
    finished
}

#[test]
fn a_snippet_ends_with_the_exit_code_and_shows_the_output() {
    let home = Home::with_timing(&[("inline_wait", 0.1)]);
    let control_plane = home.up();
    let made = Made::by(&control_plane.set_up(), &control_plane, &["exec"]);

    let good = run(&home, &made, "echo fine; echo aside >&2");
    assert_eq!(good.code, Some(0), "{}", good.stderr);
    assert_eq!(good.stdout, "fine\nnot reached after a failure\n");
    assert!(good.stderr.contains("aside\n"));

    // A quick one, one that outlives the first answer, and a signal.
    for (command, code) in [
        ("echo broken; exit 7", 7),
        ("sleep 2; echo broken; exit 3", 3),
        ("echo broken; kill -9 $$", 137),
        (
            r"printf 'broken\n\042operation_id\042:\0421\042\nReoclo-Exit-Code: 0\n'; exit 9",
            9,
        ),
    ] {
        let failed = run(&home, &made, command);
        assert_eq!(failed.code, Some(code), "{command}: {}", failed.stderr);
        assert!(failed.stdout.starts_with("broken\n"), "{}", failed.stdout);
        assert!(!failed.stdout.contains("not reached"));
    }

    // The one to paste has the key in it, and is no different.
    let pasted = made.text("curl").replace(COMMAND, "exit 7");
    assert!(pasted.contains(&made.token));
    let failed = home
        .spawn(job(&home, "none", &format!("set -x; {pasted}")))
        .finished();
    assert_eq!(failed.code, Some(7), "{}", failed.stderr);
    let shell = made.text("GitHub, shell only");
    assert!(shell.contains("run: |\n        (\n"), "{shell}");
}

#[test]
fn a_key_that_is_refused_is_told_why() {
    let home = Home::new();
    let control_plane = home.up();
    let person = control_plane.set_up();
    let made = Made::by(&person, &control_plane, &["exec"]);
    let failed = begin(&home, "rca_nobodys", &made.gitlab()).finished();
    assert_eq!(failed.code, Some(1));
    let detail = "the API key is not valid: check that it was copied whole and not changed";
    assert!(failed.stderr.contains(detail), "{}", failed.stderr);
    assert!(failed.stderr.contains("HTTP 401"), "{}", failed.stderr);

    let foreign = made.gitlab().replace(
        control_plane.server(),
        "0190b6f2-6f0c-7cc3-98c5-d1a0c3b1f2aa",
    );
    let failed = begin(&home, &made.token, &foreign).finished();
    assert_eq!(failed.code, Some(1));
    assert!(
        failed.stderr.contains("the server was not found"),
        "{}",
        failed.stderr
    );

    // Without a key nothing is even asked.
    let mut command = home.any_command("busybox", &["sh", "-c", &made.gitlab()]);
    command.env_remove("REOCLO_API_KEY");
    let failed = home.spawn(command).finished();
    assert_ne!(failed.code, Some(0));
    assert!(
        failed.stderr.contains("REOCLO_API_KEY"),
        "{}",
        failed.stderr
    );
}

#[test]
fn a_restart_in_the_middle_is_waited_for_and_a_dead_control_plane_is_no_success() {
    let home = Home::with_timing(&[("inline_wait", 0.0), ("resume_grace", 30.0)]);
    let address = |port: u16| format!("127.0.0.1:{port}");
    let (listen, metrics) = (address(free_port()), address(free_port()));
    let arguments = ["--listen", &listen, "--metrics-listen", &metrics];
    let numbers = Client::new(&format!("http://{metrics}"));
    let mut control_plane = home.up_with(&arguments);
    let made = Made::by(&control_plane.set_up(), &control_plane, &["exec"]);

    let gate = home.path("gate");
    let until = format!(
        "until [ -e {} ]; do sleep 0.1; done; exit 7",
        gate.display()
    );
    let job = begin(&home, &made.token, &made.gitlab().replace(COMMAND, &until));
    waits(&numbers);
    control_plane.process.kill();
    let mut control_plane = home.up_with(&arguments);
    std::fs::write(&gate, "").unwrap();
    let failed = job.finished();
    assert_eq!(failed.code, Some(7), "{}", failed.stderr);

    std::fs::remove_file(&gate).unwrap();
    let script = impatient(&made.gitlab().replace(COMMAND, &until));
    let job = begin(&home, &made.token, &script);
    waits(&numbers);
    control_plane.process.kill();
    let failed = job.finished();
    assert_eq!(failed.code, Some(254), "{}", failed.stderr);
    assert!(failed.stderr.contains("may run on"), "{}", failed.stderr);
    assert!(!failed.stdout.contains("not reached"));
}

/// It gives up sooner, and after shorter pauses.
fn impatient(script: &str) -> String {
    let script = script.replace("-lt 20", "-lt 2").replace("-lt 6", "-lt 2");
    script.replace("sleep 3", "sleep 0.1")
}

/// The control plane dies while the very first answer is due: nobody has the operation's id yet.
#[test]
fn an_operation_whose_first_answer_was_lost_is_found_again_or_said_to_run() {
    let home = Home::with_timing(&[("inline_wait", 20.0), ("resume_grace", 30.0)]);
    let listen = format!("127.0.0.1:{}", free_port());
    let arguments = ["--listen", &listen];
    let mut control_plane = home.up_with(&arguments);
    let person = control_plane.set_up();
    let made = Made::by(&person, &control_plane, &["exec"]);
    let (gate, runs) = (home.path("gate"), home.path("runs"));
    let command = format!(
        "echo x >> {}\nuntil [ -e {} ]; do sleep 0.1; done\necho found; exit 7",
        runs.display(),
        gate.display()
    );
    let begun = |times: usize| {
        wait_until("the command runs", || {
            let so_far = std::fs::read_to_string(&runs).unwrap_or_default();
            so_far.lines().count() == times
        });
    };

    let script = made.gitlab().replace(COMMAND, &command);
    let job = begin(&home, &made.token, &script.replace("sleep 3", "sleep 0.1"));
    begun(1);
    control_plane.process.kill();
    let mut control_plane = home.up_with(&arguments);
    std::fs::write(&gate, "").unwrap();
    let failed = job.finished();
    assert_eq!(failed.code, Some(7), "{}", failed.stderr);
    assert_eq!(failed.stdout, "found\n");
    begun(1);

    // Nobody is there to ask: it does not end as if nothing ran.
    std::fs::remove_file(&gate).unwrap();
    let job = begin(&home, &made.token, &impatient(&script));
    begun(2);
    control_plane.process.kill();
    let failed = job.finished();
    assert_eq!(failed.code, Some(254), "{}", failed.stderr);
    let said = "what was asked for may be running, as run shell-";
    assert!(failed.stderr.contains(said), "{}", failed.stderr);
    let (_, run) = failed.stderr.split_once("/operations?run_id=").unwrap();
    let run = run.split_whitespace().next().unwrap();

    // The run that it named is what the page finds, and nothing else.
    std::fs::write(&gate, "").unwrap();
    let control_plane = home.up_with(&arguments);
    let page = person
        .at(&control_plane)
        .get(&format!("/operations?run_id={run}"));
    let page = page.text();
    assert_eq!(page.matches("href=\"/operations/0").count(), 1, "{page}");

    // Without anybody at the address nothing was started.
    let nobody = script.replace(&listen, &format!("127.0.0.1:{}", free_port()));
    let failed = begin(&home, &made.token, &nobody).finished();
    assert_eq!(failed.code, Some(1), "{}", failed.stderr);
    assert!(
        failed.stderr.contains("nothing was started"),
        "{}",
        failed.stderr
    );
}

#[test]
fn a_command_is_written_into_a_snippet_as_it_is() {
    let home = Home::with_timing(&[("inline_wait", 0.1)]);
    let control_plane = home.up();
    let made = Made::by(&control_plane.set_up(), &control_plane, &["exec"]);
    let command = "printf '%s|' 'a \"b\"' \"it's\" \\\\ $((1+1)) \"tab\there\"\nfor x in 1 2; do\n  echo \"$x\\ü\"\ndone";
    let good = run(&home, &made, command);
    assert_eq!(good.code, Some(0), "{}", good.stderr);
    let expected = "a \"b\"|it's|\\|2|tab\there|1\\ü\n2\\ü\nnot reached after a failure\n";
    assert_eq!(good.stdout, expected);
    assert!(made.page.contains("between the two lines END_OF_COMMAND"));
}

/// Until the job waits for the end of its command.
fn waits(metrics: &Client) {
    wait_until("a client waits", || {
        let answer = metrics.send(&Request::get("/metrics"));
        answer.text().contains("\nreoclo_waiting_clients 1\n")
    });
}

#[test]
fn snippets_follow_the_key() {
    let home = Home::new();
    let control_plane = home.up();
    let person = control_plane.set_up();

    let exec = Made::by(&person, &control_plane, &["exec"]);
    let actions = exec.text("GitHub Actions");
    for part in ["reoclo/checkout@v1", "reoclo/run@v1", "api_url: http"] {
        assert!(actions.contains(part), "{actions}");
    }
    assert!(!actions.contains("docker-auth") && !exec.page.contains("not published"));

    let login = Made::by(
        &person,
        &control_plane,
        &["registry_login", "registry_logout"],
    );
    assert!(login.text("curl").contains("registry-auth/login"));
    assert!(!login.page.contains("/exec") && !login.page.contains("reoclo/run@"));
    let actions = login.text("GitHub Actions");
    assert!(actions.contains("reoclo/docker-auth@v1") && !actions.contains("cleanup"));

    let reboot = Made::by(&person, &control_plane, &["reboot"]);
    assert!(reboot.text("GitLab CI").contains("\"$api/reboot\""));
    assert!(!reboot.page.contains("reoclo/run@") && !reboot.page.contains("/exec"));

    let planned = Made::by(&person, &control_plane, &["deploy"]);
    assert!(planned.text("curl").contains("/auth/me"));
    assert!(planned.page.contains("not built yet") && !planned.page.contains("GitLab"));

    // The one that is there comes before the one that is not, whatever their order.
    let waiting = home.add_server("a-first").server;
    let all = Made::on("all", &person, &control_plane, &["exec"]);
    assert!(all.text("curl").contains(control_plane.server()));
    assert!(!all.page.contains("is not connected"));
    let absent = Made::on(&waiting, &person, &control_plane, &["exec"]);
    assert!(absent.text("curl").contains(&waiting));
    assert!(
        absent
            .page
            .contains("The runner of a-first is not connected")
    );

    // What other machines could not use says so.
    assert!(exec.page.contains("no other machine can reach it"));
    assert!(exec.page.contains("--public-url"));
}
