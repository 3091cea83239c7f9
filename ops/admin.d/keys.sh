# shellcheck shell=bash
# <keys>/<user>/authorized_keys, all root's. Containers have the folder mounted: a file renamed
# within it is theirs at once, where a folder put in its place would never reach them.

# keys_checked FILE: its keys, one a line; fails where a line is none, as in a private key.
keys_checked() {
    local line found=
    [[ -f $1 && -r $1 ]] || fail 2 "$1 cannot be read: name a file of public keys"
    while IFS= read -r line || [[ -n $line ]]; do
        [[ ! $line =~ ^[[:space:]]*(#|$) ]] || continue
        ssh-keygen -l -f - <<<"$line" >/dev/null 2>&1 ||
            fail 2 "$1: not every line is a public key"
        printf '%s\n' "$line"
        found=1
    done <"$1"
    [[ -n $found ]] || fail 2 "$1: no public key is in there"
}

keys_file() {
    printf '%s/%s/authorized_keys\n' "${SETTINGS[keys]}" "$1"
}

# keys_merge USER KEYS: those it lacks are added.
keys_merge() {
    local file
    file=$(keys_file "$1")
    install -d -m 755 -o root -g root "${SETTINGS[keys]}" "${SETTINGS[keys]}/$1"
    { cat "$file" 2>/dev/null || true; printf '%s\n' "$2"; } | awk '!seen[$0]++' | replace "$file"
}

keys_need() {
    check_name "$1"
    [[ -e $(keys_file "$1") ]] || fail 4 "$1 has no keys here"
}

key_add() {
    local added
    keys_need "$1"
    added=$(keys_checked "$2")
    alone
    keys_merge "$1" "$added"
    key_list "$1"
}

# By the type and the key alone: comments and options may differ.
key_remove() {
    local name=$1 file line kept="" print drop found=
    keys_need "$name"
    file=$(keys_file "$name")
    if [[ $2 =~ ^SHA256:[A-Za-z0-9+/]{43}$ ]]; then drop=$2; else
        drop=$(keys_checked "$2")
        drop=$(key_prints <<<"$drop")
    fi
    alone
    while IFS= read -r line; do
        print=$(key_prints <<<"$line")
        if grep -qxF -- "$print" <<<"$drop"; then found=1; else kept+=$line$'\n'; fi
    done <"$file"
    [[ -n $found ]] || fail 4 "$name has no such key: see user key list $name"
    printf '%s' "$kept" | replace "$file"
    key_list "$name"
}

# Keys to fingerprints, a line each.
key_prints() {
    ssh-keygen -l -f - | awk '{ print $2 }'
}

key_list() {
    local listed=
    keys_need "$1"
    [[ ! -s $(keys_file "$1") ]] || listed=$(ssh-keygen -l -f "$(keys_file "$1")")
    if [[ -z ${OPTIONS[json]:-} ]]; then
        [[ -z $listed ]] || printf '%s\n' "$listed"
    else
        awk 'NF { print $2 }' <<<"$listed" | jq -nR --arg name "$1" '{user: $name, keys: [inputs]}'
    fi
}
