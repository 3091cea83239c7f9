/*
 * The server's own account of what it has begun and ended: a SQLite file in WAL mode with
 * synchronous=FULL, but for what says that it does not wait for the disk; and the only user of
 * sqlite3. Once a request is begun here it is this server's,
 * whatever becomes of its delivery. Every process opens the journal for itself.
 *
 * All failures are FAULT_DEPENDENCY (locked for too long, disk full) or FAULT_INTERNAL (damaged).
 */
#ifndef DCM_WORKER_JOURNAL_H
#define DCM_WORKER_JOURNAL_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/error.h"
#include "schemas/names.h"
#include "schemas/request.h"

struct journal;

/* Creates file and tables where they are missing (mode 0600). */
int journal_open(const char *path, struct journal **ret_journal, struct error *err);
/* Nothing is to be done for a while: pages of the file that are in memory go, and are read again.
 */
void journal_rest(struct journal *journal);
void journal_close(struct journal *journal); /* accepts NULL */
static inline void auto_journal(struct journal **slot)
{
    journal_close(*slot);
}

enum journal_state { JOURNAL_UNKNOWN, JOURNAL_BEGUN, JOURNAL_ENDED };

struct journal_entry {
    enum journal_state state;
    enum op op;
    char hash[REQUEST_HASH_SIZE];
    char container[ENGINE_ID_SIZE]; /* "" until the engine has made one */
    char publisher[64];
    char *body;      /* the message as it came, terminated */
    json_t *removed; /* what a removal takes away, as its result shows it; NULL where not noted */
    json_t *result;  /* of an ended request */
    int64_t begun;   /* milliseconds since the epoch */
    long attempts;   /* how often it has been begun and not let go: how many attempts have died */
    bool touched;    /* an attempt that was let go may have had an effect */
    bool recorded;   /* the result has reached the store */
    int64_t parked;  /* milliseconds since the epoch; 0: it is not. An ended one is not any more */
    json_t *history; /* of attempts that were not let go, an array of {"begun","ended","end"}: times
                        in milliseconds, and the last two only where somebody saw the end */
};
void journal_entry_clear(struct journal_entry *entry);
static inline void auto_journal_entry(struct journal_entry *entry)
{
    journal_entry_clear(entry);
}

/* state is JOURNAL_UNKNOWN when there is no such request. */
int journal_find(struct journal *journal, const char *id, struct journal_entry *ret_entry,
                 struct error *err);

/* What is found between these is found as of one moment, and under one lock: to take that costs
 * more than to look. Nothing may be written meanwhile. */
int journal_look(struct journal *journal, struct error *err);
void journal_looked(struct journal *journal);

/* Has nothing been changed for a request that was begun? */
static inline bool journal_is_untouched(const struct journal_entry *entry)
{
    return entry->attempts <= 0 && !entry->touched;
}

/* Before the first effect. A request begun before counts one more attempt and keeps the rest, also
 * the time: *ret_begun (may be NULL) is that of the first attempt. */
int journal_begin(struct journal *journal, const struct request *request, const char *hash,
                  const char *publisher, const char *body, int64_t *ret_begun, struct error *err);
/* An attempt ended in peace, to be made again: it does not count. */
int journal_let_go(struct journal *journal, const char *id, bool touched, struct error *err);
/* How the last attempt ended: one that was begun no sooner than `since` and of which that is not
 * known yet. If there is none, nothing happens. */
int journal_death(struct journal *journal, const char *id, int64_t since, int64_t ended,
                  const char *end, struct error *err);
/* Nothing is begun for it until it is asked for anew; then the attempts so far count no more. */
int journal_park(struct journal *journal, const char *id, struct error *err);
int journal_unpark(struct journal *journal, const char *id, struct error *err);
/* The request has this container in hand. */
int journal_container(struct journal *journal, const char *id, const char *container,
                      struct error *err);
/* The same of one that has just been made, without waiting for the disk: what a power failure takes
 * back, the next attempt finds by its name and label in the engine. */
int journal_made(struct journal *journal, const char *id, const char *container, struct error *err);
/* The request is about to take this away, a container or an image, which looked like that. */
int journal_removal(struct journal *journal, const char *id, const char *container,
                    const json_t *removed, struct error *err);
/* After the last effect, before the store is told. Begins it first where it was not begun
 * (publisher "", the body written anew). One that has ended keeps its first result. */
int journal_end(struct journal *journal, const struct request *request, const char *hash,
                const json_t *result, struct error *err);
/* The store has the result, since this seq of the server's there. Without waiting for the disk:
 * what a power failure takes back is told the store once more. */
int journal_recorded(struct journal *journal, const char *id, uint64_t seq, struct error *err);

/* The generation of the store that index and records were last put in order in, 0 before the first
 * time; and the highest seq at which that store is known to have had a result. */
int journal_store(struct journal *journal, uint64_t *ret_generation, uint64_t *ret_seq,
                  struct error *err);
/* Every result that ended after `since` (milliseconds since the epoch) and that a store lacks which
 * holds nothing after seq. A visit that fails ends it. */
typedef int journal_visit(const struct request *request, const char *hash, const json_t *result,
                          void *context, struct error *err);
int journal_visit_lost(struct journal *journal, uint64_t seq, int64_t since, journal_visit *visit,
                       void *context, struct error *err);
/* The store of this generation has, as of its seq `now`, what another one lacked after `seq`. */
int journal_found(struct journal *journal, uint64_t generation, uint64_t seq, uint64_t now,
                  struct error *err);

/* Requests that were begun and not ended, or ended and not recorded, oldest first: an array of
 * {"id","publisher","body"}, all texts, and "parked", whether it is. */
int journal_unfinished(struct journal *journal, json_t **ret_requests, struct error *err);

/* The last recreate that had this container in hand: *ret_id, "" if there is none, and whether it
 * has ended. */
int journal_replacer(struct journal *journal, const char *container, char ret_id[IDENTIFIER_SIZE],
                     bool *ret_ended, struct error *err);

/* Has the last commit of this container ended without success, or been parked, and has its user
 * paused nothing since? Then it is that commit that left it paused. */
int journal_left_paused(struct journal *journal, const char *container, bool *ret_left,
                        struct error *err);

/* A container of ours that was removed on purpose: its id is never taken for a lost one. */
int journal_tombstone(struct journal *journal, const char *container, struct error *err);
int journal_is_tombstone(struct journal *journal, const char *container, bool *ret_is,
                         struct error *err);

/* No store gets back what a user who goes has asked for, as if it had ended long ago; the next
 * prune takes it. Until then the keeper still learns from it what debris is. *ret_left: something
 * has not ended, or not been recorded, and stays as it is. */
int journal_forget_user(struct journal *journal, const char *user, bool *ret_left,
                        struct error *err);

/* Forget what ended and was recorded, or was removed, before this time (milliseconds since the
 * epoch). */
int journal_prune(struct journal *journal, int64_t before, struct error *err);

#endif
