# shellcheck shell=bash
# The policy file: only ever replaced whole, by one that the worker's own code accepts.

policy_check() {
    "$SBIN/dcm-worker" --check-policy "$1" || exit $?
    if [[ -n ${OPTIONS[json]:-} ]]; then jq -n --arg file "$1" '{policy: $file, valid: true}'; fi
}

policy_apply() {
    local next
    alone
    # A copy is checked and used: the file may change meanwhile.
    next=$(mktemp "${SETTINGS[policy]}.XXXXXX")
    # shellcheck disable=SC2064 # the name is this file's now
    trap "rm -f '$next'" EXIT
    cat -- "$1" >"$next" || exit 2
    "$SBIN/dcm-worker" --check-policy "$next" 2> >(sed "s|$next|$1|" >&2) || exit 2
    replace "${SETTINGS[policy]}" <"$next"
    worker_reload
    if [[ -n ${OPTIONS[json]:-} ]]; then jq -n --arg file "$1" '{policy: $file, applied: true}'; fi
}

policy_read() {
    jq "$@" "${SETTINGS[policy]}"
}

# policy_edit USER FILTER: change the policy by a jq program, in which $user is the user's name.
# Where that changes nothing, nothing is written.
policy_edit() {
    local before after next=${SETTINGS[policy]}.edit
    "$SBIN/dcm-worker" --check-policy "${SETTINGS[policy]}" || exit 1
    before=$(jq . "${SETTINGS[policy]}")
    after=$(jq --arg user "$1" --arg group "${OPTIONS[group]:-}" "$2" "${SETTINGS[policy]}")
    if [[ $before != "$after" ]]; then
        printf '%s\n' "$after" >"$next"
        "$SBIN/dcm-worker" --check-policy "$next" || exit 1
        replace "${SETTINGS[policy]}" <"$next"
        rm -f "$next"
    fi
    # Even so: an earlier run may have been killed between the change and this.
    worker_reload
}

# SIGHUP to the supervisor, which is found by the pid file, by systemd, or among root's processes
# as one that runs our dcm-worker and is no child of one.
worker_reload() {
    local pid found=
    if [[ -n ${SETTINGS[worker_pid]} ]]; then
        read -r pid _ <"${SETTINGS[worker_pid]}" && worker_hangup "$pid" && found=1
    elif [[ -d /run/systemd/system ]] && systemctl --quiet is-active dcm-worker.service; then
        systemctl kill --kill-whom=main --signal=HUP dcm-worker.service && found=1
    else
        for pid in $(pgrep -u 0 -x dcm-worker); do
            if worker_hangup "$pid"; then found=1; fi
        done
    fi
    [[ -n $found ]] || printf 'dcm-admin: no dcm-worker runs here: it reads the policy when it starts\n' >&2
}

# A pid file may be old, and a process may call itself anything: the program itself decides.
worker_hangup() {
    [[ /proc/$1/exe -ef $SBIN/dcm-worker ]] && kill -HUP "$1"
}
