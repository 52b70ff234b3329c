#!/usr/bin/env bash
# SPDX-License-Identifier: MIT OR Apache-2.0
#
# The checkers themselves: that the kernel which KERNEL names has them on, and that
# their word fails a run. LKDTM hurts the kernel on purpose.
set -euo pipefail
here=$(dirname "$(readlink -f "$0")")
checkout=$(readlink -f "$here/../..")
# shellcheck source=tests/vm/lib.sh
. "$here/../vm/lib.sh"

# expect_complaint CRASH WORDS
expect_complaint() {
    local said
    said=$(assert_status 123 "$checkout/scripts/vm/run" -- bash -c "echo $1 >/sys/kernel/debug/provoke-crash/DIRECT" 2>&1)
    grep --quiet "^>>> .*$2" <<<"$said" || fail "$said"
}

test_memory_used_after_it_was_freed() {
    expect_complaint READ_AFTER_FREE 'BUG: KASAN: slab-use-after-free'
}

test_an_index_beyond_an_array() {
    expect_complaint ARRAY_BOUNDS 'UBSAN: array-index-out-of-bounds'
}

run_tests
