# shellcheck shell=bash
# The main job, shown as a user would do it, and checked at every step.

demonstrate() {
    local id port
    demonstrate_tidy
    step "User $DEMO asks for a container"
    demonstrate_create id port
    step "Signing in by SSH"
    demonstrate_login "$id" "$port"
    step "Saving it as an image"
    demonstrate_image "$port"
    step "The prompt, by SSH to this server"
    demonstrate_prompt
    step "Requests wait for a worker that is away"
    demonstrate_queue
    step "It works"
    demonstrate_summary "$port"
}

# The containers of an earlier run, which <state>/demonstrated names. Their files are in the user's
# storage and stay.
demonstrate_tidy() {
    local name
    [[ -s $STATE/demonstrated ]] || return 0
    while read -r name; do
        submit "$DEMO" --timeout 60s remove -f "$name" >/dev/null 2>&1 </dev/null ||
            say "$name of an earlier run is gone already"
    done <"$STATE/demonstrated"
    rm "$STATE/demonstrated"
}

# show COMMAND…: as it would be typed at a prompt.
show() {
    printf '\n%s$ %s\n' "$DEMO" "$*"
}

# demonstrate_create ID PORT: a new container; its id and SSH port, read from what people read, go
# into the variables of these names.
demonstrate_create() {
    local output
    local -n ret_id=$1 ret_port=$2
    show "dcm-submit create $IMAGE_NAME"
    output=$(submit "$DEMO" --timeout 120s create "$IMAGE_NAME") || die "the create failed"
    printf '%s\n' "$output"
    # shellcheck disable=SC2034 # the caller's variable
    ret_id=$(grep -Eom1 '^[0-9a-f]{64}$' <<<"$output") || die "no container id in that"
    ret_port=$(sed -nE "s/^ *ssh $DEMO@[0-9.]+ -p ([0-9]+)\$/\1/p" <<<"$output")
    [[ -n $ret_port ]] || die "no SSH port in that"
    demonstrate_note "$ret_port"
}

# The name of the container with this SSH port, for the tidying of a later run.
demonstrate_note() {
    submit "$DEMO" --json ps |
        jq -er --argjson port "$1" '.containers[] | select(.ssh_port == $port).name' \
            >>"$STATE/demonstrated"
}

# Every container of one user has one host key, so one alias knows them all.
demonstrate_ssh() {
    local account=$1 port=$2
    shift 2
    ssh -F none -i "$STATE/keys/$DEMO" -p "$port" -o IdentitiesOnly=yes -o BatchMode=yes \
        -o StrictHostKeyChecking=accept-new -o "UserKnownHostsFile=$STATE/keys/known_hosts" \
        -o "HostKeyAlias=${alias:-dcm-$DEMO}" -o ConnectTimeout=5 -o LogLevel=ERROR \
        "$account@127.0.0.1" "$@" </dev/null
}

demonstrate_login() {
    local id=$1 port=$2 account hostname
    for account in "$DEMO" root; do
        show "ssh -i .dcm/keys/$DEMO -p $port $account@127.0.0.1 'id -un; hostname'"
        wait_until 10 demonstrate_ssh "$account" "$port" true || die "no sign-in as $account"
        demonstrate_ssh "$account" "$port" 'id -un; hostname'
        hostname=$(demonstrate_ssh "$account" "$port" hostname)
        [[ $hostname == "${id:0:12}" ]] || die "$hostname is not the container ${id:0:12}"
        [[ $(demonstrate_ssh "$account" "$port" id -un) == "$account" ]] || die "not $account"
    done
}

# The name is the same in every run: the image of an earlier one is replaced.
demonstrate_image() {
    show "dcm-submit commit --replace $1 mine"
    submit "$DEMO" --timeout 120s commit --replace "$1" mine || die "the commit failed"
    show "dcm-submit images"
    submit "$DEMO" images
}

demonstrate_prompt() {
    local port alias=dcm-quickstart
    port=$(login_port)
    show "ssh -i .dcm/keys/$DEMO -p $port $DEMO@127.0.0.1 ps"
    demonstrate_ssh "$DEMO" "$port" ps ||
        die "no sign-in at the login sshd: see $STATE/log/login.log"
}

demonstrate_queue() {
    local request
    worker_stop
    show "dcm-submit --detach create $IMAGE_NAME      # dcm-worker is stopped"
    request=$(submit "$DEMO" --detach create "$IMAGE_NAME") || die "the request was not taken"
    printf '%s\n' "$request"
    demonstrate_state "$request" queued || die "the request is not queued"
    printf 'dcm-worker is started again\n'
    worker_start
    wait_until 60 demonstrate_state "$request" "done" || die "the request was not carried out"
    demonstrate_note "$(submit "$DEMO" --json status "$request" | jq .container.ssh_port)"
    show "dcm-submit ps"
    submit "$DEMO" ps
}

# demonstrate_state REQUEST STATE: is it that? Says so if it is.
demonstrate_state() {
    [[ $(submit "$DEMO" --json status "$1" | jq -r .state) == "$2" ]] || return 1
    printf 'request %s is %s\n' "${1: -12}" "$2"
}

demonstrate_summary() {
    cat <<TEXT
Sign in to the first container, as $DEMO or as root:
  ssh -i $STATE/keys/$DEMO -p $1 $DEMO@127.0.0.1
Sign in to this server for the prompt:
  ssh -i $STATE/keys/$DEMO -p $(login_port) $DEMO@127.0.0.1
Give commands as $DEMO (dcm-submit --help lists them):
  runuser -u $DEMO -- $PREFIX/bin/dcm-submit ps
More: ops/quickstart user NAME, ops/quickstart env, ops/quickstart down. Logs: $STATE/log
TEXT
}
