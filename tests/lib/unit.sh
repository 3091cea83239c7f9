# shellcheck shell=bash
# The cmocka programs: with gcc, under the address and undefined-behaviour sanitizers; and whether
# clang compiles everything too.

part_unit() {
    unit_preset dev
    unit_preset asan
    check "the clang build" build_preset clang
}

unit_preset() {
    local preset=$1 log=build/$1.tests summary status=0 names
    check "the $preset build" build_preset "$preset"
    [[ -d build/$preset ]] || return 0
    ctest --preset "$preset" --parallel "$(nproc)" >"$log" 2>&1 || status=$?
    cat "$log" >&2
    # "96% tests passed, 1 tests failed out of 25"
    summary=$(sed -nE 's/^.* ([0-9]+) tests failed out of ([0-9]+)$/\2 \1/p' "$log")
    mapfile -t names < <(sed -nE 's/^\t +[0-9]+ - (.*)$/\1/p' "$log") # "	 12 - ports (Failed)"
    FAILURES+=("${names[@]}")
    counted "${summary% *}" "${summary#* }" "$status"
}
