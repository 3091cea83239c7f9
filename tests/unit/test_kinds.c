/* Every kind of request is in every table that has a row for each. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "worker/actions.h"
#include "worker/requests/requests.h"

#include <cmocka.h> /* last: it defines a macro fail() */

static void every_kind_has_an_action(void **state)
{
    (void)state;
    for (enum op op = 0; op < OP_COUNT; op++)
        if (!action_of(op)->run)
            fail_msg("%s has no row in worker/actions.c", op_name(op));
}

static void every_kind_can_be_explained(void **state)
{
    (void)state;
    for (enum op op = 0; op < OP_COUNT; op++)
        if (op != OP_POLICY_EXPLAIN && !request_is_explained(op))
            fail_msg("%s has no row in worker/requests/explain.c", op_name(op));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kind_has_an_action),
        cmocka_unit_test(every_kind_can_be_explained),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
