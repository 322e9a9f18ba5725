/* The tool that makes and changes the state from outside. */
#ifndef BERTH_SIMULATOR_SIMCTL_H
#define BERTH_SIMULATOR_SIMCTL_H

#include "client.h"

/* Splits a line at blanks; "double quotes" keep blanks, # at the start of a word begins a comment. The number of words, at most `most`. */
int split_words(char *line, char **words, int most);

/* Each reads standard input or writes standard output, and gives the exit status: 0, 1 failed, 2 not understood. */
int create_state(const char *path);
int apply_commands(void);
int show_state(void);
#endif
