// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * load MODULE NAMESPACES ROUNDS: loads and unloads the module while so many
 * namespaces live, others come and go, packets flow, and every interface is used.
 */

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "crowd.h"
#include "module.h"
#include "pernet.h"
#include "stress.h"

static void make_namespaces(unsigned long count)
{
	int home = own_netns();

	for (unsigned long i = 0; i < count; i++) {
		enter_new_netns();
		/* Stays open: the namespace lives as long as the program. */
		own_netns();
	}
	if (setns(home, CLONE_NEWNET))
		die_errno("cannot go back home");
}

static void comes_and_goes(struct crowd *crowd, int argument)
{
	(void)argument;
	while (!crowd->stop) {
		enter_new_netns();
		send_packets(crowd);
		read_file();
	}
}

static void count_namespace(const struct state *state, void *context)
{
	(void)state;
	++*(unsigned long *)context;
}

/* Everything that a namespace older than the module has, in each of them. */
static void check_loaded(unsigned long at_least)
{
	unsigned long count = 0;
	struct family family;
	int error = open_family(&family);

	if (!error)
		error = dump(&family, count_namespace, &count, NULL);
	if (error)
		die("the module is loaded, but a dump fails: %s", strerror(-error));
	if (count < at_least)
		die("a dump shows %lu namespaces, there are %lu at least", count, at_least);
	error = read_file();
	if (error)
		die("the module is loaded, but its file cannot be read: %s", strerror(-error));
	close_family(&family);
}

static void check_unloaded(void)
{
	bool on;
	struct family family;

	if (read_file() != -ENOENT || read_setting("traffic", &on) != -ENOENT)
		die("a file outlived the module");
	if (!open_family(&family))
		die("the family outlived the module");
}

int load_main(int argc, char **argv)
{
	unsigned long namespaces = number(argc > 2 ? argv[2] : NULL), rounds = number(argc > 3 ? argv[3] : NULL);
	int file = open(argv[1], O_RDONLY | O_CLOEXEC);
	struct crowd *crowd = new_crowd(false);
	double loading = 0, unloading = 0;

	if (file < 0)
		die_errno("cannot open %s", argv[1]);
	make_namespaces(namespaces);
	join(crowd, dumps, -1);
	join(crowd, asks, -1);
	join(crowd, listens, -1);
	join(crowd, uses_files, -1);
	join(crowd, sends, -1);
	join(crowd, comes_and_goes, -1);
	for (unsigned long round = 0; round < rounds; round++) {
		double began = seconds();
		/* Every other time it counts drops from the start. */
		int error = load_module(file, round % 2 ? "drops=1" : "");

		if (error)
			die("round %lu: cannot load the module: %s", round, strerror(-error));
		loading += seconds() - began;
		check_loaded(namespaces + 1);
		usleep(500000);
		began = seconds();
		error = unload_module();
		if (error)
			die("round %lu: cannot unload the module: %s", round, strerror(-error));
		unloading += seconds() - began;
		check_unloaded();
	}
	disperse(crowd);
	printf("%lu rounds with %lu namespaces: loading took %.2f s, unloading %.2f s on average\n", rounds,
	       namespaces, loading / rounds, unloading / rounds);
	report(crowd);
	return 0;
}
