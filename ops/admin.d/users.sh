# shellcheck shell=bash
# Users: made, looked at, suspended.

user_add() {
    local name=$1 uid=${OPTIONS[uid]:-} added
    check_name "$name"
    [[ -n ${OPTIONS[key]:-} ]] || misuse "user add needs --key FILE"
    [[ $uid =~ ^([1-9][0-9]{3,9})?$ && ${uid:-0} -le 4294967294 ]] || misuse "--uid: 1000 or more"
    added=$(keys_checked "${OPTIONS[key]}")
    alone
    [[ ! -e $(storage_aside "$name") ]] ||
        fail 1 "$name is being removed: finish with user remove $name --yes"
    [[ ! -e $(storage_arriving "$name") ]] || fail 1 "$name is being imported: finish with user import"
    account_check "$name" "$uid"
    policy_version "${SETTINGS[policy]}" >/dev/null || exit 1
    # shellcheck disable=SC2016 # jq's variable
    [[ -z ${OPTIONS[group]:-} ]] ||
        policy_read -e --arg group "${OPTIONS[group]}" '.groups[$group]' >/dev/null ||
        fail 2 "the policy has no group ${OPTIONS[group]}"
    user_inherits "$name"
    account_ensure "$name" "$uid"
    keys_merge "$name" "$added"
    # shellcheck disable=SC2016
    [[ -z ${OPTIONS[group]:-} ]] ||
        policy_edit "$name" '.groups[$group].members |= (. // [] | if index($user) then . else . + [$user] end)'
    storage_bounds "$name"
    user_print "$name"
}

# Images that were kept when an earlier user of this name was removed are the new one's: perhaps the
# same person, perhaps not.
user_inherits() {
    [[ -n ${SETTINGS[store]} ]] && ! account_exists "$1" || return 0
    [[ $(store_cli EXISTS "dcm:user:$1:images") != 1 ]] ||
        printf 'dcm-admin: images of an earlier %s are still here, and the new one can use them\n' "$1" >&2
}

# The policy first: what is stopped then stays stopped.
user_suspend() {
    user_need "$1"
    alone
    policy_suspend "$1"
    account_close "$1"
    account_end_processes "$1"
    settle_containers "$1" '.state != "stopped"' stop
    user_print "$1"
}

user_resume() {
    user_need "$1"
    alone
    account_open "$1"
    policy_unsuspend "$1"
    user_print "$1"
}

# Whoever has keys, storage, a place in the policy, or containers.
user_names() {
    {
        store_user_names
        find "${SETTINGS[keys]}" "${SETTINGS[storage]}" -mindepth 1 -maxdepth 1 -type d -printf '%f\n'
        policy_read -r '((.users // {}) | keys[]), (.groups // {} | .[].members // [] | .[]), (.suspended // [] | .[])'
    } | sed -E 's/^\.(removing|importing)\.//' | sort -u
}

user_need() {
    check_name "$1"
    # Somebody may have asked in its name, which leaves traces in the store.
    ! account_is_systems "$1" || fail 4 "there is no user $1: that is an account of the system"
    user_names | grep -xF -- "$1" >/dev/null || account_is_ours "$1" ||
        [[ -n ${SETTINGS[store]} && -n $(store_keys_of "$1") ]] || fail 4 "there is no user $1"
}

# What this host knows of a user, as JSON.
user_facts() {
    local keys=0 uid
    uid=$(id -u "$1" 2>/dev/null) || uid=null
    [[ ! -s $(keys_file "$1") ]] || keys=$(grep -c . "$(keys_file "$1")")
    # shellcheck disable=SC2016
    policy_read -c --arg user "$1" --argjson uid "$uid" --argjson keys "$keys" '{name: $user, uid: $uid,
        keys: $keys, suspended: (.suspended // [] | index($user) != null),
        groups: [.groups // {} | to_entries[] | select(.value.members // [] | index($user)) | .key]}'
}

user_table() {
    jq -r '[.name, .uid // "-", .keys, if .suspended then "suspended" else "-" end,
        (.groups | join(","))] | @tsv' | { printf 'NAME\tUID\tKEYS\tSTATE\tGROUPS\n' && cat; } |
        column -t -s $'\t'
}

user_print() {
    local facts
    facts=$(user_facts "$1")
    if [[ -n ${OPTIONS[json]:-} ]]; then jq -c '{user: .}' <<<"$facts"; else user_table <<<"$facts"; fi
}

user_list() {
    local name all
    all=$(for name in $(user_names); do user_facts "$name"; done)
    if [[ -n ${OPTIONS[json]:-} ]]; then jq -sc '{users: .}' <<<"$all"; else user_table <<<"$all"; fi
}

user_show() {
    local facts containers limits
    user_need "$1"
    containers=$(containers_of "$1")
    limits=$(limits_of "$1")
    facts=$(user_facts "$1" | jq -c --argjson bytes "$(storage_bytes "$1")" \
        --slurpfile containers <(printf '%s' "$containers") --argjson limits "$limits" \
        '. + {storage_bytes: $bytes, containers: $containers, limits: $limits.grants}')
    if [[ -n ${OPTIONS[json]:-} ]]; then jq -c '{user: .}' <<<"$facts"; else jq . <<<"$facts"; fi
}
