# shellcheck shell=bash
# What login server and server have in common: where broker and store are, and several daemons in
# one container.

# services_settings ROLE: the lines of a program's settings for broker and store. Each role has an account
# at both, and its passwords among this container's secrets.
services_settings() {
    printf 'broker = amqp://dcm-%s:%s@broker/dcm\n' "$1" "$(cat "/run/secrets/broker-dcm-$1")"
    printf 'store = redis://%s:%s@store/0\n' "$1" "$(cat "/run/secrets/store-$1")"
}

DAEMONS=()

# daemon COMMAND…: one more, which may need those before it.
daemon() {
    trap 'daemons_end; exit 0' TERM
    "$@" &
    DAEMONS=("$!" "${DAEMONS[@]}")
}

# daemons_follow: for as long as all of them run. Without one of them the container is of no use and ends.
daemons_follow() {
    wait -n "${DAEMONS[@]}" || true
    daemons_end
    exit 1
}

# The last one first, and each with all the time it needs: the engine kills what takes too long.
daemons_end() {
    local pid
    trap '' TERM
    for pid in "${DAEMONS[@]}"; do
        kill -TERM "$pid" 2>/dev/null || true
        wait "$pid" || true
    done
}
