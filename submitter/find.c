#include "submitter/find.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "common/members.h"

#define DIGITS_LEAST 8
#define DIGITS_MOST 32

/* The hex digits of an id or of its end, in lower case and without the dashes. */
static bool hex_digits(const char *text, char ret_digits[DIGITS_MOST + 1])
{
    size_t count = 0;

    for (; *text; text++) {
        if (*text == '-')
            continue;
        if (!isxdigit((unsigned char)*text) || count == DIGITS_MOST)
            return false;
        ret_digits[count++] = (char)tolower((unsigned char)*text);
    }
    ret_digits[count] = '\0';
    return true;
}

bool looks_like_request(const char *text)
{
    char digits[DIGITS_MOST + 1];
    return hex_digits(text, digits) && strlen(digits) >= DIGITS_LEAST;
}

static const char *request_id(const json_t *result)
{
    const char *id = text_at(result, "request");
    return identifier_is_valid(id) ? id : NULL;
}

static bool ends_with(const char *id, const char *end)
{
    char digits[DIGITS_MOST + 1];

    if (!id || !hex_digits(id, digits) || strlen(end) > strlen(digits))
        return false;
    return strcmp(digits + strlen(digits) - strlen(end), end) == 0;
}

static int find_latest(const json_t *requests, char ret_id[IDENTIFIER_SIZE], struct error *err)
{
    const char *id = request_id(json_array_get(requests, json_array_size(requests) - 1));
    if (!id)
        return fail(err, FAULT_NOT_FOUND, "you have asked for nothing in the last days");
    memcpy(ret_id, id, IDENTIFIER_SIZE);
    return 0;
}

static int find_by_end(const json_t *requests, const char *text, const char *end,
                       char ret_id[IDENTIFIER_SIZE], struct error *err)
{
    const char *found = NULL;
    size_t i;
    json_t *result;

    json_array_foreach(requests, i, result)
    {
        const char *id = request_id(result);
        if (!ends_with(id, end))
            continue;
        if (found && strcmp(found, id) != 0)
            return fail(err, FAULT_INVALID,
                        "several requests end with %.40s: give more digits of the id", text);
        found = id;
    }
    if (!found)
        return fail(err, FAULT_NOT_FOUND, "none of your latest requests ends with %.40s", text);
    memcpy(ret_id, found, IDENTIFIER_SIZE);
    return 0;
}

int find_request(struct courier *courier, const char *text, char ret_id[IDENTIFIER_SIZE],
                 struct error *err)
{
    char digits[DIGITS_MOST + 1];
    json_auto_t *requests = NULL;

    if (text && identifier_is_valid(text)) {
        memcpy(ret_id, text, IDENTIFIER_SIZE);
        return 0;
    }
    if (text && !(hex_digits(text, digits) && strlen(digits) >= DIGITS_LEAST))
        return fail(err, FAULT_INVALID,
                    "\"%.40s\" is no request's id: give it whole, or its last 8 or more digits",
                    text);
    if (courier->methods->list(courier, LIST_REQUESTS, &requests, err) == -1)
        return -1;
    return text ? find_by_end(requests, text, digits, ret_id, err)
                : find_latest(requests, ret_id, err);
}

static bool is_called(const json_t *item, const char *text)
{
    const json_t *container = json_object_get(item, "container");
    const char *name = text_at(container, "name");
    json_int_t port = number_at(container, "ssh_port");

    if (isdigit((unsigned char)*text))
        return port == strtoll(text, NULL, 10);
    return name && strcmp(name, text) == 0;
}

int find_container(struct courier *courier, const char *text, json_t **ret_item, struct error *err)
{
    json_auto_t *list = NULL;
    size_t i;
    json_t *item;

    if (!name_is_container_reference(text))
        return fail(err, FAULT_INVALID, "\"%.40s\" is not a container's name or SSH port", text);
    if (courier->methods->list(courier, LIST_CONTAINERS, &list, err) == -1)
        return -1;
    json_array_foreach(list, i, item)
    {
        if (is_called(item, text)) {
            *ret_item = json_incref(item);
            return 0;
        }
    }
    return fail(err, FAULT_NOT_FOUND, "you have no container %.40s", text);
}

/* The image with this number in a list of the courier's; NULL if there is none, or no list. */
static const json_t *image_at(const json_t *items, const char *number)
{
    unsigned long index = strtoul(number, NULL, 10);
    const json_t *item = index ? json_array_get(items, index - 1) : NULL;
    return json_object_get(item, "image");
}

/* Without a list that stays there is nothing which a number could stand for: another's answer to
 * `images` may come in another order. */
static int refuse_number(const struct session *session, const char *text, struct error *err)
{
    json_auto_t *items = NULL;

    if (session->courier)
        session->courier->methods->list(session->courier, LIST_IMAGES, &items, NULL);
    const char *name = text_at(image_at(items, text), "name");
    return fail(err, FAULT_INVALID, "\"%.40s\" is a number: use the image's name%s%.128s", text,
                name ? ", " : "", name ? name : "");
}

int find_image(const struct session *session, const char *text, const char **ret_reference,
               struct error *err)
{
    if (name_is_image_reference(text)) {
        *ret_reference = text;
        return 0;
    }
    if (*text == '\0' || text[strspn(text, "0123456789")] != '\0')
        return fail(err, FAULT_INVALID, "\"%.128s\" is not an image's name or id", text);
    if (!session->numbered)
        return refuse_number(session, text, err);
    if (!*session->numbered)
        return fail(err, FAULT_INVALID, "no list has given an image the number %.40s yet: images",
                    text);
    const char *id = text_at(image_at(*session->numbered, text), "id");
    if (!id)
        return fail(err, FAULT_INVALID, "the last list had no image %.40s: see images", text);
    *ret_reference = id;
    return 0;
}

const char *image_called(const struct session *session, const char *text)
{
    bool is_number = !name_is_image_reference(text) && session->numbered;
    const json_t *image = is_number ? image_at(*session->numbered, text) : NULL;
    const char *name = text_at(image, "name");
    return name ? name : text;
}
