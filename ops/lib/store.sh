# shellcheck shell=bash
# A private Redis on loopback: append-only file on, nothing evicted, three accounts.

# shellcheck source=/dev/null
. "$(dirname "${BASH_SOURCE[0]}")/../admin.d/roles.sh"

# Nobody can be "default", but Redis 7.0 replays its append-only file with that account's rights:
# without them all that functions wrote is lost at a restart, with only a line in the log.
store_accounts() {
    printf 'user default reset off ~* &* +@all\n'
    printf 'user gate reset on #%s %s\n' "$(store_password_hash "$1" gate)" "$(role_store publisher '*' | paste -sd' ')"
    printf 'user worker reset on #%s %s\n' "$(store_password_hash "$1" worker)" "$(role_store worker | paste -sd' ')"
    printf 'user admin reset on #%s %s\n' "$(store_password_hash "$1" admin)" "$(role_store admin | paste -sd' ')"
}

store_password_hash() {
    sha256sum <"$1/secrets/store-$2" | cut -d' ' -f1
}

# store_url STATE ACCOUNT
store_url() {
    printf 'redis://%s:%s@127.0.0.1:%s/0\n' "$2" "$(cat "$1/secrets/store-$2")" \
        "$(chosen_port "$1" store)"
}

store_configure() {
    local state=$1 account
    for account in gate worker admin; do secret "$state/secrets/store-$account"; done
    mkdir -p "$state/store"
    (umask 077 && store_accounts "$state" >"$state/store/users.acl")
    store_settings 127.0.0.1 "$(chosen_port "$state" store)" "$state/store" \
        >"$state/store/redis.conf"
}

# store_settings ADDRESS PORT FOLDER: redis.conf, with the accounts and all data in that folder.
store_settings() {
    cat <<CONF
bind $1
port $2
dir $3
aclfile $3/users.acl
appendonly yes
appendfsync everysec
save ""
maxmemory-policy noeviction
proto-max-bulk-len 1mb
daemonize no
CONF
}

store_start() {
    ! process_alive "$1" store || return 0
    store_configure "$1"
    process_start "$1" store redis-server "$1/store/redis.conf"
}

store_wait() {
    wait_until 30 store_answers "$1" || { process_log "$1" store && die "Redis does not answer"; }
    store_functions "$1"
}

# store_cli STATE COMMAND…: redis-cli as the administrator. The password travels in the
# environment, which other users cannot read; arguments they can.
store_cli() {
    local state=$1
    shift
    REDISCLI_AUTH=$(cat "$state/secrets/store-admin") \
        redis-cli -p "$(chosen_port "$state" store)" --user admin "$@" 2>/dev/null
}

store_answers() {
    [[ $(store_cli "$1" PING) == PONG ]]
}

# The gate may call two functions, but may not load them: who loads functions decides what they do.
store_functions() {
    cat "$(dirname "${BASH_SOURCE[0]}")"/../../schemas/store/0[0-4]_*.lua |
        store_cli "$1" -x FUNCTION LOAD REPLACE >/dev/null
}

store_stop() {
    process_stop "$1" store 20
}
