# shellcheck shell=bash
# Users' storage. It is made by the worker, with a user's first container; here it is only measured,
# saved and removed.
#
# Removing a tree that a user has written is safe because: the user has no process and no container
# left that could change it; its name is changed in a folder that only root can write, so that
# nothing new comes to stand in it; and find and tar open each folder beneath the last one and follow
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

# archive_checked FILE USER: where the archive goes. Only root may be able to change what is on the
# way there: else a link that somebody puts in its place decides which file root writes.
archive_checked() {
    local archive folder
    archive=$(realpath -m -- "$1")
    folder=$(dirname "$archive")
    [[ -d $folder ]] || fail 2 "there is no folder $folder"
    folders_are_roots "$folder" || fail 2 "others than root can write on the way to $folder"
    # One whose storage is set aside has been saved already, and is being removed.
    [[ ! -e $archive || -e $(storage_aside "$2") ]] || fail 2 "$archive exists already"
    printf '%s\n' "$archive"
}

# folders_are_roots FOLDER: it and all above are root's, and others may write there no more than
# files of their own (the sticky bit, as /tmp has it).
folders_are_roots() {
    local folder=$1
    while :; do
        [[ -z $(find "$folder" -maxdepth 0 \( ! -user root -o -perm /022 ! -perm -1000 \) -print) ]] ||
            return 1
        [[ $folder != / ]] || return 0
        folder=$(dirname "$folder")
    done
}

# storage_remove USER [ARCHIVE]: what was set aside already and has its archive was being removed
# when an earlier run ended, and is not saved again. The folder itself stays, empty, until the user is
# gone (storage_forget): it tells a later run whose archive that is.
storage_remove() {
    local own aside
    own=$(storage_of "$1") aside=$(storage_aside "$1")
    if [[ -d $own && ! -d $aside ]]; then mv -T "$own" "$aside"; fi
    [[ -d $aside ]] || return 0
    [[ -z ${2:-} || -e $2 ]] || storage_save "$1" "$2"
    find "$aside" -xdev -depth -mindepth 1 -delete
}

storage_forget() {
    local aside
    aside=$(storage_aside "$1")
    rm -rf --one-file-system -- "$(storage_arriving "$1")"
    [[ -d $aside ]] || return 0
    storage_unbound "$aside"
    rmdir "$aside"
}

storage_save() {
    archive_write "$2" --transform "s|^\.removing\.$1|$1|S" --directory "${SETTINGS[storage]}" ".removing.$1"
}

# archive_write FILE WORD…: what the words tell tar to save. A file may call itself as large as it likes: only what
# it takes of the disk is read (--sparse). Written under another name, so that an archive that is there is whole.
# noclobber opens with O_EXCL, which follows no link; the folder may be as open as /tmp.
archive_write() (
    umask 077
    rm -f -- "$1.part"
    set -o noclobber
    tar --create --sparse --numeric-owner --one-file-system "${@:2}" >"$1.part"
    sync "$1.part"
    mv -T "$1.part" "$1"
)
