/*
 * The options of `docker run` that requests may ask for and policies grant: which words are
 * well-formed, and which nobody may use whatever is granted. Pure; NULL is not well-formed.
 */
#ifndef DCM_SCHEMAS_RUN_OPTIONS_H
#define DCM_SCHEMAS_RUN_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

#include "common/error.h"

#define OPTION_PATH_MAX 255
#define OPTION_VARIABLE_MAX 128
#define OPTION_VALUE_MAX 4096
#define GPUS_MAX 64     /* more than any server holds */
#define RUN_LIST_MAX 64 /* items of each option that can be asked for several times */
#define MOUNT_GRANT_SIZE (OPTION_PATH_MAX + sizeof(":rw"))

/* Paths are absolute and plain: components of [A-Za-z0-9._@+=-] that are neither "." nor "..".
 *
 * A directory of the host that may be granted: not the root, nothing of /dev, /etc, /proc, /run and
 * /sys, and not /var/run. There the engine's socket, keys and the kernel's own switches lie. */
bool option_is_mount_source(const char *text);
/* Where one may come to stand in a container: not on what makes it a container with SSH (its
 * system's directories, /root, /home, /run, …), nor within. */
bool option_is_mount_target(const char *text);
/* SRC:DST[:ro|:rw], as a command line says it. FAULT_INVALID says what is wrong. */
struct mount {
    char source[OPTION_PATH_MAX + 1];
    char target[OPTION_PATH_MAX + 1];
    bool read_only;
};
int option_mount_parse(const char *text, struct mount *ret_mount, struct error *err);
/* Does the path lie in that directory, or is it the directory? Both plain. */
bool option_path_is_within(const char *path, const char *directory);
bool option_is_mount_grant(const char *text); /* "SOURCE:ro" or "SOURCE:rw" */
bool option_is_device(const char *text);      /* a path below /dev */

/* Capabilities, without CAP_, that stay within the container's own namespaces and limits. Never
 * those that are as good as root on the host: SYS_ADMIN, SYS_MODULE, SYS_RAWIO, DAC_READ_SEARCH,
 * MKNOD on a shared directory, BPF and their like; nor SYS_TIME, the clock that grants end by. */
bool option_is_capability(const char *text);

/* Environment variables: [A-Za-z_][A-Za-z0-9_]{0,127}, and not reserved. */
bool option_is_variable(const char *text);
/* What one may be set to: at most 4096 characters, none of them a control character. A line break
 * would end the value where it is handed on by lines, as to the sessions of sshd. */
bool option_is_value(const char *text);
bool option_is_setting(const char *text);        /* NAME=VALUE */
bool option_is_variable_grant(const char *text); /* one, or "PREFIX_*" for all that begin so */
/* What changes how programs are loaded or shells start, what the engine's hooks read
 * (NVIDIA_VISIBLE_DEVICES makes devices of the host appear), and our own. */
bool option_is_reserved_variable(const char *name, size_t length);

bool option_is_restart(const char *text);
/* NULL-terminated. A policy may list all but the first. */
extern const char *const restart_policies[];
#define RESTART_GRANTS (restart_policies + 1)

#endif
