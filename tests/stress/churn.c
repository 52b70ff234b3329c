// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * churn NAMESPACES: makes and lets go of so many namespaces, each of which uses
 * all that the module gives it, while every interface is used from outside.
 * The module is loaded, and stays.
 */

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "crowd.h"
#include "link.h"
#include "netlink.h"
#include "pernet.h"
#include "stress.h"

/* Makers that work at once, and namespaces that may wait for their end meanwhile. */
enum { MAKERS = 2, UNDYING = 400, STEADY = 8 };

static void check(const char *what, int error)
{
	if (error)
		die("%s: %s", what, strerror(-error));
}

static void count_namespace(const struct state *state, void *context)
{
	(void)state;
	++*(unsigned int *)context;
}

static unsigned int living(struct family *home)
{
	unsigned int count = 0;

	check("dump", dump(home, count_namespace, &count, NULL));
	return count;
}

/* Asks and tells the own namespace by netlink, and looks whether it is believed. */
static void use_netlink(int switch_to, uint64_t *last_cookie)
{
	struct selector own = { 0 };
	struct family family;
	struct state state;

	check("opening the family", open_family(&family));
	check("set", set(&family, own, switch_to, switch_to));
	check("reset", reset(&family, own));
	check("get", get(&family, own, &state));
	/* Others set and reset it too. */
	if (state.epoch < 1 || state.present < 1)
		die("after a reset: epoch %lu, %lu devices", state.epoch, state.present);
	if (state.cookie <= *last_cookie)
		die("cookie %lu came after %lu", state.cookie, *last_cookie);
	*last_cookie = state.cookie;
	close_family(&family);
}

/* A link into a namespace that stays, and a device of its own; they go with the namespace. */
static void make_devices(int steady, unsigned int serial)
{
	int route = open_route();
	char name[16];

	snprintf(name, sizeof(name), "v%x", serial);
	check("making a veth", add_veth(route, name, steady));
	check("bringing it up", set_up(route, name));
	check("making a dummy", add_dummy(route, "d0"));
	close(route);
}

static void live_in_namespace(struct crowd *crowd, unsigned int serial, int steady, uint64_t *last_cookie)
{
	enter_new_netns();
	send_packets(crowd);
	check("reading the file", read_file());
	check("counting drops", write_setting("drops", serial % 2));
	check("counting no traffic", write_setting("traffic", 0));
	check("counting traffic", write_setting("traffic", 1));
	use_netlink(serial % 3 == 0, last_cookie);
	if (serial % 8 == 0)
		make_devices(steady, serial);
	send_packets(crowd);
}

/* A file that stays open keeps its namespace, which is then let go by the reader. */
static void outlive(unsigned int serial)
{
	static int old = -1;
	char line[64];

	if (serial % 16)
		return;
	if (old >= 0) {
		if (read(old, line, sizeof(line)) <= 0)
			die_errno("cannot read the file of a namespace that nobody is in");
		close(old);
	}
	old = open("/proc/thread-self/net/pernet", O_RDONLY | O_CLOEXEC);
}

static void makes(struct crowd *crowd, unsigned long first, unsigned long count, int steady)
{
	struct family home;
	uint64_t last_cookie = 0;

	check("opening the family", open_family(&home));
	for (unsigned long i = first; i < first + count && !crowd->stop; i++) {
		live_in_namespace(crowd, i, steady, &last_cookie);
		outlive(i);
		while (i % 32 == 0 && living(&home) > UNDYING)
			usleep(10000);
	}
}

static void make_steady(struct crowd *crowd, int netns[STEADY])
{
	int home = own_netns();
	struct family family;
	struct state state;

	for (int i = 0; i < STEADY; i++) {
		enter_new_netns();
		netns[i] = own_netns();
		check("opening the family", open_family(&family));
		check("get", get(&family, (struct selector){ 0 }, &state));
		crowd->steady[i] = state.cookie;
		close_family(&family);
	}
	crowd->steady_count = STEADY;
	if (setns(home, CLONE_NEWNET))
		die_errno("cannot go back home");
}

/* The dead are cleared away later, all but those that there were before. */
static void wait_for_the_dead(struct family *home, unsigned int before)
{
	double began = seconds();
	unsigned int left;

	while ((left = living(home)) > before) {
		if (seconds() - began > 120)
			die("%u namespaces are left, there were %u before", left, before);
		usleep(100000);
	}
}

int churn_main(int argc, char **argv)
{
	unsigned long count = number(argc > 1 ? argv[1] : NULL);
	struct crowd *crowd = new_crowd(true);
	int steady[STEADY];
	struct family home;
	unsigned int before;
	double took;

	make_steady(crowd, steady);
	check("opening the family", open_family(&home));
	before = living(&home);
	join(crowd, dumps, -1);
	join(crowd, asks, -1);
	join(crowd, listens, -1);
	join(crowd, uses_files, steady[1]);
	join(crowd, sends, steady[2]);
	while (!crowd->listening)
		usleep(1000);
	took = seconds();
	for (int i = 0; i < MAKERS; i++) {
		if (start() == 0) {
			makes(crowd, i * (count / MAKERS), count / MAKERS, steady[i + 3]);
			exit(0);
		}
	}
	finish(MAKERS);
	took = seconds() - took;
	wait_for_the_dead(&home, before);
	disperse(crowd);
	printf("%lu namespaces made and destroyed in %.0f s\n", count / MAKERS * MAKERS, took);
	report(crowd);
	if (crowd->events_lost == 0 && (crowd->born != count / MAKERS * MAKERS || crowd->died != crowd->born))
		die("%lu namespaces, but %lu told to be born and %lu to have died", count, crowd->born, crowd->died);
	return 0;
}
