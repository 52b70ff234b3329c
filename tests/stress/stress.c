// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * stress COMMAND ARGUMENT…: hurts the module, one way for each command, and looks
 * at what it says and does. Volume is inside one process: where the kernel has
 * its checkers on, starting a program takes longer than many namespaces.
 */

#include "stress.h"

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static void complain(const char *format, va_list arguments)
{
	fflush(stdout);
	fprintf(stderr, "stress: ");
	vfprintf(stderr, format, arguments);
}

void die(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	complain(format, arguments);
	va_end(arguments);
	fprintf(stderr, "\n");
	exit(1);
}

void die_errno(const char *format, ...)
{
	int error = errno;
	va_list arguments;

	va_start(arguments, format);
	complain(format, arguments);
	va_end(arguments);
	fprintf(stderr, ": %s\n", strerror(error));
	exit(1);
}

void *shared(size_t len)
{
	void *memory = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (memory == MAP_FAILED)
		die_errno("no memory to share");
	return memory;
}

pid_t start(void)
{
	pid_t pid;

	/* Not to be printed twice. */
	fflush(stdout);
	pid = fork();
	if (pid < 0)
		die_errno("cannot fork");
	if (pid == 0)
		prctl(PR_SET_PDEATHSIG, SIGKILL);
	return pid;
}

void finish(unsigned int count)
{
	while (count-- > 0) {
		int status = 0;

		if (wait(&status) < 0 || status != 0)
			die("a process failed with status %#x", status);
	}
}

/* SplitMix64. */
uint32_t random_below(uint64_t *state, uint32_t bound)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
	z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
	z ^= z >> 31;
	return (uint32_t)(z >> 32) % bound;
}

int own_netns(void)
{
	int fd = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		die_errno("cannot open the own namespace");
	return fd;
}

void enter_new_netns(void)
{
	struct ifreq loopback = { .ifr_name = "lo", .ifr_flags = IFF_UP };
	int fd;

	if (unshare(CLONE_NEWNET))
		die_errno("cannot make a namespace");
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || ioctl(fd, SIOCSIFFLAGS, &loopback))
		die_errno("cannot bring up the loopback device");
	close(fd);
}

double seconds(void)
{
	static struct timespec began;
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	if (began.tv_sec == 0)
		began = now;
	return (now.tv_sec - began.tv_sec) + (now.tv_nsec - began.tv_nsec) / 1e9;
}

unsigned long number(const char *argument)
{
	char *end = NULL;
	unsigned long value = argument ? strtoul(argument, &end, 10) : 0;

	if (value == 0 || *end)
		die("'%s' is no number from 1 on", argument ? argument : "");
	return value;
}

static const struct {
	const char *name, *arguments;
	int (*main)(int argc, char **argv);
} commands[] = {
	{ "load", "MODULE NAMESPACES ROUNDS", load_main },
	{ "churn", "NAMESPACES", churn_main },
	{ "faults", "MODULE", faults_main },
	{ "malformed", "MESSAGES SEED", malformed_main },
	{ "moves", "MOVES", moves_main },
};

int main(int argc, char **argv)
{
	struct rlimit files = { 65536, 65536 };

	setrlimit(RLIMIT_NOFILE, &files);
	setvbuf(stdout, NULL, _IOLBF, 0);
	seconds();
	for (size_t i = 0; argc > 1 && i < ARRAY_SIZE(commands); i++)
		if (!strcmp(argv[1], commands[i].name))
			return commands[i].main(argc - 1, argv + 1);
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		fprintf(stderr, "usage: stress %s %s\n", commands[i].name, commands[i].arguments);
	return 2;
}
