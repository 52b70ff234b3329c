# SPDX-License-Identifier: MIT OR Apache-2.0
# shellcheck shell=bash
#
# What the benches share. Sourced first, it takes the script that sources it
# into namespaces of its own, with an empty /run: all that a bench makes, its
# processes too, ends with it.

here=$(dirname "$(readlink -f "$0")")
checkout=$(dirname "$(dirname "$here")")
pernet=${PERNET:-$checkout/userspace/target/release/pernet}
floor=$checkout/build/bench

die() {
    printf 'bench: %s\n' "$*" >&2
    exit 1
}

# What is left out, and why: among the figures, where it is missed.
left_out() {
    printf 'left out: %s\n' "$*"
}

# build NAME...: the floors, C programs that do the least a task takes. Static,
# as the tool is.
build() {
    local name
    mkdir -p "$floor"
    for name in "$@"; do
        [[ $floor/$name -nt $here/floor/$name.c && $floor/$name -nt $here/floor/node.h ]] ||
            gcc -O2 -static -Wall -Wextra -Werror -o "$floor/$name" "$here/floor/$name.c" ||
            die "cannot build $name, which takes gcc and libc6-dev"
    done
}

enter_namespaces() {
    local -a user=()
    ((EUID == 0)) || user=(--user --map-root-user)
    BENCH_INSIDE=$0 exec unshare "${user[@]}" --mount --net --pid --fork --kill-child --mount-proc "$0" "$@"
}

# write NAME: a step of several commands, as a script of its own.
write() {
    { printf 'set -e\n'; cat; } >"$work/$1"
}

# Namespaces that are let go of are cleared away later, in turn and while other
# things are timed: the last one in the row has a link, and when this is gone so
# are those before it.
write_settle() {
    write settle <<'EOS'
ip netns add settle
ip link add settle0 type veth peer name settle1 netns settle
ip netns del settle
while [[ -e /sys/class/net/settle0 ]]; do :; done
EOS
}

# compare RUNS TITLE: reads lines of "what it is called | command | what to do
# after each run | and before", of which the last two may be missing; prints how
# long each command takes at most in half of the runs, and in a tenth of them,
# and both as multiples of the first command's. The figures are kept in the file
# times, in microseconds.
compare() {
    local runs=$1 title=$2 label command after before
    local -a labels=() arguments=()
    while IFS='|' read -r label command after before; do
        [[ -n $label ]] || continue
        labels+=("$label")
        arguments+=("$command")
        [[ -z ${before// /} ]] || arguments+=(--before "$before")
        [[ -z ${after// /} ]] || arguments+=(--after "$after")
    done
    local times
    times=$("$floor/repeat" "$runs" "${arguments[@]}") || die "$title: a command failed"
    printf '%s\n' "$times" >"$work/times"
    printf '%-44s %8s %8s %8s %8s\n' "$title, $runs runs" median "x first" tenth "x first"
    paste -d '|' <(printf '%s\n' "${labels[@]}") - <<<"${times// /|}" | awk -F '|' '
        NR == 1 { median = $2; tenth = $3 }
        {
            sub(/ +$/, "", $1)
            printf "  %-42s %5.2f ms %8.2f %5.2f ms %8.2f\n", $1, $2 / 1000, $2 / median, $3 / 1000, $3 / tenth
        }'
}

is_number() {
    [[ $1 =~ ^[1-9][0-9]*$ ]]
}

is_number "${1:-1}" || die "usage: $0 [RUNS]"
# Who asks Rust's library for backtraces pays for them where nothing fails, too.
unset RUST_BACKTRACE RUST_LIB_BACKTRACE
[[ -x $pernet ]] || die "$pernet is not there; \`make cli\` builds it, and PERNET= names another"
command -v ip >/dev/null || die "there is no ip to compare with; it is in the package iproute2"
[[ ${BENCH_INSIDE:-} == "$0" ]] || enter_namespaces "$@"

mount -t tmpfs run /run
mount -t sysfs sys /sys
work=$(mktemp -d /run/bench.XXXXXX)
build repeat
write_settle
bash "$work/settle"
