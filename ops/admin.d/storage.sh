# shellcheck shell=bash
# Users' storage. It is made by the worker, with a user's first container; here it is only measured,
# saved and removed.
#
# Removing a tree that a user has written is safe because: the user has no process and no container
# left that could change it; its name is changed in a folder that only root can write, so that
# nothing new comes to stand in it; and rm and tar open each folder beneath the last one and follow
# no symbolic link, nor with --one-file-system any mount.

storage_of() {
    printf '%s/%s\n' "${SETTINGS[storage]}" "$1"
}

# No user's name begins with a dot.
storage_aside() {
    printf '%s/.removing.%s\n' "${SETTINGS[storage]}" "$1"
}

storage_bytes() {
    local where
    where=$(storage_of "$1")
    [[ -d $where ]] || where=$(storage_aside "$1")
    [[ -d $where ]] || { printf '0\n' && return; }
    { du -s -B1 --one-file-system "$where" 2>/dev/null || true; } | cut -f1
}

# storage_remove USER [ARCHIVE]: what was set aside already and has its archive was being removed
# when an earlier run ended, and is not saved again.
storage_remove() {
    local own aside archive=${2:-}
    own=$(storage_of "$1") aside=$(storage_aside "$1")
    if [[ -d $own && ! -d $aside ]]; then mv -T "$own" "$aside"; fi
    [[ -d $aside ]] || return 0
    if [[ -n $archive && ! -e $archive ]]; then
        (umask 077 && tar --create --numeric-owner --one-file-system --file "$archive.part" \
            --directory "${SETTINGS[storage]}" --transform "s|^\.removing\.$1|$1|SH" ".removing.$1")
        sync "$archive.part"
        mv -T "$archive.part" "$archive"
    fi
    rm -rf --one-file-system -- "$aside"
}
