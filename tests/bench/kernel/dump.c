// SPDX-License-Identifier: MIT OR Apache-2.0
//
// dump COUNT ROUNDS: the counters of COUNT network namespaces, whose descriptors
// begin at number 10, asked for in two ways that take turns: by one dump of the
// module, and by entering each and reading /proc/net/dev, as a program without
// the module has to.
//
// Prints a line for each round: the nanoseconds of the dump and how many system
// calls it took, then the same of the other way, then how long a system call
// that does nothing takes here.

#define _GNU_SOURCE
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/genetlink.h>
#include <linux/netlink.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum {
	FIRST = 10,
	// As docs/netlink/pernet.yaml has it.
	COMMAND_GET = 1,
	FAMILY_VERSION = 1,
};

struct request {
	struct nlmsghdr header;
	struct genlmsghdr generic;
	struct nlattr attribute;
	char name[GENL_NAMSIZ];
};

// A dump's part is never longer.
static char buffer[64 * 1024] __attribute__((aligned(NLMSG_ALIGNTO)));

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1e9 + t.tv_nsec;
}

static void ask(int fd, struct request *request, size_t length)
{
	request->header.nlmsg_len = length;
	if (send(fd, request, length, 0) != (ssize_t)length)
		err(1, "cannot send a request");
}

static size_t receive(int fd)
{
	ssize_t length = recv(fd, buffer, sizeof(buffer), MSG_TRUNC);

	if (length < 0 || length > (ssize_t)sizeof(buffer))
		err(1, "cannot receive a reply");
	return length;
}

static void refuse_error(const struct nlmsghdr *header)
{
	const struct nlmsgerr *error = NLMSG_DATA(header);

	if (header->nlmsg_type != NLMSG_ERROR)
		return;
	errno = -error->error;
	err(1, "the kernel refuses a request");
}

static uint16_t find_family(int fd)
{
	struct request request = {
		.header = { .nlmsg_type = GENL_ID_CTRL, .nlmsg_flags = NLM_F_REQUEST },
		.generic = { .cmd = CTRL_CMD_GETFAMILY, .version = 2 },
		.attribute = { .nla_len = NLA_HDRLEN + sizeof("pernet"), .nla_type = CTRL_ATTR_FAMILY_NAME },
		.name = "pernet",
	};
	const struct nlmsghdr *header = (const void *)buffer;
	const struct nlattr *attribute;

	ask(fd, &request, sizeof(request) - GENL_NAMSIZ + NLA_ALIGN(sizeof("pernet")));
	receive(fd);
	refuse_error(header);
	attribute = (const void *)(buffer + NLMSG_HDRLEN + GENL_HDRLEN);
	while (attribute->nla_type != CTRL_ATTR_FAMILY_ID)
		attribute = (const void *)((const char *)attribute + NLA_ALIGN(attribute->nla_len));
	return *(const uint16_t *)((const char *)attribute + NLA_HDRLEN);
}

// Returns how many namespaces it told of, and counts the system calls.
static int dump(int fd, uint16_t family, int *calls)
{
	struct request request = {
		.header = { .nlmsg_type = family, .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP },
		.generic = { .cmd = COMMAND_GET, .version = FAMILY_VERSION },
	};
	int namespaces = 0;

	ask(fd, &request, NLMSG_LENGTH(GENL_HDRLEN));
	for (*calls = 1;; ++*calls) {
		int length = receive(fd);
		const struct nlmsghdr *header = (const void *)buffer;

		for (; NLMSG_OK(header, length); header = NLMSG_NEXT(header, length)) {
			refuse_error(header);
			if (header->nlmsg_type == NLMSG_DONE)
				return namespaces;
			if (header->nlmsg_flags & NLM_F_DUMP_INTR)
				errx(1, "namespaces came or went during the dump");
			namespaces++;
		}
	}
}

static void read_file(const char *path, int *calls)
{
	int fd = open(path, O_RDONLY);
	ssize_t length;

	if (fd < 0)
		err(1, "cannot open %s", path);
	do {
		length = read(fd, buffer, sizeof(buffer));
		++*calls;
	} while (length > 0);
	if (length < 0)
		err(1, "cannot read %s", path);
	close(fd);
	*calls += 2;
}

static void enter(int fd, int *calls)
{
	if (setns(fd, CLONE_NEWNET) < 0)
		err(1, "cannot enter a namespace");
	++*calls;
}

static void enter_each(int home, int count, int *calls)
{
	*calls = 0;
	for (int i = 0; i < count; i++) {
		enter(FIRST + i, calls);
		read_file("/proc/thread-self/net/dev", calls);
	}
	enter(home, calls);
}

static double idle_call(void)
{
	enum { CALLS = 10000 };
	double begin = now();

	for (int i = 0; i < CALLS; i++)
		syscall(SYS_getppid);
	return (now() - begin) / CALLS;
}

int main(int argc, char **argv)
{
	int count = argc == 3 ? atoi(argv[1]) : 0, rounds = argc == 3 ? atoi(argv[2]) : 0;
	int home = open("/proc/self/ns/net", O_RDONLY);
	int fd = socket(AF_NETLINK, SOCK_RAW, NETLINK_GENERIC);
	uint16_t family;

	if (count < 1 || rounds < 1)
		errx(2, "usage: dump COUNT ROUNDS");
	if (fd < 0 || home < 0)
		err(1, "cannot have a socket");
	family = find_family(fd);
	for (int i = 0; i < rounds; i++) {
		int told, dump_calls, enter_calls;
		double begin = now(), between, end;

		told = dump(fd, family, &dump_calls);
		between = now();
		enter_each(home, count, &enter_calls);
		end = now();
		if (told < count)
			errx(1, "the dump told of %d namespaces, and there are %d", told, count);
		printf("%.0f %d %.0f %d %.1f\n", between - begin, dump_calls, end - between, enter_calls,
		       idle_call());
	}
	return 0;
}
