/* simctl STATE create | apply | show
 *
 * create  makes STATE from the machine description on standard input
 * apply   does what the lines on standard input say, at the times they say: faults, events, settings (control.c has the words)
 * show    prints the state, one "key value" a line */
#define _GNU_SOURCE
#include "simctl.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int split_words(char *line, char **words, int most) {
	int count = 0;
	for (char *at = line; count < most;) {
		while (isspace((unsigned char)*at))
			at++;
		if (*at == 0 || *at == '#')
			break;
		char *to = at;
		words[count++] = to;
		bool quoted = false;
		for (; *at != 0 && (quoted || !isspace((unsigned char)*at)); at++) {
			if (*at == '"')
				quoted = !quoted;
			else
				*to++ = *at;
		}
		bool end = *at == 0;
		*to = 0;
		if (end)
			break;
		at++;
	}
	return count;
}

int main(int argc, char **argv) {
	if (argc != 3) {
		fprintf(stderr, "simctl: usage: simctl STATE create|apply|show\n");
		return 2;
	}
	if (strcmp(argv[2], "create") == 0)
		return create_state(argv[1]);
	setenv("BERTH_SIMULATOR_HOST", "1", 1);
	int opened = sim_open_at(argv[1]);
	if (opened != 0) {
		fprintf(stderr, "simctl: %s: %s\n", argv[1], opened == -EPROTO ? "not a simulator state of this version" : strerror(-opened));
		return 1;
	}
	if (strcmp(argv[2], "apply") == 0)
		return apply_commands();
	if (strcmp(argv[2], "show") == 0)
		return show_state();
	fprintf(stderr, "simctl: unknown verb %s\n", argv[2]);
	return 2;
}
