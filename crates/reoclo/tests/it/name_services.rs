//! Users whom only a name service knows, as with LDAP or SSSD. Debian's `libnss-extrausers` is
//! one, and one that fails is built here. The host's own files stay as they are: others are in
//! their place in a mount namespace.

use std::fs;
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::PathBuf;
use std::process::Command;

use rustix::process::geteuid;
use serde_json::Value;

use crate::fixture::{ControlPlane, Ended, Home, Process};

/// A name service that does what a file says: `reoclotest` of `nsswitch.conf`.
const SERVICE: &str = r#"
#include <errno.h>
#include <nss.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum nss_status _nss_reoclotest_getpwnam_r(const char *name, struct passwd *result, char *buffer,
                                           size_t length, int *error) {
    FILE *file = fopen(CONTROL, "r");
    int word = file ? fgetc(file) : EOF;
    if (file) fclose(file);
    switch (word) {
    case 'h': for (;;) pause();
    case 'c': abort();
    case 'x': _exit(0);
    case 'd': *error = ECONNREFUSED; return NSS_STATUS_UNAVAIL;
    case 'r':
        if (length < 64) { *error = ERANGE; return NSS_STATUS_TRYAGAIN; }
        snprintf(buffer, length, "%s", name);
        *result = (struct passwd){ buffer, "x", 0, 0, "", "/root", "/bin/sh" };
        return NSS_STATUS_SUCCESS;
    case 'b': *error = EAGAIN; return NSS_STATUS_TRYAGAIN;
    default: *error = ENOENT; return NSS_STATUS_NOTFOUND;
    }
}
"#;

/// The directory of users of a test.
struct Users<'h> {
    home: &'h Home,
}

impl<'h> Users<'h> {
    fn new(home: &'h Home) -> Self {
        // Others may pass through the test's own directory.
        let directory = home.data().parent().unwrap().to_owned();
        fs::set_permissions(directory, fs::Permissions::from_mode(0o755)).unwrap();
        fs::create_dir(home.path("extrausers")).unwrap();
        let users = Self { home };
        users.write(&users.passwd());
        users
    }

    fn home_of_ada(&self) -> PathBuf {
        self.home.path("home-of-ada")
    }

    fn passwd(&self) -> String {
        let at = self.home_of_ada();
        if !at.exists() {
            fs::create_dir(&at).unwrap();
            chown(&at, Some(47_110), Some(47_111)).unwrap();
        }
        format!("ada-of-ldap:x:47110:47111:Ada:{}:/bin/bash\n", at.display())
    }

    fn write(&self, passwd: &str) {
        let users = self.home.path("extrausers");
        fs::write(users.join("passwd"), passwd).unwrap();
        let groups = "ada-of-ldap:x:47111:\ncrew-of-ldap:x:47112:somebody,ada-of-ldap\n\
                      others-of-ldap:x:47113:somebody\n";
        fs::write(users.join("group"), groups).unwrap();
    }

    /// Builds the service that fails as it is told.
    fn build_service(&self) {
        let source = self.home.path("service.c");
        fs::write(&source, SERVICE).unwrap();
        let control = format!("-DCONTROL=\"{}\"", self.home.path("control").display());
        let status = Command::new("cc")
            .args(["-shared", "-fPIC", "-Wall", "-Werror", &control, "-o"])
            .arg(self.home.path("libnss_reoclotest.so.2"))
            .arg(source)
            .status();
        assert!(status.unwrap().success());
        self.tell("nothing");
    }

    /// Has the service do that from now on.
    fn tell(&self, what: &str) {
        fs::write(self.home.path("control"), what).unwrap();
    }

    /// `up` where users come from these services, with commands as `user`.
    fn begin(&self, services: &str, user: &str) -> Process {
        let switch = self.home.path("nsswitch.conf");
        let text = format!("passwd: {services}\ngroup: files extrausers\nhosts: files dns\n");
        fs::write(&switch, text).unwrap();
        let up = self.home.begin_command("up", &["--exec-user", user]);
        let script = format!(
            "mount --bind '{}' /etc/nsswitch.conf && mount --bind '{}' /var/lib/extrausers && \
             exec \"$@\"",
            switch.display(),
            self.home.path("extrausers").display(),
        );
        let mut command = self
            .home
            .any_command("unshare", &["--mount", "sh", "-c", &script, "sh"]);
        let libraries = self.home.data().parent().unwrap().to_owned();
        command
            .arg(up.get_program())
            .args(up.get_args())
            .env("LD_LIBRARY_PATH", libraries);
        self.home.spawn(command)
    }

    fn up(&self, services: &str, user: &str) -> ControlPlane {
        ControlPlane::ready(self.begin(services, user))
    }
}

#[track_caller]
fn refusal(up: &ControlPlane, ended: &Ended) -> String {
    ended.is("failed", 125);
    let record: Value = up.automation().operation(&ended.id).ok();
    record["message"].as_str().unwrap().to_owned()
}

#[test]
fn a_user_of_a_name_service_runs_commands_with_all_groups() {
    if !geteuid().is_root() {
        return;
    }
    let home = Home::new();
    let users = Users::new(&home);
    let up = users.up("files extrausers", "ada-of-ldap");
    let ended = up.automation().run(
        "id -u; id -g; id -G; id -un; echo $USER $LOGNAME $SHELL $HOME; pwd; echo out >/dev/stdout",
    );
    ended.is("completed", 0);
    let at = users.home_of_ada();
    let at = at.display();
    let expected = format!(
        "47110\n47111\n47111 47112\nada-of-ldap\nada-of-ldap ada-of-ldap /bin/bash {at}\n{at}\nout\n"
    );
    assert_eq!(ended.stdout, expected);
    let key = home.data().join("master.key");
    let ended = up.automation().run(&format!("cat '{}'", key.display()));
    ended.is("completed", 1);

    let file = fs::read_to_string("/etc/passwd").unwrap();
    assert!(!file.contains("ada-of-ldap"));
}

#[test]
fn a_user_of_a_name_service_who_is_root_is_refused() {
    if !geteuid().is_root() {
        return;
    }
    let home = Home::new();
    let users = Users::new(&home);
    users.build_service();
    users.tell("root");
    let finished = users.begin("files reoclotest", "boss-of-ldap").finished();
    assert_eq!(finished.code, Some(2), "{}", finished.stderr);
    let said = finished.stderr;
    assert!(said.contains("root under another name"), "{said}");
}

#[test]
fn a_name_service_that_fails_is_not_an_unknown_user() {
    if !geteuid().is_root() {
        return;
    }
    // Whatever comes after it: the C library itself keeps only what the last one says.
    for services in ["files reoclotest", "reoclotest files extrausers"] {
        let home = Home::new();
        let users = Users::new(&home);
        users.build_service();
        let unknown = users.begin(services, "bob-of-ldap").finished();
        assert_eq!(unknown.code, Some(2), "{}", unknown.stderr);
        let said = &unknown.stderr;
        assert!(said.contains("there is no user \"bob-of-ldap\""), "{said}");

        users.tell("down");
        let up = users.up(services, "bob-of-ldap");
        let said = up.process.stderr();
        assert!(said.contains("cannot look up the user"), "{said}");
        let ended = up.automation().run("true");
        let why = refusal(&up, &ended);
        assert!(
            why.contains("cannot look up the user \"bob-of-ldap\" now")
                && why.contains("try again"),
            "{why}"
        );
        assert!(why.contains("\"reoclotest\" does not answer"), "{why}");
    }
}

#[test]
fn a_name_service_that_hangs_or_dies_costs_a_refusal() {
    if !geteuid().is_root() {
        return;
    }
    for (told, why) in [
        ("hang", "did not answer within 5 seconds"),
        ("crash", "ended without an answer"),
        ("xit", "ended without an answer"),
        ("busy", "does not answer"),
    ] {
        let home = Home::new();
        let users = Users::new(&home);
        users.build_service();
        // Found by another, so that the start is quick.
        let up = users.up("files extrausers reoclotest", "ada-of-ldap");
        users.write("");
        users.tell(told);
        let ended = up.automation().run("true");
        let said = refusal(&up, &ended);
        assert!(
            said.contains("cannot look up the user \"ada-of-ldap\" now"),
            "{said}"
        );
        assert!(said.contains(why), "{told}: {said}");
    }
}

#[test]
fn names_that_no_user_has_are_refused_at_the_start() {
    let home = Home::new();
    for (name, said) in [
        ("", "empty name"),
        ("..", "not the name of a user"),
        ("-x", "begins with a dash"),
        ("1000", "is a number"),
        ("ci\nroot", "control character"),
        ("ci:x", "colon"),
        (
            "nobody-has-this-name",
            "there is no user \"nobody-has-this-name\"",
        ),
    ] {
        let flag = format!("--exec-user={name}");
        let finished = home.begin("up", &[&flag]).finished();
        assert_eq!(finished.code, Some(2), "{name:?}: {}", finished.stderr);
        assert!(
            finished.stderr.contains(said),
            "{name:?}: {}",
            finished.stderr
        );
        assert_eq!(
            finished.stderr.trim_end().lines().count(),
            1,
            "{}",
            finished.stderr
        );
    }
    // What no argument can hold.
    fs::write(home.path("reoclo.toml"), "exec_user = \"ci\\u0000root\"\n").unwrap();
    let finished = home.begin("up", &[]).finished();
    assert_eq!(finished.code, Some(2), "{}", finished.stderr);
    assert!(
        finished.stderr.contains("control character"),
        "{}",
        finished.stderr
    );
    let long = format!("--exec-user={}", "x".repeat(100_000));
    fs::write(home.path("reoclo.toml"), "").unwrap();
    let finished = home.begin("up", &[&long]).finished();
    assert_eq!(finished.code, Some(2), "{}", finished.stderr);
    assert!(finished.stderr.contains("too long"), "{}", finished.stderr);
}

#[test]
fn a_process_whose_number_nobody_knows_has_a_home() {
    if !geteuid().is_root() {
        return;
    }
    let home = Home::new();
    let directory = home.data().parent().unwrap().to_owned();
    chown(&directory, Some(47_119), Some(47_119)).unwrap();
    // Where the program is, others may not be let in.
    let program = home.path("reoclo");
    fs::copy(env!("CARGO_BIN_EXE_reoclo"), &program).unwrap();
    let up = home.begin_command("up", &[]);
    let mut command = home.any_command(
        "setpriv",
        &["--reuid=47119", "--regid=47119", "--clear-groups"],
    );
    command.arg(program).args(up.get_args());
    command.env("HOME", "/root");
    let up = ControlPlane::ready(home.spawn(command));
    let ended = up
        .automation()
        .run("id -u; echo $USER $LOGNAME; echo $HOME; pwd; : >\"$HOME/it-can\" && echo yes");
    ended.is("completed", 0);
    let at = home.own_runner().join("home");
    let at = at.display();
    assert_eq!(
        ended.stdout,
        format!("47119\n47119 47119\n{at}\n{at}\nyes\n")
    );
}
