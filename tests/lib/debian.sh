# shellcheck shell=bash
# A Debian of its own in a folder, to see what packages do to a system. Nothing of it runs as a service.

# debian_make BASE.tar FOLDER: a minimal one; packages come from this machine's mirror.
debian_make() {
    chmod 755 "$2"
    tar -xf "$1" -C "$2"
    mknod -m 666 "$2/dev/null" c 1 3
    mknod -m 666 "$2/dev/urandom" c 1 9
    cp /etc/resolv.conf "$2/etc/"
    # They may name the proxy that leads to the mirror.
    apt-config dump --no-empty Acquire >"$2/etc/apt/apt.conf.d/80host"
}

# debian_run FOLDER COMMAND…
debian_run() {
    local root=$1
    shift
    chroot "$root" env -i PATH=/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root \
        DEBIAN_FRONTEND=noninteractive ${http_proxy:+http_proxy="$http_proxy"} "$@"
}

# debian_apt FOLDER WORD…: apt-get, which is heard only where it fails.
debian_apt() {
    local root=$1
    shift
    debian_run "$root" apt-get -qq --yes "$@" >"$root/apt.log" 2>&1 || { cat "$root/apt.log" >&2 && return 1; }
}
