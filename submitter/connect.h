/* Who we are, and through whom we ask. */
#ifndef DCM_SUBMITTER_CONNECT_H
#define DCM_SUBMITTER_CONNECT_H

#include <signal.h>
#include <stdbool.h>

#include "common/error.h"
#include "schemas/names.h"
#include "submitter/courier.h"

/*
 * Whom we ask for: the checked name `as`, or if that is NULL the account that we run as, a
 * person's; FAULT_INVALID for any other. The name is a claim: the worker asks the policy whether
 * the publisher may speak for this user.
 */
int asking_user(const char *as, char ret_user[USER_NAME_MAX + 1], struct error *err);

/* *ret_reads: results can be read too; without a store only --detach works. */
typedef int connect_with(const char *config, const char *user, struct courier **ret_courier,
                         bool *ret_reads, struct error *err);

/* All borrowed. */
struct connection {
    const char *config;   /* a configuration file (submit.conf): by what `direct` does; or NULL:
                             through the gate */
    connect_with *direct; /* NULL where there is no config */
    const char *user;     /* for `direct` */
    const volatile sig_atomic_t *interrupted; /* as for courier_gate_open */
};
int connect_courier(const struct connection *connection, struct courier **ret_courier,
                    bool *ret_reads, struct error *err);

/* To broker and store, with the credentials of the file: only programs that link dcm_direct can. */
connect_with connect_directly;

#endif
