# SPDX-License-Identifier: MIT OR Apache-2.0
#
# Makes a C header of kmod/uapi.rs, whose constants are those of the contract:
# `pub(crate) const COOKIE` in `mod netns` becomes PERNET_NETNS_COOKIE.

BEGIN { print "/* Made from kmod/uapi.rs. */" }
/^pub\(crate\) mod / { scope = toupper($3) "_"; next }
/^}/ { scope = "" }
/ const [A-Z0-9_]+: u(8|16) = [0-9]+;/ {
    match($0, /const [A-Z0-9_]+/)
    name = substr($0, RSTART + 6, RLENGTH - 6)
    match($0, /= [0-9]+/)
    print "#define PERNET_" scope name " " substr($0, RSTART + 2, RLENGTH - 2)
}
