// SPDX-License-Identifier: MIT OR Apache-2.0
//
// exec_node PID COMMAND...: the least that it takes to run a command in the net,
// pid, mount, UTS and IPC namespaces of a process: a hold on it, setns, fork,
// exec, and waiting for the end.

#define _GNU_SOURCE
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	int namespaces = CLONE_NEWNET | CLONE_NEWPID | CLONE_NEWNS |
			 CLONE_NEWUTS | CLONE_NEWIPC;
	int status, pidfd;
	pid_t child;

	if (argc < 3)
		return 2;
	pidfd = syscall(SYS_pidfd_open, atoi(argv[1]), 0);
	if (pidfd < 0 || setns(pidfd, namespaces)) {
		perror("exec_node");
		return 1;
	}
	child = fork();
	if (!child) {
		execvp(argv[2], argv + 2);
		_exit(127);
	}
	if (child < 0 || waitpid(child, &status, 0) < 0) {
		perror("exec_node");
		return 1;
	}
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
