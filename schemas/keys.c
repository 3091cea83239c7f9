#include "schemas/keys.h"

#include <stdio.h>

static const char *const user_keys[] = {
    [KEY_CONTAINERS] = "containers", [KEY_IMAGES] = "images",     [KEY_GRANTED] = "granted",
    [KEY_LIMITS] = "limits",         [KEY_REQUESTS] = "requests", [KEY_REQUEST] = "request",
    [KEY_EVENTS] = "events",         [KEY_FOLLOWER] = "follower", [KEY_TOLD] = "told",
};

static const char *const server_keys[] = {
    [KEY_SERVER] = "",
    [KEY_PORTS] = ":ports",
    [KEY_LEASED] = ":leased",
    [KEY_SUBNETS] = ":subnets",
    [KEY_USERS] = ":users",
    [KEY_IMAGE_USERS] = ":image_users",
    [KEY_PUBLISHED] = ":granted",
    [KEY_ASKED] = ":asked",
};

void key_of_user(char ret_key[KEY_SIZE], enum user_key key, const char *user, const char *id)
{
    snprintf(ret_key, KEY_SIZE, "dcm:user:%s:%s%s%s", user, user_keys[key], id ? ":" : "",
             id ? id : "");
}

void key_of_server(char ret_key[KEY_SIZE], enum server_key key, const char *server)
{
    snprintf(ret_key, KEY_SIZE, "dcm:server:%s%s", server, server_keys[key]);
}
