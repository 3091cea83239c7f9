# shellcheck shell=bash
# The addresses of this host that users' ports may go to. worker.conf names the first ones; what is
# added and retired here is in a file beside it, which counts instead from then on, and which the
# worker reads without a restart.

address_file() {
    worker_setting address_file "$CONFIG_DIRECTORY/addresses.conf"
}

# The addresses that count now, a line each.
address_current() {
    local -A own=()
    if [[ -e $(address_file) ]]; then
        settings_lines "$(address_file)" own
    else
        own[addresses]=$(worker_setting addresses "")
    fi
    [[ -n ${own[addresses]:-} ]] || fail 2 "${SETTINGS[worker_conf]}: no addresses are in there"
    xargs -n 1 <<<"${own[addresses]//,/ }"
}

# Is it the host's own, as far as its routing goes?
address_is_here() {
    [[ $(ip -4 route get "$1" 2>/dev/null) == local\ * ]]
}

address_checked() {
    local part
    [[ $1 =~ ^(0|[1-9][0-9]{0,2})\.(0|[1-9][0-9]{0,2})\.(0|[1-9][0-9]{0,2})\.(0|[1-9][0-9]{0,2})$ ]] ||
        fail 2 "$1 is not an IPv4 address"
    for part in "${BASH_REMATCH[@]:1}"; do
        ((part <= 255)) || fail 2 "$1 is not an IPv4 address"
    done
    ((BASH_REMATCH[1] > 0 && BASH_REMATCH[1] < 224)) || fail 2 "$1 is not an address of one host"
}

# address_put ADDRESS…: these count from now on.
address_put() {
    printf 'addresses = %s\n' "$*" | replace "$(address_file)"
    worker_reload addresses "$*"
}

address_add() {
    local current
    local -a addresses
    address_checked "$1"
    alone
    current=$(address_current)
    mapfile -t addresses <<<"$current"
    [[ " ${addresses[*]} " == *" $1 "* ]] || addresses+=("$1")
    address_put "${addresses[@]}"
    address_is_here "$1" ||
        printf 'dcm-admin: this host has no address %s: nothing can use it until it has\n' "$1" >&2
    address_list
}

# What is on it stays there; nothing new comes.
address_retire() {
    local address current
    local -a addresses left=()
    address_checked "$1"
    alone
    current=$(address_current)
    mapfile -t addresses <<<"$current"
    if [[ " ${addresses[*]} " != *" $1 "* ]]; then
        # An earlier run may have been killed before it could tell the worker.
        worker_reload addresses "${addresses[*]}"
        fail 4 "$1 is not among the addresses: see address list"
    fi
    ((${#addresses[@]} > 1)) || fail 1 "$1 is the only address: add another one first"
    for address in "${addresses[@]}"; do
        [[ $address == "$1" ]] || left+=("$address")
    done
    address_put "${left[@]}"
    address_list
}

# {"address","state","on_host","holders":[{"user","container","ports":["8080/tcp"]}]}, a line each:
# those that count, then those that are retired and still in use. An address that users were told
# for SSH counts as held.
address_facts() {
    local containers address current here=""
    local -a addresses
    current=$(address_current)
    containers=$(containers_all | jq -c --arg server "$(worker_setting server "")" 'select(.server == $server)')
    mapfile -t addresses < <(printf '%s\n' "$current" &&
        jq -r '.address, .ports[].address' <<<"$containers" | sort -u | grep -vxF "$current")
    for address in "${addresses[@]}"; do
        if address_is_here "$address"; then here+=" $address"; fi
    done
    jq -nc --arg used "$current" --arg all "${addresses[*]}" --arg here "$here" \
        --slurpfile containers <(printf '%s' "$containers") '
        ($used | split("\n")) as $used | ($here | split(" ")) as $here
        | $all | split(" ")[] as $address
        | {address: $address, state: (if $used | index($address) then "used" else "retired" end),
            on_host: ($here | index($address) != null),
            holders: [$containers[] | . as $one
                | {user, container: .name, ports: [
                    (select(.address == $address) | "\(.ssh_port)/tcp"),
                    (.ports[] | select(.address == $address) | "\(.host)/\(.protocol)")]}
                | select(.ports != [])]}'
}

address_list() {
    local facts
    facts=$(address_facts)
    if [[ -n ${OPTIONS[json]:-} ]]; then
        jq -sc '{addresses: .}' <<<"$facts"
    else
        jq -r '[.address, .state, if .on_host then "yes" else "no" end,
            (.holders | map("\(.user)/\(.container):\(.ports | join(","))") | join(" "))] | @tsv' <<<"$facts" |
            { printf 'ADDRESS\tSTATE\tON HOST\tHELD BY\n' && cat; } | column -t -s $'\t'
    fi
}
