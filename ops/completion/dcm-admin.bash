# shellcheck shell=bash
# bash completion of dcm-admin, by the lines of its --help: "  user add NAME --key FILE [--group G]".
_dcm_admin() {
    local word=${COMP_WORDS[COMP_CWORD]} typed=" ${COMP_WORDS[*]:1:COMP_CWORD-1} " usage command rest next=
    ((COMP_CWORD > 1)) || typed=" "
    while read -r usage; do
        [[ $usage =~ ^[a-z]+(\ [a-z]+)* ]] || continue
        command=" ${BASH_REMATCH[0]} "
        if [[ $typed == "$command"* ]]; then
            next+=" --json --config $(grep -o -- '--[a-z]*' <<<"$usage" | paste -sd ' ')"
        elif [[ $command == "$typed"* ]]; then
            rest=${command#"$typed"}
            next+=" ${rest%% *}"
        fi
    done < <(dcm-admin --help 2>/dev/null | sed -n 's/^  \([a-z].*\)/\1/p')
    mapfile -t COMPREPLY < <(compgen -W "$next" -- "$word" | sort -u)
}
complete -o default -F _dcm_admin dcm-admin
