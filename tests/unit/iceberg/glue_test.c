// The Glue catalog against a Data Catalog in this process: what is sent, what is made of answers,
// and what becomes of a commit whose answer is lost, late or a refusal.

#include "unit_test.h"

#include "fake_glue.h"

#include "iceberg/catalog.h"
#include "iceberg/catalog/glue_input.h"
#include "store/store.h"

struct fixture {
    struct arena *arena;
    struct fake_glue glue;
    struct store *store;
    struct catalog_options options;
    struct catalog *catalog;
    struct err err;
};

static void assert_ok(struct fixture *f, rc code)
{
    if (code != RC_OK)
        fail_msg("%s: %s", rc_class_of(code)->name, f->err.message);
}

static int open_fixture(void **state)
{
    struct arena *arena = arena_open(NULL);
    struct fixture *f = ARENA_NEW(arena, struct fixture);
    f->arena = arena;
    f->store = store_open_memory(arena);
    f->options = (struct catalog_options){.type = STR("glue"),
                                          .session = fake_glue_open(arena, &f->glue),
                                          .warehouse = STR("memory://w"),
                                          .store = f->store};
    assert_ok(f, catalog_open(&f->options, &f->catalog, &f->err));
    *state = f;
    return 0;
}

static int close_fixture(void **state)
{
    struct fixture *f = *state;
    catalog_close(f->catalog);
    arena_close(f->arena);
    return 0;
}

static struct table create(struct fixture *f, const char *namespace_name, const char *name)
{
    struct field *field = ARENA_NEW(f->arena, struct field);
    *field = (struct field){.id = 1, .name = STR("id"), .type = type_of(TYPE_LONG)};
    const struct table_definition definition = {.schema.root = type_struct(field, 1)};
    struct table table;
    assert_ok(f, catalog_ensure_namespace(f->catalog, str_of(namespace_name), &f->err));
    assert_ok(f, catalog_create_table(f->catalog, str_of(namespace_name), str_of(name), &definition,
                                      f->arena, &table, &f->err));
    return table;
}

static rc set_property(struct fixture *f, const char *key, const char *value)
{
    struct table table;
    struct transaction *tx;
    f->err = (struct err){0};
    assert_ok(f, catalog_load_table(f->catalog, STR("ns"), STR("t"), f->arena, &table, &f->err));
    assert_ok(f, transaction_open(f->arena, &table, &tx, &f->err));
    assert_ok(f, transaction_set_property(tx, str_of(key), str_of(value), &f->err));
    return catalog_commit(f->catalog, &tx, 1, &f->err);
}

static const char *property(struct fixture *f, const char *key)
{
    struct table table;
    f->glue.fault = (struct fake_fault){0};
    assert_ok(f, catalog_load_table(f->catalog, STR("ns"), STR("t"), f->arena, &table, &f->err));
    return arena_cstr(f->arena,
                      properties_get(&table.metadata->properties, str_of(key), STR("none")));
}

static rc count_object(void *context, const struct store_object *object, struct err *err)
{
    (void)object, (void)err;
    ++*(int *)context;
    return RC_OK;
}

static int file_count(struct fixture *f)
{
    int count = 0;
    assert_ok(f, store_list(f->store, STR("memory://w/"), count_object, &count, &f->err));
    return count;
}

static const char *joined(struct fixture *f, str_vec names)
{
    return arena_cstr(f->arena, str_join(f->arena, names.items, names.count, STR(" ")));
}

// ---- names and pages

static void test_lists_go_over_all_pages_and_hold_iceberg_tables_only(void **state)
{
    struct fixture *f = *state;
    str_vec names;
    for (int i = 4; i >= 0; i--)
        create(f, "ns", arena_printf(f->arena, "t%d", i).bytes);
    for (int i = 0; i < 4; i++)
        assert_ok(f, catalog_create_namespace(f->catalog, arena_printf(f->arena, "b%d", i), NULL,
                                              &f->err));
    struct json other = {.kind = JSON_OBJECT};
    *json_object_set(f->arena, &other, STR("Name")) = json_of_str(STR("csv"));
    *vec_push(f->arena, &f->glue.tables) =
        (struct fake_table){.database = STR("ns"), .name = STR("csv"), .input = other};
    assert_ok(f, catalog_list_namespaces(f->catalog, f->arena, &names, &f->err));
    assert_string_equal(joined(f, names), "b0 b1 b2 b3 ns");
    assert_ok(f, catalog_list_tables(f->catalog, f->arena, STR("ns"), &names, &f->err));
    assert_string_equal(joined(f, names), "t0 t1 t2 t3 t4");
    assert_int_equal(catalog_list_tables(f->catalog, f->arena, STR("no"), &names, &f->err),
                     RC_NOT_FOUND);
    struct table table;
    assert_int_equal(
        catalog_load_table(f->catalog, STR("ns"), STR("csv"), f->arena, &table, &f->err),
        RC_UNSUPPORTED);
    // a table of others counts too when a database is to go, which would take it along
    for (int i = 0; i < 5; i++)
        assert_ok(f, catalog_drop_table(f->catalog, STR("ns"), arena_printf(f->arena, "t%d", i),
                                        (struct catalog_drop_options){0}, &f->err));
    assert_int_equal(catalog_drop_namespace(f->catalog, STR("ns"), &f->err), RC_REFUSED);
    assert_ok(f, catalog_drop_namespace(f->catalog, STR("b0"), &f->err));
    assert_int_equal(catalog_drop_namespace(f->catalog, STR("b0"), &f->err), RC_NOT_FOUND);
}

static void test_names_that_glue_would_change_are_refused(void **state)
{
    struct fixture *f = *state;
    static const char *const wrong[] = {"Ns", "a-b", "a b", "a.b", "\xc3\xa4"};
    str_vec names;
    bool exists;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        assert_int_equal(catalog_create_namespace(f->catalog, str_of(wrong[i]), NULL, &f->err),
                         RC_INVALID);
    assert_int_equal(catalog_list_tables(f->catalog, f->arena, STR("Ns"), &names, &f->err),
                     RC_INVALID);
    assert_string_equal(f->err.hint, "write \"ns\"");
    assert_int_equal(catalog_table_exists(f->catalog, STR("ns"), STR("Players"), &exists, &f->err),
                     RC_INVALID);
    assert_string_equal(f->err.hint, "write \"players\"");
    // hyphens and the like may be there already: they are read
    assert_ok(f, catalog_table_exists(f->catalog, STR("old-db"), STR("t"), &exists, &f->err));
    assert_false(exists);
    assert_int_equal(f->glue.tables.count, 0);
}

static void test_a_namespace_has_its_location_comment_and_properties(void **state)
{
    struct fixture *f = *state;
    struct properties given = {0}, found;
    struct str location;
    properties_set(f->arena, &given, STR("comment"), STR("raw"));
    properties_set(f->arena, &given, STR("owner"), STR("team"));
    assert_ok(f, catalog_create_namespace(f->catalog, STR("ns"), &given, &f->err));
    assert_int_equal(catalog_create_namespace(f->catalog, STR("ns"), NULL, &f->err), RC_EXISTS);
    assert_ok(f, catalog_namespace_properties(f->catalog, f->arena, STR("ns"), &found, &f->err));
    assert_string_equal(arena_cstr(f->arena, properties_get(&found, STR("location"), STR(""))),
                        "memory://w/ns");
    assert_string_equal(arena_cstr(f->arena, properties_get(&found, STR("comment"), STR(""))),
                        "raw");
    assert_string_equal(arena_cstr(f->arena, properties_get(&found, STR("owner"), STR(""))),
                        "team");
    assert_ok(
        f, catalog_table_location(f->catalog, f->arena, STR("ns"), STR("t"), &location, &f->err));
    assert_string_equal(arena_cstr(f->arena, location), "memory://w/ns/t");
}

static void test_every_call_names_the_catalog_that_was_asked_for(void **state)
{
    struct fixture *f = *state;
    struct catalog *catalog;
    f->options.catalog_id = STR("123456789012");
    assert_ok(f, catalog_open(&f->options, &catalog, &f->err));
    struct catalog *own = f->catalog;
    f->catalog = catalog;
    create(f, "ns", "t");
    assert_non_null(
        strstr(arena_cstr(f->arena, f->glue.last_body), "\"CatalogId\":\"123456789012\""));
    f->catalog = own;
    catalog_close(catalog);
}

// ---- commits

static void commit_as_other(void *context)
{
    struct fixture *f = context;
    struct catalog *catalog, *own = f->catalog;
    struct err err = f->err;
    f->glue.fault.action = NULL; // it is not harmed itself
    assert_ok(f, catalog_open(&f->options, &catalog, &f->err));
    f->catalog = catalog;
    assert_ok(f, set_property(f, "other", "was here"));
    f->catalog = own;
    catalog_close(catalog);
    f->err = err;
}

static void test_a_stale_version_is_tried_again_over_the_new_one(void **state)
{
    struct fixture *f = *state;
    create(f, "ns", "t");
    // the other commits right before our call arrives, so that Glue refuses ours
    f->glue.fault = (struct fake_fault){.action = "UpdateTable",
                                        .count = 1,
                                        .status = 400,
                                        .code = "ConcurrentModificationException",
                                        .run = commit_as_other,
                                        .context = f};
    assert_ok(f, set_property(f, "k", "v"));
    assert_string_equal(property(f, "k"), "v");
    assert_string_equal(property(f, "other"), "was here");
    assert_int_equal(file_count(f), 3); // of the three commits, none of the lost try
}

/// What a harmed UpdateTable makes of a commit.
static const struct outcome_case {
    struct fake_fault fault;
    rc expected;
    bool has_happened;
} outcome_cases[] = {
    // the client's second try finds the version of its own first
    {{.action = "UpdateTable", .count = 1, .is_done_first = true}, RC_OK, true},
    {{.action = "UpdateTable",
      .count = 1,
      .is_done_first = true,
      .status = 500,
      .code = "InternalServiceException"},
     RC_OK,
     true},
    {{.action = "UpdateTable", .count = 99, .is_done_first = true}, RC_OK, true},
    {{.action = "UpdateTable", .count = 1, .status = 503, .code = "ServiceUnavailable"},
     RC_OK,
     true},
    // it never came, but it may be on its way: nothing is deleted
    {{.action = "UpdateTable", .count = 99}, RC_UNKNOWN, false},
    // refused for certain
    {{.action = "UpdateTable", .count = 99, .status = 400, .code = "AccessDeniedException"},
     RC_DENIED,
     false},
    {{.action = "UpdateTable", .count = 99, .status = 400, .code = "EntityNotFoundException"},
     RC_NOT_FOUND,
     false},
};

static void test_a_commit_tells_whether_it_happened(void **state)
{
    for (size_t i = 0; i < sizeof outcome_cases / sizeof outcome_cases[0]; i++) {
        const struct outcome_case *c = &outcome_cases[i];
        assert_int_equal(i == 0 ? 0 : open_fixture(state), 0);
        struct fixture *f = *state;
        create(f, "ns", "t");
        f->glue.fault = c->fault;
        const rc code = set_property(f, "k", "v");
        if (code != c->expected)
            fail_msg("case %zu: %s: %s", i, rc_class_of(code)->name, f->err.message);
        assert_string_equal(property(f, "k"), c->has_happened ? "v" : "none");
        assert_int_equal(file_count(f), c->has_happened || c->expected == RC_UNKNOWN ? 2 : 1);
        if (i + 1 < sizeof outcome_cases / sizeof outcome_cases[0])
            assert_int_equal(close_fixture(state), 0);
    }
}

static void test_a_commit_below_others_is_found_in_the_log(void **state)
{
    struct fixture *f = *state;
    create(f, "ns", "t");
    f->glue.fault = (struct fake_fault){.action = "UpdateTable",
                                        .count = 1,
                                        .is_done_first = true,
                                        .run = commit_as_other,
                                        .context = f};
    assert_ok(f, set_property(f, "k", "v"));
    assert_string_equal(property(f, "k"), "v");
    assert_string_equal(property(f, "other"), "was here");
    assert_int_equal(file_count(f), 3);
}

static void test_a_table_whose_making_was_not_answered_is_ours(void **state)
{
    struct fixture *f = *state;
    assert_ok(f, catalog_create_namespace(f->catalog, STR("ns"), NULL, &f->err));
    f->glue.fault = (struct fake_fault){.action = "CreateTable", .count = 1, .is_done_first = true};
    create(f, "ns", "t");
    assert_string_equal(property(f, "k"), "none");
    assert_int_equal(file_count(f), 1);
}

static void test_a_refusal_names_call_resource_and_permission(void **state)
{
    struct fixture *f = *state;
    str_vec names;
    f->glue.fault = (struct fake_fault){.action = "GetDatabases",
                                        .count = 99,
                                        .status = 400,
                                        .code = "AccessDeniedException",
                                        .message = "User: arn:aws:iam::1:user/u is not authorized "
                                                   "to perform: glue:GetDatabases"};
    assert_int_equal(catalog_list_namespaces(f->catalog, f->arena, &names, &f->err), RC_DENIED);
    assert_non_null(strstr(f->err.message, "glue:GetDatabases"));
    assert_non_null(strstr(f->err.hint, "allow glue:GetDatabases"));
    f->glue.fault = (struct fake_fault){
        .action = "GetDatabases",
        .count = 99,
        .status = 400,
        .code = "AccessDeniedException",
        .message = "Insufficient Lake Formation permission(s): Required Describe on x"};
    assert_int_equal(catalog_list_namespaces(f->catalog, f->arena, &names, &f->err), RC_DENIED);
    assert_non_null(strstr(f->err.hint, "grant it in Lake Formation"));
}

// ---- renaming and registering

static void test_a_rename_that_cannot_end_is_taken_back(void **state)
{
    struct fixture *f = *state;
    bool exists;
    create(f, "ns", "t");
    create(f, "ns", "other");
    f->glue.fault = (struct fake_fault){
        .action = "DeleteTable", .count = 1, .status = 400, .code = "AccessDeniedException"};
    assert_int_equal(
        catalog_rename_table(f->catalog, STR("ns"), STR("t"), STR("ns"), STR("u"), &f->err),
        RC_DENIED);
    assert_ok(f, catalog_table_exists(f->catalog, STR("ns"), STR("u"), &exists, &f->err));
    assert_false(exists);
    assert_int_equal(
        catalog_rename_table(f->catalog, STR("ns"), STR("t"), STR("ns"), STR("other"), &f->err),
        RC_EXISTS);
    assert_int_equal(
        catalog_rename_table(f->catalog, STR("ns"), STR("t"), STR("no"), STR("x"), &f->err),
        RC_NOT_FOUND);
    assert_int_equal(
        catalog_rename_table(f->catalog, STR("ns"), STR("t"), STR("ns"), STR("T2"), &f->err),
        RC_INVALID);
    assert_ok(f,
              catalog_rename_table(f->catalog, STR("ns"), STR("t"), STR("ns"), STR("u"), &f->err));
    assert_ok(f, catalog_table_exists(f->catalog, STR("ns"), STR("t"), &exists, &f->err));
    assert_false(exists);
    struct table table;
    assert_ok(f, catalog_load_table(f->catalog, STR("ns"), STR("u"), f->arena, &table, &f->err));
    assert_ok(f, catalog_register_table(f->catalog, STR("ns"), STR("again"),
                                        table.metadata_location, &f->err));
    assert_int_equal(catalog_register_table(f->catalog, STR("ns"), STR("again"),
                                            table.metadata_location, &f->err),
                     RC_EXISTS);
}

// ---- what Glue is told

static void test_types_have_hives_names(void **state)
{
    struct fixture *f = *state;
    static const struct {
        const char *iceberg, *hive;
    } cases[] = {
        {"boolean", "boolean"},
        {"int", "int"},
        {"long", "bigint"},
        {"float", "float"},
        {"double", "double"},
        {"decimal(9, 2)", "decimal(9,2)"},
        {"date", "date"},
        {"time", "string"},
        {"timestamp", "timestamp"},
        {"timestamptz", "timestamp"},
        {"string", "string"},
        {"uuid", "string"},
        {"fixed[4]", "binary"},
        {"binary", "binary"},
        {"list<long>", "array<bigint>"},
        {"map<string, list<int>>", "map<string,array<int>>"},
        {"struct<a: int, b: struct<c: timestamptz>>", "struct<a:int,b:struct<c:timestamp>>"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct type type;
        assert_ok(f, type_parse_text(f->arena, str_of(cases[i].iceberg), &type, &f->err));
        assert_string_equal(arena_cstr(f->arena, glue_type_print(f->arena, &type)), cases[i].hive);
    }
}

/// Columns of a TableInput: "name type id optional current comment".
static struct json print_input(struct fixture *f, const struct glue_input *input)
{
    struct str text;
    struct json json;
    assert_ok(f, glue_input_print(f->arena, input, &text, &f->err));
    assert_ok(f, json_parse(f->arena, text, "input", &json, &f->err));
    return json;
}

static void test_columns_of_the_past_stand_behind_those_of_now(void **state)
{
    struct fixture *f = *state;
    const struct field first[] = {
        {.id = 1, .name = STR("id"), .is_required = true, .type = type_of(TYPE_INT)},
        {.id = 2, .name = STR("gone"), .type = type_of(TYPE_STRING)}};
    const struct field second[] = {
        {.id = 1, .name = STR("id"), .type = type_of(TYPE_LONG), .doc = STR("number\nof it")},
        {.id = 3, .name = STR("new"), .type = type_of(TYPE_DATE)}};
    const struct schema schemas[] = {{.schema_id = 0, .root = type_struct(first, 2)},
                                     {.schema_id = 1, .root = type_struct(second, 2)}};
    struct table_metadata metadata = {
        .location = STR("s3://b/t"), .schemas = schemas, .schema_count = 2, .current_schema_id = 1};
    properties_set(f->arena, &metadata.properties, STR("moulin.state.a.b"), STR("{}"));
    properties_set(f->arena, &metadata.properties, STR("comment"), STR("all of it"));
    const struct glue_input input = {.name = STR("t"),
                                     .metadata = &metadata,
                                     .metadata_location = STR("s3://b/t/metadata/2.json"),
                                     .previous_location = STR("s3://b/t/metadata/1.json")};
    const struct json json = print_input(f, &input);
    assert_string_equal(
        arena_cstr(f->arena, json_print(f->arena, &json, JSON_COMPACT)),
        "{\"Name\":\"t\",\"TableType\":\"EXTERNAL_TABLE\",\"Description\":\"all of it\","
        "\"Parameters\":{\"table_type\":\"ICEBERG\",\"metadata_location\":\"s3://b/t/metadata/"
        "2.json\",\"previous_metadata_location\":\"s3://b/t/metadata/1.json\"},"
        "\"StorageDescriptor\":{\"Columns\":["
        "{\"Name\":\"id\",\"Type\":\"bigint\",\"Comment\":\"number of it\",\"Parameters\":{"
        "\"iceberg.field.id\":\"1\",\"iceberg.field.optional\":\"true\",\"iceberg.field.current\":"
        "\"true\"}},"
        "{\"Name\":\"new\",\"Type\":\"date\",\"Parameters\":{\"iceberg.field.id\":\"3\","
        "\"iceberg.field.optional\":\"true\",\"iceberg.field.current\":\"true\"}},"
        "{\"Name\":\"gone\",\"Type\":\"string\",\"Parameters\":{\"iceberg.field.id\":\"2\","
        "\"iceberg.field.optional\":\"true\",\"iceberg.field.current\":\"false\"}}],"
        "\"Location\":\"s3://b/t\"}}");
}

static void test_texts_are_cut_to_what_glue_takes(void **state)
{
    struct fixture *f = *state;
    char doc[300], name[300];
    memset(doc, 'x', sizeof doc);
    memset(name, 'n', sizeof name);
    memcpy(doc + 254, "\xc3\xa4", 2); // the limit is in the middle of a character
    const struct field fields[] = {
        {.id = 1, .name = STR("a"), .type = type_of(TYPE_INT), .doc = {doc, sizeof doc}},
        {.id = 2, .name = {name, sizeof name}, .type = type_of(TYPE_INT)}};
    const struct schema schema = {.root = type_struct(fields, 2)};
    const struct table_metadata metadata = {
        .location = STR("s3://b/t"), .schemas = &schema, .schema_count = 1};
    const struct glue_input input = {
        .name = STR("t"), .metadata = &metadata, .metadata_location = STR("m")};
    const struct json json = print_input(f, &input);
    const struct json *columns = json_path(&json, "StorageDescriptor", "Columns");
    assert_int_equal(columns->count, 1); // Glue has no place for such a name
    assert_int_equal(json_str(json_get(&columns->items[0], STR("Comment")), STR("")).length, 254);
}

static void test_a_table_too_wide_for_glue_loses_detail_and_not_the_commit(void **state)
{
    struct fixture *f = *state;
    enum { COUNT = 2000 };
    struct field *fields = ARENA_ARRAY(f->arena, struct field, COUNT);
    struct schema schemas[2];
    char doc[200];
    memset(doc, 'd', sizeof doc);
    for (int i = 0; i < COUNT; i++)
        fields[i] = (struct field){.id = i + 1,
                                   .name = arena_printf(f->arena, "column_%04d", i),
                                   .type = type_of(TYPE_STRING),
                                   .doc = {doc, sizeof doc}};
    schemas[0] = (struct schema){.schema_id = 0, .root = type_struct(fields, COUNT)};
    schemas[1] = (struct schema){.schema_id = 1, .root = type_struct(fields, COUNT - 1)};
    const struct table_metadata metadata = {
        .location = STR("s3://b/t"), .schemas = schemas, .schema_count = 2, .current_schema_id = 1};
    const struct glue_input input = {
        .name = STR("t"), .metadata = &metadata, .metadata_location = STR("m")};
    struct str text;
    assert_ok(f, glue_input_print(f->arena, &input, &text, &f->err));
    assert_in_range(text.length, 100000, GLUE_INPUT_BUDGET_BYTES);
    assert_null(strstr(text.bytes, "Comment"));
    assert_null(strstr(text.bytes, "column_1999")); // of the past
    assert_non_null(strstr(text.bytes, "column_1998"));
}

#define GLUE_TEST(name) cmocka_unit_test_setup_teardown(name, open_fixture, close_fixture)

int main(void)
{
    const struct CMUnitTest tests[] = {
        GLUE_TEST(test_lists_go_over_all_pages_and_hold_iceberg_tables_only),
        GLUE_TEST(test_names_that_glue_would_change_are_refused),
        GLUE_TEST(test_a_namespace_has_its_location_comment_and_properties),
        GLUE_TEST(test_every_call_names_the_catalog_that_was_asked_for),
        GLUE_TEST(test_a_stale_version_is_tried_again_over_the_new_one),
        GLUE_TEST(test_a_commit_tells_whether_it_happened),
        GLUE_TEST(test_a_commit_below_others_is_found_in_the_log),
        GLUE_TEST(test_a_table_whose_making_was_not_answered_is_ours),
        GLUE_TEST(test_a_refusal_names_call_resource_and_permission),
        GLUE_TEST(test_a_rename_that_cannot_end_is_taken_back),
        GLUE_TEST(test_types_have_hives_names),
        GLUE_TEST(test_columns_of_the_past_stand_behind_those_of_now),
        GLUE_TEST(test_texts_are_cut_to_what_glue_takes),
        GLUE_TEST(test_a_table_too_wide_for_glue_loses_detail_and_not_the_commit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
