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

# install_packages PACKAGE…: as root; anybody else learns what root must do. Where
# PERNET_INSTALLS_PACKAGES is `no`, nobody's packages are touched.
install_packages() {
    [[ ${PERNET_INSTALLS_PACKAGES:-yes} == yes ]] || die "these packages are missing, install them first: $*"
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

# --no-remove: nobody's packages go away for ours.
apt_get_install() {
    env DEBIAN_FRONTEND=noninteractive apt-get --yes --quiet \
        -o DPkg::Lock::Timeout=300 -o Dpkg::Use-Pty=0 -o Dpkg::Options::=--force-confold \
        --no-install-recommends --no-remove install "$@"
}

# Package lists are fetched only when those at hand do not lead to the packages.
apt_install() {
    apt_get_install "$@" && return
    apt-get --quiet -o DPkg::Lock::Timeout=300 update || return
    apt_get_install "$@" || apt_install_from_backports "$@"
}

# What is installed from this release's backports can keep a package of the
# release out (qemu-utils of the one, qemu-system-x86 of the other): such a
# package is taken from there as well. The machine's own sources stay as they are.
apt_install_from_backports() {
    local suite package
    local -a kept_out=() others=()
    for package in "$@"; do
        if apt_get_install --simulate "$package" >/dev/null; then
            others+=("$package")
        else
            kept_out+=("$package")
        fi
    done
    ((${#kept_out[@]} > 0)) || return
    suite=$(. /etc/os-release && printf '%s-backports' "$VERSION_CODENAME")
    printf '%s: taken from %s\n' "${kept_out[*]}" "$suite"
    local list=$cache/apt/$suite.list lists=$cache/apt/$suite
    mkdir -p "$lists/partial"
    {
        cat /etc/apt/sources.list 2>/dev/null || true
        debian_source "$suite"
    } >"$list"
    local -a with_suite=(-o "Dir::Etc::sourcelist=$list" -o "Dir::State::lists=$lists")
    apt-get --quiet "${with_suite[@]}" update || return
    ((${#others[@]} == 0)) || apt_get_install "${others[@]}" || return
    apt_get_install "${with_suite[@]}" --target-release "$suite" "${kept_out[@]}"
}

debian_keyring() {
    local file
    for file in /usr/share/keyrings/debian-archive-keyring.{gpg,pgp}; do
        [[ ! -e $file ]] || { printf '%s\n' "$file" && return; }
    done
    die "Debian's keys are not here, so its packages cannot be checked: install the package debian-archive-keyring"
}

# The mirror that this machine uses for Debian itself.
debian_mirror() {
    if [[ -n ${PERNET_MIRROR:-} ]]; then
        printf '%s\n' "$PERNET_MIRROR"
        return
    fi
    local uri
    # Security and third parties have other labels, or none before the first update.
    # shellcheck disable=SC2016  # apt's own $(…)
    uri=$(apt-get indextargets --format '$(LABEL)|$(REPO_URI)|$(CREATED_BY)' 2>/dev/null |
        awk -F '|' '!n && $3 == "Packages" && $2 !~ /security|^cdrom:/ && ($1 == "Debian" || $1 == "") { n = 1; print $2 }')
    [[ -n $uri ]] || die "this machine's apt names no Debian mirror: set PERNET_MIRROR to the address of one"
    printf '%s\n' "${uri%/}"
}

# debian_source SUITE: the line of a sources.list for it.
debian_source() {
    printf 'deb [signed-by=%s] %s %s main\n' "$(debian_keyring)" "$(debian_mirror)" "$1"
}
