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

# What a publisher calls its keys is its own affair, and a newline in one would begin another key, or
# somebody's name: the store itself looks at them. One step each, from the cursor ARGV[1] on to the one
# that is answered first.
# shellcheck disable=SC2016 # Lua
STORE_SCAN='local found = redis.call("SCAN", ARGV[1], "MATCH", ARGV[2], "COUNT", 1000)
    local answer = { found[1] }
    for _, key in ipairs(found[2]) do
        if not key:find("[^%w:*._-]") then answer[#answer + 1] = key end
    end
    return answer'
STORE_UNLINK='local found = redis.call("SCAN", ARGV[1], "MATCH", ARGV[2], "COUNT", 1000)
    for _, key in ipairs(found[2]) do
        if key ~= ARGV[3] then redis.call("UNLINK", key) end
    end
    return found[1]'

# store_scan PATTERN: the keys that can be ours, a line each. Names in patterns are checked names, without
# characters that a pattern would read as its own.
store_scan() {
    local cursor=0 answer
    while :; do
        answer=$(store_cli EVAL "$STORE_SCAN" 0 "$cursor" "$1") || return
        cursor=${answer%%$'\n'*}
        [[ $answer == "$cursor" ]] || printf '%s\n' "${answer#*$'\n'}"
        [[ $cursor != 0 ]] || return 0
    done
}

store_keys_of() {
    store_scan "dcm:user:$1:*"
}

# store_user_names [images]: everybody with containers, or images of his own, in the index.
store_user_names() {
    [[ -z ${SETTINGS[store]} ]] || store_scan "dcm:user:*:${1:-containers}" |
        sed -nE "s/^dcm:user:([a-z0-9_-]+):${1:-containers}\$/\1/p"
}

# store_forget USER: records and streams of one who has gone, which would expire in a week, and whatever
# else is there. The index of images goes with the images alone.
store_forget() {
    local cursor=0
    while :; do
        cursor=$(store_cli EVAL "$STORE_UNLINK" 0 "$cursor" "dcm:user:$1:*" "dcm:user:$1:images") || return
        [[ $cursor != 0 ]] || return 0
    done
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
