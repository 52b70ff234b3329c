# SPDX-License-Identifier: MIT OR Apache-2.0
# shellcheck shell=bash
#
# What a run of the VM needs, whoever is in it. Needs messages.sh and cache.sh,
# and the variables `vm` (this folder) and `checkout`.

# Folders that the guest's init covers with empty ones: what lies below them is
# brought in by a mount of its own.
covered_in_guest() {
    case $1/ in
    /run/* | /dev/shm/* | /var/tmp/* | /var/log/* | /var/cache/* | /var/lib/*) return 0 ;;
    *) return 1 ;;
    esac
}

vm_broken=125

# Devices of the emulated machine, and processors' features, that nothing here uses.
idle_modules=kvm,kvm_amd,kvm_intel,ccp,ahci,ata_piix,sr_mod,sg,psmouse,pcspkr,i2c_i801,lpc_ich,iTCO_wdt,i6300esb,evdev,serio_raw,button,qemu_fw_cfg,aesni_intel

# Whether the kernel is a process of this machine, not of a machine of its own.
user_mode() {
    # shellcheck disable=SC2154  # set by vm_prepare
    [[ " ${kernel_arguments[*]} " == *' ARCH=um '* ]]
}

# Sets run (the folder of this run), and all that describes the kernel.
vm_prepare() {
    local assignments
    case $checkout in
    *[!a-zA-Z0-9_+/.-]*)
        say "error: the checkout's path '$checkout' has a character that virtme-ng cannot hand to the guest: move it to a path of letters, digits and _ + . -"
        return "$vm_broken"
        ;;
    esac
    "$vm/../setup/packages" vm || return "$vm_broken"
    assignments=$("$vm/../setup/kernel" --boot) || return "$vm_broken"
    # Set where the kernel's drivers are modules.
    kernel_busybox=''
    eval "$assignments"
    virtme=$("$vm/../setup/python-tools") || return "$vm_broken"
    if user_mode; then accelerator=none; else accelerator=$("$vm/probe-kvm") || return "$vm_broken"; fi
    cache_open

    mkdir -p "$checkout/build/vm"
    # The names begin with the time: all but the newest go.
    find "$checkout/build/vm" -maxdepth 1 -name 'run-*' | sort --reverse | tail -n +20 | xargs --no-run-if-empty rm -rf
    run=$(mktemp --directory "$checkout/build/vm/run-$(date +%Y%m%d-%H%M%S)-XXXX")
    ln -sfn "${run##*/}" "$checkout/build/vm/latest"
    console=$run/console.log
    : >"$console"
}

# write_job COMMAND…: what scripts/vm/guest reads.
write_job() {
    local token
    token=$(od -An -N8 -tx1 /dev/urandom | tr -d ' \n')
    {
        printf 'token=%q\n' "$token"
        printf 'export PERNET_CHECKOUT=%q\n' "$checkout"
        # shellcheck disable=SC2154  # set by vm_prepare
        printf 'export PERNET_KO=%q\n' "$checkout/build/kmod/$kernel_key/pernet.ko"
        printf 'export PERNET_KERNEL_SOURCE=%q\n' "$kernel_source"
        printf 'export PERNET_PYTHON=%q\n' "$virtme/python"
        printf 'export PATH=%q\n' "$checkout/userspace/target/release:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
        printf 'export HOME=/root LC_ALL=C.UTF-8 PYTHONPYCACHEPREFIX=/run/pernet/pycache PERNET_IN_VM=1\n'
        printf 'command=('
        (($# == 0)) || printf '%q ' "$@"
        printf ')\n'
    } >"$run/job"
    printf '%s\n' "$token"
}

# vm_command VERBOSITY: sets the array `vng`, to which the caller adds what shall
# run. VERBOSITY is the kernel parameter that says what reaches the console log.
#
# --append root=/dev/root: without it Linux 7.3 refuses the 9P root.
# --skip-modules: everything is built in, and the kernel's folder stays untouched.
# Debian's kernels bring their modules; those of devices that no test looks at only
# cost time, under emulation most of all.
# The console log is a second serial port: the first one is virtme-ng's.
# earlycon and keep_bootcon make it independent of any driver, up to a panic.
# no_timer_check: an emulated timer on a busy machine is late, and the kernel would
# take it for broken and give up.
vm_command() {
    if user_mode; then
        vng=("$vm/user-mode" "$run" "$kernel_image" "$console")
        return
    fi
    # shellcheck disable=SC2034,SC2154  # read by the caller; set by vm_prepare
    vng=(
        env "PATH=$virtme:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
        "$virtme/vng" --run "$kernel_image"
        --name pernet-vm --cpus 2 --memory 1G
        --disable-microvm --force-9p
        --append "root=/dev/root rootflags=version=9p2000.L,trans=virtio,access=any,msize=524288,cache=loose no_timer_check earlycon=uart8250,io,0x2f8,115200n8 keep_bootcon printk.devkmsg=on $1${kernel_busybox:+ module_blacklist=$idle_modules}"
        "--qemu-opts=-chardev file,id=pernet-console,path=$console -device isa-serial,index=1,chardev=pernet-console"
    )
    [[ $accelerator == kvm ]] || vng+=(--disable-kvm)
    if [[ -n $kernel_busybox ]]; then vng+=(--busybox "$kernel_busybox"); else vng+=(--skip-modules); fi
    local folder
    for folder in "$checkout" "$cache" "$kernel_source"; do
        ! covered_in_guest "$folder" || vng+=(--rodir "$folder")
    done
}
