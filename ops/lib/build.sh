# shellcheck shell=bash
# Configure, build and install by CMake's presets, from the root of the checkout.

BUILD_ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)

# build_preset PRESET [CMAKE OPTION…]: into build/<preset>; the log is shown when it fails.
build_preset() {
    local preset=$1 log=$BUILD_ROOT/build/$1.log
    shift
    mkdir -p "$BUILD_ROOT/build"
    (
        cd "$BUILD_ROOT"
        cmake --preset "$preset" "$@" && cmake --build --preset "$preset" --parallel "$(nproc)"
    ) >"$log" 2>&1 || { tail -n 60 "$log" >&2 && say "the $preset build failed: $log" && return 1; }
}

# build_install PRESET PREFIX [CMAKE OPTION…]: build and install, owned by root and writable by
# nobody else whatever the caller's umask is.
build_install() {
    local preset=$1 prefix=$2
    shift 2
    build_preset "$preset" -DCMAKE_INSTALL_PREFIX="$prefix" "$@" || return
    (umask 022 && cmake --install "$BUILD_ROOT/build/$preset" >>"$BUILD_ROOT/build/$preset.log") ||
        return
    chown -R root:root "$prefix"
    chmod -R go-w "$prefix"
}
