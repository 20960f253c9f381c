//! A request of an operation, in words that any shell with curl reads.

/// What is asked for.
pub(super) struct Ask {
    /// Below `/api/automation/v1`.
    pub(super) path: &'static str,
    /// What a shell is to run on the server, if that is what is asked for.
    pub(super) command: Option<&'static str>,
    /// The other fields of the JSON that is sent, none of which has an apostrophe.
    pub(super) fields: Vec<String>,
}

/// Starts the operation, waits for its end, shows its output, and ends with its exit code.
///
/// It needs curl and what busybox has. The key stands in no process's arguments and is not traced;
/// `key` is a shell word. What was asked for is sent once, with a `run_id` of its own: when the
/// answer to it is lost, the operation is found again by that, and only looking and waiting are
/// tried again. It ends with 1 only when nothing was started, with 254 when the operation may be
/// running or nobody can tell how it ended, and never with 0 for either.
pub(super) fn run_and_wait(url: &str, key: &str, ask: &Ask) -> String {
    HEAD.replace("@KEY@", key).replace("@URL@", url)
        + &ask.command.map(written).unwrap_or_default()
        + &format!("  body='{}'\n", body(ask))
        + &SEND.replace("@PATH@", ask.path)
        + WAIT
}

/// The command as one would type it: the shell reads nothing in it, and `sed` makes JSON of it.
fn written(command: &str) -> String {
    format!(
        "  # The command stands between the two lines END_OF_COMMAND as it is, quotes and all.\n  \
         what() {{ cat <<'END_OF_COMMAND'\n{command}\nEND_OF_COMMAND\n  }}\n"
    )
}

fn body(ask: &Ask) -> String {
    let command = ask.command.map(|_| "\"command\": \"'$(what | json)'\"");
    let fields = ask.fields.iter().map(String::as_str);
    let fields: Vec<_> = fields
        .chain(command)
        .chain(["\"run_id\": \"'$run'\""])
        .collect();
    format!("{{\n    {}\n  }}", fields.join(",\n    "))
}

const HEAD: &str = r#"(
  { set +ex; } 2>/dev/null
  key=@KEY@
  reoclo='@URL@'
  api="$reoclo/api/automation/v1"
  run=shell-$(date +%s)-$(od -An -N8 -tx1 /dev/urandom | tr -d ' \n')
  tab=$(printf '\t')
  ask() { printf 'Authorization: Bearer %s\n' "$key" | curl -sS -m 90 --connect-timeout 10 -H @- "$@"; }
  pick() { printf '%s\n' "$answer" | sed -n "s/$1/\\1/p" | tail -n 1; }
  detail() { pick '.*"detail":"\([^"]*\)".*'; }
  json() { sed -e :a -e '$!N' -e '$!ba' -e 's/\\/\\\\/g' -e 's/"/\\"/g' -e "s/$tab/\\\\t/g" -e 's/\n/\\n/g'; }
  end() { detail >&2; printf 'reoclo: %s (HTTP %s)\n' "$2" "$http" >&2; exit "$1"; }
  unknown() { end 254 "$1 Look before you start it again: $reoclo/operations?run_id=$run"; }

"#;

const SEND: &str = r#"
  answer=$(ask -w '\n%{http_code}' -H 'Content-Type: application/json' "$api/@PATH@" -d "$body")
  sent=$? http=$(printf '%s\n' "$answer" | tail -n 1)
  id=$(pick '^{"operation_id":"\([0-9a-f-]*\)".*')
  [ -n "$id" ] || case "${sent}:$http" in
    [123]:* | [567]:* | 35:* | 60:* | 77:* | 126:* | 127:*)
      end 1 'nothing was started: the request could not be sent' ;;
    *:408) ;;
    *:3?? | *:4??) end 1 'nothing was started: the request was refused' ;;
  esac

  # The answer was lost, and with it the operation's id: it is found by its run_id.
  refusal= nothing=0 failures=0
  [ -n "$id" ] || refusal=$(detail)
  while [ -z "$id" ]; do
    answer=$(ask -w '\n%{http_code}' "$api/operations?run_id=$run")
    http=$(printf '%s\n' "$answer" | tail -n 1)
    case $http in
      200)
        id=$(pick '^{"items":\[{"operation_id":"\([0-9a-f-]*\)".*')
        [ -z "$id" ] || continue
        nothing=$((nothing + 1))
        [ -z "$refusal" ] || end 1 "nothing was started: $refusal"
        [ "$nothing" -lt 6 ] || unknown "the answer was lost, and nothing was begun as run $run so far." ;;
      408 | 429 | 5* | 000 | '')
        failures=$((failures + 1))
        [ "$failures" -lt 20 ] || unknown "the answer was lost: what was asked for may be running, as run $run." ;;
      *) unknown "the answer was lost: what was asked for may be running, as run $run." ;;
    esac
    sleep 3
  done
"#;

const WAIT: &str = r#"
  code= failures=0
  while [ -z "$code" ]; do
    answer=$(ask -D - -w '\n%{http_code}' "$api/operations/$id?wait=50&fail=1")
    http=$(printf '%s\n' "$answer" | tail -n 1)
    case $http in
      200 | 424)
        code=$(pick '^[Rr]eoclo-[Ee]xit-[Cc]ode: *\([0-9][0-9]*\).*')
        [ -n "$code" ] || unknown "the answer about operation $id has no exit code." ;;
      202) failures=0; sleep 1 ;;
      408 | 429 | 5* | 000 | '')
        failures=$((failures + 1))
        [ "$failures" -lt 20 ] || unknown "operation $id may run on, as run $run."
        sleep 3 ;;
      *) unknown "operation $id may run on, as run $run." ;;
    esac
  done

  ask -f -m 900 "$api/operations/$id/logs?stream=stdout"
  ask -f -m 900 "$api/operations/$id/logs?stream=stderr" >&2
  [ "$http" = 200 ] || detail >&2
  [ "$code" -le 255 ] || code=1
  exit "$code"
)"#;
