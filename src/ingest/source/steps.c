// processing_steps: Jinja expressions over raw records. Layer: ingest. Source: dlt's
// processing_steps (filter, map); its Python functions are expressions here.
// Threads: steps belong to one source run. Limits: STEP_FUEL of work per expression and record.

#include "ingest/source/steps.h"

#include "base/vec.h"
#include "jinja/jinja.h"

enum { STEP_FUEL = 1000000, STEP_MAX_BYTES = 64 << 10 };

enum step_kind {
    STEP_FILTER,     // the record stays when the expression is true
    STEP_MAP_FIELDS, // fields get values, or go away
    STEP_MAP_RECORD, // the expression is the new record
};

struct step_field {
    struct str name;
    const struct template *template; // NULL = the field goes away
};

struct step {
    enum step_kind kind;
    const struct template *template; // STEP_FILTER, STEP_MAP_RECORD
    VEC(struct step_field) fields;   // STEP_MAP_FIELDS
};

struct steps {
    struct environment *environment;
    VEC(struct step) list;
};

static rc parse_expression(struct steps *steps, struct arena *arena, const struct json *value,
                           const char *what, const struct template **ret_template, struct err *err)
{
    const struct str text = json_str(value, STR(""));
    if (text.length == 0 || text.length > STEP_MAX_BYTES)
        return err_set(err, RC_CONFIG, "processing_steps: %s wants a Jinja expression", what);
    if (str_contains(text, STR("{{")) || str_contains(text, STR("{%"))) {
        err_set(err, RC_CONFIG, "processing_steps: %s is an expression already: no braces", what);
        return err_hint(err, "write record.rated, not {{ record.rated }}");
    }
    struct template *template;
    const struct str whole = arena_printf(arena, "{{ (%.*s) }}", STR_ARGS(text));
    const rc code =
        template_parse(steps->environment, arena, whole, STR("expression"), &template, err);
    if (code != RC_OK && err != NULL) {
        err->line = err->column = 0; // of the expression alone: no place in the file
        err->place[0] = '\0';
        err->code = RC_CONFIG;
        err_context(err, "processing_steps: %s '%.*s'", what, STR_ARGS(text));
    }
    if (code != RC_OK)
        return RC_CONFIG;
    *ret_template = template;
    return RC_OK;
}

static rc read_fields(struct steps *steps, struct arena *arena, const struct json *map,
                      struct step *step, struct err *err)
{
    for (size_t i = 0; i < map->count; i++) {
        const struct json_member *member = &map->members[i];
        struct step_field field = {.name = member->key};
        if (member->value.kind != JSON_NULL)
            TRY(parse_expression(steps, arena, &member->value, "map", &field.template, err));
        *vec_push(arena, &step->fields) = field;
    }
    step->kind = STEP_MAP_FIELDS;
    return RC_OK;
}

rc steps_open(struct arena *arena, const struct json *config, struct steps **ret_steps,
              struct err *err)
{
    if (config->kind != JSON_ARRAY)
        return err_set(err, RC_CONFIG, "processing_steps wants a list");
    struct steps *steps = ARENA_NEW(arena, struct steps);
    const struct environment_options options = {.is_sandboxed = true, .native = NATIVE_DBT};
    steps->environment = environment_new(arena, &options);
    for (size_t i = 0; i < config->count; i++) {
        const struct json *filter = json_get(&config->items[i], STR("filter"));
        const struct json *map = json_get(&config->items[i], STR("map"));
        struct step step = {.kind = STEP_FILTER};
        if (filter != NULL && config->items[i].count == 1) {
            TRY(parse_expression(steps, arena, filter, "filter", &step.template, err));
        } else if (map != NULL && config->items[i].count == 1 && map->kind == JSON_OBJECT) {
            TRY(read_fields(steps, arena, map, &step, err));
        } else if (map != NULL && config->items[i].count == 1) {
            step.kind = STEP_MAP_RECORD;
            TRY(parse_expression(steps, arena, map, "map", &step.template, err));
        } else {
            return err_set(err, RC_CONFIG, "a processing step is {filter: ...} or {map: ...}");
        }
        *vec_push(arena, &steps->list) = step;
    }
    *ret_steps = steps;
    return RC_OK;
}

// --- running -----------------------------------------------------------------------------------

static rc evaluate(const struct template *template, struct arena *arena, struct value record,
                   struct value *ret_value, struct err *err)
{
    struct context context = {.values = value_dict_new(arena)};
    dict_set_str(context.values, STR("record"), record);
    const struct render_options options = {
        .arena = arena, .context = &context, .limits = {.fuel = STEP_FUEL}};
    TRY_CONTEXT(template_render_native(template, &options, ret_value, err), err,
                "processing_steps");
    return RC_OK;
}

static rc evaluate_json(const struct template *template, struct arena *arena, struct value record,
                        struct json *ret_json, struct err *err)
{
    struct value value;
    TRY(evaluate(template, arena, record, &value, err));
    if (value.kind == VALUE_UNDEFINED || value.kind == VALUE_MISSING) {
        *ret_json = (struct json){.kind = JSON_NULL};
        return RC_OK;
    }
    TRY_CONTEXT(value_to_json(NULL, arena, value, true, ret_json, err), err, "processing_steps");
    return RC_OK;
}

// A copy of the object's own level, so that the page's record stays as it was.
static struct json open_record(struct arena *arena, const struct json *record)
{
    struct json out = {.kind = JSON_OBJECT};
    if (record->kind != JSON_OBJECT) {
        *json_object_set(arena, &out, STR("value")) = *record;
        return out;
    }
    for (size_t i = 0; i < record->count; i++)
        *json_object_set(arena, &out, record->members[i].key) = record->members[i].value;
    return out;
}

static void remove_field(struct json *record, struct str name)
{
    size_t kept = 0;
    for (size_t i = 0; i < record->count; i++)
        if (!str_equal(record->members[i].key, name))
            record->members[kept++] = record->members[i];
    record->count = kept;
}

static rc map_fields(const struct step *step, struct arena *arena, struct value value,
                     const struct json *record, const struct json **ret_record, struct err *err)
{
    struct json *out = ARENA_NEW(arena, struct json);
    *out = open_record(arena, record);
    for (size_t i = 0; i < step->fields.count; i++) {
        const struct step_field *field = &step->fields.items[i];
        struct json result;
        if (field->template == NULL) {
            remove_field(out, field->name);
            continue;
        }
        TRY(evaluate_json(field->template, arena, value, &result, err));
        *json_object_set(arena, out, field->name) = result;
    }
    *ret_record = out;
    return RC_OK;
}

static rc apply(const struct step *step, struct arena *arena, const struct json *record,
                const struct json **ret_record, struct err *err)
{
    const struct value value = value_of_json(arena, record);
    if (step->kind == STEP_MAP_FIELDS)
        return map_fields(step, arena, value, record, ret_record, err);
    if (step->kind == STEP_FILTER) {
        struct value result;
        TRY(evaluate(step->template, arena, value, &result, err));
        *ret_record = value_is_true(result) ? record : NULL;
        return RC_OK;
    }
    struct json *out = ARENA_NEW(arena, struct json);
    TRY(evaluate_json(step->template, arena, value, out, err));
    if (out->kind != JSON_OBJECT)
        return err_set(err, RC_INVALID, "processing_steps: map must give a mapping");
    *ret_record = out;
    return RC_OK;
}

rc steps_apply(struct steps *steps, struct arena *arena, const struct json *record,
               const struct json **ret_record, struct err *err)
{
    for (size_t i = 0; i < steps->list.count && record != NULL; i++)
        TRY(apply(&steps->list.items[i], arena, record, &record, err));
    *ret_record = record;
    return RC_OK;
}
