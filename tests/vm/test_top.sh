#!/usr/bin/env bash
# SPDX-License-Identifier: MIT OR Apache-2.0
#
# `pernet top` in a terminal of tmux, where the counts are the module's.
set -euo pipefail
here=$(dirname "$(readlink -f "$0")")
# shellcheck source=tests/vm/lib.sh
. "$here/lib.sh"
# shellcheck source=tests/vm/netns.sh
. "$here/netns.sh"

# Two nodes, of which the first sends the second ten pings a second.
make_pinging_nodes() {
    make_linked_nodes
    pernet exec n1 -- ping -q -i 0.1 10.0.0.2 >/dev/null &
    defer kill $!
}

tmux() {
    command tmux -u -S "$test_dir/tmux" -f /dev/null "$@"
}

# start_top ARGUMENT…: on 80 columns and 24 lines
start_top() {
    tmux new-session -d -s t -x 80 -y 24 "pernet top $*; echo status=\$?; sleep 1000"
    defer tmux kill-server
}

screen() {
    tmux capture-pane -p -t t
}

# shows PATTERN: whether a line of the screen is like that
shows() {
    screen | grep --quiet -- "$1"
}

# waits_for PATTERN
waits_for() {
    (wait_until 30 shows "$1") || {
        screen
        return 1
    }
}

test_rates_are_those_of_the_packets() {
    load_module
    make_pinging_nodes
    start_top -d 1 --filter n1
    waits_for 'counted by the module'
    # Ten replies come in and ten requests go out in a second, of 84 bytes each; in an
    # emulated machine it is not the same second for all.
    local rate='  *\([5-9]\.[0-9]\|1[0-9]\)' bytes='  *\([4-9][0-9][0-9]\|1\.[0-9]*k\)'
    waits_for "^n1$rate$rate$bytes$bytes  *0 "
    tmux send-keys -t t Enter
    waits_for "^n1  cookie $(value_of n1 cookie), "
    waits_for '^ipv4 prerouting  *[1-9]'
    waits_for '^ipv4 forward  *0'
    tmux send-keys -t t Tab
    waits_for '^eth0  *[1-9]'
    tmux send-keys -t t Tab
    waits_for 'drops are not counted'
    tmux send-keys -t t q
    waits_for 'status=0'
}

test_drops_are_shown_with_their_meaning() {
    load_module
    need_tracepoints
    make_pinging_nodes
    pernet set n2 --drops on
    pernet exec n1 -- bash -c 'while sleep 0.2; do echo >/dev/udp/10.0.0.2/9; done 2>/dev/null' &
    defer kill $!
    start_top -d 1 --sort drops
    wait_until 30 first_is n2
    tmux send-keys -t t Enter BTab
    waits_for '^NO_SOCKET  *[1-9]'
    waits_for 'No socket wants the packet'
}

# first_is NAME: whether it is the first of the list
first_is() {
    [[ $(screen | sed -n 3p) == "$1 "* ]]
}

test_it_follows_the_module() {
    make_pinging_nodes
    start_top -d 1
    waits_for 'counted by the kernel itself'
    load_module
    waits_for 'counted by the module'
    rmmod pernet
    no_longer_defer
    waits_for 'counted by the kernel itself'
    tmux send-keys -t t q
    waits_for 'status=0'
}

run_tests
