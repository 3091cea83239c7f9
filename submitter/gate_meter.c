#include "submitter/gate_meter.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>

#define DAY_US INT64_C(86400000000)
#define ACCOUNTS 4096 /* of users who owe something at one time; beyond these nobody gets more */

struct account {
    _Atomic uint64_t owner; /* uid + 1; 0: it has never been anybody's */
    _Atomic int64_t earned; /* when all is earned again, in microseconds */
};

struct meter {
    long most;
    struct account accounts[ACCOUNTS];
};

int meter_new(long most_a_day, struct meter **ret_meter, struct error *err)
{
    struct meter *meter = mmap(NULL, sizeof(*meter), PROT_READ | PROT_WRITE,
                               MAP_SHARED | MAP_ANONYMOUS, -1, 0); /* of zeros */
    if (meter == MAP_FAILED)
        return fail(err, FAULT_INTERNAL, "shared memory for users' shares: %s", strerror(errno));
    meter->most = most_a_day;
    *ret_meter = meter;
    return 0;
}

void meter_free(struct meter *meter)
{
    if (meter)
        munmap(meter, sizeof(*meter));
}

/* The user's, or the first one whose user owes nothing; NULL: there is neither. */
static struct account *find(struct meter *meter, uint64_t owner, int64_t now)
{
    struct account *vacant = NULL;

    for (size_t i = 0; i < ACCOUNTS; i++) {
        struct account *account = &meter->accounts[(owner + i) % ACCOUNTS];
        uint64_t held = atomic_load(&account->owner);
        if (held == owner)
            return account;
        if (!vacant && atomic_load(&account->earned) <= now)
            vacant = account;
        if (held == 0)
            break; /* nobody's account is behind one that was never taken */
    }
    return vacant;
}

/* The user's own from now on, unless another child was faster with it. */
static bool open_account(struct account *account, uint64_t owner)
{
    uint64_t held = atomic_load(&account->owner);

    return held == owner || atomic_compare_exchange_strong(&account->owner, &held, owner);
}

static size_t charge(struct account *account, long most, size_t count, int64_t now)
{
    int64_t each = DAY_US / most;
    int64_t earned = atomic_load(&account->earned);
    int64_t from, room;

    do {
        from = earned > now ? earned : now;
        room = (now + DAY_US - from) / each;
        if ((size_t)room < count)
            count = (size_t)room;
    } while (
        !atomic_compare_exchange_weak(&account->earned, &earned, from + each * (int64_t)count));
    return count;
}

size_t meter_take(struct meter *meter, uid_t uid, size_t count, int64_t now_ms, struct error *err)
{
    uint64_t owner = (uint64_t)uid + 1;
    long most = meter->most;
    int64_t now = now_ms * 1000;
    struct account *account = find(meter, owner, now);

    while (account && !open_account(account, owner))
        account = find(meter, owner, now);
    size_t granted = account ? charge(account, most, count, now) : 0;
    if (granted < count)
        fail(err, FAULT_QUOTA,
             "you have asked for %ld requests within a day: wait, or ask the administrator", most);
    return granted;
}
