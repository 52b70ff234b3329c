# SPDX-License-Identifier: MIT OR Apache-2.0
# shellcheck shell=bash
#
# What the subjects share that run in User-mode Linux. um has set the variables in
# capitals.

# shellcheck disable=SC2034,SC2153  # read by the scripts that source this
{
    kernel_build=$KERNEL_BUILD
    programs=$PROGRAMS
    work=/tmp
}

# load TRAFFIC DROPS: the module, and what namespaces begin with counting.
load() {
    insmod "$MODULE" "traffic=$1" "drops=$2"
}

die() {
    printf 'bench: %s\n' "$*" >&2
    exit 1
}
