# shellcheck shell=bash
# dcm-gate and dcm-worker, as daemons of the stack.

# Started anew each time: they may have been built anew.
programs_start() {
    programs_stop
    mkdir -p "$RUN"
    gate_start
    worker_start
    wait_until 30 programs_ready || {
        process_log "$STATE" gate
        process_log "$STATE" worker
        die "no request comes through: see $STATE/log/gate.log and $STATE/log/worker.log"
    }
}

gate_start() {
    process_start "$STATE" gate "$PREFIX/sbin/dcm-gate" --config "$CONFIG/gate.conf"
}

worker_start() {
    process_start "$STATE" worker "$PREFIX/sbin/dcm-worker" --config "$CONFIG/worker.conf"
}

worker_stop() {
    process_stop "$STATE" worker 30
}

programs_stop() {
    worker_stop
    process_stop "$STATE" gate 20
}

# A request that does nothing, through gate, broker, worker and store.
programs_ready() {
    submit "$DEMO" --timeout 5s ping >/dev/null 2>&1
}

# SIGHUP: read the policy again.
programs_reload() {
    local name pid
    for name in gate worker; do
        if pid=$(process_pid "$STATE" "$name"); then kill -HUP "$pid"; fi
    done
}

# submit USER ARG…: dcm-submit as that user, through the gate like everybody.
submit() {
    local user=$1
    shift
    runuser -u "$user" -- env "DCM_GATE=$RUN/gate.sock" "$PREFIX/bin/dcm-submit" "$@"
}
