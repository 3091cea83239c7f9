# shellcheck shell=bash
# pytest against the real programs, in network, mount and process namespaces of their own: nothing
# collides with a running stack, and nothing outlives the run.

part_integration() {
    check "the image" image_prepare
    pytest_part integration dev
}

# The same on an engine with user namespaces, and test_userns.py, which is about those.
part_userns() {
    check "the image" image_prepare
    ENGINE_REMAP=dcm-remap pytest_part integration dev
}

part_bench() {
    check "the image" image_prepare
    pytest_part bench dev -s
}

# A build of its own, with the points at which processes die, on an engine that does nothing.
part_faults() {
    pytest_part faults faults --ignore tests/faults/test_checker.py --ignore tests/faults/test_mutants.py
}

# Many requests while everything breaks; how many, from which seeds, on which engine: CHECKER_….
# And workers that are worse than ours, whose reports have to be bad.
part_checker() {
    [[ ${CHECKER_ENGINE:-} != docker ]] || check "the image" image_prepare
    pytest_part faults/test_checker.py dev -s --show-capture=no tests/faults/test_mutants.py
}

# pytest_part PLACE PRESET [OPTION…]. DCM_BUILD tells the fixtures where the programs are; it is
# Debian's python that has the modules of packages.sh, whose docker module warns of Debian's
# distutils.
pytest_part() {
    local place=$1 preset=$2 log=build/${1//\//-}.tests status=0
    shift 2
    check "the $preset build" build_preset "$preset"
    DCM_BUILD=$BUILD_ROOT/build/$preset unshare --net --mount --pid --fork --kill-child --mount-proc \
        bash -c 'ip link set lo up; "$@"; exit' -- \
        /usr/bin/python3 -m pytest -p no:cacheprovider -W "ignore:distutils" -ra --durations=5 \
        "$@" "tests/$place" 2>&1 | tee "$log" >&2 || status=$?
    pytest_counted "$log" "$status"
}

# The last line: "== 1 failed, 24 passed, 2 errors in 81.02s (0:01:21) =="
pytest_counted() {
    local last passed failed errors
    last=$(grep -E ' in [0-9.]+s' "$1" | tail -n 1) || last=
    passed=$(grep -Eo '[0-9]+ passed' <<<"$last") || passed=0
    failed=$(grep -Eo '[0-9]+ failed' <<<"$last") || failed=0
    errors=$(grep -Eo '[0-9]+ error' <<<"$last") || errors=0
    failed=$((${failed% *} + ${errors% *}))
    counted $((${passed% *} + failed)) "$failed" "$2"
}

# In the cache, made by an engine that touches neither network nor firewall of the machine.
image_prepare() {
    local state
    [[ ! -s $(image_archive) ]] || return 0
    state=$(mktemp -d /tmp/dcm-image.XXXXXX)
    (
        trap 'engine_erase "$state"; rm -rf "$state"' EXIT
        engine_start "$state" --bridge none --iptables=false --ip-forward=false
        engine_wait "$state"
        image_ensure "$state"
    )
}
