// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * malformed MESSAGES SEED: sends so many messages to the family, most of them
 * wrong in some way: the first half as an ordinary user, whom nothing must be
 * granted, the second as root. The same seed gives the same messages. The module
 * is loaded, and stays.
 */

#include <errno.h>
#include <fcntl.h>
#include <linux/genetlink.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "netlink.h"
#include "pernet.h"
#include "stress.h"

/* Processes that send at once. */
enum { SENDERS = 2, ERRNO_MAX = 256 };

/* Results of the messages, by errno; and what else was seen. */
struct results {
	unsigned long by_errno[ERRNO_MAX];
	unsigned long lost, not_sent;
};

static uint64_t dice;

static uint32_t below(uint32_t bound)
{
	return random_below(&dice, bound);
}

static bool one_in(uint32_t n)
{
	return below(n) == 0;
}

/* A value that means something to somebody. */
static uint64_t interesting(void)
{
	switch (below(10)) {
	case 0: return 0;
	case 1: return 1;
	case 2: return getpid();
	case 3: return below(8); /* a descriptor, an id, a switch */
	case 4: return below(64); /* a cookie */
	case 5: return (uint64_t)-1;
	case 6: return 1ull << below(64);
	case 7: return (1ull << below(64)) - 1;
	case 8: return INT32_MAX;
	default: return (uint64_t)below(UINT32_MAX) << 32 | below(UINT32_MAX);
	}
}

/* An attribute of the family that requests carry, or any other one. */
static uint16_t some_type(void)
{
	static const uint16_t known[] = {
		PERNET_NETNS_COOKIE, PERNET_NETNS_NSID, PERNET_NETNS_PID, PERNET_NETNS_FD,
		PERNET_NETNS_COUNT_TRAFFIC, PERNET_NETNS_COUNT_DROPS,
	};
	uint16_t type = one_in(4) ? below(PERNET_NETNS_MAX + 4) : known[below(ARRAY_SIZE(known))];

	if (one_in(24))
		type = below(1 << 16);
	if (one_in(24))
		type |= NLA_F_NESTED;
	if (one_in(24))
		type |= NLA_F_NET_BYTEORDER;
	return type;
}

static size_t some_length(uint16_t type)
{
	bool is_switch = type == PERNET_NETNS_COUNT_TRAFFIC || type == PERNET_NETNS_COUNT_DROPS;

	switch (below(8)) {
	case 0: return below(10);
	case 1: return one_in(8) ? below(200) : 0;
	case 2: return 8;
	default: return is_switch ? 1 : 4;
	}
}

static void add_attributes(struct message *message, int depth);

static void add_attribute(struct message *message, int depth)
{
	uint16_t type = some_type();
	size_t at = message->header.nlmsg_len;
	struct nlattr *attribute;

	if (depth < 8 && one_in(12)) {
		size_t start = nest(message, type);

		add_attributes(message, depth + 1);
		nest_end(message, start);
	} else {
		uint8_t payload[208];
		uint64_t value = interesting();
		size_t len = some_length(type);

		memset(payload, value, sizeof(payload));
		memcpy(payload, &value, sizeof(value));
		put(message, type, payload, len);
	}
	attribute = (struct nlattr *)(message->bytes + at);
	/* A length that is not true. */
	if (one_in(16)) {
		uint16_t lies[] = { 0, below(4), 3, 4, attribute->nla_len + 1, attribute->nla_len - 1,
				    attribute->nla_len + 4, UINT16_MAX, below(1 << 16) };

		attribute->nla_len = lies[below(ARRAY_SIZE(lies))];
	}
}

static void add_attributes(struct message *message, int depth)
{
	int count = one_in(8) ? below(8) : below(3);

	while (count-- > 0 && message->header.nlmsg_len < 1200)
		add_attribute(message, depth);
}

/* A message. Its length is true as yet. */
static void make_message(struct message *message, const struct family *family)
{
	static const uint16_t flags[] = { 0, NLM_F_ACK, NLM_F_DUMP, NLM_F_ROOT, NLM_F_MATCH, NLM_F_ECHO,
					  NLM_F_ACK | NLM_F_DUMP, NLM_F_CREATE | NLM_F_EXCL };
	struct genlmsghdr header = { .version = one_in(16) ? below(256) : PERNET_FAMILY_VERSION };
	size_t len;

	header.cmd = one_in(24) ? below(256) : PERNET_CMD_GET + below(PERNET_CMD_RESET);
	if (one_in(32))
		header.reserved = below(1 << 16);
	begin(message, family->id, flags[one_in(6) ? below(ARRAY_SIZE(flags)) : 1]);
	if (one_in(64))
		message->header.nlmsg_flags = below(1 << 16);
	append(message, &header, one_in(64) ? below(4) : sizeof(header));
	add_attributes(message, 0);
	len = message->header.nlmsg_len;
	if (one_in(24) && len > NLMSG_HDRLEN)
		for (int i = below(8); i >= 0; i--)
			message->bytes[NLMSG_HDRLEN + below(len - NLMSG_HDRLEN)] ^= 1 << below(8);
}

/* Several messages in one packet: the kernel goes through them until one is too long or too
 * short, so only the last one is. */
static size_t make_packet(char *packet, unsigned int messages, const struct family *family)
{
	struct message message;
	size_t at = 0;

	for (unsigned int i = 0; i < messages; i++) {
		make_message(&message, family);
		memcpy(packet + at, &message, message.header.nlmsg_len);
		if (i + 1 < messages)
			at += message.header.nlmsg_len;
	}
	if (one_in(2))
		((struct nlmsghdr *)(packet + at))->nlmsg_len =
			one_in(2) ? below(message.header.nlmsg_len + 32) : below(UINT32_MAX);
	return at + (one_in(2) ? below(message.header.nlmsg_len + 1) : message.header.nlmsg_len);
}

/* What came at once: messages of a packet, each with a reply or several. */
enum { PACKET = 16, BATCH = 64, PART = 32 * 1024 };

static void count_results(const char *part, size_t len, struct results *results)
{
	for (const struct nlmsghdr *reply = (const struct nlmsghdr *)part; NLMSG_OK(reply, len);
	     reply = NLMSG_NEXT(reply, len)) {
		int error;

		if (reply->nlmsg_type != NLMSG_ERROR && reply->nlmsg_type != NLMSG_DONE)
			continue;
		error = -*(const int *)NLMSG_DATA(reply);
		if (error < 0 || error >= ERRNO_MAX)
			die("an answer has the error %d", -error);
		results->by_errno[error]++;
	}
}

/* Reads all that is there; a dump goes on as it is read. */
static void read_answers(int fd, struct results *results)
{
	static _Alignas(struct nlmsghdr) char parts[BATCH][PART];
	static struct mmsghdr headers[BATCH];
	static struct iovec vectors[BATCH];
	int count;

	for (int i = 0; i < BATCH; i++) {
		vectors[i] = (struct iovec){ parts[i], PART };
		headers[i].msg_hdr = (struct msghdr){ .msg_iov = &vectors[i], .msg_iovlen = 1 };
	}
	while ((count = recvmmsg(fd, headers, BATCH, MSG_DONTWAIT, NULL)) > 0)
		for (int i = 0; i < count; i++)
			count_results(parts[i], headers[i].msg_len, results);
	if (count < 0 && errno == ENOBUFS)
		results->lost++;
	else if (count < 0 && errno != EAGAIN)
		die_errno("cannot read an answer");
}

static void send_messages(unsigned long count, uint64_t seed, uid_t uid, struct results *results)
{
	static _Alignas(struct nlmsghdr) char packet[PACKET * sizeof(struct message)];
	struct family family;
	int error;

	dice = seed;
	if (uid && (setgid(uid) || setuid(uid)))
		die_errno("cannot become user %u", uid);
	error = open_family(&family);
	if (error)
		die("the family cannot be opened: %s", strerror(-error));
	for (unsigned long sent = 0; sent < count; sent += PACKET) {
		if (send(family.fd, packet, make_packet(packet, PACKET, &family), 0) < 0)
			results->not_sent++;
		read_answers(family.fd, results);
	}
}

static void send_all(unsigned long count, uint64_t seed, uid_t uid, struct results *results)
{
	for (int i = 0; i < SENDERS; i++) {
		if (start() == 0) {
			send_messages(count / SENDERS, seed + i, uid, &results[i]);
			exit(0);
		}
	}
	finish(SENDERS);
}

static void print_results(const char *who, const struct results *results, unsigned long count)
{
	printf("%lu messages of %s:", count, who);
	for (int error = 0; error < ERRNO_MAX; error++) {
		unsigned long sum = 0;

		for (int i = 0; i < SENDERS; i++)
			sum += results[i].by_errno[error];
		if (sum)
			printf(" %lu %s,", sum, error ? strerrorname_np(error) : "done");
	}
	printf(" %lu packets of them not taken, %lu times answers lost\n",
	       results[0].not_sent + results[1].not_sent, results[0].lost + results[1].lost);
}

int malformed_main(int argc, char **argv)
{
	unsigned long count = number(argc > 1 ? argv[1] : NULL) / (2 * SENDERS) * SENDERS;
	uint64_t seed = number(argc > 2 ? argv[2] : NULL);
	struct results *results = shared(2 * SENDERS * sizeof(*results));
	struct family family;
	struct state before, after;
	double took = seconds();
	int error = open_family(&family);

	if (!error)
		error = get(&family, (struct selector){ 0 }, &before);
	if (error)
		die("get, before all: %s", strerror(-error));
	send_all(count, seed, 65534, results);
	print_results("an ordinary user", results, count);
	error = get(&family, (struct selector){ 0 }, &after);
	if (error)
		die("get, after the ordinary user: %s", strerror(-error));
	if (before.epoch != after.epoch || before.count_traffic != after.count_traffic ||
	    before.count_drops != after.count_drops)
		die("an ordinary user has changed what the namespace counts");
	send_all(count, seed + SENDERS, 0, results + SENDERS);
	print_results("root", results + SENDERS, count);
	error = get(&family, (struct selector){ 0 }, &after);
	if (error || after.count_traffic > 1 || after.count_drops > 1)
		die("get, after all: %s, traffic %lu, drops %lu", strerror(-error), after.count_traffic,
		    after.count_drops);
	printf("%lu messages in %.0f s\n", 2 * count, seconds() - took);
	return 0;
}
