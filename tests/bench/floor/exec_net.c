// SPDX-License-Identifier: MIT OR Apache-2.0
//
// exec_net NAME COMMAND [ARGUMENT]...: the least a program can do to run a
// command in a named network namespace. Nothing of /sys or /etc is the
// namespace's.

#define _GNU_SOURCE
#include <err.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	char path[4096];
	int fd;

	if (argc < 3)
		errx(2, "usage: exec_net NAME COMMAND [ARGUMENT]...");
	snprintf(path, sizeof(path), "/run/netns/%s", argv[1]);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || setns(fd, CLONE_NEWNET) < 0)
		err(1, "cannot enter %s", path);
	execvp(argv[2], argv + 2);
	err(127, "cannot run %s", argv[2]);
}
