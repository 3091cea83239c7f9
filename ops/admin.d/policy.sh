# shellcheck shell=bash
# The policy file: only ever replaced whole, by one that the worker's own code accepts.

# policy_version FILE: what workers that go by it report. Says where it is faulty and fails.
policy_version() {
    "$SBIN/dcm-worker" --check-policy "$1"
}

policy_check() {
    local version
    version=$(policy_version "$1") || exit 2
    if [[ -n ${OPTIONS[json]:-} ]]; then
        jq -nc --arg file "$1" --arg version "$version" '{policy: $file, valid: true, version: $version}'
    else
        printf '%s: valid, version %s\n' "$1" "$version"
    fi
}

policy_apply() {
    local version next
    local -a users
    alone
    next=$(policy_next)
    # A copy is checked and used: the file may change meanwhile.
    [[ -f $1 ]] || fail 2 "$1: no such file"
    cat -- "$1" >"$next"
    version=$(policy_version "$next" 2> >(sed "s|$next|$1|" >&2)) || { rm -f "$next" && exit 2; }
    policy_put "$version"
    mapfile -t users < <(storage_users)
    storage_bounds "${users[@]}"
    if [[ -n ${OPTIONS[json]:-} ]]; then
        jq -nc --arg file "$1" --arg version "$version" '{policy: $file, applied: true, version: $version}'
    fi
}

# Beside the policy, and root's folder as that is. One name: what a run that was killed left there
# is overwritten by the next.
policy_next() {
    printf '%s.next\n' "${SETTINGS[policy]}"
}

# The next policy, which has this version and has been checked, becomes the policy.
policy_put() {
    local next
    next=$(policy_next)
    replace "${SETTINGS[policy]}" <"$next"
    rm -f "$next"
    worker_reload policy "$1"
}

policy_read() {
    jq "$@" "${SETTINGS[policy]}"
}

# policy_edit NAME FILTER: change the policy by a jq program, in which $user is the user's or publisher's name,
# and $group and $users are the options.
# Where that changes nothing the file stays as somebody wrote it, but the worker is told: an earlier
# run may have been killed between the two.
policy_edit() {
    local before after next
    before=$(policy_version "${SETTINGS[policy]}") || exit 1
    next=$(policy_next)
    jq --arg user "$1" --arg group "${OPTIONS[group]:-}" --arg users "${OPTIONS[users]:-}" "$2" "${SETTINGS[policy]}" >"$next"
    after=$(policy_version "$next") || exit 1
    if [[ $before == "$after" ]]; then
        rm -f "$next"
        worker_reload policy "$before"
    else
        policy_put "$after"
    fi
}

# policy_suspend USER, policy_unsuspend USER
policy_suspend() {
    # shellcheck disable=SC2016 # jq's variable
    policy_edit "$1" '.suspended |= (. // [] | if index($user) then . else . + [$user] end)'
}

policy_unsuspend() {
    # shellcheck disable=SC2016
    policy_edit "$1" 'if .suspended then .suspended -= [$user] else . end
        | if .suspended == [] then del(.suspended) else . end'
}
