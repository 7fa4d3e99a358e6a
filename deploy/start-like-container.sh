#!/usr/bin/env bash
# Runs on this host what the containers run, in the order of docker-compose.yml:
# the action service until it is healthy, then the bot, then one message.
#
#   deploy/start-like-container.sh FOLDER_WITH_PROGRAMS MODEL
#
# The commands are those of the Dockerfile, the files those of deploy/; addresses
# are this host's. With DB_PORT (and DB_NAME, DB_USER, DB_PASSWORD) conversations go
# to the PostgreSQL there, as in the containers; without it to a file.
set -euo pipefail

programs=$(realpath "$1")
model=$(realpath "$2")
readonly programs model
readonly actions_port=${ACTIONS_PORT:-5055} port=${SAPA_PORT:-5005}
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
readonly root
folder=$(mktemp -d)
readonly folder
pids=()

clean_up() {
    local status=$?
    trap - EXIT
    for pid in "${pids[@]}"; do kill -TERM "$pid" 2>/dev/null || true; done
    wait || true
    rm -rf "$folder"
    exit "$status"
}
trap clean_up EXIT

await() {
    for _ in $(seq 100); do
        "$@" 2>/dev/null && return 0
        sleep 0.1
    done
    echo "error: not healthy: $*" >&2
    return 1
}

"$programs/helpdesk-actions" run --host 0.0.0.0 --port "$actions_port" --db "$folder/helpdesk.db" \
    --people "$root/actions/data_pengguna.json" >"$folder/actions.log" 2>&1 &
pids+=($!)
await "$programs/helpdesk-actions" health "127.0.0.1:$actions_port"

cd "$folder"
if [[ -n ${DB_PORT:-} ]]; then
    sed -e "s#actions:5055#127.0.0.1:$actions_port#" -e 's#url: database$#url: 127.0.0.1#' \
        -e "s#port: 5432\$#port: $DB_PORT#" -e "s#db: sapa\$#db: ${DB_NAME:-sapa}#" "$root/deploy/endpoints.yml" >endpoints.yml
else
    sed "s#localhost:5055#127.0.0.1:$actions_port#" "$root/endpoints.yml" >endpoints.yml
fi
# REST is open here only to ask something.
{ cat "$root/deploy/credentials.yml"; echo "rest:"; } >credentials.yml
"$programs/sapa" run --enable-api --port "$port" --model "$model" >"$folder/sapa.log" 2>&1 &
pids+=($!)
await "$programs/sapa" health "http://127.0.0.1:$port/health" || {
    cat "$folder/sapa.log" >&2
    exit 1
}

exec 3<>"/dev/tcp/127.0.0.1/$port"
body='{"sender": "warga", "message": "/hubungi_petugas"}'
printf 'POST /webhooks/rest/webhook HTTP/1.1\r\nHost: sapa\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%s' \
    "${#body}" "$body" >&3
answer=$(cat <&3)
case $answer in
*'HD-'*) echo 'the bot answers with a ticket, as in the containers' ;;
*)
    echo "error: no ticket in the answer: $answer" >&2
    exit 1
    ;;
esac
