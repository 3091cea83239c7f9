/* How the index looks: tables of many, a page about one. Lists and items as the courier has them.
 */
#ifndef DCM_SUBMITTER_LISTS_H
#define DCM_SUBMITTER_LISTS_H

#include <jansson.h>
#include <stdint.h>
#include <stdio.h>

/* now: milliseconds since the epoch, for ages and for the time that is left. */
void print_containers(FILE *out, const json_t *list, int64_t now);
void print_images(FILE *out, const json_t *list, int64_t now);
void print_requests(FILE *out, const json_t *list, int64_t now);

void print_limits(FILE *out, const json_t *list); /* limits_table.c */

void print_container_page(FILE *out, const json_t *item, int64_t now);
void print_request_page(FILE *out, const json_t *result);

#endif
