/*
 * What the messages' values look like, as the part of a row that says so (schemas/fields.h). Each
 * rule stands here once, as it stands once in each JSON Schema's "$defs".
 */
#ifndef DCM_SCHEMAS_FORMATS_H
#define DCM_SCHEMAS_FORMATS_H

#include "schemas/fields.h"
#include "schemas/identifier.h"
#include "schemas/names.h"
#include "schemas/units.h"

#define TEXT(check, what) .kind = FIELD_TEXT, .well_formed = (check), .expects = (what)
#define ONE_OF(list) .kind = FIELD_TEXT, .choices = (list)
#define CHARACTERS(from, to) .kind = FIELD_TEXT, .least = (from), .most = (to)
#define INTEGER(from, to) .kind = FIELD_INTEGER, .least = (from), .most = (to)
#define OBJECT(inside) .kind = FIELD_OBJECT, .shape = (inside)
#define LIST(to, each) .kind = FIELD_LIST, .most = (to), .item = (each)
#define MAP(to, check, what, each)                                                                 \
    .kind = FIELD_MAP, .most = (to), .key_well_formed = (check), .expects = (what), .item = (each)

#define VERSION(number) INTEGER(number, number)
#define PORT_NUMBER INTEGER(1, 65535)
#define BYTES(from) INTEGER(from, INT64_C(1) << 53) /* what every JSON reader keeps exactly */
#define PIDS_MAX 4194304                            /* the kernel's own bound (proc(5), pid_max) */
#define LIFE_SECONDS INTEGER(1, INT64_C(315360000)) /* ten years */

#define REQUEST_ID TEXT(identifier_is_valid, "a UUID of version 7")
#define TIME TEXT(timestamp_is_valid, "a time in UTC such as 2026-11-23T21:00:00.123Z")
#define USER TEXT(name_is_user, "a user name")
#define SERVER TEXT(name_is_server, "a server name")
#define ADDRESS TEXT(name_is_address, "an IPv4 address")
#define IMAGE_NAME TEXT(name_is_image, "an image name")
#define IMAGE_REFERENCE TEXT(name_is_image_reference, "an image's name or id")

#endif
