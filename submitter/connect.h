/* Who we are, and through whom we ask. */
#ifndef DCM_SUBMITTER_CONNECT_H
#define DCM_SUBMITTER_CONNECT_H

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

/* With a configuration file (submit.conf) by what `direct` does, without one (NULL) through the
 * gate. */
int connect_courier(const char *config, connect_with *direct, const char *user,
                    struct courier **ret_courier, bool *ret_reads, struct error *err);

/* To broker and store, with the credentials of the file: only programs that link dcm_direct can. */
connect_with connect_directly;

#endif
