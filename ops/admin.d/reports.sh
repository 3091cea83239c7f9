# shellcheck shell=bash
# Everybody's containers, and what they come to.

containers_all() {
    local name
    for name in $(user_names); do containers_of "$name"; done
}

containers_list() {
    local all
    all=$(containers_all)
    if [[ -n ${OPTIONS[json]:-} ]]; then
        jq -sc '{containers: .}' <<<"$all"
    else
        jq -r '[.user, .name, .state, .server, .address, .ssh_port, .image] | @tsv' <<<"$all" |
            { printf 'USER\tNAME\tSTATE\tSERVER\tADDRESS\tSSH\tIMAGE\n' && cat; } | column -t -s $'\t'
    fi
}

containers_usage() {
    local name containers all
    all=$(for name in $(user_names); do
        containers=$(containers_of "$name")
        jq -sc --arg user "$name" --argjson bytes "$(storage_bytes "$name")" '{user: $user,
            containers: length, running: map(select(.state == "running")) | length,
            storage_bytes: $bytes}' <<<"$containers"
    done)
    if [[ -n ${OPTIONS[json]:-} ]]; then
        jq -sc '{usage: .}' <<<"$all"
    else
        jq -r '[.user, .containers, .running, .storage_bytes] | @tsv' <<<"$all" |
            { printf 'USER\tCONTAINERS\tRUNNING\tSTORAGE\n' && cat; } | column -t -s $'\t'
    fi
}
