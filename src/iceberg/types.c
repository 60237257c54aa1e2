/// Types: parsing and printing, comparison, promotion. Recursion is bounded by TYPE_MAX_DEPTH: only
/// parsers make types of unknown depth, and they refuse deeper ones.

#include "iceberg/types.h"

#include "base/vec.h"

VEC_TYPE(field_vec, struct field);

static const struct str names[TYPE_COUNT] = {
    [TYPE_BOOLEAN] = STR_INIT("boolean"),
    [TYPE_INT] = STR_INIT("int"),
    [TYPE_LONG] = STR_INIT("long"),
    [TYPE_FLOAT] = STR_INIT("float"),
    [TYPE_DOUBLE] = STR_INIT("double"),
    [TYPE_DECIMAL] = STR_INIT("decimal"),
    [TYPE_DATE] = STR_INIT("date"),
    [TYPE_TIME] = STR_INIT("time"),
    [TYPE_TIMESTAMP] = STR_INIT("timestamp"),
    [TYPE_TIMESTAMPTZ] = STR_INIT("timestamptz"),
    [TYPE_TIMESTAMP_NS] = STR_INIT("timestamp_ns"),
    [TYPE_TIMESTAMPTZ_NS] = STR_INIT("timestamptz_ns"),
    [TYPE_STRING] = STR_INIT("string"),
    [TYPE_UUID] = STR_INIT("uuid"),
    [TYPE_FIXED] = STR_INIT("fixed"),
    [TYPE_BINARY] = STR_INIT("binary"),
    [TYPE_UNKNOWN] = STR_INIT("unknown"),
    [TYPE_VARIANT] = STR_INIT("variant"),
    [TYPE_GEOMETRY] = STR_INIT("geometry"),
    [TYPE_GEOGRAPHY] = STR_INIT("geography"),
    [TYPE_STRUCT] = STR_INIT("struct"),
    [TYPE_LIST] = STR_INIT("list"),
    [TYPE_MAP] = STR_INIT("map"),
};

const char *type_name(enum type_id id)
{
    return names[id].bytes;
}

struct type type_list(struct arena *arena, int32_t element_id, struct type element,
                      bool is_element_required)
{
    struct field *field = ARENA_NEW(arena, struct field);
    *field = (struct field){.id = element_id,
                            .name = STR("element"),
                            .is_required = is_element_required,
                            .type = element};
    return (struct type){.id = TYPE_LIST, .fields = field, .field_count = 1};
}

struct type type_map(struct arena *arena, int32_t key_id, struct type key, int32_t value_id,
                     struct type value, bool is_value_required)
{
    struct field *fields = ARENA_ARRAY(arena, struct field, 2);
    fields[0] = (struct field){.id = key_id, .name = STR("key"), .is_required = true, .type = key};
    fields[1] = (struct field){
        .id = value_id, .name = STR("value"), .is_required = is_value_required, .type = value};
    return (struct type){.id = TYPE_MAP, .fields = fields, .field_count = 2};
}

// Primitives

static rc unknown_type(struct str text, struct err *err)
{
    err_set(err, RC_UNSUPPORTED, "unknown type \"%.*s\"", STR_ARGS(text));
    const size_t nearest = str_nearest(text, names, TYPE_COUNT);
    return nearest == SIZE_MAX ? RC_UNSUPPORTED
                               : err_hint(err, "did you mean \"%s\"?", names[nearest].bytes);
}

/// The parts of "name(a, b)" or "name[a]"; without parentheses `ret_inner` is empty.
static bool split_call(struct str text, struct str *ret_name, struct str *ret_inner)
{
    *ret_name = text;
    *ret_inner = (struct str){0};
    for (size_t i = 0; i < text.length; i++) {
        if (text.bytes[i] != '(' && text.bytes[i] != '[')
            continue;
        const char closing = text.bytes[i] == '(' ? ')' : ']';
        if (text.bytes[text.length - 1] != closing)
            return false;
        *ret_name = str_trim(str_slice(text, 0, i));
        *ret_inner = str_trim(str_slice(text, i + 1, text.length - i - 2));
        return ret_inner->length > 0;
    }
    return true;
}

static rc parse_decimal(struct str inner, struct str text, struct type *ret_type, struct err *err)
{
    const size_t comma = str_find_byte(inner, ',');
    int64_t precision = 0, scale = -1;
    if (comma == SIZE_MAX || !str_to_int64(str_trim(str_slice(inner, 0, comma)), &precision) ||
        !str_to_int64(str_trim(str_slice(inner, comma + 1, SIZE_MAX)), &scale) || precision < 1 ||
        precision > TYPE_MAX_DECIMAL_PRECISION || scale < 0 || scale > precision)
        return err_set(err, RC_INVALID,
                       "expected decimal(precision 1 to 38, scale 0 to precision), found \"%.*s\"",
                       STR_ARGS(text));
    *ret_type = type_decimal((int)precision, (int)scale);
    return RC_OK;
}

static rc parse_fixed(struct str inner, struct str text, struct type *ret_type, struct err *err)
{
    int64_t length = 0;
    if (!str_to_int64(inner, &length) || length < 1 || length > INT32_MAX)
        return err_set(err, RC_INVALID, "expected fixed[length in bytes], found \"%.*s\"",
                       STR_ARGS(text));
    *ret_type = type_fixed((int32_t)length);
    return RC_OK;
}

static rc parse_primitive(struct str text, struct type *ret_type, struct err *err)
{
    struct str name, inner;
    if (!split_call(text, &name, &inner))
        return err_set(err, RC_INVALID, "expected a type, found \"%.*s\"", STR_ARGS(text));
    for (int id = 0; id < TYPE_STRUCT; id++) {
        if (!str_equal(name, names[id]))
            continue;
        if (id == TYPE_DECIMAL)
            return parse_decimal(inner, text, ret_type, err);
        if (id == TYPE_FIXED)
            return parse_fixed(inner, text, ret_type, err);
        if (inner.length > 0 && id != TYPE_GEOMETRY && id != TYPE_GEOGRAPHY)
            return err_set(err, RC_INVALID, "type %s takes no parameters, found \"%.*s\"",
                           names[id].bytes, STR_ARGS(text));
        *ret_type = (struct type){.id = (enum type_id)id, .parameters = inner};
        return RC_OK;
    }
    return unknown_type(text, err);
}

// JSON

static rc parse_json(struct arena *arena, const struct json *json, int depth, struct type *ret_type,
                     struct err *err);

static rc need_int32(const struct json *object, struct str key, int32_t *ret_number,
                     struct err *err)
{
    int64_t number;
    if (!json_to_int64(json_get(object, key), &number) || number < 0 || number > INT32_MAX)
        return err_set(err, RC_INVALID, "expected a number for \"%.*s\"", STR_ARGS(key));
    *ret_number = (int32_t)number;
    return RC_OK;
}

static rc need_bool(const struct json *object, struct str key, bool *ret_boolean, struct err *err)
{
    const struct json *value = json_get(object, key);
    if (value == NULL || value->kind != JSON_BOOL)
        return err_set(err, RC_INVALID, "expected true or false for \"%.*s\"", STR_ARGS(key));
    *ret_boolean = value->boolean;
    return RC_OK;
}

static rc parse_member(struct arena *arena, const struct json *json, int depth,
                       struct field *ret_field, struct err *err)
{
    const struct json *name = json_get(json, STR("name"));
    if (name == NULL || name->kind != JSON_STRING)
        return err_set(err, RC_INVALID, "expected a text for \"name\"");
    struct field field = {.name = name->text};
    TRY_CONTEXT(need_int32(json, STR("id"), &field.id, err), err, "field \"%.*s\"",
                STR_ARGS(field.name));
    TRY_CONTEXT(need_bool(json, STR("required"), &field.is_required, err), err, "field \"%.*s\"",
                STR_ARGS(field.name));
    TRY_CONTEXT(parse_json(arena, json_get(json, STR("type")), depth + 1, &field.type, err), err,
                "field \"%.*s\"", STR_ARGS(field.name));
    field.doc = json_str(json_get(json, STR("doc")), (struct str){0});
    field.initial_default = json_get(json, STR("initial-default"));
    field.write_default = json_get(json, STR("write-default"));
    *ret_field = field;
    return RC_OK;
}

static rc parse_struct(struct arena *arena, const struct json *json, int depth,
                       struct type *ret_type, struct err *err)
{
    const struct json *members = json_get(json, STR("fields"));
    if (members == NULL || members->kind != JSON_ARRAY)
        return err_set(err, RC_INVALID, "expected an array for \"fields\" of a struct");
    if (members->count > TYPE_MAX_FIELDS)
        return err_set(err, RC_LIMIT, "a struct has %zu fields, at most %d are read",
                       members->count, TYPE_MAX_FIELDS);
    struct field *fields = ARENA_ARRAY(arena, struct field, members->count);
    for (size_t i = 0; i < members->count; i++)
        TRY(parse_member(arena, &members->items[i], depth, &fields[i], err));
    *ret_type = type_struct(fields, members->count);
    return RC_OK;
}

static rc parse_list(struct arena *arena, const struct json *json, int depth, struct type *ret_type,
                     struct err *err)
{
    int32_t id;
    bool is_required;
    struct type element;
    TRY(need_int32(json, STR("element-id"), &id, err));
    TRY(need_bool(json, STR("element-required"), &is_required, err));
    TRY_CONTEXT(parse_json(arena, json_get(json, STR("element")), depth + 1, &element, err), err,
                "list element");
    *ret_type = type_list(arena, id, element, is_required);
    return RC_OK;
}

static rc parse_map(struct arena *arena, const struct json *json, int depth, struct type *ret_type,
                    struct err *err)
{
    int32_t key_id, value_id;
    bool is_required;
    struct type key, value;
    TRY(need_int32(json, STR("key-id"), &key_id, err));
    TRY(need_int32(json, STR("value-id"), &value_id, err));
    TRY(need_bool(json, STR("value-required"), &is_required, err));
    TRY_CONTEXT(parse_json(arena, json_get(json, STR("key")), depth + 1, &key, err), err,
                "map key");
    TRY_CONTEXT(parse_json(arena, json_get(json, STR("value")), depth + 1, &value, err), err,
                "map value");
    *ret_type = type_map(arena, key_id, key, value_id, value, is_required);
    return RC_OK;
}

static rc parse_json(struct arena *arena, const struct json *json, int depth, struct type *ret_type,
                     struct err *err)
{
    if (depth > TYPE_MAX_DEPTH)
        return err_set(err, RC_LIMIT, "types are nested deeper than %d levels", TYPE_MAX_DEPTH);
    if (json == NULL)
        return err_set(err, RC_INVALID, "the type is missing");
    if (json->kind == JSON_STRING)
        return parse_primitive(json->text, ret_type, err);
    if (json->kind != JSON_OBJECT)
        return err_set(err, RC_INVALID, "expected a type as text or object");
    const struct str kind = json_str(json_get(json, STR("type")), (struct str){0});
    if (str_is(kind, "struct"))
        return parse_struct(arena, json, depth, ret_type, err);
    if (str_is(kind, "list"))
        return parse_list(arena, json, depth, ret_type, err);
    if (str_is(kind, "map"))
        return parse_map(arena, json, depth, ret_type, err);
    if (kind.length == 0)
        return err_set(err, RC_INVALID, "expected \"type\": \"struct\", \"list\" or \"map\"");
    return unknown_type(kind, err);
}

rc type_parse(struct arena *arena, const struct json *json, struct type *ret_type, struct err *err)
{
    return parse_json(arena, json, 0, ret_type, err);
}

// Types as people write them

struct type_text {
    struct arena *arena;
    struct str text;
    size_t at;
};

static void skip_blanks(struct type_text *in)
{
    while (in->at < in->text.length && strchr(" \t\r\n", in->text.bytes[in->at]) != NULL)
        in->at++;
}

static bool take_char(struct type_text *in, char wanted)
{
    skip_blanks(in);
    if (in->at >= in->text.length || in->text.bytes[in->at] != wanted)
        return false;
    in->at++;
    return true;
}

static rc expect_char(struct type_text *in, char wanted, struct err *err)
{
    if (take_char(in, wanted))
        return RC_OK;
    return err_set(err, RC_INVALID, "type \"%.*s\": expected \"%c\" at character %zu",
                   STR_ARGS(in->text), wanted, in->at + 1);
}

/// Up to one of the stop characters; parentheses and brackets belong to the word.
static struct str take_word(struct type_text *in, const char *stops)
{
    skip_blanks(in);
    const size_t start = in->at;
    int depth = 0;
    for (; in->at < in->text.length; in->at++) {
        const char c = in->text.bytes[in->at];
        if (c == '(' || c == '[')
            depth++;
        else if (c == ')' || c == ']')
            depth--;
        else if (depth == 0 && strchr(stops, c) != NULL)
            break;
    }
    return str_trim(str_slice(in->text, start, in->at - start));
}

static rc parse_text(struct type_text *in, int depth, struct type *ret_type, struct err *err);

static rc parse_text_struct(struct type_text *in, int depth, struct type *ret_type, struct err *err)
{
    field_vec fields = {0};
    do {
        const struct str name = take_word(in, ":<>,");
        TRY(expect_char(in, ':', err));
        struct type type;
        TRY(parse_text(in, depth + 1, &type, err));
        *vec_push(in->arena, &fields) = (struct field){.name = name, .type = type};
    } while (take_char(in, ','));
    *ret_type = type_struct(fields.items, fields.count);
    return expect_char(in, '>', err);
}

static rc parse_text(struct type_text *in, int depth, struct type *ret_type, struct err *err)
{
    if (depth > TYPE_MAX_DEPTH)
        return err_set(err, RC_LIMIT, "types are nested deeper than %d levels", TYPE_MAX_DEPTH);
    const struct str word = str_lower(in->arena, take_word(in, "<>,"));
    if (!take_char(in, '<'))
        return parse_primitive(word, ret_type, err);
    if (str_is(word, "struct"))
        return parse_text_struct(in, depth, ret_type, err);

    struct type first, second;
    TRY(parse_text(in, depth + 1, &first, err));
    if (str_is(word, "list") || str_is(word, "array")) {
        *ret_type = type_list(in->arena, 0, first, false);
    } else if (str_is(word, "map")) {
        TRY(expect_char(in, ',', err));
        TRY(parse_text(in, depth + 1, &second, err));
        *ret_type = type_map(in->arena, 0, first, 0, second, false);
    } else {
        return unknown_type(word, err);
    }
    return expect_char(in, '>', err);
}

rc type_parse_text(struct arena *arena, struct str text, struct type *ret_type, struct err *err)
{
    struct type_text in = {.arena = arena, .text = arena_str(arena, text)};
    struct type type;
    TRY(parse_text(&in, 0, &type, err));
    skip_blanks(&in);
    if (in.at != in.text.length)
        return err_set(err, RC_INVALID, "type \"%.*s\": nothing may follow character %zu",
                       STR_ARGS(text), in.at);
    *ret_type = type;
    return RC_OK;
}

// Printing

static struct str print_primitive(struct arena *arena, const struct type *type)
{
    if (type->id == TYPE_DECIMAL)
        return arena_printf(arena, "decimal(%d, %d)", type->precision, type->scale);
    if (type->id == TYPE_FIXED)
        return arena_printf(arena, "fixed[%d]", type->length);
    if (type->parameters.length > 0)
        return arena_printf(arena, "%s(%.*s)", names[type->id].bytes, STR_ARGS(type->parameters));
    return names[type->id];
}

struct str type_print(struct arena *arena, const struct type *type)
{
    if (!type_is_nested(type->id))
        return print_primitive(arena, type);
    struct str *parts = ARENA_ARRAY(arena, struct str, type->field_count);
    for (size_t i = 0; i < type->field_count; i++) {
        const struct str inner = type_print(arena, &type->fields[i].type);
        parts[i] =
            type->id == TYPE_STRUCT
                ? arena_printf(arena, "%.*s: %.*s", STR_ARGS(type->fields[i].name), STR_ARGS(inner))
                : inner;
    }
    const struct str joined = str_join(arena, parts, type->field_count, STR(", "));
    return arena_printf(arena, "%s<%.*s>", names[type->id].bytes, STR_ARGS(joined));
}

static void write_nested(struct json_writer *w, const struct type *type)
{
    const struct field *fields = type->fields;
    if (type->id == TYPE_LIST) {
        json_field_int64(w, "element-id", fields[0].id);
        json_key(w, STR("element"));
        type_write(w, &fields[0].type);
        json_field_bool(w, "element-required", fields[0].is_required);
        return;
    }
    json_field_int64(w, "key-id", fields[0].id);
    json_key(w, STR("key"));
    type_write(w, &fields[0].type);
    json_field_int64(w, "value-id", fields[1].id);
    json_key(w, STR("value"));
    type_write(w, &fields[1].type);
    json_field_bool(w, "value-required", fields[1].is_required);
}

static void write_field(struct json_writer *w, const struct field *field)
{
    json_begin_object(w);
    json_field_int64(w, "id", field->id);
    json_field_str(w, "name", field->name);
    json_field_bool(w, "required", field->is_required);
    json_key(w, STR("type"));
    type_write(w, &field->type);
    if (field->doc.length > 0)
        json_field_str(w, "doc", field->doc);
    if (field->initial_default != NULL) {
        json_key(w, STR("initial-default"));
        json_put(w, field->initial_default);
    }
    if (field->write_default != NULL) {
        json_key(w, STR("write-default"));
        json_put(w, field->write_default);
    }
    json_end_object(w);
}

void type_write_fields(struct json_writer *w, const struct type *type)
{
    json_key(w, STR("fields"));
    json_begin_array(w);
    for (size_t i = 0; i < type->field_count; i++)
        write_field(w, &type->fields[i]);
    json_end_array(w);
}

void type_write(struct json_writer *w, const struct type *type)
{
    if (!type_is_nested(type->id)) {
        struct arena *scratch = arena_open(NULL);
        json_put_str(w, print_primitive(scratch, type));
        arena_close(scratch);
        return;
    }
    json_begin_object(w);
    json_field_str(w, "type", names[type->id]);
    if (type->id == TYPE_STRUCT)
        type_write_fields(w, type);
    else
        write_nested(w, type);
    json_end_object(w);
}

// Comparison

static bool same_default(const struct json *a, const struct json *b)
{
    return a == NULL || b == NULL ? a == b : json_equal(a, b);
}

static bool same_type(const struct type *a, const struct type *b, bool with_ids)
{
    if (a->id != b->id || a->precision != b->precision || a->scale != b->scale ||
        a->length != b->length || !str_equal(a->parameters, b->parameters) ||
        a->field_count != b->field_count)
        return false;
    for (size_t i = 0; i < a->field_count; i++) {
        const struct field *x = &a->fields[i], *y = &b->fields[i];
        if (!str_equal(x->name, y->name) || x->is_required != y->is_required ||
            !same_type(&x->type, &y->type, with_ids))
            return false;
        if (with_ids && (x->id != y->id || !str_equal(x->doc, y->doc) ||
                         !same_default(x->initial_default, y->initial_default) ||
                         !same_default(x->write_default, y->write_default)))
            return false;
    }
    return true;
}

bool type_equal(const struct type *a, const struct type *b)
{
    return same_type(a, b, true);
}

bool type_equal_but_ids(const struct type *a, const struct type *b)
{
    return same_type(a, b, false);
}

bool type_can_promote(const struct type *from, const struct type *to, int format_version)
{
    if (from->id == TYPE_DECIMAL && to->id == TYPE_DECIMAL)
        return to->scale == from->scale && to->precision >= from->precision;
    if (from->id == to->id)
        return type_equal(from, to);
    if ((from->id == TYPE_INT && to->id == TYPE_LONG) ||
        (from->id == TYPE_FLOAT && to->id == TYPE_DOUBLE))
        return true;
    if (format_version < 3)
        return false;
    return (from->id == TYPE_UNKNOWN && !type_is_nested(to->id)) ||
           (from->id == TYPE_DATE && (to->id == TYPE_TIMESTAMP || to->id == TYPE_TIMESTAMP_NS));
}

// Copies

static const struct json *copy_default(struct arena *arena, const struct json *value)
{
    if (value == NULL)
        return NULL;
    struct json *copy = ARENA_NEW(arena, struct json);
    *copy = json_copy(arena, value);
    return copy;
}

struct field field_copy(struct arena *arena, const struct field *field)
{
    struct field copy = *field;
    copy.name = arena_str(arena, field->name);
    copy.doc = arena_str(arena, field->doc);
    copy.type = type_copy(arena, &field->type);
    copy.initial_default = copy_default(arena, field->initial_default);
    copy.write_default = copy_default(arena, field->write_default);
    return copy;
}

struct type type_copy(struct arena *arena, const struct type *type)
{
    struct type copy = *type;
    copy.parameters = arena_str(arena, type->parameters);
    struct field *fields = ARENA_ARRAY(arena, struct field, type->field_count);
    for (size_t i = 0; i < type->field_count; i++)
        fields[i] = field_copy(arena, &type->fields[i]);
    copy.fields = fields;
    return copy;
}
