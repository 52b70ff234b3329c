# SPDX-License-Identifier: MIT OR Apache-2.0
# shellcheck shell=bash
#
# A kernel tree and whether it serves: the developer's own (KDIR), or the
# cache's. Needs messages.sh.

# What the VM and the tests in it cannot do without, each built in.
vm_options=(
    64BIT PRINTK BINFMT_ELF BINFMT_SCRIPT MULTIUSER
    PCI VIRTIO_PCI VIRTIO_CONSOLE SERIAL_8250_CONSOLE
    NET_9P NET_9P_VIRTIO 9P_FS OVERLAY_FS PROC_FS SYSFS SYSCTL TMPFS DEVTMPFS
    EPOLL SIGNALFD TIMERFD EVENTFD INOTIFY_USER FHANDLE UNIX
    NET_NS PID_NS UTS_NS IPC_NS USER_NS CGROUPS
    INET IPV6 PACKET NETFILTER VETH BRIDGE DUMMY
    MODULES MODULE_UNLOAD
)

# The source that a build folder was configured from: itself, or what its
# makefile includes. Empty when DIR is no kernel tree.
kernel_source_of() {
    local dir=$1 source
    if [[ -e $dir/Kconfig && -e $dir/Makefile ]]; then
        printf '%s\n' "$dir"
        return
    fi
    source=$(sed -n 's/^include \(\/.*\)\/Makefile$/\1/p' "$dir/Makefile" 2>/dev/null | sed -n 1p)
    [[ -z $source || ! -e $source/Makefile ]] || printf '%s\n' "$source"
}

kernel_config_has() {
    grep -qx "CONFIG_$2=y" "$1/.config"
}

kernel_release() {
    cat "$1/include/config/kernel.release"
}

# The compiler that built the tree's Rust part, as it names itself.
kernel_rustc() {
    sed -n 's/^CONFIG_RUSTC_VERSION_TEXT="\(.*\)"$/\1/p' "$1/.config"
}

# Whether it binds generic netlink for Rust; where not, the module does it itself.
kernel_binds_netlink() {
    grep -qs 'net/genetlink\.h' "$1/rust/bindings/bindings_helper.h"
}

# check_kdir DIR: that a module can be built against it. Says exactly what is
# wrong, and changes nothing.
check_kdir() {
    local dir=$1 file
    [[ -e $dir ]] || die "KDIR=$dir: there is no such folder"
    [[ -d $dir ]] || die "KDIR=$dir: not a folder; give a kernel tree or its build folder"
    [[ $dir != *[[:space:]]* ]] || die "KDIR=$dir: the kernel's build cannot handle a space in a path; link the tree to a path without one"
    [[ -n $(kernel_source_of "$dir") ]] ||
        die "KDIR=$dir: not a kernel tree (no Makefile with a Kconfig next to it, and not the O= folder of one)"
    [[ -e $dir/.config ]] ||
        die "KDIR=$dir: the tree is not configured (no .config); if it was built with O=, give that folder"
    [[ -e $dir/include/config/auto.conf ]] ||
        die "KDIR=$dir: the tree is configured but not prepared (no include/config/auto.conf); build it first"
    kernel_config_has "$dir" MODULES ||
        die "KDIR=$dir: this kernel is configured without modules: set CONFIG_MODULES=y and build it"
    kernel_config_has "$dir" RUST ||
        die "KDIR=$dir: this kernel is configured without Rust: set CONFIG_RUST=y ('make rustavailable' in the tree says what that lacks) and build it"
    for file in rust/libcore.rmeta rust/libkernel.rmeta rust/libmacros.so; do
        [[ -e $dir/$file ]] ||
            die "KDIR=$dir: no $file: the tree's Rust part is not built; run 'make' in it (of packaged headers only some have these files; for Debian's kernels there is KDIR=debian)"
    done
    [[ -e $dir/Module.symvers ]] ||
        die "KDIR=$dir: no Module.symvers: the kernel is not built to the end; run 'make' in it"
}

# check_kdir_rustc DIR RUSTC
check_kdir_rustc() {
    local dir=$1 rustc=$2 built here
    built=$(kernel_rustc "$dir")
    here=$("$rustc" --version)
    [[ $built == "$here" ]] ||
        die "KDIR=$dir: its Rust part was built with '$built', and $rustc is '$here': the two must be the same; set RUSTC to the other compiler, or rebuild the tree with this one"
}

# check_kernel_boots DIR: that the VM can boot it.
check_kernel_boots() {
    local dir=$1 option
    local -a lacking=()
    for option in "${vm_options[@]}"; do
        kernel_config_has "$dir" "$option" || lacking+=("CONFIG_$option")
    done
    ((${#lacking[@]} == 0)) ||
        die "KDIR=$dir: the VM needs these built in (=y): ${lacking[*]}; add tests/vm/kernel.config to its configuration and build it"
    [[ -e $dir/arch/x86/boot/bzImage ]] ||
        die "KDIR=$dir: no arch/x86/boot/bzImage to boot: run 'make bzImage' in it"
}
