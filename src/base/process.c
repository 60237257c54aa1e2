// The parent polls: the pipes, a pidfd that tells of the child's end, and the request to stop.
// Output that grandchildren still hold open after the child's end is read for a short while only.

#include "base/process.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/runtime.h"
#include "base/time.h"
#include "base/vec.h"

enum { CHUNK_BYTES = 64 << 10, MAX_LINE_BYTES = 64 << 20 };
#define DEFAULT_GRACE_US (5 * TIME_US_PER_SECOND)
#define AFTER_END_US (TIME_US_PER_SECOND / 2)

struct stream {
    int fd;         // our end, -1 when closed
    int child_fd;   // the child's end, -1 when it has gone over
    struct buf buf; // captured, or the line that is not complete yet
};

struct child {
    struct arena *arena;
    const struct process_options *options;
    pid_t pid;
    int pidfd;
    struct stream input, output, errors;
    struct str input_left;
    int status;
    bool has_ended;
    int64_t end_us; // when it ended; reading stops soon after
    int64_t started_us;
    int64_t term_us; // when SIGTERM was sent; 0 = not
    bool is_killed;
    rc code; // why the group was ended
    struct err *err;
};

// --- Starting ------------------------------------------------------------------------------------

static char **argument_list(struct arena *arena, const struct process_options *options)
{
    char **list = ARENA_ARRAY(arena, char *, options->argument_count + 1);
    for (size_t i = 0; i < options->argument_count; i++)
        list[i] = arena_cstr(arena, options->arguments[i]);
    return list;
}

static bool is_replaced(const char *inherited, const struct process_options *options)
{
    const char *equals = strchr(inherited, '=');
    const size_t length = equals != NULL ? (size_t)(equals - inherited) + 1 : strlen(inherited);
    for (size_t i = 0; i < options->environment_count; i++)
        if (str_has_prefix(options->environment[i], (struct str){inherited, length}))
            return true;
    return false;
}

static char **environment_list(struct arena *arena, const struct process_options *options)
{
    VEC(char *) list = {0};
    if (!options->has_empty_environment)
        for (char **at = environ; at != NULL && *at != NULL; at++)
            if (!is_replaced(*at, options))
                *vec_push(arena, &list) = *at;
    for (size_t i = 0; i < options->environment_count; i++)
        *vec_push(arena, &list) = arena_cstr(arena, options->environment[i]);
    *vec_push(arena, &list) = NULL;
    return list.items;
}

static void close_fd(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

static rc pipe_open(struct stream *stream, bool is_input, struct err *err)
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0)
        return err_system(err, errno, "a pipe to a child process");
    stream->fd = ends[is_input ? 1 : 0];
    stream->child_fd = ends[is_input ? 0 : 1];
    fcntl(stream->fd, F_SETFL, O_NONBLOCK);
    return RC_OK;
}

static rc pipes_open(struct child *c)
{
    const struct process_options *o = c->options;
    if (o->input.length > 0)
        TRY(pipe_open(&c->input, true, c->err));
    if (o->captures_output)
        TRY(pipe_open(&c->output, false, c->err));
    if (o->captures_errors)
        TRY(pipe_open(&c->errors, false, c->err));
    return RC_OK;
}

static void set_actions(struct child *c, posix_spawn_file_actions_t *actions)
{
    const struct process_options *o = c->options;
    if (c->input.child_fd >= 0)
        posix_spawn_file_actions_adddup2(actions, c->input.child_fd, STDIN_FILENO);
    else if (!o->inherits_input)
        posix_spawn_file_actions_addopen(actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    if (c->output.child_fd >= 0)
        posix_spawn_file_actions_adddup2(actions, c->output.child_fd, STDOUT_FILENO);
    if (c->errors.child_fd >= 0)
        posix_spawn_file_actions_adddup2(actions, c->errors.child_fd, STDERR_FILENO);
    if (o->folder.length > 0)
        posix_spawn_file_actions_addchdir_np(actions, arena_cstr(c->arena, o->folder));
}

// The child gets signals as if started by a shell, not with our mask and our ignored SIGPIPE.
static void set_attributes(posix_spawnattr_t *attributes)
{
    sigset_t none, usual;
    sigemptyset(&none);
    sigemptyset(&usual);
    const int signals[] = {SIGINT, SIGTERM, SIGPIPE, SIGHUP, SIGQUIT, SIGCHLD};
    for (size_t i = 0; i < sizeof signals / sizeof signals[0]; i++)
        sigaddset(&usual, signals[i]);
    posix_spawnattr_setsigmask(attributes, &none);
    posix_spawnattr_setsigdefault(attributes, &usual);
    posix_spawnattr_setpgroup(attributes, 0);
    posix_spawnattr_setflags(attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF |
                                             POSIX_SPAWN_SETPGROUP);
}

static rc spawn(struct child *c)
{
    const struct process_options *o = c->options;
    if (o->argument_count == 0 || o->argument_count > PROCESS_MAX_ARGUMENTS)
        return err_set(c->err, RC_LIMIT, "a child process of %zu arguments", o->argument_count);
    char **arguments = argument_list(c->arena, o);
    char **environment = environment_list(c->arena, o);
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    posix_spawn_file_actions_init(&actions);
    posix_spawnattr_init(&attributes);
    set_actions(c, &actions);
    set_attributes(&attributes);
    const int error =
        posix_spawnp(&c->pid, arguments[0], &actions, &attributes, arguments, environment);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    close_fd(&c->input.child_fd);
    close_fd(&c->output.child_fd);
    close_fd(&c->errors.child_fd);
    if (error != 0)
        return err_system(c->err, error, "cannot start '%s'", arguments[0]);
    c->started_us = time_monotonic_us();
    c->pidfd = (int)syscall(SYS_pidfd_open, c->pid, 0);
    return RC_OK;
}

// --- Ending --------------------------------------------------------------------------------------

static void end_group(struct child *c, rc code)
{
    if (c->code == RC_OK)
        c->code = code;
    if (c->term_us == 0) {
        c->term_us = time_monotonic_us();
        kill(-c->pid, SIGTERM);
    }
}

static void check_time(struct child *c)
{
    const struct process_options *o = c->options;
    const int64_t now = time_monotonic_us();
    if (!c->has_ended && c->term_us == 0 && runtime_is_stopping())
        end_group(c, err_set(c->err, RC_INTERRUPTED, "interrupted"));
    if (!c->has_ended && c->term_us == 0 && o->timeout_us > 0 &&
        now - c->started_us >= o->timeout_us)
        end_group(c, err_set(c->err, RC_TIMEOUT, "'%.*s' was ended after %lld ms",
                             STR_ARGS(o->arguments[0]), (long long)o->timeout_us / 1000));
    const int64_t grace = o->grace_us > 0 ? o->grace_us : DEFAULT_GRACE_US;
    if (!c->has_ended && c->term_us > 0 && !c->is_killed && now - c->term_us >= grace) {
        c->is_killed = true;
        kill(-c->pid, SIGKILL);
    }
    if (!c->has_ended && waitpid(c->pid, &c->status, WNOHANG) == c->pid) {
        c->has_ended = true;
        c->end_us = now;
    }
}

// --- Talking -------------------------------------------------------------------------------------

static void feed(struct child *c)
{
    const ssize_t written = write(c->input.fd, c->input_left.bytes, c->input_left.length);
    if (written > 0)
        c->input_left = str_slice(c->input_left, (size_t)written, SIZE_MAX);
    const bool is_gone = written < 0 && errno != EAGAIN && errno != EINTR;
    if (is_gone || c->input_left.length == 0) // a child may stop reading when it has enough
        close_fd(&c->input.fd);
}

static rc give_lines(struct child *c, struct stream *stream, bool is_end)
{
    const int fd = stream == &c->output ? STDOUT_FILENO : STDERR_FILENO;
    struct str rest = buf_str(&stream->buf);
    for (size_t at; (at = str_find_byte(rest, '\n')) != SIZE_MAX;) {
        TRY(c->options->on_line(c->options->context, fd, str_slice(rest, 0, at), c->err));
        rest = str_slice(rest, at + 1, SIZE_MAX);
    }
    if (is_end && rest.length > 0) {
        TRY(c->options->on_line(c->options->context, fd, rest, c->err));
        rest.length = 0;
    }
    if (rest.length > 0)
        memmove(stream->buf.bytes, rest.bytes, rest.length);
    buf_truncate(&stream->buf, rest.length);
    return RC_OK;
}

static rc take_output(struct child *c, struct stream *stream)
{
    char chunk[CHUNK_BYTES];
    const ssize_t count = read(stream->fd, chunk, sizeof chunk);
    if (count < 0 && (errno == EAGAIN || errno == EINTR))
        return RC_OK;
    if (count <= 0)
        close_fd(&stream->fd);
    else
        buf_append(&stream->buf, chunk, (size_t)count);
    TRY(buf_check(&stream->buf, c->err, "the output of a child process"));
    return c->options->on_line != NULL ? give_lines(c, stream, count <= 0) : RC_OK;
}

static void take(struct child *c, struct stream *stream)
{
    if (c->code != RC_OK) { // nobody wants it any more, but a full pipe would block the child
        char chunk[CHUNK_BYTES];
        const ssize_t count = read(stream->fd, chunk, sizeof chunk);
        if (count == 0)
            close_fd(&stream->fd);
        return;
    }
    const rc code = take_output(c, stream);
    if (code != RC_OK)
        end_group(c, code);
}

static int wait_ms(const struct child *c)
{
    if (c->has_ended || c->pidfd < 0)
        return 10;
    int64_t next = TIME_US_PER_SECOND;
    const int64_t now = time_monotonic_us();
    if (c->options->timeout_us > 0 && c->started_us + c->options->timeout_us - now < next)
        next = c->started_us + c->options->timeout_us - now;
    if (c->term_us > 0)
        next = 20000;
    return next <= 0 ? 1 : (int)(next / 1000) + 1;
}

static bool is_open(const struct child *c)
{
    const bool has_output = c->output.fd >= 0 || c->errors.fd >= 0;
    if (!c->has_ended)
        return true;
    return has_output && time_monotonic_us() - c->end_us < AFTER_END_US;
}

static void step(struct child *c)
{
    struct pollfd fds[5] = {
        {.fd = c->input.fd, .events = POLLOUT},
        {.fd = c->output.fd, .events = POLLIN},
        {.fd = c->errors.fd, .events = POLLIN},
        {.fd = c->has_ended ? -1 : c->pidfd, .events = POLLIN},
        // The mark stays; once SIGTERM is out it would only make the loop spin.
        {.fd = c->term_us > 0 ? -1 : runtime_stop_fd(), .events = POLLIN},
    };
    poll(fds, 5, wait_ms(c));
    if (fds[0].revents != 0)
        feed(c);
    if (fds[1].revents != 0)
        take(c, &c->output);
    if (fds[2].revents != 0)
        take(c, &c->errors);
    check_time(c);
}

static void fill_result(struct child *c, struct process_result *result)
{
    *result = (struct process_result){0};
    result->signal = WIFSIGNALED(c->status) ? WTERMSIG(c->status) : 0;
    result->exit_code = result->signal > 0 ? 128 + result->signal : WEXITSTATUS(c->status);
    if (c->options->on_line != NULL)
        return;
    result->output = arena_str(c->arena, buf_str(&c->output.buf));
    result->errors = arena_str(c->arena, buf_str(&c->errors.buf));
}

static rc run(struct child *c, struct process_result *ret_result)
{
    TRY(pipes_open(c));
    TRY(spawn(c));
    while (is_open(c))
        step(c);
    if (c->options->on_line != NULL && c->code == RC_OK) {
        // What is left when a grandchild keeps the pipe open.
        c->code = give_lines(c, &c->output, true);
        if (c->code == RC_OK)
            c->code = give_lines(c, &c->errors, true);
    }
    if (c->code != RC_OK) {
        kill(-c->pid, SIGKILL); // what the child left behind in its group
        return c->code;
    }
    fill_result(c, ret_result);
    return RC_OK;
}

rc process_run(struct arena *arena, const struct process_options *options,
               struct process_result *ret_result, struct err *err)
{
    struct child c = {.arena = arena, .options = options, .pidfd = -1, .err = err};
    const size_t cap = options->on_line != NULL        ? MAX_LINE_BYTES
                       : options->max_output_bytes > 0 ? options->max_output_bytes
                                                       : PROCESS_DEFAULT_OUTPUT_BYTES;
    struct stream *const streams[] = {&c.input, &c.output, &c.errors};
    for (size_t i = 0; i < 3; i++) {
        *streams[i] = (struct stream){.fd = -1, .child_fd = -1};
        buf_init(&streams[i]->buf, cap);
    }
    c.input_left = options->input;
    const rc code = run(&c, ret_result);
    for (size_t i = 0; i < 3; i++) {
        close_fd(&streams[i]->fd);
        close_fd(&streams[i]->child_fd);
        buf_done(&streams[i]->buf);
    }
    close_fd(&c.pidfd);
    return code;
}
