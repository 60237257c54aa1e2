// What iceberg/metadata.h promises: what breaks the format is refused with its reason, what is old
// or lenient is read, what is written is read back.

#include "unit_test.h"

#include "iceberg/metadata.h"

static struct err err;

static const char valid[] =
    "{'format-version':2,'table-uuid':'u','location':'file:///t/','last-sequence-number':3,"
    "'last-updated-ms':2000000,'last-column-id':2,'current-schema-id':1,'schemas':[{'type':"
    "'struct','schema-id':0,'fields':[{'id':1,'name':'a','required':true,'type':'int'}]},{'type':"
    "'struct','schema-id':1,'fields':[{'id':1,'name':'a','required':true,'type':'long'},{'id':2,"
    "'name':'b','required':false,'type':'string'}]}],'default-spec-id':0,'partition-specs':[{"
    "'spec-id':0,'fields':[{'source-id':1,'field-id':1000,'name':'a_b','transform':'bucket[4]'}]}],"
    "'last-partition-id':1000,'default-sort-order-id':0,'sort-orders':[{'order-id':0,'fields':[]}],"
    "'properties':{'k':'v'},'current-snapshot-id':12,'snapshots':[{'snapshot-id':11,"
    "'sequence-number':1,'timestamp-ms':1000,'manifest-list':'l1','schema-id':0,'summary':{"
    "'operation':'append'}},{'snapshot-id':12,'parent-snapshot-id':11,'sequence-number':2,"
    "'timestamp-ms':5000,'manifest-list':'l2','schema-id':1,'summary':{'operation':'overwrite'}}],"
    "'snapshot-log':[{'timestamp-ms':1000,'snapshot-id':11},{'timestamp-ms':5000,'snapshot-id':12}"
    "],'metadata-log':[]}";

/// `valid` with a piece replaced and real quotes.
static struct str json_with(struct arena *arena, const char *from, const char *to)
{
    struct str text = str_of(valid);
    if (from != NULL) {
        assert_true(str_contains(text, str_of(from)));
        text = str_replace(arena, text, str_of(from), str_of(to));
    }
    return str_replace(arena, text, STR("'"), STR("\""));
}

static const struct {
    const char *from, *to;
    rc code;
    const char *message; // a part of it
} broken[] = {
    {"'format-version':2", "'format-version':4", RC_UNSUPPORTED, "format version 4 is not known"},
    {"'format-version':2", "'x':2", RC_INVALID, "\"format-version\""},
    {"'table-uuid':'u',", "", RC_INVALID, "\"table-uuid\""},
    {"'location':'file:///t/'", "'location':7", RC_INVALID, "\"location\""},
    {"'last-column-id':2", "'last-column-id':'2'", RC_INVALID, "\"last-column-id\""},
    {"'current-schema-id':1", "'current-schema-id':7", RC_INVALID,
     "the current schema 7 is not among the schemas"},
    {"'default-spec-id':0", "'default-spec-id':7", RC_INVALID, "default partition spec 7"},
    {"'default-sort-order-id':0", "'default-sort-order-id':7", RC_INVALID, "default sort order 7"},
    {"'current-snapshot-id':12", "'current-snapshot-id':13", RC_INVALID, "current snapshot 13"},
    {"'type':'string'", "'type':'text'", RC_UNSUPPORTED, "unknown type \"text\""},
    {"'id':2,", "'id':1,", RC_INVALID, "two fields have the id 1"},
    {"'bucket[4]'", "'bucket[0]'", RC_INVALID, "transform \"bucket[0]\""},
    {"'source-id':1", "'source':1", RC_INVALID, "\"source-id\""},
    {"{'timestamp-ms':1000,'snapshot-id':11}", "{'timestamp-ms':900000,'snapshot-id':11}",
     RC_INVALID, "snapshot-log is not in the order of time"},
    {"'manifest-list':'l2',", "", RC_INVALID, "snapshot 12"},
    {"'metadata-log':[]", "'metadata-log':[],'refs':{'main':{'snapshot-id':12,'type':'tag'}}",
     RC_INVALID, "main must be a branch"},
    {"'metadata-log':[]", "'metadata-log':[],'refs':{'x':{'snapshot-id':99,'type':'branch'}}",
     RC_INVALID, "ref \"x\" names no snapshot"},
    {"'metadata-log':[]", "'metadata-log':[],'refs':{'main':{'snapshot-id':11,'type':'branch'}}",
     RC_INVALID, "ref main is at snapshot 11"},
    {"'k':'v'", "'k':['v']", RC_INVALID, "property \"k\""},
};

static void test_what_breaks_the_format_is_refused_with_its_reason(void **state)
{
    (void)state;
    struct arena *arena = arena_open(NULL);
    for (size_t i = 0; i < sizeof broken / sizeof broken[0]; i++) {
        struct table_metadata metadata;
        const struct str text = json_with(arena, broken[i].from, broken[i].to);
        assert_int_equal(metadata_parse(arena, text, "m.json", &metadata, &err), broken[i].code);
        if (strstr(err.message, broken[i].message) == NULL || strstr(err.message, "m.json") == NULL)
            fail_msg("\"%s\" does not say \"%s\"", err.message, broken[i].message);
    }
    arena_close(arena);
}

static void test_lookups_find_what_was_current_when(void **state)
{
    (void)state;
    struct arena *arena = arena_open(NULL);
    struct table_metadata m;
    assert_int_equal(metadata_parse(arena, json_with(arena, NULL, NULL), "m", &m, &err), RC_OK);
    assert_true(str_is(m.location, "file:///t"));                     // no slash at the end
    assert_int_equal(metadata_ref(&m, STR("main"))->snapshot_id, 12); // from the current snapshot
    assert_null(metadata_snapshot_as_of(&m, 999));
    assert_int_equal(metadata_snapshot_as_of(&m, 4999)->snapshot_id, 11);
    assert_int_equal(metadata_snapshot_as_of(&m, 5000)->snapshot_id, 12);
    assert_true(metadata_is_ancestor(&m, 11, 12));
    assert_false(metadata_is_ancestor(&m, 12, 11));
    const struct snapshot *first = metadata_snapshot_by_id(&m, 11);
    assert_int_equal(metadata_schema_of_snapshot(&m, first)->schema_id, 0);
    assert_true(str_is(first->operation, "append"));
    arena_close(arena);
}

static void test_histories_that_go_in_circles_end(void **state)
{
    (void)state;
    struct arena *arena = arena_open(NULL);
    struct table_metadata m;
    const struct str text = json_with(arena, "'snapshot-id':11,'sequence-number':1",
                                      "'snapshot-id':11,'parent-snapshot-id':12,"
                                      "'sequence-number':1");
    assert_int_equal(metadata_parse(arena, text, "m", &m, &err), RC_OK);
    assert_false(metadata_is_ancestor(&m, 99, 12));
    arena_close(arena);
}

static void test_what_is_written_is_read_back(void **state)
{
    (void)state;
    struct arena *arena = arena_open(NULL);
    struct table_metadata m, again;
    struct buf first, second;
    buf_init(&first, 1 << 20);
    buf_init(&second, 1 << 20);
    assert_int_equal(metadata_parse(arena, json_with(arena, NULL, NULL), "m", &m, &err), RC_OK);
    metadata_write(&first, &m);
    assert_int_equal(metadata_parse(arena, buf_str(&first), "m", &again, &err), RC_OK);
    metadata_write(&second, &again);
    assert_true(str_equal(buf_str(&first), buf_str(&second)));
    assert_true(schema_equal(metadata_schema(&m), metadata_schema(&again)));
    buf_done(&first);
    buf_done(&second);
    arena_close(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_breaks_the_format_is_refused_with_its_reason),
        cmocka_unit_test(test_lookups_find_what_was_current_when),
        cmocka_unit_test(test_histories_that_go_in_circles_end),
        cmocka_unit_test(test_what_is_written_is_read_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
