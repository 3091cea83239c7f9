# shellcheck shell=bash
# This host's worker: told that a file has changed, and waited for until it has read it.

# worker_reload FACT VALUE: have it read its files again, and wait until it reports this value with
# its heartbeat. A worker that does not run reads them when it starts.
worker_reload() {
    local server
    worker_signal || {
        printf 'dcm-admin: no dcm-worker runs here: it reads this when it starts\n' >&2
        return 0
    }
    server=$(worker_setting server "")
    [[ -n $server && -n ${SETTINGS[store]} ]] || {
        printf 'dcm-admin: dcm-worker was told; whether it could read this is in its log\n' >&2
        return 0
    }
    worker_wait "$server" "$1" "$2" ||
        fail 1 "dcm-worker was told, but does not report the new ${1}: see its log and dcm-admin doctor"
}

worker_wait() {
    local patience=${SETTINGS[patience]}
    local end=$((SECONDS + patience))
    until [[ $(worker_fact "$1" "$2") == "$3" ]]; do
        ((SECONDS < end)) || return 1
        sleep 0.1
    done
}

# worker_fact SERVER FACT
worker_fact() {
    store_cli HGET "dcm:server:$1" "$2" || true
}

# worker_forget USER: what its journal knows of one who has gone, which a store that has lost data would
# get back. What is under way ends soon.
worker_forget() {
    local end=$((SECONDS + SETTINGS[patience]))
    [[ -r ${SETTINGS[worker_conf]} ]] || return 0
    until "$SBIN/dcm-worker" --config "${SETTINGS[worker_conf]}" --forget "$1"; do
        ((SECONDS < end)) || fail 1 "requests of $1 have not ended: does the worker run, and are any in dcm-admin parked list? Then run this again"
        sleep 0.5
    done
}

# SIGHUP to the supervisor. Fails where there is none.
worker_signal() {
    local pid found=1
    for pid in $(worker_pids); do
        if kill -HUP "$pid"; then found=0; fi
    done
    return "$found"
}

# The supervisor is found by the pid file, by systemd, or among root's processes. A pid file may be
# old, and a process may call itself anything: which program it runs decides.
worker_pids() {
    local pid
    if [[ -n ${SETTINGS[worker_pid]} ]]; then
        { read -r pid _ <"${SETTINGS[worker_pid]}"; } 2>/dev/null || pid=
    elif [[ -d /run/systemd/system ]] && systemctl --quiet is-active dcm-worker.service; then
        pid=$(systemctl show --property MainPID --value dcm-worker.service)
    else
        pid=$(pgrep -u 0 -x dcm-worker) || pid=
    fi
    for pid in $pid; do
        [[ ! /proc/$pid/exe -ef $SBIN/dcm-worker ]] || printf '%s\n' "$pid"
    done
}
