//! `/install.sh`, run for real: by curl and sh, into a directory.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::fixture::{ControlPlane, Finished, Home, Request};

const SECRET: &str = "ren_";

/// Runs an install command into `HOME/installed`, and answers the program and how to start it.
#[track_caller]
pub(crate) fn install_at(home: &Home, command: &str) -> (PathBuf, String) {
    let done = home.spawn(home.shell(&into(home, command))).finished();
    assert_eq!(done.code, Some(0), "{}", done.stderr);
    let start = done.stdout.lines().last().unwrap().trim().to_owned();
    (program(home), start)
}

/// The command with the flags that keep it in the test's directory.
fn into(home: &Home, command: &str) -> String {
    let (prefix, data) = (home.path("installed"), home.path("installed-data"));
    format!(
        "{command} --no-systemd --prefix {} --data-dir {}",
        prefix.display(),
        data.display()
    )
}

fn program(home: &Home) -> PathBuf {
    home.path("installed/bin/reoclo")
}

fn script(serve: &ControlPlane) -> String {
    let answer = serve.send(&Request::get("/install.sh"));
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.text().to_owned()
}

/// Runs a script from a file, with `tools` found before those of the system.
fn run_script(home: &Home, text: &str, flags: &str, tools: Option<&Path>) -> Finished {
    let file = home.path("script.sh");
    fs::write(&file, text).unwrap();
    let command = into(home, &format!("sh {} {flags}", file.display()));
    let mut shell = home.shell(&command);
    if let Some(tools) = tools {
        let path = std::env::var("PATH").unwrap();
        shell.env("PATH", format!("{}:{path}", tools.display()));
    }
    home.spawn(shell).finished()
}

/// A program that says something else than the machine's own.
fn tool(home: &Home, name: &str, script: &str) -> PathBuf {
    let directory = home.path("tools");
    fs::create_dir_all(&directory).unwrap();
    let file = directory.join(name);
    fs::write(&file, format!("#!/bin/sh\n{script}\n")).unwrap();
    fs::set_permissions(&file, Permissions::from_mode(0o755)).unwrap();
    directory
}

/// That it said why in one sentence and left nothing behind.
#[track_caller]
fn expect_refusal(home: &Home, done: &Finished, why: &str) {
    assert_eq!(done.code, Some(1), "{}{}", done.stdout, done.stderr);
    let said = done.stderr.lines().last().unwrap_or_default();
    assert!(
        said.starts_with("reoclo: ") && said.contains(why),
        "{}",
        done.stderr
    );
    expect_nothing(home);
}

#[track_caller]
fn expect_nothing(home: &Home) {
    let left = fs::read_dir(home.path("installed/bin")).map(Iterator::count);
    assert_eq!(left.unwrap_or(0), 0, "something was installed");
    assert!(!home.path("installed-data/runner.json").exists());
}

#[test]
fn the_script_installs_a_runner_that_connects_and_may_be_run_again() {
    let home = Home::new();
    let serve = home.serve_with(&[]);
    let added = home.add_server("web");
    let (program, start) = install_at(&home, &added.install_command);
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&program), 0o755);
    assert_eq!(mode(&home.path("installed-data")), 0o700);
    let _runner = home.spawn(home.shell(&format!("exec {start}")));
    serve.integration().wait_for_status(&added.server, "active");
    serve
        .automation()
        .on(&added.server)
        .run("true")
        .is("completed", 0);

    // Again, beside the runner that is running: it is brought up to date and stays who it is.
    fs::write(&program, "something older").unwrap_or_else(|_| fs::remove_file(&program).unwrap());
    install_at(&home, &added.install_command);
    let version = Command::new(&program).arg("--version").output().unwrap();
    assert!(version.status.success());
    serve
        .automation()
        .on(&added.server)
        .run("true")
        .is("completed", 0);
}

#[test]
fn a_removed_machine_is_installed_anew_as_another_server() {
    let home = Home::new();
    let serve = home.serve_with(&[]);
    let added = home.add_server("web");
    let (_, start) = install_at(&home, &added.install_command);
    let runner = home.spawn(home.shell(&format!("exec {start}")));
    serve.integration().wait_for_status(&added.server, "active");
    let remove = Request::new("DELETE", "/api/servers/web");
    serve.send(&remove.bearer(&serve.integration().token));
    assert_eq!(runner.finished().code, Some(3));

    let again = home.add_server("web");
    let (_, start) = install_at(&home, &again.install_command);
    let _runner = home.spawn(home.shell(&format!("exec {start}")));
    serve.integration().wait_for_status(&again.server, "active");
}

#[test]
fn the_script_holds_no_secret_and_no_shell_finds_fault_with_it() {
    let home = Home::new();
    let serve = home.serve_with(&[]);
    let script = script(&serve);
    let key = serve.integration().token;
    assert!(!script.contains(&key) && !script.contains("rca_"));
    assert!(script.contains(&format!("url='{}'", serve.url())));
    let file = home.path("script.sh");
    fs::write(&file, &script).unwrap();
    let checked = home.spawn(home.shell(&format!("sh -n {}", file.display())));
    assert_eq!(checked.finished().code, Some(0));
}

#[test]
fn the_program_is_served_whole_with_its_checksum() {
    let home = Home::new();
    let serve = home.serve_with(&[]);
    let path = format!("/runner/v1/binary/linux-{}", std::env::consts::ARCH);
    let answer = serve.send(&Request::get(&path));
    assert_eq!(answer.status, 200);
    let own = fs::read(env!("CARGO_BIN_EXE_reoclo")).unwrap();
    assert!(
        answer.body == own,
        "{} of {} bytes",
        answer.body.len(),
        own.len()
    );
    assert_eq!(
        answer.header("Content-Length").unwrap(),
        own.len().to_string()
    );
    let tag = answer.header("ETag").unwrap().to_owned();
    assert!(script(&serve).contains(&format!("sha256='{}'", tag.trim_matches('"'))));
    let again = serve.send(&Request::get(&path).header("If-None-Match", &tag));
    assert_eq!((again.status, again.body.len()), (304, 0));

    let other = serve.send(&Request::get("/runner/v1/binary/linux-sparc"));
    let detail = other.refused(404, "not_found");
    assert!(detail.contains("its own platform only"), "{detail}");
}

#[test]
fn a_machine_that_the_program_is_not_for_is_refused_before_anything_is_fetched() {
    let home = Home::new();
    let serve = home.serve_with(&[]);
    let added = home.add_server("web");
    let (script, flags) = (script(&serve), format!("--token {}", added.token));
    let cases = [
        (
            "uname",
            "case $1 in -s) echo Linux;; *) echo sparc64;; esac",
            "this machine is sparc64",
        ),
        ("uname", "echo Darwin", "needs Linux"),
        ("getconf", "echo glibc 2.5", "this machine has glibc 2.5"),
        ("getconf", "exit 1", ""),
    ];
    for (name, says, why) in cases {
        let tools = tool(&home, name, says);
        if why.is_empty() {
            tool(&home, "ldd", "echo 'musl libc (x86_64)' >&2; exit 1");
        }
        let done = run_script(&home, &script, &flags, Some(&tools));
        expect_refusal(&home, &done, if why.is_empty() { "has musl" } else { why });
        fs::remove_dir_all(&tools).unwrap();
    }
    let tools = tool(&home, "getconf", "exit 1");
    tool(&home, "ldd", "echo 'ldd (Debian GLIBC 2.9-1) 2.9'");
    let done = run_script(&home, &script, &flags, Some(&tools));
    expect_refusal(&home, &done, "this machine has glibc 2.9");
    tool(&home, "ldd", "exit 127");
    let done = run_script(&home, &script, &flags, Some(&tools));
    expect_refusal(&home, &done, "libc is not known");
}

#[test]
fn a_program_that_is_not_the_right_one_is_refused() {
    let home = Home::new();
    let serve = home.serve_with(&[]);
    let added = home.add_server("web");
    let flags = format!("--token {}", added.token);
    let text = script(&serve);
    let begin = text.find("sha256='").unwrap() + "sha256='".len();
    let mut wrong = text.clone();
    wrong.replace_range(begin..begin + 8, "00000000");
    expect_refusal(
        &home,
        &run_script(&home, &wrong, &flags, None),
        "nothing was installed",
    );

    // A proxy that cuts, or one that answers with a page.
    for says in ["echo cut >\"$6\"", "exit 22"] {
        let tools = tool(&home, "curl", says);
        let done = run_script(&home, &text, &flags, Some(&tools));
        assert_eq!(done.code, Some(1));
        expect_nothing(&home);
        fs::remove_dir_all(&tools).unwrap();
    }
}

#[test]
fn a_script_that_was_cut_runs_nothing() {
    let home = Home::new();
    let serve = home.serve_with(&[]);
    let added = home.add_server("web");
    let flags = format!("--token {}", added.token);
    let text = script(&serve);
    let whole = text.trim_end().len();
    let last_line = text.trim_end().rfind('\n').unwrap();
    let ends = (0..last_line).step_by(997).chain(last_line..whole);
    for end in ends {
        run_script(&home, &text[..end], &flags, None);
        expect_nothing(&home);
    }
    assert_eq!(run_script(&home, &text, &flags, None).code, Some(0));
}

#[test]
fn values_are_checked_and_never_read_as_shell() {
    let home = Home::new();
    let serve = home.serve_with(&[]);
    let added = home.add_server("web");
    let text = script(&serve);
    let token = &added.token;
    let mark = home.path("mark");
    let evil = format!("$(touch {})", mark.display());
    for (flags, why) in [
        ("--token".to_owned(), "is not an enrolment token"),
        (format!("--token 'ren_{evil}'"), "is not an enrolment token"),
        ("--token rca_abc".to_owned(), "is not an enrolment token"),
        (
            format!("--token {token} --url 'https://a{evil}'"),
            "is not an address",
        ),
        (
            format!("--token {token} --url ftp://a"),
            "is not an address",
        ),
        (
            format!("--token {token} --url http://example.com"),
            "needs https://",
        ),
        (
            format!("--token {token} --exec-user 'a{evil}'"),
            "not the name of a user",
        ),
        (
            format!("--token {token} --ca-cert 'a{evil}'"),
            "not supported",
        ),
        (format!("--token {token} --ca-cert a"), "must begin with /"),
        (
            format!("--token {token} --unknown"),
            "has no option --unknown",
        ),
        (String::new(), "is not enrolled yet"),
    ] {
        let done = run_script(&home, &text, &flags, None);
        expect_refusal(&home, &done, why);
        assert!(!done.stderr.contains(SECRET), "{}", done.stderr);
    }
    assert!(!mark.exists());
}

#[test]
fn a_token_that_is_not_accepted_installs_nothing() {
    let home = Home::new();
    let serve = home.serve_with(&[]);
    let added = home.add_server("web");
    let text = script(&serve);
    let (begin, end) = added.token.split_at(20);
    let changed = if end.starts_with('0') { "1" } else { "0" };
    let other = format!("--token {begin}{changed}{}", &end[1..]);
    let done = run_script(&home, &text, &other, None);
    expect_refusal(&home, &done, "was not enrolled");
    // From a file, which no list of processes shows.
    let file = home.path("token");
    fs::write(&file, &added.token).unwrap();
    let done = run_script(
        &home,
        &text,
        &format!("--token-file {}", file.display()),
        None,
    );
    assert_eq!(done.code, Some(0), "{}", done.stderr);
}

/// systemd itself does not run in tests: what it is asked to do is written down.
#[test]
fn the_service_is_enabled_started_and_keeps_its_user_when_it_is_run_again() {
    let home = Home::new();
    let serve = home.serve_with(&[]);
    let added = home.add_server("web");
    let asked = home.path("asked");
    let tools = tool(
        &home,
        "systemctl",
        &format!("echo \"$*\" >>{}", asked.display()),
    );
    // It looks for this directory to know whether systemd runs.
    let text = script(&serve).replace("/run/systemd/system", tools.to_str().unwrap());
    let unit = home.path("reoclo-runner.service");
    let (prefix, data) = (home.path("installed"), home.path("installed-data"));
    let run = |flags: &str| {
        let file = home.path("script.sh");
        fs::write(&file, &text).unwrap();
        let mut shell = home.shell(&format!(
            "sh {} --prefix {} --data-dir {} --unit-file {} {flags}",
            file.display(),
            prefix.display(),
            data.display(),
            unit.display()
        ));
        let path = std::env::var("PATH").unwrap();
        shell.env("PATH", format!("{}:{path}", tools.display()));
        let done = home.spawn(shell).finished();
        assert_eq!(done.code, Some(0), "{}", done.stderr);
        assert!(!done.stdout.contains(&added.token));
    };
    run(&format!("--token {} --exec-user nobody", added.token));
    let steps = "daemon-reload\nenable reoclo-runner.service\nrestart reoclo-runner.service\n";
    assert_eq!(fs::read_to_string(&asked).unwrap(), steps);
    let first = fs::read_to_string(&unit).unwrap();
    assert!(
        first.contains("--installed --exec-user nobody\n"),
        "{first}"
    );
    assert!(!first.contains(&added.token) && !first.contains("--token"));

    run("");
    assert_eq!(fs::read_to_string(&unit).unwrap(), first);
    run("--exec-user root");
    assert!(
        fs::read_to_string(&unit)
            .unwrap()
            .contains("--exec-user root\n")
    );
}

#[test]
fn the_unit_is_one_that_systemd_takes() {
    let home = Home::new();
    let serve = home.serve_with(&[]);
    let added = home.add_server("web");
    install_at(&home, &added.install_command);
    let flags = "--print-unit --exec-user nobody --no-self-upgrade";
    let printed = run_script(&home, &script(&serve), flags, None);
    assert_eq!(printed.code, Some(0), "{}", printed.stderr);
    for line in [
        "RestartPreventExitStatus=2 3",
        "KillMode=process",
        "Delegate=yes",
        "OOMPolicy=continue",
        "Restart=always",
    ] {
        assert!(printed.stdout.lines().any(|found| found == line), "{line}");
    }
    assert!(
        printed
            .stdout
            .contains("--exec-user nobody --no-self-upgrade\n")
    );
    let unit = home.path("reoclo-runner.service");
    fs::write(&unit, &printed.stdout).unwrap();
    let verified = Command::new("systemd-analyze")
        .args(["verify", "--man=no"])
        .arg(&unit)
        .output()
        .expect("systemd-analyze, of the package systemd");
    let said = String::from_utf8_lossy(&verified.stderr);
    // It also reads the units of the machine, of which it may have something to say.
    let said: Vec<_> = said
        .lines()
        .filter(|line| line.contains("reoclo-runner"))
        .collect();
    assert!(verified.status.success() && said.is_empty(), "{said:?}");
}

#[test]
fn a_script_that_is_not_there_fails_the_whole_command() {
    let home = Home::new();
    let serve = home.serve_with(&[]);
    let added = home.add_server("web");
    let gone = added.install_command.replace("/install.sh", "/gone.sh");
    let closed = serve.url().rsplit(':').next().unwrap().to_owned();
    let closed = added.install_command.replace(&closed, "1");
    for command in [gone, closed] {
        let done = home.spawn(home.shell(&into(&home, &command))).finished();
        assert_eq!(done.code, Some(1), "{command}: {}", done.stdout);
        assert!(done.stderr.contains("curl: "), "{}", done.stderr);
        expect_nothing(&home);
    }
}

#[test]
fn a_disk_that_takes_no_program_is_named() {
    let home = Home::new();
    let serve = home.serve_with(&[]);
    let added = home.add_server("web");
    let file = home.path("script.sh");
    fs::write(&file, script(&serve)).unwrap();
    let bin = home.path("installed/bin");
    fs::create_dir_all(&bin).unwrap();
    for (options, why) in [
        ("noexec", "choose another --prefix"),
        ("size=64k", "is the disk full?"),
    ] {
        let script = format!("sh {} --token {}", file.display(), added.token);
        let command = format!(
            "unshare --mount sh -c 'mount -t tmpfs -o {options} none {} && exec {}'",
            bin.display(),
            into(&home, &script)
        );
        let done = home.spawn(home.shell(&command)).finished();
        expect_refusal(&home, &done, why);
    }
}

#[test]
fn an_option_that_is_not_there_is_named_and_a_token_is_not() {
    let home = Home::new();
    let serve = home.serve_with(&[]);
    let script = script(&serve);
    let done = run_script(&home, &script, "--tokne ren_abc", None);
    expect_refusal(&home, &done, "has no option --tokne");
    for flags in ["ren_abc", "--tokne=ren_abc"] {
        let done = run_script(&home, &script, flags, None);
        expect_refusal(&home, &done, "is not an option");
        assert!(!done.stderr.contains("ren_abc"), "{}", done.stderr);
    }
}

#[test]
fn the_proxy_is_kept_and_named_where_nothing_but_a_person_starts_the_runner() {
    let home = Home::new();
    let serve = home.serve_with(&[]);
    let added = home.add_server("web");
    let mut shell = home.shell(&into(&home, &added.install_command));
    shell.env("HTTPS_PROXY", "http://me:s3cret@127.0.0.1:1");
    let done = home.spawn(shell).finished();
    assert_eq!(done.code, Some(0), "{}", done.stderr);
    let kept = home.path("installed-data/proxy.env");
    let text = fs::read_to_string(&kept).unwrap();
    assert_eq!(text, "HTTPS_PROXY='http://me:s3cret@127.0.0.1:1'\n");
    let mode = fs::metadata(&kept).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode, 0o600);
    let start = done.stdout.lines().last().unwrap().trim().to_owned();
    assert!(start.starts_with(&format!("set -a; . {}; set +a; ", kept.display())));
    assert!(!done.stdout.contains("s3cret"));
    let _runner = home.spawn(home.shell(&start));
    serve.integration().wait_for_status(&added.server, "active");
}

/// Runs functions of the script with the proxy's variables set.
fn proxied(home: &Home, calls: &str, variables: &[(&str, &str)]) -> Finished {
    let serve = home.serve_with(&[]);
    let text = script(&serve);
    let functions = text.replace("{ main \"$@\"; exit; }", calls);
    assert_ne!(functions, text);
    let file = home.path("functions.sh");
    fs::write(&file, functions).unwrap();
    let mut shell = home.shell(&format!("sh {}", file.display()));
    shell.envs(variables.iter().copied());
    home.spawn(shell).finished()
}

#[test]
fn the_proxy_is_kept_in_a_file_that_only_its_owner_reads() {
    let home = Home::new();
    let file = home.path("runner.env");
    fs::write(&file, "HTTPS_PROXY='http://old'\n").unwrap();
    let keep = format!("env_file={}; check_proxy; keep_proxy", file.display());
    let variables = [
        ("HTTPS_PROXY", "http://me:s3cret$x@proxy:3128"),
        ("no_proxy", "example.com, 10.0.0.0/8"),
    ];
    let done = proxied(&home, &keep, &variables);
    assert_eq!(
        (done.code, done.stdout.as_str(), done.stderr.as_str()),
        (Some(0), "", "")
    );
    let kept = fs::read_to_string(&file).unwrap();
    let expected =
        "HTTPS_PROXY='http://me:s3cret$x@proxy:3128'\nNO_PROXY='example.com, 10.0.0.0/8'\n";
    assert_eq!(kept, expected);
    assert_eq!(
        fs::metadata(&file).unwrap().permissions().mode() & 0o777,
        0o600
    );
}

#[test]
fn without_a_proxy_in_the_environment_what_was_kept_stays() {
    let home = Home::new();
    let file = home.path("runner.env");
    fs::write(&file, "HTTPS_PROXY='http://old'\n").unwrap();
    let keep = format!("env_file={}; check_proxy; keep_proxy", file.display());
    assert_eq!(proxied(&home, &keep, &[]).code, Some(0));
    assert_eq!(
        fs::read_to_string(&file).unwrap(),
        "HTTPS_PROXY='http://old'\n"
    );
}

#[test]
fn a_proxy_that_a_file_of_settings_cannot_hold_is_refused_and_not_repeated() {
    let home = Home::new();
    let done = proxied(
        &home,
        "check_proxy",
        &[("ALL_PROXY", "http://me:s3cret'\"@proxy")],
    );
    assert_eq!(done.code, Some(1));
    assert!(done.stderr.contains("write it as %27"), "{}", done.stderr);
    assert!(!done.stderr.contains("s3cret"), "{}", done.stderr);
}

#[test]
fn the_unit_names_the_file_of_the_proxy_and_not_the_proxy() {
    let home = Home::new();
    let calls = "main --print-unit --env-file /etc/other.env";
    let printed = proxied(
        &home,
        calls,
        &[("HTTPS_PROXY", "http://me:s3cret@proxy:3128")],
    );
    let unit = printed.stdout;
    assert!(
        unit.contains("\nEnvironmentFile=-/etc/other.env\n"),
        "{unit}"
    );
    assert!(!unit.contains("s3cret"), "{unit}");
}
