# shellcheck shell=bash
# Whose users' files are, on the host, depends on the engine: user namespaces (--userns-remap) move the
# ids of containers to some place of their own. Storage from before is moved after them.
#
# The trees are users'. As in storage.sh, find opens each folder beneath the last one, and chown is told
# a name in the folder that it is run in: no link leads it elsewhere. A run that was killed is run
# again: what it has moved is no longer among what is to be moved.

storage_shift() {
    local -a from to
    local count=${3:-65536} folder
    mapfile -t from < <(shift_ids "$1" "$count")
    mapfile -t to < <(shift_ids "$2" "$count")
    ((${#from[@]} == 2 && ${#to[@]} == 2)) || misuse "from $1 to $2: name ids as UID or UID:GID"
    if ! shift_is_apart "${from[0]}" "${to[0]}" "$count" || ! shift_is_apart "${from[1]}" "${to[1]}" "$count"; then
        misuse "from $1 to $2: ranges of $count ids overlap"
    fi
    [[ -z $(doctor_docker container ls --quiet --filter label=dcm.v=1 2>/dev/null) ]] ||
        fail 1 "users' containers are running: stop dcm-worker and them first"
    alone
    for folder in "${SETTINGS[storage]}"/*/{root,home}; do
        [[ ! -d $folder ]] || shift_tree "$folder"
    done
    [[ -z ${OPTIONS[json]:-} ]] ||
        jq -cn --arg from "$1" --arg to "$2" --argjson count "$count" '{from: $from, to: $to, count: $count}'
    tell "Storage of ids from $1 on now belongs to those from $2 on."
}

# shift_ids ID[:ID] COUNT: two numbers from which on there are as many ids; nothing for anything else.
shift_ids() {
    local number='(0|[1-9][0-9]{0,9})'
    [[ $2 =~ ^[1-9][0-9]{0,9}$ && $1 =~ ^$number(:$number)?$ ]] || return 0
    set -- "${BASH_REMATCH[1]}" "${BASH_REMATCH[3]:-${BASH_REMATCH[1]}}" "$2"
    (($1 + $3 > 4294967295 || $2 + $3 > 4294967295)) || printf '%s\n' "$1" "$2"
}

shift_is_apart() {
    (($1 + $3 <= $2 || $2 + $3 <= $1))
}

# shift_tree FOLDER, with storage_shift's from, to and count: an owner at a time, there are few.
shift_tree() {
    local id
    for id in $(find "$1" -xdev -printf '%U\n' | sort -nu); do
        ((id >= from[0] && id < from[0] + count)) || continue
        find "$1" -xdev -uid "$id" -execdir chown --no-dereference "$((id - from[0] + to[0]))" {} +
    done
    for id in $(find "$1" -xdev -printf '%G\n' | sort -nu); do
        ((id >= from[1] && id < from[1] + count)) || continue
        find "$1" -xdev -gid "$id" -execdir chgrp --no-dereference "$((id - from[1] + to[1]))" {} +
    done
}
