#!/usr/bin/env bash
# SPDX-License-Identifier: MIT OR Apache-2.0
#
# The wiki's transcript as it stands there, with our vnoded and vcmd beside
# Debian's ip, brctl, ifconfig and ping. In namespaces of its own, so it runs
# outside the VM just as well.
set -euo pipefail
here=$(dirname "$(readlink -f "$0")")
# shellcheck source=tests/vm/lib.sh
. "$here/lib.sh"

isolation=(unshare --mount --net)
((EUID == 0)) || isolation+=(--user --map-root-user)
if [[ -z ${PERNET_TRANSCRIPT:-} ]] && "${isolation[@]}" true 2>/dev/null; then
    PERNET_TRANSCRIPT=isolated exec "${isolation[@]}" "$BASH" "$0"
fi
# Debian keeps ifconfig and brctl out of other users' PATH.
PATH=$PATH:/usr/sbin:/sbin

# script_of FILE: what stands between its lines of ```
script_of() {
    awk '/^```/ { inside = !inside; next } inside' "$1"
}

# Fills FOLDER, which will be /tmp, with the script and with what is to be first
# on its path. The tool may lie under the /tmp that there is now.
prepare() {
    local folder=$1
    mkdir "$folder/bin"
    cp "$(command -v pernet)" "$folder/bin/pernet"
    ln -s pernet "$folder/bin/vnoded"
    ln -s pernet "$folder/bin/vcmd"
    # The only change: the wiki's ping has no end.
    printf '#!/bin/sh\nexec %s -c 3 "$@"\n' "$(command -v ping)" >"$folder/bin/ping"
    chmod 755 "$folder/bin/ping"
    script_of "$here/../transcript/namespaces-wiki.txt" >"$folder/transcript"
}

# Gone, or waiting for a parent that does not care.
has_ended() {
    case $(grep -s '^State:' "/proc/$1/status") in
    '' | *Z*) ;;
    *) return 1 ;;
    esac
}

has_no_device() {
    [[ ! -e /sys/class/net/$1 ]]
}

test_the_wikis_transcript() {
    [[ -n ${PERNET_TRANSCRIPT:-} ]] || skip "no namespaces can be made here"
    local program node said n1 n2
    for program in pernet ip brctl ifconfig ping; do
        command -v "$program" || skip "there is no $program"
    done
    prepare "$test_dir"
    mount -t sysfs sysfs /sys
    defer umount --lazy /sys
    mount --bind "$test_dir" /tmp
    defer umount --lazy /tmp
    said=$(PATH=/tmp/bin:$PATH sh -e /tmp/transcript)
    printf '%s\n' "$said"
    # The first node's pid, and the second's, are all that vnoded prints.
    n1=$(</tmp/n1.pid) n2=$(</tmp/n2.pid)
    assert_eq "$n1 $n2" "$(grep -x '[0-9][0-9]*' <<<"$said" | paste -sd ' ')" "what vnoded printed"
    [[ $said == *', 3 received, 0% packet loss'* ]] || fail "no three answers"
    assert_eq 'b.1.1 no n1.0.1 n2.0.1' \
        "$(awk '/^b\.1\.1/ { printf "%s %s %s", $1, $3, $4 } /^\t/ { printf " %s", $1 }' <<<"$said")" "brctl's table"

    kill -TERM "$n1" "$n2"
    for node in "$n1" "$n2"; do
        wait_until 10 has_ended "$node"
    done
    wait_until 10 has_no_device n1.0.1
    wait_until 10 has_no_device n2.0.1
    assert_eq 'bin n1.log n2.log transcript' "$(cd /tmp && echo *)" "what is left in /tmp"
}

run_tests
