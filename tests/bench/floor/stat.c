// SPDX-License-Identifier: MIT OR Apache-2.0
//
// stat: the least that reading the counters of every named network namespace takes
// without the module: each is entered, by as many threads as there are cores, and its
// /proc/net/dev, snmp, netstat and snmp6 are read. With the argument `dev` it is the
// first of these alone. Nothing is understood and nothing printed.

#define _GNU_SOURCE
#include <dirent.h>
#include <err.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *const files[] = {
	"/proc/thread-self/net/dev",
	"/proc/thread-self/net/snmp",
	"/proc/thread-self/net/netstat",
	"/proc/thread-self/net/snmp6",
};

static int directory;
static char **names;
static unsigned int count, how_many = sizeof(files) / sizeof(files[0]);
static atomic_uint next;

static void list(void)
{
	struct dirent *entry;
	DIR *opened = opendir("/run/netns");

	if (!opened)
		err(1, "cannot list /run/netns");
	directory = dirfd(opened);
	while ((entry = readdir(opened))) {
		if (entry->d_name[0] == '.')
			continue;
		names = realloc(names, (count + 1) * sizeof(*names));
		if (!names || !(names[count++] = strdup(entry->d_name)))
			err(1, "cannot list /run/netns");
	}
}

static void read_whole(const char *path)
{
	static __thread char buffer[64 * 1024];
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t length;

	if (fd < 0)
		err(1, "cannot open %s", path);
	while ((length = read(fd, buffer, sizeof(buffer))) > 0)
		;
	if (length < 0)
		err(1, "cannot read %s", path);
	close(fd);
}

static void *visit(void *unused)
{
	unsigned int at, file;

	while ((at = atomic_fetch_add(&next, 1)) < count) {
		int fd = openat(directory, names[at], O_RDONLY | O_CLOEXEC);

		if (fd < 0 || setns(fd, CLONE_NEWNET) < 0)
			err(1, "cannot enter %s", names[at]);
		close(fd);
		for (file = 0; file < how_many; file++)
			read_whole(files[file]);
	}
	return unused;
}

int main(int argc, char **argv)
{
	pthread_t threads[64];
	cpu_set_t cpus;
	int cores, thread;

	if (argc == 2 && !strcmp(argv[1], "dev"))
		how_many = 1;
	else if (argc != 1)
		errx(2, "usage: stat [dev]");
	list();
	if (sched_getaffinity(0, sizeof(cpus), &cpus) < 0)
		err(1, "cannot count the cores");
	cores = CPU_COUNT(&cpus) < 64 ? CPU_COUNT(&cpus) : 64;
	for (thread = 0; thread < cores; thread++)
		if (pthread_create(&threads[thread], NULL, visit, NULL))
			errx(1, "cannot make a thread");
	for (thread = 0; thread < cores; thread++)
		pthread_join(threads[thread], NULL);
	return 0;
}
