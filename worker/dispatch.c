#include "worker/dispatch.h"

#include <errno.h>
#include <stdalign.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>

static int send_packet(int socket, const void *data, size_t size, struct error *err)
{
    ssize_t sent;
    do
        sent = send(socket, data, size, MSG_NOSIGNAL);
    while (sent < 0 && errno == EINTR);
    if (sent != (ssize_t)size)
        return fail(err, FAULT_INTERNAL, "send to a process of ours: %s", strerror(errno));
    return 0;
}

static int receive_packet(int socket, void *data, size_t size, size_t *ret_size, struct error *err)
{
    ssize_t got = recv(socket, data, size, 0);
    if (got == 0 || (got < 0 && errno == ECONNRESET))
        return 1;
    if (got < 0)
        return fail(err, FAULT_INTERNAL, "receive from a process of ours: %s", strerror(errno));
    *ret_size = (size_t)got;
    return 0;
}

/* In a message each work is followed by its body, and the next begins where a struct may. */
size_t work_size(const struct work *work)
{
    size_t size = sizeof *work + work->length;
    return (size + alignof(struct work) - 1) / alignof(struct work) * alignof(struct work);
}

int works_send(int socket, const struct work *works, size_t count, struct error *err)
{
    static char bytes[WORKS_BYTES]; /* not on the stack */
    size_t size = 0;
    for (size_t i = 0; i < count; i++) {
        if (works[i].length > REQUEST_MAX_BYTES || size + work_size(&works[i]) > sizeof bytes)
            return fail(err, FAULT_INTERNAL, "work for a process of ours: too much for a message");
        memcpy(bytes + size, &works[i], sizeof works[i]);
        if (works[i].length)
            memcpy(bytes + size + sizeof works[i], works[i].body, works[i].length);
        size += work_size(&works[i]);
    }
    return send_packet(socket, bytes, size, err);
}

static bool is_text(const char *text, size_t size)
{
    return memchr(text, '\0', size) != NULL;
}

/* The link reads what strangers send, and the runner is root: whoever has taken over the one must
 * not come by the other. */
static bool is_sound(const struct work *work)
{
    return work->kind < WORK_COUNT && is_text(work->account, sizeof work->account) &&
           is_text(work->id, sizeof work->id) && is_text(work->last.end, sizeof work->last.end);
}

static int take_work(struct works *works, size_t size, size_t *at, struct error *err)
{
    struct work *work = &works->list[works->count];
    size_t left = size - *at;
    if (works->count == WORKS_MOST || left < sizeof *work)
        return fail(err, FAULT_INTERNAL, "a work message of %zu bytes does not add up", size);
    memcpy(work, works->bytes + *at, sizeof *work);
    if (work->length > REQUEST_MAX_BYTES || work_size(work) > left)
        return fail(err, FAULT_INTERNAL, "a work message of %zu bytes does not add up", size);
    if (!is_sound(work))
        return fail(err, FAULT_INTERNAL, "a work message is none that the link would send");
    work->body = works->bytes + *at + sizeof *work;
    *at += work_size(work);
    works->count++;
    return 0;
}

int works_receive(int socket, struct works *ret_works, struct error *err)
{
    size_t size = 0, at = 0;
    int status = receive_packet(socket, ret_works->bytes, sizeof ret_works->bytes, &size, err);
    ret_works->count = 0;
    while (status == 0 && at < size)
        status = take_work(ret_works, size, &at, err);
    return status;
}

int word_send(int socket, const struct word *word, struct error *err)
{
    return send_packet(socket, word, offsetof(struct word, body) + word->length, err);
}

int word_receive(int socket, struct word *ret_word, struct error *err)
{
    size_t size = 0;
    int status = receive_packet(socket, ret_word, sizeof *ret_word, &size, err);
    if (status != 0)
        return status;
    if (size < offsetof(struct word, body) ||
        size != offsetof(struct word, body) + ret_word->length)
        return fail(err, FAULT_INTERNAL, "a word message of %zu bytes does not add up", size);
    return 0;
}

void word_add_serial(struct word *word, uint64_t serial)
{
    memcpy(word->body + word->length, &serial, sizeof serial);
    word->length += sizeof serial;
}

bool word_next_serial(const struct word *word, size_t *at, uint64_t *ret_serial)
{
    if (word->length - *at < sizeof *ret_serial)
        return false;
    memcpy(ret_serial, word->body + *at, sizeof *ret_serial);
    *at += sizeof *ret_serial;
    return true;
}

int slot_send(int control, const struct slot_news *news, int socket, struct error *err)
{
    union {
        char space[CMSG_SPACE(sizeof(int))];
        struct cmsghdr align;
    } buffer = {0};
    struct slot_news copy = *news;
    struct iovec part = {.iov_base = &copy, .iov_len = sizeof copy};
    struct msghdr message = {.msg_iov = &part,
                             .msg_iovlen = 1,
                             .msg_control = buffer.space,
                             .msg_controllen = sizeof buffer.space};
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof(int));
    memcpy(CMSG_DATA(header), &socket, sizeof socket);
    if (sendmsg(control, &message, MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
        return fail(err, FAULT_INTERNAL, "hand a runner's socket to the link: %s", strerror(errno));
    return 0;
}

int slot_receive(int control, struct slot_news *ret_news, int *ret_socket, struct error *err)
{
    union {
        char space[CMSG_SPACE(sizeof(int))];
        struct cmsghdr align;
    } buffer = {0};
    struct slot_news news = {0};
    struct iovec part = {.iov_base = &news, .iov_len = sizeof news};
    struct msghdr message = {.msg_iov = &part,
                             .msg_iovlen = 1,
                             .msg_control = buffer.space,
                             .msg_controllen = sizeof buffer.space};
    ssize_t got = recvmsg(control, &message, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
    if (got == 0)
        return 1;
    struct cmsghdr *header = got > 0 ? CMSG_FIRSTHDR(&message) : NULL;
    if (got != (ssize_t)sizeof news || !header || header->cmsg_type != SCM_RIGHTS)
        return fail(err, FAULT_INTERNAL, "no runner's socket came: %s", strerror(errno));
    *ret_news = news;
    memcpy(ret_socket, CMSG_DATA(header), sizeof *ret_socket);
    return 0;
}
