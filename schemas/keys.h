/*
 * The names of DCM's keys in Redis: here, once. Everything of one user stands under one prefix,
 * everything of one server under another, so that an ACL pattern can tell them apart.
 *
 *   dcm:user:<user>:containers       hash   name → index entry (JSON, docs/protocol.md)
 *   dcm:user:<user>:images           hash   name:tag → index entry, request id → reservation (JSON)
 *   dcm:user:<user>:granted          hash   server → the administrator's images (JSON); <user> is *
 *                                           for what everybody may use
 *   dcm:user:<user>:limits           hash   server → what he may do there (JSON); <user> as before
 *   dcm:user:<user>:requests         zset   request id by submission time (ms)
 *   dcm:user:<user>:request:<id>     hash   state server epoch hash op submitted result
 *   dcm:user:<user>:events:<id>      stream field "event" (JSON, schemas/event.schema.json)
 *   dcm:user:<user>:follower:<id>    string, expires: somebody still reads this output
 *   dcm:user:<user>:told             zset   ended requests whose streams are there, by time (ms)
 *   dcm:server:<server>:ports        hash   <protocol>/<port> → {address: lease} (JSON)
 *   dcm:server:<server>:leased       string bitmap of the TCP ports that somebody has; a hint
 *   dcm:server:<server>:subnets      hash   index in the pool → user
 *   dcm:server:<server>:users        set    of users with containers there
 *   dcm:server:<server>:image_users  set    of users with images there
 *   dcm:server:<server>:granted      set    of users whose images and limits it has published
 *   dcm:server:<server>:asked        set    "user id" of requests that others have copies of
 *   dcm:server:<server>              hash   seq, heartbeat, version, policy, address, addresses
 *   dcm:servers                      set    of server names
 *   dcm:batches                      set    of users with a queue in the batch class
 *   dcm:generation                   hash   id since: another id means that the store has lost data
 */
#ifndef DCM_SCHEMAS_KEYS_H
#define DCM_SCHEMAS_KEYS_H

#include "schemas/identifier.h"

#define KEY_SIZE 160

enum user_key {
    KEY_CONTAINERS,
    KEY_IMAGES,
    KEY_GRANTED,
    KEY_LIMITS,
    KEY_REQUESTS,
    KEY_REQUEST,
    KEY_EVENTS,
    KEY_FOLLOWER,
    KEY_TOLD
};
enum server_key {
    KEY_SERVER,
    KEY_PORTS,
    KEY_LEASED,
    KEY_SUBNETS,
    KEY_USERS,
    KEY_IMAGE_USERS,
    KEY_PUBLISHED,
    KEY_ASKED
};
#define KEY_SERVERS "dcm:servers"
#define KEY_BATCHES "dcm:batches"
#define KEY_GENERATION "dcm:generation"
#define EVERYBODY "*" /* in place of a user */

/* user and server are checked names; id is NULL where the key has none. */
void key_of_user(char ret_key[KEY_SIZE], enum user_key key, const char *user, const char *id);
void key_of_server(char ret_key[KEY_SIZE], enum server_key key, const char *server);

/* The Lua functions of schemas/store/, as libraries for FUNCTION LOAD: those that workers call, and
 * the name of that library, which tells its content; and those of submitting sides, QUEUE_LIBRARY.
 * A function is called <library>_<name>. Static. */
extern const char store_functions[], store_library[];
extern const char queue_functions[];
#define QUEUE_LIBRARY "dcm_1"

#define REQUEST_RETENTION_S 604800 /* 7 days: records, streams and lists of ended requests */

#endif
