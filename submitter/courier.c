#include "submitter/courier.h"

void courier_foresee(struct courier *courier, const char *id, int wait_ms)
{
    if (courier->methods->foresee)
        courier->methods->foresee(courier, id, wait_ms);
}

void courier_close(struct courier *courier)
{
    if (courier)
        courier->methods->close(courier);
}
