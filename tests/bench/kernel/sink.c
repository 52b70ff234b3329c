// SPDX-License-Identifier: MIT OR Apache-2.0
//
// sink PORT: a UDP socket that nobody reads, with as little room as there can be:
// what is sent to it goes all the way to the socket, and is dropped there.
// Prints a line when it is there.

#include <arpa/inet.h>
#include <err.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	struct sockaddr_in address = { .sin_family = AF_INET };
	int fd = socket(AF_INET, SOCK_DGRAM, 0), least = 0;

	if (argc != 2)
		errx(2, "usage: sink PORT");
	address.sin_port = htons(atoi(argv[1]));
	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &least, sizeof(least)) < 0 ||
	    bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		err(1, "cannot have a socket at port %s", argv[1]);
	puts("ready");
	fflush(stdout);
	for (;;)
		pause();
}
