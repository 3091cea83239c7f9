# shellcheck shell=bash
# doctor's checks of what DCM's parts share: store, clock, broker, policy, worker, gate.

HEARTBEAT_OLD_S=30 # six heartbeats missed

check_store() {
    [[ $(store_cli PING) == PONG ]] || {
        fault "the store does not answer, or not to this account" "start Redis; check store in ${OPTIONS[config]}"
        return
    }
    [[ $(store_cli CONFIG GET appendonly | tail -n 1) == yes ]] ||
        fault "the store keeps no append-only file" "set appendonly yes: a restart forgets who holds what"
    [[ $(store_cli CONFIG GET maxmemory-policy | tail -n 1) == noeviction ]] ||
        fault "the store throws keys away when memory is short" "set maxmemory-policy noeviction"
    (($(store_cli CONFIG GET proto-max-bulk-len | tail -n 1) <= 1048576)) ||
        fault "a publisher may put values of any size into the store" "set proto-max-bulk-len 1mb: gates and workers read them"
}

# Ids and deadlines are judged by this host's clock, reservations by the store's. The broker's decides
# nothing.
check_clock() {
    local there apart
    there=$(store_cli TIME | head -n 1) || there=
    [[ -n $there ]] || return 0
    apart=$((there - $(date +%s)))
    ((apart >= -5 && apart <= 5)) ||
        fault "the store's clock is ${apart#-} s $( ((apart > 0)) && echo ahead || echo behind)" \
            "let chrony or systemd-timesyncd set the clocks of both hosts"
}

# A ping goes through broker, worker and store. What it leaves in the store is removed again: that
# request alone, for somebody may be called like this.
check_broker() {
    local status=0 said name=dcm-doctor id
    said=$(submit_as "$name" --json --timeout 10s ping 2>&1) || status=$?
    if id=$(jq -er .request 2>/dev/null <<<"$said"); then
        store_cli UNLINK "dcm:user:$name:request:$id" "dcm:user:$name:events:$id" >/dev/null || true
        store_cli ZREM "dcm:user:$name:requests" "$id" >/dev/null || true
    fi
    case $status in
    0) ;;
    5) fault "a request was published, and no worker took it" "see whether dcm-worker runs, and its log" ;;
    6 | 7) fault "the broker takes no request: $(tail -n 1 <<<"$said")" "start RabbitMQ; check broker in ${OPTIONS[config]}" ;;
    *) fault "a ping fails: $(tail -n 1 <<<"$said")" "see dcm-worker's log" ;;
    esac
}

check_policy() {
    local said version server reported account
    said=$(policy_version "${SETTINGS[policy]}" 2>&1) || {
        fault "${said#dcm-worker: }" "correct it, then dcm-admin policy apply FILE"
        return
    }
    version=$said
    account=$(sed -nE 's|^amqps?://([^:@/]*).*|\1|p' <<<"${SETTINGS[broker]}")
    # shellcheck disable=SC2016 # jq's variable
    policy_read -e --arg account "$account" '.publishers[$account].users // [] | index("*")' >/dev/null ||
        fault "the policy does not let $account speak for everybody" \
            "add \"publishers\":{\"$account\":{\"users\":[\"*\"]}}: dcm-admin asks in users' names"
    server=$(worker_setting server "")
    [[ -n $server && -n $(worker_pids) ]] || return 0
    reported=$(worker_fact "$server" policy)
    [[ -z $reported || $reported == "$version" ]] ||
        fault "the worker goes by policy ${reported:0:12}, the file is ${version:0:12}" \
            "dcm-admin policy apply ${SETTINGS[policy]}"
}

# This host's, then what the others say of themselves.
check_worker() {
    local server name mine
    mine=$(worker_setting server "")
    [[ -z $mine || -n $(worker_pids) ]] || fault "dcm-worker does not run here" "systemctl start dcm-worker"
    [[ $(store_cli PING) == PONG ]] || return 0
    [[ -z $mine || $(store_cli SISMEMBER dcm:servers "$mine") == 1 ]] ||
        fault "the store has not heard of this server, $mine" "see dcm-worker's log"
    for name in $(store_cli SMEMBERS dcm:servers); do
        server=$(heartbeat_age "$name")
        ((server > HEARTBEAT_OLD_S)) || continue
        if [[ $name == "$mine" ]]; then
            fault "$name was last heard of $server s ago" "see dcm-worker's log: it may not reach the store"
        else
            warning "$name was last heard of $server s ago" "run dcm-admin doctor there"
        fi
    done
}

# By the store's own clock.
heartbeat_age() {
    local now beat
    now=$(store_cli TIME | head -n 1)
    beat=$(store_cli HGET "dcm:server:$1" heartbeat)
    printf '%s\n' $((now - ${beat:-0} / 1000))
}

# The gate serves no root, so that nothing can be asked of it here; but does it listen? It gives the
# socket its place by renaming it, and the kernel goes on calling it by the first name.
check_gate() {
    local -A gate=([socket]=/run/dcm/gate.sock)
    [[ -r ${SETTINGS[gate_conf]} ]] || return 0
    settings_lines "${SETTINGS[gate_conf]}" gate
    [[ -n $(ss --no-header --listening --unix src "${gate[socket]}*") ]] ||
        fault "no dcm-gate listens at ${gate[socket]}" "systemctl start dcm-gate"
}
