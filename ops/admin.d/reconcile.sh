# shellcheck shell=bash
# reconcile: where engine, index and journal of this server disagree, and putting that right. The
# work is done by the worker's own code (dcm-worker --reconcile), beside a worker that runs.

reconcile() {
    local status=0 found
    local -a apply=()
    [[ -z ${OPTIONS[apply]:-} ]] || apply=(--apply)
    [[ -r ${SETTINGS[worker_conf]} ]] || fail 2 "no worker is configured on this host: run this on a container server"
    found=$("$SBIN/dcm-worker" --config "${SETTINGS[worker_conf]}" --reconcile "${apply[@]}") || status=$?
    if [[ -n ${OPTIONS[json]:-} ]]; then
        jq -sc --argjson applied "$([[ -n ${OPTIONS[apply]:-} ]] && echo true || echo false)" \
            '{applied: $applied, differences: .}' <<<"$found"
    else
        reconcile_print "$found"
    fi
    return "$status"
}

# One line a difference: its kind, what it is about, what is to be done or has been.
reconcile_print() {
    [[ -n $1 ]] || {
        tell "engine, index and journal agree"
        return
    }
    jq -r '[.kind, (.user // "-"), (.name // .port // "-"), (.id // "-" | .[0:19]),
        (if .done then "done: \(.remedy)" elif .trouble then "failed: \(.trouble)" else .remedy end)] | @tsv' <<<"$1" |
        { printf 'KIND\tUSER\tNAME\tID\tREMEDY\n' && cat; } | column -t -s $'\t'
}
