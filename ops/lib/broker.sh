# shellcheck shell=bash
# A private RabbitMQ on loopback, with its own epmd: vhost dcm, four accounts, no guest.

# shellcheck source=/dev/null
. "$(dirname "${BASH_SOURCE[0]}")/../admin.d/roles.sh"
# shellcheck source=/dev/null
. "$(dirname "${BASH_SOURCE[0]}")/../admin.d/broker_definitions.sh"

BROKER_ROLES=(gate:publisher: worker:worker: admin:admin:)

# broker_definitions STATE ACCOUNT:ROLE:TAGS…: what a node loads at its start.
broker_definitions() {
    local state=$1 account role tags
    shift
    for account in "$@"; do
        IFS=: read -r account role tags <<<"$account"
        broker_definition "dcm-$account" "$(broker_password_hash <"$state/secrets/broker-dcm-$account")" \
            "$role" dcm "$tags" '{}'
    done | jq -s '{vhosts: [{name: "dcm"}], users: map(.users[]), permissions: map(.permissions[])}'
}

# broker_url STATE ACCOUNT
broker_url() {
    printf 'amqp://%s:%s@127.0.0.1:%s/dcm\n' "$2" "$(cat "$1/secrets/broker-$2")" \
        "$(chosen_port "$1" broker)"
}

# A node that starts on an empty database with definitions to load makes no guest account.
broker_configure() {
    local state=$1 account
    for account in dcm-gate dcm-worker dcm-admin dcm-root; do secret "$state/secrets/broker-$account"; done
    mkdir -p "$state/broker"
    # Erlang would make a cookie itself, from the clock.
    secret "$state/broker/.erlang.cookie"
    (umask 077 && broker_definitions "$state" "${BROKER_ROLES[@]}" root:root:administrator \
        >"$state/broker/definitions.json")
    broker_command "$state" >"$(broker_control "$state")"
    chmod 700 "$(broker_control "$state")"
    printf '[].\n' >"$state/broker/enabled_plugins"
    broker_settings "127.0.0.1:$(chosen_port "$state" broker)" "$state/broker/definitions.json" \
        >"$state/broker/rabbitmq.conf"
}

# broker_settings ADDRESS:PORT DEFINITIONS: rabbitmq.conf.
broker_settings() {
    cat <<CONF
listeners.tcp.1 = $1
load_definitions = $2
log.console = true
log.console.level = info
log.file = false
vm_memory_high_watermark.relative = 0.2
max_message_size = 262144
CONF
}

# Everything that Debian's start script would take from /etc/rabbitmq and /var/lib/rabbitmq.
# RUNNING_UNDER_SYSTEMD makes it become the Erlang machine instead of waiting for it in a shell.
broker_environment() {
    local state=$1
    cat <<ENV
HOME=$state/broker
ERL_EPMD_ADDRESS=127.0.0.1
ERL_EPMD_PORT=$(chosen_port "$state" epmd)
RABBITMQ_NODENAME=dcm@localhost
RABBITMQ_DIST_PORT=$(chosen_port "$state" distribution)
RABBITMQ_CONF_ENV_FILE=/dev/null
RABBITMQ_CONFIG_FILE=$state/broker/rabbitmq.conf
RABBITMQ_ADVANCED_CONFIG_FILE=$state/broker/advanced.config
RABBITMQ_ENABLED_PLUGINS_FILE=$state/broker/enabled_plugins
RABBITMQ_MNESIA_BASE=$state/broker/data
RABBITMQ_LOG_BASE=$state/log
RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS=-start_epmd false -kernel inet_dist_use_interface {127,0,0,1}
RUNNING_UNDER_SYSTEMD=true
ENV
}

broker_run() {
    local state=$1 name=$2
    shift 2
    local -a environment
    mapfile -t environment < <(broker_environment "$state")
    process_start "$state" "$name" env -u NOTIFY_SOCKET "${environment[@]}" "$@"
}

broker_start() {
    ! process_alive "$1" broker || return 0
    broker_configure "$1"
    broker_run "$1" epmd epmd -port "$(chosen_port "$1" epmd)" -address 127.0.0.1
    wait_until 10 port_is_open "$(chosen_port "$1" epmd)" || die "epmd does not start"
    broker_run "$1" broker /usr/lib/rabbitmq/bin/rabbitmq-server
}

# The listener opens last, once the definitions are loaded.
broker_wait() {
    wait_until 90 broker_answers_or_died "$1"
    port_is_open "$(chosen_port "$1" broker)" ||
        { process_log "$1" broker && die "RabbitMQ does not answer"; }
}

broker_answers_or_died() {
    port_is_open "$(chosen_port "$1" broker)" || ! process_alive "$1" broker
}

broker_stop() {
    process_stop "$1" broker 30
    process_stop "$1" epmd 5
}

# broker_control STATE: a rabbitmqctl for the private node, for dcm-admin's setting of that name.
broker_control() {
    printf '%s\n' "$1/broker/rabbitmqctl"
}

broker_command() {
    local -a environment
    mapfile -t environment < <(broker_environment "$1")
    printf '#!/bin/sh\nexec env'
    printf " '%s'" "${environment[@]}"
    printf ' /usr/lib/rabbitmq/bin/rabbitmqctl "$@"\n'
}
