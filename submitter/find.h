/* Which request, container or image is meant by what somebody typed. */
#ifndef DCM_SUBMITTER_FIND_H
#define DCM_SUBMITTER_FIND_H

#include <jansson.h>
#include <stdbool.h>

#include "common/error.h"
#include "submitter/session.h"

/*
 * A request's id: whole, in which case nobody is asked, or its last 8 or more digits among the
 * user's latest requests. NULL: the latest. FAULT_INVALID: ambiguous, or no id at all.
 * FAULT_NOT_FOUND.
 */
int find_request(struct courier *courier, const char *text, char ret_id[IDENTIFIER_SIZE],
                 struct error *err);

/* Could it be the end of a request's id? A container's name may look the same. */
bool looks_like_request(const char *text);

/* By name or SSH port: the item of the user's list of containers, a new reference.
 * FAULT_NOT_FOUND. */
int find_container(struct courier *courier, const char *text, json_t **ret_item, struct error *err);

/*
 * An image as requests carry it: a name or an id is itself. At a prompt a number stands for the id
 * that stood beside it in the list last printed, whatever has been added or removed since. Borrowed
 * from text or from that list. FAULT_INVALID: no such number; elsewhere any, with the name to use.
 */
int find_image(const struct session *session, const char *text, const char **ret_reference,
               struct error *err);
/* What people call it: the text, or the name beside the number that it is. Borrowed likewise. */
const char *image_called(const struct session *session, const char *text);

#endif
