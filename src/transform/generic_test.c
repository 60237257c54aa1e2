// Generic tests: from `data_tests:` of a resource or column to nodes with dbt's names and ids.
// Layer: transform. Source: dbt-core 1.12 (names, hashes: measured against its manifests).

#include "base/fs.h"
#include "base/hash.h"
#include "base/regex.h"
#include "transform/config.h"
#include "transform/parse.h"
#include "transform/transform.h"
#include "transform/yaml_value.h"

enum { TEST_NAME_BYTES = 64, TEST_HASH_CHARACTERS = 10, TEST_NAME_KEPT = 30 };

static const char *const config_keys[] = {"severity",       "tags",
                                          "enabled",        "where",
                                          "limit",          "warn_if",
                                          "error_if",       "fail_calc",
                                          "store_failures", "meta",
                                          "database",       "schema",
                                          "alias",          "store_failures_as",
                                          "group",          NULL};

static bool is_config_key(struct str key)
{
    for (const char *const *k = config_keys; *k != NULL; k++)
        if (str_is(key, *k))
            return true;
    return false;
}

// What one entry of a data_tests list says.
struct definition {
    struct str name, test_namespace; // "unique"; "dbt_utils"
    struct str given_name;           // `name:`, "" = none
    struct str description;
    struct value kwargs; // dict
    struct value config; // dict
    struct str column;
};

static rc take_entry(struct transform *t, struct definition *d, struct str key,
                     const struct yaml *value, struct scope *scope, struct err *err)
{
    if (str_is(key, "name"))
        return yaml_to_text(value, "name", &d->given_name, err);
    if (str_is(key, "description"))
        return yaml_to_text(value, "description", &d->description, err);
    if (str_is(key, "config")) {
        struct value config;
        TRY(yaml_value_rendered(scope, value, NULL, &config, err));
        return config_merge_dict(t->arena, d->config, config, err);
    }
    if (is_config_key(key)) {
        struct value setting;
        TRY(yaml_value_rendered(scope, value, NULL, &setting, err));
        return config_merge(t->arena, d->config, key, setting, err);
    }
    if (str_is(key, "arguments") && value->kind == YAML_MAP) {
        for (size_t i = 0; i < value->count; i++)
            dict_set_str(d->kwargs, value->members[i].key->text,
                         yaml_value(t->arena, value->members[i].value));
        return RC_OK;
    }
    dict_set_str(d->kwargs, key, yaml_value(t->arena, value));
    return RC_OK;
}

static rc read_definition(struct transform *t, const struct yaml *item, struct definition *d,
                          struct err *err)
{
    struct scope scope;
    scope_init(&scope, t, t->arena, PHASE_YAML, NULL);
    d->kwargs = value_dict_new(t->arena);
    d->config = value_dict_new(t->arena);
    struct str name;
    if (item->kind == YAML_STR) {
        name = item->text;
    } else if (item->kind == YAML_MAP && item->count > 0) {
        // {not_null: {...}}, or {test_name: not_null, ...}
        const struct yaml *arguments = item->members[0].value;
        name = item->members[0].key->text;
        const struct yaml *other = yaml_get(item, STR("test_name"));
        if (other != NULL) {
            TRY(yaml_to_str(other, "test_name", &name, err));
            arguments = item;
        } else if (item->count > 1) {
            return yaml_error(err, item, RC_CONFIG,
                              "a test has one key, its name; found %zu keys (indent its arguments)",
                              item->count);
        }
        for (size_t i = 0; arguments->kind == YAML_MAP && i < arguments->count; i++)
            if (!str_is(arguments->members[i].key->text, "test_name"))
                TRY(take_entry(t, d, arguments->members[i].key->text, arguments->members[i].value,
                               &scope, err));
    } else {
        return yaml_error(err, item, RC_CONFIG, "expected the name of a test, found %s",
                          yaml_kind_name(item->kind));
    }
    const size_t point = str_find_byte(name, '.');
    d->test_namespace = point == SIZE_MAX ? STR("") : str_slice(name, 0, point);
    d->name = point == SIZE_MAX ? name : str_slice(name, point + 1, SIZE_MAX);
    return RC_OK;
}

static int by_text(const struct value *a, const struct value *b)
{
    return str_compare(value_text(*a), value_text(*b));
}

// The keys of a dict in the order of their text: insertion sort, there are few.
static struct value sorted_keys(struct arena *arena, struct value dict)
{
    const struct value keys = value_list_new(arena, dict_count(dict));
    size_t at = 0;
    struct dict_entry *entry;
    while (dict_next(dict, &at, &entry)) {
        struct value key = entry->key;
        struct str text;
        struct err ignored;
        if (key.kind != VALUE_STR && value_to_str(NULL, arena, key, &text, &ignored) == RC_OK)
            key = value_str(text);
        list_push(keys, key);
        for (uint32_t i = keys.list->count - 1; i > 0; i--) {
            struct value *pair = &keys.list->items[i - 1];
            if (by_text(&pair[0], &pair[1]) <= 0)
                break;
            const struct value swap = pair[0];
            pair[0] = pair[1];
            pair[1] = swap;
        }
    }
    return keys;
}

static rc append_clean(struct arena *arena, struct value value, struct buf *to, struct err *err)
{
    struct str text;
    TRY(value_to_str(NULL, arena, value, &text, err));
    bool was_word = true;
    for (size_t i = 0; i < text.length; i++) {
        const char c = text.bytes[i];
        const bool is_word =
            (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
        if (is_word)
            buf_append_byte(to, c);
        else if (was_word)
            buf_append_byte(to, '_');
        was_word = is_word;
    }
    return RC_OK;
}

// One part per value, joined by two underscores.
static rc append_argument(struct arena *arena, struct value value, bool *is_first, struct buf *to,
                          struct err *err)
{
    if (value.kind == VALUE_DICT) {
        size_t at = 0;
        struct dict_entry *entry;
        while (dict_next(value, &at, &entry)) {
            buf_append_cstr(to, *is_first ? "" : "__");
            *is_first = false;
            TRY(append_clean(arena, entry->value, to, err));
        }
        return RC_OK;
    }
    const bool is_list = value.kind == VALUE_LIST || value.kind == VALUE_TUPLE;
    const size_t count = is_list ? value.list->count : 1;
    for (size_t i = 0; i < count; i++) {
        buf_append_cstr(to, *is_first ? "" : "__");
        *is_first = false;
        TRY(append_clean(arena, is_list ? value.list->items[i] : value, to, err));
    }
    return RC_OK;
}

static rc make_name(struct transform *t, const struct definition *d, struct node *target,
                    struct str *ret_short, struct str *ret_full, struct err *err)
{
    if (d->given_name.length > 0) {
        *ret_short = *ret_full = d->given_name;
        return RC_OK;
    }
    struct buf name;
    buf_init(&name, TRANSFORM_MAX_FILE_BYTES);
    if (d->test_namespace.length > 0)
        buf_printf(&name, "%.*s_", STR_ARGS(d->test_namespace));
    if (target->type == NODE_SOURCE)
        buf_printf(&name, "source_%.*s_%.*s_%.*s_", STR_ARGS(d->name),
                   STR_ARGS(target->source_name), STR_ARGS(target->name));
    else
        buf_printf(&name, "%.*s_%.*s_", STR_ARGS(d->name), STR_ARGS(target->name));
    const struct value keys = sorted_keys(t->arena, d->kwargs);
    bool is_first = true;
    rc result = RC_OK;
    for (uint32_t i = 0; result == RC_OK && i < keys.list->count; i++) {
        const struct str key = value_text(keys.list->items[i]);
        if (!str_is(key, "model"))
            result = append_argument(t->arena, dict_get_str(d->kwargs, key), &is_first, &name, err);
    }
    const struct str full = arena_str(t->arena, buf_str(&name));
    buf_done(&name);
    if (result != RC_OK)
        return result;
    *ret_full = *ret_short = full;
    if (full.length >= TEST_NAME_BYTES) {
        const struct str hash = hash_hex(t->arena, hash_of(HASH_MD5, full));
        *ret_short =
            arena_printf(t->arena, "%.*s_%.*s", TEST_NAME_KEPT, full.bytes, STR_ARGS(hash));
    }
    return RC_OK;
}

// Every scalar as text, dicts with sorted keys: what dbt hashes.
static struct value hashable(struct arena *arena, struct value value)
{
    if (value.kind == VALUE_DICT) {
        const struct value dict = value_dict_new(arena), keys = sorted_keys(arena, value);
        for (uint32_t i = 0; i < keys.list->count; i++) {
            const struct str key = value_text(keys.list->items[i]);
            dict_set_str(dict, key, hashable(arena, dict_get_str(value, key)));
        }
        return dict;
    }
    if (value.kind == VALUE_LIST) {
        const struct value list = value_list_new(arena, value.list->count);
        for (uint32_t i = 0; i < value.list->count; i++)
            list_push(list, hashable(arena, value.list->items[i]));
        return list;
    }
    struct str text = STR("");
    struct err ignored;
    if (value_to_str(NULL, arena, value, &text, &ignored) != RC_OK)
        text = STR("");
    return value_str(text);
}

static rc make_hash(struct transform *t, struct node *node, struct str name, struct str *ret_hash,
                    struct err *err)
{
    const struct value metadata = value_dict_new(t->arena);
    dict_set_str(metadata, STR("kwargs"), node->test_kwargs);
    dict_set_str(metadata, STR("name"), value_str(node->test_name));
    dict_set_str(metadata, STR("namespace"),
                 node->test_namespace.length > 0 ? value_str(node->test_namespace) : value_none());
    struct buf text;
    buf_init(&text, TRANSFORM_MAX_FILE_BYTES);
    buf_append_str(&text, name);
    const rc result = value_repr(NULL, hashable(t->arena, metadata), &text, err);
    if (result == RC_OK) {
        const struct str hex = hash_hex(t->arena, hash_of(HASH_MD5, buf_str(&text)));
        *ret_hash = str_slice(hex, hex.length - TEST_HASH_CHARACTERS, TEST_HASH_CHARACTERS);
    }
    buf_done(&text);
    return result;
}

static struct str model_expression(struct transform *t, const struct node *target)
{
    if (target->type == NODE_SOURCE)
        return arena_printf(t->arena, "{{ get_where_subquery(source('%.*s', '%.*s')) }}",
                            STR_ARGS(target->source_name), STR_ARGS(target->name));
    return arena_printf(t->arena, "{{ get_where_subquery(ref('%.*s')) }}", STR_ARGS(target->name));
}

// The configuration as a call in front of the test, as dbt writes it.
static rc raw_code(struct transform *t, const struct definition *d, struct str *ret_code,
                   struct err *err)
{
    struct buf code;
    buf_init(&code, TRANSFORM_MAX_FILE_BYTES);
    if (d->test_namespace.length > 0)
        buf_printf(&code, "{{ %.*s.test_%.*s(**_dbt_generic_test_kwargs) }}",
                   STR_ARGS(d->test_namespace), STR_ARGS(d->name));
    else
        buf_printf(&code, "{{ test_%.*s(**_dbt_generic_test_kwargs) }}", STR_ARGS(d->name));
    rc result = RC_OK;
    if (dict_count(d->config) > 0) {
        buf_append_cstr(&code, "{{ config(");
        bool is_first = true;
        for (const char *const *key = config_keys; result == RC_OK && *key != NULL; key++) {
            const struct value value = dict_get_str(d->config, str_of(*key));
            if (value.kind == VALUE_MISSING)
                continue;
            buf_printf(&code, "%s%s=", is_first ? "" : ",", *key);
            is_first = false;
            if (value.kind == VALUE_STR)
                json_write_string(&code, value_text(value));
            else
                result = value_repr(NULL, value, &code, err);
        }
        buf_append_cstr(&code, ") }}");
    }
    *ret_code = arena_str(t->arena, buf_str(&code));
    buf_done(&code);
    return result;
}

static rc make_test(struct transform *t, struct node *target, const struct patch *patch,
                    const char *kind, struct definition *d, struct err *err)
{
    if (d->column.length > 0)
        dict_set_str(d->kwargs, STR("column_name"), value_str(d->column));
    dict_set_str(d->kwargs, STR("model"), value_str(model_expression(t, target)));
    struct str short_name, full_name, hash;
    TRY(make_name(t, d, target, &short_name, &full_name, err));
    const size_t slash = str_find_byte(patch->path, '/');
    const struct source_file file = {
        .package = patch->package,
        .path = slash == SIZE_MAX ? patch->path : str_slice(patch->path, slash + 1, SIZE_MAX),
        .original = patch->path};
    struct node *node = parse_new_node(t, NODE_TEST, &file, full_name);
    node->is_generic = true;
    node->test_name = d->name;
    node->test_namespace = d->test_namespace;
    node->test_kwargs = d->kwargs;
    node->column_name = d->column;
    node->attached = target->type == NODE_SOURCE ? NULL : target;
    node->description = d->description;
    node->file_key_name =
        arena_printf(t->arena, "%s.%.*s", kind,
                     STR_ARGS(target->type == NODE_SOURCE ? target->source_name : target->name));
    node->path = arena_printf(t->arena, "%.*s.sql", STR_ARGS(short_name));
    TRY(make_hash(t, node, full_name, &hash, err));
    node->unique_id = arena_printf(t->arena, "test.%.*s.%.*s.%.*s", STR_ARGS(patch->package->name),
                                   STR_ARGS(full_name), STR_ARGS(hash));
    node->build_path =
        arena_printf(t->arena, "%.*s/run/%.*s/%.*s/%.*s", STR_ARGS(t->root->target_path),
                     STR_ARGS(patch->package->name), STR_ARGS(patch->path), STR_ARGS(node->path));
    node->compiled_path =
        arena_printf(t->arena, "%.*s/compiled/%.*s/%.*s/%.*s", STR_ARGS(t->root->target_path),
                     STR_ARGS(patch->package->name), STR_ARGS(patch->path), STR_ARGS(node->path));
    if (!str_equal(short_name, full_name) &&
        dict_get_str(d->config, STR("alias")).kind == VALUE_MISSING)
        dict_set_str(d->config, STR("alias"), value_str(short_name));
    TRY(raw_code(t, d, &node->raw_code, err));
    TRY_CONTEXT(parse_sql_node(t, node, d->config, err), err, "test %.*s of %.*s",
                STR_ARGS(d->name), STR_ARGS(target->unique_id));
    if (map_has(&t->manifest.by_id, node->unique_id))
        return RC_OK; // the same test written twice is one test
    return manifest_add(t, node, err);
}

static rc tests_in(struct transform *t, struct node *target, const struct patch *patch,
                   const char *kind, const struct yaml *owner, struct str column, struct err *err)
{
    static const char *const keys[] = {"data_tests", "tests"};
    for (size_t k = 0; k < 2; k++) {
        const struct yaml *list = yaml_get(owner, str_of(keys[k]));
        if (yaml_is_null(list))
            continue;
        TRY(yaml_to_seq(list, keys[k], &list, err));
        for (size_t i = 0; i < list->count; i++) {
            struct definition definition = {.column = column};
            TRY(read_definition(t, list->items[i], &definition, err));
            const rc result = make_test(t, target, patch, kind, &definition, err);
            if (result != RC_OK) {
                if (err != NULL && err->place[0] == '\0')
                    yaml_error(err, list->items[i], result, "%s",
                               arena_cstr(t->arena, str_of(err->message)));
                return result;
            }
        }
    }
    return RC_OK;
}

rc generic_tests_of(struct transform *t, struct node *target, const struct patch *patch,
                    const char *kind, struct err *err)
{
    TRY(tests_in(t, target, patch, kind, patch->node, STR(""), err));
    const struct yaml *columns = yaml_get(patch->node, STR("columns"));
    for (size_t i = 0; columns != NULL && columns->kind == YAML_SEQ && i < columns->count; i++) {
        const struct yaml *column = columns->items[i];
        struct str name;
        TRY(yaml_to_text(yaml_get(column, STR("name")), "name", &name, err));
        if (yaml_bool(yaml_get(column, STR("quote")), false))
            name = arena_printf(t->arena, "\"%.*s\"", STR_ARGS(name));
        TRY(tests_in(t, target, patch, kind, column, name, err));
    }
    return RC_OK;
}

// ---- arguments at render time

static bool looks_like_call(struct str text)
{
    static const char *const functions[] = {"env_var", "ref", "var", "source", "doc"};
    text = str_trim(text);
    if (text.length == 0 || text.bytes[text.length - 1] != ')')
        return false;
    for (size_t i = 0; i < sizeof functions / sizeof *functions; i++) {
        const struct str name = str_of(functions[i]);
        if (str_has_prefix(text, name) &&
            str_has_prefix(str_trim(str_slice(text, name.length, SIZE_MAX)), STR("(")))
            return true;
    }
    return false;
}

static rc render_argument(struct scope *scope, const struct node *node, struct value value,
                          struct value *ret_value, struct err *err)
{
    if (value.kind == VALUE_STR) {
        struct str text = value_text(value);
        if (looks_like_call(text))
            text = arena_printf(scope->arena, "{{ %.*s }}", STR_ARGS(text));
        return scope_render_native(scope, text, node->original_path, ret_value, err);
    }
    if (value.kind == VALUE_LIST) {
        const struct value list = value_list_new(scope->arena, value.list->count);
        for (uint32_t i = 0; i < value.list->count; i++) {
            struct value item;
            TRY(render_argument(scope, node, value.list->items[i], &item, err));
            list_push(list, item);
        }
        *ret_value = list;
        return RC_OK;
    }
    *ret_value = value;
    if (value.kind != VALUE_DICT)
        return RC_OK;
    const struct value dict = value_dict_new(scope->arena);
    size_t at = 0;
    struct dict_entry *entry;
    while (dict_next(value, &at, &entry)) {
        struct value item;
        TRY(render_argument(scope, node, entry->value, &item, err));
        TRY(dict_set(dict, entry->key, item, err));
    }
    *ret_value = dict;
    return RC_OK;
}

rc generic_test_bind(struct scope *scope, const struct node *node, struct err *err)
{
    const struct value kwargs = value_dict_new(scope->arena);
    size_t at = 0;
    struct dict_entry *entry;
    while (dict_next(node->test_kwargs, &at, &entry)) {
        struct value value = entry->value;
        if (!str_is(value_text(entry->key), "column_name"))
            TRY(render_argument(scope, node, entry->value, &value, err));
        dict_set_str(kwargs, value_text(entry->key), value);
    }
    scope_set(scope, "_dbt_generic_test_kwargs", kwargs);
    return RC_OK;
}
