#include "base/runtime.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

// timeout(1), and shells that end a group, signal the process and its group: that is one request.
enum { SAME_REQUEST_MS = 200 };

struct stop_call {
    _Atomic(void (*)(void *)) stop; // NULL = the place is free
    _Atomic(void *) object;
};

// The program's only mutable globals: a signal handler has no other way to reach its state.
static atomic_int stop_signals, first_signal;
static atomic_llong first_signal_ms;
static atomic_int stop_pipe[2] = {-1, -1};
static struct stop_call stop_calls[RUNTIME_MAX_STOP_CALLS];

static void tell_everybody(void)
{
    const int fd = atomic_load(&stop_pipe[1]);
    if (fd >= 0) {
        const ssize_t written = write(fd, "x", 1);
        (void)written; // a full pipe is readable all the same
    }
    for (int i = 0; i < RUNTIME_MAX_STOP_CALLS; i++) {
        void (*const stop)(void *) = atomic_load(&stop_calls[i].stop);
        if (stop != NULL)
            stop(atomic_load(&stop_calls[i].object));
    }
}

static long long now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now); // safe in a signal handler
    return (long long)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void on_signal(int number)
{
    const int saved_errno = errno;
    if (atomic_fetch_add(&stop_signals, 1) == 0) {
        atomic_store(&first_signal_ms, now_ms());
        atomic_store(&first_signal, number);
        tell_everybody();
    } else if (now_ms() - atomic_load(&first_signal_ms) > SAME_REQUEST_MS) {
        // The second request means that the clean end takes too long for the person who waits.
        _exit(128 + number);
    }
    errno = saved_errno;
}

static void open_pipe(void)
{
    int ends[2];
    if (atomic_load(&stop_pipe[0]) < 0 && pipe2(ends, O_CLOEXEC | O_NONBLOCK) == 0) {
        atomic_store(&stop_pipe[0], ends[0]);
        atomic_store(&stop_pipe[1], ends[1]);
    }
}

const char *runtime_package_folder(void)
{
    const char *folder = getenv("MOULIN_HOME");
    return folder != NULL && *folder != '\0' ? folder : NULL;
}

void runtime_start(void)
{
    open_pipe();
    struct sigaction action = {.sa_handler = on_signal};
    sigemptyset(&action.sa_mask);
    sigaction(SIGINT, &action, NULL); // no SA_RESTART: blocking calls return with EINTR
    sigaction(SIGTERM, &action, NULL);
    action.sa_handler = SIG_IGN;
    sigaction(SIGPIPE, &action, NULL);
}

bool runtime_is_stopping(void)
{
    return atomic_load(&stop_signals) > 0;
}

bool runtime_is_stopped_by_hand(void)
{
    return runtime_is_stopping() && atomic_load(&first_signal) == SIGINT;
}

rc runtime_check(struct err *err)
{
    if (!runtime_is_stopping())
        return RC_OK;
    return err_set(err, RC_INTERRUPTED, "interrupted");
}

void runtime_request_stop(void)
{
    if (atomic_fetch_add(&stop_signals, 1) == 0)
        tell_everybody();
}

void runtime_reset(void)
{
    char byte;
    const int fd = atomic_load(&stop_pipe[0]);
    while (fd >= 0 && read(fd, &byte, 1) > 0) {
    }
    atomic_store(&stop_signals, 0);
    atomic_store(&first_signal, 0);
}

int runtime_stop_fd(void)
{
    open_pipe();
    return atomic_load(&stop_pipe[0]);
}

int runtime_on_stop(void (*stop)(void *object), void *object)
{
    for (int i = 0; i < RUNTIME_MAX_STOP_CALLS; i++) {
        if (atomic_load(&stop_calls[i].stop) != NULL)
            continue;
        atomic_store(&stop_calls[i].object, object);
        void (*expected)(void *) = NULL;
        if (!atomic_compare_exchange_strong(&stop_calls[i].stop, &expected, stop))
            continue;
        // Another thread may have written its object between our two steps.
        atomic_store(&stop_calls[i].object, object);
        if (runtime_is_stopping())
            stop(object);
        return i;
    }
    return -1;
}

void runtime_forget_stop(int token)
{
    if (token >= 0 && token < RUNTIME_MAX_STOP_CALLS)
        atomic_store(&stop_calls[token].stop, NULL);
}
