#include "base/progress.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/log.h"
#include "base/time.h"
#include "base/utf8.h"

enum { LABEL_BYTES = 120, DEFAULT_COLUMNS = 80 };

struct progress {
    struct progress_options options;
    int64_t rows, bytes, total_rows, total_bytes; // atomic
    int64_t start_us, next_us;                    // next_us is atomic
    pthread_mutex_t lock;                         // for what is drawn
    char label[LABEL_BYTES];
    bool is_drawn, is_closed;
};

// The hooks of the log have no context, so the shown one is known to the process.
static struct progress *shown;

// --- Texts ---------------------------------------------------------------------------------------

struct str progress_count(struct arena *arena, int64_t number)
{
    char digits[24];
    const int length = snprintf(digits, sizeof digits, "%lld", (long long)llabs(number));
    char *to = arena_alloc(arena, sizeof digits * 2);
    size_t written = 0;
    if (number < 0)
        to[written++] = '-';
    for (int i = 0; i < length; i++) {
        if (i > 0 && (length - i) % 3 == 0)
            to[written++] = ',';
        to[written++] = digits[i];
    }
    return (struct str){to, written};
}

struct str progress_size(struct arena *arena, int64_t bytes)
{
    static const char *const units[] = {"kB", "MB", "GB", "TB", "PB"};
    if (llabs(bytes) < 1000)
        return arena_printf(arena, "%lld B", (long long)bytes);
    double size = (double)bytes / 1000;
    size_t unit = 0;
    for (; size >= 999.95 && unit + 1 < sizeof units / sizeof units[0]; unit++)
        size /= 1000;
    return arena_printf(arena, "%.1f %s", size, units[unit]);
}

static int64_t left_us(struct progress_numbers n)
{
    const bool by_rows = n.total_rows > 0;
    const int64_t total = by_rows ? n.total_rows : n.total_bytes;
    const int64_t done = by_rows ? n.rows : n.bytes;
    if (total <= 0 || done <= 0 || done >= total)
        return 0;
    return (int64_t)((double)n.elapsed_us * (double)(total - done) / (double)done);
}

struct str progress_line(struct arena *arena, const char *what, struct str label,
                         struct progress_numbers n)
{
    struct buf line;
    buf_init(&line, 4096);
    buf_append_cstr(&line, what);
    if (label.length > 0)
        buf_printf(&line, ": %.*s", STR_ARGS(label));
    buf_append_cstr(&line, ": ");
    buf_append_str(&line, progress_count(arena, n.rows));
    if (n.total_rows > 0) {
        buf_append_cstr(&line, " of ");
        buf_append_str(&line, progress_count(arena, n.total_rows));
    }
    buf_append_cstr(&line, " rows, ");
    buf_append_str(&line, progress_size(arena, n.bytes));
    if (n.elapsed_us >= TIME_US_PER_SECOND) {
        const double seconds = (double)n.elapsed_us / (double)TIME_US_PER_SECOND;
        buf_append_cstr(&line, ", ");
        buf_append_str(&line, progress_count(arena, (int64_t)((double)n.rows / seconds)));
        buf_append_cstr(&line, " rows/s");
    }
    const int64_t left = left_us(n);
    if (left >= TIME_US_PER_SECOND) {
        buf_append_cstr(&line, ", ");
        buf_append_str(&line, time_format_duration(arena, left));
        buf_append_cstr(&line, " left");
    }
    const struct str text = arena_str(arena, buf_str(&line));
    buf_done(&line);
    return text;
}

// --- Drawing -------------------------------------------------------------------------------------

bool progress_is_terminal(int fd)
{
    const char *term = getenv("TERM");
    return isatty(fd) == 1 && term != NULL && strcmp(term, "dumb") != 0;
}

static void write_text(const struct progress *p, struct str text)
{
    // A progress line is worth no retry: what is cut off is drawn anew.
    const ssize_t written = write(p->options.fd, text.bytes, text.length);
    (void)written;
}

static size_t columns_of(int fd)
{
    struct winsize size;
    return ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : DEFAULT_COLUMNS;
}

static void wipe(struct progress *p)
{
    if (p->is_drawn)
        write_text(p, STR("\r\033[K"));
    p->is_drawn = false;
}

static struct progress_numbers numbers_of(struct progress *p)
{
    return (struct progress_numbers){
        .rows = __atomic_load_n(&p->rows, __ATOMIC_RELAXED),
        .bytes = __atomic_load_n(&p->bytes, __ATOMIC_RELAXED),
        .total_rows = __atomic_load_n(&p->total_rows, __ATOMIC_RELAXED),
        .total_bytes = __atomic_load_n(&p->total_bytes, __ATOMIC_RELAXED),
        .elapsed_us = time_monotonic_us() - p->start_us,
    };
}

static void draw(struct progress *p, struct arena *scratch)
{
    struct str line = progress_line(scratch, p->options.what, str_of(p->label), numbers_of(p));
    if (!p->options.is_terminal) {
        log_info("%.*s", STR_ARGS(line));
        return;
    }
    const size_t columns = columns_of(p->options.fd);
    while (line.length > 0 && utf8_width(line) >= columns)
        line = utf8_slice(line, 0, utf8_count(line) - 1);
    wipe(p);
    write_text(p, line);
    p->is_drawn = true;
}

// Around each line of the log. The lock is not taken when this thread draws a plain log line.
static void before_log(void)
{
    if (shown != NULL && shown->options.is_terminal) {
        pthread_mutex_lock(&shown->lock);
        wipe(shown);
    }
}

static void after_log(void)
{
    if (shown != NULL && shown->options.is_terminal) {
        struct arena *scratch = arena_open(NULL);
        draw(shown, scratch);
        arena_close(scratch);
        pthread_mutex_unlock(&shown->lock);
    }
}

static void draw_if_due(struct progress *p)
{
    const int64_t now = time_monotonic_us();
    int64_t due = __atomic_load_n(&p->next_us, __ATOMIC_RELAXED);
    if (p->options.is_silent || now < due ||
        !__atomic_compare_exchange_n(&p->next_us, &due, now + p->options.interval_us, false,
                                     __ATOMIC_RELAXED, __ATOMIC_RELAXED))
        return;
    struct arena *scratch = arena_open(NULL);
    pthread_mutex_lock(&p->lock);
    if (!p->is_closed)
        draw(p, scratch);
    pthread_mutex_unlock(&p->lock);
    arena_close(scratch);
}

// --- Life ----------------------------------------------------------------------------------------

static void close_finalizer(void *object)
{
    struct progress *p = object;
    progress_close(p);
    pthread_mutex_destroy(&p->lock);
}

struct progress *progress_open(struct arena *arena, struct progress_options options)
{
    struct progress *p = ARENA_NEW(arena, struct progress);
    p->options = options;
    if (p->options.fd == 0)
        p->options.fd = STDERR_FILENO;
    if (p->options.what == NULL)
        p->options.what = "progress";
    if (p->options.interval_us == 0)
        p->options.interval_us = options.is_terminal ? 100000 : 10 * TIME_US_PER_SECOND;
    p->start_us = time_monotonic_us();
    p->next_us = p->start_us + p->options.interval_us;
    pthread_mutex_init(&p->lock, NULL);
    arena_defer(arena, close_finalizer, p);
    if (!options.is_silent) {
        shown = p;
        log_set_hooks(before_log, after_log);
    }
    return p;
}

void progress_add(struct progress *p, int64_t rows, int64_t bytes)
{
    __atomic_add_fetch(&p->rows, rows, __ATOMIC_RELAXED);
    __atomic_add_fetch(&p->bytes, bytes, __ATOMIC_RELAXED);
    draw_if_due(p);
}

void progress_set_total(struct progress *p, int64_t rows, int64_t bytes)
{
    __atomic_store_n(&p->total_rows, rows, __ATOMIC_RELAXED);
    __atomic_store_n(&p->total_bytes, bytes, __ATOMIC_RELAXED);
}

void progress_set_label(struct progress *p, struct str label)
{
    pthread_mutex_lock(&p->lock);
    snprintf(p->label, sizeof p->label, "%.*s",
             label.length < LABEL_BYTES ? (int)label.length : LABEL_BYTES - 1, label.bytes);
    // A label that was cut inside a character would end in half of it.
    const size_t invalid = utf8_find_invalid(str_of(p->label));
    if (invalid != SIZE_MAX)
        p->label[invalid] = '\0';
    pthread_mutex_unlock(&p->lock);
    draw_if_due(p);
}

int64_t progress_rows(const struct progress *p)
{
    return __atomic_load_n(&p->rows, __ATOMIC_RELAXED);
}

int64_t progress_bytes(const struct progress *p)
{
    return __atomic_load_n(&p->bytes, __ATOMIC_RELAXED);
}

void progress_close(struct progress *p)
{
    pthread_mutex_lock(&p->lock);
    wipe(p);
    p->is_closed = true;
    pthread_mutex_unlock(&p->lock);
    if (shown == p) {
        log_set_hooks(NULL, NULL);
        shown = NULL;
    }
}
