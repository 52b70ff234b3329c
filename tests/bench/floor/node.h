// SPDX-License-Identifier: MIT OR Apache-2.0
//
// A node of five namespaces: network, pid, mount, uts and ipc, with /proc and /sys
// its own, held by a process that does nothing.

#include <err.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { NAMESPACES = CLONE_NEWNET | CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWIPC };

// PID 1 of the node, which says that it is ready when `settle` has done the rest.
static void live(int ready, void (*settle)(void))
{
	if (mount("", "/", NULL, MS_SLAVE | MS_REC, NULL) < 0)
		err(1, "cannot keep mounts apart");
	if (mount("proc", "/proc", "proc", 0, NULL) < 0 || mount("sysfs", "/sys", "sysfs", 0, NULL) < 0)
		err(1, "cannot mount /proc and /sys");
	settle();
	if (write(ready, "", 1) != 1)
		err(1, "cannot say that it is ready");
	close(ready);
	for (;;)
		pause();
}

// Returns the pid of the node's first process when it is ready.
static pid_t start(void (*settle)(void))
{
	int ends[2];
	pid_t pid;
	char byte;

	if (pipe2(ends, O_CLOEXEC) < 0)
		err(1, "cannot make a pipe");
	pid = syscall(SYS_clone, NAMESPACES | SIGCHLD, NULL, NULL, NULL, NULL);
	if (pid < 0)
		err(1, "cannot make a node");
	if (pid == 0) {
		syscall(SYS_close_range, 3, ends[1] - 1, 0);
		syscall(SYS_close_range, ends[1] + 1, ~0U, 0);
		live(ends[1], settle);
	}
	close(ends[1]);
	if (read(ends[0], &byte, 1) != 1)
		errx(1, "a node did not come up");
	close(ends[0]);
	return pid;
}
