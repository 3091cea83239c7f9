# shellcheck shell=bash
# What an administrator looks up in the store, and what of it is removed with a user.

# store_cli COMMAND…: redis-cli with the account of `store`. The password travels in the
# environment, which other users cannot read; arguments they can.
store_cli() {
    local password
    local -a where
    [[ ${SETTINGS[store]} =~ $STORE_URL ]] || fail 2 "${OPTIONS[config]}: store is needed for that"
    password=${BASH_REMATCH[2]}
    where=(-h "${BASH_REMATCH[3]}" -p "${BASH_REMATCH[5]:-6379}" -n "${BASH_REMATCH[7]:-0}")
    [[ -z ${BASH_REMATCH[1]} ]] || where+=(--user "${BASH_REMATCH[1]}")
    REDISCLI_AUTH=$password timeout 10 redis-cli -e "${where[@]}" "$@" 2>/dev/null
}

# store_need: for what cannot be done without it.
store_need() {
    [[ $(store_cli PING) == PONG ]] || fail 1 "the store does not answer: see dcm-admin doctor"
}

# Names in keys are checked names, without characters that a pattern would read as its own.
store_keys_of() {
    store_cli --scan --pattern "dcm:user:$1:*"
}

# store_user_names [images]: everybody with containers, or images of his own, in the index.
store_user_names() {
    [[ -z ${SETTINGS[store]} ]] || store_cli --scan --pattern "dcm:user:*:${1:-containers}" | cut -d: -f3
}

# store_forget USER: records and streams of one who has gone, which would expire in a week. The
# index of images goes with the images alone.
store_forget() {
    local -a keys
    mapfile -t keys < <(store_keys_of "$1" | grep -vx "dcm:user:$1:images")
    ((${#keys[@]} == 0)) || store_cli UNLINK "${keys[@]}" >/dev/null
}
