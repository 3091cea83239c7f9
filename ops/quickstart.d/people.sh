# shellcheck shell=bash
# Accounts on this machine: the programs' own, and the demo users with their SSH keys.

people_own() {
    getent passwd "$ACCOUNT" >/dev/null ||
        useradd --system --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin \
            --comment "$COMMENT" "$ACCOUNT"
}

# people_add NAME: the account (one that exists is used as it is), its key in .dcm/keys, and that
# key where the worker takes it from: root's folder, which containers mount read-only.
people_add() {
    local name=$1
    [[ $name =~ ^[a-z][a-z0-9]*([_-][a-z0-9]+)*$ && ${#name} -le 31 ]] ||
        die "$name cannot be a user of DCM: lower-case letters and digits, at most 31"
    people_own
    getent passwd "$name" >/dev/null ||
        useradd --no-create-home --home-dir / --comment "$COMMENT" "$name"
    login_group
    login_admit "$name"
    (($(id -u "$name") >= 1000)) || die "$name is an account of the system"
    [[ -s $STATE/keys/$name ]] ||
        ssh-keygen -q -t ed25519 -N '' -C "$name, DCM quickstart" -f "$STATE/keys/$name"
    install -d -m 755 "$DATA/keys" "$DATA/keys/$name"
    install -m 644 "$STATE/keys/$name.pub" "$DATA/keys/$name/authorized_keys"
}

# Every demo user has a key.
people_names() {
    find "$DATA/keys" -mindepth 1 -maxdepth 1 -type d -printf '%f\n' | sort
}

# people_remove: the accounts that are ours by their comment, and no others.
people_remove() {
    local name
    while read -r name; do
        userdel "$name" 2>/dev/null || say "the account $name could not be removed"
    done < <(getent passwd | awk -F: -v comment="$COMMENT" '$5 == comment { print $1 }')
}
