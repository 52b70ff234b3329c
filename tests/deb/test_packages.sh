#!/usr/bin/env bash
# SPDX-License-Identifier: MIT OR Apache-2.0
#
# The packages pernet and pernet-dkms, in one fresh Debian 13: they are installed,
# used, upgraded and purged, in the order of these tests. What was prepared for
# Debian's kernels on this machine is used there too.
set -euo pipefail
here=$(dirname "$(readlink -f "$0")")
checkout=$(readlink -f "$here/../..")
# shellcheck source=scripts/lib/messages.sh
. "$checkout/scripts/lib/messages.sh"
# shellcheck source=scripts/lib/cache.sh
. "$checkout/scripts/lib/cache.sh"
# shellcheck source=tests/setup/root.sh
. "$checkout/tests/setup/root.sh"
# shellcheck source=tests/vm/lib.sh
. "$checkout/tests/vm/lib.sh"

in_root() {
    in_debian_root "$root" root /root env DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8 "$@"
}

install() {
    in_root apt-get --yes --quiet -o Dpkg::Use-Pty=0 --no-install-recommends install "$@" 2>&1
}

purge() {
    in_root apt-get --yes --quiet -o Dpkg::Use-Pty=0 purge "$@" 2>&1
}

# What is in the root, but for what apt, dpkg and man keep of everything.
files() {
    (cd "$root" && find . -xdev \( -path ./proc -o -path ./sys -o -path ./dev -o -path ./run -o -path ./tmp \
        -o -path ./root -o -path ./var/log -o -path ./var/lib/dpkg -o -path ./var/lib/apt \
        -o -path ./var/cache/apt -o -path ./var/cache/man \) -prune -o -print | sort)
}

# Sets root, tool, sources, newer_tool, newer_sources (packages) and release.
prepare() {
    local kernel_key='' architecture
    architecture=$(dpkg --print-architecture)
    version=$(sed -n 's/^version = "\(.*\)"$/\1/p' "$checkout/userspace/Cargo.toml")
    newer=$version+newer
    work=$(mktemp --directory "$checkout/build/deb-test.XXXXXX")
    trap 'rm -rf --one-file-system "$work"' EXIT
    root=$work/root
    eval "$("$checkout/scripts/setup/kernel" | grep -o 'kernel_key=[^ ]*')"
    release=${kernel_key#debian-}
    release=${release%-*}
    "$checkout/scripts/deb" >/dev/null
    "$checkout/scripts/deb" "$newer" >/dev/null
    make_debian_root trixie "$root" man-db,bash-completion
    sed 's/ trixie / trixie-backports /' "$root/etc/apt/sources.list" >"$root/etc/apt/sources.list.d/backports.list"
    cp "$checkout/build/deb"/pernet*_"${version}"_*.deb "$root/root/"
    mv "$checkout/build/deb"/pernet*_"${newer}"_*.deb "$root/root/"
    in_root apt-get --quiet update
    root_folders=("$cache")
    export PERNET_CACHE=$cache
    tool=/root/pernet_${version}_$architecture.deb
    newer_tool=/root/pernet_${newer}_$architecture.deb
    sources=/root/pernet-dkms_${version}_all.deb
    newer_sources=/root/pernet-dkms_${newer}_all.deb
}

test_lintian_finds_no_error() {
    lintian --allow-root --fail-on error "$root$tool" "$root$sources"
}

test_tool_is_installed() {
    files >"$work/before"
    install "$tool"
    assert_eq "pernet $version" "$(in_root pernet --version)" version
    in_root man -P cat pernet-up | grep -q 'pernet-up'
    in_root man -P cat vcmd >"$test_dir/manual"
    grep -q 'CORE' "$test_dir/manual"
    # shellcheck disable=SC2016  # for the inner shell
    in_root bash -c '. /usr/share/bash-completion/bash_completion && _comp_load pernet && complete -p pernet'
    [[ -e $root/usr/share/zsh/vendor-completions/_pernet && -e $root/usr/share/fish/vendor_completions.d/pernet.fish ]]
    grep -qx 'ExecStart=/usr/bin/pernet export' "$root/usr/lib/systemd/system/pernet-export.service"
    assert_eq '' "$(find "$root/etc/systemd" -name 'pernet*')" 'what is enabled'
}

test_tool_is_used() {
    # shellcheck disable=SC2016  # for the inner shell
    in_root unshare --net bash -ec '
        pernet node add n1 n2
        pernet link add n1:eth0=10.0.0.1/24 n2:eth0=10.0.0.2/24
        pernet exec n1 -- cat /proc/net/dev | grep -q eth0
        pernet vnoded --help >/dev/null
        vcmd --help >/dev/null
        pernet node del n1 n2
        pernet node ls | grep -q n1 && exit 1
        pernet doctor' >"$test_dir/said"
    grep -q '^ok  *namespaces ' "$test_dir/said"
}

test_upgrade_keeps_what_the_administrator_chose() {
    local link=etc/systemd/system/multi-user.target.wants/pernet-export.service
    # As `systemctl enable` does it.
    mkdir -p "$root/${link%/*}"
    ln -s /usr/lib/systemd/system/pernet-export.service "$root/$link"
    install "$newer_tool"
    assert_eq "pernet $newer" "$(in_root dpkg-query --show pernet | tr '\t' ' ')" version
    [[ -L $root/$link ]]
    assert_eq /etc/alternatives/vcmd "$(readlink "$root/usr/bin/vcmd")" 'the link vcmd'
}

# core_package: one that has vcmd, as CORE's own has.
core_package() {
    mkdir -p "$test_dir/core/DEBIAN" "$test_dir/core/usr/bin"
    printf '#!/bin/sh\necho "of CORE"\n' >"$test_dir/core/usr/bin/vcmd"
    chmod 755 "$test_dir/core/usr/bin/vcmd"
    printf 'Package: core\nVersion: 9\nArchitecture: all\nMaintainer: nobody <nobody@example.org>\nDescription: CORE\n' >"$test_dir/core/DEBIAN/control"
    dpkg-deb --root-owner-group --build "$test_dir/core" "$root/root/core.deb" >/dev/null
}

test_programs_of_core_stay() {
    core_package
    install /root/core.deb
    assert_eq "of CORE" "$(in_root vcmd)" 'vcmd, CORE installed later'
    in_root dpkg --install "$newer_tool"
    assert_eq "of CORE" "$(in_root vcmd)" 'vcmd, pernet installed later'
    in_root dpkg --remove pernet
    assert_eq "of CORE" "$(in_root vcmd)" 'vcmd, pernet removed'
    purge core
    in_root dpkg --install "$newer_tool"
    in_root vcmd --help >/dev/null
}

test_tool_leaves_nothing_behind() {
    purge pernet
    rm -f "$root/root/core.deb"
    files >"$work/after"
    diff "$work/before" "$work/after"
}

test_module_is_built_for_a_kernel_that_serves() {
    install "$tool" "$sources"
    install "linux-headers-$release"
    in_root dkms status pernet | tee "$test_dir/status"
    grep -q "^pernet/$version, $release, x86_64: installed" "$test_dir/status"
}

# passed_over TEXT COMMAND…: that it succeeds, and says why not in one sentence. dkms
# may be run more than once, for a kernel and for its headers.
passed_over() {
    local text=$1 sentences
    shift
    in_root "$@" 2>&1 | cat >"$test_dir/said" || fail "it failed: $* said: $(<"$test_dir/said")"
    sentences=$(grep '^pernet-dkms: no module for the kernel ' "$test_dir/said" | sort -u) || fail "it said: $(<"$test_dir/said")"
    assert_eq 1 "$(wc -l <<<"$sentences")" 'number of sentences'
    [[ $sentences == *"$text"* ]] || fail "expected '$text' in: $sentences"
}

test_kernel_without_rust_is_installed_all_the_same() {
    passed_over 'built without Rust (CONFIG_RUST)' \
        apt-get --yes --quiet --no-install-recommends install linux-headers-amd64/trixie
    in_root dkms status pernet >"$test_dir/status"
    assert_eq 1 "$(wc -l <"$test_dir/status")" 'kernels with the module'
}

# headers_of RELEASE: as much of them as dkms and we look at.
headers_of() {
    local folder=$root/usr/lib/modules/$1
    mkdir -p "$folder/build/include"
    echo CONFIG_RUST=y >"$folder/build/.config"
    defer rm -rf "$folder"
}

test_kernel_of_somebody_elses_is_passed_over() {
    headers_of 7.9.0-mine
    passed_over 'lack the metadata' dkms autoinstall --kernelver 7.9.0-mine
    mkdir "$root/usr/lib/modules/7.9.0-mine/build/rust"
    touch "$root/usr/lib/modules/7.9.0-mine/build/rust/libkernel.rmeta"
    passed_over 'not a kernel tree' dkms autoinstall --kernelver 7.9.0-mine
}

test_no_package_is_installed_while_dpkg_is_at_work() {
    local said
    said=$(in_root env PERNET_INSTALLS_PACKAGES=no "/usr/src/pernet-$version/scripts/setup/packages" bare 2>&1) && fail 'there was nothing to install'
    [[ $said == *'install them first: mmdebstrap' ]] || fail "it said: $said"
}

test_kernel_that_the_archive_has_not_is_passed_over() {
    headers_of 7.2.99+deb13-amd64
    passed_over 'has no such kernel' dkms autoinstall --kernelver 7.2.99+deb13-amd64
}

test_without_a_network_the_kernel_is_passed_over() {
    headers_of 7.2.98+deb13-amd64
    passed_over "Debian's archive cannot be reached" \
        env PERNET_CACHE=/var/cache/pernet-dkms unshare --net dkms autoinstall --kernelver 7.2.98+deb13-amd64
}

test_source_that_does_not_build_is_passed_over() {
    local file=$root/usr/src/pernet-$version/kmod/pernet.rs
    cp "$file" "$test_dir/kept"
    defer cp "$test_dir/kept" "$file"
    echo 'no Rust at all' >>"$file"
    in_root dkms unbuild "pernet/$version" -k "$release"
    passed_over 'does not build' dkms autoinstall --kernelver "$release"
}

test_cache_keeps_what_installed_kernels_need() {
    local own=$root/var/cache/pernet-dkms gone=debian-7.2.1+deb13-amd64-0 there=debian-$release-0
    mkdir -p "$own/build/$gone" "$own/build/$there" "$own/linux/gone" "$own/linux/there"
    echo /var/cache/pernet-dkms/linux/gone >"$own/build/$gone/.pernet-source"
    echo /var/cache/pernet-dkms/linux/there >"$own/build/$there/.pernet-source"
    headers_of 7.9.0-mine
    passed_over 'lack the metadata' dkms autoinstall --kernelver 7.9.0-mine
    assert_eq "$there" "$(ls "$own/build")" 'build folders'
    assert_eq there "$(ls "$own/linux")" 'sources'
}

test_upgrade_builds_anew() {
    install "$newer_sources"
    in_root dkms status pernet | tee "$test_dir/status"
    assert_eq "pernet/$newer, $release, x86_64: installed" "$(<"$test_dir/status")" status
}

test_in_the_vm_with_that_kernel() {
    KDIR=debian:$release "$checkout/scripts/vm/run" -- "$here/in-vm" "$root" "$newer_tool"
}

test_sources_leave_nothing_behind() {
    purge pernet-dkms pernet
    assert_eq '' "$(files | grep pernet)" 'files left'
}

prepare >&2
run_tests
