# shellcheck shell=bash
# doctor's checks of this host: files, keys, storage, addresses, engine, images.

# Passwords, and what decides about users, are root's to write; secrets also to read.
check_files() {
    local file
    for file in "${SETTINGS[worker_conf]}" "${SETTINGS[gate_conf]}" "$(worker_setting keyring "$CONFIG_DIRECTORY/keyring")"; do
        if [[ -e $file ]]; then
            [[ -z $(find -L "$file" -maxdepth 0 \( ! -user root -o -perm /027 \)) ]] ||
                fault "$file is not root's alone" "chown root $file; chmod 600 $file"
        fi
    done
    for file in "${SETTINGS[policy]}" "$(address_file)"; do
        if [[ -e $file ]]; then
            [[ -z $(find -L "$file" -maxdepth 0 \( ! -user root -o -perm /022 \)) ]] ||
                fault "others than root can write $file" "chown root $file; chmod 644 $file"
        fi
    done
    check_audit
    check_agreement
}

# The worker itself refuses at its start a file that is not root's alone; what it cannot write later goes to its log.
check_audit() {
    local file
    file=$(worker_setting audit /var/log/dcm/audit.log)
    [[ -e $file ]] || return 0
    (($(df --output=avail --block-size=1M "$file" | tail -n 1) >= 16)) ||
        fault "there is no room for the audit log $file" "make room there: until then its lines are in the worker's log alone"
}

# Two files say where things are: a dcm-admin that changes other files than the worker reads does
# nothing, and says that it is done.
check_agreement() {
    local name worker
    [[ -e ${SETTINGS[worker_conf]} ]] || return 0
    for name in keys storage policy; do
        worker=$(worker_setting "$name" "")
        [[ -z $worker || $worker == "${SETTINGS[$name]}" ]] ||
            fault "$name is ${SETTINGS[$name]} in ${OPTIONS[config]} and $worker in ${SETTINGS[worker_conf]}" \
                "make them the same"
    done
}

# sshd and containers believe what is in there.
check_keys() {
    local keys=${SETTINGS[keys]} found
    [[ -d $keys ]] || { fault "there is no folder $keys" "install -d -m 755 $keys" && return; }
    folders_are_roots "$keys" ||
        fault "others than root can write on the way to $keys" "chown root and chmod go-w the folders above"
    found=$(find "$keys" \( ! -user root -o -perm /022 \) ! -type l -print -quit)
    [[ -z $found ]] || fault "others than root can write $found" "chown root $found; chmod go-w $found"
    found=$(find "$keys" -type l -print -quit)
    [[ -z $found ]] || fault "$found is a symbolic link" "put a file in its place"
    found=$(find "$keys" \( -type d ! -perm -005 -o -type f ! -perm -004 \) -print -quit)
    [[ -z $found ]] || fault "containers cannot read $found" "chmod go+rX $found"
}

check_storage() {
    local storage=${SETTINGS[storage]} found mounted
    [[ -d $storage ]] || { fault "there is no folder $storage" "install -d -m 755 $storage" && return; }
    folders_are_roots "$storage" ||
        fault "others than root can write on the way to $storage" "chown root and chmod go-w the folders above"
    found=$(find "$storage" -mindepth 1 -maxdepth 1 \( ! -user root -o -perm /022 \) -print -quit)
    [[ -z $found ]] || fault "others than root can write $found" "chown root $found; chmod go-w $found"
    found=$(find "$storage" -mindepth 1 -maxdepth 1 -name '.removing.*' -printf '%f\n' -quit)
    [[ -z $found ]] || fault "${found#.removing.} was being removed, and is not" "dcm-admin user remove ${found#.removing.} --yes"
    mounted=,$(findmnt -no OPTIONS --target "$storage"),
    [[ $mounted == *,nosuid,* && $mounted == *,nodev,* ]] ||
        warning "$storage is mounted without nosuid,nodev" "mount it with them: users are root in their containers"
    [[ $mounted != *,ro,* ]] || fault "$storage is mounted read-only" "mount it for writing"
    check_storage_ids
    check_storage_bounds
}

# In user namespaces a file of an id outside of them is nobody's: not even root may read it there. A look
# at the topmost files tells whether a whole storage is of another engine.
check_storage_ids() {
    local first found
    first=$(engine_first_ids)
    [[ -n $first ]] || return 0
    found=$(find "${SETTINGS[storage]}" -mindepth 2 -maxdepth 3 \( -uid "-${first%.*}" -o -gid "-${first#*.}" \) -print -quit)
    [[ -z $found ]] || fault "$found belongs to an id that containers do not have" \
        "if it is of a time before user namespaces: dcm-admin storage shift 0 ${first/./:}"
}

# Root outside of user namespaces may give its files to any project (ioctl_xfs_fsgetxattr(2)).
check_storage_bounds() {
    local -a users
    storage_look
    mapfile -t users < <(storage_users)
    storage_loose "${users[@]}" | sed 's/^/fault\t/'
    ! storage_has_projects || [[ -n $(engine_first_ids) ]] ||
        ! storage_grants "${users[@]}" | grep -v ' -$' >/dev/null ||
        warning "users can take files out of their storage's limit, and into others', as root outside of user namespaces" \
            "give the engine user namespaces (docs/administration.md)"
}

# "UID.GID": where the engine's user namespaces begin on the host, which its folder's name says.
engine_first_ids() {
    [[ -e ${SETTINGS[worker_conf]} ]] || return 0
    { doctor_docker info --format '{{.SecurityOptions}} {{.DockerRootDir}}' 2>/dev/null || true; } |
        sed -nE 's|.*name=userns.*/([0-9]+\.[0-9]+)$|\1|p'
}

check_addresses() {
    local address addresses
    [[ -e ${SETTINGS[worker_conf]} ]] || return 0
    addresses=$(address_current)
    for address in $addresses; do
        address_is_here "$address" ||
            fault "this host has no address $address" "give it to an interface, or dcm-admin address retire $address"
    done
}

engine_host() {
    printf 'unix://%s\n' "$(worker_setting engine /run/docker.sock)"
}

doctor_docker() {
    timeout 20 docker --host "$(engine_host)" "$@"
}

check_engine() {
    local version security
    [[ -e ${SETTINGS[worker_conf]} ]] || return 0
    read -r version security < <(doctor_docker info --format '{{.ServerVersion}} {{.SecurityOptions}}' 2>/dev/null) || true
    if [[ ! $version =~ ^[0-9] ]]; then
        fault "no Docker engine answers at $(worker_setting engine /run/docker.sock)" \
            "start it, or set engine in ${SETTINGS[worker_conf]}"
    elif [[ $security != *name=seccomp* || $security == *name=seccomp,profile=unconfined* ]]; then
        fault "the engine runs containers without seccomp" \
            "use a kernel and an engine that have it, and no \"seccomp-profile\": \"unconfined\" in daemon.json"
    fi
    check_inotify
}

# The kernel counts them by uid, and root of every container is the host's root, or owned by it. Where there
# may be many, the memory of a container bounds what it has of them (inotify(7), user_namespaces(7)).
check_inotify() {
    local most
    most=$(</proc/sys/fs/inotify/max_user_instances)
    ((most >= 65536)) ||
        warning "one container can use up the $most inotify instances that root has on this server" \
            "sysctl -w fs.inotify.max_user_instances=1048576, and put that into /etc/sysctl.d/dcm.conf"
}

check_disk() {
    [[ -e ${SETTINGS[worker_conf]} ]] || return 0
    check_disk_floor
    check_disk_limits
}

# Below its floor the worker begins nothing that makes data.
check_disk_floor() {
    local floor place left
    floor=$(worker_setting disk_floor 1g)
    floor=$(numfmt --from=iec "${floor^^}")
    for place in "$(doctor_docker info --format '{{.DockerRootDir}}' 2>/dev/null || true)" \
        "${SETTINGS[storage]}" "$(worker_setting state /var/lib/dcm/worker)"; do
        [[ -d $place ]] || continue
        left=$(df --output=avail --block-size=1 "$place" | tail -n 1)
        ((left >= floor)) ||
            fault "$((left >> 20)) MiB are free in $place: creates, commits and recreates are refused" \
                "make room there: the floor is $((floor >> 20)) MiB (disk_floor)"
    done
}

# A limit that the engine cannot keep to: it then makes no container for whom it is meant.
check_disk_limits() {
    local driver below root mounted
    [[ $(policy_read '[.. | objects | has("disk")] | any' 2>/dev/null) == true ]] || return 0
    {
        read -r driver below
        read -r root
    } < <(doctor_docker info --format '{{.Driver}} {{range .DriverStatus}}{{if eq (index . 0) "Backing Filesystem"}}{{index . 1}}{{end}}{{end}}
{{.DockerRootDir}}' 2>/dev/null) || return 0
    mounted=,$(findmnt --noheadings --output OPTIONS --target "$root"),
    [[ $driver == btrfs || ($driver$below == overlay2xfs && $mounted == *,prjquota,*) ]] ||
        fault "the policy limits disks, which an engine on $driver${below:+ over $below} cannot" \
            "put $root on XFS mounted with pquota, or take \"disk\" out of the policy"
}

# What the policy grants should be there. Images are looked up by name, never pulled.
check_images() {
    local image granted
    [[ -e ${SETTINGS[worker_conf]} ]] || return 0
    granted=$(policy_read -r '[.defaults, (.groups // {} | .[]), (.users // {} | .[])]
        | [.[] | .images // [] | .[]] | unique | .[]' 2>/dev/null) || return 0
    [[ -n $granted ]] || warning "the policy grants nobody an image" "name one in \"images\" of defaults or a group"
    for image in $granted; do
        doctor_docker image inspect "$image" >/dev/null 2>&1 ||
            fault "the engine has no image $image, which the policy grants" "build or load it, or take it out of the policy"
    done
}
