/*
 * The stand-in's state and the handlers of its routes. Things are kept as the JSON that an inspect
 * shows, in the shapes of Docker 20.10.24, from which the messages of its refusals come as well.
 */
#ifndef DCM_STANDIN_STANDIN_H
#define DCM_STANDIN_STANDIN_H

#include <jansson.h>
#include <stdbool.h>

#include "tests/standin/http.h"

#define NAME_MAX_SIZE 256
#define TIME_SIZE 40
#define BODIES_MAX 100
#define EVENTS_MAX 20000
#define IMAGE_BYTES 1982298

struct standin {
    const char *identity;
    bool mute;          /* what happens is known later, and heard by nobody now */
    long commit_ms;     /* how long a commit takes */
    json_t *images;     /* array of inspect documents */
    json_t *containers; /* id → inspect document */
    json_t *names;      /* "/name" → id */
    json_t *logs;       /* id → array of {"stream","text"} */
    json_t *ports;    /* "80/tcp" → {address: id}; of running containers, or "" for the host's */
    json_t *networks; /* name → inspect document */
    json_t *events;   /* array, the latest last */
    json_t *faults;   /* array of what POST /standin/faults brought */
    json_t *counts;   /* "POST /containers/create" → number of calls */
    json_t *bodies;   /* array of {"name","body"} of the latest creates, at most BODIES_MAX */
};

struct call {
    const char *method;
    const char *path;   /* without the API's version */
    const char *target; /* what stands for the * in the route; "" if there is none */
    json_t *query;      /* object of strings */
    json_t *body;       /* NULL: none, or not JSON */
};
/* A handler says status and body; refuse() does both for a refusal. */
typedef void route_handler(struct standin *standin, const struct call *call,
                           struct http_reply *reply);

void standin_handle(const struct http_request *request, struct http_reply *reply, void *context);
void standin_count(struct standin *standin, const char *method, const char *pattern);
/* The fault that this call meets, used up by it; NULL if there is none. New reference. */
json_t *standin_fault(struct standin *standin, const struct call *call);
void standin_event(struct standin *standin, const json_t *container, const char *action);

/* JSON becomes the body; the reference is stolen. */
void reply_json(struct http_reply *reply, int status, json_t *value);
void refuse(struct http_reply *reply, int status, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
const char *query_text(const struct call *call, const char *name); /* "" if it is not there */
bool query_flag(const struct call *call, const char *name);
/* Do these labels fit the call's filters={"label":["name=value",…]}? */
bool labels_fit(const struct call *call, const json_t *labels);
void new_id(char ret_id[65]);
void time_text(char ret_text[TIME_SIZE]); /* now, as the engine writes times */
json_int_t seconds_of(const char *time);  /* since 1970 */

/* Borrowed, NULL if there is none: by id, or by what users call it. */
json_t *find_image(const struct standin *standin, const char *reference);
json_t *find_container(const struct standin *standin, const char *reference);
void add_image(struct standin *standin, const char *name, const char *config_file);
/* What the user's configuration leaves empty, the image's fills. */
void merge_config(json_t *config, const json_t *image_config);
bool is_running(const json_t *container); /* paused ones do too */
bool is_paused(const json_t *container);
/* "running", "paused", "exited" */
void set_state(json_t *container, const char *status, json_int_t exit_code);
/* What a container publishes: port → its bindings. New reference. */
json_t *published(const json_t *container);
/* False after a refusal, which the container's state shows too. */
bool ports_are_free(const struct standin *standin, json_t *container, json_t *ports,
                    struct http_reply *reply);
void hold_ports(struct standin *standin, json_t *container, json_t *ports, bool hold);
/* An address for a container that starts: true if the network is there. */
bool network_join(struct standin *standin, json_t *container);
void network_leave(json_t *container);
void log_line(struct standin *standin, const json_t *container, bool is_error, const char *text);
const char *container_id(const json_t *container);
const char *container_name(const json_t *container); /* without the slash */

route_handler show_version, show_info, show_ping, show_image, list_images, commit_container,
    remove_image;
route_handler create_container, show_container, list_containers;
route_handler start_container, stop_container, restart_container, pause_container,
    unpause_container, remove_container, rename_container, exit_container, restart_engine;
route_handler create_network, show_network, list_networks, remove_network;
route_handler stream_logs, stream_events, add_output;
route_handler add_fault, clear_faults, show_counts, show_bodies;

#endif
