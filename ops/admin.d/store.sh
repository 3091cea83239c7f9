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
    [[ ${SETTINGS[store]} != rediss:* ]] || where+=(--tls)
    [[ ${SETTINGS[store]} != rediss:* || -z ${SETTINGS[tls_ca]} ]] || where+=(--cacert "${SETTINGS[tls_ca]}")
    [[ ${SETTINGS[store]} != rediss:* || -z ${SETTINGS[tls_key]} ]] ||
        where+=(--cert "${SETTINGS[tls_certificate]}" --key "${SETTINGS[tls_key]}")
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

# store_account NAME: its line in the store's list of accounts, or nothing.
store_account() {
    store_cli ACL LIST | grep -E "^user ${1//./\\.} " || true
}

# Only these may call just the functions that submit: on standard input, an account's line.
store_is_publisher() {
    grep -qF ' +fcall|dcm_1_queue'
}

# store_publisher NAME PASSWORD USER…: the account, with the rights for these users. Without a password it
# keeps the one it has.
store_publisher() {
    local name=$1 password=$2 account secret
    local -a rights
    store_need
    account=$(store_account "$name")
    [[ -z $account ]] || store_is_publisher <<<"$account" ||
        fail 1 "the store's account $name is no publisher's: choose another name"
    if [[ -n $password ]]; then
        secret=$(printf '%s' "$password" | sha256sum | cut -d' ' -f1)
    else
        [[ $account =~ \ \#([0-9a-f]{64}) ]] ||
            fail 1 "the store has no account $name, and its password is not here: remove the publisher and add it anew"
        secret=${BASH_REMATCH[1]}
    fi
    mapfile -t rights < <(role_store publisher "${@:3}")
    [[ $(store_cli ACL SETUSER "$name" reset on "#$secret" "${rights[@]}") == OK ]] ||
        fail 1 "the store makes no account $name: may the account of store in ${OPTIONS[config]} do ACL SETUSER?"
    store_accounts_keep
}

# store_account_drop NAME: of a publisher alone.
store_account_drop() {
    local account
    store_need
    account=$(store_account "$1")
    [[ -n $account ]] && store_is_publisher <<<"$account" || return 0
    store_cli ACL DELUSER "$1" >/dev/null
    store_accounts_keep
}

# In the store's own file of accounts, or in its configuration: as it is set up.
store_accounts_keep() {
    [[ $(store_cli ACL SAVE) == OK ]] || [[ $(store_cli CONFIG REWRITE) == OK ]] ||
        printf 'dcm-admin: the store forgets this at its next start: give it an aclfile\n' >&2
}
