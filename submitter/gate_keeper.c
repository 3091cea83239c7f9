#include "submitter/gate_keeper.h"

#include "common/clock.h"
#include "common/log.h"

void gate_keep(struct gate_keeper *keeper)
{
    struct error err = {0};

    if (clock_ms() < keeper->due)
        return;
    bool lost = courier_direct_keep(keeper->courier, &err) == -1;
    if (lost && !keeper->lost)
        log_warning("the broker is out of reach: %s", err.text);
    else if (!lost && keeper->lost)
        log_info("the broker is back");
    keeper->lost = lost;
    keeper->due = clock_ms() + GATE_KEEP_MS;
}
