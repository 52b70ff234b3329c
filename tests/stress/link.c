// SPDX-License-Identifier: MIT OR Apache-2.0

#include "link.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <net/if.h>
#include <string.h>

#include "netlink.h"
#include "stress.h"

int open_route(void)
{
	int route = open_netlink(NETLINK_ROUTE);

	if (route < 0)
		die("cannot open a netlink socket: %s", strerror(-route));
	return route;
}

static struct ifinfomsg *begin_link(struct message *message, uint16_t type, uint16_t flags,
				    const char *name)
{
	struct ifinfomsg *link;

	begin(message, type, flags);
	link = append(message, NULL, sizeof(*link));
	put_str(message, IFLA_IFNAME, name);
	return link;
}

int add_dummy(int route, const char *name)
{
	struct message message;
	size_t info;

	begin_link(&message, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, name);
	info = nest(&message, IFLA_LINKINFO);
	put_str(&message, IFLA_INFO_KIND, "dummy");
	nest_end(&message, info);
	return ask(route, &message, NULL, NULL);
}

int add_veth(int route, const char *name, int peer_netns)
{
	struct message message;
	size_t info, data, peer;
	struct ifinfomsg none = { 0 };

	begin_link(&message, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, name);
	info = nest(&message, IFLA_LINKINFO);
	put_str(&message, IFLA_INFO_KIND, "veth");
	data = nest(&message, IFLA_INFO_DATA);
	peer = nest(&message, VETH_INFO_PEER);
	append(&message, &none, sizeof(none));
	put_str(&message, IFLA_IFNAME, name);
	put_u32(&message, IFLA_NET_NS_FD, peer_netns);
	nest_end(&message, peer);
	nest_end(&message, data);
	nest_end(&message, info);
	return ask(route, &message, NULL, NULL);
}

int add_address(int route, const char *name, const char *ipv4, int prefix)
{
	struct message message;
	struct ifaddrmsg *about;
	struct in_addr address;
	unsigned int index = if_nametoindex(name);

	if (index == 0 || inet_pton(AF_INET, ipv4, &address) != 1)
		return -errno;
	begin(&message, RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL);
	about = append(&message, NULL, sizeof(*about));
	about->ifa_family = AF_INET;
	about->ifa_prefixlen = prefix;
	about->ifa_index = index;
	put(&message, IFA_LOCAL, &address, sizeof(address));
	put(&message, IFA_ADDRESS, &address, sizeof(address));
	return ask(route, &message, NULL, NULL);
}

int set_up(int route, const char *name)
{
	struct message message;
	struct ifinfomsg *link = begin_link(&message, RTM_NEWLINK, 0, name);

	link->ifi_flags = IFF_UP;
	link->ifi_change = IFF_UP;
	return ask(route, &message, NULL, NULL);
}

int move(int route, const char *name, int netns)
{
	struct message message;

	begin_link(&message, RTM_NEWLINK, 0, name);
	put_u32(&message, IFLA_NET_NS_FD, netns);
	return ask(route, &message, NULL, NULL);
}

int delete_link(int route, const char *name)
{
	struct message message;

	begin_link(&message, RTM_DELLINK, 0, name);
	return ask(route, &message, NULL, NULL);
}
