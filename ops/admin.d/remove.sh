# shellcheck shell=bash
# Removing a user. Until all the rest is gone the policy has the name as suspended, so that
# nothing new comes up between the steps; the last step takes it out.

user_remove() {
    local name=$1 archive=${OPTIONS[archive]:-} plan
    check_name "$name"
    [[ -z $archive ]] || archive=$(realpath -m -- "$archive")
    alone
    [[ -z $archive || ! -e $archive || -e $(storage_aside "$name") ]] ||
        fail 1 "$archive exists already"
    plan=$(remove_plan "$name")
    [[ -z ${OPTIONS[yes]:-} ]] || remove_all "$name" "$archive"
    remove_print "$plan"
}

remove_plan() {
    local containers account=null
    containers=$(containers_of "$1")
    ! account_exists "$1" || account=$(jq -n --arg name "$1" '$name')
    ! { account_exists "$1" && ! account_is_ours "$1"; } || account=null
    user_facts "$1" | jq -c --argjson account "$account" --argjson bytes "$(storage_bytes "$1")" \
        --slurpfile containers <(printf '%s' "$containers") \
        --argjson removed "$([[ -n ${OPTIONS[yes]:-} ]] && echo true || echo false)" \
        '{user: .name, account: $account, keys, groups, storage_bytes: $bytes,
          containers: [$containers[].name], removed: $removed}'
}

remove_print() {
    if [[ -n ${OPTIONS[json]:-} ]]; then
        printf '%s\n' "$1"
    else
        jq -r '(if .removed then "Removed" else "Would be removed, with --yes" end) + " of \(.user):",
            "  account     \(.account // "-")", "  keys        \(.keys)",
            "  groups      \(.groups | join(" "))", "  storage     \(.storage_bytes) bytes",
            "  containers  \(.containers | join(" "))"' <<<"$1"
    fi
}

remove_all() {
    # shellcheck disable=SC2016 # jq's variable
    policy_edit "$1" '.suspended |= (. // [] | if index($user) then . else . + [$user] end)'
    account_close "$1"
    account_end_processes "$1"
    settle_containers "$1" true remove --force
    storage_remove "$1" "$2"
    rm -rf --one-file-system -- "${SETTINGS[keys]:?}/$1"
    store_forget "$1"
    account_remove "$1"
    # shellcheck disable=SC2016
    policy_edit "$1" '.suspended -= [$user] | if .suspended == [] then del(.suspended) else . end
        | if .users then .users |= del(.[$user]) else . end
        | if .groups then .groups |= map_values(if .members then .members -= [$user] else . end) else . end'
}
