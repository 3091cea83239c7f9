# shellcheck shell=bash
# Daemons without systemd: started in a session of their own, known by a pid file, and ended only
# when that pid still is the process that was started.
#
# <state>/run/<name>.pid holds "pid starttime boot-id": after a reboot or a crash the number alone
# may belong to somebody else. The output goes to <state>/log/<name>.log.

# "starttime boot-id" of a process, from field 22 of proc(5)'s stat; fails for one that is gone or a
# zombie.
process_birth() {
    local stat boot
    { read -r stat <"/proc/$1/stat"; } 2>/dev/null || return 1
    read -r boot </proc/sys/kernel/random/boot_id
    # The command's name, in parentheses, may hold spaces and parentheses itself.
    local -a fields
    read -ra fields <<<"${stat##*) }"
    [[ ${fields[0]} != [ZX] ]] || return 1
    printf '%s %s\n' "${fields[19]}" "$boot"
}

# process_pid STATE NAME: the pid, if the process that we started is still there.
process_pid() {
    local pid birth
    { read -r pid birth <"$1/run/$2.pid"; } 2>/dev/null || return 1
    [[ $(process_birth "$pid") == "$birth" ]] || return 1
    printf '%s\n' "$pid"
}

process_alive() {
    process_pid "$1" "$2" >/dev/null
}

# process_start STATE NAME COMMAND…: does nothing when it runs already.
process_start() {
    local state=$1 name=$2 pid
    shift 2
    ! process_alive "$state" "$name" || return 0
    mkdir -p "$state/run" "$state/log"
    # Descriptor 9 is the lock of the script that started us: a daemon must not inherit it.
    setsid -- "$@" </dev/null >>"$state/log/$name.log" 2>&1 9>&- &
    pid=$!
    disown "$pid"
    printf '%s %s\n' "$pid" "$(process_birth "$pid")" >"$state/run/$name.pid"
}

# process_stop STATE NAME [SECONDS]: ask, wait, and in the end kill its whole process group.
process_stop() {
    local state=$1 name=$2 patience=${3:-20} pid
    if pid=$(process_pid "$state" "$name"); then
        kill -TERM "$pid" 2>/dev/null || true
        wait_until "$patience" process_gone "$state" "$name" ||
            kill -KILL -- "-$pid" 2>/dev/null || kill -KILL "$pid" 2>/dev/null || true
        wait_until 5 process_gone "$state" "$name" || say "process $name ($pid) does not end"
    fi
    rm -f "$state/run/$name.pid"
}

process_gone() {
    ! process_alive "$1" "$2"
}

# process_log STATE NAME: the end of its log, for the message that says it did not start.
process_log() {
    tail -n 20 "$1/log/$2.log" >&2 2>/dev/null || true
}
