// SPDX-License-Identifier: MIT OR Apache-2.0

#include "crowd.h"

#include <errno.h>
#include <netinet/in.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "pernet.h"
#include "stress.h"

#define COUNT(counter) __atomic_add_fetch(&(counter), 1, __ATOMIC_RELAXED)
#define ADD(counter, n) __atomic_add_fetch(&(counter), n, __ATOMIC_RELAXED)

struct crowd *new_crowd(bool module_stays)
{
	struct crowd *crowd = shared(sizeof(*crowd));

	crowd->module_stays = module_stays;
	return crowd;
}

static bool goes_on(const struct crowd *crowd)
{
	return !__atomic_load_n(&crowd->stop, __ATOMIC_RELAXED);
}

void join(struct crowd *crowd, role role, int argument)
{
	if (start() == 0) {
		role(crowd, argument);
		exit(0);
	}
	crowd->member_count++;
}

void disperse(struct crowd *crowd)
{
	__atomic_store_n(&crowd->stop, true, __ATOMIC_RELAXED);
	finish(crowd->member_count);
	crowd->member_count = 0;
}

void report(const struct crowd *crowd)
{
	if (crowd->dumps)
		printf("%lu dumps of %lu namespaces in sum, %lu marked as interrupted\n", crowd->dumps,
		       crowd->namespaces_dumped, crowd->interrupted);
	if (crowd->gets)
		printf("%lu gets, %lu sets, %lu resets of others, %lu of them too late\n", crowd->gets,
		       crowd->sets, crowd->resets, crowd->gone);
	if (crowd->files_read)
		printf("%lu files read, %lu settings written\n", crowd->files_read, crowd->settings_written);
	if (crowd->events)
		printf("%lu events, %lu born, %lu died, %lu moved in, %lu moved out, lost %lu times\n",
		       crowd->events, crowd->born, crowd->died, crowd->moved_in, crowd->moved_out,
		       crowd->events_lost);
	if (crowd->packets)
		printf("%lu packets sent\n", crowd->packets);
}

static void be_in(int netns)
{
	if (netns >= 0 && setns(netns, CLONE_NEWNET))
		die_errno("cannot enter a namespace");
}

/* Opens the family, again and again while there is no module; false when all is over. */
static bool find_family(struct crowd *crowd, struct family *family)
{
	while (goes_on(crowd)) {
		int error = open_family(family);

		if (!error)
			return true;
		if (crowd->module_stays)
			die("the family cannot be opened: %s", strerror(-error));
		usleep(1000);
	}
	return false;
}

/* Whether an error is one that may be: where the module may go, it may be gone. */
static bool may_be(const struct crowd *crowd, const char *what, int error, int expected)
{
	if (error && error != expected && crowd->module_stays)
		die("%s: %s", what, strerror(-error));
	return error != 0;
}

struct seen {
	const struct crowd *crowd;
	unsigned int steady, all;
	/* Some of them, to ask about. */
	uint64_t cookies[256];
};

static void see(const struct state *state, void *context)
{
	struct seen *seen = context;

	for (unsigned int i = 0; i < seen->crowd->steady_count; i++)
		seen->steady += seen->crowd->steady[i] == state->cookie;
	/* The newest take the places of older ones: they are the first to go. */
	seen->cookies[seen->all++ % ARRAY_SIZE(seen->cookies)] = state->cookie;
}

void dumps(struct crowd *crowd, int netns)
{
	struct family family;

	be_in(netns);
	while (find_family(crowd, &family)) {
		int error = 0;

		while (!error && goes_on(crowd)) {
			struct seen seen = { .crowd = crowd };
			bool interrupted;

			error = dump(&family, see, &seen, &interrupted);
			if (may_be(crowd, "dump", error, 0))
				break;
			if (!interrupted && seen.steady != crowd->steady_count)
				die("a dump shows %u of %u namespaces that were there all the time",
				    seen.steady, crowd->steady_count);
			COUNT(crowd->dumps);
			ADD(crowd->interrupted, interrupted);
			ADD(crowd->namespaces_dumped, seen.all);
		}
		close_family(&family);
	}
}

static int ask_of_one(struct crowd *crowd, struct family *family, uint64_t cookie, uint64_t *dice)
{
	struct selector of = { PERNET_NETNS_COOKIE, cookie };
	struct state state;

	switch (random_below(dice, 8)) {
	case 0:
		COUNT(crowd->resets);
		return reset(family, of);
	case 1:
		COUNT(crowd->sets);
		return set(family, of, UNCHANGED, random_below(dice, 2));
	case 2:
		COUNT(crowd->sets);
		return set(family, of, random_below(dice, 2), UNCHANGED);
	case 3:
		COUNT(crowd->sets);
		return set(family, of, random_below(dice, 2), random_below(dice, 2));
	default:
		COUNT(crowd->gets);
		return get(family, of, &state);
	}
}

void asks(struct crowd *crowd, int netns)
{
	uint64_t dice = getpid();
	struct family family;

	be_in(netns);
	while (find_family(crowd, &family)) {
		int error = 0;

		while (!error && goes_on(crowd)) {
			struct seen seen = { .crowd = crowd };

			error = dump(&family, see, &seen, NULL);
			if (may_be(crowd, "dump", error, 0))
				break;
			for (int i = 0; i < 200 && seen.all && goes_on(crowd); i++) {
				unsigned int known = seen.all < 256 ? seen.all : 256;
				uint64_t cookie = seen.cookies[random_below(&dice, known)];
				int gone = ask_of_one(crowd, &family, cookie, &dice);

				ADD(crowd->gone, may_be(crowd, "request", gone, -ENOENT));
			}
		}
		close_family(&family);
	}
}

static void count_event(int kind, uint64_t cookie, void *context)
{
	struct crowd *crowd = context;

	(void)cookie;
	COUNT(crowd->events);
	ADD(crowd->born, kind == PERNET_EVENT_KIND_BORN);
	ADD(crowd->died, kind == PERNET_EVENT_KIND_DIED);
	ADD(crowd->moved_in, kind == PERNET_EVENT_KIND_DEVICE_MOVED_IN);
	ADD(crowd->moved_out, kind == PERNET_EVENT_KIND_DEVICE_MOVED_OUT);
}

/* Goes on a little after all is over, for what was told last. */
void listens(struct crowd *crowd, int netns)
{
	struct family family;

	be_in(netns);
	while (find_family(crowd, &family)) {
		may_be(crowd, "listening", listen_to_events(&family), 0);
		crowd->listening = true;
		while (goes_on(crowd)) {
			int error = hear(&family, 500, count_event, crowd);

			if (error == -ENOBUFS)
				COUNT(crowd->events_lost);
			else if (may_be(crowd, "hearing", error, 0))
				break;
			/* Whose module went hears nothing any more. */
			if (!crowd->module_stays)
				break;
		}
		close_family(&family);
	}
}

/* In a namespace of its own: it turns counting off and on. */
void uses_files(struct crowd *crowd, int netns)
{
	uint64_t dice = getpid();

	be_in(netns);
	if (netns < 0)
		enter_new_netns();
	while (goes_on(crowd)) {
		bool on;

		may_be(crowd, "reading /proc/net/pernet", read_file(), 0);
		may_be(crowd, "reading a setting", read_setting("traffic", &on), 0);
		may_be(crowd, "counting traffic", write_setting("traffic", random_below(&dice, 2)), 0);
		may_be(crowd, "counting drops", write_setting("drops", random_below(&dice, 2)), 0);
		COUNT(crowd->files_read);
		ADD(crowd->settings_written, 2);
		if (!crowd->module_stays)
			sched_yield();
	}
}

void send_packets(struct crowd *crowd)
{
	struct sockaddr_in waiting = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
	struct sockaddr_in nobody = waiting;
	socklen_t len = sizeof(waiting);
	int receiver = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int sender = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	char packet[64] = "what everybody may read";

	nobody.sin_port = htons(9);
	if (receiver < 0 || sender < 0 || bind(receiver, (struct sockaddr *)&waiting, len) ||
	    getsockname(receiver, (struct sockaddr *)&waiting, &len))
		die_errno("cannot make sockets");
	for (int i = 0; i < 4; i++) {
		/* What is not received fills the buffer, and is dropped in the end. */
		sendto(sender, packet, sizeof(packet), 0, (struct sockaddr *)&waiting, len);
		sendto(sender, packet, sizeof(packet), 0, (struct sockaddr *)&nobody, len);
		ADD(crowd->packets, 2);
	}
	close(receiver);
	close(sender);
}

void sends(struct crowd *crowd, int netns)
{
	be_in(netns);
	if (netns < 0)
		enter_new_netns();
	while (goes_on(crowd))
		send_packets(crowd);
}
