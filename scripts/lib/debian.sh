# SPDX-License-Identifier: MIT OR Apache-2.0
# shellcheck shell=bash
#
# Debian packages. Needs messages.sh, cache.sh and long-work.sh.

is_debian() {
    [[ -r /etc/os-release ]] && command -v apt-get >/dev/null &&
        [[ $(. /etc/os-release && printf '%s' "${ID:-}") == debian ]]
}

package_installed() {
    [[ $(dpkg-query --show --showformat='${db:Status-Status}' "$1" 2>/dev/null) == installed ]]
}

# The version apt would install, empty when it knows none.
package_candidate() {
    local version
    version=$(LC_ALL=C apt-cache policy "$1" 2>/dev/null | sed -n 's/^  Candidate: //p')
    [[ $version == '(none)' ]] || printf '%s\n' "$version"
}

# install_packages PACKAGE…: as root; anybody else learns what root must do.
install_packages() {
    if ((EUID != 0)); then
        local package update=
        for package in "$@"; do
            [[ -n $(package_candidate "$package") ]] || update='apt-get update && '
        done
        say "these packages are missing, and installing them is the one step that needs root:"
        printf '    %sapt-get install --no-install-recommends %s\n' "$update" "$*" >&2
        die "run the line above as root, then run this again as yourself"
    fi
    cache_open
    take_lock apt "installing packages"
    say "installing ${*} (usually 1 to 2 minutes)"
    run_long "installing packages" "$cache/logs/apt.log" $((60 * $#)) /usr apt_install "$@"
}

# Package lists are fetched only when those at hand do not lead to the packages.
# --no-remove: nobody's packages go away for ours.
apt_install() {
    local -a apt=(env DEBIAN_FRONTEND=noninteractive apt-get --yes --quiet
        -o DPkg::Lock::Timeout=300 -o Dpkg::Use-Pty=0
        -o Dpkg::Options::=--force-confold)
    local -a install=("${apt[@]}" install --no-install-recommends --no-remove)
    "${install[@]}" "$@" && return
    "${apt[@]}" update && "${install[@]}" "$@"
}
