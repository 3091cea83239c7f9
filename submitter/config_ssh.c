/* config-ssh: the user's containers as entries of ssh_config(5). */
#include "schemas/names.h"
#include "submitter/commands.h"
#include "submitter/render.h"

struct host {
    const char *name, *server, *address; /* borrowed from the list */
    int port;
};

/* Whoever reads ~/.ssh/config obeys it, ProxyCommand among others: nothing gets in that is not what
 * it should be, whoever has written the index. */
static bool read_host(json_t *item, struct host *ret_host)
{
    json_int_t port = 0;
    struct host host = {0};

    if (json_unpack(item, "{s:s, s:{s:s, s:s, s:I}}", "server", &host.server, "container", "name",
                    &host.name, "address", &host.address, "ssh_port", &port) == -1)
        return false;
    host.port = (int)port;
    *ret_host = host;
    return port > 0 && port <= UINT16_MAX && name_is_container(host.name) &&
           name_is_server(host.server) && name_is_address(host.address);
}

/* All containers of a user on one server have one host key, which outlives them: by that alias
 * known_hosts is not asked about a port that used to be another's. */
static void print_host(FILE *out, const struct host *host, const char *user)
{
    fprintf(out,
            "\nHost %s\n"
            "    HostName %s\n"
            "    Port %d\n"
            "    User %s\n"
            "    HostKeyAlias dcm.%s.%s\n",
            host->name, host->address, host->port, user, user, host->server);
}

static json_t *host_as_json(const struct host *host, const char *user)
{
    return json_pack("{s:s, s:s, s:i, s:s}", "host", host->name, "hostname", host->address, "port",
                     host->port, "user", user);
}

int run_config_ssh(const struct session *session, const struct command *command,
                   const struct options *options)
{
    struct error reason = {0};
    json_auto_t *items = NULL;
    json_auto_t *hosts = json_array();
    bool as_json = (options->given & TAKES(OPTION_JSON)) != 0;
    size_t i;
    json_t *item;

    if (session->courier->methods->list(session->courier, LIST_CONTAINERS, &items, &reason) == -1)
        return render_error(session, command->name, NULL, &reason);
    if (!as_json)
        fprintf(session->out, "# The containers of %s, by %sconfig-ssh\n", session->user,
                session->prefix);
    json_array_foreach(items, i, item)
    {
        struct host host;
        if (!read_host(item, &host))
            continue;
        if (as_json)
            json_array_append_new(hosts, host_as_json(&host, session->user));
        else
            print_host(session->out, &host, session->user);
    }
    json_auto_t *document = json_pack("{s:O}", "hosts", hosts);
    if (as_json)
        render_json(session->out, document);
    return 0;
}
