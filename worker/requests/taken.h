/* Which of a reservation's host ports are in use outside DCM. */
#ifndef DCM_WORKER_TAKEN_H
#define DCM_WORKER_TAKEN_H

#include <stddef.h>
#include <stdint.h>

#include "worker/store.h"

/* The engine says that some port was taken, not which: try to bind each. Adds to avoid[count],
 * which holds at most `most`; where all can be bound, the SSH port is blamed, so that a new one is
 * chosen. Returns the new count. */
size_t taken_ports(const struct reservation *reservation, uint16_t *avoid, size_t count,
                   size_t most);

#endif
