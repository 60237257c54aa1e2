/// @file log.h
/// The log on stderr: one line per event, as text or JSON. Layer: base.
/// Threads: every call writes one whole line. Library code logs at debug only; cli, serve and flow
/// log the rest. Secrets are redacted by whoever knows them (secret.h), never here.

#ifndef BASE_LOG_H
#define BASE_LOG_H

#include "base/err.h"
#include "base/str.h"

enum log_level { LOG_LEVEL_DEBUG, LOG_LEVEL_INFO, LOG_LEVEL_WARN, LOG_LEVEL_ERROR, LOG_LEVEL_OFF };
enum log_format { LOG_FORMAT_TEXT, LOG_FORMAT_JSON };

enum { LOG_CONTEXT_BYTES = 200 };

struct log_options {
    enum log_level level;
    enum log_format format;
    bool has_color;
    int fd; // 0 = stderr
};

/// Once, at the start of the process.
void log_configure(struct log_options options);
/// A field that every JSON line carries from now on ("requestId"); an empty value takes it away.
/// Both texts are copied; at most LOG_CONTEXT_BYTES of the value.
void log_set_context(const char *name, struct str value);
bool log_is_on(enum log_level level);
void log_write(enum log_level level, const char *format, ...) PRINTF_LIKE(2, 3);
/// The error with its place, its hint on a line of its own ("HINT: ..."); as JSON also its class
/// ("error": "not_found").
void log_error(const struct err *err);
/// Called before and after each line, so that a progress line can be wiped and drawn again.
void log_set_hooks(void (*before)(void), void (*after)(void));

#define log_debug(...)                                                                             \
    (log_is_on(LOG_LEVEL_DEBUG) ? log_write(LOG_LEVEL_DEBUG, __VA_ARGS__) : (void)0)
#define log_info(...) log_write(LOG_LEVEL_INFO, __VA_ARGS__)
#define log_warn(...) log_write(LOG_LEVEL_WARN, __VA_ARGS__)

#endif
