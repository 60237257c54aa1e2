#include "flow/machine.h"

#include <math.h>
#include <stdio.h>

#include "base/map.h"
#include "flow/choice.h"
#include "flow/intrinsic.h"
#include "flow/path.h"

enum state_type {
    STATE_TASK = 1 << 0,
    STATE_PASS = 1 << 1,
    STATE_WAIT = 1 << 2,
    STATE_CHOICE = 1 << 3,
    STATE_SUCCEED = 1 << 4,
    STATE_FAIL = 1 << 5,
    STATE_PARALLEL = 1 << 6,
    STATE_MAP = 1 << 7,
    STATE_ANY = 0xff,
};

static const struct {
    const char *name;
    enum state_type type;
} state_types[] = {{"Task", STATE_TASK},         {"Pass", STATE_PASS},       {"Wait", STATE_WAIT},
                   {"Choice", STATE_CHOICE},     {"Succeed", STATE_SUCCEED}, {"Fail", STATE_FAIL},
                   {"Parallel", STATE_PARALLEL}, {"Map", STATE_MAP}};

struct checker;
struct field;
typedef void (*field_check)(struct checker *c, const struct field *field, const struct json *value);

/// One key of a state, a retrier, a catcher or the machine.
struct field {
    const char *name;
    unsigned states; // where it may stand
    field_check check;
    double min;          // numbers
    const char *other;   // a key that excludes this one
    bool is_unsupported; // part of the language that this interpreter does not run
};

struct checker {
    struct arena *arena;
    struct machine_check_options options;
    machine_problem_vec *problems;
    str_vec keys;                  // where we are
    struct str state;              // the state that we are in
    const struct json *state_json; // its definition
    const struct json *states;     // of the machine that we are in
    struct map targets;            // states of this machine that something leads to
    int depth;
};

static void check_machine(struct checker *c, const struct json *machine, bool is_top);

static void problem(struct checker *c, const char *format, ...) PRINTF_LIKE(2, 3);
static void problem(struct checker *c, const char *format, ...)
{
    if (c->problems->count >= MACHINE_MAX_PROBLEMS)
        return;
    struct machine_problem *p = vec_push(c->arena, c->problems);
    va_list args;
    va_start(args, format);
    p->message = arena_vprintf(c->arena, format, args);
    va_end(args);
    p->state = c->state;
    for (size_t i = 0; i < c->keys.count; i++)
        *vec_push(c->arena, &p->keys) = c->keys.items[i];
}

static void hint(struct checker *c, struct str text)
{
    if (c->problems->count > 0)
        c->problems->items[c->problems->count - 1].hint = text;
}

static void enter(struct checker *c, struct str key)
{
    *vec_push(c->arena, &c->keys) = key;
}

static void leave(struct checker *c)
{
    c->keys.count--;
}

static struct str number_key(struct checker *c, size_t index)
{
    return arena_printf(c->arena, "%zu", index);
}

// ---- values of single fields ------------------------------------------------------------------

static const char *kind_text(const struct json *value)
{
    static const char *const names[] = {"null",     "true or false", "a number",
                                        "a string", "a list",        "an object"};
    return names[value->kind];
}

static void check_text(struct checker *c, const struct field *field, const struct json *value)
{
    if (value->kind != JSON_STRING)
        problem(c, "%s must be a string, but is %s", field->name, kind_text(value));
}

static void check_bool(struct checker *c, const struct field *field, const struct json *value)
{
    if (value->kind != JSON_BOOL)
        problem(c, "%s must be true or false, but is %s", field->name, kind_text(value));
}

static void check_any(struct checker *c, const struct field *field, const struct json *value)
{
    (void)c;
    (void)field;
    (void)value;
}

static void check_number(struct checker *c, const struct field *field, const struct json *value)
{
    double number;
    if (value->kind != JSON_NUMBER || !json_to_double(value, &number))
        problem(c, "%s must be a number, but is %s", field->name, kind_text(value));
    else if (number < field->min)
        problem(c, "%s is %.*s, but the allowed minimum is %g", field->name, STR_ARGS(value->text),
                field->min);
}

static void check_integer(struct checker *c, const struct field *field, const struct json *value)
{
    int64_t number;
    if (!json_to_int64(value, &number))
        problem(c, "%s must be a whole number, but is %s", field->name, kind_text(value));
    else if ((double)number < field->min)
        problem(c, "%s is %lld, but the allowed minimum is %g", field->name, (long long)number,
                field->min);
}

/// MaxDelaySeconds: above 0 (statelint's "floor").
static void check_above(struct checker *c, const struct field *field, const struct json *value)
{
    int64_t number;
    if (!json_to_int64(value, &number))
        problem(c, "%s must be a whole number, but is %s", field->name, kind_text(value));
    else if ((double)number <= field->min)
        problem(c, "%s is %lld, but the allowed floor is %g (it must be above)", field->name,
                (long long)number, field->min);
}

static bool is_path(struct checker *c, struct str text, bool needs_reference, struct err *err)
{
    const struct path *path;
    if (path_parse(c->arena, text, &path, err) != RC_OK)
        return false;
    if (needs_reference && !path_is_reference(path)) {
        err_set(err, RC_INVALID, "%.*s names more than one place", STR_ARGS(text));
        return false;
    }
    return true;
}

static void check_path_text(struct checker *c, const struct field *field, const struct json *value,
                            bool needs_reference)
{
    struct err err;
    if (value->kind == JSON_NULL)
        return;
    if (value->kind != JSON_STRING)
        problem(c, "\"%s\" must be a path or null, but is %s", field->name, kind_text(value));
    else if (!is_path(c, value->text, needs_reference, &err))
        problem(c, "\"%s\" is \"%.*s\", which is not a JSONPath: %s", field->name,
                STR_ARGS(value->text), err.message);
}

static void check_path(struct checker *c, const struct field *field, const struct json *value)
{
    check_path_text(c, field, value, false);
}

static void check_reference(struct checker *c, const struct field *field, const struct json *value)
{
    check_path_text(c, field, value, true);
}

/// ResultPath: a place in the input, hence no context object and no variable.
static void check_result_path(struct checker *c, const struct field *field,
                              const struct json *value)
{
    check_path_text(c, field, value, true);
    if (value->kind == JSON_STRING && str_has_prefix(value->text, STR("$$")))
        problem(c, "\"%s\" must not point into the context object", field->name);
}

/// A path, or a call of an intrinsic function.
static void check_expression(struct checker *c, struct str name, const struct json *value)
{
    struct err err;
    bool is_right = false;
    if (value->kind == JSON_STRING && intrinsic_is_call(value->text))
        is_right = intrinsic_check(value->text, &err) == RC_OK;
    else if (value->kind == JSON_STRING)
        is_right = is_path(c, value->text, false, &err);
    else
        err_set(&err, RC_INVALID, "it is %s", kind_text(value));
    if (is_right)
        return;
    problem(c, "the value of \"%.*s\" is not a JSONPath or intrinsic function expression: %s",
            STR_ARGS(name), err.message);
    if (err.hint[0] != '\0')
        hint(c, arena_str(c->arena, str_of(err.hint)));
}

static void check_path_or_call(struct checker *c, const struct field *field,
                               const struct json *value)
{
    check_expression(c, str_of(field->name), value);
}

/// A payload template: keys that end in .$ hold expressions, at any depth.
static void check_template(struct checker *c, const struct field *field, const struct json *value)
{
    if (value->kind == JSON_ARRAY)
        for (size_t i = 0; i < value->count; i++) {
            enter(c, number_key(c, i));
            check_template(c, field, &value->items[i]);
            leave(c);
        }
    if (value->kind != JSON_OBJECT)
        return;
    for (size_t i = 0; i < value->count; i++) {
        const struct json_member *member = &value->members[i];
        enter(c, member->key);
        if (str_has_suffix(member->key, STR(".$")))
            check_expression(c, member->key, &member->value);
        else
            check_template(c, field, &member->value);
        leave(c);
    }
}

static void check_assign(struct checker *c, const struct field *field, const struct json *value)
{
    if (value->kind != JSON_OBJECT)
        problem(c, "%s must be an object, but is %s", field->name, kind_text(value));
    else
        check_template(c, field, value);
}

static void check_choice_of(struct checker *c, const struct field *field, const struct json *value,
                            const char *const *words, const char *list)
{
    for (; *words != NULL; words++)
        if (str_is(json_str(value, STR("")), *words))
            return;
    problem(c, "%s is %.*s, which is not one of the allowed values %s", field->name,
            STR_ARGS(json_print(c->arena, value, JSON_COMPACT)), list);
}

static void check_jitter(struct checker *c, const struct field *field, const struct json *value)
{
    static const char *const words[] = {"FULL", "NONE", NULL};
    check_choice_of(c, field, value, words, "[\"FULL\", \"NONE\"]");
}

static void check_query_language(struct checker *c, const struct field *field,
                                 const struct json *value)
{
    static const char *const words[] = {"JSONPath", "JSONata", NULL};
    check_choice_of(c, field, value, words, "[\"JSONPath\", \"JSONata\"]");
    if (str_is(json_str(value, STR("")), "JSONata")) {
        problem(c, "the query language JSONata cannot be run here");
        hint(c, STR("write the state with JSONPath: Parameters, ResultSelector, ResultPath"));
    }
}

static void check_timestamp(struct checker *c, const struct field *field, const struct json *value)
{
    if (value->kind != JSON_STRING || !choice_is_timestamp(value->text))
        problem(c, "%s must be a time like \"2024-01-31T10:20:30Z\"", field->name);
}

/// A state of the same machine.
static void check_target(struct checker *c, const struct field *field, const struct json *value)
{
    if (value->kind != JSON_STRING) {
        problem(c, "%s must be the name of a state, but is %s", field->name, kind_text(value));
        return;
    }
    map_set(&c->targets, value->text, c);
    if (json_get(c->states, value->text) != NULL)
        return;
    str_vec names = {0};
    for (size_t i = 0; c->states != NULL && i < c->states->count; i++)
        *vec_push(c->arena, &names) = c->states->members[i].key;
    problem(c, "%s: there is no state %.*s here", field->name, STR_ARGS(value->text));
    const size_t near = str_nearest(value->text, names.items, names.count);
    if (near != SIZE_MAX)
        hint(c, arena_printf(c->arena, "did you mean %.*s?", STR_ARGS(names.items[near])));
}

static void check_resource(struct checker *c, const struct field *field, const struct json *value)
{
    struct err err;
    check_text(c, field, value);
    if (value->kind != JSON_STRING || c->options.check_resource == NULL)
        return;
    if (c->options.check_resource(c->options.context, c->state, c->state_json, &err) != RC_OK) {
        problem(c, "%s", err.message);
        hint(c, arena_str(c->arena, str_of(err.hint)));
    }
}

// ---- objects with fields ----------------------------------------------------------------------

static const struct field *field_of(const struct field *fields, size_t count, struct str name)
{
    for (size_t i = 0; i < count; i++)
        if (str_is(name, fields[i].name))
            return &fields[i];
    return NULL;
}

static void unknown_field(struct checker *c, const struct field *fields, size_t count,
                          unsigned states, struct str name, const char *owner)
{
    str_vec names = {0};
    for (size_t i = 0; i < count; i++)
        if ((fields[i].states & states) != 0)
            *vec_push(c->arena, &names) = str_of(fields[i].name);
    problem(c, "%s has no field \"%.*s\"", owner, STR_ARGS(name));
    const size_t near = str_nearest(name, names.items, names.count);
    if (near != SIZE_MAX)
        hint(c, arena_printf(c->arena, "did you mean %.*s?", STR_ARGS(names.items[near])));
}

/// Checks every member of an object by the table; `states` is the kind of state that owns it.
static void check_fields(struct checker *c, const struct field *fields, size_t count,
                         unsigned states, const struct json *object, const char *owner)
{
    for (size_t i = 0; i < object->count; i++) {
        const struct json_member *member = &object->members[i];
        const struct field *field = field_of(fields, count, member->key);
        enter(c, member->key);
        if (field == NULL || (field->states & states) == 0)
            unknown_field(c, fields, count, states, member->key, owner);
        else if (field->is_unsupported)
            problem(c, "%s: the field %s cannot be run here", owner, field->name);
        else if (field->other != NULL && json_get(object, str_of(field->other)) != NULL)
            problem(c, "%s may have only one of [\"%s\", \"%s\"]", owner, field->other,
                    field->name);
        else
            field->check(c, field, &member->value);
        leave(c);
    }
}

static void require(struct checker *c, const struct json *object, const char *name,
                    const char *owner)
{
    if (json_get(object, str_of(name)) == NULL)
        problem(c, "%s needs the field \"%s\"", owner, name);
}

/// ErrorEquals: a non-empty list of names; States.ALL alone and in the last element.
static void check_error_names(struct checker *c, const struct field *field,
                              const struct json *value)
{
    if (value->kind != JSON_ARRAY || value->count == 0) {
        problem(c, "%s is empty or no list: non-empty required", field->name);
        return;
    }
    for (size_t i = 0; i < value->count; i++) {
        const struct str name = json_str(&value->items[i], STR(""));
        if (name.length == 0)
            problem(c, "%s must be a list of error names", field->name);
        if (str_is(name, "States.ALL") && value->count > 1)
            problem(c, "States.ALL must stand alone in %s", field->name);
    }
}

static const struct field retry_fields[] = {
    {"ErrorEquals", STATE_ANY, check_error_names},
    {"IntervalSeconds", STATE_ANY, check_integer, .min = 1},
    {"MaxAttempts", STATE_ANY, check_integer, .min = 0},
    {"BackoffRate", STATE_ANY, check_number, .min = 1},
    {"MaxDelaySeconds", STATE_ANY, check_above, .min = 0},
    {"JitterStrategy", STATE_ANY, check_jitter},
    {"Comment", STATE_ANY, check_text},
};

static const struct field catch_fields[] = {
    {"ErrorEquals", STATE_ANY, check_error_names},
    {"Next", STATE_ANY, check_target},
    {"ResultPath", STATE_ANY, check_result_path},
    {"Assign", STATE_ANY, check_assign},
    {"Comment", STATE_ANY, check_text},
};

/// A list of retriers or catchers.
static void check_handlers(struct checker *c, const struct json *list, const struct field *fields,
                           size_t field_count, const char *owner)
{
    if (list->kind != JSON_ARRAY) {
        problem(c, "%s must be a list, but is %s", owner, kind_text(list));
        return;
    }
    for (size_t i = 0; i < list->count; i++) {
        const struct json *item = &list->items[i];
        enter(c, number_key(c, i));
        if (item->kind != JSON_OBJECT) {
            problem(c, "%s must hold objects", owner);
        } else {
            check_fields(c, fields, field_count, STATE_ANY, item, owner);
            require(c, item, "ErrorEquals", owner);
            if (fields == catch_fields)
                require(c, item, "Next", owner);
            const struct json *names = json_get(item, STR("ErrorEquals"));
            const bool is_all = names != NULL && names->kind == JSON_ARRAY && names->count == 1 &&
                                str_is(json_str(&names->items[0], STR("")), "States.ALL");
            if (is_all && i + 1 < list->count)
                problem(c, "States.ALL must be in the last element of %s", owner);
        }
        leave(c);
    }
}

static void check_retry(struct checker *c, const struct field *field, const struct json *value)
{
    check_handlers(c, value, retry_fields, sizeof retry_fields / sizeof retry_fields[0],
                   field->name);
}

static void check_catch(struct checker *c, const struct field *field, const struct json *value)
{
    check_handlers(c, value, catch_fields, sizeof catch_fields / sizeof catch_fields[0],
                   field->name);
}

/// The problems of a rule's condition come as texts of choice.c.
static void report_rule(void *context, const char *message)
{
    struct checker *c = context;
    problem(c, "%s", message);
}

static void check_choices(struct checker *c, const struct field *field, const struct json *value)
{
    static const struct field next = {"Next", STATE_CHOICE, check_target};
    static const struct field assign = {"Assign", STATE_CHOICE, check_assign};
    if (value->kind != JSON_ARRAY || value->count == 0) {
        problem(c, "%s must be a list that is not empty: non-empty required", field->name);
        return;
    }
    for (size_t i = 0; i < value->count; i++) {
        const struct json *rule = &value->items[i];
        enter(c, number_key(c, i));
        choice_check(rule, true, report_rule, c);
        const struct json *target = json_get(rule, STR("Next"));
        const struct json *variables = json_get(rule, STR("Assign"));
        if (target != NULL)
            check_target(c, &next, target);
        if (variables != NULL)
            check_assign(c, &assign, variables);
        leave(c);
    }
}

/// A machine inside a state: names of states are looked up in it alone.
static void check_inner(struct checker *c, const struct json *machine)
{
    if (machine->kind != JSON_OBJECT) {
        problem(c, "a state machine must be an object, but is %s", kind_text(machine));
        return;
    }
    if (++c->depth > MACHINE_MAX_DEPTH) {
        problem(c, "state machines are nested deeper than %d", MACHINE_MAX_DEPTH);
    } else {
        const struct checker outer = *c;
        check_machine(c, machine, false);
        c->states = outer.states;
        c->targets = outer.targets;
        c->state = outer.state;
        c->state_json = outer.state_json;
    }
    c->depth--;
}

static void check_branches(struct checker *c, const struct field *field, const struct json *value)
{
    if (value->kind != JSON_ARRAY || value->count == 0) {
        problem(c, "%s must be a list that is not empty: non-empty required", field->name);
        return;
    }
    for (size_t i = 0; i < value->count; i++) {
        enter(c, number_key(c, i));
        check_inner(c, &value->items[i]);
        leave(c);
    }
}

static void check_processor(struct checker *c, const struct field *field, const struct json *value)
{
    (void)field;
    check_inner(c, value);
}

static void check_processor_config(struct checker *c, const struct field *field,
                                   const struct json *value)
{
    static const struct field mode = {"Mode", STATE_ANY, check_any};
    static const char *const words[] = {"INLINE", "DISTRIBUTED", NULL};
    (void)field;
    if (value->kind != JSON_OBJECT)
        problem(c, "ProcessorConfig must be an object");
    else if (json_get(value, STR("Mode")) != NULL)
        check_choice_of(c, &mode, json_get(value, STR("Mode")), words,
                        "[\"INLINE\", \"DISTRIBUTED\"]");
}

enum {
    STATE_FLOW = STATE_TASK | STATE_PASS | STATE_WAIT | STATE_PARALLEL | STATE_MAP, // have Next
    STATE_WORK = STATE_TASK | STATE_PARALLEL | STATE_MAP,                           // can fail
    STATE_IO = STATE_ANY & ~STATE_FAIL,
};

static const struct field state_fields[] = {
    {"Type", STATE_ANY, check_text},
    {"Comment", STATE_ANY, check_text},
    {"QueryLanguage", STATE_ANY, check_query_language},
    {"Next", STATE_FLOW, check_target, .other = "End"},
    {"End", STATE_FLOW, check_bool},
    {"InputPath", STATE_IO, check_path},
    {"OutputPath", STATE_IO, check_path},
    {"Parameters", STATE_TASK | STATE_PASS | STATE_PARALLEL | STATE_MAP, check_template},
    {"ResultSelector", STATE_WORK, check_template},
    {"ResultPath", STATE_WORK | STATE_PASS, check_result_path},
    {"Assign", STATE_FLOW | STATE_CHOICE, check_assign},
    {"Retry", STATE_WORK, check_retry},
    {"Catch", STATE_WORK, check_catch},
    {"Result", STATE_PASS, check_any},
    {"Resource", STATE_TASK, check_resource},
    {"Credentials", STATE_TASK, check_template},
    {"TimeoutSeconds", STATE_TASK, check_integer, .min = 1},
    {"TimeoutSecondsPath", STATE_TASK, check_reference, .other = "TimeoutSeconds"},
    {"HeartbeatSeconds", STATE_TASK, check_integer, .min = 1},
    {"HeartbeatSecondsPath", STATE_TASK, check_reference, .other = "HeartbeatSeconds"},
    {"Seconds", STATE_WAIT, check_integer, .min = 0},
    {"SecondsPath", STATE_WAIT, check_reference},
    {"Timestamp", STATE_WAIT, check_timestamp},
    {"TimestampPath", STATE_WAIT, check_reference},
    {"Choices", STATE_CHOICE, check_choices},
    {"Default", STATE_CHOICE, check_target},
    {"Error", STATE_FAIL, check_text},
    {"ErrorPath", STATE_FAIL, check_path_or_call, .other = "Error"},
    {"Cause", STATE_FAIL, check_text},
    {"CausePath", STATE_FAIL, check_path_or_call, .other = "Cause"},
    {"Branches", STATE_PARALLEL, check_branches},
    {"ItemsPath", STATE_MAP, check_path},
    {"ItemSelector", STATE_MAP, check_template, .other = "Parameters"},
    {"ItemProcessor", STATE_MAP, check_processor},
    {"Iterator", STATE_MAP, check_processor, .other = "ItemProcessor"},
    {"MaxConcurrency", STATE_MAP, check_integer, .min = 0},
    {"MaxConcurrencyPath", STATE_MAP, check_reference, .other = "MaxConcurrency"},
    {"ToleratedFailureCount", STATE_MAP, check_integer, .min = 0},
    {"ToleratedFailureCountPath", STATE_MAP, check_reference, .other = "ToleratedFailureCount"},
    {"ToleratedFailurePercentage", STATE_MAP, check_number, .min = 0},
    {"ToleratedFailurePercentagePath", STATE_MAP, check_reference,
     .other = "ToleratedFailurePercentage"},
    {"Label", STATE_MAP, check_text},
    {"ItemReader", STATE_MAP, check_any, .is_unsupported = true},
    {"ItemBatcher", STATE_MAP, check_any, .is_unsupported = true},
    {"ResultWriter", STATE_MAP, check_any, .is_unsupported = true},
};

static const struct field machine_fields[] = {
    {"Comment", STATE_ANY, check_text},
    {"Version", STATE_ANY, check_text},
    {"StartAt", STATE_ANY, check_target},
    {"States", STATE_ANY, check_any},
    {"TimeoutSeconds", STATE_ANY, check_integer, .min = 1},
    {"QueryLanguage", STATE_ANY, check_query_language},
    {"ProcessorConfig", STATE_ANY, check_processor_config},
};

// ---- states and machines ----------------------------------------------------------------------

static void check_one_of(struct checker *c, const struct json *state, const char *const *names,
                         const char *list)
{
    int count = 0;
    for (; *names != NULL; names++)
        count += json_get(state, str_of(*names)) != NULL;
    if (count == 0)
        problem(c, "the state needs one of %s", list);
    else if (count > 1)
        problem(c, "the state may have only one of %s", list);
}

static void check_required(struct checker *c, const struct json *state, enum state_type type)
{
    static const char *const ends[] = {"Next", "End", NULL};
    static const char *const waits[] = {"Seconds", "SecondsPath", "Timestamp", "TimestampPath",
                                        NULL};
    static const char *const processors[] = {"ItemProcessor", "Iterator", NULL};
    const bool has_both =
        json_get(state, STR("Next")) != NULL && json_get(state, STR("End")) != NULL;
    if ((type & STATE_FLOW) != 0 && !has_both) // both: reported with the field
        check_one_of(c, state, ends, "[\"Next\", \"End\"]");
    if (type == STATE_TASK)
        require(c, state, "Resource", "a Task");
    if (type == STATE_CHOICE)
        require(c, state, "Choices", "a Choice");
    if (type == STATE_PARALLEL)
        require(c, state, "Branches", "a Parallel");
    if (type == STATE_WAIT)
        check_one_of(c, state, waits,
                     "[\"Seconds\", \"SecondsPath\", \"Timestamp\", \"TimestampPath\"]");
    const bool has_two =
        json_get(state, STR("ItemProcessor")) != NULL && json_get(state, STR("Iterator")) != NULL;
    if (type == STATE_MAP && !has_two)
        check_one_of(c, state, processors, "[\"ItemProcessor\", \"Iterator\"]");
}

static void check_state(struct checker *c, struct str name, const struct json *state)
{
    c->state = name;
    c->state_json = state;
    if (state->kind != JSON_OBJECT) {
        problem(c, "a state must be an object, but is %s", kind_text(state));
        return;
    }
    const struct json *type_name = json_get(state, STR("Type"));
    str_vec names = {0};
    for (size_t i = 0; i < sizeof state_types / sizeof state_types[0]; i++) {
        *vec_push(c->arena, &names) = str_of(state_types[i].name);
        if (!str_is(json_str(type_name, STR("")), state_types[i].name))
            continue;
        char owner[40];
        snprintf(owner, sizeof owner, "a %s state", state_types[i].name);
        check_fields(c, state_fields, sizeof state_fields / sizeof state_fields[0],
                     state_types[i].type, state, owner);
        c->state = name;
        check_required(c, state, state_types[i].type);
        return;
    }
    if (type_name == NULL) {
        problem(c, "the state needs the field \"Type\"");
        return;
    }
    problem(c, "the type %.*s is none of %.*s",
            STR_ARGS(json_print(c->arena, type_name, JSON_COMPACT)),
            STR_ARGS(str_join(c->arena, names.items, names.count, STR(", "))));
    const size_t near = str_nearest(json_str(type_name, STR("")), names.items, names.count);
    if (near != SIZE_MAX)
        hint(c, arena_printf(c->arena, "did you mean %.*s?", STR_ARGS(names.items[near])));
}

static void check_states(struct checker *c, const struct json *states)
{
    for (size_t i = 0; i < states->count; i++) {
        enter(c, states->members[i].key);
        if (states->members[i].key.length > MACHINE_MAX_NAME_CHARACTERS)
            problem(c, "the name of a state has at most %d characters",
                    MACHINE_MAX_NAME_CHARACTERS);
        check_state(c, states->members[i].key, &states->members[i].value);
        leave(c);
    }
    for (size_t i = 0; i < states->count; i++) {
        if (map_has(&c->targets, states->members[i].key))
            continue;
        enter(c, states->members[i].key);
        c->state = states->members[i].key;
        problem(c, "nothing leads to this state");
        leave(c);
    }
}

static void check_machine(struct checker *c, const struct json *machine, bool is_top)
{
    const char *owner = is_top ? "the state machine" : "a machine inside a state";
    const struct json *states = json_get(machine, STR("States"));
    const struct str state = c->state;
    map_init(&c->targets, c->arena);
    c->states = states;
    check_fields(c, machine_fields, sizeof machine_fields / sizeof machine_fields[0], STATE_ANY,
                 machine, owner);
    require(c, machine, "StartAt", owner);
    require(c, machine, "States", owner);
    if (states == NULL)
        return;
    enter(c, STR("States"));
    if (states->kind != JSON_OBJECT || states->count == 0)
        problem(c, "States must be an object that is not empty: non-empty required");
    else
        check_states(c, states);
    leave(c);
    c->state = state;
}

void machine_check(struct arena *arena, const struct json *definition,
                   struct machine_check_options options, machine_problem_vec *ret_problems)
{
    struct checker c = {.arena = arena, .options = options, .problems = ret_problems};
    if (definition->kind != JSON_OBJECT)
        problem(&c, "a state machine must be an object, but is %s", kind_text(definition));
    else
        check_machine(&c, definition, true);
}

struct str machine_problem_text(struct arena *arena, const struct machine_problem *problem)
{
    if (problem->state.length == 0)
        return problem->message;
    return arena_printf(arena, "state %.*s: %.*s", STR_ARGS(problem->state),
                        STR_ARGS(problem->message));
}

static void position_of(struct str text, size_t at, int *ret_line, int *ret_column)
{
    *ret_line = 1;
    *ret_column = 1;
    for (size_t i = 0; i < at && i < text.length; i++) {
        *ret_column = text.bytes[i] == '\n' ? 1 : *ret_column + 1;
        *ret_line += text.bytes[i] == '\n';
    }
}

static rc unknown_name(struct arena *arena, struct str text, size_t at, const char *place,
                       struct str name, const struct json *names, struct err *err)
{
    int line, column;
    position_of(text, at, &line, &column);
    err_set_at(err, RC_CONFIG, place, line, column, "there is no value for ${%.*s}",
               STR_ARGS(name));
    str_vec known = {0};
    for (size_t i = 0; names->kind == JSON_OBJECT && i < names->count; i++)
        *vec_push(arena, &known) = names->members[i].key;
    const size_t near = str_nearest(name, known.items, known.count);
    if (near != SIZE_MAX)
        return err_hint(err, "did you mean ${%.*s}?", STR_ARGS(known.items[near]));
    return err_hint(err, "put %.*s under names: in moulin.yml", STR_ARGS(name));
}

rc machine_substitute(struct arena *arena, struct str text, const char *place,
                      const struct json *names, struct str *ret_text, struct err *err)
{
    struct buf to;
    buf_init(&to, MACHINE_MAX_BYTES);
    rc code = RC_OK;
    for (size_t i = 0; i < text.length && code == RC_OK; i++) {
        const struct str rest = str_slice(text, i, SIZE_MAX);
        if (str_has_prefix(rest, STR("$${"))) {
            buf_append_cstr(&to, "${");
            i += 2;
        } else if (str_has_prefix(rest, STR("${"))) {
            const size_t length = str_find_byte(rest, '}');
            const struct str name = str_slice(rest, 2, length == SIZE_MAX ? 0 : length - 2);
            const struct json *value = json_get(names, name);
            if (value == NULL) {
                code = unknown_name(arena, text, i, place, name, names, err);
                break;
            }
            buf_append_str(&to, value->kind == JSON_STRING
                                    ? value->text
                                    : json_print(arena, value, JSON_COMPACT));
            i += length;
        } else {
            buf_append_byte(&to, text.bytes[i]);
        }
    }
    if (code == RC_OK)
        code = buf_check(&to, err, "the state machine");
    if (code == RC_OK)
        *ret_text = arena_str(arena, buf_str(&to));
    buf_done(&to);
    return code;
}
