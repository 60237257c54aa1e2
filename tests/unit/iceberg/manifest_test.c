// What iceberg/manifest.h promises: entries come back as written for every partition type, sequence
// numbers are inherited, damaged files never crash the reader.

#include "unit_test.h"

#include "iceberg/manifest.h"

static struct err err;

static const struct {
    const char *type, *value;
} columns[] = {
    {"boolean", "true"},
    {"int", "-7"},
    {"long", "9007199254740993"},
    {"float", "1.5"},
    {"double", "-2.25"},
    {"decimal(9, 2)", "-12.34"},
    {"decimal(38, 10)", "1234567890123456789012345678.0123456789"},
    {"date", "2024-02-29"},
    {"time", "10:20:30.5"},
    {"timestamp", "2024-02-29T10:20:30"},
    {"timestamptz", "1969-12-31T23:59:59.999999+00:00"},
    {"string", "a/b c"},
    {"uuid", "f79c3e09-677c-4bbd-a479-3f349cb785e7"},
    {"fixed[3]", "010203"},
    {"binary", "00ff"},
};
enum { COLUMNS = sizeof columns / sizeof columns[0], ENTRIES = 50 };

struct sample {
    struct arena *arena;
    struct schema schema;
    struct partition_spec spec;
    struct value values[COLUMNS];
    struct str bytes;
    struct manifest_file file;
};

static void make_columns(struct sample *s)
{
    struct field *fields = ARENA_ARRAY(s->arena, struct field, COLUMNS);
    struct partition_field *partition = ARENA_ARRAY(s->arena, struct partition_field, COLUMNS);
    for (size_t i = 0; i < COLUMNS; i++) {
        fields[i].id = (int32_t)i + 1;
        fields[i].name = arena_printf(s->arena, "%zu column/%zu", i, i); // not an Avro name
        assert_int_equal(type_parse_text(s->arena, str_of(columns[i].type), &fields[i].type, &err),
                         RC_OK);
        assert_int_equal(value_parse_text(s->arena, &fields[i].type, str_of(columns[i].value),
                                          &s->values[i], &err),
                         RC_OK);
        partition[i] = (struct partition_field){
            .source_id = (int32_t)i + 1, .field_id = 1000 + (int32_t)i, .name = fields[i].name};
    }
    s->schema.root = type_struct(fields, COLUMNS);
    s->spec = (struct partition_spec){.fields = partition, .field_count = COLUMNS};
}

static struct manifest_entry entry_number(struct sample *s, int i)
{
    static const struct column_count counts[] = {{1, 10}, {2, 20}};
    static const struct column_bound bounds[] = {{1, STR_INIT("ab")}, {2, STR_INIT("")}};
    static const int64_t offsets[] = {4, 4000};
    struct value *nulls = ARENA_ARRAY(s->arena, struct value, COLUMNS);
    for (size_t k = 0; k < COLUMNS; k++)
        nulls[k] = value_null(&s->schema.root.fields[k].type);
    const bool is_old = i % 3 == 0;
    return (struct manifest_entry){
        .status = is_old ? (i % 2 == 0 ? ENTRY_EXISTING : ENTRY_DELETED) : ENTRY_ADDED,
        .snapshot_id = is_old ? 11 : 12,
        .sequence_number = is_old ? 3 : -1,
        .file_sequence_number = is_old ? 2 : -1,
        .file = {.path = arena_printf(s->arena, "memory://t/%d.parquet", i),
                 .partition = i % 5 == 0 ? nulls : s->values,
                 .partition_count = COLUMNS,
                 .record_count = i,
                 .file_size_bytes = 100 + i,
                 .column_sizes = {counts, 2, true},
                 .null_value_counts = {counts, 2, true},
                 .lower_bounds = {bounds, 2, true},
                 .split_offsets = offsets,
                 .split_offset_count = 2,
                 .has_sort_order_id = i % 2 == 0,
                 .sort_order_id = 1}};
}

static struct sample write_sample(struct arena *arena)
{
    struct sample s = {.arena = arena};
    struct manifest_writer *writer;
    make_columns(&s);
    const struct manifest_write_options options = {
        .format_version = 2, .schema = &s.schema, .spec = &s.spec, .snapshot_id = 12};
    assert_int_equal(manifest_writer_open(arena, options, &writer, &err), RC_OK);
    for (int i = 0; i < ENTRIES; i++) {
        const struct manifest_entry entry = entry_number(&s, i);
        assert_int_equal(manifest_write_entry(writer, &entry, &err), RC_OK);
    }
    struct buf buf;
    buf_init(&buf, 1 << 24);
    assert_int_equal(manifest_writer_finish(writer, &buf, &s.file, &err), RC_OK);
    s.bytes = arena_str(arena, buf_str(&buf));
    buf_done(&buf);
    s.file.path = STR("memory://t/metadata/m0.avro");
    s.file.sequence_number = 9;
    return s;
}

static void check_entry(struct sample *s, const struct manifest_entry *found, int i)
{
    const struct manifest_entry expected = entry_number(s, i);
    const bool is_old = i % 3 == 0;
    assert_int_equal(found->status, expected.status);
    assert_int_equal(found->snapshot_id, expected.snapshot_id);
    assert_int_equal(found->sequence_number, is_old ? 3 : 9); // inherited from the list
    assert_int_equal(found->file_sequence_number, is_old ? 2 : 9);
    assert_true(str_equal(found->file.path, expected.file.path));
    assert_true(str_is(found->file.file_format, "PARQUET"));
    assert_int_equal(found->file.record_count, i);
    assert_int_equal(found->file.partition_count, COLUMNS);
    for (size_t k = 0; k < COLUMNS; k++)
        assert_true(value_same(found->file.partition[k], expected.file.partition[k]));
    assert_true(found->file.column_sizes.is_set && !found->file.value_counts.is_set);
    assert_int_equal(found->file.column_sizes.items[1].count, 20);
    assert_true(str_is(found->file.lower_bounds.items[0].bytes, "ab"));
    assert_int_equal(found->file.split_offsets[1], 4000);
    assert_int_equal(found->file.has_sort_order_id, i % 2 == 0);
}

static void test_entries_come_back_as_written(void **state)
{
    (void)state;
    struct arena *arena = arena_open(NULL);
    struct sample s = write_sample(arena);
    struct manifest_reader *reader;
    struct manifest_entry entry;
    assert_int_equal(manifest_reader_open_bytes(arena, s.bytes, &s.file, NULL,
                                                (struct manifest_read_options){MANIFEST_ALL, true},
                                                &reader, &err),
                     RC_OK);
    for (int i = 0; i < ENTRIES; i++) {
        assert_int_equal(manifest_next(reader, &entry, &err), RC_OK);
        check_entry(&s, &entry, i);
    }
    assert_int_equal(manifest_next(reader, &entry, &err), RC_EOF);
    arena_close(arena);
}

static void test_unwanted_columns_and_deleted_entries_are_passed_over(void **state)
{
    (void)state;
    struct arena *arena = arena_open(NULL);
    struct sample s = write_sample(arena);
    struct manifest_reader *reader;
    struct manifest_entry entry;
    int count = 0;
    assert_int_equal(manifest_reader_open_bytes(arena, s.bytes, &s.file, NULL,
                                                (struct manifest_read_options){0}, &reader, &err),
                     RC_OK);
    for (; manifest_next(reader, &entry, &err) == RC_OK; count++) {
        assert_int_not_equal(entry.status, ENTRY_DELETED);
        assert_false(entry.file.column_sizes.is_set || entry.file.lower_bounds.is_set);
        assert_true(str_has_prefix(entry.file.path, STR("memory://t/")));
    }
    assert_int_equal(count, s.file.added_files_count + s.file.existing_files_count);
    arena_close(arena);
}

static void test_the_list_line_counts_and_bounds_the_entries(void **state)
{
    (void)state;
    struct arena *arena = arena_open(NULL);
    struct sample s = write_sample(arena);
    struct buf buf;
    struct manifest_file *files;
    size_t count;
    assert_int_equal(s.file.added_files_count, 33);
    assert_int_equal(s.file.existing_files_count + s.file.deleted_files_count, 17);
    assert_int_equal(s.file.min_sequence_number, 3);
    s.file.sequence_number = -1; // given by the list
    buf_init(&buf, 1 << 20);
    assert_int_equal(manifest_list_encode(&buf,
                                          (struct manifest_list_options){.format_version = 2,
                                                                         .snapshot_id = 12,
                                                                         .parent_id = 11,
                                                                         .sequence_number = 7},
                                          &s.file, 1, &err),
                     RC_OK);
    assert_int_equal(manifest_list_decode(arena, buf_str(&buf), "list", &files, &count, &err),
                     RC_OK);
    buf_done(&buf);
    assert_int_equal(count, 1);
    assert_int_equal(files[0].sequence_number, 7);
    assert_int_equal(files[0].min_sequence_number, 3);
    assert_int_equal(files[0].added_rows_count, s.file.added_rows_count);
    assert_int_equal(files[0].partition_count, COLUMNS);
    for (size_t i = 0; i < COLUMNS; i++) {
        struct value lower;
        assert_true(files[0].partitions[i].contains_null && files[0].partitions[i].has_lower);
        assert_int_equal(value_decode(&s.schema.root.fields[i].type,
                                      files[0].partitions[i].lower_bound, &lower, &err),
                         RC_OK);
        assert_true(value_same(lower, s.values[i]));
    }
    arena_close(arena);
}

static void test_damaged_manifests_never_crash(void **state)
{
    (void)state;
    struct arena *arena = arena_open(NULL);
    struct sample s = write_sample(arena);
    for (size_t at = 0; at < s.bytes.length; at += 3) {
        struct arena *scratch = arena_open(NULL);
        struct manifest_reader *reader;
        struct manifest_entry entry;
        char *bytes = arena_copy(scratch, s.bytes.bytes, s.bytes.length);
        bytes[at] = (char)(bytes[at] ^ (at % 2 == 0 ? 0x55 : 0x80));
        rc code = manifest_reader_open_bytes(
            scratch, (struct str){bytes, s.bytes.length}, &s.file, NULL,
            (struct manifest_read_options){MANIFEST_ALL, true}, &reader, &err);
        while (code == RC_OK)
            code = manifest_next(reader, &entry, &err);
        arena_close(scratch);
    }
    arena_close(arena);
}

static void test_wrong_entries_are_refused(void **state)
{
    (void)state;
    struct arena *arena = arena_open(NULL);
    struct sample s = {.arena = arena};
    struct manifest_writer *writer;
    make_columns(&s);
    const struct manifest_write_options options = {
        .format_version = 2, .schema = &s.schema, .spec = &s.spec, .snapshot_id = 12};
    assert_int_equal(manifest_writer_open(arena, options, &writer, &err), RC_OK);
    struct manifest_entry entry = entry_number(&s, 1);
    entry.file.content = CONTENT_POSITION_DELETES;
    assert_int_equal(manifest_write_entry(writer, &entry, &err), RC_INTERNAL);
    entry = entry_number(&s, 1);
    entry.file.partition_count = 1;
    assert_int_equal(manifest_write_entry(writer, &entry, &err), RC_INTERNAL);
    entry = entry_number(&s, 1);
    entry.status = ENTRY_EXISTING; // must carry its sequence number
    assert_int_equal(manifest_write_entry(writer, &entry, &err), RC_INTERNAL);
    arena_close(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_entries_come_back_as_written),
        cmocka_unit_test(test_unwanted_columns_and_deleted_entries_are_passed_over),
        cmocka_unit_test(test_the_list_line_counts_and_bounds_the_entries),
        cmocka_unit_test(test_damaged_manifests_never_crash),
        cmocka_unit_test(test_wrong_entries_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
