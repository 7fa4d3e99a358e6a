#!/usr/bin/env bash
# Runs every test on a clean checkout: formatting, lints, unit and integration
# tests, the bot's dialogues and test stories.
#
# SAPA_REQUIRE_ALL=1 turns a missing tool into a failure instead of a notice.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

require_all="${SAPA_REQUIRE_ALL:-0}"

missing() {
  if [ "$require_all" = 1 ]; then
    echo "error: $1" >&2
    exit 1
  fi
  echo "notice: $1; this part is left out" >&2
}

command -v cargo >/dev/null || { echo "error: Rust is needed: https://rustup.rs" >&2; exit 1; }
if ! command -v cc >/dev/null; then
  # SQLite and ring are compiled from C.
  if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    apt-get update -qq && apt-get install -y -qq gcc libc6-dev
  else
    echo "error: a C compiler is needed (Debian: apt-get install gcc libc6-dev)" >&2
    exit 1
  fi
fi

# The tests start PostgreSQL servers of their own in temporary folders.
has_postgres() {
  local initdb
  for initdb in /usr/lib/postgresql/*/bin/initdb /usr/local/pgsql/bin/initdb; do
    [ -x "$initdb" ] && return 0
  done
  return 1
}
if ! has_postgres && [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
  # Debian's package would make a cluster and start it: not wanted here.
  mkdir -p /etc/postgresql-common
  [ -e /etc/postgresql-common/createcluster.conf ] ||
    echo 'create_main_cluster = false' >/etc/postgresql-common/createcluster.conf
  apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq \
    -o Dpkg::Options::=--force-confold postgresql || true
fi
has_postgres || missing "PostgreSQL is not installed (Debian: apt-get install postgresql)"

# So they do with RabbitMQ, Redis, nginx as a balancer, and a Kafka server.
debian_program() {
  local program=$1 package=$2 had_policy=1
  [ -x "$program" ] && return
  if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    # Debian's packages would start servers: not wanted here.
    [ -e /usr/sbin/policy-rc.d ] || { had_policy=0; printf '#!/bin/sh\nexit 101\n' >/usr/sbin/policy-rc.d; chmod 755 /usr/sbin/policy-rc.d; }
    apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$package" || true
    [ "$had_policy" = 1 ] || rm -f /usr/sbin/policy-rc.d
  fi
  [ -x "$program" ] || missing "$package is not installed (Debian: apt-get install $package)"
}
debian_program /usr/lib/rabbitmq/bin/rabbitmq-server rabbitmq-server
debian_program /usr/bin/redis-server redis-server
debian_program /usr/sbin/nginx nginx-light
# It brings a Kafka server along.
debian_program /usr/bin/kcat kcat

# Nothing that looks like a bot token may stand in a tracked file.
if git rev-parse --git-dir >/dev/null 2>&1; then
  # Names of files only: this log is read by others.
  if git grep -lE '[0-9]{8,10}:[A-Za-z0-9_-]{35}' -- . >&2; then
    echo "error: the files above hold what looks like a bot token; secrets come from the environment" >&2
    exit 1
  fi
fi

if cargo fmt --version >/dev/null 2>&1; then
  cargo fmt --all --check
else
  missing "rustfmt is not installed (rustup component add rustfmt)"
fi

# One profile and one build for programs and tests: the tests of a package bring its
# programs along.
cargo test --release --locked --workspace

if cargo clippy --version >/dev/null 2>&1; then
  cargo clippy --release --locked --workspace --all-targets -- -D warnings
else
  missing "clippy is not installed (rustup component add clippy)"
fi
RUSTDOCFLAGS="-D warnings" cargo doc --release --locked --workspace --no-deps
echo "all tests passed"
