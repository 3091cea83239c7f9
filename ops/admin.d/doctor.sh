# shellcheck shell=bash
# doctor: what is wrong, and what to do about it. Nothing is changed.
#
# A check prints findings, one a line: "fault" or "warning", what is wrong, what to do; nothing when
# all is well. Each stands alone: one that fails keeps no other from being made.

# Later checks make more sense once earlier ones find nothing. doctor_host.sh and doctor_services.sh
# have the functions check_<name>.
DOCTOR_CHECKS=(files keys storage addresses store clock broker engine disk images policy worker gate)

fault() {
    printf 'fault\t%s\t%s\n' "$1" "$2"
}

warning() {
    printf 'warning\t%s\t%s\n' "$1" "$2"
}

# All findings, each with the name of its check; a check without findings has one that is "ok".
doctor_findings() {
    local check found
    for check in "${DOCTOR_CHECKS[@]}"; do
        found=$("check_$check" 2>&1) || true
        # What is no finding is the complaint of a command that a check relies on.
        awk -F'\t' -v check="$check" 'BEGIN { OFS = FS }
            !NF { next }
            NF != 3 { $0 = "fault" FS $0 FS "the check could not be made: see that first" }
            { print check, $0; told = 1 }
            END { if (!told) print check, "ok", "", "" }' <<<"$found"
    done
}

doctor() {
    local findings
    findings=$(doctor_findings)
    if [[ -n ${OPTIONS[json]:-} ]]; then
        jq -nRc '[inputs | split("\t") | {check: .[0], state: .[1], message: .[2], advice: .[3]}]
            | {healthy: (map(.state) | index("fault") == null), checks: .}' <<<"$findings"
    else
        awk -F'\t' '{ printf "%-8s %-9s %s%s\n", $2, $1, $3, ($4 == "" ? "" : ": " $4) }' <<<"$findings"
    fi
    ! cut -f2 <<<"$findings" | grep -x fault >/dev/null
}
