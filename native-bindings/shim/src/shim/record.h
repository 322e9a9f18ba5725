/* The exit record: what an agent that was away reads instead of EXITED. */
#ifndef BERTH_RECORD_H
#define BERTH_RECORD_H

#include "protocol.h"

/* Writes the record beside its name and renames it into place; failure may be null. 0 or a negated errno. */
int record_write(int dir, const char *name, const struct exited *exited, const struct failed *failure);

#endif
