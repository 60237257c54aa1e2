// Records of Athena's result files. Layer: engine. See athena_csv.h.

#include "engine/athena_csv.h"

void athena_csv_init(struct athena_csv *csv, size_t field_count, athena_csv_rows on_rows,
                     void *context)
{
    *csv = (struct athena_csv){.field_count = field_count,
                               .on_rows = on_rows,
                               .context = context,
                               .arena = arena_open(NULL),
                               .rest_arena = arena_open(NULL)};
}

void athena_csv_done(struct athena_csv *csv)
{
    arena_close(csv->arena);
    arena_close(csv->rest_arena);
}

// The end of the record at `at`, behind its line end; SIZE_MAX when it is not there yet.
static size_t record_end(struct str bytes, size_t at)
{
    bool is_quoted = false;
    for (; at < bytes.length; at++) {
        is_quoted ^= bytes.bytes[at] == '"';
        if (bytes.bytes[at] == '\n' && !is_quoted)
            return at + 1;
    }
    return SIZE_MAX;
}

// A field that starts at `at`; `*ret_next` is behind its comma.
static struct str field_at(struct arena *arena, struct str record, size_t at, size_t *ret_next)
{
    if (at >= record.length || record.bytes[at] != '"') {
        size_t end = at;
        while (end < record.length && record.bytes[end] != ',')
            end++;
        *ret_next = end + 1;
        return end == at ? (struct str){NULL, 0} : str_slice(record, at, end - at);
    }
    size_t end = at + 1, doubled = 0;
    for (; end < record.length; end++) {
        if (record.bytes[end] != '"')
            continue;
        if (end + 1 < record.length && record.bytes[end + 1] == '"') {
            doubled++;
            end++;
            continue;
        }
        break;
    }
    *ret_next = end + 2;
    const struct str inner = str_slice(record, at + 1, end - at - 1);
    return doubled > 0 ? str_replace(arena, inner, STR("\"\""), STR("\"")) : inner;
}

static rc take_record(struct athena_csv *csv, struct str record, struct str *fields,
                      struct err *err)
{
    size_t count = 0, at = 0;
    while (at <= record.length && count <= csv->field_count) {
        struct str field = field_at(csv->arena, record, at, &at);
        if (count < csv->field_count)
            fields[count] = field;
        count++;
    }
    if (count == csv->field_count)
        return RC_OK;
    return err_set(err, RC_CORRUPT,
                   "a record of Athena's result file has another number of fields than %zu",
                   csv->field_count);
}

static rc flush(struct athena_csv *csv, struct str *fields, size_t *count, struct err *err)
{
    if (*count > 0)
        TRY(csv->on_rows(csv->context, fields, *count, err));
    *count = 0;
    return RC_OK;
}

static rc take_all(struct athena_csv *csv, struct str bytes, bool is_last, size_t *ret_used,
                   struct err *err)
{
    struct str *fields =
        ARENA_ARRAY(csv->arena, struct str, ATHENA_CSV_CHUNK_ROWS * csv->field_count + 1);
    size_t count = 0, at = 0;
    while (at < bytes.length) {
        size_t end = record_end(bytes, at);
        if (end == SIZE_MAX && !is_last)
            break;
        end = end == SIZE_MAX ? bytes.length : end;
        struct str record = str_slice(bytes, at, end - at);
        while (record.length > 0 &&
               (record.bytes[record.length - 1] == '\n' || record.bytes[record.length - 1] == '\r'))
            record.length--;
        TRY(take_record(csv, record, &fields[count * csv->field_count], err));
        count += csv->has_header;
        csv->has_header = true;
        at = end;
        if (count == ATHENA_CSV_CHUNK_ROWS)
            TRY(flush(csv, fields, &count, err));
    }
    *ret_used = at;
    return flush(csv, fields, &count, err);
}

rc athena_csv_feed(struct athena_csv *csv, struct str bytes, bool is_last, struct err *err)
{
    arena_reset(csv->arena);
    if (csv->rest.length + bytes.length > ATHENA_CSV_MAX_RECORD_BYTES)
        return err_set(err, RC_LIMIT, "a record of Athena's result file is larger than %d bytes",
                       ATHENA_CSV_MAX_RECORD_BYTES);
    const struct str all = str_concat(csv->arena, csv->rest, bytes);
    size_t used = 0;
    TRY(take_all(csv, all, is_last, &used, err));
    arena_reset(csv->rest_arena);
    csv->rest = arena_str(csv->rest_arena, str_slice(all, used, SIZE_MAX));
    return RC_OK;
}
