#!/usr/bin/env bash
# SPDX-License-Identifier: MIT OR Apache-2.0
#
# The console scanner: finds every kind of complaint, and nothing else.
set -euo pipefail
here=$(dirname "$(readlink -f "$0")")
# shellcheck source=tests/vm/lib.sh
. "$here/../vm/lib.sh"
scan=$here/../../scripts/vm/scan-console

# Each line of stdin, among innocent ones, is found, and it alone.
each_is_found() {
    local line log=$test_dir/console.log
    while IFS= read -r line; do
        printf '%s\n' '[    1.000000] NET: Registered PF_INET6 protocol family' "$line" '[    9.000000] reboot: Power down' >"$log"
        assert_eq 2 "$(assert_status 1 "$scan" "$log")" "lines found for: $line"
    done
}

# No line of stdin is found, alone or in company.
none_is_found() {
    local log=$test_dir/console.log
    cat >"$log"
    assert_eq '' "$(assert_status 0 "$scan" "$log")" 'lines found'
}

test_the_kernel_is_finished() {
    each_is_found <<'END'
[    5.316220] Kernel panic - not syncing: VFS: Unable to mount root fs on unknown-block(0,0)
[   17.930041] Kernel panic - not syncing: sysrq triggered crash
[   20.118236] Oops: Oops: 0002 [#1] SMP NOPTI
[   20.118236] Oops: general protection fault, probably for non-canonical address 0xdead000000000122: 0000 [#1] SMP
[   20.118236] Oops: divide error: 0000 [#1] SMP
[   20.118236] BUG: kernel NULL pointer dereference, address: 0000000000000000
[   20.118236] BUG: unable to handle page fault for address: ffffffffc0402000
[   20.118236] kernel BUG at net/core/dev.c:11861!
[   20.118236] Unable to handle kernel paging request at virtual address dead000000000100
[   20.118236] general protection fault, probably for non-canonical address 0x6b6b6b6b6b6b6b6b: 0000 [#1]
[   20.118236] note: insmod[231] exited with preempt_count 1
[   20.118236][  T231] BUG: kernel NULL pointer dereference, address: 0000000000000008
END
}

test_warnings() {
    each_is_found <<'END'
[   33.000817] ------------[ cut here ]------------
[   33.000999] WARNING: CPU: 1 PID: 225 at drivers/misc/lkdtm/bugs.c:112 lkdtm_WARNING+0x1c/0x30
[   33.000999] WARNING: drivers/misc/lkdtm/bugs.c:112 at lkdtm_WARNING+0x1c/0x30, CPU#1: bash/225
[   33.001102] refcount_t: underflow; use-after-free.
[   33.001102] ODEBUG: free active (active state 0) object: 00000000 object type: timer_list
[   33.001102] list_del corruption. prev->next should be ffff888003d1a000, but was 0000000000000000
[   33.001102] rust_kernel: panicked at kmod/pernet.rs:12:5: index out of bounds
END
}

test_locks() {
    each_is_found <<'END'
[   40.203180] WARNING: possible circular locking dependency detected
[   40.203180] WARNING: possible recursive locking detected
[   40.203180] WARNING: inconsistent lock state
[   40.203180] INFO: possible circular locking dependency detected
[   40.203180] WARNING: suspicious RCU usage
[   40.203180] WARNING: SOFTIRQ-safe -> SOFTIRQ-unsafe lock order detected
[   40.203180] WARNING: bad unlock balance detected!
[   40.203180] WARNING: held lock freed!
[   40.203180] WARNING: lock held when returning to user space!
[   40.203180] INFO: trying to register non-static key.
[   40.203180] BUG: MAX_LOCKDEP_ENTRIES too low!
[   40.203180] [ BUG: Invalid wait context ]
[   40.203180] BUG: sleeping function called from invalid context at kernel/locking/mutex.c:580
[   40.203180] BUG: scheduling while atomic: ip/301/0x00000002
[   40.203180] DEBUG_LOCKS_WARN_ON(lock->magic != lock)
END
}

test_stalls_and_hangs() {
    each_is_found <<'END'
[   81.004713] rcu: INFO: rcu_preempt detected stalls on CPUs/tasks:
[   81.004713] rcu: INFO: rcu_preempt self-detected stall on CPU
[   81.004713] rcu: INFO: rcu_preempt detected expedited stalls on CPUs/tasks: { 1-.... } 21032 jiffies
[   81.004713] watchdog: BUG: soft lockup - CPU#0 stuck for 26s! [insmod:220]
[   81.004713] watchdog: CPU0: Watchdog detected hard LOCKUP on cpu 0
[  245.310021] INFO: task rmmod:233 blocked for more than 122 seconds.
[  245.310021] BUG: workqueue lockup - pool cpus=0 node=0 flags=0x0 nice=0 stuck for 32s!
END
}

test_memory_and_references() {
    each_is_found <<'END'
[   51.004713] BUG: KASAN: slab-use-after-free in pernet_exit+0x51/0x90 [pernet]
[   51.004713] UBSAN: array-index-out-of-bounds in net/core/dev.c:88:4
[   51.004713] BUG: KCSAN: data-race in count / read
[   51.004713] BUG: KFENCE: use-after-free read in pernet_read+0x1c/0x40
[   51.004713] kmemleak: 3 new suspected memory leaks (see /sys/kernel/debug/kmemleak)
[   51.004713] unregister_netdevice: waiting for lo to become free. Usage count = 2
[   51.004713] ref_tracker: net notrefcnt@ffff888003d1a1e0 has 1/1 users at
[   51.004713] leaked reference.
[   51.004713] insmod: page allocation failure: order:9, mode:0x40dc0
[   51.004713] Out of memory: Killed process 201 (ip) total-vm:4096kB
[   51.004713] BUG: Bad page state in process insmod  pfn:03d1a
END
}

test_innocent_lines() {
    none_is_found <<'END'
[    0.000000] Linux version 7.3.4-pernet (root@host) (gcc (Debian 12.2.0) 12.2.0) #1 SMP PREEMPT
[    0.000000] Command line: console=ttyS0 panic=-1 oops=panic BUG=1 root=/dev/root
[    0.191912] Kernel command line: panic=-1 WARNING: not-a-warning
[    0.254587] Running RCU self tests
[    0.255103] rcu: 	RCU lockdep checking is enabled.
[    0.308199] rcu: srcu_init: Setting srcu_struct sizes based on contention.
[    0.355883] Lock dependency validator: Copyright (c) 2006 Red Hat, Inc., Ingo Molnar
[    0.356627] ... MAX_LOCKDEP_KEYS:        8192
[    0.357211]  memory used by lock dependency info: 6429 kB
[    0.445523] Spectre V2 : Vulnerable
[    0.010000] debug: unmapping init [mem 0xffffffff82a00000-0xffffffff82bfffff]
[    5.725817] Freeing unused kernel image (initmem) memory: 928K
[    5.746676] Run /sbin/init as init process
[    0.500000] kmemleak: Kernel memory leak detector initialized (mem pool available: 15655)
[    0.500000] kmemleak: Automatic memory scanning thread started
[    0.500000] kfence: initialized - using 2097152 bytes for 255 objects at 0x(____ptrval____)
[    0.500000] kasan: KernelAddressSanitizer initialized
[    5.028858] clocksource: Watchdog remote CPU 1 read timed out
[   12.345678] pernet: loading out-of-tree module taints kernel.
[   12.345678] pernet: module verification failed: signature and/or required key missing - tainting kernel
[   12.345678] pernet: init of the namespace 7
[   12.345678] pernet-vm: test_panic.sh
[   12.345678] lkdtm: No crash points registered, enable through debugfs
[   13.078055] virtme-ng-init: mount devtmpfs -> /dev: EBUSY: Device or resource busy
[   13.078055] systemd-udevd[141]: DEBUG: WARNING: this is somebody else's
[   36.000000] b.1.1: port 1(n1.0.1) entered disabled state
[   36.716154] ACPI: PM: Preparing to enter system sleep state S5
[   36.723736] reboot: Power down
END
}

test_carriage_returns_do_not_hide() {
    printf '[   17.930041] BUG: kernel NULL pointer dereference, address: 0\r\n' | each_is_found
}

test_every_complaint_is_named() {
    local log=$test_dir/console.log
    printf '%s\n' '[    1.000000] fine' '[    2.000000] BUG: one' '[    3.000000] fine' '[    4.000000] WARNING: two' >"$log"
    assert_eq $'2\n4' "$(assert_status 1 "$scan" "$log")"
}

test_missing_log_is_an_error_of_its_own() {
    assert_status 2 "$scan" "$test_dir/nowhere"
}

run_tests
