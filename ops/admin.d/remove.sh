# shellcheck shell=bash
# Removing a user. Until all the rest is gone the policy has the name as suspended, so that
# nothing new comes up between the steps. The last step removes the last trace: until it is done
# there is a user to be removed, by the same command again.

user_remove() {
    local name=$1 archive=${OPTIONS[archive]:-} plan
    user_need "$name"
    store_need
    alone
    [[ -z $archive ]] || archive=$(archive_checked "$archive" "$name")
    plan=$(remove_plan "$name")
    [[ -z ${OPTIONS[yes]:-} ]] || remove_all "$name" "$archive"
    remove_print "$plan"
}

remove_plan() {
    local containers images account=null
    containers=$(containers_of "$1")
    images=$(images_of "$1")
    ! account_is_ours "$1" || account=$(jq -n --arg name "$1" '$name')
    user_facts "$1" | jq -c --argjson account "$account" --argjson bytes "$(storage_bytes "$1")" \
        --slurpfile containers <(printf '%s' "$containers") \
        --slurpfile images <(printf '%s' "$images") \
        --argjson also "$([[ -n ${OPTIONS[images]:-} ]] && echo true || echo false)" \
        --argjson removed "$([[ -n ${OPTIONS[yes]:-} ]] && echo true || echo false)" \
        '{user: .name, account: $account, keys, groups, storage_bytes: $bytes,
          containers: [$containers[].name], images: [$images[].name | select($also)],
          images_kept: [$images[].name | select($also | not)], removed: $removed}'
}

remove_print() {
    if [[ -n ${OPTIONS[json]:-} ]]; then
        printf '%s\n' "$1"
    else
        jq -r '(if .removed then "Removed" else "Would be removed, with --yes" end) + " of \(.user):",
            "  account     \(.account // "-")", "  keys        \(.keys)",
            "  groups      \(.groups | join(" "))", "  storage     \(.storage_bytes) bytes",
            "  containers  \(.containers | join(" "))", "  images      \(.images | join(" "))",
            if .images_kept == [] then empty else "Stays, without --images: \(.images_kept | join(" "))" end' <<<"$1"
    fi
}

remove_all() {
    policy_suspend "$1"
    account_close "$1"
    account_end_processes "$1"
    settle_containers "$1" true remove --force
    [[ -z ${OPTIONS[images]:-} ]] || settle_images "$1"
    settle_requests "$1"
    storage_remove "$1" "$2"
    rm -rf --one-file-system -- "${SETTINGS[keys]:?}/$1"
    account_remove "$1"
    # shellcheck disable=SC2016 # jq's variable
    policy_edit "$1" 'if .suspended then .suspended -= [$user] else . end
        | if .suspended == [] then del(.suspended) else . end
        | if .users then .users |= del(.[$user]) else . end
        | if .groups then .groups |= map_values(if .members then .members -= [$user] else . end) else . end'
    broker_forget "$1"
    worker_forget "$1"
    store_forget "$1"
    storage_forget "$1"
}
