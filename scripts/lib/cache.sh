# SPDX-License-Identifier: MIT OR Apache-2.0
# shellcheck shell=bash
#
# The cache folder: kernel trees, builds and tools, shared by every checkout of
# the user. Needs messages.sh.
#
# What is in it appears whole or not at all: it is made under another name in
# the same folder and renamed. Whoever makes something holds its lock.

cache=${PERNET_CACHE:-${XDG_CACHE_HOME:-${HOME:?neither PERNET_CACHE nor HOME is set}/.cache}/pernet}

# Makes the folder usable, and keeps `make distclean` away until this process
# and its children have ended.
cache_open() {
    case $cache in
    /*) ;;
    *) die "PERNET_CACHE is '$cache': give an absolute path" ;;
    esac
    # The kernel's makefiles can cope with none of these.
    case $cache in
    *[[:space:]:\'\"\\%]*) die "the cache folder '$cache' has a space, colon, quote or % in its path, which the kernel's build cannot handle: set PERNET_CACHE to another folder" ;;
    esac
    local reason
    reason=$({ mkdir -p "$cache/locks" "$cache/logs" "$cache/tmp" && : >>"$cache/locks/cache"; } 2>&1) ||
        die "cannot write to the cache folder $cache: ${reason##*: }; set PERNET_CACHE to a folder that is yours"
    local fd
    exec {fd}>>"$cache/locks/cache"
    flock --shared "$fd"
}

# take_lock NAME DOING: waits for whoever holds NAME, and says so.
# Children inherit the lock: when this shell is killed, a compiler that is still
# running keeps others out of its folder.
take_lock() {
    local name=$1 doing=$2 fd
    exec {fd}>>"$cache/locks/$name"
    if ! flock --nonblock "$fd"; then
        say "another run is $doing, waiting for it"
        flock "$fd"
    fi
}

available_mib() {
    df --output=avail --block-size=1M "$1" | tail -n 1 | tr -d ' '
}

# need_space DIR MIB DOING
need_space() {
    local dir=$1 needed=$2 doing=$3 available
    available=$(available_mib "$dir")
    if ((available < needed)); then
        die "not enough room for $doing in $dir: about $needed MiB needed, $available MiB available; free some, or set PERNET_CACHE to a folder with more"
    fi
}

# A folder next to where the result will be, so that a rename brings it there.
# What an interrupted run left behind is removed first; the caller holds the lock.
fresh_dir() {
    local dir=$cache/tmp/$1
    rm -rf "$dir"
    mkdir -p "$dir" || die "cannot create $dir; is the disk full?"
    printf '%s\n' "$dir"
}
