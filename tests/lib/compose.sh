# shellcheck shell=bash
# docker-compose.test.yml, brought up, used and taken down by every docker-compose that there is here, on a
# private engine. Its tests go on from what those before them left: the first failure ends them.

part_compose() {
    local log=build/compose.tests status=0 state
    packages_install "${COMPOSE_PACKAGES[@]}"
    check "the image" image_prepare
    mkdir -p build
    state=$(mktemp -d /tmp/dcm-compose.XXXXXX)
    check "the images of the stack" compose_images "$state"
    COMPOSE_ENGINE=$state pytest_alone compose package -x 2>&1 | tee "$log" >&2 || status=$?
    pytest_counted "$status" "$log"
    rm -rf "$state"
}

# They are made where mirrors are within reach; the engine's data then go to one in namespaces.
compose_images() (
    trap 'engine_stop "$1"; engine_unmount "$1"' EXIT
    engine_aside "$1"
    DOCKER_HOST=unix://$(engine_socket "$1") DCM_TEST_STATE=$1/stack DOCKER_BUILDKIT=0 \
        ops/compose build >build/compose.log 2>&1 || { tail -n 60 build/compose.log >&2 && return 1; }
)
