# shellcheck shell=bash
# The broker's accounts, by its own rabbitmqctl: on the broker's host, as root. Secrets go through
# pipes, never onto a command line.

BROKER_URL='^amqps?://[^@ ]+@[^/ ]+(/([^ ]*))?$'

# It starts an Erlang machine each time: seconds, and on a server that is busy many of them.
BROKER_PATIENCE=180

# broker_ctl COMMAND…
broker_ctl() {
    local said status=0
    [[ -n $(command -v "${SETTINGS[rabbitmqctl]}") ]] ||
        fail 1 "there is no ${SETTINGS[rabbitmqctl]} here: run this on the broker's host, or name the command in ${OPTIONS[config]}"
    said=$(timeout "$BROKER_PATIENCE" "${SETTINGS[rabbitmqctl]}" "$@" 2>&1) || status=$?
    ((status != 124)) || fail 1 "${SETTINGS[rabbitmqctl]} $1: no answer within $BROKER_PATIENCE s: try again"
    ((status == 0)) ||
        fail 1 "${SETTINGS[rabbitmqctl]} $1 (status $status): $(grep -v '^ *$' <<<"$said" | tail -n 1)"
    printf '%s\n' "$said"
}

# broker_vhost: the one that `broker` names. In a URL it is percent-encoded.
broker_vhost() {
    local first vhost
    first=${SETTINGS[broker]//,/ }
    first=${first%% *}
    [[ $first =~ $BROKER_URL ]] || fail 2 "${OPTIONS[config]}: broker is needed for that"
    vhost=${BASH_REMATCH[2]:-/}
    printf '%b\n' "${vhost//%/\\x}"
}

# broker_accounts: JSON of every account, {name, tags, hash, rights: {VHOST: [CONFIGURE, WRITE, READ]}}.
broker_accounts() {
    local definitions
    definitions=$(broker_ctl --quiet export_definitions - --format json) || exit
    jq -c '.permissions as $all | [.users[] | {name, hash: .password_hash, limits,
        tags: (.tags | if type == "string" then split(",") else . end),
        rights: ([.name as $name | $all[] | select(.user == $name) |
            {key: .vhost, value: [.configure, .write, .read]}] | from_entries)}]' <<<"$definitions"
}

# broker_publisher NAME HASH CONNECTIONS: make the account, or give it its rights again, and wait until
# it is there; BROKER_ACCOUNTS then holds what broker_accounts tells. One channel a connection is all that
# our programs use.
broker_publisher() {
    local vhost definition
    vhost=$(broker_vhost)
    definition=$(broker_definition "$1" "$2" publisher "$vhost" "" "{\"max-connections\":$3,\"max-channels\":$3}")
    broker_ctl import_definitions <<<"$definition" >/dev/null
    for _ in {1..50}; do
        BROKER_ACCOUNTS=$(broker_accounts)
        # shellcheck disable=SC2016 # jq's variables
        if jq -e --arg name "$1" --argjson most "$3" --arg vhost "$vhost" 'any(.[];
            .name == $name and .rights[$vhost] and .limits["max-connections"] == $most)' <<<"$BROKER_ACCOUNTS" >/dev/null; then
            return 0
        fi
        sleep 0.1
    done
    fail 1 "the broker took the account $1, but it does not appear: see RabbitMQ's log"
}

# broker_forget USER: the queue of the batch class, of which the store knows. Workers notice that it is gone.
broker_forget() {
    local queue=dcm.batch.$1 vhost queues
    [[ $(store_cli SISMEMBER dcm:batches "$1") == 1 ]] || return 0
    vhost=$(broker_vhost)
    queues=$(broker_ctl --quiet list_queues --vhost "$vhost" --no-table-headers name) || exit
    if grep -Fqx "$queue" <<<"$queues"; then
        broker_ctl delete_queue --vhost "$vhost" "$queue" >/dev/null
    fi
    store_cli SREM dcm:batches "$1" >/dev/null
}
