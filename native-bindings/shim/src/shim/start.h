#ifndef BERTH_START_H
#define BERTH_START_H

#include "sys.h"

/* What _start calls; its result is the exit status. */
int program_main(int argc, char **argv);

#endif
