// SPDX-License-Identifier: MIT OR Apache-2.0
//
// exec_netns NAME COMMAND [ARGUMENT]...: the least that running a command as
// `ip netns exec` does it takes: in a mount namespace of its own, where /sys
// shows the namespace's devices. (It looks for files of /etc/netns/NAME, and
// there are none.)

#define _GNU_SOURCE
#include <dirent.h>
#include <err.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/statvfs.h>
#include <unistd.h>

static void enter_network(const char *name)
{
	char path[4096];
	int fd;

	snprintf(path, sizeof(path), "/run/netns/%s", name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || setns(fd, CLONE_NEWNET) < 0)
		err(1, "cannot enter %s", path);
}

static void mount_sys(void)
{
	struct statvfs now;
	unsigned long flags = 0;

	if (unshare(CLONE_NEWNS) < 0)
		err(1, "cannot make a mount namespace");
	if (mount("", "/", NULL, MS_SLAVE | MS_REC, NULL) < 0)
		err(1, "cannot keep mounts apart");
	if (statvfs("/sys", &now) == 0 && (now.f_flag & ST_RDONLY))
		flags = MS_RDONLY;
	if (mount("sysfs", "/sys", "sysfs", flags, NULL) < 0)
		err(1, "cannot mount sysfs");
}

int main(int argc, char **argv)
{
	char path[4096];

	if (argc < 3)
		errx(2, "usage: exec_netns NAME COMMAND [ARGUMENT]...");
	enter_network(argv[1]);
	mount_sys();
	snprintf(path, sizeof(path), "/etc/netns/%s", argv[1]);
	if (opendir(path))
		errx(1, "%s is there, and this is a measurement without it", path);
	execvp(argv[2], argv + 2);
	err(127, "cannot run %s", argv[2]);
}
