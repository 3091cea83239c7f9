# shellcheck shell=bash
# The private engine's traces in the machine's network: its bridge, and the firewall rules and
# forwarding that dockerd sets up. What was there before is noted, so that it can be put back.

# unused_network SECOND-OCTET LENGTH: the first of 10.<octet>.0.0/<length>, 10.<octet+1>… that no
# route but the default one knows.
unused_network() {
    local octet network
    for ((octet = $1; octet < 255; octet++)); do
        network=10.$octet.0.0/$2
        { ip -4 route show match "$network" && ip -4 route show root "$network"; } |
            grep -qv '^default' || { printf '%s\n' "$network" && return; }
    done
    die "no unused network from 10.$1.0.0 on"
}

# The name comes from the folder's, so that two stacks have two. At most 15 characters (IFNAMSIZ).
bridge_name() {
    printf 'dcm-%s\n' "$(printf '%s' "$1" | cksum | cut -d' ' -f1)"
}

# bridge_create STATE: print the name of the engine's bridge, which is made where it is missing.
bridge_create() {
    local state=$1 name network
    name=$(bridge_name "$state")
    if [[ ! -s $state/engine/subnet ]]; then
        cat /proc/sys/net/ipv4/ip_forward >"$state/engine/forwarding"
        iptables -w -S FORWARD | sed -n 's/^-P FORWARD //p' >"$state/engine/forward-policy"
        unused_network 199 24 >"$state/engine/subnet"
    fi
    network=$(cat "$state/engine/subnet")
    if ! ip link show "$name" >/dev/null 2>&1; then
        ip link add "$name" type bridge
        ip address add "${network%.0/24}.1/24" dev "$name"
        ip link set "$name" up
    fi
    printf '%s\n' "$name"
}

# firewall_rules TABLE PATTERN: drop the rules that match.
firewall_rules() {
    local rule
    iptables -w -t "$1" -S | sed -nE "/$2/s/^-A //p" | while read -r rule; do
        xargs iptables -w -t "$1" -D <<<"$rule" || true
    done
}

# bridge_remove STATE: once the engine is gone for good. The chains named DOCKER are every engine's:
# they go only where no other engine runs.
bridge_remove() {
    local state=$1 name table chain
    [[ -s $state/engine/subnet ]] || return 0
    name=$(bridge_name "$state")
    for table in filter nat; do firewall_rules "$table" "$name"; done
    if ! another_engine_runs "$state"; then
        for table in filter nat; do
            firewall_rules "$table" DOCKER
            iptables -w -t "$table" -S | sed -nE 's/^-N (DOCKER.*)/\1/p' | while read -r chain; do
                iptables -w -t "$table" -X "$chain" || true
            done
        done
        iptables -w -P FORWARD "$(cat "$state/engine/forward-policy")"
        cat "$state/engine/forwarding" >/proc/sys/net/ipv4/ip_forward
    fi
    ip link delete "$name" 2>/dev/null || true
}
