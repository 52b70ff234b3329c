/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The module's own coming and going. Functions return 0 or a negative errno. */
#ifndef STRESS_MODULE_H
#define STRESS_MODULE_H

/* PATH was opened before: nothing but the system call is in here. */
int load_module(int file, const char *parameters);
/* Waits while a dump holds the module, up to a minute. */
int unload_module(void);

#endif
