#!/usr/bin/env bash
# SPDX-License-Identifier: MIT OR Apache-2.0
#
# `pernet ls` with a kernel that lists namespaces, and with the module: those that
# nothing in userspace shows, ages, and containers.
set -euo pipefail
here=$(dirname "$(readlink -f "$0")")
# shellcheck source=tests/vm/lib.sh
. "$here/lib.sh"
# shellcheck source=tests/vm/netns.sh
. "$here/netns.sh"

# in_flight WHAT: runs until it is killed, with a namespace that only a descriptor
# holds which was sent and not received: of the namespace, or of a socket in it.
# Prints the namespace's inode.
in_flight() {
    exec "$PERNET_PYTHON" - "$1" <<'EOS'
import array, ctypes, os, socket, sys, time
libc = ctypes.CDLL(None)
home = os.open("/proc/self/ns/net", os.O_RDONLY)
assert libc.unshare(0x40000000) == 0
here = os.open("/proc/self/ns/net", os.O_RDONLY)
inode = os.fstat(here).st_ino
inside = socket.socket()
assert libc.setns(home, 0) == 0
one, other = socket.socketpair()
fd = here if sys.argv[1] == "netns" else inside.fileno()
one.sendmsg([b"."], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [fd]))])
os.close(here)
inside.close()
print(inode, flush=True)
time.sleep(60)
EOS
}

# start_in_flight WHAT: starts it, and sets inode.
start_in_flight() {
    in_flight "$1" >"$test_dir/inode" &
    defer kill $!
    wait_until 20 test -s "$test_dir/inode"
    inode=$(<"$test_dir/inode")
}

# found INODE [JQ-FILTER]
found() {
    pernet ls --json | jq --compact-output ".namespaces[] | select(.inode == $1) | ${2:-.found_by}"
}

test_the_kernel_lists_what_nothing_else_shows() {
    local inode
    start_in_flight netns
    assert_eq '["kernel"]' "$(found "$inode")" "how it was found"
    assert_eq '["lo"]' "$(found "$inode" '[.devices[].name]')" "what is in it"
    assert_eq "$inode" "$(pernet exec "inode:$inode" -- stat --dereference --format %i /proc/self/ns/net)" \
        "where exec goes"
    pernet holders "inode:$inode" | grep --quiet 'nothing that can be seen from here holds it' ||
        fail "$(pernet holders "inode:$inode")"
}

test_the_module_knows_what_the_kernel_does_not_list() {
    local inode
    start_in_flight socket
    assert_eq '' "$(found "$inode")" "without the module"
    load_module
    assert_eq '["kernel"]' "$(found "$inode")" "with it"
    assert_eq '[true,null]' "$(found "$inode" '[.cookie > 0, .devices]')" "what is known of it"
}

test_the_module_knows_how_old_they_are() {
    make_netns a
    load_module
    make_netns b
    local netns
    for netns in a b; do
        assert_eq "[\"$netns\",$(value_of "$netns" cookie)]" \
            "$(found "$(value_of "$netns" inode)" '[.name, .cookie]')" "$netns"
    done
    assert_eq '[true,true]' "$(found "$(value_of a inode)" '[.age_is_minimum, .age_ns > 0]')" "a"
    assert_eq '[false,true]' "$(found "$(value_of b inode)" '[.age_is_minimum, .age_ns > 0]')" "b"
}

test_containers_are_known_by_their_control_groups() {
    local groups=$test_dir/groups id group pid
    mkdir "$groups"
    mount -t cgroup2 cgroup2 "$groups" || skip "there are no control groups here"
    defer umount --lazy "$groups"
    id=$(printf '0123456789abcdef%.0s' 1 2 3 4)
    group=$groups/docker-$id.scope
    mkdir "$group"
    defer rmdir "$group"
    unshare --net sleep 60 &
    pid=$!
    defer wait_until 10 rmdir_is_possible "$group"
    defer kill "$pid"
    printf '%s\n' "$pid" >"$group/cgroup.procs"
    wait_until 10 in_other_netns "$pid"
    assert_eq "[\"docker\",\"$id\",null]" \
        "$(found "$(stat --dereference --format %i "/proc/$pid/ns/net")" '.container | [.engine, .id, .name]')"
    pernet ls | grep --quiet "^docker:${id:0:12} " || fail "$(pernet ls)"
}

in_other_netns() {
    ! [[ /proc/$1/ns/net -ef /proc/self/ns/net ]]
}

rmdir_is_possible() {
    [[ ! -s $1/cgroup.procs ]]
}

run_tests
