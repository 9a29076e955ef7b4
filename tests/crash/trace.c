/* Records what a process asks of its disk, in order, for a process that preloads this (Linux).

   TRACE names the file that gets the records, TRACE_DIR the folder whose files are recorded.
   One record: kind, length of the path, length of the second part, offset, then both parts.
   See power.py, which makes images of a disk after a power cut from it. */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

struct head {
    uint32_t kind; /* w write, t truncate, b sync begins, s sync is done, r rename, u unlink */
    uint32_t path;
    uint64_t more;
    uint64_t at;
} __attribute__((packed));

static pthread_mutex_t one = PTHREAD_MUTEX_INITIALIZER;
static int trace = -1;
static char folder[4096];

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))
static __typeof__(&pwrite64) real_pwrite64;
static __typeof__(&write) real_write;
static __typeof__(&fsync) real_fsync, real_fdatasync;
static __typeof__(&ftruncate64) real_ftruncate64;
static __typeof__(&rename) real_rename;
static __typeof__(&unlink) real_unlink;

__attribute__((constructor)) static void begin(void)
{
    real_pwrite64 = REAL(pwrite64);
    real_write = REAL(write);
    real_fsync = REAL(fsync);
    real_fdatasync = REAL(fdatasync);
    real_ftruncate64 = REAL(ftruncate64);
    real_rename = REAL(rename);
    real_unlink = REAL(unlink);
    const char *path = getenv("TRACE"), *of = getenv("TRACE_DIR");
    if (!path || !of)
        return;
    snprintf(folder, sizeof folder, "%s", of);
    trace = (int)syscall(SYS_openat, AT_FDCWD, path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC,
                         0600);
}

static int recorded(const char *path)
{
    size_t length = strlen(folder);
    return trace >= 0 && !strncmp(path, folder, length) && (path[length] == '/' || !path[length]);
}

static int path_of(int file, char *path, size_t size)
{
    char link[32];
    snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    ssize_t length = readlink(link, path, size - 1);
    if (length < 0)
        return 0;
    path[length] = 0;
    return recorded(path);
}

static void record(char kind, const char *path, const void *more, size_t count, uint64_t at)
{
    struct head head = {(uint32_t)kind, (uint32_t)strlen(path), count, at};
    struct iovec parts[3] = {
        {&head, sizeof head}, {(void *)path, head.path}, {(void *)more, count}};
    if (writev(trace, parts, 3) != (ssize_t)(sizeof head + head.path + count))
        abort();
}

ssize_t pwrite64(int file, const void *bytes, size_t count, off64_t at)
{
    char path[4096];
    if (trace < 0 || !path_of(file, path, sizeof path))
        return real_pwrite64(file, bytes, count, at);
    pthread_mutex_lock(&one);
    ssize_t done = real_pwrite64(file, bytes, count, at);
    if (done > 0)
        record('w', path, bytes, (size_t)done, (uint64_t)at);
    pthread_mutex_unlock(&one);
    return done;
}

ssize_t pwrite(int file, const void *bytes, size_t count, off_t at)
{
    return pwrite64(file, bytes, count, at);
}

ssize_t write(int file, const void *bytes, size_t count)
{
    char path[4096];
    if (trace < 0 || file == trace || !path_of(file, path, sizeof path))
        return real_write(file, bytes, count);
    pthread_mutex_lock(&one);
    ssize_t done = real_write(file, bytes, count);
    if (done > 0)
        record('w', path, bytes, (size_t)done,
               (uint64_t)(syscall(SYS_lseek, file, 0, SEEK_CUR) - done));
    pthread_mutex_unlock(&one);
    return done;
}

static int sync_with(__typeof__(&fsync) real, int file)
{
    char path[4096];
    if (trace < 0 || !path_of(file, path, sizeof path))
        return real(file);
    pthread_mutex_lock(&one);
    record('b', path, NULL, 0, 0);
    pthread_mutex_unlock(&one);
    int failed = real(file);
    if (!failed) {
        pthread_mutex_lock(&one);
        record('s', path, NULL, 0, 0);
        pthread_mutex_unlock(&one);
    }
    return failed;
}

int fsync(int file) { return sync_with(real_fsync, file); }
int fdatasync(int file) { return sync_with(real_fdatasync, file); }

int ftruncate64(int file, off64_t length)
{
    char path[4096];
    if (trace < 0 || !path_of(file, path, sizeof path))
        return real_ftruncate64(file, length);
    pthread_mutex_lock(&one);
    int failed = real_ftruncate64(file, length);
    if (!failed)
        record('t', path, NULL, 0, (uint64_t)length);
    pthread_mutex_unlock(&one);
    return failed;
}

int ftruncate(int file, off_t length) { return ftruncate64(file, length); }

int rename(const char *from, const char *to)
{
    if (!recorded(from))
        return real_rename(from, to);
    pthread_mutex_lock(&one);
    int failed = real_rename(from, to);
    if (!failed)
        record('r', from, to, strlen(to), 0);
    pthread_mutex_unlock(&one);
    return failed;
}

int unlink(const char *path)
{
    if (!recorded(path))
        return real_unlink(path);
    pthread_mutex_lock(&one);
    int failed = real_unlink(path);
    if (!failed)
        record('u', path, NULL, 0, 0);
    pthread_mutex_unlock(&one);
    return failed;
}
