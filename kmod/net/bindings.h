/* SPDX-License-Identifier: GPL-2.0 */

/*
 * What the module needs of C interfaces that Linux 7.2 does not bind itself; see
 * kmod/net/compat.rs.
 */

#include <linux/netfilter.h>
#include <linux/sysctl.h>
#include <net/genetlink.h>
#include <net/net_namespace.h>
