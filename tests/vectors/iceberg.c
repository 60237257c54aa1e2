// iceberg-spec: hashes, transforms, single values, row lineage, object store paths.
// iceberg-metadata: files whose names say whether they must be refused.
// iceberg-avro: the Avro schemas that manifests and manifest lists must have.

#include <stdlib.h>

#include "base/fs.h"
#include "base/hash.h"
#include "base/vec.h"
#include "format/avro.h"
#include "iceberg/manifest.h"
#include "iceberg/manifest_schema.h"
#include "iceberg/table.h"
#include "vectors.h"

// Values of a case

static struct str text_of(const struct json *json)
{
    if (json != NULL && json->kind == JSON_BOOL)
        return json->boolean ? STR("true") : STR("false");
    return json != NULL && (json->kind == JSON_STRING || json->kind == JSON_NUMBER) ? json->text
                                                                                    : STR("");
}

static struct str member(const struct json *c, const char *key)
{
    return text_of(json_get(c, str_of(key)));
}

/// Type and value of a case: {"type": ..., "value": ...} or with "value_hex".
static bool value_of(struct vectors *v, const struct json *c, const char *key, struct type *type,
                     struct value *value)
{
    struct err err = {0};
    const struct str hex = member(c, arena_cstr(v->arena, arena_printf(v->arena, "%s_hex", key)));
    if (type_parse_text(v->arena, member(c, "type"), type, &err) == RC_OK) {
        // dates, times and timestamps may be given as numbers
        int64_t number;
        const struct json *json = json_get(c, str_of(key));
        if (hex.length == 0 && type->id == TYPE_FIXED && json->kind == JSON_STRING) {
            *value = (struct value){.type = type->id, .bytes = json->text};
            return true;
        }
        if (json_to_int64(json, &number) && type->id >= TYPE_DATE &&
            type->id <= TYPE_TIMESTAMPTZ_NS) {
            *value = value_int(type->id, number);
            return true;
        }
        if (value_parse_text(v->arena, type, hex.length > 0 ? hex : text_of(json), value, &err) ==
            RC_OK)
            return true;
    }
    vectors_fail(v, "%s", err.message);
    return false;
}

static void check_text(struct vectors *v, struct str expected, struct str found)
{
    if (str_equal(expected, found))
        vectors_pass(v);
    else
        vectors_fail(v, "expected %.*s, found %.*s", STR_ARGS(expected), STR_ARGS(found));
}

static void check_int(struct vectors *v, int64_t expected, int64_t found)
{
    if (expected == found)
        vectors_pass(v);
    else
        vectors_fail(v, "expected %lld, found %lld", (long long)expected, (long long)found);
}

// Sections of spec_vectors.json; each gets one case

static void run_hash(struct vectors *v, const struct json *c)
{
    struct type type;
    struct value value;
    if (value_of(v, c, "value", &type, &value))
        check_int(v, json_int64(json_get(c, STR("hash")), 0), (int32_t)transform_hash(value));
}

static void run_not_bucketed(struct vectors *v, const struct json *c)
{
    struct type type, result;
    struct value value;
    const struct transform bucket = {.kind = TRANSFORM_BUCKET, .parameter = 16};
    if (!value_of(v, c, "value", &type, &value))
        return;
    if (transform_result_type(bucket, &type, &result, NULL) == RC_OK)
        vectors_fail(v, "bucket must be refused");
    else
        check_int(v, json_int64(json_get(c, STR("hash")), 0), (int32_t)transform_hash(value));
}

static void run_truncate(struct vectors *v, const struct json *c)
{
    struct type type;
    struct value in, expected, found;
    struct err err;
    const struct transform transform = {.kind = TRANSFORM_TRUNCATE,
                                        .parameter = (int32_t)json_int64(json_get(c, STR("W")), 0)};
    if (!value_of(v, c, "in", &type, &in) || !value_of(v, c, "out", &type, &expected))
        return;
    if (transform_apply(transform, in, &found, &err) != RC_OK)
        vectors_fail(v, "%s", err.message);
    else if (!value_same(expected, found))
        vectors_fail(v, "found %.*s", STR_ARGS(value_show(v->arena, found)));
    else
        vectors_pass(v);
}

/// Every member but "value" and "note" is a transform with its result, as number or as text.
static void run_times(struct vectors *v, const struct json *c)
{
    const struct str section = v->case_name;
    for (size_t i = 0; i < c->count; i++) {
        const struct json_member *m = &c->members[i];
        struct transform transform;
        struct value value, found;
        struct err err = {0};
        const struct type type = type_of(TYPE_TIMESTAMP);
        if (str_is(m->key, "value") || str_is(m->key, "note"))
            continue;
        v->case_name = arena_printf(v->arena, "%.*s %.*s", STR_ARGS(section), STR_ARGS(m->key));
        if (value_parse_text(v->arena, &type, member(c, "value"), &value, &err) != RC_OK ||
            transform_parse(m->key, &transform, &err) != RC_OK ||
            transform_apply(transform, value, &found, &err) != RC_OK)
            vectors_fail(v, "%s", err.message);
        else if (m->value.kind == JSON_NUMBER)
            check_int(v, json_int64(&m->value, 0), found.integer);
        else
            check_text(v, m->value.text, transform_print_value(v->arena, transform, found));
    }
}

static void run_path(struct vectors *v, const struct json *c)
{
    const struct partition_field field = {.name = member(c, "field"),
                                          .transform = {.kind = TRANSFORM_IDENTITY}};
    const struct partition_spec spec = {.fields = &field, .field_count = 1};
    const struct value value = value_text(member(c, "value"));
    check_text(v, member(c, "segment"), partition_path(v->arena, &spec, &value));
}

static void run_binary(struct vectors *v, const struct json *c)
{
    struct type type;
    struct value value, back;
    struct err err;
    if (!value_of(v, c, "value", &type, &value))
        return;
    const struct str bytes = value_encode(v->arena, value);
    if (value_decode(&type, bytes, &back, &err) != RC_OK)
        vectors_fail(v, "%s", err.message);
    else if (!value_same(value, back))
        vectors_fail(v, "reads back as %.*s", STR_ARGS(value_show(v->arena, back)));
    else
        check_text(v, member(c, "hex"), hex_encode(v->arena, bytes.bytes, bytes.length));
}

static bool json_value_round_trips(struct vectors *v, const char *type_text,
                                   const struct json *json)
{
    struct type type;
    struct value value;
    struct err err = {0};
    struct buf buf;
    struct json back;
    struct json_writer writer;
    if (type_parse_text(v->arena, str_of(type_text), &type, &err) != RC_OK ||
        value_parse(v->arena, &type, json, &value, &err) != RC_OK) {
        vectors_fail(v, "%s", err.message);
        return false;
    }
    buf_init(&buf, 1 << 16);
    json_writer_init(&writer, &buf, JSON_COMPACT);
    value_write(&writer, value);
    const struct str text = arena_str(v->arena, buf_str(&buf));
    buf_done(&buf);
    if (json_parse(v->arena, text, "value", &back, &err) == RC_OK && json_equal(json, &back))
        return true;
    vectors_fail(v, "written as %.*s", STR_ARGS(text));
    return false;
}

static bool nested_value_is_read(struct vectors *v, struct type type, const struct json *json)
{
    struct err err = {0};
    if (value_check_json(v->arena, &type, json, &err) == RC_OK)
        return true;
    vectors_fail(v, "%s", err.message);
    return false;
}

static void run_json(struct vectors *v, const struct json *c)
{
    const struct json *json = json_get(c, STR("json"));
    const struct str type = member(c, "type");
    const struct field members[] = {{.id = 1, .name = STR("a"), .type = type_of(TYPE_INT)},
                                    {.id = 2, .name = STR("b"), .type = type_of(TYPE_STRING)}};
    bool is_right;
    if (str_is(type, "struct")) {
        is_right = nested_value_is_read(v, type_struct(members, 2), json);
    } else if (str_is(type, "map")) {
        is_right = nested_value_is_read(
            v, type_map(v->arena, 1, type_of(TYPE_STRING), 2, type_of(TYPE_INT), false), json);
    } else if (str_is(type, "fixed/binary")) {
        is_right = json_value_round_trips(v, "fixed[4]", json) &&
                   json_value_round_trips(v, "binary", json);
    } else if (str_is(type, "decimal negative scale")) {
        // Iceberg's types have no negative scale: the number itself must be read
        const struct type decimal = type_decimal(38, 0);
        struct value value;
        is_right = value_parse(v->arena, &decimal, json, &value, NULL) == RC_OK;
        if (!is_right)
            vectors_fail(v, "%.*s is not read", STR_ARGS(json->text));
    } else {
        is_right = json_value_round_trips(v, arena_cstr(v->arena, type), json);
    }
    if (is_right)
        vectors_pass(v);
}

static void run_upper_bound(struct vectors *v, const struct json *c)
{
    const int width = (int)json_int64(json_get(c, STR("len")), 0);
    const struct json *in = json_get(c, STR("in")), *out = json_get(c, STR("out"));
    struct value value = value_text(text_of(in)), found;
    if (in == NULL) {
        value.type = TYPE_BINARY;
        if (hex_decode(v->arena, member(c, "in_hex"), &value.bytes, NULL) != RC_OK)
            abort();
    }
    const bool has_bound = value_truncate_upper(v->arena, value, width, &found);
    if (has_bound != (out->kind == JSON_STRING))
        vectors_fail(v, "%s", has_bound ? "there must be no bound" : "there must be a bound");
    else if (has_bound)
        check_text(v, out->text, found.bytes);
    else
        vectors_pass(v);
}

static void run_promotion(struct vectors *v, const struct json *c)
{
    struct type type, old;
    struct value value, found;
    struct err err = {0};
    if (type_parse_text(v->arena, member(c, "current"), &type, &err) != RC_OK ||
        type_parse_text(v->arena, member(c, "was"), &old, &err) != RC_OK ||
        value_parse_text(v->arena, &old, old.id == TYPE_DATE ? STR("2020-03-01") : STR("7"), &value,
                         &err) != RC_OK) {
        vectors_fail(v, "%s", err.message);
        return;
    }
    const struct str bytes = value_encode(v->arena, value);
    if (value_decode(&type, bytes, &found, &err) != RC_OK)
        vectors_fail(v, "%s", err.message);
    else if ((int64_t)bytes.length != json_int64(json_get(c, STR("len")), 0))
        vectors_fail(v, "a bound of %zu bytes", bytes.length);
    else if (old.id == TYPE_DATE)
        check_int(v, value.integer * 86400 * 1000000, found.integer);
    else
        check_text(v, STR("7"), str_slice(value_show(v->arena, found), 0, 1));
}

static void run_object_path(struct vectors *v, const struct json *c)
{
    struct table_metadata metadata = {.location = STR("")};
    properties_set(v->arena, &metadata.properties, STR("write.object-storage.enabled"),
                   STR("true"));
    check_text(v, member(c, "path"),
               table_data_file_location(v->arena, &metadata, STR(""), member(c, "file")));
}

static void check_manifest_ids(struct vectors *v, const struct json *c)
{
    const struct json *list = json_get(c, STR("manifests"));
    struct manifest_file *files = ARENA_ARRAY(v->arena, struct manifest_file, list->count);
    const int64_t next = json_int64(json_get(c, STR("next_row_id")), 0);
    for (size_t i = 0; i < list->count; i++) {
        const struct json *m = &list->items[i];
        files[i].added_rows_count = json_int64(json_get(m, STR("added_rows")), 0);
        files[i].existing_rows_count = json_int64(json_get(m, STR("existing_rows")), 0);
        // the one that was there has its id already
        files[i].first_row_id = json_int64(json_get(m, STR("first_row_id")), 0);
        files[i].has_first_row_id = files[i].first_row_id < next;
    }
    const int64_t found = manifest_list_assign_row_ids(files, list->count, next);
    for (size_t i = 0; i < list->count; i++) {
        v->case_name = arena_printf(v->arena, "row_lineage_example manifest %zu", i);
        check_int(v, json_int64(json_get(&list->items[i], STR("first_row_id")), 0),
                  files[i].first_row_id);
    }
    v->case_name = STR("row_lineage_example next row id");
    check_int(v, json_int64(json_get(c, STR("new_next_row_id")), 0), found);
}

static void check_entry_ids(struct vectors *v, const struct json *c)
{
    const struct json *list = json_get(c, STR("added1_entries"));
    int64_t next = json_int64(json_get(c, STR("next_row_id")), 0);
    for (size_t i = 0; i < list->count; i++) {
        const struct json *entry = &list->items[i];
        const int64_t expected = json_int64(json_get(entry, STR("first_row_id")), 0);
        struct data_file file = {.record_count = json_int64(json_get(entry, STR("records")), 0)};
        if (!str_is(member(entry, "status"), "ADDED")) {
            file.first_row_id = expected;
            file.has_first_row_id = true;
        }
        data_file_inherit_row_id(&file, &next);
        v->case_name = arena_printf(v->arena, "row_lineage_example entry %zu", i);
        check_int(v, expected, file.first_row_id);
    }
}

static const struct {
    const char *name;
    void (*run)(struct vectors *v, const struct json *c);
} sections[] = {
    {"murmur3_x86_32_seed0", run_hash},  {"hash_not_valid_for_bucketing", run_not_bucketed},
    {"truncate", run_truncate},          {"time_transforms", run_times},
    {"human_strings", run_times},        {"single_value_binary", run_binary},
    {"single_value_json", run_json},     {"upper_bound_truncation", run_upper_bound},
    {"promotion_bounds", run_promotion}, {"object_storage_hash", run_object_path},
};

/// "(hash & 0x7fffffff) % N", for every hash of the file.
static void run_buckets(struct vectors *v, const struct json *all)
{
    const struct json *list = json_get(all, STR("murmur3_x86_32_seed0"));
    for (size_t i = 0; i < list->count; i++) {
        struct type type;
        struct value value, found;
        const struct transform bucket = {.kind = TRANSFORM_BUCKET, .parameter = 16};
        v->case_name = arena_printf(v->arena, "bucket %zu", i);
        if (!value_of(v, &list->items[i], "value", &type, &value))
            continue;
        const int64_t hash = json_int64(json_get(&list->items[i], STR("hash")), 0);
        if (transform_apply(bucket, value, &found, NULL) != RC_OK)
            vectors_fail(v, "it is refused");
        else
            check_int(v, (hash & INT32_MAX) % 16, found.integer);
    }
}

static void run_spec(struct vectors *v)
{
    const struct json all = vectors_json(v, "spec_vectors.json");
    for (size_t s = 0; s < sizeof sections / sizeof sections[0]; s++) {
        const struct json *list = json_get(&all, str_of(sections[s].name));
        for (size_t i = 0; list != NULL && i < list->count; i++) {
            v->case_name = arena_printf(v->arena, "%s %zu", sections[s].name, i);
            sections[s].run(v, &list->items[i]);
        }
    }
    run_buckets(v, &all);
    v->case_name = STR("partition_path_escape");
    run_path(v, json_get(&all, STR("partition_path_escape")));
    const struct json *lineage = json_get(&all, STR("row_lineage_example"));
    check_manifest_ids(v, lineage);
    check_entry_ids(v, lineage);
}

// Metadata

static bool must_be_refused(struct str name)
{
    static const char *const words[] = {"Unsupported", "Missing", "NotFound",
                                        "Invalid",     "Corrupt", "Duplicate"};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (str_contains(name, str_of(words[i])))
            return true;
    return false;
}

static struct str print_metadata(struct vectors *v, const struct table_metadata *metadata)
{
    struct buf buf;
    buf_init(&buf, METADATA_MAX_BYTES);
    metadata_write(&buf, metadata);
    const struct str text = arena_str(v->arena, buf_str(&buf));
    buf_done(&buf);
    return text;
}

static void run_metadata_file(struct vectors *v, struct str name)
{
    struct table_metadata metadata, again;
    struct err err = {0};
    const char *place = arena_cstr(v->arena, name);
    const rc code = metadata_parse(v->arena, vectors_file(v, place), place, &metadata, &err);
    v->case_name = name;
    if (must_be_refused(name)) {
        if (code == RC_OK)
            vectors_fail(v, "it must be refused");
        else if (err.message[0] == '\0')
            vectors_fail(v, "it is refused without a reason");
        else
            vectors_pass(v);
        return;
    }
    if (code != RC_OK) {
        vectors_fail(v, "%s", err.message);
        return;
    }
    const struct str written = print_metadata(v, &metadata);
    if (metadata_parse(v->arena, written, "written", &again, &err) != RC_OK)
        vectors_fail(v, "what was written is not read: %s", err.message);
    else
        check_text(v, written, print_metadata(v, &again));
}

static void run_metadata(struct vectors *v)
{
    str_vec names = {0};
    if (fs_list(v->arena, v->dir, &names, NULL) != RC_OK)
        return;
    for (size_t i = 0; i < names.count; i++)
        if (str_has_suffix(names.items[i], STR(".json")))
            run_metadata_file(v, names.items[i]);
}

// Avro schemas

/// The part of a type that is not null. @param ret_optional  whether null is allowed
static const struct json *not_null(const struct json *type, bool *ret_optional)
{
    *ret_optional = false;
    const struct json *found = type;
    for (size_t i = 0; type->kind == JSON_ARRAY && i < type->count; i++) {
        if (str_is(text_of(&type->items[i]), "null"))
            *ret_optional = true;
        else
            found = &type->items[i];
    }
    return found;
}

static bool same_type(struct vectors *v, const struct json *expected, const struct json *found);

static bool same_member(const struct json *a, const struct json *b, const char *key)
{
    const struct json *x = json_get(a, str_of(key)), *y = json_get(b, str_of(key));
    return x == NULL || y == NULL ? x == y : json_equal(x, y);
}

static bool same_record(struct vectors *v, const struct json *expected, const struct json *found)
{
    const struct json *a = json_get(expected, STR("fields")), *b = json_get(found, STR("fields"));
    if (b == NULL || a->count != b->count || !same_member(expected, found, "name")) {
        vectors_fail(v, "record %.*s: expected %zu fields, found %zu",
                     STR_ARGS(member(expected, "name")), a->count, b != NULL ? b->count : 0);
        return false;
    }
    for (size_t i = 0; i < a->count; i++) {
        const struct json *x = &a->items[i], *y = &b->items[i];
        if (!same_member(x, y, "name") || !same_member(x, y, "field-id")) {
            vectors_fail(v, "expected field %.*s (%.*s), found %.*s (%.*s)",
                         STR_ARGS(member(x, "field-id")), STR_ARGS(member(x, "name")),
                         STR_ARGS(member(y, "field-id")), STR_ARGS(member(y, "name")));
            return false;
        }
        if (!same_type(v, json_get(x, STR("type")), json_get(y, STR("type"))))
            return false;
    }
    return true;
}

static bool same_type(struct vectors *v, const struct json *expected, const struct json *found)
{
    bool is_optional, may_be_null;
    expected = not_null(expected, &is_optional);
    found = not_null(found, &may_be_null);
    // a writer may promise more than is asked for, never less
    if (may_be_null && !is_optional) {
        vectors_fail(v, "a required field is optional");
        return false;
    }
    if (expected->kind == JSON_STRING || found->kind == JSON_STRING) {
        const struct str a =
            expected->kind == JSON_STRING ? expected->text : member(expected, "type");
        const struct str b = found->kind == JSON_STRING ? found->text : member(found, "type");
        if (str_equal(a, b))
            return true;
        vectors_fail(v, "expected type %.*s, found %.*s", STR_ARGS(a), STR_ARGS(b));
        return false;
    }
    static const char *const keys[] = {"type",      "logicalType", "element-id",   "size",
                                       "precision", "scale",       "adjust-to-utc"};
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++)
        if (!same_member(expected, found, keys[i])) {
            vectors_fail(v, "\"%s\" of a type differs", keys[i]);
            return false;
        }
    if (str_is(member(expected, "type"), "record"))
        return same_record(v, expected, found);
    return !str_is(member(expected, "type"), "array") ||
           same_type(v, json_get(expected, STR("items")), json_get(found, STR("items")));
}

static const struct json *field_named(const struct json *record, const char *name)
{
    const struct json *fields = json_get(record, STR("fields"));
    for (size_t i = 0; fields != NULL && i < fields->count; i++)
        if (str_is(member(&fields->items[i], "name"), name))
            return json_get(&fields->items[i], STR("type"));
    return NULL;
}

/// The Iceberg type that a partition field of the expected schema must come from.
static struct type type_of_avro(const struct json *type)
{
    const struct str logical = member(type, "logicalType");
    const struct str name = type->kind == JSON_STRING ? type->text : member(type, "type");
    const bool is_utc = json_bool(json_get(type, STR("adjust-to-utc")), false);
    if (str_is(logical, "date"))
        return type_of(TYPE_DATE);
    if (str_is(logical, "time-micros"))
        return type_of(TYPE_TIME);
    if (str_is(logical, "timestamp-micros"))
        return type_of(is_utc ? TYPE_TIMESTAMPTZ : TYPE_TIMESTAMP);
    if (str_is(logical, "uuid"))
        return type_of(TYPE_UUID);
    if (str_is(logical, "decimal"))
        return type_decimal((int)json_int64(json_get(type, STR("precision")), 1),
                            (int)json_int64(json_get(type, STR("scale")), 0));
    if (str_is(name, "fixed"))
        return type_fixed((int32_t)json_int64(json_get(type, STR("size")), 1));
    for (enum type_id id = TYPE_BOOLEAN; id < TYPE_STRUCT; id++)
        if (str_is(name, type_name(id)))
            return type_of(id);
    return type_of(TYPE_BINARY);
}

static struct str entry_schema_like(struct vectors *v, const struct json *expected)
{
    const struct json *file = field_named(expected, "data_file");
    const struct json *fields = json_get(field_named(file, "partition"), STR("fields"));
    const int version = field_named(file, "block_size_in_bytes") != NULL ? 1 : 2;
    struct partition_field *list = ARENA_ARRAY(v->arena, struct partition_field, fields->count);
    struct type *types = ARENA_ARRAY(v->arena, struct type, fields->count);
    for (size_t i = 0; i < fields->count; i++) {
        bool is_optional;
        list[i].field_id = (int32_t)json_int64(json_get(&fields->items[i], STR("field-id")), 0);
        list[i].name = member(&fields->items[i], "name");
        types[i] = type_of_avro(not_null(json_get(&fields->items[i], STR("type")), &is_optional));
    }
    const struct partition_spec spec = {.fields = list, .field_count = fields->count};
    return manifest_entry_schema(v->arena, version, &spec, types);
}

static void run_avro_file(struct vectors *v, struct str name)
{
    struct json found;
    struct err err = {0};
    const struct avro_type *type;
    const struct json expected = vectors_json(v, arena_cstr(v->arena, name));
    v->case_name = name;
    const bool is_list = str_is(member(&expected, "name"), "manifest_file");
    const int version = field_named(&expected, "content") != NULL ? 2 : 1;
    const struct str text =
        is_list
            ? manifest_list_schema(v->arena, (struct manifest_list_schema_options){version, false})
            : entry_schema_like(v, &expected);
    if (json_parse(v->arena, text, "our schema", &found, &err) != RC_OK ||
        avro_schema_parse(v->arena, &found, &type, &err) != RC_OK)
        vectors_fail(v, "%s", err.message);
    else if (same_type(v, &expected, &found))
        vectors_pass(v);
}

static void run_avro(struct vectors *v)
{
    str_vec names = {0};
    if (fs_list(v->arena, v->dir, &names, NULL) != RC_OK)
        return;
    for (size_t i = 0; i < names.count; i++)
        if (str_has_suffix(names.items[i], STR(".json")))
            run_avro_file(v, names.items[i]);
}

int main(int argc, char **argv)
{
    static const struct vectors_suite suites[] = {{"iceberg-spec", run_spec},
                                                  {"iceberg-metadata", run_metadata},
                                                  {"iceberg-avro", run_avro},
                                                  {NULL, NULL}};
    return vectors_main(argc, argv, suites);
}
