# SPDX-License-Identifier: MIT OR Apache-2.0
# shellcheck shell=bash
#
# Counting results in KTAP.

# ktap_count FILE: prints "passed failed skipped".
#
# Only single tests count. A script's own line stands for all of its tests, so
# it counts only where they do not account for it: when it failed though none
# of them did, or was never reached.
ktap_count() {
    awk '
        function finish_plan(level) {
            # Planned and never reported: lost with whatever ended the run.
            if (reported[level] < plan[level]) failed += plan[level] - reported[level]
            plan[level] = reported[level] = 0
        }
        { sub(/\r$/, "") }
        match($0, /^ */) { level = RLENGTH }
        /^ *1\.\.[0-9]+/ {
            finish_plan(level)
            split($0, part, /\.\./); plan[level] = part[2] + 0; reported[level] = 0
            if (level > 0) { inner = 1; inner_failed = failed }
            next
        }
        /^ *(not )?ok [0-9]+/ {
            reported[level]++
            bad = ($0 ~ /^ *not ok/)
            if (level == 0 && inner) {
                finish_plan(inner_level)
                if (bad && failed == inner_failed) failed++
                inner = 0
                next
            }
            inner_level = level
            if (bad) failed++
            else if ($0 ~ /# SKIP/) skipped++
            else passed++
        }
        END {
            if (inner) finish_plan(inner_level)
            finish_plan(0)
            print passed + 0, failed + 0, skipped + 0
        }
    ' "$1"
}
