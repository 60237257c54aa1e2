#include "cli/inspect.h"

#include "base/buf.h"
#include "base/map.h"
#include "base/time.h"
#include "base/vec.h"
#include "duck/duck.h"

enum { INSPECT_MAX_ROWS = 5000000, INSPECT_SQL_MAX_BYTES = 512 << 20 };

/// Rows in the making.
struct inspection {
    const struct table *table;
    const struct snapshot *snapshot;
    struct arena *arena;
    VEC(struct output_cell) cells;
};

static void put_null(struct inspection *i)
{
    *vec_push(i->arena, &i->cells) = (struct output_cell){.is_null = true};
}

static void put_text(struct inspection *i, struct str text)
{
    *vec_push(i->arena, &i->cells) = (struct output_cell){.text = arena_str(i->arena, text)};
}

static void put_int(struct inspection *i, int64_t number)
{
    *vec_push(i->arena, &i->cells) =
        (struct output_cell){.text = arena_printf(i->arena, "%lld", (long long)number)};
}

static void put_bool(struct inspection *i, bool value)
{
    put_text(i, value ? STR("true") : STR("false"));
}

static void put_time(struct inspection *i, int64_t ms)
{
    put_text(i, time_format(i->arena, ms * 1000, TIME_ISO_Z));
}

static void put_text_or_null(struct inspection *i, struct str text)
{
    if (text.length == 0)
        put_null(i);
    else
        put_text(i, text);
}

static void put_summary_number(struct inspection *i, const struct snapshot *snapshot,
                               const char *key)
{
    int64_t number;
    if (str_to_int64(properties_get(&snapshot->summary, str_of(key), STR("")), &number))
        put_int(i, number);
    else
        put_null(i);
}

static struct str properties_json(struct arena *arena, const struct properties *properties)
{
    struct json object = {.kind = JSON_OBJECT};
    for (size_t i = 0; i < properties->count; i++)
        *json_object_set(arena, &object, properties->items[i].key) =
            json_of_str(properties->items[i].value);
    return json_print(arena, &object, JSON_COMPACT);
}

static rc list_snapshots(struct inspection *i, struct err *err)
{
    (void)err;
    const struct table_metadata *metadata = i->table->metadata;
    for (size_t n = 0; n < metadata->snapshot_count; n++) {
        const struct snapshot *snapshot = &metadata->snapshots[n];
        put_time(i, snapshot->timestamp_ms);
        put_int(i, snapshot->snapshot_id);
        if (snapshot->parent_id == SNAPSHOT_NONE)
            put_null(i);
        else
            put_int(i, snapshot->parent_id);
        put_text(i, snapshot->operation);
        put_bool(i, snapshot->snapshot_id == metadata->current_snapshot_id);
        put_summary_number(i, snapshot, "added-records");
        put_summary_number(i, snapshot, "deleted-records");
        put_summary_number(i, snapshot, "total-records");
        put_text_or_null(
            i, properties_get(&snapshot->summary, STR("moulin.load-id"), (struct str){"", 0}));
        put_text(i, properties_json(i->arena, &snapshot->summary));
    }
    return RC_OK;
}

static rc list_history(struct inspection *i, struct err *err)
{
    (void)err;
    const struct table_metadata *metadata = i->table->metadata;
    for (size_t n = 0; n < metadata->snapshot_log_count; n++) {
        const struct snapshot_log_entry *entry = &metadata->snapshot_log[n];
        const struct snapshot *snapshot = metadata_snapshot_by_id(metadata, entry->snapshot_id);
        put_time(i, entry->timestamp_ms);
        put_int(i, entry->snapshot_id);
        if (snapshot == NULL || snapshot->parent_id == SNAPSHOT_NONE)
            put_null(i);
        else
            put_int(i, snapshot->parent_id);
        put_bool(i, metadata->current_snapshot_id != SNAPSHOT_NONE &&
                        metadata_is_ancestor(metadata, entry->snapshot_id,
                                             metadata->current_snapshot_id));
    }
    return RC_OK;
}

static rc list_refs(struct inspection *i, struct err *err)
{
    (void)err;
    const struct table_metadata *metadata = i->table->metadata;
    for (size_t n = 0; n < metadata->ref_count; n++) {
        put_text(i, metadata->refs[n].name);
        put_text(i, metadata->refs[n].is_tag ? STR("tag") : STR("branch"));
        put_int(i, metadata->refs[n].snapshot_id);
    }
    return RC_OK;
}

static rc list_properties(struct inspection *i, struct err *err)
{
    (void)err;
    const struct properties *properties = &i->table->metadata->properties;
    for (size_t n = 0; n < properties->count; n++) {
        put_text(i, properties->items[n].key);
        put_text(i, properties->items[n].value);
    }
    return RC_OK;
}

static struct str partition_text(struct inspection *i, const struct data_file *file)
{
    const struct partition_spec *spec = metadata_spec_by_id(i->table->metadata, file->spec_id);
    if (spec == NULL || file->partition_count < spec->field_count)
        return STR("");
    struct str text = STR("");
    for (size_t n = 0; n < spec->field_count; n++)
        text = arena_printf(i->arena, "%.*s%s%.*s=%.*s", STR_ARGS(text), n > 0 ? ", " : "",
                            STR_ARGS(spec->fields[n].name),
                            STR_ARGS(transform_print_value(i->arena, spec->fields[n].transform,
                                                           file->partition[n])));
    return text;
}

static rc put_file(void *context, const struct manifest_entry *entry, struct err *err)
{
    static const char *const contents[] = {"data", "position deletes", "equality deletes"};
    struct inspection *i = context;
    if (i->cells.count > (size_t)INSPECT_MAX_ROWS * 8)
        return err_set(err, RC_LIMIT, "the table has more than %d files", INSPECT_MAX_ROWS);
    const struct data_file *file = &entry->file;
    put_text(i, str_of(contents[file->content]));
    put_text(i, file->path);
    put_text(i, file->file_format.length > 0 ? file->file_format : STR("PARQUET"));
    put_text_or_null(i, partition_text(i, file));
    put_int(i, file->record_count);
    put_int(i, file->file_size_bytes);
    put_int(i, entry->sequence_number);
    put_int(i, entry->snapshot_id);
    return RC_OK;
}

static rc list_files(struct inspection *i, struct err *err)
{
    if (i->snapshot == NULL)
        return RC_OK;
    return table_visit_files(i->table, i->snapshot, (struct manifest_read_options){0}, put_file, i,
                             err);
}

static rc list_manifests(struct inspection *i, struct err *err)
{
    if (i->snapshot == NULL)
        return RC_OK;
    struct manifest_file *files;
    size_t count;
    TRY(manifest_list_read(i->table->store, i->arena, i->snapshot, &files, &count, err));
    for (size_t n = 0; n < count; n++) {
        const struct manifest_file *file = &files[n];
        const int64_t counts[] = {file->added_files_count, file->existing_files_count,
                                  file->deleted_files_count};
        put_text(i, file->path);
        put_text(i, file->is_deletes ? STR("deletes") : STR("data"));
        put_int(i, file->length_bytes);
        put_int(i, file->spec_id);
        for (size_t k = 0; k < 3; k++)
            if (counts[k] < 0)
                put_null(i);
            else
                put_int(i, counts[k]);
        put_int(i, file->sequence_number);
        put_int(i, file->added_snapshot_id);
    }
    return RC_OK;
}

struct partition_sum {
    struct str partition;
    int32_t spec_id;
    int64_t files, rows, bytes, delete_files;
};
struct partition_sums {
    struct inspection *inspection;
    struct map by_name;
};

static rc add_to_partition(void *context, const struct manifest_entry *entry, struct err *err)
{
    (void)err;
    struct partition_sums *sums = context;
    struct inspection *i = sums->inspection;
    const struct str text = partition_text(i, &entry->file);
    const struct str key = arena_printf(i->arena, "%d %.*s", entry->file.spec_id, STR_ARGS(text));
    struct map_entry *found = map_entry_of(&sums->by_name, key);
    if (found->value == NULL) {
        struct partition_sum *sum = ARENA_NEW(i->arena, struct partition_sum);
        *sum = (struct partition_sum){.partition = text, .spec_id = entry->file.spec_id};
        found->value = sum;
    }
    struct partition_sum *sum = found->value;
    if (entry->file.content != CONTENT_DATA) {
        sum->delete_files++;
        return RC_OK;
    }
    sum->files++;
    sum->rows += entry->file.record_count;
    sum->bytes += entry->file.file_size_bytes;
    return RC_OK;
}

static rc list_partitions(struct inspection *i, struct err *err)
{
    if (i->snapshot == NULL)
        return RC_OK;
    struct partition_sums sums = {.inspection = i};
    map_init(&sums.by_name, i->arena);
    TRY(table_visit_files(i->table, i->snapshot, (struct manifest_read_options){0},
                          add_to_partition, &sums, err));
    for (size_t n = 0; n < sums.by_name.count; n++) {
        const struct partition_sum *sum = sums.by_name.entries[n].value;
        put_text_or_null(i, sum->partition);
        put_int(i, sum->spec_id);
        put_int(i, sum->files);
        put_int(i, sum->rows);
        put_int(i, sum->bytes);
        put_int(i, sum->delete_files);
    }
    return RC_OK;
}

#define TEXT_COLUMN(name)                                                                          \
    {                                                                                              \
        {STR_INIT(name), OUTPUT_STRING}, "VARCHAR"                                                 \
    }
#define TIME_COLUMN(name)                                                                          \
    {                                                                                              \
        {STR_INIT(name), OUTPUT_STRING}, "TIMESTAMPTZ"                                             \
    }
#define INT_COLUMN(name)                                                                           \
    {                                                                                              \
        {STR_INIT(name), OUTPUT_NUMBER}, "BIGINT"                                                  \
    }
#define BOOL_COLUMN(name)                                                                          \
    {                                                                                              \
        {STR_INIT(name), OUTPUT_BOOL}, "BOOLEAN"                                                   \
    }

static const struct inspect_column snapshot_columns[] = {
    TIME_COLUMN("committed_at"),   INT_COLUMN("snapshot_id"),
    INT_COLUMN("parent_id"),       TEXT_COLUMN("operation"),
    BOOL_COLUMN("is_current"),     INT_COLUMN("added_records"),
    INT_COLUMN("deleted_records"), INT_COLUMN("total_records"),
    TEXT_COLUMN("load_id"),        {{STR_INIT("summary"), OUTPUT_VALUE}, "VARCHAR"}};
static const struct inspect_column history_columns[] = {
    TIME_COLUMN("made_current_at"), INT_COLUMN("snapshot_id"), INT_COLUMN("parent_id"),
    BOOL_COLUMN("is_current_ancestor")};
static const struct inspect_column ref_columns[] = {TEXT_COLUMN("name"), TEXT_COLUMN("type"),
                                                    INT_COLUMN("snapshot_id")};
static const struct inspect_column property_columns[] = {TEXT_COLUMN("key"), TEXT_COLUMN("value")};
static const struct inspect_column file_columns[] = {
    TEXT_COLUMN("content"),        TEXT_COLUMN("file_path"),   TEXT_COLUMN("file_format"),
    TEXT_COLUMN("partition"),      INT_COLUMN("record_count"), INT_COLUMN("file_size_bytes"),
    INT_COLUMN("sequence_number"), INT_COLUMN("snapshot_id")};
static const struct inspect_column manifest_columns[] = {
    TEXT_COLUMN("path"),         TEXT_COLUMN("content"),        INT_COLUMN("length_bytes"),
    INT_COLUMN("spec_id"),       INT_COLUMN("added_files"),     INT_COLUMN("existing_files"),
    INT_COLUMN("deleted_files"), INT_COLUMN("sequence_number"), INT_COLUMN("added_snapshot_id")};
static const struct inspect_column partition_columns[] = {
    TEXT_COLUMN("partition"),   INT_COLUMN("spec_id"),     INT_COLUMN("file_count"),
    INT_COLUMN("record_count"), INT_COLUMN("total_bytes"), INT_COLUMN("delete_file_count")};

#define COLUMNS(array) array, sizeof(array) / sizeof(array)[0]
static const struct {
    struct str name;
    const struct inspect_column *columns;
    size_t column_count;
    rc (*list)(struct inspection *inspection, struct err *err);
} kinds[] = {
    {STR_INIT("snapshots"), COLUMNS(snapshot_columns), list_snapshots},
    {STR_INIT("history"), COLUMNS(history_columns), list_history},
    {STR_INIT("refs"), COLUMNS(ref_columns), list_refs},
    {STR_INIT("properties"), COLUMNS(property_columns), list_properties},
    {STR_INIT("files"), COLUMNS(file_columns), list_files},
    {STR_INIT("manifests"), COLUMNS(manifest_columns), list_manifests},
    {STR_INIT("partitions"), COLUMNS(partition_columns), list_partitions},
};
enum { KIND_COUNT = sizeof kinds / sizeof kinds[0] };

bool inspect_has(struct str what)
{
    for (size_t i = 0; i < KIND_COUNT; i++)
        if (str_equal_ignore_case(kinds[i].name, what))
            return true;
    return false;
}

rc inspect_table(const struct table *table, struct str what, const struct snapshot *snapshot,
                 struct arena *arena, struct inspect_rows *ret_rows, struct err *err)
{
    struct str names[KIND_COUNT];
    for (size_t i = 0; i < KIND_COUNT; i++) {
        names[i] = kinds[i].name;
        if (!str_equal_ignore_case(kinds[i].name, what))
            continue;
        struct inspection inspection = {
            .table = table,
            .arena = arena,
            .snapshot = snapshot != NULL ? snapshot : metadata_current_snapshot(table->metadata)};
        TRY(kinds[i].list(&inspection, err));
        *ret_rows =
            (struct inspect_rows){kinds[i].columns, kinds[i].column_count, inspection.cells.items,
                                  inspection.cells.count / kinds[i].column_count};
        return RC_OK;
    }
    err_set(err, RC_NOT_FOUND, "there is no metadata table %.*s", STR_ARGS(what));
    return err_hint(err, "there are: %.*s",
                    STR_ARGS(str_join(arena, names, KIND_COUNT, STR(", "))));
}

// Whole documents would make a text table unreadable: they are for the other formats.
static bool is_shown(const struct output *output, const struct inspect_column *column)
{
    return output_format_of(output) != OUTPUT_TEXT || column->shown.kind != OUTPUT_VALUE;
}

rc inspect_print(struct output *output, const struct inspect_rows *rows, const char *empty_text,
                 struct err *err)
{
    struct output_column columns[16];
    struct output_cell cells[16];
    size_t shown = 0;
    for (size_t i = 0; i < rows->column_count; i++)
        if (is_shown(output, &rows->columns[i]))
            columns[shown++] = rows->columns[i].shown;
    TRY(output_table_begin(output, columns, shown, empty_text, err));
    for (size_t row = 0; row < rows->row_count; row++) {
        size_t cell = 0;
        for (size_t i = 0; i < rows->column_count; i++)
            if (is_shown(output, &rows->columns[i]))
                cells[cell++] = rows->cells[row * rows->column_count + i];
        TRY(output_row(output, cells, err));
    }
    return output_table_end(output, err);
}

static void append_row(struct buf *sql, struct arena *arena, const struct inspect_rows *rows,
                       size_t row)
{
    for (size_t i = 0; i < rows->column_count; i++) {
        const struct output_cell *cell = &rows->cells[row * rows->column_count + i];
        const struct str literal =
            cell->is_null ? STR("NULL") : duck_quote_literal(arena, cell->text);
        buf_printf(sql, "%sCAST(%.*s AS %s)", i > 0 ? ", " : "", STR_ARGS(literal),
                   rows->columns[i].sql_type);
    }
}

struct str inspect_sql(struct arena *arena, const struct inspect_rows *rows)
{
    struct buf sql;
    buf_init(&sql, INSPECT_SQL_MAX_BYTES);
    buf_append_cstr(&sql, "SELECT * FROM (VALUES ");
    for (size_t row = 0; row < rows->row_count; row++) {
        buf_append_cstr(&sql, row > 0 ? ", (" : "(");
        append_row(&sql, arena, rows, row);
        buf_append_byte(&sql, ')');
    }
    if (rows->row_count == 0) {
        buf_append_byte(&sql, '(');
        for (size_t i = 0; i < rows->column_count; i++)
            buf_printf(&sql, "%sCAST(NULL AS %s)", i > 0 ? ", " : "", rows->columns[i].sql_type);
        buf_append_byte(&sql, ')');
    }
    buf_append_cstr(&sql, ") AS t(");
    for (size_t i = 0; i < rows->column_count; i++)
        buf_printf(&sql, "%s%.*s", i > 0 ? ", " : "",
                   STR_ARGS(duck_quote_identifier(arena, rows->columns[i].shown.name)));
    buf_append_cstr(&sql, rows->row_count == 0 ? ") WHERE false" : ")");
    const struct str text = arena_str(arena, buf_str(&sql));
    buf_done(&sql);
    return text;
}
