# SPDX-License-Identifier: MIT OR Apache-2.0
# shellcheck shell=bash
#
# Long work with its output in a log: progress while it lasts, the log's tail
# when it fails. Needs messages.sh and cache.sh.

# progress_loop LABEL LOG TOTAL PID: counts the log's lines until PID ends. It waits
# by itself, on a pipe that nothing comes out of: a `sleep` would outlive it for a
# second, with the locks that were taken before.
progress_loop() {
    local label=$1 log=$2 total=$3 pid=$4 lines=0 waited=0 share nothing
    exec {nothing}<> <(:)
    while ! read -rt 1 -u "$nothing" && kill -0 "$pid" 2>/dev/null; do
        lines=$(wc -l <"$log" 2>/dev/null) || lines=0
        # The total is a guess: never show more done than there is.
        ((lines <= total)) || total=$lines
        share="[$lines/~$total]"
        waited=$((waited + 1))
        if [[ -t 2 ]]; then
            printf '\r\033[K  %s %s' "$share" "$label" >&2
        elif ((waited % 60 == 0)); then
            printf '  %s %s\n' "$share" "$label" >&2
        fi
    done
}

# run_long LABEL LOG TOTAL DIR COMMAND…: DIR is where the command writes, TOTAL
# about how many lines it prints.
run_long() {
    local label=$1 log=$2 total=$3 dir=$4 status=0 progress started=$SECONDS
    shift 4
    : >"$log" || die "cannot write the log $log; is the disk full?"
    progress_loop "$label" "$log" "$total" $$ &
    progress=$!
    "$@" >"$log" 2>&1 </dev/null || status=$?
    kill "$progress" 2>/dev/null || true
    wait "$progress" 2>/dev/null || true
    [[ ! -t 2 ]] || printf '\r\033[K' >&2
    ((status == 0)) || long_work_failed "$label" "$log" "$dir" "$status"
    say "$label: done in $(duration $((SECONDS - started)))"
}

# A full disk fails in many ways, most of them with pages of other people's
# errors: look at the disk first, at the log second.
long_work_failed() {
    local label=$1 log=$2 dir=$3 status=$4 available
    available=$(available_mib "$dir" 2>/dev/null) || available=0
    if ((available < 8)) || grep -qsE 'No space left on device|ENOSPC' "$log"; then
        die "$label: the disk with $dir is full ($available MiB available); free some, or set PERNET_CACHE to a folder with more, and run again: what is done is kept"
    fi
    if ((status > 128)); then
        die "$label: stopped by signal $((status - 128)); run again to go on from there"
    fi
    {
        printf '\n'
        tail -n 30 "$log" | sed 's/^/  | /'
        printf '\n'
    } >&2
    die "$label failed (exit status $status); above are the last lines of $log"
}
