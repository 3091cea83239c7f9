# shellcheck shell=bash
# admin.conf: `name = value` lines, as the other programs' files. And how a failure is told.

declare -A SETTINGS
STORE_URL='^rediss?://([^:@/]*):([^@/]*)@([^:/]+)(:([0-9]+))?(/([0-9]+))?$'

# fail STATUS WORDS…: 1 failed, 2 usage or a faulty file, 4 no such user. One line, whatever was
# given to us is in it.
fail() {
    local status=$1 text
    shift
    text=$*
    printf 'dcm-admin: %s\n' "${text//[[:cntrl:]]/?}" >&2
    exit "$status"
}

misuse() {
    fail 2 "$*: see --help"
}

tell() {
    [[ -n ${OPTIONS[json]:-} ]] || printf '%s\n' "$*"
}

settings_read() {
    local file=$1
    SETTINGS=([keys]=$CONFIG_DIRECTORY/keys [storage]=/var/lib/dcm/storage
        [policy]=$CONFIG_DIRECTORY/policy.json [broker]="" [store]="" [worker_pid]="" [patience]=30
        [rabbitmqctl]=rabbitmqctl [tls_ca]="" [tls_certificate]="" [tls_key]=""
        [worker_conf]=$CONFIG_DIRECTORY/worker.conf [gate_conf]=$CONFIG_DIRECTORY/gate.conf)
    [[ -f $file && -r $file ]] || fail 2 "$file cannot be read"
    # It holds passwords, and who writes it decides what root does.
    file_is_private "$file" || fail 2 "$file must be root's, and nobody else's to read or write"
    settings_lines "$file" SETTINGS known
    [[ ${SETTINGS[patience]} =~ ^[1-9][0-9]{0,3}$ ]] || fail 2 "$file: patience is a number of seconds"
    [[ ! ${SETTINGS[store]} || ${SETTINGS[store]} =~ $STORE_URL ]] ||
        fail 2 "$file: store is not redis://account:password@host:port/0"
}

file_is_private() {
    [[ -z $(find -L "$1" -maxdepth 0 \( ! -user root -o -perm /037 \) -print) ]]
}

# settings_lines FILE ARRAY [known]: its settings go into the array; with "known" no others than
# those that are in there.
settings_lines() {
    local line name
    local -n into=$2
    while IFS= read -r line || [[ -n $line ]]; do
        [[ ! $line =~ ^[[:space:]]*(#|$) ]] || continue
        [[ $line =~ ^[[:space:]]*([a-z_]+)[[:space:]]*=[[:space:]]*(.*[^[:space:]])?[[:space:]]*$ ]] ||
            fail 2 "$1: '$line' is not 'name = value'"
        name=${BASH_REMATCH[1]}
        [[ -z ${3:-} || -v into[$name] ]] || fail 2 "$1: there is no setting '$name'"
        # shellcheck disable=SC2004,SC2034 # the caller's array, by name
        into[$name]=${BASH_REMATCH[2]}
    done <"$1"
}

# settings_of_tls: the lines for programs of ours that reach broker and store as dcm-admin does.
settings_of_tls() {
    local name
    for name in tls_ca tls_certificate tls_key; do
        [[ -z ${SETTINGS[$name]} ]] || printf '%s = %s\n' "$name" "${SETTINGS[$name]}"
    done
}

# worker_setting NAME FALLBACK: of this host's worker, as its own file has it.
worker_setting() {
    local -A worker=()
    [[ ! -r ${SETTINGS[worker_conf]} ]] || settings_lines "${SETTINGS[worker_conf]}" worker
    printf '%s\n' "${worker[$1]:-$2}"
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

# replace FILE [MODE]: what comes on standard input becomes its content, whole and on disk, or not
# at all.
replace() {
    local next
    next=$(dirname "$1")/.$(basename "$1").new
    rm -f "$next" # and its mode
    cat >"$next"
    chmod "${2:-644}" "$next"
    sync "$next"
    mv -fT "$next" "$1"
    sync "$(dirname "$1")"
}
