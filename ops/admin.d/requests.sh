# shellcheck shell=bash
# What is the worker's to do, asked through dcm-submit in a user's name. The policy has to let the
# account of `broker` in admin.conf speak for everybody: "publishers":{"dcm-admin":{"users":["*"]}}.

# submit_as USER ARG…: the credentials travel in a pipe, not on a command line.
submit_as() {
    local user=$1
    shift
    [[ -n ${SETTINGS[broker]} && -n ${SETTINGS[store]} ]] ||
        fail 2 "${OPTIONS[config]}: broker and store are needed for that"
    "$BIN/dcm-submit" --config <(printf 'broker = %s\nstore = %s\n' "${SETTINGS[broker]}" \
        "${SETTINGS[store]}" && settings_of_tls) --as "$user" "$@"
}

# containers_of USER: JSON, one container a line.
containers_of() {
    local listed
    listed=$(submit_as "$1" --json ps) || fail 1 "the containers of $1 cannot be listed"
    jq -c --arg user "$1" '.containers[] | {user: $user} + .' <<<"$listed"
}

# limits_of USER: JSON, what the user may do and has used: {"suspended","grants"}.
limits_of() {
    local listed
    listed=$(submit_as "$1" --json limits) || fail 1 "the limits of $1 cannot be read"
    jq -c .limits <<<"$listed"
}

# settle_containers USER FILTER COMMAND…: repeat the command on those that the filter picks until
# there are none: a request of the user's own may have been under way.
settle_containers() {
    local user=$1 filter=$2 try listed
    local -a names
    shift 2
    for try in 1 2 3 4 5; do
        listed=$(containers_of "$user")
        mapfile -t names < <(jq -r "select($filter).name" <<<"$listed")
        ((${#names[@]})) || return 0
        ((try == 1)) || sleep 1
        submit_as "$user" --timeout 120s "$@" "${names[@]}" >/dev/null || true
    done
    listed=$(containers_of "$user")
    [[ -z $(jq -r "select($filter).name" <<<"$listed") ]] ||
        fail 1 "containers of $user are left: is the worker running? Then run this again"
}

# settle_requests USER: wait for what the user has asked and no worker has begun, which would leave its
# record behind. It is refused by then. What stays longer may have been taken out of the queue.
settle_requests() {
    local try listed
    for try in {1..20}; do
        ((try == 1)) || sleep 0.5
        # What a publisher of the user's has put in the list's place goes with all the rest.
        listed=$(submit_as "$1" --json jobs) || break
        jq -e '.jobs | any(.state == "queued") | not' <<<"$listed" >/dev/null && return
    done
    printf 'dcm-admin: requests of %s may still be in the queue: run this again to remove what they leave\n' "$1" >&2
}

# images_of USER: JSON, the user's own images, one a line.
images_of() {
    local listed
    listed=$(submit_as "$1" --json images) || fail 1 "the images of $1 cannot be listed"
    # shellcheck disable=SC2016 # jq's variable
    jq -c --arg user "$1" '.images[] | select(.owner == $user)' <<<"$listed"
}

# settle_images USER: the same as above for the user's own images.
settle_images() {
    local try listed
    local -a names
    for try in 1 2 3; do
        listed=$(images_of "$1")
        mapfile -t names < <(jq -r '.name // empty' <<<"$listed")
        ((${#names[@]})) || return 0
        ((try == 1)) || sleep 1
        submit_as "$1" --timeout 120s rmi -- "${names[@]}" >/dev/null || true
    done
    [[ -z $(images_of "$1") ]] ||
        fail 1 "images of $1 are left: is the worker running? Then run this again"
}

container_stop() {
    user_need "$1"
    submit_as "$1" ${OPTIONS[json]:+--json} stop -- "$2"
}

container_remove() {
    user_need "$1"
    submit_as "$1" ${OPTIONS[json]:+--json} remove --force -- "$2"
}
