# shellcheck shell=bash
# The configuration of gate and worker. The files with passwords are root's alone.

configure() {
    mkdir -p "$CONFIG" "$DATA/storage" "$DATA/keys"
    (umask 077 && mkdir -p "$DATA/state")
    [[ -s $STATE/pool ]] || unused_network 201 16 >"$STATE/pool"
    configure_keyring
    configure_policy
    (umask 077 && configure_worker >"$CONFIG/worker.conf" && configure_gate >"$CONFIG/gate.conf" &&
        configure_admin >"$CONFIG/admin.conf")
}

configure_worker() {
    cat <<CONF
server = quickstart
broker = $(broker_url "$STATE" dcm-worker)
store = $(store_url "$STATE" worker)
engine = $(engine_socket "$STATE")
storage = $DATA/storage
keys = $DATA/keys
state = $DATA/state
policy = $CONFIG/policy.json
keyring = $CONFIG/keyring
audit = $DATA/state/audit.log
addresses = 127.0.0.1
ssh_ports = 20000-29999
subnets = $(cat "$STATE/pool")
subnet_bits = 26
runners = 4
account = $ACCOUNT
CONF
}

configure_gate() {
    cat <<CONF
socket = $RUN/gate.sock
broker = $(broker_url "$STATE" dcm-gate)
store = $(store_url "$STATE" gate)
account = $ACCOUNT
CONF
}

configure_admin() {
    cat <<CONF
broker = $(broker_url "$STATE" dcm-admin)
store = $(store_url "$STATE" admin)
keys = $DATA/keys
storage = $DATA/storage
policy = $CONFIG/policy.json
worker_conf = $CONFIG/worker.conf
gate_conf = $CONFIG/gate.conf
worker_pid = $STATE/run/worker.pid
rabbitmqctl = $(broker_control "$STATE")
CONF
}

# The key that signs what DCM makes. It stays over repeats: what it signed must go on to verify.
configure_keyring() {
    secret "$DATA/state/signature"
    (umask 077 && printf 'quickstart:%s\n' "$(cat "$DATA/state/signature")" >"$CONFIG/keyring")
}

# Put in place whole: the worker may read it at any time.
configure_policy() {
    people_names | jq -nR '[inputs] as $members | {
        v: 1,
        publishers: {"dcm-gate": {users: ["*"]}, "dcm-admin": {users: ["*"]}},
        groups: {demo: {
            members: $members,
            images: ["debian-ssh"],
            containers: 8,
            memory: {usual: "256m", each: "1g", total: "4g"},
            cpus: {usual: "0.5", each: "2", total: "8"},
            pids: {usual: 256, each: 512, total: 4096},
            ports: ["80", "443", "8000-8999"],
            addresses: ["*"], images_kept: 3, image_bytes: "4g"}}}' >"$CONFIG/policy.json.new"
    mv "$CONFIG/policy.json.new" "$CONFIG/policy.json"
}
