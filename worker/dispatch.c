#include "worker/dispatch.h"

#include <errno.h>
#include <poll.h>
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

int work_send(int socket, const struct work *work, struct error *err)
{
    return send_packet(socket, work, offsetof(struct work, body) + work->length, err);
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

int work_receive(int socket, struct work *ret_work, struct error *err)
{
    size_t size = 0;
    int status = receive_packet(socket, ret_work, sizeof *ret_work, &size, err);
    if (status != 0)
        return status;
    if (size < offsetof(struct work, body) ||
        size != offsetof(struct work, body) + ret_work->length)
        return fail(err, FAULT_INTERNAL, "a work message of %zu bytes does not add up", size);
    if (!is_sound(ret_work))
        return fail(err, FAULT_INTERNAL, "a work message is none that the link would send");
    return 0;
}

bool work_is_there(int socket)
{
    struct pollfd input = {.fd = socket, .events = POLLIN};
    return poll(&input, 1, 0) == 1 && input.revents & POLLIN;
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
