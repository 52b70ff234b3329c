#!/usr/bin/env bash
# SPDX-License-Identifier: MIT OR Apache-2.0
#
# Set-up where something is wrong with the machine: each ends in one message. And
# two runs at once. Nothing here builds a kernel or reaches the network.
set -euo pipefail
here=$(dirname "$(readlink -f "$0")")
checkout=$(readlink -f "$here/../..")
# shellcheck source=tests/vm/lib.sh
. "$here/../vm/lib.sh"
setup=$checkout/scripts/setup

needs_root() {
    ((EUID == 0)) || skip 'only root can do this'
}

# A folder with links to the programs named, to be a PATH.
path_of() {
    local folder program
    folder=$(mktemp --directory "$test_dir/path.XXXXXX")
    for program in "$@"; do
        ln -s "$(command -v "$program")" "$folder/$program"
    done
    printf '%s\n' "$folder"
}

# with_libs LIB… SCRIPT: a script that begins with files of scripts/lib, as a file
# that anybody may read. Prints its path.
with_libs() {
    local script=$test_dir/script.sh
    while (($# > 1)); do
        cat "$checkout/scripts/lib/$1.sh"
        shift
    done >"$script"
    printf '\nset -euo pipefail\n%s\n' "$1" >>"$script"
    printf '%s\n' "$script"
}

as_nobody() {
    setpriv --reuid 65534 --regid 65534 --clear-groups env HOME=/nonexistent "$@"
}

# A small file system for a full disk, at $disk.
small_disk() {
    needs_root
    disk=$(mktemp --directory "$test_dir/disk.XXXXXX")
    mount -t tmpfs -o "size=$1" tmpfs "$disk" || skip 'no tmpfs can be mounted here'
    defer umount "$disk"
}

# said_by COMMAND…: what it says; it must fail with one error, at the end.
said_by() {
    local said status=0
    said=$("$@" 2>&1 </dev/null) || status=$?
    ((status != 0)) || fail "it succeeded: $*"
    assert_eq 1 "$(grep -c '^pernet: error: ' <<<"$said")" "errors in: $said"
    printf '%s\n' "$said" | tail -n 1
}

base_programs=(bash env readlink dirname sed grep sort tail head dpkg-query id cut cat awk)

test_installed_tool_that_is_not_on_the_path() {
    [[ -e /usr/bin/flex ]] || skip 'flex is not installed'
    local said path
    path=$(path_of "${base_programs[@]}" apt-get)
    # insmod and the like are looked for in sbin, which is added.
    said=$(PATH=$path said_by "$setup/packages" kernel)
    [[ $said == *'is installed, yet its command '*'is not found (PATH is '* ]] || fail "it said: $said"
}

test_other_distribution_gets_a_list() {
    local said path status=0
    # Without apt-get it is another distribution.
    path=$(path_of "${base_programs[@]}")
    said=$(PATH=$path "$setup/packages" vm 2>&1) || status=$?
    assert_eq 1 "$status" 'exit status'
    grep -q 'this is not Debian' <<<"$said"
    grep -qE '^    command qemu-system-x86_64 +qemu-system-x86$' <<<"$said"
    grep -q 'install what is listed above' <<<"$said"
}

test_not_root_is_told_the_one_command() {
    needs_root
    local said script
    script=$(with_libs messages cache long-work debian 'install_packages flex bison')
    said=$(as_nobody bash "$script" 2>&1 || true)
    grep -qx '    apt-get install --no-install-recommends flex bison' <<<"$said" || fail "it said: $said"
    grep -q 'the one step that needs root' <<<"$said"
    assert_eq 1 "$(grep -c '^pernet: error: ' <<<"$said")" "errors in: $said"
}

test_cache_that_is_not_ours() {
    needs_root
    local said script
    mkdir -m 700 "$test_dir/closed"
    script=$(with_libs messages cache cache_open)
    said=$(as_nobody env PERNET_CACHE="$test_dir/closed/cache" bash "$script" 2>&1 || true)
    [[ $said == "pernet: error: cannot write to the cache folder $test_dir/closed/cache: Permission denied; set PERNET_CACHE"* ]] ||
        fail "it said: $said"
}

test_cache_path_that_the_kernel_cannot_handle() {
    local said
    said=$(PERNET_CACHE="$test_dir/with space" said_by "$setup/kernel-source")
    [[ $said == *"has a space, colon, quote or % in its path"* ]] || fail "it said: $said"
    said=$(PERNET_CACHE=relative said_by "$setup/kernel-source")
    [[ $said == *"give an absolute path"* ]] || fail "it said: $said"
}

test_source_is_of_the_series() {
    local linux=$test_dir/cache/linux
    mkdir -p "$linux"/{7.2.12-1,7.4.1-1}
    assert_eq "$linux/7.2.12-1" "$(PERNET_CACHE=$test_dir/cache "$setup/kernel-source" 7.2)"
    # An older one does not take the place of the usual one, a later one does.
    assert_eq "$linux/7.4.1-1" "$(PERNET_CACHE=$test_dir/cache "$setup/kernel-source")"
    mkdir "$linux/7.3.4-1"
    assert_eq "$linux/7.3.4-1" "$(PERNET_CACHE=$test_dir/cache "$setup/kernel-source")"
}

test_series_that_debian_dropped() {
    local said bin=$test_dir/bin
    mkdir "$bin"
    # An apt that knows of 7.3 and 7.5.
    printf '#!/bin/sh\nexit 0\n' >"$bin/apt-get"
    cat >"$bin/apt-cache" <<'END'
#!/bin/sh
case $* in
*pkgnames*) printf 'linux-source-7.3\nlinux-source-7.5\n' ;;
*) printf '%s | %s.1-1 | suite\n' "$4" "${4#linux-source-}" ;;
esac
END
    chmod +x "$bin"/*
    said=$(PATH=$bin:$PATH PERNET_MIRROR=none PERNET_CACHE=$test_dir/cache said_by "$setup/kernel-source" 7.2)
    [[ $said == *"has no linux-source-7.2, only linux-source-7.3 linux-source-7.5: "*"KDIR=" ]] || fail "it said: $said"
}

# An installed one would be a server that starts with the machine.
test_prometheus_is_unpacked_and_not_installed() {
    needs_root
    # The checkout may be in a folder that is root's alone.
    local setup=$test_dir/scripts/setup folder path package=$test_dir/package program
    cp -r "$checkout/scripts" "$test_dir/"
    path=$(path_of "${base_programs[@]}" mkdir rm mv cp touch chmod find flock df tr sleep kill wc cmp dpkg-deb tar)
    mkdir -p "$package/DEBIAN" "$package/usr/bin" "$test_dir/cache"
    printf 'Package: prometheus\nVersion: 1\nArchitecture: all\nMaintainer: nobody\nDescription: a test\n' >"$package/DEBIAN/control"
    for program in prometheus promtool; do
        printf '#!/bin/sh\nexit 0\n' >"$package/usr/bin/$program"
        chmod +x "$package/usr/bin/$program"
    done
    dpkg-deb --build "$package" "$test_dir/prometheus.deb" >/dev/null
    printf '#!/bin/sh\ncase $* in *download*) cp %s/prometheus.deb . ;; *update*) : ;; *) exit 1 ;; esac\n' "$test_dir" >"$path/apt-get"
    printf '#!/bin/sh\ncase $* in *pkgnames*) echo prometheus ;; *) echo "prometheus | 1 | main" ;; esac\n' >"$path/apt-cache"
    chmod +x "$path"/apt-*
    chmod 755 "$path"
    chmod 777 "$test_dir/cache"
    folder=$(as_nobody env PATH="$path" PERNET_MIRROR=none PERNET_CACHE="$test_dir/cache" "$setup/prometheus")
    [[ $folder == "$test_dir/cache/prometheus/"* && -x $folder/prometheus && -x $folder/promtool ]] || fail "it is $folder"
    # What is there is not fetched again.
    rm "$path"/apt-*
    assert_eq "$folder" "$(as_nobody env PATH="$path" PERNET_CACHE="$test_dir/cache" "$setup/prometheus")"
    # And what is on the PATH is taken as it is.
    assert_eq "$folder" "$(as_nobody env PATH="$path:$folder" PERNET_CACHE=/nonexistent "$setup/prometheus")"
}

test_kernel_that_there_is_not() {
    local said
    said=$(KERNEL=7.9 said_by "$setup/kernel")
    [[ $said == *"KERNEL is '7.9'; known are: "*" 7.2 "* ]] || fail "it said: $said"
}

test_user_mode_linux_has_no_shell() {
    local said
    # Before anything is built.
    said=$(! KERNEL=uml-debug make -C "$checkout" --no-print-directory vm 2>&1)
    assert_eq 1 "$(grep -c '^pernet: ' <<<"$said")" "lines of ours in: $said"
    [[ $said == "pernet: error: KERNEL is 'uml-debug', "*'KERNEL=uml-debug scripts/vm/run -- COMMAND'* ]] || fail "it said: $said"
}

test_no_room_before_the_work() {
    small_disk 40m
    local said
    said=$(PERNET_CACHE=$disk said_by "$setup/python-tools")
    [[ $said == *"not enough room for virtme-ng in $disk: about 150 MiB needed, "*' MiB available; free some, or set PERNET_CACHE'* ]] ||
        fail "it said: $said"
}

test_disk_that_fills_up_at_work() {
    small_disk 24m
    local said script
    # shellcheck disable=SC2016  # for the script
    script=$(with_libs messages cache long-work 'cache_open
        run_long "filling the disk" "$cache/logs/fill.log" 10 "$cache" dd if=/dev/zero of="$cache/file" bs=1M')
    said=$(PERNET_CACHE=$disk said_by bash "$script")
    [[ $said == *"filling the disk: the disk with $disk is full "*'run again: what is done is kept' ]] || fail "it said: $said"
}

test_failed_work_shows_the_end_of_its_log() {
    local said script
    # shellcheck disable=SC2016  # for the script
    script=$(with_libs messages cache long-work 'cache_open
        run_long "counting" "$cache/logs/count.log" 10 "$cache" bash -c "seq 100; exit 3"')
    said=$(PERNET_CACHE=$test_dir/cache bash "$script" 2>&1 || true)
    assert_eq "$(seq 71 100)" "$(sed -n 's/^  | //p' <<<"$said")" 'lines shown'
    assert_eq "pernet: error: counting failed (exit status 3); above are the last lines of $test_dir/cache/logs/count.log" \
        "$(tail -n 1 <<<"$said")"
}

test_second_run_waits_and_says_so() {
    local script
    # shellcheck disable=SC2016  # for the script
    script=$(with_libs messages cache 'cache_open
        take_lock it "making it"
        echo begin >>"$1"; until [[ -e $2 ]]; do sleep 0.1; done; echo end >>"$1"')
    export PERNET_CACHE=$test_dir/cache
    bash "$script" "$test_dir/order" "$test_dir/go" &
    defer touch "$test_dir/go"
    wait_until 20 test -s "$test_dir/order"
    bash "$script" "$test_dir/order" "$test_dir/go" 2>"$test_dir/said" &
    wait_until 20 test -s "$test_dir/said"
    touch "$test_dir/go"
    wait
    assert_eq 'pernet: another run is making it, waiting for it' "$(cat "$test_dir/said")"
    assert_eq $'begin\nend\nbegin\nend' "$(cat "$test_dir/order")" order
}

test_distclean_leaves_a_cache_in_use() {
    local said script
    # shellcheck disable=SC2016  # for the script
    script=$(with_libs messages cache 'cache_open; touch "$1"; until [[ -e $2 ]]; do sleep 0.1; done')
    export PERNET_CACHE=$test_dir/cache
    bash "$script" "$test_dir/open" "$test_dir/go" &
    defer touch "$test_dir/go"
    wait_until 20 test -e "$test_dir/open"
    said=$(said_by "$checkout/scripts/clean" --cache)
    [[ $said == *'is in use by another run'* ]] || fail "it said: $said"
    touch "$test_dir/go"
    wait
    "$checkout/scripts/clean" --cache
    [[ ! -e $PERNET_CACHE ]]
}

test_distclean_keeps_what_is_not_ours() {
    mkdir -p "$test_dir/cache/locks"
    touch "$test_dir/cache/locks/cache" "$test_dir/cache/letter"
    PERNET_CACHE=$test_dir/cache "$checkout/scripts/clean" --cache
    assert_eq letter "$(ls "$test_dir/cache")"
}

test_checkout_with_a_space_in_its_path() {
    local said
    mkdir "$test_dir/with space"
    cp "$checkout/Makefile" "$test_dir/with space/"
    said=$(! make -C "$test_dir/with space" --no-print-directory help 2>&1)
    assert_eq 1 "$(wc -l <<<"$said")" "lines in: $said"
    [[ $said == *"has a space in it"* ]] || fail "it said: $said"
}

test_kvm_is_probed_with_a_guest_that_runs() {
    # The same payload runs where nothing but a processor is needed, so that a
    # "no" for KVM is KVM's.
    "$checkout/scripts/vm/probe-kvm" --boots tcg
    assert_eq tcg "$(PERNET_ACCEL=tcg "$checkout/scripts/vm/probe-kvm")"
    PERNET_ACCEL=abacus said_by "$checkout/scripts/vm/probe-kvm" >/dev/null
}

test_help_lists_the_targets() {
    local target listed
    listed=$(make -C "$checkout" --no-print-directory)
    for target in demo test kernel kmod cli vm bench rust-analyzer install clean distclean; do
        grep -q "^  make $target " <<<"$listed" || fail "make help does not list $target"
    done
}

run_tests
