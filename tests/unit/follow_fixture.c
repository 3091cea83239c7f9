#include "tests/unit/follow_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "common/members.h"
#include "schemas/result.h"

const struct pace quick = {.wait_ms = 10, .look_ms = 40, .patience_ms = 120, .again_ms = 60};

static int note(const json_t *event, void *context)
{
    struct heard *heard = context;
    const char *phase = text_at(event, "phase");

    strncat(heard->phases, phase, sizeof(heard->phases) - strlen(heard->phases) - 1);
    strncat(heard->phases, " ", sizeof(heard->phases) - strlen(heard->phases) - 1);
    return heard->stop_after != 0 && ++heard->count == heard->stop_after;
}

void begin(struct scene *scene)
{
    memset(scene, 0, sizeof(*scene));
    fake_courier_begin(&scene->fake);
    scene->following = (struct following){
        .courier = &scene->fake.courier,
        .id = FAKE_ID,
        .submitted = true,
        .interrupted = &scene->fake.interrupted,
        .pace = &quick,
        .heed = note,
        .context = &scene->heard,
    };
}

int play(struct scene *scene)
{
    return follow(&scene->following, &scene->result, &scene->err);
}

void assert_done(struct scene *scene)
{
    assert_int_equal(play(scene), 0);
    assert_string_equal(result_state(scene->result), "done");
    json_decref(scene->result);
}

void assert_unfinished(struct scene *scene)
{
    assert_int_equal(play(scene), -1);
    assert_int_equal(scene->err.fault, FAULT_UNFINISHED);
    assert_null(scene->result);
}
