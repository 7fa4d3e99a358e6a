#!/usr/bin/env bash
# Runs the programs that break things in their long form, and prints what came of them:
# a thousand kills, a database that goes away, answers that get lost, a log that is cut
# at every byte. It takes long. The tests run the short form. Needs what
# `./test.sh` installs: PostgreSQL, nginx.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

table="$(mktemp)"
trap 'rm -f "$table"' EXIT
# What is missing is an error: a line that is not there would look like a success.
export SAPA_REQUIRE_ALL=1 SAPA_FAULTS=long SAPA_FAULT_TABLE="$table"
cargo test --release --locked --package sapa --test integration -- --test-threads=1 faults:: --skip telegram_faults::
cargo test --release --locked --package sapa --lib -- after_a_crash_all_commits
echo
echo "| fault | runs | kills | messages | lost | doubled turns | doubled answers | doubtful |"
echo "|---|---|---|---|---|---|---|---|"
cat "$table"
