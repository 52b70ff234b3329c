// SPDX-License-Identifier: MIT OR Apache-2.0
//
// node NAME: the least that making a node of five namespaces takes: network,
// pid, mount, uts and ipc, with /proc and /sys its own and its loopback device
// up, held by a process that does nothing, its network namespace named. Returns
// when the node is ready; /run/NAME.pid says which process to end.

#define _GNU_SOURCE
#include <err.h>
#include <fcntl.h>
#include <net/if.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <unistd.h>

#include "node.h"

static void raise_loopback(void)
{
	struct ifreq lo = { .ifr_name = "lo", .ifr_flags = IFF_UP };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || ioctl(fd, SIOCSIFFLAGS, &lo) < 0)
		err(1, "cannot bring lo up");
	close(fd);
}

static void name(const char *name, pid_t pid)
{
	char path[4096], source[64];
	int fd;

	snprintf(path, sizeof(path), "/run/%s.pid", name);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	if (fd < 0 || dprintf(fd, "%d\n", pid) < 0)
		err(1, "cannot write %s", path);
	snprintf(path, sizeof(path), "/run/netns/%s", name);
	fd = open(path, O_RDONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0);
	if (fd < 0)
		err(1, "cannot make %s", path);
	snprintf(source, sizeof(source), "/proc/%d/ns/net", pid);
	if (mount(source, path, NULL, MS_BIND, NULL) < 0)
		err(1, "cannot bind to %s", path);
}

int main(int argc, char **argv)
{
	if (argc != 2)
		errx(2, "usage: node NAME");
	name(argv[1], start(raise_loopback));
	return 0;
}
