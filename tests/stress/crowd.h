/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * What goes on at the side: processes that each use one interface of the module
 * over and over, until they are told to stop.
 */
#ifndef STRESS_CROWD_H
#define STRESS_CROWD_H

#include <stdbool.h>
#include <stdint.h>

/* Namespaces that exist all the time, and are in every dump. */
enum { STEADY_MAX = 16 };

/* In memory that all processes share. */
struct crowd {
	bool stop, listening;
	/* The module is there all the time: whatever fails is a mistake of its. */
	bool module_stays;
	uint64_t steady[STEADY_MAX];
	unsigned int steady_count;

	unsigned long dumps, interrupted, namespaces_dumped;
	unsigned long gets, sets, resets, gone;
	unsigned long files_read, settings_written;
	unsigned long events, born, died, moved_in, moved_out, events_lost;
	unsigned long packets;

	unsigned int member_count;
};

typedef void (*role)(struct crowd *crowd, int argument);

struct crowd *new_crowd(bool module_stays);
void join(struct crowd *crowd, role role, int argument);
/* Ends the program if a member failed. */
void disperse(struct crowd *crowd);
/* One line for each interface that was used. */
void report(const struct crowd *crowd);

/* Roles. The argument is a descriptor of the namespace to be in, or -1. */
void dumps(struct crowd *crowd, int netns);
void asks(struct crowd *crowd, int netns);
void listens(struct crowd *crowd, int netns);
void uses_files(struct crowd *crowd, int netns);
void sends(struct crowd *crowd, int netns);

/* Sends a few packets that arrive, and as many that nobody waits for. */
void send_packets(struct crowd *crowd);

#endif
