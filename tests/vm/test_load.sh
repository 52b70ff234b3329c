#!/usr/bin/env bash
# SPDX-License-Identifier: MIT OR Apache-2.0
#
# The module as it is installed, in the folder of the running kernel: loaded by
# name, with parameters, at boot, and by whoever asks for its family. The VM's root
# is thrown away with it.
set -euo pipefail
here=$(dirname "$(readlink -f "$0")")
# shellcheck source=tests/vm/lib.sh
. "$here/lib.sh"

# counts WHAT: whether that is counted where nobody has said otherwise.
counts() {
    cat "/proc/sys/net/pernet/$1"
}

unload_module() {
    ! is_loaded || rmmod pernet
}

is_loaded() {
    grep -q '^pernet ' /proc/modules
}

# It has the folder for itself: to index a distribution's thousands of modules
# takes an emulated machine minutes.
install_module() {
    local release folder
    release=$(uname -r)
    folder=/lib/modules/$release
    unload_module
    mkdir -p "$test_dir/base/lib/modules/$release/updates" "$folder"
    cp "$PERNET_KO" "$test_dir/base/lib/modules/$release/updates/pernet.ko"
    depmod --basedir "$test_dir/base" "$release"
    mount --bind "$test_dir/base/lib/modules/$release" "$folder"
    defer umount "$folder"
    defer rm -f /etc/modprobe.d/pernet.conf /etc/modules-load.d/pernet.conf
    defer unload_module
}

test_by_name_with_parameters() {
    install_module
    modprobe pernet traffic=0
    assert_eq 0 "$(counts traffic)" traffic
}

test_parameters_of_the_configuration() {
    install_module
    mkdir -p /etc/modprobe.d
    echo options pernet traffic=0 >/etc/modprobe.d/pernet.conf
    modprobe pernet
    assert_eq 0 "$(counts traffic)" traffic
}

test_who_asks_for_the_family_loads_it() {
    install_module
    ! is_loaded || fail 'loaded before anybody asked'
    pernet stat --json >"$test_dir/stat"
    is_loaded || fail 'asked for, and not loaded'
    assert_eq module "$(jq --raw-output .source "$test_dir/stat")" source
}

test_at_boot() {
    local loader=/usr/lib/systemd/systemd-modules-load
    [[ -x $loader ]] || skip 'systemd-modules-load is not here'
    install_module
    mkdir -p /etc/modules-load.d
    echo pernet >/etc/modules-load.d/pernet.conf
    "$loader" /etc/modules-load.d/pernet.conf
    is_loaded || fail 'not loaded'
}

run_tests
