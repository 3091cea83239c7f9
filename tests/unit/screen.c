#include "tests/unit/screen.h"

#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "submitter/commands.h"
#include "submitter/render.h"

#define WORDS_MOST 32

void screen_open(struct screen *screen, struct fake_courier *fake)
{
    static const volatile sig_atomic_t never;

    memset(screen, 0, sizeof(*screen));
    screen->session = (struct session){
        .program = "dcm-submit",
        .prefix = "dcm-submit ",
        .user = "alice",
        .courier = fake ? &fake->courier : NULL,
        .out = open_memstream(&screen->out, &screen->out_size),
        .err = open_memstream(&screen->err, &screen->err_size),
        .started = clock_ms(),
        .interrupted = fake ? &fake->interrupted : &never,
    };
}

void screen_read(struct screen *screen)
{
    fflush(screen->session.out);
    fflush(screen->session.err);
}

void screen_close(struct screen *screen)
{
    fclose(screen->session.out);
    fclose(screen->session.err);
    free(screen->out);
    free(screen->err);
}

int screen_run(struct screen *screen, const char *line)
{
    char copy[512];
    char *words[WORDS_MOST];
    int count = 0;
    struct options options;
    struct error reason = {0};

    snprintf(copy, sizeof(copy), "%s", line);
    for (char *word = strtok(copy, " "); word && count < WORDS_MOST; word = strtok(NULL, " "))
        words[count++] = word;
    int status = options_parse(count, words, &options, &reason) == -1
                     ? render_error(&screen->session, NULL, NULL, &reason)
                     : options.command->run(&screen->session, options.command, &options);
    screen_read(screen);
    return status;
}

int scene_set_up(void **state)
{
    struct scene *scene = calloc(1, sizeof(*scene));

    fake_courier_begin(&scene->fake);
    scene->fake.op = OP_PING;
    scene->fake.records[0] = (struct fake_record){.state = "done"};
    screen_open(&scene->screen, &scene->fake);
    *state = scene;
    return 0;
}

int scene_tear_down(void **state)
{
    struct scene *scene = *state;

    screen_close(&scene->screen);
    json_decref(scene->fake.args);
    free(scene);
    return 0;
}

size_t lines_of(const char *text)
{
    size_t count = 0;
    for (; *text; text++)
        count += *text == '\n';
    return count;
}
