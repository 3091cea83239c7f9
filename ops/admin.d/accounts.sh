# shellcheck shell=bash
# Accounts of this host. Those that are ours carry a mark, and only they are ever deleted.

GROUP=dcm-users
MARK="DCM user"

account_exists() {
    getent passwd "$1" >/dev/null
}

account_is_ours() {
    [[ $(getent passwd "$1" | cut -d: -f5) == "$MARK" ]]
}

# root, daemon, …: no request and no policy makes one of these a user.
account_is_systems() {
    local uid
    uid=$(id -u "$1" 2>/dev/null) && ((uid < 1000))
}

account_shell() {
    if [[ -x $BIN/dcm-shell ]]; then printf '%s\n' "$BIN/dcm-shell"; else printf '/usr/sbin/nologin\n'; fi
}

# account_check NAME [UID]: may this become a user of DCM? Asked before anything is changed.
account_check() {
    local uid holder
    if uid=$(id -u "$1" 2>/dev/null); then
        ((uid >= 1000)) || fail 2 "$1 is an account of the system: choose another name"
        [[ -z $2 || $uid == "$2" ]] || fail 2 "$1 has the uid $uid already: leave --uid out"
    elif [[ -n $2 ]] && holder=$(getent passwd "$2" | cut -d: -f1) && [[ -n $holder ]]; then
        fail 2 "the uid $2 is $holder's: choose another --uid"
    fi
}

# account_ensure NAME [UID]: one that is there already is used as it is. "*" is no password, but
# unlike "!" does not lock the account for an sshd without PAM. The home is /, which is nobody's to
# write: the user's files are in the storage, and sshd complains of a home that is not there.
account_ensure() {
    getent group "$GROUP" >/dev/null || groupadd --system "$GROUP"
    account_exists "$1" ||
        useradd --no-create-home --home-dir / --shell "$(account_shell)" --user-group \
            --comment "$MARK" --password '*' ${2:+--uid "$2"} "$1"
    usermod --append --groups "$GROUP" "$1" >/dev/null
}

# Expiry refuses keys too; a locked password alone would not (usermod(8)). usermod says on standard
# output, which is ours, that it had nothing to do.
account_close() {
    ! account_exists "$1" || usermod --expiredate 1 "$1" >/dev/null
}

account_open() {
    ! account_exists "$1" || usermod --expiredate "" "$1" >/dev/null
}

# The user's processes on this host; those of the same uid in containers, which may be others',
# are in process namespaces of their own.
account_end_processes() {
    local uid
    uid=$(id -u "$1" 2>/dev/null) || return 0
    ((uid >= 1000)) || fail 1 "$1 is an account of the system"
    pkill -KILL --ns "$$" --nslist pid -U "$uid" || true
}

# --force: a process of this uid in somebody else's container is no reason to keep the account.
# Without --remove no file of the user's is touched.
account_remove() {
    account_exists "$1" || return 0
    if account_is_ours "$1"; then
        userdel --force "$1"
    else
        ! id -nG "$1" | grep -qw "$GROUP" || gpasswd --delete "$1" "$GROUP" >/dev/null
        printf 'dcm-admin: the account %s was there before DCM and stays, closed\n' "$1" >&2
    fi
}
