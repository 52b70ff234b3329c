// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * faults MODULE: lets every allocation in every operation fail in turn, and looks
 * whether what failed changed anything. Loads and unloads the module itself.
 *
 * Each operation is repeated, with its n-th allocation failing, for n from 1 on,
 * until it is through before its n-th allocation.
 */

#include <errno.h>
#include <fcntl.h>
#include <linux/net_namespace.h>
#include <linux/rtnetlink.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "failing.h"
#include "link.h"
#include "module.h"
#include "netlink.h"
#include "pernet.h"
#include "stress.h"

enum { NSID_BESIDE = 77 };

/* What the operations work on: a namespace with devices, and one beside it. */
static struct {
	int module;
	int here, beside;
	int route, route_beside;
	struct family family, listener;
	uint64_t cookie_beside;
} world;

static void check(const char *what, int error)
{
	if (error)
		die("%s: %s", what, strerror(-error));
}

/* The operations: each returns 0 or a negative errno. */

static const struct selector own = { 0 };
static struct state state;

static int get_by(uint16_t attribute, uint64_t value)
{
	return get(&world.family, (struct selector){ attribute, value }, &state);
}

static int get_own(void) { return get(&world.family, own, &state); }
static int get_by_cookie(void) { return get_by(PERNET_NETNS_COOKIE, world.cookie_beside); }
static int get_by_nsid(void) { return get_by(PERNET_NETNS_NSID, NSID_BESIDE); }
static int get_by_pid(void) { return get_by(PERNET_NETNS_PID, getpid()); }
static int get_by_fd(void) { return get_by(PERNET_NETNS_FD, world.beside); }
static int dump_all(void) { return dump(&world.family, NULL, NULL, NULL); }
static int reset_own(void) { return reset(&world.family, own); }
static int traffic_off(void) { return set(&world.family, own, 0, UNCHANGED); }
static int traffic_on(void) { return set(&world.family, own, 1, UNCHANGED); }
static int drops_off(void) { return set(&world.family, own, UNCHANGED, 0); }
static int drops_on(void) { return set(&world.family, own, UNCHANGED, 1); }
static int both_off(void) { return set(&world.family, own, 0, 0); }
static int both_on(void) { return set(&world.family, own, 1, 1); }
static int write_traffic_off(void) { return write_setting("traffic", false); }
static int write_traffic_on(void) { return write_setting("traffic", true); }
static int write_drops_off(void) { return write_setting("drops", false); }
static int write_drops_on(void) { return write_setting("drops", true); }
static int read_traffic(void) { bool on; return read_setting("traffic", &on); }
static int add_device(void) { return add_dummy(world.route, "added"); }
static int move_away(void) { return move(world.route, "moving", world.beside); }
static int bring_up(void) { return set_up(world.route, "moving"); }
static int make_namespace(void) { return unshare(CLONE_NEWNET) ? -errno : 0; }
static int go_back(void) { return setns(world.here, CLONE_NEWNET) ? -errno : 0; }
static int load(void) { return load_module(world.module, ""); }
static int load_counting_drops(void) { return load_module(world.module, "drops=1"); }

static int delete_device(void)
{
	int error = delete_link(world.route, "added");

	return error == -ENODEV ? 0 : error;
}

static int move_back(void)
{
	int error = move(world.route_beside, "moving", world.here);

	return error == -ENODEV ? 0 : error;
}

static int unload(void)
{
	int error = unload_module();

	return error == -ENOENT ? 0 : error;
}

/* A dump that broke off would still be under way on its socket. */
static int reopen(void)
{
	close_family(&world.family);
	return open_family(&world.family);
}

static int look_for_family(void)
{
	struct family family;
	int error = open_family(&family);

	if (!error)
		close_family(&family);
	return error;
}

static int subscribe(void)
{
	struct family family;
	int error = open_family(&family);

	if (error)
		return error;
	error = listen_to_events(&family);
	close_family(&family);
	return error;
}

/* BEFORE brings about what the operation starts from; it is not disturbed. */
struct operation {
	const char *name;
	int (*before)(void), (*run)(void);
	/* Listeners have to hear of it, or that they missed something. */
	bool told;
	/* Whose allocations fail, for only_below(). */
	const char *of;
};

static const struct operation with_module[] = {
	{ "get of the own namespace", NULL, get_own, false, NULL },
	{ "get by cookie", NULL, get_by_cookie, false, NULL },
	{ "get by nsid", NULL, get_by_nsid, false, NULL },
	{ "get by pid", NULL, get_by_pid, false, NULL },
	{ "get by fd", NULL, get_by_fd, false, NULL },
	{ "dump", reopen, dump_all, false, NULL },
	{ "looking for the family", NULL, look_for_family, false, NULL },
	{ "subscribing to events", NULL, subscribe, false, NULL },
	{ "reset", NULL, reset_own, true, NULL },
	{ "set traffic off", traffic_on, traffic_off, true, NULL },
	{ "set traffic on", traffic_off, traffic_on, true, NULL },
	{ "set drops on", drops_off, drops_on, true, NULL },
	{ "set drops off", drops_on, drops_off, true, NULL },
	{ "set both off", both_on, both_off, true, NULL },
	{ "set both on", both_off, both_on, true, NULL },
	{ "reading /proc/net/pernet", NULL, read_file, false, NULL },
	{ "reading a setting", NULL, read_traffic, false, NULL },
	{ "writing traffic 0", write_traffic_on, write_traffic_off, true, NULL },
	{ "writing traffic 1", write_traffic_off, write_traffic_on, true, NULL },
	{ "writing drops 1", write_drops_off, write_drops_on, true, NULL },
	{ "writing drops 0", write_drops_on, write_drops_off, true, NULL },
	{ "a device that comes", delete_device, add_device, true, NULL },
	{ "a device that moves", move_back, move_away, true, NULL },
	{ "a device that comes up", NULL, bring_up, false, NULL },
	{ "making a namespace", go_back, make_namespace, true, "" },
};

/* The counters of drops are made when they are counted first: in a new namespace. */
static const struct operation allocating_percpu[] = {
	{ "making a namespace", go_back, make_namespace, true, NULL },
	{ "counting drops in a new namespace", make_namespace, write_drops_on, true, NULL },
};

static const struct operation without_module[] = {
	{ "loading the module", unload, load, false, "do_one_initcall" },
	{ "loading it with drops counted", unload, load_counting_drops, false, "do_one_initcall" },
};

struct told {
	int events, born, died;
};

static void note(int kind, uint64_t cookie, void *context)
{
	struct told *told = context;

	(void)cookie;
	told->events++;
	told->born += kind == PERNET_EVENT_KIND_BORN;
	told->died += kind == PERNET_EVENT_KIND_DIED;
}

/* What was told since the last time; false when something was lost. */
static bool listen(struct told *told)
{
	*told = (struct told){ 0 };
	return hear(&world.listener, 0, note, told) != -ENOBUFS;
}

static bool same(const struct state *a, const struct state *b)
{
	return a->cookie == b->cookie && a->epoch == b->epoch && a->count_traffic == b->count_traffic &&
	       a->count_drops == b->count_drops && a->present == b->present;
}

static unsigned int mistakes;

/* One mistake of the module's; the others are looked for all the same. */
static void __attribute__((format(printf, 1, 2))) wrong(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vprintf(format, arguments);
	va_end(arguments);
	printf("\n");
	mistakes++;
}

/* What has to be so after an operation that was disturbed at its NTH allocation. */
static void judge(const struct operation *operation, unsigned int nth, int error, const struct state *before)
{
	struct state after;
	struct told told;
	bool complete;

	check("coming back", go_back());
	check("get, undisturbed", get(&world.family, own, &after));
	complete = listen(&told);
	/* Of what was done and could not be acknowledged, nothing is known. */
	if (error && error != -ENOBUFS && !same(before, &after))
		wrong("%s, allocation %u: %s, yet something has changed: traffic %lu to %lu, drops %lu to %lu, "
		    "epoch %lu to %lu, devices %lu to %lu", operation->name, nth, strerror(-error),
		    before->count_traffic, after.count_traffic, before->count_drops, after.count_drops,
		    before->epoch, after.epoch, before->present, after.present);
	if (error && complete && told.born != told.died)
		wrong("%s, allocation %u: %s, and %d namespaces were told to be born, %d to have died",
		    operation->name, nth, strerror(-error), told.born, told.died);
	if (!error && operation->told && complete && told.events == 0)
		wrong("%s, allocation %u: it was done, but no listener heard of it or of a loss", operation->name, nth);
}

/* Repeats an operation until it is through undisturbed; says how many allocations it has. */
static void disturb(const struct operation *operation, const struct fault *fault, bool module_is_loaded)
{
	unsigned int nth = 0, failed = 0;
	bool disturbed = true;

	only_below(operation->of);
	while (disturbed) {
		struct state before = { 0 };
		struct told told;
		int error;

		if (++nth > 100000)
			die("%s: no end of allocations", operation->name);
		if (operation->before)
			check(operation->name, operation->before());
		if (module_is_loaded) {
			check("get, undisturbed", get(&world.family, own, &before));
			while (!listen(&told))
				;
		}
		fault->arm(nth);
		error = operation->run();
		disturbed = fault->disarm();
		failed += error != 0;
		if (!disturbed && error)
			die("%s, undisturbed: %s", operation->name, strerror(-error));
		if (module_is_loaded)
			judge(operation, nth, error, &before);
		else if (error && read_file() != -ENOENT)
			wrong("%s, allocation %u: %s, yet its file is there", operation->name, nth, strerror(-error));
	}
	if (operation->before)
		check(operation->name, operation->before());
	printf("%s: %u %s failed in turn, %u of them made it fail\n", operation->name, nth - 1, fault->of, failed);
}

static void give_nsid(int route, int netns, uint32_t nsid)
{
	struct message message;

	begin(&message, RTM_NEWNSID, 0);
	append(&message, NULL, sizeof(struct rtgenmsg));
	put_u32(&message, NETNSA_FD, netns);
	put_u32(&message, NETNSA_NSID, nsid);
	check("giving an id", ask(route, &message, NULL, NULL));
}

static void make_world(void)
{
	enter_new_netns();
	world.beside = own_netns();
	world.route_beside = open_route();
	enter_new_netns();
	world.here = own_netns();
	world.route = open_route();
	check("making a device", add_dummy(world.route, "moving"));
	give_nsid(world.route, world.beside, NSID_BESIDE);
}

static void use_module(void)
{
	check("opening the family", open_family(&world.family));
	check("opening the family", open_family(&world.listener));
	check("listening", listen_to_events(&world.listener));
	check("get", get_by(PERNET_NETNS_FD, world.beside));
	world.cookie_beside = state.cookie;
	/* That devices are noted too. */
	check("counting drops", drops_on());
}

int faults_main(int argc, char **argv)
{
	world.module = argc > 1 ? open(argv[1], O_RDONLY | O_CLOEXEC) : -1;
	if (world.module < 0)
		die_errno("cannot open the module");
	allow_slab_faults();
	make_world();
	check("loading the module", load());
	use_module();
	for (size_t i = 0; i < ARRAY_SIZE(with_module); i++)
		disturb(&with_module[i], &slab, true);
	if (allow_percpu_faults()) {
		for (size_t i = 0; i < ARRAY_SIZE(allocating_percpu); i++)
			disturb(&allocating_percpu[i], &percpu, true);
		forget_percpu_faults();
	}
	close_family(&world.family);
	close_family(&world.listener);
	check("unloading the module", unload());
	for (size_t i = 0; i < ARRAY_SIZE(without_module); i++)
		disturb(&without_module[i], &slab, false);
	if (mistakes)
		die("%u mistakes, see above", mistakes);
	return 0;
}
