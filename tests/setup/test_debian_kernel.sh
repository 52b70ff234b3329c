#!/usr/bin/env bash
# SPDX-License-Identifier: MIT OR Apache-2.0
#
# KDIR=debian: what cannot be served ends in one sentence. Packages here are as
# much of a package as is looked at, and come from an archive that is a folder.
# That it serves is shown by `make test-debian`, with the real ones.
set -euo pipefail
here=$(dirname "$(readlink -f "$0")")
checkout=$(readlink -f "$here/../..")
# shellcheck source=tests/vm/lib.sh
. "$here/../vm/lib.sh"

release=7.3.9+deb13-amd64 version=7.3.9-1~bpo13+1

# archive OPTION…: one with the headers of $release, configured with the options,
# and an apt that serves it. Whatever is not a header package is not there.
archive() {
    local headers=$test_dir/headers bin=$test_dir/bin option
    local folder=$headers/usr/src/linux-headers-$release
    mkdir -p "$folder" "$headers/DEBIAN" "$bin" "$test_dir/cache/debian"
    for option in "$@"; do
        printf '%s\n' "$option"
    done >"$folder/.config"
    : >"$folder/Module.symvers"
    printf 'Package: linux-headers-%s\nVersion: %s\nArchitecture: all\nMaintainer: nobody <nobody@localhost>\nDescription: headers\n' \
        "$release" "$version" >"$headers/DEBIAN/control"
    dpkg-deb --build "$headers" "$test_dir/linux-headers.deb" >/dev/null
    cat >"$bin/apt-get" <<END
#!/bin/sh
case \$* in
*download*) cp "$test_dir/linux-headers.deb" . ;;
esac
END
    cat >"$bin/apt-cache" <<END
#!/bin/sh
case \$* in
*pkgnames*) printf 'linux-headers-$release\nlinux-source-7.3\n' ;;
*linux-headers*) printf '%s | $version | suite\n' "\$4" ;;
*) printf '%s | 7.3.10-1~bpo13+1 | suite\n' "\$4" ;;
esac
END
    chmod +x "$bin"/*
    # A root folder with nothing in it: no compiler is asked for here.
    mkdir -p "$test_dir/cache/debian/$(PERNET_CACHE=$test_dir/cache "$checkout/scripts/setup/debian-toolchain" --name)"
}

# refused KDIR TEXT…
refused() {
    local said status=0 text
    said=$(PATH=$test_dir/bin:$PATH PERNET_MIRROR=none PERNET_CACHE=$test_dir/cache KDIR=$1 "$checkout/scripts/setup/kernel" 2>&1) || status=$?
    assert_eq 1 "$status" 'exit status'
    assert_eq 1 "$(grep --count 'pernet: error: ' <<<"$said")" "errors in: $said"
    for text in "${@:2}"; do
        [[ $said == *"$text"* ]] || fail "expected '$text' in: $said"
    done
}

test_release_that_there_is_not() {
    archive
    refused debian:6.1.0-1-amd64 'KDIR=debian:6.1.0-1-amd64: ' "it has $release"
}

test_kernel_without_rust() {
    archive '# CONFIG_RUST is not set'
    refused "debian:$release" 'without Rust (CONFIG_RUST)'
}

test_kernel_that_wants_checksums() {
    archive CONFIG_RUST=y CONFIG_MODVERSIONS=y
    refused "debian:$release" 'CONFIG_MODVERSIONS'
}

test_kernel_that_loads_what_is_signed_and_whose_source_is_gone() {
    archive CONFIG_RUST=y CONFIG_MODULE_SIG_FORCE=y
    refused "debian:$release" 'loads signed modules only: sign' "no longer has the source of $version" '7.3.10-1~bpo13+1'
}

test_newest_is_taken_where_the_running_one_is_none() {
    archive '# CONFIG_RUST is not set'
    refused debian "KDIR=debian:$release: "
}

test_what_is_refused_leaves_nothing_to_trip_over() {
    archive '# CONFIG_RUST is not set'
    refused "debian:$release" 'without Rust'
    archive CONFIG_RUST=y
    refused "debian:$release" 'no longer has the source'
}

test_lints_are_not_for_it() {
    archive
    local said
    said=$(! KDIR=debian make -C "$checkout" --no-print-directory kmod CLIPPY=1 2>&1)
    [[ $said == *"clippy is not for Debian's kernels"* ]] || fail "it said: $said"
}

run_tests
