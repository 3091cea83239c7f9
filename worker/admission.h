/*
 * May this request be begun at all? Who may ask for whom, and how old a request may be.
 */
#ifndef DCM_WORKER_ADMISSION_H
#define DCM_WORKER_ADMISSION_H

#include <stdbool.h>

#include "worker/runner.h"

/* The broker vouches for the publisher, the policy for whom he speaks. A refusal is logged: there
 * is nobody to whom it could be answered. */
bool admission_of_publisher(const struct runner *runner, const struct job *job);

/* FAULT_INVALID: from the future. FAULT_EXPIRED: older than records are kept, or past its deadline.
 */
int admission_of_time(const struct request *request, struct error *err);

#endif
