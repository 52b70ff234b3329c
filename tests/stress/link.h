/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Network devices, by routing netlink. Functions return 0 or a negative errno. */
#ifndef STRESS_LINK_H
#define STRESS_LINK_H

/* ROUTE is a socket that was opened in the device's namespace. */
int open_route(void);
int add_dummy(int route, const char *name);
/* The peer, of the same name, comes to be in the namespace PEER_NETNS. */
int add_veth(int route, const char *name, int peer_netns);
/* The process has to be in the namespace too. */
int add_address(int route, const char *name, const char *ipv4, int prefix);
int set_up(int route, const char *name);
int move(int route, const char *name, int netns);
int delete_link(int route, const char *name);

#endif
