#!/usr/bin/env bash
# SPDX-License-Identifier: MIT OR Apache-2.0
#
# The guide: its transcripts are what its commands say, its examples do what it says
# of them, and what it says of the kernel is in the kernel's source.
set -euo pipefail
here=$(dirname "$(readlink -f "$0")")
# shellcheck source=tests/vm/lib.sh
. "$here/lib.sh"
# shellcheck source=tests/vm/netns.sh
. "$here/netns.sh"

guide=$PERNET_CHECKOUT/docs/guide/src

without_what_varies() {
    sed -E -f "$here/volatile.sed" "$1"
}

test_transcripts_agree_with_what_the_commands_say() {
    local page wrong=0
    while read -r page; do
        "$here/replay" "$page" >"$test_dir/page"
        diff --unified --label "${page##*/}" --label 'what its commands say now' \
            <(without_what_varies "$page") <(without_what_varies "$test_dir/page") || wrong=1
    done < <(grep -rlx '```console' "$guide")
    ((wrong == 0)) || fail 'scripts/transcripts writes them anew'
}

test_what_is_said_of_the_kernel_is_so() {
    "$here/said-of-kernel" "$guide" "$PERNET_KERNEL_SOURCE"
}

run_tests
