// What iceberg/types.h and iceberg/schema.h promise: texts, lookup, evolution and what it refuses.

#include "unit_test.h"

#include "iceberg/schema.h"

static struct err err;

static struct schema make_schema(struct arena *arena, const char *columns)
{
    struct schema schema = {0};
    const struct str text = arena_printf(arena, "struct<%s>", columns);
    assert_int_equal(type_parse_text(arena, text, &schema.root, &err), RC_OK);
    return schema_assign_ids(arena, &schema, 0, NULL);
}

static void test_types_read_what_they_print(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "boolean",
        "decimal(38, 0)",
        "fixed[16]",
        "timestamptz_ns",
        "list<string>",
        "map<string, list<decimal(9, 2)>>",
        "struct<a: int, b: struct<c: list<struct<d: uuid>>>>",
    };
    struct arena *arena = arena_open(NULL);
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct type type;
        assert_int_equal(type_parse_text(arena, str_of(texts[i]), &type, &err), RC_OK);
        assert_true(str_is(type_print(arena, &type), texts[i]));
    }
    arena_close(arena);
}

static void test_wrong_types_are_refused_with_a_reason(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        rc code;
    } cases[] = {
        {"", RC_UNSUPPORTED},           {"strnig", RC_UNSUPPORTED},
        {"decimal(39, 2)", RC_INVALID}, {"decimal(5, 6)", RC_INVALID},
        {"decimal", RC_INVALID},        {"fixed[0]", RC_INVALID},
        {"list<string", RC_INVALID},    {"list<string>>", RC_INVALID},
        {"map<string>", RC_INVALID},    {"int(4)", RC_INVALID},
        {"struct<a int>", RC_INVALID},
    };
    struct arena *arena = arena_open(NULL);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct type type;
        err = (struct err){0};
        assert_int_equal(type_parse_text(arena, str_of(cases[i].text), &type, &err), cases[i].code);
        assert_true(err.message[0] != '\0');
    }
    struct type type;
    assert_int_equal(type_parse_text(arena, STR("strnig"), &type, &err), RC_UNSUPPORTED);
    assert_string_equal(err.hint, "did you mean \"string\"?");
    struct buf deep;
    buf_init(&deep, 1 << 20);
    for (int i = 0; i < 100; i++)
        buf_append_cstr(&deep, "list<");
    buf_append_cstr(&deep, "int");
    for (int i = 0; i < 100; i++)
        buf_append_cstr(&deep, ">");
    assert_int_equal(type_parse_text(arena, buf_str(&deep), &type, &err), RC_LIMIT);
    buf_done(&deep);
    arena_close(arena);
}

static void test_ids_are_given_level_by_level(void **state)
{
    (void)state;
    struct arena *arena = arena_open(NULL);
    const struct schema schema =
        make_schema(arena, "a: int, b: struct<x: int, y: list<int>>, c: map<string, int>");
    static const struct {
        const char *path;
        int32_t id;
    } expected[] = {
        {"a", 1},   {"b", 2},           {"c", 3},     {"b.x", 4},
        {"b.y", 5}, {"b.y.element", 6}, {"c.key", 7}, {"c.value", 8},
    };
    for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++) {
        const struct field *field = schema_field_by_name(&schema, str_of(expected[i].path));
        assert_non_null(field);
        assert_int_equal(field->id, expected[i].id);
        assert_true(str_is(schema_path_of(arena, &schema, field->id), expected[i].path));
    }
    assert_int_equal(schema_max_field_id(&schema), 8);
    assert_null(schema_field_by_name(&schema, STR("b.z")));
    assert_null(schema_field_by_name(&schema, STR("A")));
    assert_non_null(schema_field_by_name_ignore_case(&schema, STR("B.X")));
    arena_close(arena);
}

static void test_json_is_read_as_it_was_written(void **state)
{
    (void)state;
    struct arena *arena = arena_open(NULL);
    const struct schema schema = make_schema(
        arena,
        "a: int, b: struct<x: decimal(9, 2), y: list<fixed[3]>>, c: map<string, timestamptz>");
    struct json json;
    struct schema back;
    const struct str text = schema_print(arena, &schema);
    assert_int_equal(json_parse(arena, text, "schema", &json, &err), RC_OK);
    assert_int_equal(schema_parse(arena, &json, &back, &err), RC_OK);
    assert_true(schema_equal(&schema, &back));
    arena_close(arena);
}

static void test_evolution_keeps_ids_and_numbers_new_ones(void **state)
{
    (void)state;
    struct arena *arena = arena_open(NULL);
    const struct schema base = make_schema(arena, "a: int, b: struct<x: float>, c: list<struct<p: "
                                                  "int>>, d: decimal(5, 2)");
    const int32_t last = schema_max_field_id(&base);
    struct schema_update *u = schema_update_open(arena, &base, last, 2);
    struct schema schema;
    struct type type;
    int32_t new_last;
    assert_false(schema_update_has_changes(u));
    assert_int_equal(schema_update_widen(u, STR("a"), type_of(TYPE_LONG), &err), RC_OK);
    assert_int_equal(schema_update_widen(u, STR("b.x"), type_of(TYPE_DOUBLE), &err), RC_OK);
    assert_int_equal(schema_update_widen(u, STR("d"), type_decimal(9, 2), &err), RC_OK);
    assert_int_equal(schema_update_rename(u, STR("a"), STR("id"), &err), RC_OK);
    assert_int_equal(schema_update_add(u, STR("c"), STR("q"), type_of(TYPE_STRING),
                                       (struct schema_add_options){.doc = STR("why")}, &err),
                     RC_OK);
    assert_int_equal(type_parse_text(arena, STR("map<string, list<int>>"), &type, &err), RC_OK);
    assert_int_equal(
        schema_update_add(u, STR(""), STR("m"), type, (struct schema_add_options){0}, &err), RC_OK);
    assert_int_equal(schema_update_move(u, STR("m"), STR(""), &err), RC_OK);
    assert_int_equal(schema_update_move(u, STR("d"), STR("id"), &err), RC_OK);
    assert_int_equal(schema_update_drop(u, STR("b"), &err), RC_OK);
    assert_true(schema_update_has_changes(u));
    assert_int_equal(schema_update_finish(u, &schema, &new_last, &err), RC_OK);
    assert_true(str_is(type_print(arena, &schema.root),
                       "struct<m: map<string, list<int>>, id: long, d: decimal(9, 2), c: "
                       "list<struct<p: int, q: string>>>"));
    assert_int_equal(schema_field_by_name(&schema, STR("id"))->id, 1);
    assert_int_equal(schema_field_by_name(&schema, STR("c.element.q"))->id, last + 1);
    assert_int_equal(schema_field_by_name(&schema, STR("m"))->id, last + 2);
    assert_int_equal(new_last, last + 5);
    arena_close(arena);
}

enum step { ADD, DROP, RENAME, WIDEN, OPTIONAL, MOVE };

static void test_evolution_refuses_what_would_break_rows(void **state)
{
    (void)state;
    static const struct {
        enum step step;
        const char *path, *other;
        rc code;
        const char *message;
    } cases[] = {
        {ADD, "", "a", RC_EXISTS, "there is a column \"a\" already"},
        {ADD, "a", "x", RC_INVALID, "\"a\" is a int: only structs can get fields"},
        {DROP, "nope", "", RC_NOT_FOUND, "there is no column \"nope\""},
        {DROP, "a", "", RC_INVALID, "\"a\" cannot be dropped: it identifies rows"},
        {DROP, "c.element", "", RC_INVALID,
         "\"c.element\" belongs to a list and cannot be dropped"},
        {RENAME, "a", "b", RC_EXISTS, "\"a\" cannot be renamed: there is a \"b\" already"},
        {WIDEN, "b", "long", RC_INVALID, "\"b\" cannot change from string to long"},
        {WIDEN, "d", "decimal(9, 3)", RC_INVALID,
         "\"d\" cannot change from decimal(5, 2) to decimal(9, 3)"},
        {WIDEN, "m.key", "long", RC_INVALID, "\"m.key\": the keys of a map cannot change"},
        {OPTIONAL, "a", "", RC_INVALID, "\"a\" cannot become optional: it identifies rows"},
        {MOVE, "a", "nope", RC_NOT_FOUND, "\"a\" cannot be moved: \"nope\" is not beside it"},
    };
    struct arena *arena = arena_open(NULL);
    struct schema base =
        make_schema(arena, "a: int, b: string, c: list<int>, d: decimal(5, 2), m: map<int, int>");
    const int32_t identifiers[] = {1};
    base.identifier_ids = identifiers;
    base.identifier_count = 1;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct schema_update *u = schema_update_open(arena, &base, 20, 2);
        const struct str path = str_of(cases[i].path), other = str_of(cases[i].other);
        struct type type;
        rc code = RC_OK;
        err = (struct err){0};
        switch (cases[i].step) {
        case ADD:
            code = schema_update_add(u, path, other, type_of(TYPE_INT),
                                     (struct schema_add_options){0}, &err);
            break;
        case DROP:
            code = schema_update_drop(u, path, &err);
            break;
        case RENAME:
            code = schema_update_rename(u, path, other, &err);
            break;
        case WIDEN:
            assert_int_equal(type_parse_text(arena, other, &type, &err), RC_OK);
            code = schema_update_widen(u, path, type, &err);
            break;
        case OPTIONAL:
            code = schema_update_make_optional(u, path, &err);
            break;
        case MOVE:
            code = schema_update_move(u, path, other, &err);
            break;
        }
        assert_int_equal(code, cases[i].code);
        assert_string_equal(err.message, cases[i].message);
    }
    struct schema_update *u = schema_update_open(arena, &base, 20, 2);
    assert_int_equal(schema_update_add(u, STR(""), STR("z"), type_of(TYPE_INT),
                                       (struct schema_add_options){.is_required = true}, &err),
                     RC_INVALID);
    arena_close(arena);
}

static void test_union_adds_and_widens_but_never_takes_away(void **state)
{
    (void)state;
    struct arena *arena = arena_open(NULL);
    const struct schema base = make_schema(arena, "a: int, b: long, s: struct<x: int>");
    const struct schema wanted =
        make_schema(arena, "b: int, a: long, s: struct<y: string>, n: double");
    const struct schema wrong = make_schema(arena, "a: string");
    struct schema schema;
    int32_t last;
    struct schema_update *u = schema_update_open(arena, &base, schema_max_field_id(&base), 2);
    assert_int_equal(schema_update_union(u, &wanted, &err), RC_OK);
    assert_int_equal(schema_update_finish(u, &schema, &last, &err), RC_OK);
    assert_true(str_is(type_print(arena, &schema.root),
                       "struct<a: long, b: long, s: struct<x: int, y: string>, n: double>"));
    assert_int_equal(schema_update_union(u, &wrong, &err), RC_INVALID);
    arena_close(arena);
}

static void test_name_mapping_keeps_old_names(void **state)
{
    (void)state;
    struct arena *arena = arena_open(NULL);
    const struct schema base = make_schema(arena, "a: int, s: struct<x: int>");
    struct schema schema;
    int32_t last;
    struct str text;
    struct name_mapping mapping;
    struct schema_update *u = schema_update_open(arena, &base, 3, 2);
    assert_int_equal(schema_update_rename(u, STR("a"), STR("b"), &err), RC_OK);
    assert_int_equal(schema_update_add(u, STR(""), STR("n"), type_of(TYPE_INT),
                                       (struct schema_add_options){0}, &err),
                     RC_OK);
    assert_int_equal(schema_update_finish(u, &schema, &last, &err), RC_OK);
    assert_int_equal(
        name_mapping_update(arena, name_mapping_of_schema(arena, &base), &schema, &text, &err),
        RC_OK);
    assert_int_equal(name_mapping_parse(arena, text, &mapping, &err), RC_OK);
    assert_int_equal(name_mapping_find(mapping.entries, mapping.count, STR("a"))->field_id, 1);
    assert_int_equal(name_mapping_find(mapping.entries, mapping.count, STR("b"))->field_id, 1);
    assert_int_equal(name_mapping_find(mapping.entries, mapping.count, STR("n"))->field_id, 4);
    const struct name_mapping_entry *s =
        name_mapping_find(mapping.entries, mapping.count, STR("s"));
    assert_int_equal(name_mapping_find(s->children, s->child_count, STR("x"))->field_id, 3);
    arena_close(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_types_read_what_they_print),
        cmocka_unit_test(test_wrong_types_are_refused_with_a_reason),
        cmocka_unit_test(test_ids_are_given_level_by_level),
        cmocka_unit_test(test_json_is_read_as_it_was_written),
        cmocka_unit_test(test_evolution_keeps_ids_and_numbers_new_ones),
        cmocka_unit_test(test_evolution_refuses_what_would_break_rows),
        cmocka_unit_test(test_union_adds_and_widens_but_never_takes_away),
        cmocka_unit_test(test_name_mapping_keeps_old_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
