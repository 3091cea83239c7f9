#include "schemas/run_options.h"

#include <stdio.h>
#include <string.h>

#define LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS "0123456789"

const char *const restart_policies[] = {"no", "on-failure", "unless-stopped", "always", NULL};

/* Is the text of this length one of the NULL-terminated rows? */
static bool is_one_of(const char *text, size_t length, const char *const *rows)
{
    for (; *rows; rows++)
        if (strlen(*rows) == length && memcmp(*rows, text, length) == 0)
            return true;
    return false;
}

bool option_is_restart(const char *text)
{
    return text && is_one_of(text, strlen(text), restart_policies);
}

static bool is_plain_path(const char *text, size_t length)
{
    if (length == 0 || length > OPTION_PATH_MAX)
        return false;
    for (const char *at = text; at < text + length;) {
        if (*at++ != '/')
            return false;
        size_t component = strspn(at, LETTERS DIGITS "._@+=-");
        if (component == 0 || is_one_of(at, component, (const char *const[]){".", "..", NULL}))
            return false;
        at += component;
    }
    return true;
}

/* Is it within one of these directories, or one itself? They are written without the first slash.
 */
static bool is_within(const char *path, size_t length, const char *const *directories)
{
    for (; *directories; directories++) {
        size_t directory = strlen(*directories);
        bool begins_so = length > directory && memcmp(path + 1, *directories, directory) == 0;
        if (begins_so && (length == directory + 1 || path[directory + 1] == '/'))
            return true;
    }
    return false;
}

static bool is_source(const char *text, size_t length)
{
    static const char *const refused[] = {"dev", "etc", "proc", "run", "sys", "var/run", NULL};

    return is_plain_path(text, length) && !is_within(text, length, refused);
}

bool option_is_mount_source(const char *text)
{
    return text && is_source(text, strlen(text));
}

bool option_is_mount_target(const char *text)
{
    static const char *const refused[] = {
        "bin",  "boot", "dev", "etc",  "home", "lib", "lib32",   "lib64", "libx32",
        "proc", "root", "run", "sbin", "sys",  "usr", "var/run", NULL,
    };
    return text && is_plain_path(text, strlen(text)) && !is_within(text, strlen(text), refused);
}

bool option_path_is_within(const char *path, const char *directory)
{
    size_t length = strlen(directory);

    return strncmp(path, directory, length) == 0 && (path[length] == '\0' || path[length] == '/');
}

int option_mount_parse(const char *text, struct mount *ret_mount, struct error *err)
{
    struct mount mount;
    size_t source = strcspn(text, ":");
    const char *rest = text + source + (text[source] == ':');
    size_t target = strcspn(rest, ":");
    const char *mode = rest + target;

    mount.read_only = strcmp(mode, ":ro") == 0;
    if (text[source] != ':' || (*mode && !mount.read_only && strcmp(mode, ":rw") != 0))
        return fail(err, FAULT_INVALID, "\"%.80s\" is not SRC:DST[:ro]", text);
    snprintf(mount.source, sizeof(mount.source), "%.*s", (int)source, text);
    snprintf(mount.target, sizeof(mount.target), "%.*s", (int)target, rest);
    if (source >= sizeof(mount.source) || !option_is_mount_source(mount.source))
        return fail(err, FAULT_INVALID,
                    "\"%.80s\" is no directory of the server that could be granted: an absolute "
                    "path without links, not in /dev, /etc, /proc, /run or /sys",
                    mount.source);
    if (target >= sizeof(mount.target) || !option_is_mount_target(mount.target))
        return fail(err, FAULT_INVALID,
                    "\"%.80s\" is no place for a mount: an absolute path in the container, outside "
                    "of its system's directories and of /root and /home",
                    mount.target);
    *ret_mount = mount;
    return 0;
}

bool option_is_mount_grant(const char *text)
{
    const char *colon = text ? strchr(text, ':') : NULL;

    return colon && is_source(text, (size_t)(colon - text)) &&
           (strcmp(colon, ":ro") == 0 || strcmp(colon, ":rw") == 0);
}

bool option_is_device(const char *text)
{
    return text && is_plain_path(text, strlen(text)) && strncmp(text, "/dev/", 5) == 0;
}

bool option_is_capability(const char *text)
{
    static const char *const known[] = {
        "IPC_LOCK",      "IPC_OWNER",    "LEASE",   "NET_ADMIN",
        "NET_BROADCAST", "NET_RAW",      "SETFCAP", "SYS_NICE",
        "SYS_PTRACE",    "SYS_RESOURCE", NULL,
    };
    return text && is_one_of(text, strlen(text), known);
}

bool option_is_reserved_variable(const char *name, size_t length)
{
    static const char *const names[] = {
        "BASH_ENV", "ENV", "GCONV_PATH", "GLIBC_TUNABLES", "HOME", "HOSTNAME", "IFS", "PATH", NULL,
    };
    static const char *const prefixes[] = {"DCM_", "LD_", "NVIDIA_", NULL};

    for (const char *const *prefix = prefixes; *prefix; prefix++)
        if (length >= strlen(*prefix) && memcmp(name, *prefix, strlen(*prefix)) == 0)
            return true;
    return is_one_of(name, length, names);
}

/* [A-Za-z_][A-Za-z0-9_]* of this length. */
static bool is_name(const char *text, size_t length)
{
    return length > 0 && length <= OPTION_VARIABLE_MAX && !strchr(DIGITS, text[0]) &&
           strspn(text, LETTERS DIGITS "_") >= length;
}

bool option_is_variable(const char *text)
{
    return text && is_name(text, strlen(text)) && !option_is_reserved_variable(text, strlen(text));
}

bool option_is_value(const char *text)
{
    size_t characters = 0;

    for (; text && *text; text++) {
        if ((unsigned char)*text < ' ' || *text == '\x7f')
            return false;
        characters += ((unsigned char)*text & 0xc0) != 0x80; /* as JSON Schema counts them */
    }
    return text && characters <= OPTION_VALUE_MAX;
}

bool option_is_setting(const char *text)
{
    size_t name = text ? strcspn(text, "=") : 0;

    return text && text[name] == '=' && is_name(text, name) &&
           !option_is_reserved_variable(text, name) && option_is_value(text + name + 1);
}

bool option_is_variable_grant(const char *text)
{
    size_t prefix = text ? strcspn(text, "*") : 0;

    if (!text || text[prefix] == '\0')
        return option_is_variable(text);
    /* A whole word before the star: L* would be LD_* too. */
    return text[prefix + 1] == '\0' && prefix > 1 && is_name(text, prefix) &&
           text[prefix - 1] == '_' && !option_is_reserved_variable(text, prefix);
}
