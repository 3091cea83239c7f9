# shellcheck shell=bash
# What tools can say about the sources without running them.

part_lint() {
    check "clang-format" lint_format
    check "shellcheck" lint_scripts
    check "cppcheck" lint_cppcheck
    check "clang-tidy" lint_tidy
}

# Every file that is, or would be, under version control.
sources() {
    git ls-files --cached --others --exclude-standard -- "$@" | sort -u
}

lint_format() {
    sources '*.c' '*.h' | xargs clang-format --dry-run -Werror
}

# By extension or, for those without one, by first line.
lint_scripts() {
    local file first
    sources ops tests .ci | while read -r file; do
        first=
        { read -r first <"$file"; } 2>/dev/null || true
        if [[ $file == *.@(sh|bash) || $first =~ ^#!/bin/(ba)?sh ]]; then printf '%s\n' "$file"; fi
    done | xargs shellcheck --external-sources
}

lint_cppcheck() {
    build_preset clang || return
    cppcheck --quiet --project=build/clang/compile_commands.json -i build -i tests --std=c17 -j "$(nproc)" \
        --enable=warning,portability --library=posix,gnu,tests/lib/cppcheck.cfg \
        --suppressions-list=tests/lib/cppcheck.suppressions --error-exitcode=1
}

# By the compile commands of the clang build, whose generated files are left out.
lint_tidy() {
    build_preset clang || return
    run-clang-tidy -quiet -p build/clang -j "$(nproc)" \
        "$BUILD_ROOT/(common|schemas|submitter|worker|tests)/" >build/tidy.log 2>&1 ||
        { grep -aE '(warning|error|note):' build/tidy.log >&2 && return 1; }
}
