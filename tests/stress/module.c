// SPDX-License-Identifier: MIT OR Apache-2.0

#include "module.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "stress.h"

int load_module(int file, const char *parameters)
{
	return syscall(SYS_finit_module, file, parameters, 0) ? -errno : 0;
}

int unload_module(void)
{
	double began = seconds();

	while (syscall(SYS_delete_module, "pernet", O_NONBLOCK)) {
		if (errno != EAGAIN && errno != EWOULDBLOCK)
			return -errno;
		if (seconds() - began > 60)
			return -ETIMEDOUT;
		usleep(1000);
	}
	return 0;
}
