# shellcheck shell=bash
# How many checks passed and failed, over every part and tool, and which failed.

PASSED=0
FAILED=0
FAILURES=()

tally() {
    PASSED=$((PASSED + $1))
    FAILED=$((FAILED + $2))
}

# check NAME COMMAND…: one check, by exit status.
check() {
    local name=$1
    shift
    if "$@"; then
        tally 1 0
        say "ok: $name"
    else
        tally 0 1
        FAILURES+=("$name")
        say "FAILED: $name"
    fi
}

# counted TOTAL FAILED STATUS: what a test runner says of itself. One that fails, or finds no test,
# without naming a failed test counts as one failure.
counted() {
    local total=${1:-0} failed=${2:-0} status=$3
    if ((failed == 0 && (status != 0 || total == 0))); then failed=1 total=$((total + 1)); fi
    tally $((total - failed)) "$failed"
}

# What failed is said again at the end: the last lines of a run are the ones that are kept.
tally_close() {
    printf '\n'
    ((${#FAILURES[@]} == 0)) || printf 'FAILED: %s\n' "${FAILURES[@]}"
    printf '%d passed, %d failed\n' "$PASSED" "$FAILED"
    ((PASSED > 0 && FAILED == 0))
}
