// SPDX-License-Identifier: MIT OR Apache-2.0
//
// repeat RUNS COMMAND [--before COMMAND] [--after COMMAND] ...: runs each command
// RUNS times, and prints for each in how many microseconds half of them were
// done (the median), and a tenth of them: on a busy machine the tenth says more.
//
// They take turns, so that what slows the machine for a while slows them alike;
// in another order each round, so that none always pays for what the same other
// one left to be done. The first rounds, one or three, warm up and do not count.
//
// A command is one argument, split at its spaces. Those after --before and
// --after are run, and not timed, around each run of the one they follow.

#define _GNU_SOURCE
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { WARM_UP = 3, FEW_RUNS = 5, MAX_WORDS = 64 };

struct command {
	char *line;
	char *words[MAX_WORDS];
	struct command *before, *after;
	double *times;
};

static posix_spawn_file_actions_t quiet;

static struct command *parse(const char *line)
{
	struct command *command = calloc(1, sizeof(*command));
	char *copy, *word, *rest;
	int n = 0;

	if (!command || !(command->line = strdup(line)) || !(copy = strdup(line)))
		err(1, "cannot keep a command");
	for (word = strtok_r(copy, " ", &rest); word; word = strtok_r(NULL, " ", &rest)) {
		if (n == MAX_WORDS - 1)
			errx(1, "too many words: %s", line);
		command->words[n++] = word;
	}
	if (!n)
		errx(1, "a command is empty");
	return command;
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1e6 + t.tv_nsec / 1e3;
}

// Microseconds from before the process is there until it is gone.
static double run(const struct command *command)
{
	double begin = now();
	int error, status;
	pid_t pid;

	error = posix_spawnp(&pid, command->words[0], &quiet, NULL, command->words, environ);
	if (error) {
		errno = error;
		err(1, "cannot run %s", command->line);
	}
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			err(1, "cannot wait for %s", command->line);
	if (!WIFEXITED(status) || WEXITSTATUS(status))
		errx(1, "failed with wait status %#x: %s", status, command->line);
	return now() - begin;
}

static int by_time(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double run_with_company(const struct command *command)
{
	double time;

	if (command->before)
		run(command->before);
	time = run(command);
	if (command->after)
		run(command->after);
	return time;
}

static void shuffle(struct command **commands, int n)
{
	for (int i = n - 1; i > 0; i--) {
		int j = rand() % (i + 1);
		struct command *other = commands[j];

		commands[j] = commands[i];
		commands[i] = other;
	}
}

static void run_rounds(struct command *const *commands, int n, int runs)
{
	struct command *turn[n];

	memcpy(turn, commands, sizeof(turn));
	for (int round = runs < FEW_RUNS ? -1 : -WARM_UP; round < runs; round++) {
		shuffle(turn, n);
		for (int i = 0; i < n; i++) {
			double time = run_with_company(turn[i]);

			if (round >= 0)
				turn[i]->times[round] = time;
		}
	}
}

// What the arguments say; returns how many commands are to be timed.
static int parse_all(char **words, int runs, struct command **commands)
{
	int n = 0;

	for (; *words; words++) {
		if (n && words[1] && !strcmp(*words, "--before")) {
			commands[n - 1]->before = parse(*++words);
		} else if (n && words[1] && !strcmp(*words, "--after")) {
			commands[n - 1]->after = parse(*++words);
		} else {
			commands[n] = parse(*words);
			commands[n]->times = calloc(runs, sizeof(double));
			if (!commands[n++]->times)
				err(1, "cannot keep the times");
		}
	}
	return n;
}

int main(int argc, char **argv)
{
	struct command *commands[argc];
	int runs = argc > 2 ? atoi(argv[1]) : 0, n;

	if (runs < 1)
		errx(2, "usage: repeat RUNS COMMAND [--before COMMAND] [--after COMMAND] ...");
	n = parse_all(argv + 2, runs, commands);
	posix_spawn_file_actions_init(&quiet);
	posix_spawn_file_actions_addopen(&quiet, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
	run_rounds(commands, n, runs);
	for (int i = 0; i < n; i++) {
		double *times = commands[i]->times;

		qsort(times, runs, sizeof(*times), by_time);
		printf("%.0f %.0f\n", times[runs / 2], times[runs / 10]);
	}
	return 0;
}
