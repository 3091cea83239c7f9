/*
 * Which names are well-formed. Every name is checked here before it enters a URL, a path, a key or
 * an AMQP name; the JSON Schemas hold the same rules as patterns. Pure; NULL is not well-formed.
 */
#ifndef DCM_SCHEMAS_NAMES_H
#define DCM_SCHEMAS_NAMES_H

#include <stdbool.h>
#include <stddef.h>

#define USER_NAME_MAX 31
#define CONTAINER_NAME_MAX 32
#define IMAGE_NAME_MAX 128
#define SERVER_NAME_MAX 63
#define ENGINE_ID_SIZE 65 /* 64 hex digits and a NUL */

bool name_is_user(const char *text);          /* [a-z][a-z0-9]*([_-][a-z0-9]+)*, at most 31 */
bool name_is_container(const char *text);     /* [a-z][a-z0-9_.-]{0,31} */
bool name_is_container_own(const char *text); /* the same, and not the reserved container<digits> */
/* A container as users name it: its name, or its SSH port in decimal. */
bool name_is_container_reference(const char *text);
/* NAME[:TAG] as users write it: path components [a-z0-9]+([._-][a-z0-9]+)* joined by '/', tag
 * [A-Za-z0-9_][A-Za-z0-9_.-]{0,127}, at most 128 in all; no registry host. NAME is never all digits
 * (a number in a list) and never "sha256" (an id). */
bool name_is_image(const char *text);
bool name_is_image_id(const char *text); /* 12 to 64 lower-case hex digits, "sha256:" allowed */
bool name_is_image_reference(const char *text); /* an image's name or id */
/* How much of an image's name says something: all but the tag ":latest", which is implied. */
size_t name_image_length(const char *image);
bool name_is_server(const char *text);    /* [a-z0-9]([a-z0-9-]*[a-z0-9])?, dots between, to 63 */
bool name_is_engine_id(const char *text); /* exactly 64 lower-case hex digits */
bool name_is_address(const char *text);   /* a dotted-quad IPv4 address in canonical form */
bool name_is_publisher(const char *text); /* a RabbitMQ account: [A-Za-z0-9][A-Za-z0-9_.-]{0,62} */

#endif
