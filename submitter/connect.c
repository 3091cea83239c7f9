#include "submitter/connect.h"

#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define FIRST_PERSON 1000 /* accounts below are the system's (Debian policy, section 9.2.2) */

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

int connect_courier(const struct connection *connection, struct courier **ret_courier,
                    bool *ret_reads, struct error *err)
{
    if (connection->config)
        return connection->direct(connection->config, connection->user, ret_courier, ret_reads,
                                  err);

    const char *socket_path = getenv("DCM_GATE");
    if (!socket_path || !*socket_path)
        socket_path = DCM_RUN_DIRECTORY "/gate.sock";
    if (courier_gate_open(socket_path, connection->interrupted, ret_courier, err) == -1)
        return -1;
    *ret_reads = true;
    return 0;
}
