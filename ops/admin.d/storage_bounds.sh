# shellcheck shell=bash
# The most that a user's storage may hold ("storage" in the policy). The file system keeps to it, by project
# quotas; the project of a user has the number of his uid.
#
# What is made in a folder of a project is of that project. So <storage>/<user>, which is root's alone,
# gets it before the worker makes root and home in there. Trees that users write to already are never
# walked here: they could move what is in them while root does.

# What sets a limit: on which file system, and of which package.
declare -A BOUND_BY=([xfs]=bound_xfs [ext4]=bound_ext4)
declare -A BOUND_PACKAGE=([xfs]=xfsprogs [ext4]=quota)

# bound_… MOUNT PROJECT BYTES FILES: 0 is no limit.
bound_xfs() {
    xfs_quota -x -c "limit -p bhard=$3 ihard=$4 $2" "$1"
}

bound_ext4() {
    setquota -P "$2" 0 "$(($3 / 1024))" 0 "$4" "$1"
}

# STORAGE_ON: file system, mount point and options.
storage_look() {
    read -r -a STORAGE_ON < <(findmnt --noheadings --raw --output FSTYPE,TARGET,OPTIONS --target "${SETTINGS[storage]}")
}

storage_has_projects() {
    [[ -n ${BOUND_BY[${STORAGE_ON[0]}]:-} && ,${STORAGE_ON[2]}, == *,prjquota,* ]]
}

# storage_limit PROJECT BYTES. Files without content take room that no limit of bytes counts, so their
# number has one too. Nothing smaller than a block is a limit.
storage_limit() {
    local bytes=$2
    ((bytes == 0 || bytes >= 4096)) || bytes=4096
    "${BOUND_BY[${STORAGE_ON[0]}]}" "${STORAGE_ON[1]}" "$1" "$((bytes / 4096 * 4096))" "$((bytes / 4096))" >&2 ||
        fail 1 "no limit could be set on ${STORAGE_ON[1]}: is the package ${BOUND_PACKAGE[${STORAGE_ON[0]}]} installed?"
}

# storage_project FOLDER: of which new files in it are; nothing where they are of none.
storage_project() {
    { lsattr -pd "$1" 2>/dev/null || true; } | awk '$2 ~ /P/ { print $1 }'
}

# storage_uid USER: as the worker finds it; nothing where there is none.
storage_uid() {
    # shellcheck disable=SC2016 # jq's variable
    policy_read -e --arg user "$1" '.users[$user].uid // empty' || id -u "$1" 2>/dev/null || true
}

# Those who have keys or storage here, and are not being removed.
storage_users() {
    find "${SETTINGS[keys]}" "${SETTINGS[storage]}" -mindepth 1 -maxdepth 1 -type d ! -name '.*' -printf '%f\n' 2>/dev/null | sort -u
}

# storage_grants USER…: "USER BYTES" of each; "-" where the policy sets no bound. Nothing of a faulty policy.
storage_grants() {
    "$SBIN/dcm-worker" --grants "${SETTINGS[policy]}" 2>/dev/null |
        jq -r 'map_values([.[] | select(.what == "storage").most][0]) as $most | $ARGS.positional[] as $user
            | "\($user) \((if $most | has($user) then $most[$user] else $most["*"] end) // "-")"' --args "$@"
}

# storage_bound USER BYTES
storage_bound() {
    local own uid project
    own=$(storage_of "$1")
    if [[ $2 == - ]]; then
        project=$(storage_project "$own")
        [[ -z $project ]] || storage_limit "$project" 0
        return
    fi
    uid=$(storage_uid "$1")
    [[ -n $uid ]] || return 0
    storage_claim "$own" "$uid"
    storage_limit "$uid" "$2"
}

# storage_claim FOLDER UID: it is there, and what is made in it from now on is of the user's project.
storage_claim() {
    [[ -d $1 ]] || mkdir -m 700 "$1"
    [[ $(storage_project "$1") == "$2" ]] || chattr -p "$2" +P "$1"
}

# storage_bounds USER…: the policy's become the file system's. What could not be done is told.
storage_bounds() {
    local name most
    [[ -d ${SETTINGS[storage]} ]] || return 0
    storage_look
    if storage_has_projects; then
        while read -r name most; do storage_bound "$name" "$most"; done < <(storage_grants "$@")
    fi
    storage_loose "$@" | sed "s/^/dcm-admin: /; s/\t/: /" >&2
}

# storage_unbound FOLDER: its user is being removed, and the next one of that uid has limits of his own.
storage_unbound() {
    local project
    storage_look
    project=$(storage_project "$1")
    [[ -z $project ]] || ! storage_has_projects || storage_limit "$project" 0
}

# storage_holds FOLDER BYTES: can all in there come to no more? What the worker asks too
# (worker/storage.c): a folder of a project is told to be on a file system as large as its limit.
storage_holds() {
    local -a blocks
    read -r -a blocks < <(stat --file-system --format '%S %b' "$1")
    ((blocks[0] * blocks[1] <= $2))
}

# storage_loose USER…: "what is wrong<tab>what to do" of those whose storage could hold more than the
# policy lets it. The worker makes no container for them.
storage_loose() {
    local name most
    while read -r name most; do
        [[ $most != - ]] || continue
        storage_is_loose "$(storage_of "$name")" "$most" || continue
        if ! storage_has_projects; then
            printf 'the policy bounds storage, which %s at %s cannot as it is mounted\t%s\n' "${STORAGE_ON[@]:0:2}" \
                "mount XFS, or ext4 with the features quota and project, with pquota, or take \"storage\" out of the policy"
            return
        fi
        storage_loose_how "$name" "$(storage_of "$name")"
    done < <(storage_grants "$@")
}

# storage_is_loose FOLDER BYTES: what is not there yet is made as the folder above it is.
storage_is_loose() {
    local folder
    local -a folders=("$1" "$1"/{root,home})
    [[ -d $1 ]] || folders=("${SETTINGS[storage]}")
    for folder in "${folders[@]}"; do
        [[ ! -d $folder ]] || storage_holds "$folder" "$2" || return 0
    done
    return 1
}

storage_loose_how() {
    local uid folder
    uid=$(storage_uid "$1")
    [[ -n $uid ]] || { printf '%s has no uid here, and so no project\t%s\n' "$1" "make the account, or name the uid in the policy" && return; }
    for folder in "$2"/{root,home}; do
        [[ ! -d $folder || $(storage_project "$folder") == "$uid" ]] && continue
        printf '%s is of a time before the limit, which does not count it\t%s\n' "$folder" \
            "dcm-admin user suspend $1; chattr -R -p $uid +P $2; dcm-admin user resume $1"
        return
    done
    printf 'the storage of %s may hold more than the policy allows\t%s\n' "$1" "dcm-admin policy apply ${SETTINGS[policy]}"
}
