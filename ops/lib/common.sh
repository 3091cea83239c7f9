# shellcheck shell=bash
# What every script of ops/ and tests/ stands on: messages, waiting, secrets, free ports.
#
# These files are sourced by scripts that run with `set -euo pipefail`. A stack's state folder is
# the first argument wherever one is needed; nothing here keeps state in shell variables.

say() {
    printf '%s\n' "$*" >&2
}

die() {
    say "$(basename "$0"): $*"
    exit 1
}

require_root() {
    ((EUID == 0)) || die "run this as root: it starts services and containers"
}

# wait_until SECONDS COMMAND…: repeat a command until it succeeds.
wait_until() {
    local deadline=$((SECONDS + $1))
    shift
    until "$@"; do
        ((SECONDS < deadline)) || return 1
        sleep 0.1
    done
}

# secret FILE: make a random secret of 256 bits in a file that only we can read, once: 64 hex digits
# and no newline, so that it can be fed to a hash as it is.
secret() {
    [[ ! -s $1 ]] || return 0
    (
        umask 077
        mkdir -p "$(dirname "$1")"
        od -An -N32 -tx1 /dev/urandom | tr -d ' \n' >"$1.new"
        mv "$1.new" "$1"
    )
}

port_is_open() {
    (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null
}

# chosen_port STATE NAME: the loopback port of a service, drawn once and kept over restarts in
# <state>/ports; from below the kernel's ephemeral range and beside that of users' containers.
chosen_port() {
    local ports=$1/ports port
    touch "$ports"
    port=$(awk -v name="$2" '$1 == name { print $2 }' "$ports")
    if [[ -z $port ]]; then
        while port=$((30000 + RANDOM % 2500)) &&
            { port_is_open "$port" || grep -q " $port\$" "$ports"; }; do :; done
        printf '%s %s\n' "$2" "$port" >>"$ports"
    fi
    printf '%s\n' "$port"
}
