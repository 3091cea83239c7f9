# shellcheck shell=bash
# A user who moves to another server: one archive has the account's facts, keys, place in the policy, storage and images.
#
# What a user has planted in his storage leads nowhere. It is saved while nothing of his runs, and links as links (storage.sh).
# It is taken out again in a folder that only root enters, where tar sets links that point upwards or to the root last of all; the
# tree then gets its place by renaming. The archive decides what root does, and so has to be root's alone.

# user_export NAME FILE
user_export() {
    local name=$1 archive
    user_need "$name"
    store_need
    transfer_need_engine
    alone
    transfer_is_still "$name" || fail 1 "what is saved must not change meanwhile: user suspend $name first"
    [[ ! -e $(storage_aside "$name") ]] || fail 1 "$name is being removed"
    archive=$(archive_checked "$2" "$name")
    transfer_write "$name" "$archive"
    user_print "$name"
}

# One that does not answer looks like one without user namespaces.
transfer_need_engine() {
    doctor_docker info >/dev/null 2>&1 || fail 1 "no Docker engine answers at $(engine_host): see doctor"
}

# Suspended, and nothing of his runs.
transfer_is_still() {
    # shellcheck disable=SC2016 # jq's variable
    policy_read -e --arg user "$1" '.suspended // [] | index($user)' >/dev/null &&
        ! containers_of "$1" | jq -es 'any(.[]; .state != "stopped")' >/dev/null
}

# transfer_write NAME ARCHIVE
transfer_write() (
    local parts=$2.parts
    rm -rf -- "$parts"
    trap 'rm -rf -- "$parts"' EXIT
    (umask 077 && mkdir "$parts")
    transfer_facts "$1" >"$parts/user.json"
    { cat "$(keys_file "$1")" 2>/dev/null || true; } >"$parts/authorized_keys"
    transfer_save_images "$parts"
    archive_write "$2" --transform "s|^$1\(/\|\$\)|storage\1|S" --directory "$parts" . \
        --directory "${SETTINGS[storage]}" "$(storage_member "$1")"
)

# What tar is to save: users without a container have no storage yet.
storage_member() {
    if [[ -d $(storage_of "$1") ]]; then printf '%s\n' "$1"; else printf '%s\n' --files-from=/dev/null; fi
}

transfer_facts() {
    local images
    images=$(images_of "$1")
    # shellcheck disable=SC2016 # jq's variables
    user_facts "$1" | jq --argjson own "$(policy_read --arg user "$1" '.users[$user]')" --arg ids "$(engine_first_ids)" \
        --slurpfile images <(printf '%s' "$images") \
        '{v: 1, name, uid, groups, policy: $own, ids: $ids, images: [$images[] | {name, id}]}'
}

# By id: an archive of images with names would give these names to its images wherever it is loaded.
transfer_save_images() {
    local -a ids
    mapfile -t ids < <(jq -r '.images[].id' "$1/user.json")
    ((${#ids[@]} == 0)) || docker --host "$(engine_host)" save --output "$1/images.tar" "${ids[@]}" ||
        fail 1 "the Docker engine does not save the images"
}

# user_import FILE. A run that was killed is finished by another: the folder .importing.NAME is there until the end.
user_import() {
    local facts name arriving
    facts=$(transfer_read "$1")
    name=$(jq -r .name <<<"$facts")
    alone
    transfer_check "$name" "$facts"
    arriving=$(storage_arriving "$name")
    rm -rf --one-file-system -- "$arriving"
    mkdir -m 700 "$arriving"
    transfer_claim "$arriving/storage" "$facts"
    tar --extract --file "$1" --same-owner --numeric-owner --same-permissions --directory "$arriving"
    transfer_load_images "$name" "$arriving" "$facts"
    # Before there is an account whose owner could ask for a container, and so for storage.
    [[ ! -d $arriving/storage || -d $(storage_of "$name") ]] || mv -T "$arriving/storage" "$(storage_of "$name")"
    transfer_admit "$name" "$facts" "$arriving/authorized_keys"
    storage_bounds "$name"
    rm -rf --one-file-system -- "$arriving"
    user_print "$name"
}

# The facts, as JSON, once everything about them has been checked that needs no other server's word.
transfer_read() {
    local facts
    [[ -f $1 ]] || fail 2 "$1: no such file"
    if ! file_is_private "$1" || ! folders_are_roots "$(dirname "$(realpath -- "$1")")"; then
        fail 2 "$1 must be root's, and nobody else's to read or write, and so must be the way there"
    fi
    facts=$(tar --extract --to-stdout --file "$1" ./user.json 2>/dev/null | jq -ce 'select(.v == 1
        and ([.name, .ids] | all(type == "string")) and (.uid | type == "number" and . >= 1000)
        and ([.groups, .images] | all(type == "array")))') || fail 2 "$1 is no archive that user export has written"
    check_name "$(jq -r .name <<<"$facts")"
    printf '%s\n' "$facts"
}

# transfer_check NAME FACTS: is there room for him here? Asked before anything is changed.
transfer_check() {
    local group
    [[ ! -e $(storage_aside "$1") ]] || fail 1 "an earlier $1 is being removed: finish with user remove $1 --yes"
    [[ ! -e $(storage_of "$1") || -e $(storage_arriving "$1") ]] ||
        fail 1 "there is storage of a user $1 here already: if that is somebody else, choose another server"
    account_check "$1" "$(jq .uid <<<"$2")"
    transfer_need_engine
    [[ $(jq -r .ids <<<"$2") == "$(engine_first_ids)" ]] ||
        fail 1 "the engine of the other server maps ids otherwise: storage shift there, before user export"
    policy_version "${SETTINGS[policy]}" >/dev/null || exit 1
    for group in $(jq -r '.groups[]' <<<"$2"); do
        # shellcheck disable=SC2016
        policy_read -e --arg group "$group" '.groups[$group]' >/dev/null ||
            fail 2 "the policy here has no group $group: make it first"
    done
}

# Where an import puts what it has not finished with. No user's name begins with a dot.
storage_arriving() {
    printf '%s/.importing.%s\n' "${SETTINGS[storage]}" "$1"
}

# transfer_claim FOLDER FACTS: what is taken out in a folder of a project is of it from its first byte on. Also where the policy sets
# no bound: a later one then counts all of it.
transfer_claim() {
    storage_look
    ! storage_has_projects || storage_claim "$1" "$(jq '.policy.uid // .uid' <<<"$2")"
}

# transfer_admit NAME FACTS KEYS
transfer_admit() {
    local keys=""
    [[ ! -s $3 ]] || keys=$(keys_checked "$3")
    account_ensure "$1" "$(jq .uid <<<"$2")"
    [[ ! $keys ]] || keys_merge "$1" "$keys"
    # shellcheck disable=SC2016 # jq's variables
    policy_edit "$1" "$(jq -r '"\(.groups) as $groups | \(.policy) as $own"' <<<"$2")"'
        | reduce $groups[] as $name (.; .groups[$name].members |= (. // [] | if index($user) then . else . + [$user] end))
        | if $own then .users[$user] = $own else . end'
}

# transfer_load_images NAME FOLDER FACTS: each by the name it had, signed for this server's engine.
transfer_load_images() {
    local image id
    [[ -e $2/images.tar ]] || return 0
    mkdir "$2/images"
    tar --extract --file "$2/images.tar" --no-same-owner --directory "$2/images"
    while IFS=$'\t' read -r image id; do
        transfer_load_image "$1" "$2" "$image" "${id#sha256:}" </dev/null
    done < <(jq -r '.images[] | [.name, .id] | @tsv' <<<"$3")
}

# Labels are part of an image's description, which is a file: it is written anew, and the layers are the same.
transfer_load_image() {
    local name=$1 from=$2/images one=$2/one engine_name=dcm.local/$1/$3 entry labels
    ! doctor_docker image inspect "$engine_name" >/dev/null 2>&1 || return 0
    # shellcheck disable=SC2016 # jq's variables
    entry=$(jq -ce --arg id "$4" '.[] | select(.Config | contains($id))' "$from/manifest.json") ||
        fail 2 "the image $3 is not in the archive"
    labels=$("$SBIN/dcm-worker" --config "${SETTINGS[worker_conf]}" --sign-image "$name" "$3") ||
        fail 1 "the image $3 cannot be signed"
    mkdir -p "$one"
    # shellcheck disable=SC2016
    jq -c --argjson labels "$labels" '.config.Labels |=
        ((. // {} | with_entries(select(.key | startswith("dcm.") | not))) + $labels)' \
        "$from/$(jq -r .Config <<<"$entry")" >"$one/config.json"
    # shellcheck disable=SC2016
    jq -c --arg name "$engine_name" '[{Config: "config.json", RepoTags: [$name], Layers}]' <<<"$entry" >"$one/manifest.json"
    # Where two images share a layer, the engine writes a link in the place of the second.
    jq -r '.Layers[]' <<<"$entry" |
        tar --create --dereference --directory "$one" manifest.json config.json --directory "$from" --files-from - |
        docker --host "$(engine_host)" load --quiet >/dev/null || fail 1 "the Docker engine does not load the image $3"
}
