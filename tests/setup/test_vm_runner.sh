#!/usr/bin/env bash
# SPDX-License-Identifier: MIT OR Apache-2.0
#
# The VM's runner, on real runs: what becomes of a command's output and status,
# and of a kernel that warns, panics or hangs. LKDTM hurts the kernel on purpose.
set -euo pipefail
here=$(dirname "$(readlink -f "$0")")
checkout=$(readlink -f "$here/../..")
# shellcheck source=tests/vm/lib.sh
. "$here/../vm/lib.sh"

in_vm() {
    "$checkout/scripts/vm/run" "$@" >"$test_dir/out" 2>"$test_dir/err"
}

# The runner says what it did; on failure the report shows it.
in_vm_status() {
    local expected=$1 actual=0
    shift
    in_vm "$@" || actual=$?
    ((actual == expected)) || {
        cat "$test_dir/out" "$test_dir/err"
        fail "exit status: expected $expected but it is $actual"
    }
}

says() {
    grep -qF -- "$1" "$test_dir/err" || {
        cat "$test_dir/err"
        fail "the runner did not say: $1"
    }
}

# A kernel of the developer's own need not have it.
needs_lkdtm() {
    [[ -z ${KDIR:-} ]] || grep -qx CONFIG_LKDTM=y "$KDIR/.config" || skip "the kernel in $KDIR has no LKDTM"
}

test_output_and_status_come_through() {
    in_vm_status 7 -- bash -c 'seq 1 20000; echo to stderr >&2; echo "two  words"; exit 7' \
        'argument with spaces'
    assert_eq "$(seq 1 20000 && echo 'two  words')" "$(cat "$test_dir/out")" stdout
    assert_eq 'to stderr' "$(grep -v '^pernet: ' "$test_dir/err")" stderr
}

test_success_and_surroundings() {
    # shellcheck disable=SC2016  # for the guest
    in_vm_status 0 -- bash -c 'id -u; pwd; printf "%s\n" "$PERNET_KO"; command -v pernet; uname -r' "it's"
    assert_eq 0 "$(sed -n 1p "$test_dir/out")" 'user id'
    assert_eq "$checkout" "$(sed -n 2p "$test_dir/out")" 'working directory'
    assert_eq pernet.ko "$(basename "$(sed -n 3p "$test_dir/out")")" 'module'
}

test_warning_fails_the_run() {
    needs_lkdtm
    in_vm_status 123 -- bash -c 'echo before; echo WARNING >/sys/kernel/debug/provoke-crash/DIRECT; echo after'
    assert_eq $'before\nafter' "$(cat "$test_dir/out")" stdout
    says 'the kernel complained'
    grep -q '^>>> .*WARNING: .*lkdtm' "$test_dir/err" || fail "the complaint is not marked: $(cat "$test_dir/err")"
}

test_panic_fails_the_run() {
    in_vm_status 123 -- bash -c 'echo before; sync; echo c >/proc/sysrq-trigger; sleep 60'
    says 'the kernel complained'
    grep -q '^>>> .*Kernel panic - not syncing: sysrq triggered crash' "$test_dir/err" ||
        fail "the complaint is not marked: $(cat "$test_dir/err")"
}

test_time_limit_stops_the_vm() {
    in_vm_status 124 --time-limit 5 -- bash -c 'echo before; sleep 1000'
    assert_eq before "$(cat "$test_dir/out")" stdout
    says 'the time limit of 5 s passed'
    # Nothing of this run is left.
    local run
    run=$(sed -n 's/.*console log, \(.*\)\/console.log:$/\1/p' "$test_dir/err")
    [[ -n $run ]]
    # From a file, so that grep does not find its own command line.
    printf '%s\n' "$run" >"$test_dir/pattern"
    assert_eq '' "$(grep --text -lsF -f "$test_dir/pattern" /proc/[0-9]*/cmdline || true)" 'processes left'
}

test_lost_guest_is_a_broken_vm() {
    in_vm_status 125 -- bash -c 'echo o >/proc/sysrq-trigger; sleep 60'
    says 'the VM is broken, which says nothing about the command: the guest was lost'
}

test_kernel_that_does_not_boot_is_a_broken_vm() {
    # A KDIR with all that is checked, but with an image that is none.
    local tree=$test_dir/tree source
    source=$(bash -c 'eval "$("$1")"; printf "%s" "$kernel_build"' - "$checkout/scripts/setup/kernel")
    mkdir -p "$tree/arch/x86/boot" "$tree/include"
    ln -s "$source"/{Makefile,.config,Module.symvers,rust,source} "$tree/"
    ln -s "$source/include/config" "$tree/include/"
    head -c 100000 /dev/zero >"$tree/arch/x86/boot/bzImage"
    KDIR=$tree in_vm_status 125 --boot-limit 10 -- true
    says 'it did not come to the command within 10 s'
}

test_wrong_usage() {
    in_vm_status 1
    says 'usage: scripts/vm/run'
    in_vm_status 1 --time-limit soon -- true
    says 'usage: scripts/vm/run'
}

run_tests
