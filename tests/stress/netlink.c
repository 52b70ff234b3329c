// SPDX-License-Identifier: MIT OR Apache-2.0

#include "netlink.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "stress.h"

/* As large as the kernel makes the parts of a dump. */
#define PART (32 * 1024)

void begin(struct message *message, uint16_t type, uint16_t flags)
{
	memset(&message->header, 0, sizeof(message->header));
	message->header.nlmsg_len = NLMSG_HDRLEN;
	message->header.nlmsg_type = type;
	message->header.nlmsg_flags = NLM_F_REQUEST | flags;
}

void *append(struct message *message, const void *data, size_t len)
{
	size_t at = message->header.nlmsg_len;
	size_t end = at + NLMSG_ALIGN(len);

	if (end > sizeof(message->bytes))
		die("a message of %zu bytes is too long", end);
	memset(message->bytes + at, 0, end - at);
	if (data)
		memcpy(message->bytes + at, data, len);
	message->header.nlmsg_len = end;
	return message->bytes + at;
}

void put(struct message *message, uint16_t type, const void *data, size_t len)
{
	struct nlattr header = { .nla_len = NLA_HDRLEN + len, .nla_type = type };

	append(message, &header, sizeof(header));
	append(message, data, len);
}

void put_u8(struct message *message, uint16_t type, uint8_t value)
{
	put(message, type, &value, sizeof(value));
}

void put_u32(struct message *message, uint16_t type, uint32_t value)
{
	put(message, type, &value, sizeof(value));
}

void put_u64(struct message *message, uint16_t type, uint64_t value)
{
	put(message, type, &value, sizeof(value));
}

void put_str(struct message *message, uint16_t type, const char *value)
{
	put(message, type, value, strlen(value) + 1);
}

size_t nest(struct message *message, uint16_t type)
{
	size_t at = message->header.nlmsg_len;

	put(message, type | NLA_F_NESTED, NULL, 0);
	return at;
}

void nest_end(struct message *message, size_t nest)
{
	struct nlattr *attribute = (struct nlattr *)(message->bytes + nest);

	attribute->nla_len = message->header.nlmsg_len - nest;
}

const struct nlattr *find(const void *attributes, size_t len, uint16_t type)
{
	const struct nlattr *attribute = attributes;

	while (len >= NLA_HDRLEN && attribute->nla_len >= NLA_HDRLEN && attribute->nla_len <= len) {
		size_t step = NLA_ALIGN(attribute->nla_len);

		if ((attribute->nla_type & NLA_TYPE_MASK) == type)
			return attribute;
		if (step >= len)
			break;
		len -= step;
		attribute = (const struct nlattr *)((const char *)attribute + step);
	}
	return NULL;
}

uint64_t value_of(const struct nlattr *attribute)
{
	uint64_t value = 0;
	size_t len = attribute ? attribute->nla_len - NLA_HDRLEN : 0;

	/* Little-endian, as every machine is that this runs on. */
	if (len <= sizeof(value) && attribute)
		memcpy(&value, (const char *)attribute + NLA_HDRLEN, len);
	return value;
}

int open_netlink(int protocol)
{
	struct timeval patience = { .tv_sec = 600 };
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, protocol);

	if (fd < 0)
		return -errno;
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	return fd;
}

/* Looks at one part; true when the answer is over, with its RESULT. */
static bool over(const char *part, size_t len, uint32_t seq, each_reply each, void *context,
		 int *result)
{
	const struct nlmsghdr *reply = (const struct nlmsghdr *)part;

	for (; NLMSG_OK(reply, len); reply = NLMSG_NEXT(reply, len)) {
		if (reply->nlmsg_seq != seq)
			continue;
		if (reply->nlmsg_type == NLMSG_ERROR || reply->nlmsg_type == NLMSG_DONE) {
			*result = *(const int *)NLMSG_DATA(reply);
			return true;
		}
		if (each)
			each(reply, context);
	}
	return false;
}

int ask(int fd, struct message *request, each_reply each, void *context)
{
	static _Alignas(struct nlmsghdr) char part[PART];
	static uint32_t seq;
	int result = 0;

	request->header.nlmsg_seq = ++seq;
	if ((request->header.nlmsg_flags & NLM_F_DUMP) != NLM_F_DUMP)
		request->header.nlmsg_flags |= NLM_F_ACK;
	if (send(fd, request, request->header.nlmsg_len, 0) < 0)
		return -errno;
	for (;;) {
		ssize_t len = recv(fd, part, sizeof(part), 0);

		if (len < 0 && errno == EINTR)
			continue;
		if (len < 0)
			return errno == EAGAIN ? -ETIMEDOUT : -errno;
		if (over(part, len, seq, each, context, &result))
			return result;
	}
}
