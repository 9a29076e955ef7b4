/* A disk that fails and a clock that is set, for a process that preloads this (Linux).

   The file that FAULTS names holds what `struct order` says; the test writes it at any time.
   Only calls for robotq.db and what SQLite keeps beside it are touched; while the disk hangs, the
   removal of the file `port` too. See faults.py. */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { WRITE = 1, SYNC = 2, OPEN = 4, HANG = 8, READ = 16 };

struct order {
    int calls;   /* which ones fail */
    int error;   /* errno of a call that fails */
    int spared;  /* calls that go through before the first one fails */
    int torn;    /* a write that fails writes a part first */
    int met;     /* calls that have failed */
    int clock_s; /* seconds by which the clock is wrong */
};

static volatile struct order *order;

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))
static __typeof__(&pwrite64) real_pwrite64;
static __typeof__(&pread64) real_pread64;
static __typeof__(&fsync) real_fsync, real_fdatasync;
static __typeof__(&clock_gettime) real_clock_gettime;

__attribute__((constructor)) static void begin(void)
{
    real_pwrite64 = REAL(pwrite64);
    real_pread64 = REAL(pread64);
    real_fsync = REAL(fsync);
    real_fdatasync = REAL(fdatasync);
    real_clock_gettime = REAL(clock_gettime);
    const char *path = getenv("FAULTS");
    int file = path ? (int)syscall(SYS_openat, AT_FDCWD, path, O_RDWR) : -1;
    if (file < 0)
        return;
    void *there = mmap(NULL, sizeof *order, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    if (there != MAP_FAILED)
        order = there;
    close(file);
}

static int is_store(const char *path)
{
    return strstr(path, "/robotq.db") != NULL;
}

static int is_stores(int file)
{
    char link[32], path[4096];
    snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length < 0)
        return 0;
    path[length] = 0;
    return is_store(path);
}

static int asked(int call)
{
    return order && (order->calls & call);
}

/* Whether a call that was asked for fails now, or is spared. */
static int fails(void)
{
    if (__atomic_fetch_sub(&order->spared, 1, __ATOMIC_SEQ_CST) > 0)
        return 0;
    order->spared = 0;
    __atomic_fetch_add(&order->met, 1, __ATOMIC_SEQ_CST);
    errno = order->error;
    return 1;
}

static int open_or_fail(const char *path, int flags, mode_t mode)
{
    if (asked(OPEN) && is_store(path) && fails())
        return -1;
    return (int)syscall(SYS_openat, AT_FDCWD, path, flags, mode);
}

int open(const char *path, int flags, ...)
{
    mode_t mode = 0;
    if (flags & O_CREAT) {
        va_list rest;
        va_start(rest, flags);
        mode = va_arg(rest, mode_t);
        va_end(rest);
    }
    return open_or_fail(path, flags, mode);
}

int open64(const char *path, int flags, ...)
{
    mode_t mode = 0;
    if (flags & O_CREAT) {
        va_list rest;
        va_start(rest, flags);
        mode = va_arg(rest, mode_t);
        va_end(rest);
    }
    return open_or_fail(path, flags | O_LARGEFILE, mode);
}

static ssize_t write_or_fail(int file, const void *bytes, size_t count, off64_t at)
{
    if (asked(WRITE) && is_stores(file)) {
        if (order->torn && order->spared <= 0 && count > 512)
            count /= 2;
        else if (fails())
            return -1;
    }
    return real_pwrite64(file, bytes, count, at);
}

ssize_t pwrite64(int file, const void *bytes, size_t count, off64_t at)
{
    return write_or_fail(file, bytes, count, at);
}

ssize_t pwrite(int file, const void *bytes, size_t count, off_t at)
{
    return write_or_fail(file, bytes, count, at);
}

/* A disk that does not come back until the order ends. */
static void wait_while_it_hangs(int file)
{
    if (!asked(HANG) || !is_stores(file))
        return;
    __atomic_fetch_add(&order->met, 1, __ATOMIC_SEQ_CST);
    while (asked(HANG))
        usleep(1000);
}

static ssize_t read_or_fail(int file, void *bytes, size_t count, off64_t at)
{
    if (asked(READ) && is_stores(file)) {
        if (asked(HANG))
            wait_while_it_hangs(file);
        else if (fails())
            return -1;
    }
    return real_pread64(file, bytes, count, at);
}

ssize_t pread64(int file, void *bytes, size_t count, off64_t at)
{
    return read_or_fail(file, bytes, count, at);
}

ssize_t pread(int file, void *bytes, size_t count, off_t at)
{
    return read_or_fail(file, bytes, count, at);
}

int fsync(int file)
{
    wait_while_it_hangs(file);
    return asked(SYNC) && is_stores(file) && fails() ? -1 : real_fsync(file);
}

int fdatasync(int file)
{
    wait_while_it_hangs(file);
    return asked(SYNC) && is_stores(file) && fails() ? -1 : real_fdatasync(file);
}

int unlink(const char *path)
{
    const char *name = strrchr(path, '/');
    while (asked(HANG) && name && strcmp(name, "/port") == 0)
        usleep(1000);
    return (int)syscall(SYS_unlinkat, AT_FDCWD, path, 0);
}

int clock_gettime(clockid_t clock, struct timespec *now)
{
    /* asked before `begin` by whoever begins earlier */
    int failed = real_clock_gettime ? real_clock_gettime(clock, now)
                                    : (int)syscall(SYS_clock_gettime, clock, now);
    if (!failed && order && clock == CLOCK_REALTIME)
        now->tv_sec += order->clock_s;
    return failed;
}
