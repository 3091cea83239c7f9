/*
 * One error object, passed as the last argument, that says what went wrong and whose move it is.
 *
 * A function that can fail returns 0 or -1 and fills *err only when it fails; every `ret_` output
 * stays untouched on failure. Library code never logs: whoever settles a request logs it, once.
 */
#ifndef DCM_COMMON_ERROR_H
#define DCM_COMMON_ERROR_H

enum fault {
    FAULT_NONE = 0,
    FAULT_INVALID,     /* ill-formed request or argument: the submitter's to mend */
    FAULT_DENIED,      /* policy grants no such thing */
    FAULT_QUOTA,       /* granted, but used up */
    FAULT_NOT_FOUND,   /* no such container, image or request of this user */
    FAULT_CONFLICT,    /* the thing exists, or is in the wrong state */
    FAULT_ENGINE,      /* the engine answered, and said no */
    FAULT_EXPIRED,     /* past the request's own deadline */
    FAULT_CANCELLED,   /* the user took it back */
    FAULT_DEPENDENCY,  /* broker, store or engine out of reach: try again later */
    FAULT_UNCONFIRMED, /* published, but no confirm came: perhaps asked, perhaps not */
    FAULT_UNFINISHED,  /* not finished in the time that the caller allowed; it goes on */
    FAULT_NO_ROOM,     /* the server's disks are nearly full: nothing was begun, or it was undone */
    FAULT_INTERNAL,    /* ours: park the request and shout */
    FAULT_UNKNOWN,     /* begun, and nobody can say what came of it */
    FAULT_COUNT
};

/* What becomes of a request that met this fault in a worker. */
enum fate {
    FATE_SETTLE, /* record the fault as the request's result */
    FATE_RETRY,  /* keep the request; nothing is known to be wrong with it */
    FATE_PARK,   /* set it aside for a person to look at */
};

struct error {
    enum fault fault;
    char rule[96];  /* the policy rule that decided, as a path in the policy; "" if none did */
    char text[256]; /* one line for people: what is wrong and, where we know it, what to do */
};

/* Fill *err and return -1, so that callers write `return fail(err, ...)`. err may be NULL. */
int fail(struct error *err, enum fault fault, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* Like fail, and name the policy rule that decided. */
int fail_by_rule(struct error *err, enum fault fault, const char *rule, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

/* Prefix what the caller was doing; the fault and the rule stay. Returns -1. */
int fail_while(struct error *err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* The code that users read in JSON ("policy_denied", …); docs/protocol.md lists them. */
const char *fault_code(enum fault fault);

/* The fault with this code, or FAULT_INTERNAL for a code that this version does not know. */
enum fault fault_from_code(const char *code);
/* Of those with this code the one that ends a request in this state; where none does, as above. */
enum fault fault_of_end(const char *code, const char *state);

/* The state in which a request ends that met this fault: "refused", "failed", "expired", … */
const char *fault_state(enum fault fault);

/* The exit status of a command that ends with this fault. */
int fault_exit_status(enum fault fault);

enum fate fault_fate(enum fault fault);

#endif
