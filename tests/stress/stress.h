/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * What the stress programs share: how they fail, how they count, and the
 * processes that they let run at the side.
 */
#ifndef STRESS_STRESS_H
#define STRESS_STRESS_H

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/types.h>

/* Ends the program with status 1, after one line that says why. */
void die(const char *format, ...) __attribute__((noreturn, format(printf, 1, 2)));
void die_errno(const char *format, ...) __attribute__((noreturn, format(printf, 1, 2)));

/* Memory that this process and those forked later share, all zeroes. */
void *shared(size_t len);

/* As fork(), but the child ends with its parent. */
pid_t start(void);
/* Waits for so many children, whichever they are. Ends the program if one failed. */
void finish(unsigned int count);

/* A number that differs each time, the same ones for the same state. */
uint32_t random_below(uint64_t *state, uint32_t bound);

/* A descriptor of the calling process' network namespace. */
int own_netns(void);

/* Enters a new network namespace, with its loopback device up. */
void enter_new_netns(void);

/* Seconds since the program began. */
double seconds(void);

/* An argument that has to be a number, from 1 on. */
unsigned long number(const char *argument);

#define ARRAY_SIZE(array) (sizeof(array) / sizeof(*(array)))

/* The commands. Each returns the program's exit status. */
int churn_main(int argc, char **argv);
int faults_main(int argc, char **argv);
int load_main(int argc, char **argv);
int malformed_main(int argc, char **argv);
int moves_main(int argc, char **argv);

#endif
