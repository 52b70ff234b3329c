// SPDX-License-Identifier: MIT OR Apache-2.0
//
// netns NAME: the least that making a named network namespace with its loopback
// device up takes.

#define _GNU_SOURCE
#include <err.h>
#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <unistd.h>

static void raise_loopback(void)
{
	struct ifreq lo = { .ifr_name = "lo", .ifr_flags = IFF_UP };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || ioctl(fd, SIOCSIFFLAGS, &lo) < 0)
		err(1, "cannot bring lo up");
	close(fd);
}

int main(int argc, char **argv)
{
	char path[4096];
	int fd;

	if (argc != 2)
		errx(2, "usage: netns NAME");
	snprintf(path, sizeof(path), "/run/netns/%s", argv[1]);
	fd = open(path, O_RDONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0);
	if (fd < 0)
		err(1, "cannot make %s", path);
	if (unshare(CLONE_NEWNET) < 0)
		err(1, "cannot make a network namespace");
	raise_loopback();
	if (mount("/proc/self/ns/net", path, NULL, MS_BIND, NULL) < 0)
		err(1, "cannot bind to %s", path);
	return 0;
}
