#include "submitter/courier.h"

void courier_close(struct courier *courier)
{
    if (courier)
        courier->methods->close(courier);
}
