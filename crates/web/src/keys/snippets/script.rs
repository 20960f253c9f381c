//! A request of an operation, in words that any shell with curl reads.

/// What is asked for.
pub(super) struct Ask {
    /// Below `/api/automation/v1`.
    pub(super) path: &'static str,
    /// The JSON that is sent, which has no apostrophe.
    pub(super) body: String,
}

/// Starts the operation, waits for its end, shows its output, and ends with its exit code.
///
/// It needs curl and what busybox has. The key stands in no process's arguments and is not traced;
/// `key` is a shell word. Whatever goes wrong on the way ends with 1, never with 0: what was asked
/// for is sent once, and only waiting is tried again.
pub(super) fn run_and_wait(url: &str, key: &str, ask: &Ask) -> String {
    HEAD.replace("@KEY@", key).replace("@URL@", url)
        + &format!(
            "  answer=$(ask -w '\\n%{{http_code}}' -H 'Content-Type: application/json' \
             \"$api/{}\" -d '{}')\n",
            ask.path,
            ask.body.replace('\n', "\n  ")
        )
        + TAIL
}

const HEAD: &str = r#"(
  { set +ex; } 2>/dev/null
  key=@KEY@
  api='@URL@/api/automation/v1'
  ask() { printf 'Authorization: Bearer %s\n' "$key" | curl -sS -m 90 --connect-timeout 10 -H @- "$@"; }
  pick() { printf '%s\n' "$answer" | sed -n "s/$1/\\1/p" | tail -n 1; }
  detail() { pick '.*"detail":"\([^"]*\)".*' >&2; }
  give_up() { detail; printf 'reoclo: %s (HTTP %s)\n' "$1" "$http" >&2; exit 1; }

"#;

const TAIL: &str = r#"
  http=$(printf '%s\n' "$answer" | tail -n 1)
  id=$(pick '^{"operation_id":"\([0-9a-f-]*\)".*')
  [ -n "$id" ] || give_up 'nothing was started, or no answer tells of it'

  code= failures=0
  while [ -z "$code" ]; do
    answer=$(ask -D - -w '\n%{http_code}' "$api/operations/$id?wait=50&fail=1")
    http=$(printf '%s\n' "$answer" | tail -n 1)
    case $http in
      200 | 424)
        code=$(pick '^[Rr]eoclo-[Ee]xit-[Cc]ode: *\([0-9][0-9]*\).*')
        [ -n "$code" ] || give_up "the answer about $id has no exit code" ;;
      202) failures=0; sleep 1 ;;
      408 | 429 | 5* | 000 | '')
        failures=$((failures + 1))
        [ "$failures" -lt 20 ] || give_up "operation $id may run on"
        sleep 3 ;;
      *) give_up "operation $id may run on" ;;
    esac
  done

  ask -f -m 900 "$api/operations/$id/logs?stream=stdout"
  ask -f -m 900 "$api/operations/$id/logs?stream=stderr" >&2
  [ "$http" = 200 ] || detail
  [ "$code" -le 255 ] || code=1
  exit "$code"
)"#;
