/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Allocations that fail, by the kernel's fault injection. */
#ifndef STRESS_FAILING_H
#define STRESS_FAILING_H

#include <stdbool.h>

/* A way to let the n-th allocation of a kind fail, that this process makes from now on. */
struct fault {
	const char *of;
	void (*arm)(unsigned int nth);
	/* Whether it has come so far, and failed; none will any more. */
	bool (*disarm)(void);
};

extern const struct fault slab;
/* Only those of the module. */
extern const struct fault percpu;

/*
 * Of the slabs' allocations only those made by, or below, a function of the kernel, or
 * with "" by the module, or with NULL all. The others neither fail nor count.
 */
void only_below(const char *function);

/* Ends the program where the kernel has no such thing. */
void allow_slab_faults(void);
/* With the module loaded; false in a kernel that cannot, as User-mode Linux. */
bool allow_percpu_faults(void);
void forget_percpu_faults(void);

#endif
