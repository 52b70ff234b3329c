// SPDX-License-Identifier: MIT OR Apache-2.0

#include "pernet.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/genetlink.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "netlink.h"
#include "stress.h"

/* The attributes of a reply of generic netlink. */
static const void *attributes_of(const struct nlmsghdr *reply, size_t *len)
{
	*len = reply->nlmsg_len >= NLMSG_LENGTH(GENL_HDRLEN) ? reply->nlmsg_len - NLMSG_LENGTH(GENL_HDRLEN) : 0;
	return (const char *)NLMSG_DATA(reply) + GENL_HDRLEN;
}

static void begin_command(struct message *message, uint16_t family, uint8_t command, uint16_t flags)
{
	struct genlmsghdr header = { .cmd = command, .version = PERNET_FAMILY_VERSION };

	begin(message, family, flags);
	append(message, &header, sizeof(header));
}

static void learn_family(const struct nlmsghdr *reply, void *context)
{
	struct family *family = context;
	size_t len;
	const void *attributes = attributes_of(reply, &len);
	const struct nlattr *groups = find(attributes, len, CTRL_ATTR_MCAST_GROUPS);
	const struct nlattr *group = groups ? groups + 1 : NULL;

	family->id = value_of(find(attributes, len, CTRL_ATTR_FAMILY_ID));
	if (group)
		family->events = value_of(find(group + 1, group->nla_len - NLA_HDRLEN, CTRL_ATTR_MCAST_GRP_ID));
}

int open_family(struct family *family)
{
	struct message message;
	int error;

	*family = (struct family){ .fd = open_netlink(NETLINK_GENERIC) };
	if (family->fd < 0)
		return family->fd;
	begin_command(&message, GENL_ID_CTRL, CTRL_CMD_GETFAMILY, 0);
	put_str(&message, CTRL_ATTR_FAMILY_NAME, "pernet");
	error = ask(family->fd, &message, learn_family, family);
	if (error)
		close_family(family);
	return error;
}

void close_family(struct family *family)
{
	close(family->fd);
	family->fd = -1;
}

int listen_to_events(struct family *family)
{
	int room = 32 << 20;

	setsockopt(family->fd, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof(room));
	return setsockopt(family->fd, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &family->events,
			  sizeof(family->events)) ? -errno : 0;
}

static void read_state(const struct nlmsghdr *reply, struct state *state)
{
	size_t len;
	const void *attributes = attributes_of(reply, &len);
	const struct nlattr *devices = find(attributes, len, PERNET_NETNS_DEVICES);
	size_t devices_len = devices ? devices->nla_len - NLA_HDRLEN : 0;

	*state = (struct state){
		.cookie = value_of(find(attributes, len, PERNET_NETNS_COOKIE)),
		.epoch = value_of(find(attributes, len, PERNET_NETNS_EPOCH)),
		.count_traffic = value_of(find(attributes, len, PERNET_NETNS_COUNT_TRAFFIC)),
		.count_drops = value_of(find(attributes, len, PERNET_NETNS_COUNT_DROPS)),
		.present = value_of(find(devices + 1, devices_len, PERNET_DEVICES_PRESENT)),
		.registered = value_of(find(devices + 1, devices_len, PERNET_DEVICES_REGISTERED)),
		.unregistered = value_of(find(devices + 1, devices_len, PERNET_DEVICES_UNREGISTERED)),
		.moved_in = value_of(find(devices + 1, devices_len, PERNET_DEVICES_MOVED_IN)),
		.moved_out = value_of(find(devices + 1, devices_len, PERNET_DEVICES_MOVED_OUT)),
	};
}

static void keep_state(const struct nlmsghdr *reply, void *context)
{
	if (context)
		read_state(reply, context);
}

static void put_selector(struct message *message, struct selector of)
{
	if (of.attribute == PERNET_NETNS_COOKIE)
		put_u64(message, of.attribute, of.value);
	else if (of.attribute != 0)
		put_u32(message, of.attribute, of.value);
}

int get(struct family *family, struct selector of, struct state *state)
{
	struct message message;

	begin_command(&message, family->id, PERNET_CMD_GET, 0);
	put_selector(&message, of);
	return ask(family->fd, &message, keep_state, state);
}

int set(struct family *family, struct selector of, int traffic, int drops)
{
	struct message message;

	begin_command(&message, family->id, PERNET_CMD_SET, 0);
	put_selector(&message, of);
	if (traffic != UNCHANGED)
		put_u8(&message, PERNET_NETNS_COUNT_TRAFFIC, traffic);
	if (drops != UNCHANGED)
		put_u8(&message, PERNET_NETNS_COUNT_DROPS, drops);
	return ask(family->fd, &message, NULL, NULL);
}

int reset(struct family *family, struct selector of)
{
	struct message message;

	begin_command(&message, family->id, PERNET_CMD_RESET, 0);
	put_selector(&message, of);
	return ask(family->fd, &message, NULL, NULL);
}

struct dump {
	void (*each)(const struct state *state, void *context);
	void *context;
	bool interrupted;
};

static void dumped(const struct nlmsghdr *reply, void *context)
{
	struct dump *dump = context;
	struct state state;

	dump->interrupted |= (reply->nlmsg_flags & NLM_F_DUMP_INTR) != 0;
	read_state(reply, &state);
	if (dump->each)
		dump->each(&state, dump->context);
}

int dump(struct family *family, void (*each)(const struct state *state, void *context),
	 void *context, bool *interrupted)
{
	struct dump dump = { .each = each, .context = context };
	struct message message;
	int error;

	begin_command(&message, family->id, PERNET_CMD_GET, NLM_F_DUMP);
	error = ask(family->fd, &message, dumped, &dump);
	if (interrupted)
		*interrupted = dump.interrupted;
	return error;
}

int hear(struct family *family, int milliseconds, void (*each)(int kind, uint64_t cookie, void *context),
	 void *context)
{
	_Alignas(struct nlmsghdr) char event[4096];
	struct pollfd quiet = { .fd = family->fd, .events = POLLIN };

	while (poll(&quiet, 1, milliseconds) > 0) {
		ssize_t len = recv(family->fd, event, sizeof(event), 0);
		const struct nlmsghdr *header = (const struct nlmsghdr *)event;
		const void *attributes;
		size_t attributes_len;

		if (len < 0)
			return -errno;
		attributes = attributes_of(header, &attributes_len);
		each(value_of(find(attributes, attributes_len, PERNET_EVENT_KIND)),
		     value_of(find(attributes, attributes_len, PERNET_EVENT_COOKIE)), context);
	}
	return 0;
}

/* Reads or, with TEXT, writes all of a file. */
static int whole_file(const char *path, const char *text, char *content, size_t room)
{
	int fd = open(path, (text ? O_WRONLY : O_RDONLY) | O_CLOEXEC);
	ssize_t len;
	int error = 0;

	if (fd < 0)
		return -errno;
	if (text)
		len = write(fd, text, strlen(text));
	else
		while ((len = read(fd, content, room)) > 0)
			;
	if (len < 0)
		error = -errno;
	close(fd);
	return error;
}

int read_file(void)
{
	char content[8192];

	return whole_file("/proc/thread-self/net/pernet", NULL, content, sizeof(content));
}

static void path_of(const char *setting, char path[64])
{
	snprintf(path, 64, "/proc/sys/net/pernet/%s", setting);
}

int read_setting(const char *name, bool *on)
{
	char path[64], content[2] = { 0 };
	int fd;
	ssize_t len;

	path_of(name, path);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	len = read(fd, content, sizeof(content));
	close(fd);
	*on = content[0] == '1';
	return len < 0 ? -errno : 0;
}

int write_setting(const char *name, bool on)
{
	char path[64];

	path_of(name, path);
	return whole_file(path, on ? "1\n" : "0\n", NULL, 0);
}
