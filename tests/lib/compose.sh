# shellcheck shell=bash
# docker-compose.test.yml, brought up, used and taken down by docker-compose 1.29 and by Compose v2, on a
# private engine. Its tests go on from what those before them left: the first failure ends them.

COMPOSE_V2_SUITE=trixie # the first Debian that has it
DEBIAN_KEYS=/usr/share/keyrings/debian-archive-keyring.gpg

part_compose() {
    local log=build/compose.tests status=0 state
    local -a commands=(docker-compose)
    packages_install "${COMPOSE_PACKAGES[@]}"
    check "the image" image_prepare
    mkdir -p build
    state=$(mktemp -d /tmp/dcm-compose.XXXXXX)
    check "Compose v2" compose_v2 "$state"
    [[ ! -x $(compose_v2_program) ]] || commands+=("$(compose_v2_program)")
    check "the images of the stack" compose_images "$state" "${commands[@]}"
    COMPOSE_ENGINE=$state COMPOSE_COMMANDS=${commands[*]} \
        pytest_alone compose package -x 2>&1 | tee "$log" >&2 || status=$?
    pytest_counted "$status" "$log"
    rm -rf "$state"
}

compose_v2_program() {
    printf '%s/docker-compose-v2\n' "$IMAGE_CACHE"
}

# compose_v2 STATE: its program is in the cache; out of Debian's package, which apt-get looks for and verifies as any
# other, but with lists of its own, so that this machine's Debian stays what it is.
compose_v2() (
    program=$(compose_v2_program) folder=$1/apt
    options=(-qq -o Dir::Etc::SourceList="$folder/sources.list" -o Dir::Etc::SourceParts=- -o Dir::Cache="$folder"
        -o Dir::State::Lists="$folder/lists" -o APT::Sandbox::User=root)
    [[ ! -x $program ]] || exit 0
    mkdir -p "$IMAGE_CACHE" "$folder/lists/partial" "$folder/archives/partial" && cd "$folder" || exit
    image_sources | sed -n "s|\(.*\) bookworm\$|deb [signed-by=$DEBIAN_KEYS] \1 $COMPOSE_V2_SUITE main|p" >sources.list
    apt-get "${options[@]}" update && apt-get "${options[@]}" download docker-compose &&
        dpkg-deb --extract docker-compose_*.deb package &&
        install package/usr/libexec/docker/cli-plugins/docker-compose "$program.new" && mv "$program.new" "$program"
)

# compose_images STATE COMMAND…: they are made where mirrors are within reach, by each command as it would again; the
# engine's data then go to one in namespaces.
compose_images() (
    trap 'engine_stop "$1"; engine_unmount "$1"' EXIT
    engine_aside "$1"
    for command in "${@:2}"; do
        DCM_COMPOSE=$command DOCKER_HOST=unix://$(engine_socket "$1") DCM_TEST_STATE=$1/stack DOCKER_BUILDKIT=0 \
            ops/compose build >build/compose.log 2>&1 || { tail -n 60 build/compose.log >&2 && return 1; }
    done
)
