# SPDX-License-Identifier: MIT OR Apache-2.0
# shellcheck shell=bash
#
# What tests of the netlink family need: the kernel tree's own client, and people
# of little consequence. Needs lib.sh.

# The kernel tree's client: a request each, a line of JSON each; see the script.
client=("$PERNET_PYTHON" "$PERNET_CHECKOUT/tests/vm/ynl")

ynl() {
    "${client[@]}" "$@"
}

nobody=(setpriv --reuid 65534 --regid 65534 --clear-groups --)

as_nobody() {
    "${nobody[@]}" "$@"
}

# of REPLIES LINE [JQ-FILTER]: a look at one reply of several
of() {
    sed -n "$2p" <<<"$1" | jq --compact-output "${3:-.}"
}

# all_of REPLIES JQ-FILTER: what a look at each comes to, in one line
all_of() {
    jq --compact-output "$2" <<<"$1" | paste --serial --delimiters ' '
}

# The cookie of the namespace that the test is in.
own_cookie() {
    sed -n 's/^netns cookie \([0-9]*\).*/\1/p' /proc/net/pernet
}

# jq: the cookies of a dump.
# shellcheck disable=SC2034  # for who sources this
cookies='[.[].cookie] | sort'

# refusal ERRNO MESSAGE ATTRIBUTE
refusal() {
    printf '{"errno":%d,"message":"%s","attribute":".%s"}\n' "$@"
}

# in_netns PID NS
in_netns() {
    [[ /proc/$1/ns/net -ef /run/netns/$2 ]]
}
