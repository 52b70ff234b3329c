// SPDX-License-Identifier: MIT OR Apache-2.0
//
// lab make|remove files|nodes N: the least that a lab of N nodes takes, each with
// one veth to a bridge (a bridge for every thousand), an address, and no IPv6;
// and the least that its removal takes, until its devices are gone. Nodes are
// network namespaces bound to files, or children in five namespaces with /proc
// and /sys of their own, whose network namespaces are bound to files too. One
// process, one netlink socket and one for each node. The bridges come up last.

#define _GNU_SOURCE
#include <arpa/inet.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <unistd.h>

#include "node.h"

enum { PORTS = 1000, LOOPBACK = 1 };

static const char PIDS[] = "/run/lab.pids";
static const char IPV6[] = "/proc/sys/net/ipv6/conf/all/disable_ipv6";

struct request {
	struct nlmsghdr header;
	union {
		struct ifinfomsg link;
		struct ifaddrmsg address;
	};
	char rest[512];
};

static struct rtattr *add(struct request *r, int type, const void *data, size_t length)
{
	struct rtattr *attribute = (void *)r + NLMSG_ALIGN(r->header.nlmsg_len);

	attribute->rta_type = type;
	attribute->rta_len = RTA_LENGTH(length);
	if (length)
		memcpy(RTA_DATA(attribute), data, length);
	r->header.nlmsg_len = NLMSG_ALIGN(r->header.nlmsg_len) + RTA_ALIGN(RTA_LENGTH(length));
	return attribute;
}

static void end(struct request *r, struct rtattr *nest)
{
	nest->rta_len = (void *)r + NLMSG_ALIGN(r->header.nlmsg_len) - (void *)nest;
}

static void add_text(struct request *r, int type, const char *text)
{
	add(r, type, text, strlen(text) + 1);
}

// Sends a request; returns the index of the device that it made and, of a veth,
// its peer's, or a negative error.
static int ask(int fd, struct request *r, int *peer)
{
	char answer[16384];
	int index = 0;

	r->header.nlmsg_flags |= NLM_F_REQUEST | NLM_F_ACK;
	if (send(fd, r, r->header.nlmsg_len, 0) < 0)
		err(1, "cannot send to the kernel");
	for (;;) {
		int length = recv(fd, answer, sizeof(answer), 0);
		struct nlmsghdr *header = (void *)answer;

		if (length < 0)
			err(1, "cannot hear the kernel");
		for (; NLMSG_OK(header, length); header = NLMSG_NEXT(header, length)) {
			struct ifinfomsg *link = NLMSG_DATA(header);
			struct rtattr *attribute = IFLA_RTA(link);
			int rest = IFLA_PAYLOAD(header);

			if (header->nlmsg_type == NLMSG_ERROR) {
				int error = ((struct nlmsgerr *)NLMSG_DATA(header))->error;

				return error ? error : index;
			}
			if (header->nlmsg_type != RTM_NEWLINK)
				continue;
			index = link->ifi_index;
			for (; RTA_OK(attribute, rest); attribute = RTA_NEXT(attribute, rest))
				if (peer && attribute->rta_type == IFLA_LINK)
					*peer = *(int *)RTA_DATA(attribute);
		}
	}
}

static int must(const char *what, int answer)
{
	if (answer < 0) {
		errno = -answer;
		err(1, "cannot %s", what);
	}
	return answer;
}

static struct request link_request(int type, int flags, int index)
{
	struct request r = { .header = { .nlmsg_len = NLMSG_LENGTH(sizeof(struct ifinfomsg)),
					 .nlmsg_type = type, .nlmsg_flags = flags } };

	r.link.ifi_index = index;
	return r;
}

static int open_route(void)
{
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);

	if (fd < 0)
		err(1, "cannot open a netlink socket");
	return fd;
}

static void up(int fd, int index)
{
	struct request r = link_request(RTM_SETLINK, 0, index);

	r.link.ifi_flags = r.link.ifi_change = IFF_UP;
	must("bring a device up", ask(fd, &r, NULL));
}

static void no_ipv6_address(int fd, int index)
{
	struct request r = link_request(RTM_SETLINK, 0, index);
	uint8_t none = IN6_ADDR_GEN_MODE_NONE;
	struct rtattr *families = add(&r, IFLA_AF_SPEC, NULL, 0);
	struct rtattr *inet6 = add(&r, AF_INET6, NULL, 0);

	add(&r, IFLA_INET6_ADDR_GEN_MODE, &none, sizeof(none));
	end(&r, inet6);
	end(&r, families);
	must("keep IPv6 out", ask(fd, &r, NULL));
}

static int make_bridge(int fd, int number)
{
	struct request r = link_request(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL | NLM_F_ECHO, 0);
	struct rtattr *info, *data;
	uint32_t delay = 0;
	uint8_t snooping = 0;
	char name[32];

	snprintf(name, sizeof(name), "br%d", number);
	add_text(&r, IFLA_IFNAME, name);
	info = add(&r, IFLA_LINKINFO, NULL, 0);
	add_text(&r, IFLA_INFO_KIND, "bridge");
	data = add(&r, IFLA_INFO_DATA, NULL, 0);
	add(&r, IFLA_BR_FORWARD_DELAY, &delay, sizeof(delay));
	add(&r, IFLA_BR_MCAST_SNOOPING, &snooping, sizeof(snooping));
	end(&r, data);
	end(&r, info);
	return must("make a bridge", ask(fd, &r, NULL));
}

// The port here and its peer in the namespace, made in place.
static int make_veth(int fd, int number, int bridge, int netns, int *peer)
{
	struct request r = link_request(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL | NLM_F_ECHO, 0);
	struct ifinfomsg none = { 0 };
	struct rtattr *info, *data, *other;
	char name[32];

	snprintf(name, sizeof(name), "n%d.eth0", number);
	add_text(&r, IFLA_IFNAME, name);
	add(&r, IFLA_MASTER, &bridge, sizeof(bridge));
	info = add(&r, IFLA_LINKINFO, NULL, 0);
	add_text(&r, IFLA_INFO_KIND, "veth");
	data = add(&r, IFLA_INFO_DATA, NULL, 0);
	other = add(&r, VETH_INFO_PEER, &none, sizeof(none));
	add_text(&r, IFLA_IFNAME, "eth0");
	add(&r, IFLA_NET_NS_FD, &netns, sizeof(netns));
	end(&r, other);
	end(&r, data);
	end(&r, info);
	return must("make a link", ask(fd, &r, peer));
}

static void add_address(int fd, int index, int number)
{
	struct request r = { .header = { .nlmsg_len = NLMSG_LENGTH(sizeof(struct ifaddrmsg)),
					 .nlmsg_type = RTM_NEWADDR,
					 .nlmsg_flags = NLM_F_CREATE | NLM_F_EXCL } };
	uint32_t ip = htonl(0x0a000000 + number + 1);

	r.address.ifa_family = AF_INET;
	r.address.ifa_prefixlen = 16;
	r.address.ifa_index = index;
	add(&r, IFA_LOCAL, &ip, sizeof(ip));
	add(&r, IFA_ADDRESS, &ip, sizeof(ip));
	must("add an address", ask(fd, &r, NULL));
}

static void silence_ipv6(void)
{
	int fd = open(IPV6, O_WRONLY | O_CLOEXEC);

	if (fd < 0 || write(fd, "1", 1) != 1)
		err(1, "cannot keep IPv6 out");
	close(fd);
}

// In a namespace that is new, in this thread or in a child.
static void settle(void)
{
	int fd = open_route();

	silence_ipv6();
	up(fd, LOOPBACK);
	close(fd);
}

// Binds a namespace to the file of its name; returns a descriptor of it.
static int bind_name(int number, const char *source)
{
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/run/netns/n%d", number);
	fd = open(path, O_RDONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0);
	if (fd < 0)
		err(1, "cannot make %s", path);
	close(fd);
	if (mount(source, path, NULL, MS_BIND, NULL) < 0)
		err(1, "cannot bind to %s", path);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		err(1, "cannot open %s", path);
	return fd;
}

static void make(int nodes, int has_processes)
{
	int home = open_route(), bridge = 0, first = 0;
	FILE *pids = fopen(PIDS, "we");

	for (int number = 0; number < nodes; number++) {
		char source[64] = "/proc/thread-self/ns/net";
		int netns, inside, port, eth0;

		if (number % PORTS == 0) {
			bridge = make_bridge(home, number / PORTS);
			first = first ? first : bridge;
		}
		if (has_processes) {
			pid_t pid = start(settle);

			fprintf(pids, "%d\n", pid);
			snprintf(source, sizeof(source), "/proc/%d/ns/net", pid);
			netns = bind_name(number, source);
		} else {
			if (unshare(CLONE_NEWNET) < 0)
				err(1, "cannot make a network namespace");
			settle();
			netns = bind_name(number, source);
		}
		port = make_veth(home, number, bridge, netns, &eth0);
		if (has_processes && setns(netns, CLONE_NEWNET) < 0)
			err(1, "cannot enter a network namespace");
		inside = open_route();
		add_address(inside, eth0, number);
		up(inside, eth0);
		no_ipv6_address(home, port);
		up(home, port);
		close(inside);
		close(netns);
	}
	for (int number = 0; number * PORTS < nodes; number++) {
		struct request r = link_request(RTM_GETLINK, 0, 0);
		char name[32];

		snprintf(name, sizeof(name), "br%d", number);
		add_text(&r, IFLA_IFNAME, name);
		bridge = must("find a bridge", ask(home, &r, NULL));
		no_ipv6_address(home, bridge);
		up(home, bridge);
	}
	fclose(pids);
}

static int is_there(int fd, const char *name)
{
	struct request r = link_request(RTM_GETLINK, 0, 0);

	add_text(&r, IFLA_IFNAME, name);
	return ask(fd, &r, NULL) > 0;
}

static void remove_all(int nodes)
{
	int home = open_route();
	FILE *pids = fopen(PIDS, "re");
	char name[32], path[64];
	int pid;

	while (pids && fscanf(pids, "%d", &pid) == 1)
		kill(pid, SIGKILL);
	for (int number = 0; number < nodes; number++) {
		snprintf(path, sizeof(path), "/run/netns/n%d", number);
		if (umount2(path, MNT_DETACH) < 0 || unlink(path) < 0)
			err(1, "cannot remove %s", path);
	}
	for (int number = 0; number * PORTS < nodes; number++) {
		struct request r = link_request(RTM_DELLINK, 0, 0);

		snprintf(name, sizeof(name), "br%d", number);
		add_text(&r, IFLA_IFNAME, name);
		must("delete a bridge", ask(home, &r, NULL));
	}
	for (int number = 0; number < nodes; number++) {
		snprintf(name, sizeof(name), "n%d.eth0", number);
		while (is_there(home, name))
			usleep(1000);
	}
	unlink(PIDS);
}

int main(int argc, char **argv)
{
	int nodes = argc == 4 ? atoi(argv[3]) : 0;

	if (nodes <= 0)
		errx(2, "usage: lab make|remove files|nodes N");
	if (strcmp(argv[1], "make") == 0)
		make(nodes, strcmp(argv[2], "nodes") == 0);
	else
		remove_all(nodes);
	return 0;
}
