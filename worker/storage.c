#include "worker/storage.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include "common/auto.h"
#include "common/count.h"
#include "schemas/names.h"
#include "schemas/units.h"
#include "worker/beneath.h"

#define OTHERS_ENTER (S_IROTH | S_IXOTH)

/* A directory of the administrator's configuration; above it, symbolic links are his affair. */
static int open_configured(const char *what, const char *path, int *ret_fd, struct error *err)
{
    AUTO(fd) int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (fd < 0)
        return fail(err, FAULT_INTERNAL, "the %s directory %s: %s", what, path, strerror(errno));
    if (beneath_check_root(fd, path, err))
        return fail_while(err, "the %s directory", what);
    *ret_fd = TAKE_FD(fd);
    return 0;
}

/*
 * Of a directory whose new files are of its own project, a file system with project quotas says
 * that it is as large as that project's limit (XFS and ext4 alike, their statfs); nobody needs a
 * right to ask. One that is no larger as a whole will do as well.
 */
static int check_bound(int fd, const char *path, const struct storage_bound *bound,
                       struct error *err)
{
    struct statvfs status;
    char most[32];

    if (bound->most == INT64_MAX)
        return 0;
    if (fstatvfs(fd, &status))
        return fail(err, FAULT_INTERNAL, "%s: %s", path, strerror(errno));
    if (status.f_blocks <= (uint64_t)bound->most / status.f_frsize)
        return 0;
    size_format(bound->most, most, sizeof(most));
    return fail_by_rule(err, FAULT_DENIED, bound->rule,
                        "this server does not keep your storage to the %s granted to you; ask the "
                        "administrator",
                        most);
}

/* A directory as it should be in a parent that only root can write to. */
struct wanted {
    int parent;
    const char *name;
    const char *path; /* for messages */
    uid_t uid;        /* on the host */
    gid_t gid;
    mode_t mode;
    bool mounted; /* into containers: within their users' reach */
    const struct storage_bound *bound;
};

/*
 * Make it where it is missing, and mend owner and mode through its descriptor. What is mounted may
 * belong to anybody: a user is root inside his container and can give it away; but its name in the
 * parent he cannot turn to anything else. What is not mounted has always been root's.
 */
static int ensure_directory(const struct wanted *wanted, int *ret_fd, struct error *err)
{
    struct stat status;

    if (mkdirat(wanted->parent, wanted->name, S_IRWXU) && errno != EEXIST)
        return fail(err, errno == ENOSPC || errno == EDQUOT ? FAULT_NO_ROOM : FAULT_INTERNAL,
                    "%s: %s", wanted->path, strerror(errno));
    AUTO(fd) int fd = beneath_open(wanted->parent, wanted->name, O_RDONLY | O_DIRECTORY);
    if (fd < 0 || fstat(fd, &status))
        return fail(err, FAULT_INTERNAL, "%s: %s", wanted->path, strerror(errno));
    if (!wanted->mounted && beneath_check_root(fd, wanted->path, err))
        return -1;
    bool is_owned = status.st_uid == wanted->uid && status.st_gid == wanted->gid;
    bool is_moded = (status.st_mode & ALLPERMS) == wanted->mode;
    if ((!is_owned && fchown(fd, wanted->uid, wanted->gid)) ||
        (!is_moded && fchmod(fd, wanted->mode)))
        return fail(err, FAULT_INTERNAL, "%s: %s", wanted->path, strerror(errno));
    if (check_bound(fd, wanted->path, wanted->bound, err))
        return -1;
    *ret_fd = TAKE_FD(fd);
    return 0;
}

/* The user of this number in containers, and the group. */
static void own_by(struct wanted *wanted, const struct id_map *ids, uid_t inside)
{
    wanted->uid = ids->first_uid + inside;
    wanted->gid = ids->first_gid + (gid_t)inside;
}

static int prepare_directories(const char *storage, const struct storage_owner *owner,
                               const struct storage_paths *paths, struct error *err)
{
    AUTO(fd) int top = -1;
    AUTO(fd) int own = -1;
    AUTO(fd) int root = -1;
    AUTO(fd) int home = -1;

    if (open_configured("storage", storage, &top, err))
        return -1;
    /* Closed to all but root: inside, users are root and can make programs setuid, which nobody may
     * come to run out here. Bounded before anything is made in it, for that inherits its project.
     */
    const struct wanted own_wanted = {.parent = top,
                                      .name = owner->user,
                                      .path = owner->user,
                                      .mode = S_IRWXU,
                                      .bound = owner->bound};
    if (ensure_directory(&own_wanted, &own, err))
        return err->fault == FAULT_DENIED ? -1 : fail_while(err, "%s", storage);
    struct wanted root_wanted = own_wanted;
    root_wanted.parent = own;
    root_wanted.mounted = true;
    struct wanted home_wanted = root_wanted;
    root_wanted.name = "root", root_wanted.path = paths->root;
    home_wanted.name = "home", home_wanted.path = paths->home;
    own_by(&root_wanted, owner->ids, 0);
    own_by(&home_wanted, owner->ids, owner->uid);
    if (ensure_directory(&root_wanted, &root, err) || ensure_directory(&home_wanted, &home, err))
        return -1;
    return 0;
}

static int no_key(const char *user, struct error *err)
{
    return fail(err, FAULT_DENIED, "%s has no SSH key on this server; ask the administrator", user);
}

/* Inside, sshd has an unprivileged process read them; and inside a user namespace root is one too.
 */
static int check_readable(int directory, int file, const char *path, struct error *err)
{
    struct stat above, status;

    if (fstat(directory, &above) || fstat(file, &status))
        return fail(err, FAULT_INTERNAL, "%s: %s", path, strerror(errno));
    if ((above.st_mode & OTHERS_ENTER) != OTHERS_ENTER || !(status.st_mode & S_IROTH))
        return fail(err, FAULT_INTERNAL,
                    "%s: others than root cannot read the keys in there; chmod -R go+rX", path);
    return 0;
}

static int check_keys(const char *keys, const char *user, const char *path, struct error *err)
{
    struct stat status;
    AUTO(fd) int top = -1;

    if (open_configured("keys", keys, &top, err))
        return -1;
    AUTO(fd) int own = beneath_open(top, user, O_RDONLY | O_DIRECTORY);
    if (own < 0 && errno == ENOENT)
        return no_key(user, err);
    if (own < 0)
        return fail(err, FAULT_INTERNAL, "%s: %s", path, strerror(errno));
    if (beneath_check_root(own, path, err))
        return -1;
    AUTO(fd) int file = beneath_open(own, "authorized_keys", O_RDONLY | O_NONBLOCK);
    if (file < 0 && errno == ENOENT)
        return no_key(user, err);
    if (file < 0 || fstat(file, &status))
        return fail(err, FAULT_INTERNAL, "%s/authorized_keys: %s", path, strerror(errno));
    if (beneath_check_root(file, path, err))
        return fail_while(err, "authorized_keys in");
    if (!S_ISREG(status.st_mode) || status.st_size == 0)
        return no_key(user, err);
    return check_readable(own, file, path, err);
}

static int join(char ret_path[PATH_MAX], const char *top, const char *user, const char *name,
                struct error *err)
{
    int length = snprintf(ret_path, PATH_MAX, "%s/%s%s", top, user, name);

    return length < PATH_MAX ? 0 : fail(err, FAULT_INTERNAL, "%.80s…: path too long", top);
}

int storage_prepare(const char *storage, const char *keys, const struct storage_owner *owner,
                    struct storage_paths *ret_paths, struct error *err)
{
    const char *user = owner->user;
    struct storage_paths paths;

    /* A name such as ".." would lead elsewhere, and a home of root's would be two things at once.
     */
    if (!name_is_user(user) || owner->uid == 0 || owner->uid == (uid_t)-1)
        return fail(err, FAULT_INTERNAL, "no storage for user '%.40s' of uid %lu", user,
                    (unsigned long)owner->uid);
    /* What is beyond the map has no place in it, and on the host it is somebody else's. */
    if (owner->uid >= owner->ids->count)
        return fail(err, FAULT_DENIED,
                    "%s has uid %lu, and this server's engine maps those below %lu alone; ask the "
                    "administrator",
                    user, (unsigned long)owner->uid, (unsigned long)owner->ids->count);
    if (join(paths.root, storage, user, "/root", err) ||
        join(paths.home, storage, user, "/home", err) || join(paths.keys, keys, user, "", err))
        return -1;
    /* The keys first: whoever has none leaves no directories behind. */
    if (check_keys(keys, user, paths.keys, err) || prepare_directories(storage, owner, &paths, err))
        return -1;
    *ret_paths = paths;
    return 0;
}

int storage_check(const char *storage, const char *user, const struct storage_bound *bound,
                  struct error *err)
{
    static const char *const names[] = {"root", "home"};
    AUTO(fd) int top = -1;

    if (bound->most == INT64_MAX)
        return 0;
    if (open_configured("storage", storage, &top, err))
        return -1;
    AUTO(fd) int own = beneath_open(top, user, O_RDONLY | O_DIRECTORY);
    for (size_t i = 0; i < COUNT(names); i++) {
        AUTO(fd) int fd = own < 0 ? -1 : beneath_open(own, names[i], O_RDONLY | O_DIRECTORY);
        if (fd < 0)
            return fail(err, FAULT_INTERNAL, "%s/%s/%s: %s", storage, user, names[i],
                        strerror(errno));
        if (check_bound(fd, names[i], bound, err))
            return -1;
    }
    return 0;
}
