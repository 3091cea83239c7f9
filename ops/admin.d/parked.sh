# shellcheck shell=bash
# parked: messages that were set aside, because no worker could make anything of them, or because
# they have killed every runner that took them up. The work is done by the worker's own code
# (dcm-worker --parked), with this server's journal and policy, and the broker's account of ours.

# parked_run VERB [ID]: the credentials travel in a pipe, not on a command line.
parked_run() {
    [[ -n ${SETTINGS[broker]} ]] || fail 2 "${OPTIONS[config]}: broker is needed for that"
    [[ -r ${SETTINGS[worker_conf]} ]] || fail 2 "no worker is configured on this host: run this on a container server"
    "$SBIN/dcm-worker" --config "${SETTINGS[worker_conf]}" --parked "$@" \
        --broker <(printf 'broker = %s\n' "${SETTINGS[broker]}" && settings_of_tls)
}

# What the messages say may be anybody's: no control or formatting character reaches the terminal.
PARKED_SAFE='def safe: tostring | gsub("\\p{Cc}|\\p{Cf}|\\p{Zl}|\\p{Zp}"; "?");'

parked_list() {
    local all
    alone
    all=$(parked_run list)
    if [[ -n ${OPTIONS[json]:-} ]]; then
        jq -sc '{parked: sort_by(.at)}' <<<"$all"
    else
        jq -sr "$PARKED_SAFE"' sort_by(.at)[] | [.id, .at, .server, (.publisher | if . == "" then "-" else . end), .user // "-",
            .op // "-", .attempts, .reason | safe] | @tsv' <<<"$all" |
            { printf 'ID\tPARKED\tSERVER\tPUBLISHER\tUSER\tOP\tATTEMPTS\tREASON\n' && cat; } | column -t -s $'\t'
    fi
}

parked_show() {
    local item
    alone
    item=$(parked_run show "$1")
    if [[ -n ${OPTIONS[json]:-} ]]; then
        jq -c '{parked: .}' <<<"$item"
    else
        jq -r "$PARKED_SAFE"' . as $item
            | "id         \(.id | safe)", "parked     \(.at | safe) on \(.server | safe)",
              "publisher  \(.publisher | safe)", "reason     \(.reason | safe)",
              (.attempts | to_entries[] | "attempt \(.key + 1)  \(.value.begun) to \(.value.ended // "?") on \(.value.server): \(.value.end // "nobody saw how it ended")" | safe),
              "bytes      \(.bytes)", "body       \(.body // "not kept: it is no text, or too large for a request" | safe)"' <<<"$item"
    fi
}

parked_requeue() {
    local told
    alone
    told=$(parked_run requeue "$1")
    parked_print "$told" 'if .requeued then "\(.id) is in its queue again, and its attempts so far count no more."
        else "\(.id) has ended before as \(.state): its copy is removed, and nothing is asked." end'
}

parked_drop() {
    local told
    alone
    told=$(parked_run drop "$1")
    parked_print "$told" 'if .state then "\(.id) is dropped, and has ended as \(.state)\(if .error then ": \(.error.message)" else "" end)."
        else "\(.id) is dropped. It was no request: nobody waits for it." end'
}

# parked_print JSON WORDS: what was done.
parked_print() {
    if [[ -n ${OPTIONS[json]:-} ]]; then printf '%s\n' "$1"; else jq -r "$PARKED_SAFE $2 | safe" <<<"$1"; fi
}
