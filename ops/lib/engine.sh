# shellcheck shell=bash
# A private Docker engine with its own containerd, so that it shares nothing with one that an
# administrator may have: <state>/engine holds its data, its socket and its configuration.
#
# An engine sweeps away the firewall rules of another in the same network namespace as it starts.
# Where one runs already, ours does without: published ports then work through docker-proxy only,
# and containers find no way out.

engine_socket() {
    if [[ -s $1/engine.socket ]]; then
        cat "$1/engine.socket"
    else
        printf '%s/engine/docker.sock\n' "$1"
    fi
}

# engine_choose STATE: the machine's own engine where one answers, noted in <state>/engine.socket,
# unless the stack has a private one already.
engine_choose() {
    rm -f "$1/engine.socket"
    [[ ! -d $1/engine ]] || return 0
    ! DOCKER_HOST=unix:///run/docker.sock docker version >/dev/null 2>&1 ||
        printf '/run/docker.sock\n' >"$1/engine.socket"
}

engine_is_private() {
    [[ ! -s $1/engine.socket ]]
}

# engine_docker STATE ARG…: the docker client on the stack's engine, without root's configuration.
engine_docker() {
    local state=$1
    shift
    DOCKER_HOST=unix://$(engine_socket "$state") DOCKER_CONFIG=$state/client DOCKER_BUILDKIT=0 \
        docker "$@"
}

# engine_start STATE [DOCKERD OPTION…]: without options, an engine with a bridge of its own. With an
# account's name in ENGINE_REMAP its containers are in user namespaces of that account's subordinate
# ids; whoever calls us has seen to these, and to ways to <state> that all may go.
engine_start() {
    local state=$1
    shift
    ! process_alive "$state" engine || return 0
    mkdir -p "$state/engine"
    if (($# == 0)); then
        set -- --bridge "$(bridge_create "$state")"
        ! another_engine_runs "$state" || set -- "$@" --iptables=false --ip-forward=false
    fi
    [[ -z ${ENGINE_REMAP:-} ]] || set -- "$@" --userns-remap "$ENGINE_REMAP"
    engine_configure "$state"
    rm -f "$state/engine/docker.pid"
    process_start "$state" containerd containerd --config "$state/engine/containerd.toml" \
        --root "$state/engine/containerd" --state "$state/engine/containerd.run" \
        --address "$state/engine/containerd.sock" --log-level warn
    wait_until 30 test -S "$state/engine/containerd.sock" ||
        { process_log "$state" containerd && die "containerd does not start"; }
    process_start "$state" engine dockerd --config-file "$state/engine/daemon.json" \
        --host "unix://$(engine_socket "$state")" --containerd "$state/engine/containerd.sock" \
        --data-root "$state/engine/data" --exec-root "$state/engine/exec" \
        --pidfile "$state/engine/docker.pid" --group root "$@"
}

# DCM tells engines apart by their ids. Docker 20.10 derives its id from a key in /etc/docker unless
# it is told otherwise; later ones keep theirs with their data, and know no such setting.
engine_configure() {
    printf 'version = 2\ndisabled_plugins = ["io.containerd.grpc.v1.cri"]\n' \
        >"$1/engine/containerd.toml"
    if dockerd --version | grep -q 'version 20\.'; then
        jq -n --arg key "$1/engine/key.json" '{"deprecated-key-path": $key}'
    else
        printf '{}\n'
    fi >"$1/engine/daemon.json"
}

# Is there a dockerd in our network namespace that is not this stack's?
another_engine_runs() {
    local pid ours
    ours=$(process_pid "$1" engine) || ours=
    for pid in $(pgrep -x dockerd); do
        [[ $pid != "$ours" && /proc/$pid/ns/net -ef /proc/self/ns/net ]] && return
    done
    return 1
}

engine_wait() {
    wait_until 60 engine_answers_or_died "$1"
    engine_answers "$1" || { process_log "$1" engine && die "the Docker engine does not answer"; }
}

engine_answers() {
    engine_docker "$1" version >/dev/null 2>&1
}

engine_answers_or_died() {
    engine_answers "$1" || ! process_alive "$1" engine
}

engine_stop() {
    process_stop "$1" engine 60
    process_stop "$1" containerd 20
}

# Containers and networks outlive an engine that is killed, and their bridges even one that stops.
engine_empty() {
    engine_docker "$1" container ls --all --quiet |
        xargs --no-run-if-empty -n 20 env DOCKER_HOST="unix://$(engine_socket "$1")" \
            docker rm --force --volumes >/dev/null
    engine_docker "$1" network prune --force >/dev/null
}

# engine_erase STATE: stop a private engine and take away everything that it made, mounts and
# bridges included. One that was killed is started once more to do so.
engine_erase() {
    local state=$1
    [[ -d $state/engine ]] || return 0
    (engine_start "$state" && engine_wait "$state" && engine_empty "$state") ||
        say "the engine of $state could not be emptied"
    engine_stop "$state"
    bridge_remove "$state"
    engine_unmount "$state"
    rm -rf "$state/engine"
}

# engine_unmount STATE: what it has mounted, and leaves mounted when it stops.
engine_unmount() {
    local mount
    # shellcheck disable=SC2016 # awk's own
    local below='index($2, folder) == 1 { print $2 }'
    while read -r mount; do
        umount -l "$(printf '%b' "$mount")" 2>/dev/null || true
    done < <(awk -v folder="$1/engine/" "$below" /proc/mounts | sort -r)
}
