# shellcheck shell=bash
# admin.conf: `name = value` lines, as the other programs' files. And how a failure is told.

declare -A SETTINGS

# fail STATUS WORDS…: 1 failed, 2 usage or a faulty file, 4 no such user.
fail() {
    local status=$1
    shift
    printf 'dcm-admin: %s\n' "$*" >&2
    exit "$status"
}

misuse() {
    fail 2 "$*: see --help"
}

tell() {
    [[ -n ${OPTIONS[json]:-} ]] || printf '%s\n' "$*"
}

settings_read() {
    local file=$1 line name
    SETTINGS=([keys]=$CONFIG_DIRECTORY/keys [storage]=/var/lib/dcm/storage
        [policy]=$CONFIG_DIRECTORY/policy.json [broker]="" [store]="" [worker_pid]="")
    [[ -r $file ]] || fail 2 "$file cannot be read"
    # It holds passwords, and who writes it decides what root does.
    [[ -z $(find -L "$file" \( ! -user root -o -perm /037 \) -print) ]] ||
        fail 2 "$file must be root's, and nobody else's to read or write"
    while IFS= read -r line || [[ -n $line ]]; do
        [[ ! $line =~ ^[[:space:]]*(#|$) ]] || continue
        [[ $line =~ ^[[:space:]]*([a-z_]+)[[:space:]]*=[[:space:]]*(.*[^[:space:]])?[[:space:]]*$ ]] ||
            fail 2 "$file: '$line' is not 'name = value'"
        name=${BASH_REMATCH[1]}
        [[ -v SETTINGS[$name] ]] || fail 2 "$file: there is no setting '$name'"
        SETTINGS[$name]=${BASH_REMATCH[2]}
    done <"$file"
}

# One administrator at a time: a lock on the folder of the policy, which needs no file of its own.
alone() {
    exec 9<"$(dirname "${SETTINGS[policy]}")"
    flock --timeout 60 9 || fail 1 "another dcm-admin is at work"
}

# Names end up in paths, patterns and command lines: nothing else than these letters may.
check_name() {
    [[ $1 =~ ^[a-z][a-z0-9]*([_-][a-z0-9]+)*$ && ${#1} -le 31 ]] ||
        fail 2 "$1 cannot be a user of DCM: lower-case letters and digits, at most 31"
}

# replace FILE: what comes on standard input becomes its content, whole and on disk, or not at all.
replace() {
    local next
    next=$(dirname "$1")/.$(basename "$1").new
    cat >"$next"
    chmod 644 "$next"
    sync "$next"
    mv -fT "$next" "$1"
    sync "$(dirname "$1")"
}
