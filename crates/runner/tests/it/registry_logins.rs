//! What becomes of Docker's logins: looked for where Docker itself would find them, whatever it
//! says, and kept for as long as somebody holds them. Logging out is the real command line's, which
//! needs no engine; logging in stands in for it, since that would need a registry.

mod holders;

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::PathBuf;
use std::time::Duration;

use reoclo_wire::proto::finished::State;
use reoclo_wire::proto::start_request::Action;
use reoclo_wire::proto::{Finished, RegistryLogin, RegistryLogout};
use rustix::process::geteuid;
use serde_json::Value;

use crate::registry::{install, run};
use crate::supervisor::{Client, Ended, Supervisor};

const HUB: &str = "https://index.docker.io/v1/";

/// Logs in by writing what Docker would; everything else is Docker's.
const DOCKER: &str = r#"
[ "$1" = login ] || exec docker "$@"
cat > /dev/null
user=${2#--username=}
printf '{"auths":{"%s":{"auth":"%s"}}}' "$5" "$(printf '%s:pw' "$user" | base64)" \
    > "$DOCKER_CONFIG/config.json"
echo Login Succeeded
"#;

/// A helper that keeps logins in a file of its own, `NAME TAB USER` a line.
const HELPER: &str = r#"
store=$(dirname "$0")/store; touch "$store"
case "$1" in
list) awk -F'\t' 'BEGIN{printf "{"} {printf "%s\"%s\":\"%s\"", s, $1, $2; s=","} END{print "}"}' "$store" ;;
get) read -r name || true
    user=$(awk -F'\t' -v n="$name" '$1 == n {print $2}' "$store")
    [ -n "$user" ] || { echo 'credentials not found in native keychain'; exit 1; }
    printf '{"ServerURL":"%s","Username":"%s","Secret":"a-secret-of-the-helper"}' "$name" "$user" ;;
erase) read -r name || true
    awk -F'\t' -v n="$name" '$1 != n' "$store" > "$store.new" && mv "$store.new" "$store" ;;
esac
"#;

struct World {
    supervisor: Supervisor,
    client: Client,
    script: String,
    user: Option<String>,
}

impl World {
    async fn new() -> Self {
        Self::with(DOCKER, None).await
    }

    async fn with(script: &str, user: Option<&str>) -> Self {
        let (script, user) = (script.to_owned(), user.map(str::to_owned));
        let supervisor = Supervisor::start_with(options(script.clone(), user.clone()));
        let client = supervisor.connect().await;
        Self {
            supervisor,
            client,
            script,
            user,
        }
    }

    /// As after an upgrade or a crash of the supervisor.
    async fn restart(&mut self) {
        self.supervisor.stop().await;
        let options = options(self.script.clone(), self.user.clone());
        self.supervisor.start_again(options);
        self.client = self.supervisor.connect().await;
    }

    fn directory(&self) -> PathBuf {
        self.supervisor.file("docker")
    }

    fn config(&self) -> PathBuf {
        self.directory().join("config.json")
    }

    fn write(&self, config: &str) {
        fs::write(self.config(), config).unwrap();
    }

    /// The names that are filed.
    fn names(&self) -> Vec<String> {
        let Ok(text) = fs::read_to_string(self.config()) else {
            return Vec::new();
        };
        let config: Value = serde_json::from_str(&text).unwrap();
        let auths = config["auths"].as_object();
        auths.map_or_else(Vec::new, |auths| auths.keys().cloned().collect())
    }

    fn helper(&self, name: &str, script: &str) {
        let program = self.supervisor.file(&format!("docker-credential-{name}"));
        install(script, &program);
    }

    /// What the helper keeps.
    fn keep(&self, lines: &str) {
        fs::write(self.supervisor.file("store"), lines).unwrap();
    }

    async fn login(&mut self, registry: &str, holder: &str) -> Ended {
        let login = Action::RegistryLogin(RegistryLogin {
            registry: registry.into(),
            username: "ada".into(),
            password: "a-password".into(),
            timeout_seconds: 60,
            holder: holder.into(),
        });
        run(&mut self.client, login).await
    }

    async fn logout(&mut self, registry: &str, holder: &str) -> Ended {
        let logout = Action::RegistryLogout(RegistryLogout {
            registry: registry.into(),
            timeout_seconds: 60,
            holder: holder.into(),
        });
        run(&mut self.client, logout).await
    }

    /// A logout of somebody who holds nothing, with this configuration.
    async fn logout_with(&mut self, config: &str) -> Ended {
        self.write(config);
        self.logout("a.example", "org/run/x").await
    }
}

fn options(
    script: String,
    user: Option<String>,
) -> impl FnOnce(&mut reoclo_runner::SupervisorOptions) {
    move |options| {
        let program = options.data_dir.join("docker-for-tests");
        install(&script, &program);
        let config = options.data_dir.join("docker");
        fs::create_dir_all(&config).unwrap();
        let path = format!(
            "{}:/usr/local/bin:/usr/bin:/bin",
            options.data_dir.display()
        );
        options.docker = program;
        options.docker_environment = vec![
            ("DOCKER_CONFIG".into(), config.clone().into()),
            ("PATH".into(), path.into()),
            ("XDG_RUNTIME_DIR".into(), config.into()),
        ];
        options.exec_user = user;
        options.store_after = Duration::ZERO;
    }
}

fn is_done(ended: &Ended) -> Finished {
    let finished = ended.finished.clone();
    let told = String::from_utf8_lossy(&ended.stderr);
    assert_eq!(finished.state(), State::Completed, "{finished:?} {told}");
    assert_eq!(finished.exit_code, 0, "{finished:?} {told}");
    assert_eq!(finished.code, "", "{finished:?}");
    finished
}

/// It failed for this reason; gives what is said.
fn failed(ended: &Ended, code: &str) -> String {
    let finished = &ended.finished;
    assert_eq!(finished.state(), State::Completed, "{finished:?}");
    assert_eq!(finished.code, code, "{finished:?}");
    assert_ne!(finished.exit_code, 0, "{finished:?}");
    let stderr = String::from_utf8_lossy(&ended.stderr).into_owned();
    let line = format!("reoclo: {}\n", finished.message);
    assert!(stderr.ends_with(&line), "{stderr}");
    finished.message.clone()
}

#[tokio::test]
async fn a_login_goes_under_every_name_that_docker_would_find_it_by() {
    let mut world = World::new().await;
    let entry = r#"{"auth":"YWRhOnB3"}"#;
    for (registry, same, others) in [
        (
            "a.example",
            &[
                "a.example",
                "https://a.example",
                "http://a.example",
                "a.example/",
                "https://a.example/v1/",
                "a.example/v2/",
                "https://a.example/v2/team?x=1",
                "A.Example",
                "a.example.",
                "https://a.example:443/",
            ][..],
            &["a.example:5000", "b.a.example", "a.example.org"][..],
        ),
        (
            "a.example:5000",
            &[
                "a.example:5000",
                "https://a.example:5000/v1/",
                "http://a.example:5000/v2/",
            ],
            &["a.example", "a.example:5001", "https://a.example"],
        ),
        (
            "[::1]:5000",
            &[
                "[::1]:5000",
                "http://[::1]:5000/v2/",
                "[0:0:0:0:0:0:0:1]:5000",
            ],
            &["[::1]", "[::2]:5000"],
        ),
        (
            HUB,
            &[
                HUB,
                "docker.io",
                "index.docker.io",
                "https://index.docker.io/v1",
                "https://index.docker.io/v2/",
                "https://index.docker.io/v1/refresh-token",
                "registry-1.docker.io",
                "https://registry.hub.docker.com/v2/",
            ],
            &["docker.io:5000", "a.docker.io"],
        ),
    ] {
        let all = same.iter().chain(others);
        let entries: Vec<String> = all.map(|name| format!("{name:?}:{entry}")).collect();
        world.write(&format!("{{\"auths\":{{{}}}}}", entries.join(",")));
        let ended = world.logout(registry, "org/run/x").await;
        is_done(&ended);
        let mut left = world.names();
        left.sort();
        let mut expected = others.to_vec();
        expected.sort_unstable();
        assert_eq!(left, expected, "{registry}");
    }
}

#[tokio::test]
async fn what_never_was_there_is_gone() {
    let mut world = World::new().await;
    is_done(&world.logout("a.example", "org/run/x").await);
    for config in [
        "{}",
        "",
        r#"{"auths":{"a.example":{}}}"#,
        r#"{"auths":{"b.example":{"auth":"YTpi"}},"credHelpers":{"b.example":"missing"}}"#,
    ] {
        is_done(&world.logout_with(config).await);
    }
}

#[tokio::test]
async fn a_login_that_docker_cannot_remove_is_named_with_what_to_do() {
    let mut world = World::new().await;
    // Docker ends with 0 in each of these cases.
    let with_helper =
        r#"{"auths":{"a.example":{"auth":"YWRhOnB3"}},"credHelpers":{"a.example":"missing"}}"#;
    let with_store = r#"{"auths":{"a.example":{"auth":"YWRhOnB3"}},"credsStore":"missing"}"#;
    for config in [with_helper, with_store] {
        let told = failed(&world.logout_with(config).await, "login_remains");
        assert!(
            told.contains(&world.config().display().to_string()),
            "{told}"
        );
        assert!(
            told.contains("docker-credential-missing is not installed"),
            "{told}"
        );
        assert!(told.contains("install"), "{told}");
        assert_eq!(world.names(), ["a.example"]);
    }
    // Nothing in the file: the helper may have it, and nobody can ask.
    for config in [
        r#"{"credsStore":"missing"}"#,
        r#"{"credHelpers":{"https://a.example":"missing"}}"#,
        r#"{"credsStore":"../missing"}"#,
    ] {
        failed(&world.logout_with(config).await, "login_unknown");
    }
}

#[tokio::test]
async fn a_helper_is_asked_whether_it_still_has_the_login() {
    let mut world = World::new().await;
    world.helper("own", HELPER);
    let config = r#"{"auths":{"a.example":{}},"credsStore":"own"}"#;
    world.keep("a.example\tada\nb.example\tada\n");
    is_done(&world.logout_with(config).await);
    let file = world.supervisor.file("store");
    let store = || fs::read_to_string(&file).unwrap();
    assert_eq!(store(), "b.example\tada\n");

    // Under names that Docker's logout does not think of.
    world.keep("https://a.example/v1/\tada\nb.example\tada\na.example/v2/\tada\n");
    is_done(&world.logout_with(config).await);
    assert_eq!(store(), "b.example\tada\n");

    // One that erases nothing, and does not even give what it lists.
    let keeps_all = HELPER.replace("erase)", "never)");
    let locked = keeps_all.replace("get)", "get) echo 'the keychain is locked'; exit 1; #");
    for script in [keeps_all, locked] {
        world.helper("own", &script);
        for name in ["a.example", "https://a.example/v1/"] {
            world.keep(&format!("{name}\tada\n"));
            let ended = world.logout_with(config).await;
            let told = failed(&ended, "login_remains");
            assert!(told.contains("docker-credential-own"), "{told}");
            let stderr = String::from_utf8_lossy(&ended.stderr);
            let all = format!("{told}{}{stderr}", ended.text());
            assert!(!all.contains("a-secret-of-the-helper"), "{all}");
        }
    }
}

#[tokio::test]
async fn a_helper_that_keeps_or_says_nothing_is_told() {
    let mut world = World::new().await;
    let config = r#"{"credHelpers":{"a.example":"odd"}}"#;
    for (script, code) in [
        // It gives a login for whatever it is asked, and removes none.
        (
            r#"[ "$1" = get ] && echo '{"Username":"AWS","Secret":"x"}'; [ "$1" != list ]"#,
            "login_remains",
        ),
        ("echo 'the keychain is locked'; exit 1", "login_unknown"),
        ("exec <&-; exit 0", "login_unknown"),
        ("exec <&-; yes | head -c 3000000; exit 0", "login_unknown"),
    ] {
        world.helper("odd", script);
        let told = failed(&world.logout_with(config).await, code);
        assert!(told.contains("docker-credential-odd"), "{script}: {told}");
    }
    // One that cannot list, and has none.
    let script = r#"[ "$1" = get ] && echo 'Credentials not found'; exit 1"#;
    world.helper("odd", script);
    is_done(&world.logout_with(config).await);
}

#[tokio::test]
async fn a_file_that_tells_nothing_is_no_proof() {
    let mut world = World::new().await;
    // Docker would write what it understood of the last one, and nothing else.
    for config in ["{bad", "[]", r#"{"auths":{"a.example":7},"psFormat":7}"#] {
        let told = failed(&world.logout_with(config).await, "login_unknown");
        assert!(told.contains("is no configuration of Docker"), "{told}");
        assert!(told.contains("mend or remove it"), "{told}");
        assert_eq!(fs::read_to_string(world.config()).unwrap(), config);
    }
    fs::remove_file(world.config()).unwrap();
    fs::create_dir(world.config()).unwrap();
    let ended = world.logout("a.example", "org/run/x").await;
    failed(&ended, "login_unknown");
}

#[tokio::test]
async fn a_password_in_a_name_is_not_shown() {
    let mut world = World::new().await;
    let config = r#"{"auths":{"https://u:a-secret-of-a-url@a.example/":{"auth":"YWRhOnB3"}},
        "credsStore":"missing"}"#;
    let ended = world.logout_with(config).await;
    let told = failed(&ended, "login_remains");
    let all = format!("{told}{}", String::from_utf8_lossy(&ended.stderr));
    assert!(!all.contains("a-secret"), "{all}");
}

/// A `docker` that is Podman keeps logins in a file of its own.
#[tokio::test]
async fn a_login_of_podman_under_dockers_name_is_found() {
    let podman = r#"
file="$XDG_RUNTIME_DIR/containers/auth.json"; mkdir -p "${file%/*}"
case "$1" in
--version) echo 'podman version 5.4.2' ;;
login) cat > /dev/null; printf '{"auths":{"%s":{"auth":"YWRhOnB3"}}}' "$5" > "$file" ;;
logout) [ -e "$XDG_RUNTIME_DIR/refuse" ] || echo '{}' > "$file" ;;
esac
"#;
    let mut world = World::with(podman, None).await;
    is_done(&world.login("a.example", "org/run/1").await);
    is_done(&world.login("a.example", "org/run/2").await);
    assert_eq!(
        is_done(&world.logout("a.example", "org/run/1").await).still_held,
        1
    );
    let refuse = world.directory().join("refuse");
    fs::write(&refuse, "").unwrap();
    let told = failed(
        &world.logout("a.example", "org/run/2").await,
        "login_remains",
    );
    assert!(told.contains("containers/auth.json"), "{told}");
    fs::remove_file(&refuse).unwrap();
    is_done(&world.logout("a.example", "org/run/2").await);
}

/// As another user, for whom root's files are what they are.
#[tokio::test]
async fn a_file_that_its_user_may_not_write_or_read_keeps_the_login() {
    if !geteuid().is_root() {
        return;
    }
    let mut world = World::with(DOCKER, Some("nobody")).await;
    let open = |path: PathBuf, mode| fs::set_permissions(path, Permissions::from_mode(mode));
    open(world.supervisor.path().to_owned(), 0o711).unwrap();
    let config = r#"{"auths":{"a.example":{"auth":"YWRhOnB3"}}}"#;
    world.write(config);
    open(world.config(), 0o644).unwrap();
    open(world.directory(), 0o755).unwrap();
    let told = failed(
        &world.logout("a.example", "org/run/x").await,
        "login_remains",
    );
    assert!(told.contains("let the user nobody write"), "{told}");

    open(world.config(), 0o600).unwrap();
    let told = failed(
        &world.logout("a.example", "org/run/x").await,
        "login_unknown",
    );
    assert!(told.contains("cannot be read"), "{told}");

    // A link to a file that root alone may read shows nobody what is in it.
    fs::write(
        world.supervisor.file("roots"),
        r#"{"auths":"a-secret-of-root"}"#,
    )
    .unwrap();
    open(world.supervisor.file("roots"), 0o600).unwrap();
    fs::remove_file(world.config()).unwrap();
    std::os::unix::fs::symlink(world.supervisor.file("roots"), world.config()).unwrap();
    let told = failed(
        &world.logout("a.example", "org/run/x").await,
        "login_unknown",
    );
    assert!(told.contains("cannot be read"), "{told}");
    fs::remove_file(world.config()).unwrap();

    world.write(config);
    for path in [world.directory(), world.config()] {
        chown(path, Some(65534), Some(65534)).unwrap();
    }
    is_done(&world.logout("a.example", "org/run/x").await);
    assert_eq!(world.names(), [""; 0]);
}

#[tokio::test]
async fn a_login_that_left_nothing_is_no_success() {
    let mut world = World::with("cat > /dev/null; echo Login Succeeded", None).await;
    let told = failed(
        &world.login("a.example", "org/run/1").await,
        "login_missing",
    );
    assert!(told.contains("there is no login to a.example"), "{told}");
    // Another's, or of another registry.
    world.write(r#"{"auths":{"b.example":{"auth":"YWRhOnB3"}}}"#);
    failed(
        &world.login("a.example", "org/run/1").await,
        "login_missing",
    );
    world.write(r#"{"auths":{"a.example":{"auth":"Z3JhY2U6cHc="}}}"#);
    let told = failed(
        &world.login("a.example", "org/run/1").await,
        "login_missing",
    );
    assert!(told.contains("another user's"), "{told}");
    world.write(r#"{"credsStore":"missing"}"#);
    let told = failed(
        &world.login("a.example", "org/run/1").await,
        "login_unknown",
    );
    assert!(told.contains("docker-credential-missing"), "{told}");
    // A helper has it, or the entry is a token that names nobody.
    world.helper("own", HELPER);
    world.keep("a.example\tada\n");
    world.write(r#"{"auths":{"a.example":{}},"credsStore":"own"}"#);
    is_done(&world.login("a.example", "org/run/1").await);
    world.write(r#"{"auths":{"a.example":{"identitytoken":"x"}}}"#);
    is_done(&world.login("a.example", "org/run/1").await);
}

#[tokio::test]
async fn a_helper_that_never_answers_ends_with_the_time() {
    let mut world = World::new().await;
    world.helper("slow", "[ \"$1\" = list ] && exec sleep 600; exit 0");
    world.write(r#"{"credsStore":"slow"}"#);
    let logout = Action::RegistryLogout(RegistryLogout {
        registry: "a.example".into(),
        timeout_seconds: 2,
        holder: "org/run/1".into(),
    });
    let ended = run(&mut world.client, logout).await;
    assert_eq!(
        (ended.finished.state(), ended.code()),
        (State::TimedOut, 124)
    );
}
