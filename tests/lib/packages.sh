# shellcheck shell=bash
# The Debian packages: made, judged by lintian, and put through their life in a Debian of their own.

part_packages() {
    check "the packages" packages_make
    check "lintian" lintian --allow-root --fail-on error build/package/packages/*.deb
    check "the packages' Debian" image_bootstrap
    check "install, use, remove, purge" tests/lib/package-life "$IMAGE_CACHE/bookworm.tar" \
        build/package/packages/*.deb
}

packages_make() {
    build_preset package && rm -rf build/package/packages && cpack --config build/package/CPackConfig.cmake
}
