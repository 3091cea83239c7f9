# shellcheck shell=bash
# The keys that sign DCM's labels on containers, images and networks (worker/labels.h): the first of
# the file signs, all of them verify. Without its key DCM no longer knows a thing as its own.

KEYRING_LINE='^([a-z0-9]{1,16}):([0-9a-fA-F]{2}){32,128}$'
KEYRING_MOST=16
# Behind it stands the key that rotate has added, until every process knows it.
KEYRING_NEXT='# next:'

keyring_file() {
    worker_setting keyring "$CONFIG_DIRECTORY/keyring"
}

# Their ids, the one that signs first, a line each.
keyring_ids() {
    local line file
    file=$(keyring_file)
    [[ -f $file ]] || fail 2 "$file: no such file"
    while IFS= read -r line || [[ -n $line ]]; do
        [[ $line && $line != \#* ]] || continue
        [[ $line =~ $KEYRING_LINE ]] || fail 2 "$file holds a line that is no key"
        printf '%s\n' "${BASH_REMATCH[1]}"
    done <"$file"
}

# What comes on standard input becomes the keyring. Nobody may read it.
keyring_replace() {
    (umask 077 && replace "$(keyring_file)" 600)
}

# The same, and the worker has read it.
keyring_put() {
    keyring_replace
    keyring_tell
}

keyring_tell() {
    worker_reload keyring "$(keyring_ids | xargs)"
}

# "KIND KEY NAME" of each thing of the engine's that has a mark, whoever made that.
keyring_marks() {
    local kind
    for kind in container image network; do
        keyring_marked "$kind" || fail 1 "the Docker engine does not answer: it knows what was signed by which key"
    done
}

keyring_marked() {
    local listed labels=.Labels name=.Name
    local -a ids
    case $1 in
    container) listed=$(doctor_docker container ls --all --quiet --no-trunc --filter label=dcm.mac 2>/dev/null) labels=.Config.Labels ;;
    image) listed=$(doctor_docker image ls --all --quiet --no-trunc --filter label=dcm.mac 2>/dev/null) labels=.Config.Labels name='join .RepoTags " "' ;;
    network) listed=$(doctor_docker network ls --quiet --no-trunc --filter label=dcm.mac 2>/dev/null) ;;
    esac || return 1
    mapfile -t ids < <(sort -u <<<"$listed")
    [[ $listed ]] || return 0
    # What has gone meanwhile has no mark any more.
    { doctor_docker "$1" inspect --format "{{index $labels \"dcm.mac\"}} {{$name}}" "${ids[@]}" 2>/dev/null || true; } |
        sed -nE "s|^([a-z0-9]{1,16}):[0-9a-f]+ /?(.*)|$1 \1 \2|p"
}

# {"id","use","containers","images","networks"}, a line each.
keyring_facts() {
    local ids marks
    ids=$(keyring_ids) || return
    marks=$(keyring_marks) || return
    jq -nc --arg ids "$ids" --arg marks "$marks" '
        [$marks | split("\n")[] | split(" ")] as $marks
        | def signed($id; $kind): [$marks[] | select(.[0] == $kind and .[1] == $id)] | length;
        $ids | split("\n") | to_entries[] | .value as $id
        | {id: $id, use: (if .key == 0 then "signs" else "verifies" end),
            containers: signed($id; "container"), images: signed($id; "image"), networks: signed($id; "network")}'
}

keyring_list() {
    local facts
    facts=$(keyring_facts)
    if [[ -n ${OPTIONS[json]:-} ]]; then
        jq -sc '{keys: .}' <<<"$facts"
    else
        jq -r '[.id, .use, .containers, .images, .networks] | @tsv' <<<"$facts" |
            { printf 'KEY\tUSE\tCONTAINERS\tIMAGES\tNETWORKS\n' && cat; } | column -t -s $'\t'
    fi
}

# A line of the keyring that there is not yet: named by the second.
keyring_make() {
    local id key
    while id=$(date -u +%Y%m%d%H%M%S) && keyring_ids | grep -qxF "$id"; do sleep 0.2; done
    key=$(od -An -N32 -v -tx1 /dev/urandom | tr -d ' \n')
    ((${#key} == 64)) || fail 1 "there are no random numbers here"
    printf '%s:%s\n' "$id" "$key"
}

# In two steps: no process signs with a key before every one verifies by it. The mark goes when both
# are done: until then a run that was killed is finished by the next, and makes no key of its own.
keyring_rotate() {
    local file next made
    alone
    file=$(keyring_file)
    next=$(sed -n "s/^$KEYRING_NEXT *//p" "$file")
    if [[ ! $next ]]; then
        (($(keyring_ids | wc -l) < KEYRING_MOST)) || fail 1 "there are $KEYRING_MOST keys: retire one first (keyring list)"
        made=$(keyring_make)
        next=${made%%:*}
        { cat "$file" && printf '%s %s\n%s\n' "$KEYRING_NEXT" "$next" "$made"; } | keyring_put
    else
        keyring_tell
    fi
    { grep "^$next:" "$file" && grep -v "^$next:" "$file"; } | keyring_put
    grep -v "^$KEYRING_NEXT" "$file" | keyring_replace
    keyring_list
}

# What it has signed would be nobody's: never touched again, and never used. The worker is told also
# where there is no such key: an earlier run may have been killed between the two.
keyring_retire() {
    local file ids held
    alone
    file=$(keyring_file)
    ids=$(keyring_ids)
    grep -qxF -- "$1" <<<"$ids" || { keyring_tell && fail 4 "there is no key $1: see keyring list"; }
    [[ $1 != "${ids%%$'\n'*}" ]] || fail 1 "$1 is the key that signs: keyring rotate makes another one first"
    held=$(keyring_marks | awk -v key="$1" '$2 == key { $2 = ""; print }' | tr -s ' ' | paste -sd , | sed 's/,/, /g')
    [[ ! $held || -n ${OPTIONS[yes]:-} ]] ||
        fail 1 "$1 has signed $held: recreate or remove these first; with --yes they stay as they are and are nobody's"
    grep -v "^$1:" "$file" | keyring_put
    keyring_list
}
