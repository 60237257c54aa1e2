// The part of dbt's context that needs neither a node nor a database. Layer: transform.
// Source: dbt-core 1.12 (base, target and configured contexts).

#include <stdlib.h>

#include "base/hash.h"
#include "base/log.h"
#include "base/time.h"
#include "transform/project_file.h"
#include "transform/scope.h"
#include "transform/transform.h"
#include "transform/yaml_value.h"

#define DBT_VERSION "1.12.6" // the version whose behaviour is reproduced; packages ask for it

enum { EVERYWHERE = IN_YAML | IN_PARSE | IN_RUN, CONTEXT_MAX_BYTES = 64 << 20 };

static rc call_var(struct render *render, void *self, const struct arguments *arguments,
                   struct value *ret_value, struct err *err)
{
    struct scope *scope = self;
    static const char *const names[] = {"var_name", "default"};
    struct value v[2];
    TRY(arguments_bind(render, "var", arguments, names, 1, 2, v, err));
    struct str name;
    TRY(value_to_str(render, scope->arena, v[0], &name, err));
    struct value found;
    if (project_var(scope->t, scope->package, name, &found)) {
        if (found.kind == VALUE_STR && has_template_marks(value_text(found))) {
            struct str text;
            TRY(scope_render_text(scope, value_text(found), STR("vars"), &text, err));
            found = value_str(text);
        }
        *ret_value = found;
        return RC_OK;
    }
    if (v[1].kind != VALUE_MISSING) {
        *ret_value = v[1];
        return RC_OK;
    }
    if (scope->phase == PHASE_PARSE) {
        *ret_value = value_none();
        return RC_OK;
    }
    const struct str place = scope->node != NULL ? scope->node->unique_id : STR("a YAML file");
    render_throw(render, err, "CompilationError", "required var '%.*s' was not found for %.*s",
                 STR_ARGS(name), STR_ARGS(place));
    return err_hint(err, "give it in dbt_project.yml under vars, or with --vars '{%.*s: ...}'",
                    STR_ARGS(name));
}

static rc call_has_var(struct render *render, void *self, const struct arguments *arguments,
                       struct value *ret_value, struct err *err)
{
    struct scope *scope = self;
    static const char *const names[] = {"var_name"};
    struct value name, found;
    TRY(arguments_bind(render, "has_var", arguments, names, 1, 1, &name, err));
    *ret_value = value_bool(name.kind == VALUE_STR &&
                            project_var(scope->t, scope->package, value_text(name), &found));
    return RC_OK;
}

// var is callable and has var.has_var().
struct var_object {
    struct object object;
    struct scope *scope;
};

static rc var_call(struct render *render, struct object *object, const struct arguments *arguments,
                   struct value *ret_value, struct err *err)
{
    return call_var(render, ((struct var_object *)object)->scope, arguments, ret_value, err);
}

static rc var_attribute(struct render *render, struct object *object, struct str name,
                        struct value *ret_value, struct err *err)
{
    (void)err;
    if (str_is(name, "has_var"))
        *ret_value = bound(render_arena(render), "has_var", call_has_var,
                           ((struct var_object *)object)->scope);
    return RC_OK;
}

static const struct object_class var_class = {
    .name = "Var", .call = var_call, .get_attribute = var_attribute};

static struct value make_var(struct scope *scope)
{
    struct var_object *object = ARENA_NEW(scope->arena, struct var_object);
    *object = (struct var_object){{&var_class}, scope};
    return value_object(&object->object);
}

static rc call_env_var(struct render *render, void *self, const struct arguments *arguments,
                       struct value *ret_value, struct err *err)
{
    struct scope *scope = self;
    static const char *const names[] = {"var", "default"};
    struct value v[2];
    TRY(arguments_bind(render, "env_var", arguments, names, 1, 2, v, err));
    struct str name;
    TRY(value_to_str(render, scope->arena, v[0], &name, err));
    if (str_has_prefix(name, STR("DBT_ENV_SECRET")) && scope->phase != PHASE_YAML)
        return render_throw(render, err, "CompilationError",
                            "'%.*s' is a secret: it may be used in profiles.yml only",
                            STR_ARGS(name));
    const char *text = getenv(arena_cstr(scope->arena, name));
    if (text != NULL) {
        *ret_value = value_copy_str(scope->arena, str_of(text));
        return RC_OK;
    }
    if (v[1].kind != VALUE_MISSING) {
        struct str fallback;
        TRY(value_to_str(render, scope->arena, v[1], &fallback, err));
        *ret_value = value_str(fallback);
        return RC_OK;
    }
    return render_throw(render, err, "EnvVarMissingError",
                        "env var required but not provided: '%.*s'", STR_ARGS(name));
}

// ---- JSON and YAML

static rc one_or_default(struct render *render, const char *function,
                         const struct arguments *arguments, struct value v[3], struct err *err)
{
    static const char *const names[] = {"value", "default", "sort_keys"};
    return arguments_bind(render, function, arguments, names, 1, 3, v, err);
}

static rc call_fromjson(struct render *render, void *self, const struct arguments *arguments,
                        struct value *ret_value, struct err *err)
{
    struct scope *scope = self;
    struct value v[3];
    TRY(one_or_default(render, "fromjson", arguments, v, err));
    struct json json;
    struct err ignored;
    if (v[0].kind == VALUE_STR &&
        json_parse(scope->arena, value_text(v[0]), "fromjson", &json, &ignored) == RC_OK)
        *ret_value = value_of_json(scope->arena, &json);
    else
        *ret_value = v[1].kind == VALUE_MISSING ? value_none() : v[1];
    return RC_OK;
}

// Python's json.dumps: ", " and ": " between, everything beyond ASCII escaped.
static void dump_text(struct buf *to, struct str text)
{
    buf_append_byte(to, '"');
    for (size_t i = 0; i < text.length; i++) {
        const unsigned char c = (unsigned char)text.bytes[i];
        static const char escapes[] = "\"\"\\\\\bb\ff\nn\rr\tt";
        const char *escape = c != 0 ? memchr(escapes, (int)c, sizeof escapes - 1) : NULL;
        if (escape != NULL && (escape - escapes) % 2 == 0) {
            buf_append_byte(to, '\\');
            buf_append_byte(to, escape[1]);
        } else if (c < 0x20 || c == 0x7f) {
            buf_printf(to, c == 0x7f ? "%c" : "\\u%04x", c);
        } else if (c < 0x80) {
            buf_append_byte(to, (char)c);
        } else {
            const int extra = c >= 0xF0 ? 3 : c >= 0xE0 ? 2 : 1;
            uint32_t point = c & (0x3Fu >> extra);
            for (int k = 0; k < extra && i + 1 < text.length; k++)
                point = point << 6 | ((unsigned char)text.bytes[++i] & 0x3Fu);
            if (point >= 0x10000)
                buf_printf(to, "\\u%04x\\u%04x", 0xD800 + ((point - 0x10000) >> 10),
                           0xDC00 + ((point - 0x10000) & 0x3FF));
            else
                buf_printf(to, "\\u%04x", point);
        }
    }
    buf_append_byte(to, '"');
}

static void dump(struct buf *to, const struct json *json)
{
    if (json->kind == JSON_STRING) {
        dump_text(to, json->text);
    } else if (json->kind == JSON_ARRAY || json->kind == JSON_OBJECT) {
        const bool is_object = json->kind == JSON_OBJECT;
        buf_append_byte(to, is_object ? '{' : '[');
        for (size_t i = 0; i < json->count; i++) {
            buf_append_cstr(to, i > 0 ? ", " : "");
            if (is_object) {
                dump_text(to, json->members[i].key);
                buf_append_cstr(to, ": ");
            }
            dump(to, is_object ? &json->members[i].value : &json->items[i]);
        }
        buf_append_byte(to, is_object ? '}' : ']');
    } else {
        json_write(to, json, JSON_COMPACT);
    }
}

static rc call_tojson(struct render *render, void *self, const struct arguments *arguments,
                      struct value *ret_value, struct err *err)
{
    struct scope *scope = self;
    struct value v[3];
    TRY(one_or_default(render, "tojson", arguments, v, err));
    struct json json;
    struct err ignored;
    if (value_to_json(render, scope->arena, v[0], false, &json, &ignored) != RC_OK) {
        *ret_value = v[1].kind == VALUE_MISSING ? value_none() : v[1];
        return RC_OK;
    }
    struct buf text;
    buf_init(&text, CONTEXT_MAX_BYTES);
    dump(&text, &json);
    *ret_value = value_copy_str(scope->arena, buf_str(&text));
    buf_done(&text);
    return RC_OK;
}

static rc call_fromyaml(struct render *render, void *self, const struct arguments *arguments,
                        struct value *ret_value, struct err *err)
{
    struct scope *scope = self;
    struct value v[3];
    TRY(one_or_default(render, "fromyaml", arguments, v, err));
    const struct yaml *root;
    struct err ignored;
    if (v[0].kind == VALUE_STR &&
        yaml_parse(scope->arena, value_text(v[0]), "fromyaml", &root, &ignored) == RC_OK)
        *ret_value = yaml_value(scope->arena, root);
    else
        *ret_value = v[1].kind == VALUE_MISSING ? value_none() : v[1];
    return RC_OK;
}

static rc call_toyaml(struct render *render, void *self, const struct arguments *arguments,
                      struct value *ret_value, struct err *err)
{
    struct scope *scope = self;
    struct value v[3];
    TRY(one_or_default(render, "toyaml", arguments, v, err));
    struct buf text;
    buf_init(&text, CONTEXT_MAX_BYTES);
    value_to_yaml(render, v[0], &text);
    *ret_value = value_copy_str(scope->arena, buf_str(&text));
    buf_done(&text);
    return RC_OK;
}

// ---- sets and zips

static rc make_set(struct render *render, struct value value, struct value *ret_value,
                   struct err *err)
{
    const struct value *items;
    size_t count;
    TRY(value_items(render, value, &items, &count, err));
    const struct value set = value_set_new(render_arena(render));
    for (size_t i = 0; i < count; i++)
        TRY(dict_set(set, items[i], value_none(), err));
    *ret_value = set;
    return RC_OK;
}

static rc call_set(struct render *render, void *self, const struct arguments *arguments,
                   struct value *ret_value, struct err *err)
{
    (void)self;
    struct value v[3];
    TRY(one_or_default(render, "set", arguments, v, err));
    struct err ignored;
    if (make_set(render, v[0], ret_value, &ignored) != RC_OK)
        *ret_value = v[1].kind == VALUE_MISSING ? value_none() : v[1];
    return RC_OK;
}

static rc call_set_strict(struct render *render, void *self, const struct arguments *arguments,
                          struct value *ret_value, struct err *err)
{
    (void)self;
    struct value v[3];
    TRY(one_or_default(render, "set_strict", arguments, v, err));
    return make_set(render, v[0], ret_value, err);
}

static rc call_zip_strict(struct render *render, void *self, const struct arguments *arguments,
                          struct value *ret_value, struct err *err)
{
    (void)self;
    enum { MAX_LISTS = 16 };
    const struct value *lists[MAX_LISTS];
    size_t shortest = SIZE_MAX;
    if (arguments->count > MAX_LISTS)
        return render_throw(render, err, "TypeError", "zip takes at most %d lists", MAX_LISTS);
    for (size_t i = 0; i < arguments->count; i++) {
        size_t count;
        TRY(value_items(render, arguments->items[i], &lists[i], &count, err));
        shortest = count < shortest ? count : shortest;
    }
    shortest = arguments->count == 0 ? 0 : shortest;
    struct arena *arena = render_arena(render);
    const struct value result = value_list_new(arena, shortest);
    for (size_t row = 0; row < shortest; row++) {
        const struct value tuple = value_tuple_new(arena, arguments->count);
        for (size_t i = 0; i < arguments->count; i++)
            list_push(tuple, lists[i][row]);
        list_push(result, tuple);
    }
    *ret_value = result;
    return RC_OK;
}

static rc call_zip(struct render *render, void *self, const struct arguments *arguments,
                   struct value *ret_value, struct err *err)
{
    struct value fallback = value_none();
    for (size_t i = 0; i < arguments->keyword_count; i++)
        if (str_is(arguments->keywords[i].name, "default"))
            fallback = arguments->keywords[i].value;
    struct err ignored;
    if (call_zip_strict(render, self, arguments, ret_value, &ignored) != RC_OK)
        *ret_value = fallback;
    (void)err;
    return RC_OK;
}

// ---- messages

static rc message_of(struct render *render, const char *function, const struct arguments *arguments,
                     struct str *ret_text, bool *ret_info, struct err *err)
{
    static const char *const names[] = {"msg", "info"};
    struct value v[2];
    TRY(arguments_bind(render, function, arguments, names, 1, 2, v, err));
    *ret_info = v[1].kind != VALUE_MISSING && value_is_true(v[1]);
    return value_to_str(render, render_arena(render), v[0], ret_text, err);
}

static rc call_log(struct render *render, void *self, const struct arguments *arguments,
                   struct value *ret_value, struct err *err)
{
    (void)self;
    struct str text;
    bool is_info;
    TRY(message_of(render, "log", arguments, &text, &is_info, err));
    if (is_info)
        log_info("%.*s", STR_ARGS(text));
    else
        log_debug("%.*s", STR_ARGS(text));
    *ret_value = VALUE_STR_LITERAL("");
    return RC_OK;
}

static rc call_print(struct render *render, void *self, const struct arguments *arguments,
                     struct value *ret_value, struct err *err)
{
    (void)self;
    struct str text;
    bool is_info;
    TRY(message_of(render, "print", arguments, &text, &is_info, err));
    log_info("%.*s", STR_ARGS(text));
    *ret_value = VALUE_STR_LITERAL("");
    return RC_OK;
}

static rc call_local_md5(struct render *render, void *self, const struct arguments *arguments,
                         struct value *ret_value, struct err *err)
{
    struct scope *scope = self;
    static const char *const names[] = {"value"};
    struct value value;
    TRY(arguments_bind(render, "local_md5", arguments, names, 1, 1, &value, err));
    struct str text;
    TRY(value_to_str(render, scope->arena, value, &text, err));
    *ret_value = value_str(hash_hex(scope->arena, hash_of(HASH_MD5, text)));
    return RC_OK;
}

static rc call_diff(struct render *render, void *self, const struct arguments *arguments,
                    struct value *ret_value, struct err *err)
{
    struct scope *scope = self;
    static const char *const names[] = {"dict_a", "dict_b"};
    struct value v[2];
    TRY(arguments_bind(render, "diff_of_two_dicts", arguments, names, 2, 2, v, err));
    const struct value result = value_dict_new(scope->arena);
    size_t at = 0;
    struct dict_entry *entry;
    while (v[0].kind == VALUE_DICT && v[1].kind == VALUE_DICT && dict_next(v[0], &at, &entry)) {
        struct value other;
        TRY(dict_get(v[1], entry->key, &other, err));
        if (other.kind == VALUE_MISSING || !value_equal(other, entry->value))
            TRY(dict_set(result, entry->key, entry->value, err));
    }
    *ret_value = result;
    return RC_OK;
}

// ---- variables

static struct value make_return(struct scope *scope)
{
    return value_return_function(scope->arena);
}

static struct value make_version(struct scope *scope)
{
    (void)scope;
    return VALUE_STR_LITERAL(DBT_VERSION);
}

static struct value make_target(struct scope *scope)
{
    return scope->t->target;
}

static struct value make_project_name(struct scope *scope)
{
    return value_str(scope->t->root != NULL ? scope->t->root->name : STR(""));
}

static struct value make_invocation_id(struct scope *scope)
{
    return value_str(scope->t->invocation_id);
}

static struct value make_started_at(struct scope *scope)
{
    const struct time_parts p = time_parts_of_us(scope->t->started_us);
    const struct date_value date = {.year = (int32_t)p.year,
                                    .month = (uint8_t)p.month,
                                    .day = (uint8_t)p.day,
                                    .hour = (uint8_t)p.hour,
                                    .minute = (uint8_t)p.minute,
                                    .second = (uint8_t)p.second,
                                    .microsecond = (uint32_t)p.microsecond,
                                    .has_offset = true,
                                    .tzinfo = value_none()};
    return value_datetime(scope->arena, &date);
}

static struct value make_thread_id(struct scope *scope)
{
    (void)scope;
    return VALUE_STR_LITERAL("Thread-1");
}

static struct value make_modules(struct scope *scope)
{
    return modules_value(scope->arena);
}

static struct value make_flags(struct scope *scope)
{
    const struct transform *t = scope->t;
    const struct value flags = value_dict_new(scope->arena);
    dict_set_str(flags, STR("FULL_REFRESH"), value_bool(t->is_full_refresh));
    dict_set_str(flags, STR("EMPTY"), value_bool(t->is_empty));
    dict_set_str(flags, STR("WHICH"), value_str(str_of(t->which != NULL ? t->which : "")));
    dict_set_str(flags, STR("STORE_FAILURES"), value_bool(false));
    dict_set_str(flags, STR("FAIL_FAST"), value_bool(t->options->fail_fast));
    dict_set_str(flags, STR("WARN_ERROR"), value_bool(false));
    dict_set_str(flags, STR("DEBUG"), value_bool(false));
    dict_set_str(flags, STR("INTROSPECT"), value_bool(true));
    dict_set_str(flags, STR("VERSION_CHECK"), value_bool(true));
    dict_set_str(flags, STR("PROFILES_DIR"), value_str(t->options->profiles_folder));
    dict_set_str(flags, STR("PROJECT_DIR"), value_str(t->folder));
    return flags;
}

// ---- context[...]

struct context_object {
    struct object object;
    struct scope *scope;
};

static rc context_item(struct render *render, struct object *object, struct value key,
                       struct value *ret_value, struct err *err)
{
    struct scope *scope = ((struct context_object *)object)->scope;
    if (key.kind != VALUE_STR)
        return RC_OK;
    *ret_value = dict_get_str(scope->context.values, value_text(key));
    if (ret_value->kind != VALUE_MISSING)
        return RC_OK;
    return scope->context.lookup(render, scope, value_text(key), ret_value, err);
}

static rc call_context_get(struct render *render, void *self, const struct arguments *arguments,
                           struct value *ret_value, struct err *err)
{
    static const char *const names[] = {"key", "default"};
    struct value v[2], found = value_missing();
    TRY(arguments_bind(render, "get", arguments, names, 1, 2, v, err));
    TRY(context_item(render, self, v[0], &found, err));
    *ret_value = found.kind != VALUE_MISSING  ? found
                 : v[1].kind != VALUE_MISSING ? v[1]
                                              : value_none();
    return RC_OK;
}

static rc context_attribute(struct render *render, struct object *object, struct str name,
                            struct value *ret_value, struct err *err)
{
    if (str_is(name, "get")) {
        *ret_value = bound(render_arena(render), "get", call_context_get, object);
        return RC_OK;
    }
    return context_item(render, object, value_str(name), ret_value, err);
}

static const struct object_class context_class = {.name = "dict",
                                                  .get_item = context_item,
                                                  .get_attribute = context_attribute,
                                                  .is_mapping = true};

static struct value make_context(struct scope *scope)
{
    struct context_object *object = ARENA_NEW(scope->arena, struct context_object);
    *object = (struct context_object){{&context_class}, scope};
    return value_object(&object->object);
}

const struct scope_name scope_base_names[] = {
    {"dbt_version", .make = make_version, .phases = EVERYWHERE},
    {"var", .make = make_var, .phases = EVERYWHERE},
    {"env_var", call_env_var, .phases = EVERYWHERE},
    {"return", .make = make_return, .phases = EVERYWHERE},
    {"fromjson", call_fromjson, .phases = EVERYWHERE},
    {"tojson", call_tojson, .phases = EVERYWHERE},
    {"fromyaml", call_fromyaml, .phases = EVERYWHERE},
    {"toyaml", call_toyaml, .phases = EVERYWHERE},
    {"set", call_set, .phases = EVERYWHERE},
    {"set_strict", call_set_strict, .phases = EVERYWHERE},
    {"zip", call_zip, .phases = EVERYWHERE},
    {"zip_strict", call_zip_strict, .phases = EVERYWHERE},
    {"log", call_log, .phases = EVERYWHERE},
    {"print", call_print, .phases = EVERYWHERE},
    {"local_md5", call_local_md5, .phases = EVERYWHERE},
    {"diff_of_two_dicts", call_diff, .phases = EVERYWHERE},
    {"run_started_at", .make = make_started_at, .phases = EVERYWHERE},
    {"invocation_id", .make = make_invocation_id, .phases = EVERYWHERE},
    {"thread_id", .make = make_thread_id, .phases = EVERYWHERE},
    {"modules", .make = make_modules, .phases = EVERYWHERE},
    {"flags", .make = make_flags, .phases = EVERYWHERE},
    {"context", .make = make_context, .phases = EVERYWHERE},
    {"target", .make = make_target, .phases = EVERYWHERE},
    {"env", .make = make_target, .phases = IN_PARSE | IN_RUN},
    {"project_name", .make = make_project_name, .phases = EVERYWHERE},
    {NULL, NULL, NULL, 0},
};
