# SPDX-License-Identifier: MIT OR Apache-2.0
#
# What differs from one run of the guide's commands to the next, by what it is. In
# Linux 7.2 Rust's modules have no parameters that are called bool.
s/[ \t]+/ /g
s/\b40265[0-9]{5}\b/INODE/g
s/(cookie|inode|userns)(:|"?:? ?)[0-9]+/\1\2N/g
s/\b(age_ns|teardown|epoch-age|age)("?:? )[0-9.]+( ?[mun]?s)?/\1\2T/g
s/\btime[= ][0-9.]+ ?ms/time T/g
s/^rtt .*/rtt T/
s/^\[ *[0-9]+\.[0-9]+\]/[T]/
s/^\[[0-9]+\] [0-9]+$/[J] PID/
s/\bpid[: =][0-9]+/pid PID/g
s/\b[0-9a-f]{2}(:[0-9a-f]{2}){5}\b/MAC/g
s/\b(0x[0-9a-f]{8,}|[0-9a-f]{16})\b/ADDRESS/g
s/ \((bool|u8)\)$/ (FLAG)/
