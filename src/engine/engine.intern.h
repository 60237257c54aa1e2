// Between engine.c and the drivers.

#ifndef ENGINE_ENGINE_INTERN_H
#define ENGINE_ENGINE_INTERN_H

#include "engine/engine.h"

struct engine {
    const struct engine_class *class;
    struct arena *arena;
    struct engine_options options;
    struct str catalog;
    void *state; // the driver's
};

struct engine_class {
    const char *name;
    size_t max_statement_bytes;
    const char *const *keys; // of the settings, NULL-terminated; others are refused
    CHECK rc (*open)(struct engine *engine, struct err *err);
    /// One attempt. Every failure sets .name when the engine gave one.
    CHECK rc (*run)(struct engine *engine, struct arena *arena, struct str sql,
                    const struct engine_sink *sink, struct engine_answer *answer,
                    struct engine_failure *failure, struct err *err);
};
extern const struct engine_class engine_class_trino, engine_class_athena;

/// Waits, or ends with RC_INTERRUPTED.
CHECK rc engine_wait(struct engine *engine, int64_t delay_us, struct err *err);

/// Turns what the engine said into an error: the class by its name, the hint by the class.
CHECK rc engine_error(struct engine *engine, struct str name, struct str message,
                      struct str query_id, struct engine_failure *failure, struct err *err);

// ---- engine_value.c
/// How values of an engine's type are held.
enum duck_kind engine_kind(struct str type);
/// One value of an answer: Trino's JSON, or text (Athena: a JSON string).
/// Times become DuckDB's texts in UTC, binary becomes bytes, rows become objects.
CHECK rc engine_value(struct arena *arena, struct str type, enum duck_kind kind,
                      const struct json *value, struct duck_value *ret_value, struct err *err);

#endif
