# SPDX-License-Identifier: MIT OR Apache-2.0
# shellcheck shell=bash
#
# Root folders with a fresh Debian in them. Needs messages.sh, root, and the variable
# `checkout`.
#
# What the machine needs to reach the network (proxies, certificates) is taken along.

# make_debian_root SUITE ROOT PACKAGES: PACKAGES with commas between them.
make_debian_root() {
    local suite=$1 root=$2 packages=$3 mirror
    say "making a Debian $suite in $root (usually 1 minute)"
    mirror=$("$checkout/scripts/setup/fetch-deb" --mirror)
    apt-config dump Acquire | grep -iE '::(proxy|check-|verify|cainfo|sslcert|sslkey|allow)' >"$root.apt.conf" || true
    mmdebstrap --quiet --variant=apt --include="$packages" --aptopt="$root.apt.conf" "$suite" "$root" "$mirror" ||
        die "mmdebstrap could not make a Debian $suite"
    mv "$root.apt.conf" "$root/etc/apt/apt.conf.d/90host"
    cp --dereference /etc/resolv.conf /etc/hosts "$root/etc/"
    if [[ -d /usr/local/share/ca-certificates ]]; then
        mkdir -p "$root/usr/local/share"
        cp -r /usr/local/share/ca-certificates "$root/usr/local/share/"
    fi
    # Users have to be able to enter it.
    chmod 755 "$root"
}

# Folders of this machine that are there in a root under their own paths.
root_folders=()

# in_debian_root ROOT USER HOME COMMAND…: the mounts and processes of a namespace of
# their own end with it.
in_debian_root() {
    local root=$1 who=$2 home=$3 folder
    local -a network
    mapfile -t network < <(env | grep -iE '^(https?_proxy|no_proxy|all_proxy|PERNET_MIRROR|PERNET_CACHE|PIP_INDEX_URL|CARGO_(HTTP|NET|SOURCE|REGISTR)[A-Z_]*)=' || true)
    shift 3
    for folder in "${root_folders[@]}"; do
        mkdir -p "$root$folder"
    done
    # The root is a mount of its own, as a root is for whoever mounts in it.
    # shellcheck disable=SC2016  # for the inner shell
    unshare --mount --pid --fork --kill-child bash -c '
        set -euo pipefail
        root=$1 who=$2 count=$3
        shift 3
        mount --make-rprivate /
        mount --bind "$root" "$root"
        mount -t proc proc "$root/proc"
        mount --rbind /sys "$root/sys"
        mount --rbind /dev "$root/dev"
        for folder in "${@:1:count}"; do
            mount --bind "$folder" "$root$folder"
        done
        shift "$count"
        # Whose root folder is not that of its mount namespace may make no user
        # namespace. What is lazily unmounted is what was the root before; a bare
        # Debian has no umount.
        cd "$root"
        pivot_root . .
        perl -e "my \$here = q(.); syscall(166, \$here, 2) == 0 or die qq(cannot unmount the old root: \$!\n)"
        exec chroot --userspec="$who" / "$@"' - "$root" "$who" "${#root_folders[@]}" "${root_folders[@]}" \
        env --ignore-environment HOME="$home" PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin "${network[@]}" \
        "$@" </dev/null
}
