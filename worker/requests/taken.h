/* Which of a reservation's host ports are in use outside DCM. */
#ifndef DCM_WORKER_TAKEN_H
#define DCM_WORKER_TAKEN_H

#include "worker/store_containers.h"

/* The engine says that some port was taken, not which: try to bind each on its address. Adds to
 * *avoid, as far as there is room; where all can be bound, the SSH port is blamed, on every
 * address, so that a new one is chosen. */
void taken_ports(const struct reservation *reservation, struct ports *avoid);

#endif
