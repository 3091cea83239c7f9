# shellcheck shell=bash
# The standard image, debian-ssh: built once, kept as a tar file in a cache folder, and loaded from
# there into every later engine without any network. The tar's name holds a hash of the image's
# folder, so that a changed Dockerfile is built anew.

IMAGE_NAME=debian-ssh
IMAGE_FOLDER=$(cd "$(dirname "${BASH_SOURCE[0]}")/../images/debian-ssh" && pwd)
IMAGE_BASE=debian:bookworm-slim
IMAGE_CACHE=${IMAGE_CACHE:-$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)/build/cache}

image_archive() {
    printf '%s/%s-%s.tar\n' "$IMAGE_CACHE" "$IMAGE_NAME" "$(
        cd "$IMAGE_FOLDER" || exit
        sha256sum -- * | sha256sum | cut -c1-16
    )"
}

# image_ensure STATE: the image is in the engine; from the cache, or else built.
image_ensure() {
    image_keep "$1"
    image_load "$1"
}

# image_keep STATE: the image is in the cache; where it was not, this engine builds it.
image_keep() {
    local archive
    archive=$(image_archive)
    [[ ! -s $archive ]] || return 0
    image_build "$1"
    mkdir -p "$IMAGE_CACHE"
    engine_docker "$1" save --output "$archive.new.$$" "$IMAGE_NAME"
    mv "$archive.new.$$" "$archive"
}

# image_load STATE: from the cache, unless the engine has just that one.
image_load() {
    local archive id found
    archive=$(image_archive)
    [[ -s $archive ]] || die "no $archive: build the image first"
    id=$(tar -xOf "$archive" manifest.json | jq -r '.[0].Config | split(".")[0]')
    found=$(engine_docker "$1" image inspect --format '{{.Id}}' "$IMAGE_NAME" 2>/dev/null) || found=
    [[ $found == "sha256:$id" ]] ||
        engine_docker "$1" load --quiet --input "$archive" >/dev/null
}

# The host's network makes name servers and mirrors reachable from any engine, also one that has
# neither a bridge nor firewall rules.
image_build() {
    local variable
    local -a proxies=()
    image_base "$1"
    for variable in http_proxy https_proxy no_proxy; do
        [[ -z ${!variable:-} ]] || proxies+=(--build-arg "$variable")
    done
    mkdir -p "$1/log"
    say "building the image $IMAGE_NAME"
    engine_docker "$1" build --network host "${proxies[@]}" --tag "$IMAGE_NAME" "$IMAGE_FOLDER" \
        >"$1/log/image.log" 2>&1 || { process_log "$1" image && die "the image does not build"; }
}

# image_base STATE: Debian's own image where a registry answers, the same made by hand elsewhere.
# <state>/base says that it was not there before.
image_base() {
    engine_docker "$1" image inspect "$IMAGE_BASE" >/dev/null 2>&1 && return
    touch "$1/base"
    if timeout 5 bash -c 'exec 3<>/dev/tcp/registry-1.docker.io/443' 2>/dev/null &&
        DOCKER_HOST=unix://$(engine_socket "$1") timeout 180 docker pull "$IMAGE_BASE" >&2; then
        return
    fi
    image_bootstrap
    engine_docker "$1" import "$IMAGE_CACHE/bookworm.tar" "$IMAGE_BASE" >/dev/null
}

# "URI SUITE" of the machine's own Debian sources, whose mirror may be the only one within reach.
image_sources() {
    # shellcheck disable=SC2016 # apt's own placeholders
    apt-get indextargets --format '$(REPO_URI) $(CODENAME)' 'Created-By: Packages' \
        'Origin: Debian' 'Component: main' 2>/dev/null | sort -u | grep ' bookworm' ||
        printf 'http://deb.debian.org/debian bookworm\n'
}

image_bootstrap() {
    local root mirror
    [[ -s $IMAGE_CACHE/bookworm.tar ]] && return
    mirror=$(image_sources | sed -n 's/ bookworm$//p')
    say "no registry answers: making $IMAGE_BASE from $mirror"
    mkdir -p "$IMAGE_CACHE"
    root=$(mktemp -d "$IMAGE_CACHE/bookworm.XXXXXX")
    if ! debootstrap --variant=minbase bookworm "$root" "$mirror" >"$root.log" 2>&1; then
        tail -n 20 "$root.log" >&2
        rm -rf "$root"
        die "debootstrap failed: $root.log"
    fi
    image_sources | sed 's/.*/deb & main/' >"$root/etc/apt/sources.list"
    image_slim "$root"
    chmod 755 "$root" # mktemp's own mode would be that of /
    tar -C "$root" --numeric-owner -cf "$root.tar" .
    mv "$root.tar" "$IMAGE_CACHE/bookworm.tar"
    rm -rf "$root" "$root.log"
}

# As Debian's slim images are: without documentation and downloaded packages, and with a policy that
# starts no service while packages are installed.
image_slim() {
    printf '#!/bin/sh\nexit 101\n' >"$1/usr/sbin/policy-rc.d"
    chmod 755 "$1/usr/sbin/policy-rc.d"
    printf 'path-exclude /usr/share/%s/*\n' doc man info locale groff lintian \
        >"$1/etc/dpkg/dpkg.cfg.d/slim"
    rm -rf "$1"/usr/share/{doc,man,info,locale,groff,lintian}/* \
        "$1"/var/cache/apt/* "$1"/var/lib/apt/lists/* "$1"/var/log/bootstrap.log
    find "$1/dev" -mindepth 1 -delete
}
