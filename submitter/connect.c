#include "submitter/connect.h"

#include <pwd.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/count.h"
#include "common/settings.h"
#include "common/tls.h"

#define FIRST_PERSON 1000 /* accounts below are the system's (Debian policy, section 9.2.2) */

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

static int own_account(char ret_user[USER_NAME_MAX + 1], struct error *err)
{
    uid_t uid = geteuid();
    const struct passwd *account = getpwuid(uid);

    if (!account)
        return fail(err, FAULT_INVALID, "uid %u has no account on this host", (unsigned)uid);
    if (uid < FIRST_PERSON)
        return fail(err, FAULT_INVALID,
                    "%.40s is a system account: run this as the user whose containers are meant",
                    account->pw_name);
    if (!name_is_user(account->pw_name))
        return fail(err, FAULT_INVALID,
                    "the account name %.40s is not one that DCM knows: at most %d of a-z 0-9 _ -",
                    account->pw_name, USER_NAME_MAX);
    snprintf(ret_user, USER_NAME_MAX + 1, "%s", account->pw_name);
    return 0;
}

int asking_user(const char *as, char ret_user[USER_NAME_MAX + 1], struct error *err)
{
    if (!as)
        return own_account(ret_user, err);
    snprintf(ret_user, USER_NAME_MAX + 1, "%s", as);
    return 0;
}

static int connect_directly(const char *config, const char *user, struct courier **ret_courier,
                            bool *ret_reads, struct error *err)
{
    struct submit_settings settings = {0};

    if (settings_read(config, settings_table, SETTINGS_COUNT, &settings, err) == -1) {
        if (err)
            err->fault = FAULT_INVALID; /* whatever keeps us from reading it: nothing was asked */
        return -1;
    }
    int status = tls_configure(&settings.tls, err);
    if (status == 0)
        status = courier_direct_open((const char *const *)settings.broker, settings.store, user,
                                     ret_courier, err);
    if (status == 0)
        *ret_reads = settings.store != NULL;
    settings_free(settings_table, SETTINGS_COUNT, &settings);
    return status;
}

int connect_courier(const char *config, const char *user, struct courier **ret_courier,
                    bool *ret_reads, struct error *err)
{
    if (config)
        return connect_directly(config, user, ret_courier, ret_reads, err);

    const char *socket_path = getenv("DCM_GATE");
    if (!socket_path || !*socket_path)
        socket_path = DCM_RUN_DIRECTORY "/gate.sock";
    if (courier_gate_open(socket_path, ret_courier, err) == -1)
        return -1;
    *ret_reads = true;
    return 0;
}
