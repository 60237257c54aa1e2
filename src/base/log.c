#include "base/log.h"

#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/json.h"

enum { LINE_MAX_BYTES = 8192 };

static struct {
    struct log_options options;
    char context_name[40], context_value[LOG_CONTEXT_BYTES + 1];
    void (*before)(void);
    void (*after)(void);
} log_state = {.options = {.level = LOG_LEVEL_INFO}};

static const struct {
    const char *name, *color;
} levels[] = {
    [LOG_LEVEL_DEBUG] = {"debug", "\033[2m"},
    [LOG_LEVEL_INFO] = {"info", ""},
    [LOG_LEVEL_WARN] = {"warn", "\033[33m"},
    [LOG_LEVEL_ERROR] = {"error", "\033[31m"},
};

void log_configure(struct log_options options)
{
    log_state.options = options;
}

void log_set_context(const char *name, struct str value)
{
    const struct str clipped = str_slice(value, 0, LOG_CONTEXT_BYTES);
    snprintf(log_state.context_name, sizeof log_state.context_name, "%s", name);
    snprintf(log_state.context_value, sizeof log_state.context_value, "%.*s", STR_ARGS(clipped));
}

bool log_is_on(enum log_level level)
{
    return level >= log_state.options.level;
}

void log_set_hooks(void (*before)(void), void (*after)(void))
{
    log_state.before = before;
    log_state.after = after;
}

static void write_all(struct str line)
{
    const int fd = log_state.options.fd > 0 ? log_state.options.fd : STDERR_FILENO;
    if (log_state.before != NULL)
        log_state.before();
    while (line.length > 0) {
        const ssize_t written = write(fd, line.bytes, line.length);
        if (written <= 0)
            break; // nobody is left to tell
        line = str_slice(line, (size_t)written, SIZE_MAX);
    }
    if (log_state.after != NULL)
        log_state.after();
}

static void timestamp_now(char *to, size_t to_bytes)
{
    struct timespec now;
    struct tm parts;
    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &parts);
    const size_t length = strftime(to, to_bytes, "%Y-%m-%dT%H:%M:%S", &parts);
    snprintf(to + length, to_bytes - length, ".%03ldZ", now.tv_nsec / 1000000);
}

static void write_line(enum log_level level, struct str message, struct str hint, const char *code)
{
    struct buf line;
    buf_init(&line, LINE_MAX_BYTES);
    if (log_state.options.format == LOG_FORMAT_JSON) {
        char time[40];
        timestamp_now(time, sizeof time);
        struct json_writer w;
        json_writer_init(&w, &line, JSON_COMPACT);
        json_begin_object(&w);
        json_field_str(&w, "timestamp", str_of(time));
        json_field_str(&w, "level", str_of(levels[level].name));
        if (log_state.context_value[0] != '\0')
            json_field_str(&w, log_state.context_name, str_of(log_state.context_value));
        json_field_str(&w, "message", message);
        if (code != NULL)
            json_field_str(&w, "error", str_of(code)); // the class of spec/errors.yaml
        if (hint.length > 0)
            json_field_str(&w, "hint", hint);
        json_end_object(&w);
    } else {
        const bool has_color = log_state.options.has_color && levels[level].color[0] != '\0';
        if (has_color)
            buf_append_cstr(&line, levels[level].color);
        if (level != LOG_LEVEL_INFO)
            buf_printf(&line, "%s: ", levels[level].name);
        buf_append_str(&line, message);
        if (has_color)
            buf_append_cstr(&line, "\033[0m");
        if (hint.length > 0)
            buf_printf(&line, "\nHINT: %.*s", STR_ARGS(hint));
    }
    buf_append_byte(&line, '\n');
    write_all(buf_str(&line));
    buf_done(&line);
}

void log_write(enum log_level level, const char *format, ...)
{
    if (!log_is_on(level))
        return;
    char message[LINE_MAX_BYTES / 2];
    va_list args;
    va_start(args, format);
    vsnprintf(message, sizeof message, format, args);
    va_end(args);
    write_line(level, str_of(message), STR(""), NULL);
}

void log_error(const struct err *err)
{
    if (!log_is_on(LOG_LEVEL_ERROR))
        return;
    char text[ERR_MESSAGE_BYTES + ERR_PLACE_BYTES + 32];
    const char *hint = err->hint[0] != '\0' ? err->hint : rc_class_of(err->code)->hint;
    write_line(LOG_LEVEL_ERROR, str_of(err_text(err, text, sizeof text)), str_of(hint),
               rc_class_of(err->code)->name);
}
