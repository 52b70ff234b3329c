/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * The module, by each of its interfaces. Functions return 0 or a negative errno,
 * where nothing else is said.
 */
#ifndef STRESS_PERNET_H
#define STRESS_PERNET_H

#include <stdbool.h>
#include <stdint.h>

#include "constants.h"

/* A socket to the family, in the namespace of the calling process. */
struct family {
	int fd;
	uint16_t id;
	uint32_t events;
};

/* -ENOENT while the module is not loaded. */
int open_family(struct family *family);
void close_family(struct family *family);
int listen_to_events(struct family *family);

/* What is compared: who a namespace is, what it counts, and its devices. */
struct state {
	uint64_t cookie, epoch, count_traffic, count_drops;
	uint64_t present, registered, unregistered, moved_in, moved_out;
};

/* Names a namespace: an attribute of a request and its value. Attribute 0 names none. */
struct selector {
	uint16_t attribute;
	uint64_t value;
};

/* For a setting that a request is to leave alone. */
#define UNCHANGED (-1)

int get(struct family *family, struct selector of, struct state *state);
int set(struct family *family, struct selector of, int traffic, int drops);
int reset(struct family *family, struct selector of);

/* Calls EACH for every namespace; INTERRUPTED, if given, says whether the dump was marked so. */
int dump(struct family *family, void (*each)(const struct state *state, void *context),
	 void *context, bool *interrupted);

/* Reads events until MILLISECONDS pass without one; calls EACH. -ENOBUFS when some were lost. */
int hear(struct family *family, int milliseconds, void (*each)(int kind, uint64_t cookie, void *context),
	 void *context);

/* The files of the calling process' namespace. */
int read_file(void);
int read_setting(const char *name, bool *on);
int write_setting(const char *name, bool on);

#endif
