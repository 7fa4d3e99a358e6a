#!/usr/bin/env bash
# Fails unless every program named is static and the image's size is in bounds:
#   deploy/check-static.sh PROGRAM...
set -euo pipefail

readonly most_mib=40
total=0
for program in "$@"; do
    # `ldd` speaks of a static program in these ways, and fails for some of them:
    # musl's names nothing but itself for one that is position-independent.
    said=$(ldd "$program" 2>&1 || true)
    case $said in
    *'=>'*)
        echo "error: $program is not static: $said" >&2
        exit 1
        ;;
    *'not a dynamic executable'* | *'statically linked'* | *'Not a valid dynamic program'* | *ld-musl-*) ;;
    *)
        echo "error: $program is not static: $said" >&2
        exit 1
        ;;
    esac
    bytes=$(wc -c <"$program")
    total=$((total + bytes))
    printf '%s: static, %d KiB\n' "$program" $((bytes / 1024))
done
if ((total > most_mib * 1024 * 1024)); then
    echo "error: the programs take more than $most_mib MiB" >&2
    exit 1
fi
