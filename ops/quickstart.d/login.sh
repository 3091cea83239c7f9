# shellcheck shell=bash
# An sshd of the stack's own, on loopback, behind which its users get dcm-shell: what ops/sshd/dcm.conf
# is for, with the quickstart's paths.

LOGIN_GROUP=dcm-users # as dcm.conf and dcm-admin have it

# Whose group it is decides whether `down` may delete it.
login_group() {
    getent group "$LOGIN_GROUP" >/dev/null || {
        groupadd --system "$LOGIN_GROUP"
        touch "$DATA/group-is-ours"
    }
}

# login_admit NAME: only accounts that are ours become logins. "*" is no password, but unlike "!"
# does not lock the account for an sshd without PAM.
login_admit() {
    [[ $(getent passwd "$1" | cut -d: -f5) == "$COMMENT" ]] || return 0
    usermod --shell "$PREFIX/bin/dcm-shell" --home / --password '*' \
        --append --groups "$LOGIN_GROUP" "$1"
}

login_configure() {
    local host_key=$STATE/secrets/login_host_key
    [[ -s $host_key ]] || ssh-keygen -q -t ed25519 -N '' -C 'DCM quickstart' -f "$host_key"
    sed -e "s|/usr/local/bin/dcm-shell|$PREFIX/bin/dcm-shell|" -e "s|/etc/dcm/keys|$DATA/keys|" \
        "$CHECKOUT/ops/sshd/dcm.conf" >"$CONFIG/sshd-users.conf"
    cat >"$CONFIG/sshd.conf" <<CONF
Include $CONFIG/sshd-users.conf
ListenAddress 127.0.0.1:$(login_port)
HostKey $host_key
PidFile none
AllowGroups $LOGIN_GROUP
PasswordAuthentication no
SetEnv DCM_GATE=$RUN/gate.sock
Subsystem sftp /usr/lib/openssh/sftp-server
CONF
}

login_port() {
    chosen_port "$STATE" login
}

login_start() {
    login_configure
    install -d -m 755 /run/sshd
    process_stop "$STATE" login 5
    process_start "$STATE" login /usr/sbin/sshd -D -e -f "$CONFIG/sshd.conf"
    wait_until 10 port_is_open "$(login_port)" ||
        { process_log "$STATE" login && die "the login sshd does not start"; }
}

login_remove() {
    process_stop "$STATE" login 5
    [[ ! -e $DATA/group-is-ours ]] || groupdel "$LOGIN_GROUP" 2>/dev/null ||
        say "the group $LOGIN_GROUP could not be removed"
}
