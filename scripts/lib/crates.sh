# SPDX-License-Identifier: MIT OR Apache-2.0
# shellcheck shell=bash
#
# Programs from crates.io, each version in a folder of its own in the cache. Needs
# messages.sh, cache.sh and long-work.sh, and the variable `here` (scripts/setup).

# build_crate PROGRAM CRATE VERSION MIB LINES [OPTION…]: the caller holds the lock.
# MIB is the room that the build takes, LINES about how many lines cargo prints.
build_crate() {
    local program=$1 crate=$2 version=$3 mib=$4 lines=$5 rust work
    local root=$cache/$program/$version
    shift 5
    rust=$("$here/rust")
    say "building $program $version (usually 1 to 2 minutes)"
    need_space "$cache" "$mib" "building $program"
    work=$(fresh_dir "$program")
    # In its own folder: a checkout's .cargo/config.toml is no business of its.
    cd "$work"
    run_long "building $program $version" "$cache/logs/$program.log" "$lines" "$cache" \
        env PATH="$rust:$PATH" CARGO_TARGET_DIR="$work/target" \
        "$rust/cargo" install "$crate" --version "$version" --locked --root "$work/root" "$@"
    mkdir -p "${root%/*}"
    rm -rf "$root"
    mv "$work/root" "$root"
    cd /
    rm -rf "$work"
}

# crate_program PROGRAM CRATE VERSION MIB LINES [OPTION…]: makes sure that there is
# this version of the program, and prints its path.
crate_program() {
    local program=$1 path=$cache/$1/$3/bin/$1
    if [[ ! -x $path ]]; then
        cache_open
        take_lock "$program" "building $program"
        [[ -x $path ]] || build_crate "$@"
    fi
    printf '%s\n' "$path"
}
