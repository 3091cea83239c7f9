#include "tests/unit/granting.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "schemas/policy_document.h"

#include <cmocka.h> /* last: it defines a macro fail() */

json_t *granting(const char *grant)
{
    char text[1024];
    struct error err = {0};
    json_t *policy = NULL;

    snprintf(text, sizeof(text),
             "{\"v\":1,\"defaults\":{\"images\":[\"debian-ssh\"],\"containers\":1,"
             "\"memory\":{\"each\":\"1g\"},\"cpus\":{\"each\":\"1\"},\"pids\":{\"each\":9},"
             "\"ports\":[\"80\"]},\"users\":{\"alice\":{%s}}}",
             grant);
    if (policy_document_decode(text, strlen(text), &policy, &err))
        fail_msg("%s: %s", text, err.text);
    return policy;
}
