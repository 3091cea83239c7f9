#include "worker/watermark.h"

#include <errno.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>

struct watermark {
    _Atomic uint64_t generation;
    _Atomic uint64_t seq;
    atomic_bool doubted;
};

int watermark_new(struct watermark **ret_mark, struct error *err)
{
    struct watermark *mark =
        mmap(NULL, sizeof *mark, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (mark == MAP_FAILED)
        return fail(err, FAULT_INTERNAL, "shared memory: %s", strerror(errno));
    *ret_mark = mark; /* all zero: of no generation */
    return 0;
}

void watermark_free(struct watermark *mark)
{
    if (mark)
        munmap(mark, sizeof *mark);
}

uint64_t watermark_generation(const struct watermark *mark)
{
    return atomic_load(&mark->generation);
}

uint64_t watermark_seq(const struct watermark *mark)
{
    return atomic_load(&mark->seq);
}

void watermark_rise(struct watermark *mark, uint64_t seq)
{
    uint64_t known = atomic_load(&mark->seq);
    while (known < seq && !atomic_compare_exchange_weak(&mark->seq, &known, seq))
        ;
}

void watermark_settle(struct watermark *mark, uint64_t generation)
{
    atomic_store(&mark->generation, generation);
}

void watermark_doubt(struct watermark *mark)
{
    atomic_store(&mark->doubted, true);
}

bool watermark_is_doubted(struct watermark *mark)
{
    return atomic_exchange(&mark->doubted, false);
}
