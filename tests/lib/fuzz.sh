# shellcheck shell=bash
# libFuzzer on every target for a while, beginning with the seeds. What it finds is in
# build/fuzz/findings: mend it, and add it to tests/fuzz/seeds, which every run of the unit tests replays.

FUZZ_SECONDS=60

part_fuzz() {
    local -a targets
    check "the fuzz build" build_preset fuzz
    mkdir -p build/fuzz/findings
    mapfile -t targets < <(cd build/fuzz/tests/fuzz && ls fuzz_*.seeds)
    # Side by side, and each in a shell of its own.
    export FUZZ_SECONDS
    export -f fuzz_target fuzz_words
    printf '%s\n' "${targets[@]%.seeds}" |
        xargs -P "$(nproc)" -I{} bash -c 'if fuzz_target {}; then echo "ok {}"; else echo "FAILED {}"; fi' \
            >build/fuzz/ends
    while read -r end target; do
        check "$target, $FUZZ_SECONDS s" [ "$end" = ok ]
    done <build/fuzz/ends
    check "all ${#targets[@]} targets ran" [ "$(wc -l <build/fuzz/ends)" -eq "${#targets[@]}" ]
}

# What a run has found on its way is kept for the next in build/fuzz/corpus.
fuzz_target() {
    local corpus=build/fuzz/corpus/$1
    local -a seeds words=()
    mkdir -p "$corpus"
    mapfile -t seeds <"build/fuzz/tests/fuzz/$1.seeds"
    fuzz_words "${seeds[@]}" >"build/fuzz/$1.words"
    [[ ! -s build/fuzz/$1.words ]] || words=(-dict="build/fuzz/$1.words") # an empty one is an error
    nice "build/fuzz/tests/fuzz/$1" -max_total_time="$FUZZ_SECONDS" -timeout=10 -rss_limit_mb=2048 \
        -artifact_prefix="build/fuzz/findings/$1-" "${words[@]}" -print_final_stats=1 "$corpus" "${seeds[@]}" \
        >"build/fuzz/$1.log" 2>&1 && return
    tail -n 40 "build/fuzz/$1.log" >&2
    return 1
}

# A dictionary for libFuzzer: the JSON strings in the seeds, quotes and all.
fuzz_words() {
    grep -aohE '"[A-Za-z0-9_./:-]{1,40}"' -r "$@" | sort -u | sed 's/"/\\"/g; s/.*/"&"/'
}
