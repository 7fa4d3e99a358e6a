#!/usr/bin/env bash
# Tries a folder of Rasa projects and prints a table: trained?, seconds,
# diagnostics of `sapa data validate`, test stories passed.
#
#   scripts/try-projects.sh FOLDER [SAPA] [FLAG…]
#
# Each subfolder of FOLDER is a project. SAPA is the program (default: the one in
# target/release, else the one on the path). FLAGs go to `train` and
# `data validate`; `--substitute` is the useful one. The projects are copied
# first: nothing is written into FOLDER.
set -euo pipefail

folder=$(cd "${1:?name a folder of projects}" && pwd)
own=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)/target/release/sapa
sapa=${2:-$([ -x "$own" ] && echo "$own" || echo sapa)}
case $sapa in */*) sapa=$(cd "$(dirname "$sapa")" && pwd)/$(basename "$sapa") ;; esac
command -v "$sapa" >/dev/null || { echo "there is no program \`$sapa\`; build it with \`cargo build --release\`" >&2; exit 1; }
shift $(($# < 2 ? $# : 2))
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# `E0602 2, W0306 1`, or `none`.
codes() {
    grep -oE '^(error|warning|note)\[[EWN][0-9]{4}\]' "$1" | grep -oE '[EWN][0-9]{4}' | sort | uniq -c \
        | awk '{ printf "%s%s %s", separator, $2, $1; separator = ", " } END { if (!NR) printf "none" }'
}

echo "| project | trained | seconds | diagnostics | test stories |"
echo "|---|---|---|---|---|"
for project in "$folder"/*/; do
    name=$(basename "$project")
    cp -r "$project" "$work/$name"
    cd "$work/$name"
    rm -rf models results
    domain=domain.yml
    [ -e "$domain" ] || domain=domain
    data=data
    [ -e "$data" ] || data=.
    log=$work/$name.log
    start=$(date +%s%N)
    trained=yes
    "$sapa" train "$@" -d "$domain" --data "$data" >"$log" 2>&1 </dev/null || trained=no
    seconds=$(awk -v n="$(($(date +%s%N) - start))" 'BEGIN { printf "%.2f", n / 1e9 }')
    "$sapa" data validate "$@" -d "$domain" --data "$data" >"$log.validate" 2>&1 </dev/null || true
    passed=-
    if [ "$trained" = yes ] && [ -d tests ]; then
        "$sapa" test core --e2e -s tests >"$log.test" 2>&1 </dev/null || true
        passed=$(grep -oE '[0-9]+ of [0-9]+ test stories passed' "$log.test" | sed 's/ test stories passed//' || echo -)
    fi
    if grep -q 'panicked at' "$log"*; then trained="$trained, panicked"; fi
    echo "| $name | $trained | $seconds | $(codes "$log.validate") | ${passed:--} |"
    cd "$folder"
done
