/// @file iceberg_tables.c
/// Suite iceberg-tables: tables that other programs wrote, read by the scan and compared with the
/// rows that their own tests expect.

#include <stdio.h>
#include <unistd.h>

#include "base/compress.h"
#include "base/fs.h"
#include "duck/duck.h"
#include "iceberg/scan_filter.h"
#include "iceberg/scan_sql.h"
#include "store/store.h"
#include "vectors.h"

/// A store that finds the files of a table whose folder was moved after it was written.
struct moved {
    struct store *inner;
    struct arena *arena;
    struct str from, to; // folders; from is empty: nothing was moved
};

static struct str moved_name(const struct moved *moved, struct str uri)
{
    if (moved->from.length == 0 || !str_has_prefix(uri, moved->from))
        return uri;
    return str_concat(moved->arena, moved->to, str_slice(uri, moved->from.length, SIZE_MAX));
}

static rc moved_get(void *self, struct arena *arena, struct str uri, int64_t offset,
                    size_t max_bytes, bool is_range, struct str *ret_bytes, struct err *err)
{
    const struct moved *moved = self;
    uri = moved_name(moved, uri);
    return is_range ? store_get_range(moved->inner, arena, uri, offset, max_bytes, ret_bytes, err)
                    : store_get(moved->inner, arena, uri, max_bytes, ret_bytes, err);
}

static struct str moved_local_path(void *self, struct arena *arena, struct str uri)
{
    const struct moved *moved = self;
    struct str path = STR("");
    const rc result = store_local_path(moved->inner, arena, moved_name(moved, uri), &path, NULL);
    return result == RC_OK ? path : STR("");
}

static const struct store_driver moved_driver = {
    .name = "moved", .is_local = true, .get = moved_get, .local_path = moved_local_path};

static struct str behind(struct str text, struct str word)
{
    const size_t at = str_find(text, word);
    return at == SIZE_MAX ? (struct str){"", 0} : str_slice(text, at + word.length, SIZE_MAX);
}

static struct str until_any(struct str text, const char *ends)
{
    size_t length = 0;
    while (length < text.length && strchr(ends, text.bytes[length]) == NULL)
        length++;
    return str_slice(text, 0, length);
}

/// "(v2.metadata.json)", "version v1.metadata.json / ...", "v2.gz.metadata.json"
static struct str named_file(struct str args)
{
    const size_t at = str_find(args, STR(".metadata.json"));
    if (at == SIZE_MAX)
        return (struct str){"", 0};
    size_t start = at;
    while (start > 0 && strchr(" (='", args.bytes[start - 1]) == NULL)
        start--;
    return str_slice(args, start, at + sizeof ".metadata.json" - 1 - start);
}

static struct str first_that_exists(struct arena *arena, struct str folder, struct str version)
{
    static const char *const formats[] = {"v%s.metadata.json", "%s.metadata.json",
                                          "v%s.gz.metadata.json"};
    for (size_t i = 0; i < 3; i++) {
        const struct str name = str_replace(arena, str_of(formats[i]), STR("%s"), version);
        const struct str path =
            arena_printf(arena, "%.*s/metadata/%.*s", STR_ARGS(folder), STR_ARGS(name));
        if (fs_exists(path))
            return path;
    }
    return (struct str){"", 0};
}

static struct str newest_file(struct arena *arena, struct str folder)
{
    str_vec names;
    const struct str metadata = arena_printf(arena, "%.*s/metadata", STR_ARGS(folder));
    struct str newest = STR("");
    if (fs_list(arena, metadata, &names, NULL) == RC_OK)
        for (size_t i = 0; i < names.count; i++)
            if (str_has_suffix(names.items[i], STR(".metadata.json")))
                newest = names.items[i];
    return arena_printf(arena, "%.*s/%.*s", STR_ARGS(metadata), STR_ARGS(newest));
}

static struct str metadata_file(struct arena *arena, struct str table, struct str args)
{
    if (str_has_suffix(table, STR(".json")))
        return table;
    const struct str name = named_file(args);
    if (name.length > 0)
        return arena_printf(arena, "%.*s/metadata/%.*s", STR_ARGS(table), STR_ARGS(name));
    struct str version = behind(args, STR("version="));
    if (version.length > 0 && version.bytes[0] == '\'')
        version = str_slice(version, 1, SIZE_MAX);
    version = until_any(version, "', ");
    const struct str hint_path =
        arena_printf(arena, "%.*s/metadata/version-hint.text", STR_ARGS(table));
    if (version.length == 0 && fs_read(arena, hint_path, 1000, &version, NULL) == RC_OK)
        version = str_trim(version);
    const struct str found = first_that_exists(arena, table, version);
    return found.length > 0 ? found : newest_file(arena, table);
}

/// A case of the documentation names another table's snapshot behind its version: not looked at.
static int64_t snapshot_of(struct str args)
{
    const struct str text = behind(args, STR("snapshot_from_id="));
    int64_t id = 0;
    return str_to_int64(until_any(text, ", "), &id) ? id : 0;
}

static rc open_table(struct vectors *v, struct str path, struct str args, struct table *ret_table,
                     struct err *err)
{
    struct arena *arena = v->scratch;
    struct store *posix = store_open_posix(arena);
    const struct str file = metadata_file(arena, path, args);
    struct str text;
    TRY(store_get(posix, arena, file, METADATA_MAX_BYTES, &text, err));
    const enum compress_format format = compress_detect(text.bytes, text.length);
    if (format != COMPRESS_NONE)
        TRY(compress_expand(arena, format, text, METADATA_MAX_BYTES, "metadata", &text, err));
    struct table_metadata *metadata = ARENA_NEW(arena, struct table_metadata);
    TRY(metadata_parse(arena, text, arena_cstr(arena, file), metadata, err));
    struct moved *moved = ARENA_NEW(arena, struct moved);
    *moved = (struct moved){.inner = posix, .arena = arena};
    if (str_contains(args, STR("allow_moved_paths=true"))) {
        moved->from = metadata->location;
        moved->to = path;
    }
    *ret_table = (struct table){.store = store_of_driver(arena, &moved_driver, moved),
                                .arena = arena,
                                .name = fs_base_name(path),
                                .metadata_location = file,
                                .metadata = metadata};
    return RC_OK;
}

/// Files are left out by the case's filter, as the query command does it.
static rc predicate_of(struct duck_connection *connection, struct arena *arena,
                       const struct table *table, struct str filter,
                       struct predicate *ret_predicate, struct err *err)
{
    struct duck_filter parsed;
    const struct duck_table_name name = {.name = STR("t")};
    const struct str sql = arena_printf(arena, "SELECT * FROM t WHERE %.*s", STR_ARGS(filter));
    TRY(duck_filter_of(connection, arena, sql, &name, &parsed, err));
    *ret_predicate = scan_filter_predicate(arena, metadata_schema(table->metadata), &parsed);
    return RC_OK;
}

static rc scan_case(struct vectors *v, const struct json *c, struct str path,
                    struct duck_rows *ret_rows, struct err *err)
{
    struct arena *arena = v->scratch;
    const struct str args = json_str(json_get(c, STR("scan_args")), STR(""));
    struct str project = json_str(json_get(c, STR("project")), STR("*"));
    if (str_is(project, "count of rows"))
        project = STR("count(*)");
    const struct str filter = json_str(json_get(c, STR("filter")), STR("true"));
    const struct str order = json_str(json_get(c, STR("order_by")), STR("all"));
    const struct duck_options options = {
        .time_zone = json_str(json_get(c, STR("session_time_zone")), STR("")),
        .keep_order = true,
        .threads = 2};
    struct table table;
    struct duck *duck;
    struct duck_connection *connection;
    TRY(open_table(v, path, args, &table, err));
    TRY(duck_open(arena, &options, &duck, err));
    TRY(duck_connect(duck, arena, &connection, err));
    struct predicate predicate;
    TRY(predicate_of(connection, arena, &table, filter, &predicate, err));
    const struct scan_options scan = {.snapshot_id = snapshot_of(args), .predicate = &predicate};
    struct str from;
    TRY(scan_sql(&table, arena, &(struct scan_sql_options){.scan = scan}, &from, NULL, err));
    const struct str sql =
        arena_printf(arena,
                     "SELECT CAST(COLUMNS(*) AS VARCHAR) FROM (SELECT %.*s FROM "
                     "(%.*s) WHERE %.*s ORDER BY %.*s)",
                     STR_ARGS(project), STR_ARGS(from), STR_ARGS(filter), STR_ARGS(order));
    return duck_query(connection, arena, sql, NULL, ret_rows, err);
}

/// The tests that the rows come from print truth as 1 and 0 in some places.
static bool cell_equal(const struct duck_value *cell, struct str expected)
{
    const struct str text = cell->is_null ? STR("NULL") : cell->text;
    return str_equal(text, expected) || (str_is(text, "true") && str_is(expected, "1")) ||
           (str_is(text, "false") && str_is(expected, "0"));
}

static bool row_equal(const struct duck_rows *rows, size_t row, const struct json *expected)
{
    for (size_t i = 0; i < rows->column_count; i++)
        if (i >= expected->count ||
            !cell_equal(duck_cell(rows, row, i), json_str(&expected->items[i], STR("NULL"))))
            return false;
    return expected->count == rows->column_count;
}

/// Without an ORDER BY any order is right.
static size_t count_matches(struct vectors *v, const struct duck_rows *rows,
                            const struct json *expected)
{
    bool *is_taken = ARENA_ARRAY(v->scratch, bool, expected->count);
    size_t matches = 0;
    for (size_t row = 0; row < rows->row_count; row++)
        for (size_t i = 0; i < expected->count; i++)
            if (!is_taken[i] && row_equal(rows, row, &expected->items[i])) {
                is_taken[i] = true;
                matches++;
                break;
            }
    return matches;
}

static void check_rows(struct vectors *v, const struct duck_rows *rows, const struct json *expected)
{
    const size_t matches = count_matches(v, rows, expected);
    if (rows->row_count == expected->count && matches == expected->count) {
        vectors_pass(v);
        return;
    }
    struct str first = STR("");
    for (size_t i = 0; rows->row_count > 0 && i < rows->column_count; i++)
        first = arena_printf(v->scratch, "%.*s|%.*s", STR_ARGS(first),
                             STR_ARGS(duck_cell(rows, 0, i)->text));
    vectors_fail(v, "expected %zu rows, found %zu, of which %zu match; the first is %.*s",
                 expected->count, rows->row_count, matches, STR_ARGS(first));
}

static void run_case(struct vectors *v, const struct json *c, size_t number)
{
    const struct str table = json_str(json_get(c, STR("table")), STR(""));
    v->case_name = arena_printf(v->arena, "expected_scans.json:%zu", number);
    // Paths inside the tables are relative to this folder.
    const struct str lineitem = STR("data/persistent/iceberg/");
    const bool is_below = str_has_prefix(table, lineitem);
    const struct str folder = is_below ? vectors_path(v, "data/persistent/iceberg") : v->dir;
    struct duck_rows rows;
    struct err err = {0};
    if (chdir(arena_cstr(v->scratch, folder)) != 0) {
        vectors_fail(v, "cannot enter %.*s", STR_ARGS(folder));
        return;
    }
    const struct str path = is_below ? str_slice(table, lineitem.length, SIZE_MAX) : table;
    if (scan_case(v, c, path, &rows, &err) == RC_OK)
        check_rows(v, &rows, json_get(c, STR("rows")));
    else
        vectors_fail(v, "%.*s: %s", STR_ARGS(table), err.message);
}

static void run_tables(struct vectors *v)
{
    if (fs_absolute(v->arena, v->dir, &v->dir, NULL) != RC_OK)
        return;
    const struct json cases = vectors_json(v, "expected_scans.json");
    for (size_t i = 0; i < cases.count; i++) {
        arena_reset(v->scratch);
        run_case(v, &cases.items[i], i + 1);
    }
}

int main(int argc, char **argv)
{
    static const struct vectors_suite suites[] = {{"iceberg-tables", run_tables}, {NULL, NULL}};
    return vectors_main(argc, argv, suites);
}
