# SPDX-License-Identifier: MIT OR Apache-2.0
# shellcheck shell=bash
#
# Which Rust toolchain is used, and the library source that belongs to it.
# Needs messages.sh, cache.sh, versions.sh and debian.sh.

# The version of the rustc in a folder, empty when there is none that works: a
# rustup proxy without a toolchain is there and does not work.
rustc_version_in() {
    "$1/rustc" --version 2>/dev/null | sed -n 's/^rustc \([0-9.]*\).*/\1/p'
}

rust_is_usable() {
    local dir=$1 program
    shift
    for program in rustc cargo "$@"; do
        "$dir/$program" --version >/dev/null 2>&1 || return 1
    done
    at_least "$(rustc_version_in "$dir")" "$rust_minimum"
}

# The folders to look for a toolchain in, the preferred one first.
rust_folders() {
    local rustc
    if rustc=$(command -v "${RUSTC:-rustc}"); then
        dirname "$rustc"
    fi
    [[ ! -x /usr/bin/rustc ]] || printf '/usr/bin\n'
}

# The folder of the first toolchain that is new enough and has the components
# (names of programs) asked for.
rust_find() {
    local dir
    while read -r dir; do
        if rust_is_usable "$dir" "$@"; then
            printf '%s\n' "$dir"
            return
        fi
    done < <(rust_folders)
    return 1
}

# rust_packages compiler|source|lints: Debian calls them rustc, cargo … where
# that is new enough, and rustc-web, cargo-web … in Debian 12, whose own rustc is
# older. A machine that never fetched its package lists knows no versions.
rust_packages() {
    local -a names
    if [[ $(. /etc/os-release && printf '%s' "${VERSION_ID:-}") == 12 ]]; then
        names=(rustc-web cargo-web rust-web-src rustfmt-web rust-web-clippy)
    else
        names=(rustc cargo rust-src rustfmt rust-clippy)
    fi
    case $1 in
    compiler) printf '%s\n' "${names[@]:0:2}" ;;
    source) printf '%s\n' "${names[2]}" ;;
    lints) printf '%s\n' "${names[@]:3:2}" ;;
    esac
}

# Library source that is on the machine already and is of exactly the version
# of the rustc in DIR: the kernel builds `core` from it.
rust_source_present() {
    local dir=$1 version sysroot candidate
    version=$(rustc_version_in "$dir")
    sysroot=$("$dir/rustc" --print sysroot)
    for candidate in "${RUST_LIB_SRC:-}" "$sysroot/lib/rustlib/src/rust/library" \
        "/usr/src/rustc-$version/library" "$cache/rust-src/$version/library"; do
        [[ -n $candidate && -e $candidate/core/src/lib.rs ]] || continue
        # Debian's folder is a link whose target names the version.
        case $(readlink -f "$candidate") in
        /usr/src/rustc-*) [[ $(readlink -f "$candidate") == "/usr/src/rustc-$version/"* ]] || continue ;;
        esac
        printf '%s\n' "$candidate"
        return
    done
    return 1
}
