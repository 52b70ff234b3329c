# SPDX-License-Identifier: MIT OR Apache-2.0
# shellcheck shell=bash
#
# The versions this project asks for, in one place.

# shellcheck disable=SC2034  # read by the scripts that source this file
{
    # Linux 7.3's own minimum (scripts/min-tool-version.sh), and ours.
    rust_minimum=1.85.0
    bindgen_minimum=0.71.1
    libclang_minimum=17
    # What is installed where the distribution has nothing new enough.
    bindgen_version=0.72.1
    cargo_fuzz_version=0.13.2
    # Later ones want a newer Rust than Debian 13 has.
    mdbook_version=0.4.52
    # The kernel: the series is fixed, the newest point release is taken.
    kernel_series=7.3
    kernel_suite=trixie-backports
}

# at_least VERSION MINIMUM
at_least() {
    [[ -n $1 && $(printf '%s\n%s\n' "$2" "$1" | sort -V | sed -n 1p) == "$2" ]]
}
