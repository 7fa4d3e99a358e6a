#!/usr/bin/env bash
# Builds everything, trains the bot, starts the action service and the server,
# and opens a chat in this terminal. Leaving the chat stops both again.
#
#   ./run.sh [flags of `sapa shell`]      for example: ./run.sh --debug
#
# SAPA_PORT   port of the server, 5005 by default
#
# The action service listens on 5055, the port that endpoints.yml names. Both
# listen on this machine only. Their logs are in logs/.
set -euo pipefail

unset CDPATH
cd -- "$(dirname -- "${BASH_SOURCE[0]}")"

readonly actions_port=5055
readonly server_port="${SAPA_PORT:-5005}"
readonly start_seconds=30 stop_seconds=10
readonly actions_log=logs/actions.log server_log=logs/server.log

terminal=''

fail() {
    printf 'run.sh: %s\n' "$*" >&2
    exit 1
}

# Ends a process that this script started, and waits until it is gone.
stop() {
    local pid=$1 deadline=$((SECONDS + stop_seconds))
    kill -TERM "$pid" 2>/dev/null || true
    while kill -0 "$pid" 2>/dev/null && ((SECONDS < deadline)); do sleep 0.05; done
    kill -KILL "$pid" 2>/dev/null || true
    wait "$pid" 2>/dev/null || true
}

clean_up() {
    local status=$? pid pids=''
    trap - EXIT
    trap '' INT TERM HUP
    # The last started goes first: a turn under way may need the action service.
    for pid in $(jobs -rp); do pids="$pid $pids"; done
    for pid in $pids; do stop "$pid"; done
    # A chat that was killed leaves the terminal in its own mode.
    if [[ -n $terminal ]]; then stty "$terminal" 2>/dev/null || true; fi
    exit "$status"
}

# Whether something listens on that port of this machine.
is_taken() {
    (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null
}

# Whether GET /health on that port answers 200.
is_healthy() (
    exec 2>/dev/null 3<>"/dev/tcp/127.0.0.1/$1" || exit 1
    printf 'GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n' >&3
    IFS= read -r -t 2 status <&3 && [[ $status == 'HTTP/1.1 200'* ]]
)

# Waits until a process answers; stops with the end of its log if it does not.
await_health() {
    local name=$1 pid=$2 port=$3 log=$4 problem='' deadline=$((SECONDS + start_seconds))
    while true; do
        if ! kill -0 "$pid" 2>/dev/null; then
            problem='ended at once'
        elif is_healthy "$port"; then
            return 0
        elif ((SECONDS >= deadline)); then
            problem="did not answer within $start_seconds seconds"
        fi
        [[ -z $problem ]] || break
        sleep 0.1
    done
    printf 'run.sh: the %s %s. The end of %s:\n' "$name" "$problem" "$log" >&2
    tail -n 40 "$log" >&2
    exit 1
}

# Exports the NAME=value lines of .env. What is set already wins; values are
# never printed. `sapa` reads .env itself.
load_env() {
    local line name value
    [[ -f .env ]] || return 0
    while IFS= read -r line || [[ -n $line ]]; do
        line=${line%$'\r'}
        [[ $line =~ ^[[:space:]]*(export[[:space:]]+)?([A-Za-z_][A-Za-z0-9_]*)[[:space:]]*=[[:space:]]*(.*)$ ]] || continue
        name=${BASH_REMATCH[2]} value=${BASH_REMATCH[3]}
        [[ -z ${!name+set} ]] || continue
        if [[ $value =~ ^\"([^\"]*)\"[[:space:]]*(#.*)?$ || $value =~ ^\'([^\']*)\'[[:space:]]*(#.*)?$ ||
            $value =~ ^\"(.*)\"[[:space:]]*$ || $value =~ ^\'(.*)\'[[:space:]]*$ ]]; then
            value=${BASH_REMATCH[1]}
        else
            value=${value%%[[:space:]]#*}
            value=${value%"${value##*[![:space:]]}"}
        fi
        export "$name=$value"
    done <.env
}

[[ $server_port =~ ^[1-9][0-9]{0,4}$ ]] && ((server_port <= 65535)) || fail 'SAPA_PORT must be a port number'
[[ $server_port != "$actions_port" ]] || fail "SAPA_PORT cannot be $actions_port: the action service listens there"
command -v cargo >/dev/null || fail 'cargo was not found; install Rust from https://rustup.rs'
! is_taken "$actions_port" || fail "port $actions_port (action service) is taken; stop the program that uses it"
! is_taken "$server_port" || fail "port $server_port (server) is taken; stop the program that uses it, or set SAPA_PORT"

# Two at once would take each other's server for their own.
if command -v flock >/dev/null; then
    (umask 077 && mkdir -p logs && : >>logs/run.lock)
    exec 9<logs/run.lock
    flock --nonblock 9 || fail 'another run.sh of this folder is at work; leave its chat with /stop first'
fi

if [[ -t 0 ]]; then terminal=$(stty -g 2>/dev/null || true); fi
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
trap 'exit 129' HUP

# What is typed or piped in is for the chat alone.
cargo build --release --workspace --bins </dev/null
target/release/sapa train </dev/null

(
    umask 077
    mkdir -p logs
    : >"$actions_log"
    : >"$server_log"
)
(
    load_env
    exec target/release/helpdesk-actions run
) </dev/null >>"$actions_log" 2>&1 &
actions_pid=$!
target/release/sapa run --enable-api --interface 127.0.0.1 --port "$server_port" </dev/null >>"$server_log" 2>&1 &
server_pid=$!
await_health 'action service' "$actions_pid" "$actions_port" "$actions_log"
await_health server "$server_pid" "$server_port" "$server_log"

printf '\nHalo! Bot siap: ketik pesan Anda di bawah ini. / The bot is ready: type below, or from another terminal: %s\n\n' \
    "curl -s http://127.0.0.1:$server_port/webhooks/rest/webhook -d '{\"sender\": \"saya\", \"message\": \"lupa password simasn\"}'"

# In the background with this script's input, so that a signal is heard at once.
target/release/sapa shell "$@" <&0 &
wait $!
