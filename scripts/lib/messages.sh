# SPDX-License-Identifier: MIT OR Apache-2.0
# shellcheck shell=bash
#
# What the scripts say, all on stderr: stdout is for answers.

say() {
    printf 'pernet: %s\n' "$*" >&2
}

# One error, once: say what failed, on what, why, and what to do next.
die() {
    printf 'pernet: error: %s\n' "$*" >&2
    exit 1
}

# "3 s", "2 min 5 s"
duration() {
    local seconds=$1
    if ((seconds < 60)); then
        printf '%d s' "$seconds"
    else
        printf '%d min %d s' $((seconds / 60)) $((seconds % 60))
    fi
}
