#!/bin/sh
# Installs the Reoclo runner of @URL@ on this machine, or brings it up to date.
#
#   { curl -fsSL @URL@/install.sh || echo exit 1; } | sh -s -- --token TOKEN
#
# Everything is in functions, and the last line calls them: a download that was cut runs nothing,
# and the command's `exit 1` then says so to whoever asks.

set -u

url='@URL@'
version='@VERSION@'
platform='@PLATFORM@'
sha256='@SHA256@'
glibc='@GLIBC@'

usage() {
    cat <<'USAGE'
Options:
  --token TOKEN       the single-use token of the install command
  --token-file FILE   read it from a file instead; - is the standard input
  --url URL           the control plane's address
  --ca-cert FILE      trust this certificate authority too
  --exec-user NAME    the user that commands run as (default: as before, or root)
  --prefix DIR        install the program into DIR/bin (default: /usr/local)
  --data-dir DIR      the runner's data (default: /var/lib/reoclo-runner)
  --no-systemd        install the program only, and say how to start it
  --no-self-upgrade   the runner stays at this version, until this script is run again
  --unit-file FILE    where the systemd unit goes (default: below /etc/systemd/system)
  --env-file FILE     where the proxy's settings go (default: /etc/reoclo-runner.env, or
                      proxy.env in the data directory with --no-systemd)
  --print-unit        print the systemd unit and change nothing

A proxy is taken from HTTPS_PROXY, ALL_PROXY and NO_PROXY, and kept for the runner.
USAGE
}

main() {
    token='' token_file='' ca_cert='' exec_user=''
    prefix=/usr/local data_dir=/var/lib/reoclo-runner
    systemd=yes self_upgrade=yes only_print=no new=''
    unit_file=/etc/systemd/system/reoclo-runner.service
    env_file=''
    umask 022

    parse "$@"
    [ -n "$env_file" ] || env_file=$(default_env_file)
    check_values
    keep_exec_user
    program="$prefix/bin/reoclo"
    if [ "$only_print" = yes ]; then
        unit
        exit 0
    fi

    check_machine
    check_enrolment
    trap 'rm -f "$new"' EXIT
    trap 'exit 1' HUP INT TERM
    fetch
    enrol
    mv -f "$new" "$program" || refuse "the program could not be put at $program"
    start
}

refuse() {
    printf 'reoclo: %s\n' "$1" >&2
    exit 1
}

# Without systemd this may be anybody's machine and anybody's user.
default_env_file() {
    if [ "$systemd" = yes ]; then
        printf /etc/reoclo-runner.env
    else
        printf '%s/proxy.env' "$data_dir"
    fi
}

say() {
    printf '%s\n' "$1"
}

has() {
    command -v "$1" >/dev/null 2>&1
}

parse() {
    while [ $# -gt 0 ]; do
        case $1 in
            --token | --token-file | --url | --ca-cert | --exec-user | --prefix | --data-dir | --unit-file | --env-file)
                [ $# -ge 2 ] || refuse "$1 needs a value"
                set_value "$1" "$2"
                shift 2
                ;;
            --token=* | --token-file=* | --url=* | --ca-cert=* | --exec-user=* | --prefix=* | --data-dir=* | --unit-file=* | --env-file=*)
                set_value "${1%%=*}" "${1#*=}"
                shift
                ;;
            --no-systemd) systemd=no; shift ;;
            --no-self-upgrade) self_upgrade=no; shift ;;
            --print-unit) only_print=yes; shift ;;
            --help) usage; exit 0 ;;
            --*[!a-z-]*) usage >&2; refuse "one of the arguments is not an option of this script" ;;
            --*) usage >&2; refuse "this script has no option $1" ;;
            # It may be a token, which is not for a log.
            *) usage >&2; refuse "one of the arguments is not an option of this script" ;;
        esac
    done
}

set_value() {
    case $1 in
        --token) token=$2 ;;
        --token-file) token_file=$2 ;;
        --url) url=${2%/} ;;
        --ca-cert) ca_cert=$2 ;;
        --exec-user) exec_user=$2 ;;
        --prefix) prefix=${2%/} ;;
        --data-dir) data_dir=${2%/} ;;
        --unit-file) unit_file=$2 ;;
        --env-file) env_file=$2 ;;
    esac
}

# Values go into a unit file and onto command lines: only what needs no quoting there.
check_values() {
    case $token in
        '') ;;
        ren_*[!0-9A-Za-z]*) bad_token ;;
        ren_?*) ;;
        *) bad_token ;;
    esac
    case $url in
        *[!0-9A-Za-z.:/_~\[\]-]* | *//*//*) bad_url ;;
        https://?* | http://localhost | http://localhost[:/]* | http://127.*) ;;
        http://\[::1\]*) ;;
        http://*) refuse "http:// is only for this machine: the control plane needs https://" ;;
        *) bad_url ;;
    esac
    case $exec_user in
        *[!0-9A-Za-z._-]* | -*) refuse "the value of --exec-user is not the name of a user" ;;
    esac
    [ -z "$token_file" ] || [ -z "$token" ] || refuse "give --token or --token-file, not both"
    check_path --prefix "$prefix"
    check_path --data-dir "$data_dir"
    check_path --unit-file "$unit_file"
    check_path --env-file "$env_file"
    check_proxy
    [ -z "$ca_cert" ] || check_path --ca-cert "$ca_cert"
}

# Bringing the program up to date must not give commands another user than before.
keep_exec_user() {
    [ -z "$exec_user" ] && [ -f "$unit_file" ] || return 0
    exec_user=$(sed -n 's/^ExecStart=.* --exec-user \([0-9A-Za-z._-]*\).*$/\1/p' "$unit_file")
}

bad_token() {
    refuse "the value of --token is not an enrolment token: copy the install command whole"
}

bad_url() {
    refuse "the value of --url is not an address such as https://reoclo.example.com"
}

# The proxy of this environment, in either spelling. Its address may hold a password, so it is
# never printed.
check_proxy() {
    proxy=${https_proxy:-${HTTPS_PROXY:-}}
    all_proxy_found=${all_proxy:-${ALL_PROXY:-}}
    no_proxy_found=${no_proxy:-${NO_PROXY:-}}
    for value in "$proxy" "$all_proxy_found" "$no_proxy_found"; do
        case $value in
            *[\'\"\\]* | *"
"*) refuse "HTTPS_PROXY, ALL_PROXY or NO_PROXY has a quote, a backslash or a line break: write it as %27, %22, %5C or %0A" ;;
        esac
    done
    # wget knows the lower-case names only.
    if [ -n "$proxy$all_proxy_found" ]; then
        https_proxy=${proxy:-$all_proxy_found} no_proxy=$no_proxy_found
        export https_proxy no_proxy
    fi
}

# In a file that only root reads: a unit and a list of processes are for everyone. Without a proxy
# in the environment, what was kept before stays.
keep_proxy() {
    [ -n "$proxy$all_proxy_found$no_proxy_found" ] || return 0
    (
        umask 077
        rm -f "$env_file.new"
        {
            [ -z "$proxy" ] || printf "HTTPS_PROXY='%s'\n" "$proxy"
            [ -z "$all_proxy_found" ] || printf "ALL_PROXY='%s'\n" "$all_proxy_found"
            [ -z "$no_proxy_found" ] || printf "NO_PROXY='%s'\n" "$no_proxy_found"
        } >"$env_file.new"
    ) || refuse "the proxy's settings could not be written to $env_file"
    mv -f "$env_file.new" "$env_file" || refuse "the proxy's settings could not be written to $env_file"
}

check_path() {
    case $2 in
        *[!0-9A-Za-z._/+@=-]*) refuse "the path of $1 has a character that is not supported" ;;
        /?*) ;;
        *) refuse "the path of $1 must begin with /" ;;
    esac
}

check_machine() {
    [ "$(uname -s)" = Linux ] || refuse "the runner needs Linux"
    check_architecture
    check_libc
    if [ "$systemd" = yes ]; then
        [ "$(id -u)" = 0 ] ||
            refuse "this needs root: put sudo before sh, as in: … | sudo sh -s -- …"
        if ! has systemctl || ! [ -d /run/systemd/system ]; then
            refuse "this machine does not run systemd: use --no-systemd and start the runner yourself"
        fi
    fi
    has curl || has wget || refuse "this needs curl or wget: install one of them"
    has sha256sum || has shasum || has openssl || refuse "this needs sha256sum: install coreutils"
}

check_architecture() {
    machine=$(uname -m)
    case $machine in
        amd64) machine=x86_64 ;;
        arm64) machine=aarch64 ;;
    esac
    [ "linux-$machine" = "$platform" ] ||
        refuse "this machine is $machine, and the control plane has the program for ${platform#linux-} only: copy a reoclo that was built for $machine here and run: reoclo runner --url $url --token …"
}

check_libc() {
    [ -n "$glibc" ] || return 0
    found=$(libc_version)
    case $found in
        musl) refuse "this machine has musl, and the program needs glibc $glibc or newer" ;;
        [0-9]*.[0-9]*) ;;
        *) refuse "the version of this machine's libc is not known, and the program needs glibc $glibc or newer" ;;
    esac
    if is_older "$found" "$glibc"; then
        refuse "this machine has glibc $found, and the program needs $glibc or newer: use a newer distribution"
    fi
}

# The version of glibc, musl, or nothing.
libc_version() {
    if has getconf; then
        found=$(getconf GNU_LIBC_VERSION 2>/dev/null)
        case $found in
            'glibc '*) printf '%s' "${found#glibc }"; return ;;
        esac
    fi
    found=$(ldd --version 2>&1 | sed -n 1p)
    case $found in
        *musl*) printf musl ;;
        *[0-9].[0-9]*) printf '%s' "${found##* }" ;;
    esac
}

# Whether version $1 is older than $2, by major and minor number.
is_older() {
    major=${1%%.*} minor=${1#*.}
    minor=${minor%%[!0-9]*}
    wanted_major=${2%%.*} wanted_minor=${2#*.}
    wanted_minor=${wanted_minor%%[!0-9]*}
    [ "$major" -lt "$wanted_major" ] ||
        { [ "$major" -eq "$wanted_major" ] && [ "$minor" -lt "$wanted_minor" ]; }
}

check_enrolment() {
    [ -n "$token$token_file" ] || [ -f "$data_dir/runner.json" ] ||
        refuse "this machine is not enrolled yet: give --token, as in the install command"
}

# Downloads beside the place where the program goes, so that it gets there in one step.
fetch() {
    mkdir -p "$prefix/bin" || refuse "the directory $prefix/bin could not be made"
    new=$(mktemp "$prefix/bin/.reoclo.XXXXXX") || refuse "nothing can be written to $prefix/bin"
    say "Downloading reoclo $version for $platform from $url"
    download "$url/runner/v1/binary/$platform" "$new" ||
        refuse "the program could not be downloaded from $url: $(why_not_downloaded $?)"
    [ "$(checksum "$new")" = "$sha256" ] ||
        refuse "the program that was downloaded is not the one that this script was made for: nothing was installed. Get the install command again"
    chmod 755 "$new" || refuse "the program could not be made executable"
    said=$("$new" --version 2>&1 >/dev/null) ||
        refuse "the program does not run on this machine, so nothing was installed: $(why_not_run)"
}

why_not_run() {
    case $said in
        *[Pp]ermission*) printf '%s' "nothing may be run from $prefix/bin (a mount with noexec, or a security policy): choose another --prefix" ;;
        ?*) printf '%s' "$said" ;;
        *) printf '%s' "it ended without a word" ;;
    esac
}

# By the exit codes of curl and wget, $1; the disk is looked at first, since neither is sure of it.
why_not_downloaded() {
    if ! head -c 1048576 /dev/zero 2>/dev/null >"$new"; then
        printf '%s' "nothing more can be written to $prefix/bin: is the disk full?"
    elif has curl; then
        case $1 in
            5 | 97) printf '%s' "the proxy of HTTPS_PROXY or ALL_PROXY was not found" ;;
            6) printf '%s' "its name was not found" ;;
            7) printf '%s' "nothing answers there: is there a firewall, or a proxy to name in HTTPS_PROXY?" ;;
            22) printf '%s' "it answered with an error" ;;
            28) printf '%s' "it took too long" ;;
            35 | 58 | 60 | 77 | 83 | 90 | 91) printf '%s' "$not_trusted" ;;
            *) printf '%s' "curl ended with $1" ;;
        esac
    else
        case $1 in
            4) printf '%s' "nothing answers there: is there a firewall, or a proxy to name in HTTPS_PROXY?" ;;
            5) printf '%s' "$not_trusted" ;;
            8) printf '%s' "it answered with an error" ;;
            *) printf '%s' "wget ended with $1" ;;
        esac
    fi
}

not_trusted='its certificate is not trusted here: name the authority that made it with --ca-cert FILE'

download() {
    if has curl; then
        set -- --fail --silent --show-error --location --output "$2" "$1"
        [ -z "$ca_cert" ] || set -- --cacert "$ca_cert" "$@"
        case $url in
            https:*) set -- --proto =https --tlsv1.2 "$@" ;;
        esac
        curl "$@"
    else
        set -- -q -O "$2" "$1"
        [ -z "$ca_cert" ] || set -- "--ca-certificate=$ca_cert" "$@"
        wget "$@"
    fi
}

checksum() {
    if has sha256sum; then
        sum=$(sha256sum "$1")
    elif has shasum; then
        sum=$(shasum -a 256 "$1")
    else
        sum=$(openssl dgst -sha256 -r "$1")
    fi
    printf '%s' "${sum%% *}"
}

# Before the program is put in its place: without an identity it would be of no use. The token
# goes through the standard input, which no list of processes shows.
enrol() {
    [ -n "$token$token_file" ] || return 0
    set -- runner enrol --url "$url" --data-dir "$data_dir"
    [ -z "$ca_cert" ] || set -- "$@" --ca-cert "$ca_cert"
    if [ -n "$token_file" ]; then
        "$new" "$@" --token-file "$token_file"
    else
        printf '%s\n' "$token" | "$new" "$@" --token-file -
    fi || refuse "this machine was not enrolled: nothing was installed"
}

arguments() {
    printf '%s' "runner --data-dir $data_dir --installed"
    [ -z "$exec_user" ] || printf '%s' " --exec-user $exec_user"
    [ "$self_upgrade" = yes ] || printf '%s' " --no-self-upgrade"
}

# What the commands of users do is not confined here: that is what they are for. They go on when
# the runner is stopped or started anew (KillMode), and when one of them runs out of memory
# (OOMPolicy). The runner makes a cgroup for each of them (Delegate). After 2 (started wrongly)
# and 3 (the server was removed) another start is no use.
unit() {
    cat <<UNIT
[Unit]
Description=Reoclo runner
Wants=network-online.target
After=network-online.target
StartLimitIntervalSec=0

[Service]
ExecStart=$program $(arguments)
EnvironmentFile=-$env_file
Restart=always
RestartSec=5
RestartPreventExitStatus=2 3
KillMode=process
Delegate=yes
OOMPolicy=continue
TasksMax=infinity
TimeoutStopSec=15

[Install]
WantedBy=multi-user.target
UNIT
}

start() {
    keep_proxy
    if [ "$systemd" = no ]; then
        say "Installed $program. Start the runner with:"
        if [ -f "$env_file" ]; then
            say "  set -a; . $env_file; set +a; $program $(arguments)"
        else
            say "  $program $(arguments)"
        fi
        return
    fi
    unit >"$unit_file.new" || refuse "the unit could not be written to $unit_file"
    mv -f "$unit_file.new" "$unit_file" || refuse "the unit could not be written to $unit_file"
    systemctl daemon-reload || refuse "systemd does not read its units again"
    systemctl enable reoclo-runner.service || refuse "the service could not be enabled"
    systemctl restart reoclo-runner.service || refuse "the service could not be started: see systemctl status reoclo-runner"
    say "The runner is installed and started: see reoclo runner status, and journalctl -u reoclo-runner"
}

{ main "$@"; exit; }
