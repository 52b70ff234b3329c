// SPDX-License-Identifier: MIT OR Apache-2.0
//
// hold COUNT COMMAND...: makes COUNT network namespaces and runs the command with
// a descriptor of each, from number 10 on. They go when it ends. The command
// itself runs in the namespace that this was called in.

#define _GNU_SOURCE
#include <err.h>
#include <fcntl.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

enum { FIRST = 10 };

static void allow_descriptors(rlim_t count)
{
	struct rlimit limit = { .rlim_cur = count, .rlim_max = count };

	if (setrlimit(RLIMIT_NOFILE, &limit) < 0)
		err(1, "cannot have %lu descriptors", (unsigned long)count);
}

static int own_namespace(int flags)
{
	int fd = open("/proc/self/ns/net", O_RDONLY | flags);

	if (fd < 0)
		err(1, "cannot open /proc/self/ns/net");
	return fd;
}

static void make_namespace(int number)
{
	int fd;

	if (unshare(CLONE_NEWNET) < 0)
		err(1, "cannot make a network namespace");
	fd = own_namespace(0);
	if (fd != number && (dup2(fd, number) < 0 || close(fd) < 0))
		err(1, "cannot give a descriptor the number %d", number);
}

int main(int argc, char **argv)
{
	int count = argc > 2 ? atoi(argv[1]) : 0, home;

	if (count < 1)
		errx(2, "usage: hold COUNT COMMAND...");
	allow_descriptors(FIRST + count + 100);
	home = own_namespace(O_CLOEXEC);
	for (int i = 0; i < count; i++)
		make_namespace(FIRST + i);
	if (setns(home, CLONE_NEWNET) < 0)
		err(1, "cannot return to the first namespace");
	execvp(argv[2], argv + 2);
	err(1, "cannot run %s", argv[2]);
}
