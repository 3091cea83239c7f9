/*
 * What every client that is measured does (measure.py): for each line that it reads one piece of
 * work, and for each piece a line: how long it took, in microseconds, or what went wrong.
 */
#ifndef DCM_BENCH_TURNS_H
#define DCM_BENCH_TURNS_H

#include "common/error.h"

/* One piece of work. `line` is without its newline; the context is the client's own. */
typedef int turn(const char *line, void *context, struct error *err);

/* Until the input ends. Returns the exit status. */
int turns_serve(turn *take_turn, void *context);

/* A client that cannot begin. Returns the exit status. */
int turns_refuse(const struct error *err);

#endif
