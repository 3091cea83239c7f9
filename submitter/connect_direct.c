/* With credentials of one's own (submit.conf). */
#include <stddef.h>

#include "common/count.h"
#include "common/settings.h"
#include "common/tls.h"
#include "submitter/connect.h"

struct submit_settings {
    char **broker;
    char *store;
    struct tls_settings tls; /* to both */
};

static const struct setting settings_table[] = {
    {.name = "broker",
     .kind = SETTING_LIST,
     .offset = offsetof(struct submit_settings, broker),
     .secret = true},
    {.name = "store",
     .kind = SETTING_TEXT,
     .offset = offsetof(struct submit_settings, store),
     .fallback = "",
     .secret = true},
    TLS_SETTINGS(offsetof(struct submit_settings, tls)),
};
#define SETTINGS_COUNT COUNT(settings_table)

int connect_directly(const char *config, const char *user, struct courier **ret_courier,
                     bool *ret_reads, struct error *err)
{
    struct submit_settings settings = {0};

    if (settings_read(config, settings_table, SETTINGS_COUNT, &settings, err) == -1) {
        if (err)
            err->fault = FAULT_INVALID; /* whatever keeps us from reading it: nothing was asked */
        return -1;
    }
    int status = tls_configure(&settings.tls, settings.broker, settings.store, err);
    if (status == 0)
        status = courier_direct_open((const char *const *)settings.broker, settings.store, user,
                                     ret_courier, err);
    if (status == 0)
        *ret_reads = settings.store != NULL;
    settings_free(settings_table, SETTINGS_COUNT, &settings);
    return status;
}
