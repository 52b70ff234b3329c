// SPDX-License-Identifier: MIT OR Apache-2.0
//
// life COUNT: makes COUNT network namespaces, lets go of all of them, and prints
// how many nanoseconds each took to be made, and to be made and gone.
//
// They are gone when the kernel takes them off the account of their owner, which
// is the last that it does: so a limit of one lets this make another one then. It
// must be the only one here that has any.

#define _GNU_SOURCE
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1e9 + t.tv_nsec;
}

static void limit_namespaces(int limit)
{
	FILE *file = fopen("/proc/sys/user/max_net_namespaces", "w");

	if (!file || fprintf(file, "%d\n", limit) < 0 || fclose(file))
		err(1, "cannot limit the number of network namespaces");
}

static int own_namespace(void)
{
	int fd = open("/proc/self/ns/net", O_RDONLY);

	if (fd < 0)
		err(1, "cannot open /proc/self/ns/net");
	return fd;
}

static void enter(int fd)
{
	if (setns(fd, CLONE_NEWNET) < 0)
		err(1, "cannot enter a namespace");
}

static void wait_until_gone(int home)
{
	limit_namespaces(1);
	while (unshare(CLONE_NEWNET) < 0) {
		if (errno != ENOSPC)
			err(1, "cannot make a network namespace");
		usleep(500);
	}
	enter(home);
}

int main(int argc, char **argv)
{
	int count = argc == 2 ? atoi(argv[1]) : 0, home, *fds;
	double made, begin;

	if (count < 1)
		errx(2, "usage: life COUNT");
	home = own_namespace();
	fds = calloc(count, sizeof(*fds));
	if (!fds)
		err(1, "cannot keep the descriptors");
	wait_until_gone(home);
	limit_namespaces(count + 1);
	begin = now();
	for (int i = 0; i < count; i++) {
		if (unshare(CLONE_NEWNET) < 0)
			err(1, "cannot make a network namespace");
		fds[i] = own_namespace();
	}
	made = now() - begin;
	enter(home);
	for (int i = 0; i < count; i++)
		close(fds[i]);
	wait_until_gone(home);
	printf("%.0f %.0f\n", made / count, (now() - begin) / count);
	return 0;
}
