/* Calls of the system that fail, do less than they were asked, or at one of which the process is
   stopped or killed. Loaded before the C library (LD_PRELOAD); nothing differs until `orders` is set. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

struct orders {
    atomic_ulong n_changes; /* calls that change files, so far */
    atomic_ulong n_reads;   /* reads of the file `device`, `inode`, so far */
    atomic_ulong n_uses;    /* calls about it, so far */
    unsigned long kill_at;  /* change before which the process is killed; 0: none */
    unsigned long fail_at;  /* read of the file from which on reads give `error`; 0: none */
    unsigned long stop_at;  /* use of the file before which the process is stopped; 0: none */
    unsigned long device, inode;
    long room;              /* bytes that may be written, as by a quota; below 0: any */
    int error;
    int lock_error;         /* of flock; 0: none */
    atomic_uint seed;       /* of reads that give less than asked for; 0: they do not */
};

static struct orders *orders;

void obey(struct orders *given) { orders = given; }

static int is_file(int descriptor, int *is_given) {
    struct stat found;
    *is_given = 0;
    if (descriptor < 3 || syscall(SYS_fstat, descriptor, &found) || !S_ISREG(found.st_mode)) return 0;
    *is_given = found.st_dev == orders->device && found.st_ino == orders->inode;
    return 1;
}

static void change(void) {
    if (orders && ++orders->n_changes == orders->kill_at) syscall(SYS_kill, getpid(), SIGKILL);
}

static void use(int descriptor) {
    int is_given;
    if (!orders || !is_file(descriptor, &is_given) || !is_given) return;
    if (++orders->n_uses == orders->stop_at) syscall(SYS_kill, getpid(), SIGSTOP);
}

/* Number of bytes to read, or -1 for an error. */
static ssize_t wanted(int descriptor, size_t n) {
    int is_given;
    if (!orders) return n;
    use(descriptor);
    if (!is_file(descriptor, &is_given)) return n;
    if (is_given && ++orders->n_reads >= orders->fail_at && orders->fail_at) {
        errno = orders->error;
        return -1;
    }
    if (orders->seed == 0 || n < 2) return n;
    orders->seed = orders->seed * 1664525u + 1013904223u;
    return 1 + (orders->seed >> 8) % n;
}

static int is_over(int descriptor, size_t n) {
    int is_given;
    if (!orders || !is_file(descriptor, &is_given)) return 0;
    change();
    if (orders->room < 0) return 0;
    if ((long)n <= orders->room) {
        orders->room -= n;
        return 0;
    }
    errno = EDQUOT;
    return 1;
}

ssize_t read(int descriptor, void *to, size_t n) {
    ssize_t m = wanted(descriptor, n);
    return m < 0 ? -1 : syscall(SYS_read, descriptor, to, m);
}
ssize_t pread64(int descriptor, void *to, size_t n, off64_t at) {
    ssize_t m = wanted(descriptor, n);
    return m < 0 ? -1 : syscall(SYS_pread64, descriptor, to, m, at);
}
ssize_t pread(int descriptor, void *to, size_t n, off_t at) { return pread64(descriptor, to, n, at); }
ssize_t write(int descriptor, const void *from, size_t n) {
    return is_over(descriptor, n) ? -1 : syscall(SYS_write, descriptor, from, n);
}
ssize_t pwrite64(int descriptor, const void *from, size_t n, off64_t at) {
    return is_over(descriptor, n) ? -1 : syscall(SYS_pwrite64, descriptor, from, n, at);
}
ssize_t pwrite(int descriptor, const void *from, size_t n, off_t at) {
    return pwrite64(descriptor, from, n, at);
}

static int opened(int folder, const char *path, int flags, mode_t mode) {
    if (flags & (O_WRONLY | O_RDWR | O_CREAT)) change();
    int descriptor = syscall(SYS_openat, folder, path, flags, mode);
    if (descriptor >= 0) use(descriptor);
    return descriptor;
}

#define MODE                                                                                       \
    va_list more;                                                                                  \
    va_start(more, flags);                                                                         \
    mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(more, mode_t) : 0;                        \
    va_end(more);

int open(const char *path, int flags, ...) {
    MODE return opened(AT_FDCWD, path, flags, mode);
}
int open64(const char *path, int flags, ...) {
    MODE return opened(AT_FDCWD, path, flags | O_LARGEFILE, mode);
}
int openat(int folder, const char *path, int flags, ...) {
    MODE return opened(folder, path, flags, mode);
}
int openat64(int folder, const char *path, int flags, ...) {
    MODE return opened(folder, path, flags | O_LARGEFILE, mode);
}
int close(int descriptor) {
    use(descriptor);
    return syscall(SYS_close, descriptor);
}
void *mmap64(void *at, size_t n, int protection, int flags, int descriptor, off64_t from) {
    use(descriptor);
    return (void *)syscall(SYS_mmap, at, n, protection, flags, descriptor, from);
}
void *mmap(void *at, size_t n, int protection, int flags, int descriptor, off_t from) {
    return mmap64(at, n, protection, flags, descriptor, from);
}
int flock(int descriptor, int operation) {
    if (orders && orders->lock_error) {
        errno = orders->lock_error;
        return -1;
    }
    return syscall(SYS_flock, descriptor, operation);
}

#define CHANGE(name, number, parameters, ...)                                                      \
    int name parameters {                                                                          \
        change();                                                                                  \
        return syscall(number, __VA_ARGS__);                                                       \
    }
CHANGE(rename, SYS_renameat2, (const char *a, const char *b), AT_FDCWD, a, AT_FDCWD, b, 0)
CHANGE(renameat, SYS_renameat2, (int f, const char *a, int g, const char *b), f, a, g, b, 0)
CHANGE(unlink, SYS_unlinkat, (const char *path), AT_FDCWD, path, 0)
CHANGE(unlinkat, SYS_unlinkat, (int folder, const char *path, int flags), folder, path, flags)
CHANGE(mkdir, SYS_mkdirat, (const char *path, mode_t mode), AT_FDCWD, path, mode)
CHANGE(mkdirat, SYS_mkdirat, (int folder, const char *path, mode_t mode), folder, path, mode)
CHANGE(ftruncate, SYS_ftruncate, (int descriptor, off_t n), descriptor, n)
CHANGE(ftruncate64, SYS_ftruncate, (int descriptor, off64_t n), descriptor, n)
