// SPDX-License-Identifier: MIT OR Apache-2.0

#include "failing.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "stress.h"

static int fail_nth;

/* Writes to a file of debugfs; false where there is none. */
static bool tell_debugfs(const char *name, const char *text)
{
	char path[128];
	int fd;
	bool written;

	snprintf(path, sizeof(path), "/sys/kernel/debug/%s", name);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	written = write(fd, text, strlen(text)) >= 0;
	close(fd);
	return written;
}

/* Where a function begins and the next one does. */
static void range_of(const char *function, unsigned long *start, unsigned long *end)
{
	FILE *symbols = fopen("/proc/kallsyms", "re");
	char name[256];
	unsigned long address;

	*start = *end = 0;
	while (symbols && !*end && fscanf(symbols, "%lx %*c %255s%*[^\n]", &address, name) == 2) {
		if (*start && address > *start)
			*end = address;
		else if (!*start && !strcmp(name, function))
			*start = address;
	}
	if (!*end)
		die("this kernel has no function %s", function);
	fclose(symbols);
}

static void range_of_module(unsigned long *start, unsigned long *end)
{
	FILE *modules = fopen("/proc/modules", "re");
	unsigned long size;

	if (!modules || fscanf(modules, "pernet %lu %*s %*s %*s %lx", &size, start) != 2)
		die("the module is not where it is looked for");
	*end = *start + size;
	fclose(modules);
}

void only_below(const char *function)
{
	unsigned long start = 0, end = -1UL;
	char text[32];

	if (function && *function)
		range_of(function, &start, &end);
	else if (function)
		range_of_module(&start, &end);
	snprintf(text, sizeof(text), "%#lx", start);
	tell_debugfs("failslab/require-start", text);
	snprintf(text, sizeof(text), "%#lx", end);
	tell_debugfs("failslab/require-end", text);
	if (!tell_debugfs("failslab/stacktrace-depth", function ? "32" : "0"))
		die_errno("this kernel does not look at who allocates");
}

static void arm_slab(unsigned int nth)
{
	char text[16];
	int len = snprintf(text, sizeof(text), "%u", nth);

	if (pwrite(fail_nth, text, len, 0) != len)
		die_errno("cannot ask for a fault");
}

static bool disarm_slab(void)
{
	char text[16] = { 0 };

	if (pread(fail_nth, text, sizeof(text) - 1, 0) <= 0)
		die_errno("cannot read of faults");
	arm_slab(0);
	return atoi(text) == 0;
}

#define FAIL_FUNCTION "fail_function/"
/* The one place where the module allocates per CPU. */
#define PERCPU_FUNCTION "pernet_shim_alloc_percpu"

/* Per-CPU memory is not from the slabs, and has no fail-nth: the function that gets it is made to
 * fail, when so many calls have been let through. */
static void arm_percpu(unsigned int nth)
{
	char text[16];

	snprintf(text, sizeof(text), "%u", nth);
	if (!tell_debugfs(FAIL_FUNCTION "space", text) || !tell_debugfs(FAIL_FUNCTION "times", "1") ||
	    !tell_debugfs(FAIL_FUNCTION "probability", "100"))
		die_errno("cannot ask for a fault");
}

static bool disarm_percpu(void)
{
	char times[16] = { 0 };
	int fd = open("/sys/kernel/debug/" FAIL_FUNCTION "times", O_RDONLY | O_CLOEXEC);

	if (!tell_debugfs(FAIL_FUNCTION "probability", "0") || fd < 0 || read(fd, times, sizeof(times) - 1) <= 0)
		die_errno("cannot read of faults");
	close(fd);
	return atoi(times) == 0;
}

const struct fault slab = { "allocations", arm_slab, disarm_slab };
const struct fault percpu = { "allocations per CPU", arm_percpu, disarm_percpu };

void allow_slab_faults(void)
{
	/* Also where the kernel could wait for memory, and without a word for each. */
	if (!tell_debugfs("failslab/ignore-gfp-wait", "N") || !tell_debugfs("failslab/verbose", "0"))
		die_errno("this kernel has no failslab");
	fail_nth = open("/proc/thread-self/fail-nth", O_RDWR | O_CLOEXEC);
	if (fail_nth < 0)
		die_errno("this kernel has no fail-nth");
}

bool allow_percpu_faults(void)
{
	return tell_debugfs(FAIL_FUNCTION "inject", PERCPU_FUNCTION) &&
	       tell_debugfs(FAIL_FUNCTION PERCPU_FUNCTION "/retval", "0") && tell_debugfs(FAIL_FUNCTION "verbose", "0");
}

void forget_percpu_faults(void)
{
	tell_debugfs(FAIL_FUNCTION "inject", "!" PERCPU_FUNCTION);
}
