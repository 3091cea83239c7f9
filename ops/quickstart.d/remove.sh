# shellcheck shell=bash
# `down`: everything that `up` made. What is missing already is no failure: a run may have ended
# half-way, or been killed.

remove() {
    step "Ending gate, worker and login sshd"
    programs_stop
    step "Removing containers and networks"
    firewall_stop
    if engine_is_private "$STATE"; then engine_erase "$STATE"; else remove_from_engine; fi
    step "Ending broker and store"
    store_stop "$STATE"
    broker_stop "$STATE"
    step "Removing accounts and files"
    people_remove
    login_remove
    rm -rf "$PREFIX" "$RUN" "$DATA" "$STATE"
    printf 'Gone. What stays: build/, and the packages that were installed.\n'
}

# The machine's own engine may have other DCM containers: ours are those with our storage.
remove_from_engine() {
    remove_each container "{{range .Mounts}}{{.Source}} {{end}}" "$DATA/"
    remove_each network "{{range .IPAM.Config}}{{.Subnet}} {{end}}" "$(remove_pool)"
    engine_docker "$STATE" image rm "$IMAGE_NAME" || true
    [[ ! -e $STATE/base ]] || engine_docker "$STATE" image rm "$IMAGE_BASE" || true
}

# The first two numbers of our pool of networks, "10.201."; "none" before there is one.
remove_pool() {
    sed -nE 's/^([0-9]+\.[0-9]+\.).*/\1/p' "$STATE/pool" 2>/dev/null || printf 'none\n'
}

# remove_each KIND FORMAT TEXT: DCM's containers or networks whose description has this text.
remove_each() {
    local id
    local -A list=([container]="container ls --all" [network]="network ls")
    # shellcheck disable=SC2086 # two words
    engine_docker "$STATE" ${list[$1]} --quiet --no-trunc --filter label=dcm.v=1 |
        while read -r id; do
            [[ $(engine_docker "$STATE" "$1" inspect --format "$2" "$id") == *"$3"* ]] || continue
            if [[ $1 == container ]]; then
                engine_docker "$STATE" rm --force --volumes "$id"
            else
                engine_docker "$STATE" network rm "$id"
            fi
        done
}
