# shellcheck shell=bash
# The Debian packages: made, judged by lintian, put through their life in a Debian of their own; and the guide followed in
# another one, from their installation to an upgrade.

PACKAGES_NEXT=999.0.0 # what the second version calls itself: higher than any of ours

part_packages() {
    local room
    check "the packages" packages_make packages -UDCM_VERSION
    check "the packages of a higher version" packages_make packages-next -DDCM_VERSION="$PACKAGES_NEXT"
    check "lintian" lintian --allow-root --fail-on error build/package/packages/*.deb
    check "the packages' Debian" image_bootstrap
    check "the image" image_prepare
    check "install, use, remove, purge" tests/lib/package-life "$IMAGE_CACHE/bookworm.tar" \
        build/package/packages/*.deb
    room=$(mktemp -d /tmp/dcm-room.XXXXXX)
    check "a Debian to follow the guide in" tests/lib/package-room "$IMAGE_CACHE/bookworm.tar" "$room" \
        build/package/packages/*.deb
    cp "$(image_archive)" "$room/root/debian-ssh.tar"
    packages_followed "$room"
    rm -rf "$room"
}

# packages_make FOLDER CMAKE-OPTION: in build/package, which holds the last that was made.
packages_make() {
    build_preset package "$2" && rm -rf "build/package/$1" &&
        cpack --config build/package/CPackConfig.cmake -B "$BUILD_ROOT/build/package/$1" >/dev/null
}

# packages_followed ROOM: tests/packages, in namespaces of their own as all that start services.
packages_followed() {
    local log=build/packages.tests status=0
    DCM_ROOM=$1 DCM_NEXT=$BUILD_ROOT/build/package/packages-next \
        pytest_alone packages package 2>&1 | tee "$log" >&2 || status=$?
    pytest_counted "$status" "$log"
}
