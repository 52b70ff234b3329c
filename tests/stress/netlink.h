/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Netlink: messages that are built, sent and answered. Functions that return an
 * int return 0 or a negative errno, where nothing else is said.
 */
#ifndef STRESS_NETLINK_H
#define STRESS_NETLINK_H

#include <linux/netlink.h>
#include <stddef.h>
#include <stdint.h>

struct message {
	union {
		struct nlmsghdr header;
		char bytes[2048];
	};
};

/* Begins a message: the header alone, or with a fixed part of LEN bytes. */
void begin(struct message *message, uint16_t type, uint16_t flags);
void *append(struct message *message, const void *data, size_t len);

/* Attributes. A nest holds what is put between its two calls. */
void put(struct message *message, uint16_t type, const void *data, size_t len);
void put_u8(struct message *message, uint16_t type, uint8_t value);
void put_u32(struct message *message, uint16_t type, uint32_t value);
void put_u64(struct message *message, uint16_t type, uint64_t value);
void put_str(struct message *message, uint16_t type, const char *value);
size_t nest(struct message *message, uint16_t type);
void nest_end(struct message *message, size_t nest);

/* The attribute TYPE among those of LEN bytes, or NULL; and the next one. */
const struct nlattr *find(const void *attributes, size_t len, uint16_t type);
uint64_t value_of(const struct nlattr *attribute);

/* A socket in the namespace of the calling process, or a negative errno. */
int open_netlink(int protocol);

/*
 * Sends a request and reads to the end of its answer: to the acknowledgement, or
 * with NLM_F_DUMP to the end of the dump. EACH, if given, sees every message in
 * between. -ETIMEDOUT when the kernel keeps silent.
 */
typedef void (*each_reply)(const struct nlmsghdr *reply, void *context);
int ask(int socket, struct message *request, each_reply each, void *context);

#endif
