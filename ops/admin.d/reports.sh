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
        jq -r '[.user, .name, .state, .server, .address, .ssh_port, .image, .expires // "-"] | @tsv' <<<"$all" |
            { printf 'USER\tNAME\tSTATE\tSERVER\tADDRESS\tSSH\tIMAGE\tEXPIRES\n' && cat; } | column -t -s $'\t'
    fi
}

# usage_of USER: what the user has, and the most he may have; null where no server has told that yet.
usage_of() {
    local containers limits
    containers=$(containers_of "$1")
    limits=$(limits_of "$1")
    # shellcheck disable=SC2016 # jq's variables
    jq -nc --arg user "$1" --argjson bytes "$(storage_bytes "$1")" --argjson limits "$limits" \
        --slurpfile containers <(printf '%s' "$containers") '
        def told($what): [$limits.grants[] | select(.what == $what and has("used"))] | max_by(.most);
        {containers: "containers", memory: "memory", millicpus: "millicpus", pids: "pids",
         images: "images_kept", image_bytes: "image_bytes"} as $measures
        | {user: $user, suspended: ($limits.suspended != [])}
          + ($measures | map_values(told(.).used))
          + {containers: $containers | length, running: [$containers[] | select(.state == "running")] | length,
             storage_bytes: $bytes, most: ($measures | map_values(told(.).most))}'
}

# user_names, and whoever has left images when he was removed.
usage_names() {
    {
        user_names
        store_user_names images
    } | sort -u
}

usage_table() {
    jq -r 'def size: if . == null then "-" elif . >= 10485760 then "\(. / 1048576 | floor)m" else "\(. / 1024 | floor)k" end;
        def cpus: if . == null then "-" else . / 1000 end;
        def of($used; $most): "\($used // "-")/\($most // "-")";
        [.user, of(.containers; .most.containers), .running, of(.memory | size; .most.memory | size),
         of(.millicpus | cpus; .most.millicpus | cpus), of(.pids; .most.pids), of(.images; .most.images),
         of(.image_bytes | size; .most.image_bytes | size), (.storage_bytes | size),
         if .suspended then "suspended" else "-" end] | @tsv' | {
        printf 'USER\tCONTAINERS\tRUNNING\tMEMORY\tCPUS\tPIDS\tIMAGES\tIMAGE-SIZE\tSTORAGE\tSTATE\n'
        cat
    } | column -t -s $'\t'
}

usage_list() {
    local name all
    all=$(for name in $(usage_names); do usage_of "$name"; done)
    if [[ -n ${OPTIONS[json]:-} ]]; then jq -sc '{usage: .}' <<<"$all"; else usage_table <<<"$all"; fi
}
