#include "base/err.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

const struct rc_class *rc_class_of(rc code)
{
    const unsigned index = (unsigned)code;
    return &rc_classes[index < RC_COUNT ? index : RC_INTERNAL];
}

rc err_set_v(struct err *err, rc code, const char *format, va_list args)
{
    if (err == NULL)
        return code;
    // The message may quote the err that is being replaced, so it is made aside.
    char message[ERR_MESSAGE_BYTES];
    vsnprintf(message, sizeof message, format, args);
    *err = (struct err){.code = code, .is_retryable = rc_class_of(code)->is_retryable};
    memcpy(err->message, message, sizeof message);
    return code;
}

rc err_set(struct err *err, rc code, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    err_set_v(err, code, format, args);
    va_end(args);
    return code;
}

rc err_set_at(struct err *err, rc code, const char *place, int line, int column, const char *format,
              ...)
{
    va_list args;
    va_start(args, format);
    err_set_v(err, code, format, args);
    va_end(args);
    if (err != NULL) {
        snprintf(err->place, sizeof err->place, "%s", place != NULL ? place : "");
        err->line = line;
        err->column = column;
    }
    return code;
}

rc err_context(struct err *err, const char *format, ...)
{
    if (err == NULL)
        return RC_INTERNAL;

    char context[ERR_MESSAGE_BYTES / 2], message[ERR_MESSAGE_BYTES];
    va_list args;
    va_start(args, format);
    vsnprintf(context, sizeof context, format, args);
    va_end(args);
    snprintf(message, sizeof message, "%.500s: %.520s", context, err->message);
    memcpy(err->message, message, sizeof message);
    return err->code;
}

rc err_hint(struct err *err, const char *format, ...)
{
    if (err == NULL)
        return RC_INTERNAL;
    va_list args;
    va_start(args, format);
    vsnprintf(err->hint, sizeof err->hint, format, args);
    va_end(args);
    return err->code;
}

static rc code_of_errno(int error_number)
{
    static const struct {
        int error_number;
        rc code;
    } codes[] = {
        {ENOENT, RC_NOT_FOUND},  {ENOTDIR, RC_NOT_FOUND}, {EACCES, RC_DENIED},
        {EPERM, RC_DENIED},      {EROFS, RC_DENIED},      {ENOSPC, RC_NO_SPACE},
        {EDQUOT, RC_NO_SPACE},   {EEXIST, RC_EXISTS},     {EINTR, RC_INTERRUPTED},
        {ETIMEDOUT, RC_TIMEOUT},
    };
    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++)
        if (codes[i].error_number == error_number)
            return codes[i].code;
    return RC_IO;
}

rc err_system(struct err *err, int error_number, const char *format, ...)
{
    const rc code = code_of_errno(error_number);
    va_list args;
    va_start(args, format);
    err_set_v(err, code, format, args);
    va_end(args);
    if (err != NULL) {
        char message[ERR_MESSAGE_BYTES];
        snprintf(message, sizeof message, "%.900s: %s", err->message, strerror(error_number));
        memcpy(err->message, message, sizeof message);
    }
    return code;
}

const char *err_text(const struct err *err, char *to, size_t to_bytes)
{
    if (err->place[0] != '\0' && err->line > 0)
        snprintf(to, to_bytes, "%s:%d:%d: %s", err->place, err->line, err->column, err->message);
    else if (err->place[0] != '\0')
        snprintf(to, to_bytes, "%s: %s", err->place, err->message);
    else
        snprintf(to, to_bytes, "%s", err->message);
    return to;
}
