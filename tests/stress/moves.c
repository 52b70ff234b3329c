// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * moves MOVES: moves devices between namespaces as fast as it goes, while these
 * count drops or do not, packets flow, and dumps and events run. In the end every
 * move is counted on both sides, and told. The module is loaded, and stays.
 */

#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "crowd.h"
#include "link.h"
#include "netlink.h"
#include "pernet.h"
#include "stress.h"

enum { PLACES = 8, MOVERS = 2, DEVICES = 8 };

static struct place {
	int netns, route;
} places[PLACES];

static void check(const char *what, int error)
{
	if (error)
		die("%s: %s", what, strerror(-error));
}

static void make_places(struct crowd *crowd)
{
	int home = own_netns();
	struct family family;
	struct state state;

	for (int i = 0; i < PLACES; i++) {
		enter_new_netns();
		places[i] = (struct place){ own_netns(), open_route() };
		check("opening the family", open_family(&family));
		check("get", get(&family, (struct selector){ 0 }, &state));
		crowd->steady[i] = state.cookie;
		close_family(&family);
	}
	crowd->steady_count = PLACES;
	if (setns(home, CLONE_NEWNET))
		die_errno("cannot go back home");
}

/* Each mover has devices of its own: half of them dummies, half of them veths whose peers stay. */
static void make_devices(int mover, char names[DEVICES][16], int at[DEVICES])
{
	for (int i = 0; i < DEVICES; i++) {
		at[i] = i % PLACES;
		snprintf(names[i], sizeof(names[i]), "m%dd%d", mover, i);
		if (i % 2)
			check("making a dummy", add_dummy(places[at[i]].route, names[i]));
		else
			check("making a veth", add_veth(places[at[i]].route, names[i],
							places[(i + 1) % PLACES].netns));
	}
}

static void moves(int mover, unsigned long count)
{
	uint64_t dice = mover;
	char names[DEVICES][16];
	int at[DEVICES];

	make_devices(mover, names, at);
	for (unsigned long i = 0; i < count; i++) {
		int device = random_below(&dice, DEVICES);
		int to = (at[device] + 1 + random_below(&dice, PLACES - 1)) % PLACES;
		int error;

		check("bringing a device up", set_up(places[at[device]].route, names[device]));
		error = move(places[at[device]].route, names[device], places[to].netns);
		/* The peer of a veth has its name, and is in the way where it is. */
		if (error == -EEXIST) {
			i--;
			continue;
		}
		check("moving a device", error);
		at[device] = to;
	}
}

/* Turns counting of drops off and on in all places, by netlink. */
static void switches(struct crowd *crowd, int argument)
{
	uint64_t dice = getpid();
	struct family family;

	(void)argument;
	check("opening the family", open_family(&family));
	while (!crowd->stop) {
		struct selector of = { PERNET_NETNS_FD, places[random_below(&dice, PLACES)].netns };

		check("set", set(&family, of, UNCHANGED, random_below(&dice, 2)));
		crowd->sets++;
	}
}

static void check_counts(const struct crowd *crowd, unsigned long count)
{
	unsigned long in = 0, out = 0;
	struct family family;

	check("opening the family", open_family(&family));
	for (int i = 0; i < PLACES; i++) {
		struct selector of = { PERNET_NETNS_FD, places[i].netns };
		struct state state;

		check("get", get(&family, of, &state));
		if (state.present + state.unregistered + state.moved_out != state.registered + state.moved_in)
			die("place %d: %lu devices present, %lu and %lu came, %lu and %lu left", i, state.present,
			    state.registered, state.moved_in, state.unregistered, state.moved_out);
		in += state.moved_in;
		out += state.moved_out;
	}
	if (in != count || out != count)
		die("%lu moves, but %lu arrivals and %lu departures counted", count, in, out);
	if (crowd->events_lost == 0 && (crowd->moved_in != count || crowd->moved_out != count))
		die("%lu moves, but %lu arrivals and %lu departures told", count, crowd->moved_in, crowd->moved_out);
}

int moves_main(int argc, char **argv)
{
	unsigned long count = number(argc > 1 ? argv[1] : NULL) / MOVERS * MOVERS;
	struct crowd *crowd = new_crowd(true);
	double took;

	make_places(crowd);
	join(crowd, listens, -1);
	join(crowd, dumps, -1);
	join(crowd, uses_files, places[1].netns);
	join(crowd, sends, places[2].netns);
	join(crowd, switches, 0);
	while (!crowd->listening)
		usleep(1000);
	took = seconds();
	for (int i = 0; i < MOVERS; i++) {
		if (start() == 0) {
			moves(i, count / MOVERS);
			exit(0);
		}
	}
	finish(MOVERS);
	took = seconds() - took;
	disperse(crowd);
	printf("%lu moves in %.0f s\n", count, took);
	report(crowd);
	check_counts(crowd, count);
	return 0;
}
