/*
 * dcm-manual: writes the manual pages and the completion of the programs that offer the commands,
 * from the tables that these programs run by. A tool of the build; it is not installed.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/count.h"
#include "submitter/commands.h"

/* Text for troff: a dash is a minus there, and a dot or an apostrophe in front begins a request
 * (groff_man(7)). */
static void put_text(const char *text)
{
    if (*text == '.' || *text == '\'')
        fputs("\\&", stdout);
    for (; *text; text++) {
        if (*text == '-' || *text == '\\')
            putchar('\\');
        putchar(*text == '\\' ? 'e' : *text);
    }
}

static void put_line(const char *request, const char *text)
{
    printf("%s ", request);
    put_text(text);
    putchar('\n');
}

static void put_option(enum option option)
{
    fputs(".TP\n", stdout);
    if (option_letter(option))
        printf("\\fB\\-%c\\fR, ", option_letter(option));
    fputs("\\fB\\-\\-", stdout);
    put_text(option_name(option));
    fputs("\\fR", stdout);
    if (option_value(option))
        printf(" \\fI%s\\fR", option_value(option));
    putchar('\n');
    put_text(option_summary(option));
    putchar('\n');
}

static void put_command(const struct command *command, option_set withheld)
{
    fputs(".SS ", stdout);
    put_text(command->name);
    if (*command->operands)
        printf(" \\fI%s\\fR", command->operands);
    putchar('\n');
    put_text(command->summary);
    fputs(".\n", stdout);
    if (*command->synonyms)
        printf("Also: %s.\n", command->synonyms);
    for (enum option i = 0; i < OPTION_COUNT; i++)
        if (command->options & ~withheld & TAKES(i))
            put_option(i);
}

struct page {
    const char *name;
    const char *purpose;
    const char *synopsis;
    const char *description; /* in troff's own words */
    option_set withheld;     /* TAKES(…) of options that the program does not offer */
    bool has_prompt;
};

static const char submit_description[] =
    "Makes a request of each command, hands it to the gate of this machine (or with \\-\\-config "
    "to "
    "the broker),\nand follows it to its result. Options stand anywhere before \\-\\-.\n"
    "A request that was confirmed is carried out also when nobody follows it.\n";

static const char shell_description[] =
    "A prompt for DCM's commands: login shell, or forced command of sshd(8), of accounts that are "
    "to have\ncontainers and nothing else. With \\-c, as sshd calls it, it runs one command and "
    "ends with its status.\nThe tabulator key completes; Ctrl\\-C drops the line or stops "
    "following a request, which goes on;\nCtrl\\-D leaves. A line is split by a shell's rules of "
    "quoting; nothing in it is expanded.\n";

static const struct page pages[] = {
    {"dcm-submit", "ask for containers and images",
     "\\fBdcm\\-submit\\fR [\\fIOPTION\\fR…] \\fICOMMAND\\fR [\\fIARGUMENT\\fR…]",
     submit_description, 0, false},
    {"dcm-shell", "a login shell for users of containers",
     "\\fBdcm\\-shell\\fR [\\fB\\-c\\fR \\fICOMMAND\\fR]", shell_description,
     TAKES(OPTION_CONFIG) | TAKES(OPTION_AS), true},
};

static const struct {
    const char *status, *meaning;
} statuses[] = {
    {"0", "done"},
    {"1", "failed, expired, cancelled, or unknown"},
    {"2", "usage, or an invalid argument"},
    {"3", "refused by policy or quota"},
    {"4", "no such container, image or request"},
    {"5", "not finished in time, or following was interrupted: the request goes on"},
    {"6", "not submitted: the broker is out of reach or refused; nothing was asked"},
    {"7", "not confirmed, perhaps asked: repeat with the printed --id"},
};

static void put_page(const struct page *page)
{
    puts(".\\\" Made from the table of commands: change that.");
    printf(".TH %s 1 \"\" \"DCM %s\" \"User commands\"\n.SH NAME\n", page->name, DCM_VERSION);
    put_text(page->name);
    printf(" \\- %s\n.SH SYNOPSIS\n%s\n.SH DESCRIPTION\n%s", page->purpose, page->synopsis,
           page->description);
    puts(".PP\nCONTAINER is a container's name or its SSH port. REQUEST is a request's id, or its "
         "last 8 or more\ndigits. IMAGE is a name, or an id of 12 or more digits. PORT is\n"
         "[ADDRESS:][HOST:]CONTAINER[/tcp|udp], or ranges of equal length.\n"
         "Durations are 30s, 10m, 8h, 7d; sizes 512m, 2g.");
    puts(".SH OPTIONS\nOf every command:");
    for (enum option i = 0; i < OPTION_COUNT; i++)
        if (TAKES_ALWAYS & ~page->withheld & TAKES(i))
            put_option(i);
    puts(".SH COMMANDS");
    for (size_t i = 0; i < command_count; i++)
        if (page->has_prompt || commands[i].run != run_exit)
            put_command(&commands[i], page->withheld);
    puts(".SH EXIT STATUS");
    for (size_t i = 0; i < COUNT(statuses); i++) {
        put_line(".TP\n.B", statuses[i].status);
        put_text(statuses[i].meaning);
        putchar('\n');
    }
    puts(".SH SEE ALSO\n.BR dcm\\-submit (1),\n.BR dcm\\-shell (1),\n.BR ssh (1)");
}

/* Completion knows commands and their options; names of containers are asked for. */
static void put_completion(void)
{
    puts("# bash completion of dcm-submit, made from the table of commands.\n"
         "_dcm_containers() {\n"
         "    dcm-submit ps 2>/dev/null | awk 'NR > 1 { print $1 }'\n"
         "}\n"
         "_dcm_submit() {\n"
         "    local word=${COMP_WORDS[COMP_CWORD]} command= options= i\n"
         "    for ((i = 1; i < COMP_CWORD; i++)); do\n"
         "        [[ ${COMP_WORDS[i]} == @(-*|explain) ]] || { command=${COMP_WORDS[i]} && break; "
         "}\n"
         "    done\n"
         "    case $command in");
    for (size_t i = 0; i < command_count; i++) {
        const struct command *command = &commands[i];
        if (command->run == run_exit)
            continue;
        printf("    %s", command->name);
        for (const char *letter = command->synonyms; *letter; letter++) {
            bool begins = letter == command->synonyms || *letter == ' ';
            printf(begins ? " | %.*s" : "%.*s", *letter != ' ', letter);
        }
        fputs(") options='", stdout);
        for (enum option j = 0; j < OPTION_COUNT; j++)
            if ((command->options | TAKES_ALWAYS) & TAKES(j))
                printf("--%s ", option_name(j));
        printf("'%s ;;\n", strncmp(command->operands, "CONTAINER", 9) == 0
                               ? "\n        [[ $word == -* ]] || options=$(_dcm_containers)"
                               : "");
    }
    fputs("    '') options='", stdout);
    for (enum option j = 0; j < OPTION_COUNT; j++)
        if (TAKES_ALWAYS & TAKES(j))
            printf("--%s ", option_name(j));
    for (size_t i = 0; i < command_count; i++)
        if (commands[i].run != run_exit)
            printf("%s ", commands[i].name);
    puts("' ;;\n"
         "    esac\n"
         "    mapfile -t COMPREPLY < <(compgen -W \"$options\" -- \"$word\")\n"
         "}\n"
         "complete -o default -F _dcm_submit dcm-submit");
}

/* dcm-manual FILE: "dcm-submit.1", "dcm-shell.1" or "dcm-submit.bash", on standard output. */
int main(int argc, char *argv[])
{
    const char *wanted = argc == 2 ? argv[1] : "";
    size_t length = strcspn(wanted, ".");

    for (size_t i = 0; i < COUNT(pages); i++)
        if (strcmp(wanted + length, ".1") == 0 && strlen(pages[i].name) == length &&
            strncmp(pages[i].name, wanted, length) == 0) {
            put_page(&pages[i]);
            return EXIT_SUCCESS;
        }
    if (strcmp(wanted, "dcm-submit.bash") == 0) {
        put_completion();
        return EXIT_SUCCESS;
    }
    fprintf(stderr, "dcm-manual: there is no \"%s\"\n", wanted);
    return EXIT_FAILURE;
}
