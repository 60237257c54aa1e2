// The cursor of an incremental resource. Layer: ingest. Source: dlt's JSON incremental: for each
// record the cursor value is compared with the start value (records below are old), with the end
// value (records at or above are left for later) and with the greatest so far; records that share
// the last value are remembered by a hash, because the next run asks for that value once more.
// Threads: an incremental belongs to one thread. Limits: INCREMENTAL_MAX_HASHES.

#include "ingest/source/incremental.h"

#include <stdlib.h>

#include "base/buf.h"
#include "base/hash.h"
#include "base/map.h"
#include "ingest/source/select.h"

enum { HASH_BYTES = 15, KEY_MAX_BYTES = 256 << 20, ROW_EXCERPT_BYTES = 200 };

struct incremental {
    struct arena *arena;
    const struct incremental_config *config;
    struct json initial_value; // of the state: that of the first run
    struct json start_value;   // with lag; null = none
    struct json saved_last;    // last_value of the state, without lag; null = none
    struct json saved_start;   // start_value of the state
    struct json last_value;    // greatest (least) so far; null = none
    bool is_last_borrowed;     // it points into a record of this page
    bool has_kept_rows;
    bool is_start_out, is_end_out; // of the last record
    bool has_deduplication;
    struct map start_hashes; // records of the start value that the last run has loaded
    struct map hashes;       // records of the last value
    struct arena *page_arena;
    VEC(const struct json *) pending; // records of the last value whose hash is not made yet
};

// --- configuration -----------------------------------------------------------------------------

static rc choose(const struct json *config, const char *key, const char *const *words,
                 int *ret_choice, struct err *err)
{
    const struct json *value = json_get(config, str_of(key));
    *ret_choice = 0;
    if (value == NULL || value->kind == JSON_NULL)
        return RC_OK;
    for (int i = 0; words[i] != NULL; i++) {
        if (value->kind == JSON_STRING && str_is(value->text, words[i])) {
            *ret_choice = i;
            return RC_OK;
        }
    }
    err_set(err, RC_CONFIG, "incremental.%s: '%.*s' is none of its values", key,
            STR_ARGS(json_str(value, STR("?"))));
    return err_hint(err, "choose '%s' or '%s'", words[0], words[1]);
}

static const struct json *given(const struct json *config, const char *key)
{
    const struct json *value = json_get(config, str_of(key));
    return value == NULL || value->kind == JSON_NULL ? NULL : value;
}

static rc read_key(struct arena *arena, const struct json *config, const str_vec *primary_key,
                   struct incremental_config *out, struct err *err)
{
    const struct json *key = given(config, "primary_key");
    if (key == NULL) {
        out->has_key = primary_key != NULL && primary_key->count > 0;
        if (out->has_key)
            out->key = *primary_key;
        return RC_OK;
    }
    out->has_key = true;
    const struct json *items = key->kind == JSON_ARRAY ? key->items : key;
    const size_t count = key->kind == JSON_ARRAY ? key->count : 1;
    for (size_t i = 0; i < count; i++) {
        if (items[i].kind != JSON_STRING)
            return err_set(err, RC_CONFIG, "incremental.primary_key wants names of fields");
        *vec_push(arena, &out->key) = items[i].text;
    }
    return RC_OK;
}

static rc check_window(const struct incremental_config *config, struct err *err)
{
    if (config->end_value == NULL)
        return RC_OK;
    if (config->initial_value == NULL)
        return err_set(err, RC_CONFIG, "incremental.end_value wants an initial_value too");
    int order;
    TRY_CONTEXT(incremental_compare(config->initial_value, config->end_value, &order, err), err,
                "incremental.end_value");
    if (config->is_min ? order < 0 : order > 0)
        return err_set(err, RC_CONFIG, "incremental.initial_value lies behind end_value");
    return RC_OK;
}

rc incremental_config_read(struct arena *arena, const struct json *config,
                           const str_vec *primary_key, struct incremental_config *ret_config,
                           struct err *err)
{
    struct incremental_config out = {0};
    out.cursor_path = json_str(json_get(config, STR("cursor_path")), STR(""));
    if (out.cursor_path.length == 0)
        return err_set(err, RC_CONFIG, "incremental.cursor_path is missing");
    if (!selector_is_field(out.cursor_path))
        TRY_CONTEXT(selector_compile(arena, out.cursor_path, &out.selector, err), err,
                    "incremental.cursor_path");
    out.initial_value = given(config, "initial_value");
    out.end_value = given(config, "end_value");
    int is_min, order, missing, start, end;
    TRY(choose(config, "last_value_func", (const char *const[]){"max", "min", NULL}, &is_min, err));
    TRY(choose(config, "row_order", (const char *const[]){"", "asc", "desc", NULL}, &order, err));
    TRY(choose(config, "on_cursor_value_missing",
               (const char *const[]){"raise", "include", "exclude", NULL}, &missing, err));
    TRY(choose(config, "range_start", (const char *const[]){"closed", "open", NULL}, &start, err));
    TRY(choose(config, "range_end", (const char *const[]){"open", "closed", NULL}, &end, err));
    out.is_min = is_min == 1;
    out.row_order = (enum row_order)order;
    out.on_missing = (enum cursor_missing)missing;
    out.is_start_open = start == 1;
    out.is_end_closed = end == 1;
    const struct json *lag = given(config, "lag");
    if (lag != NULL && !json_to_double(lag, &out.lag))
        return err_set(err, RC_CONFIG, "incremental.lag wants a number");
    TRY(read_key(arena, config, primary_key, &out, err));
    TRY(check_window(&out, err));
    *ret_config = out;
    return RC_OK;
}

// --- comparing ---------------------------------------------------------------------------------

static bool is_integer(struct str text)
{
    for (size_t i = text.length > 0 && text.bytes[0] == '-' ? 1 : 0; i < text.length; i++)
        if (text.bytes[i] < '0' || text.bytes[i] > '9')
            return false;
    return text.length > 0;
}

// JSON integers have no leading zeros, so longer is greater.
static int compare_integers(struct str a, struct str b)
{
    const bool is_a_negative = a.bytes[0] == '-', is_b_negative = b.bytes[0] == '-';
    if (is_a_negative != is_b_negative)
        return str_is(a, "-0") && str_is(b, "0") ? 0 : is_a_negative ? -1 : 1;
    const int order = a.length != b.length ? (a.length < b.length ? -1 : 1) : str_compare(a, b);
    return is_a_negative ? -order : order;
}

static const char *const kind_names[] = {"null",   "a boolean", "a number",
                                         "a text", "a list",    "an object"};

rc incremental_compare(const struct json *a, const struct json *b, int *ret_order, struct err *err)
{
    if (a->kind == JSON_STRING && b->kind == JSON_STRING) {
        *ret_order = str_compare(a->text, b->text);
        return RC_OK;
    }
    if (a->kind == JSON_NUMBER && b->kind == JSON_NUMBER) {
        double x, y;
        if (is_integer(a->text) && is_integer(b->text)) {
            *ret_order = compare_integers(a->text, b->text);
            return RC_OK;
        }
        if (json_to_double(a, &x) && json_to_double(b, &y)) {
            *ret_order = x < y ? -1 : x > y;
            return RC_OK;
        }
    }
    if (a->kind == JSON_BOOL && b->kind == JSON_BOOL) {
        *ret_order = (int)a->boolean - (int)b->boolean;
        return RC_OK;
    }
    err_set(err, RC_INVALID, "%s cannot be compared with %s as a cursor value", kind_names[a->kind],
            kind_names[b->kind]);
    return err_hint(err, "cursor values, initial_value and end_value must be of one type");
}

// --- hashes ------------------------------------------------------------------------------------

static int compare_members(const void *a, const void *b)
{
    const struct json_member *const *left = a, *const *right = b;
    return str_compare((*left)->key, (*right)->key);
}

// Compact JSON with sorted keys: the same record gives the same text in every run.
static void write_sorted(struct buf *to, struct arena *arena, const struct json *value)
{
    if (value->kind == JSON_ARRAY) {
        buf_append_byte(to, '[');
        for (size_t i = 0; i < value->count; i++) {
            if (i > 0)
                buf_append_byte(to, ',');
            write_sorted(to, arena, &value->items[i]);
        }
        buf_append_byte(to, ']');
    } else if (value->kind == JSON_OBJECT) {
        const struct json_member **members =
            ARENA_ARRAY(arena, const struct json_member *, value->count + 1);
        for (size_t i = 0; i < value->count; i++)
            members[i] = &value->members[i];
        qsort(members, value->count, sizeof *members, compare_members);
        buf_append_byte(to, '{');
        for (size_t i = 0; i < value->count; i++) {
            if (i > 0)
                buf_append_byte(to, ',');
            json_write_string(to, members[i]->key);
            buf_append_byte(to, ':');
            write_sorted(to, arena, &members[i]->value);
        }
        buf_append_byte(to, '}');
    } else {
        json_write(to, value, JSON_COMPACT);
    }
}

static rc missing_key(struct str field, const struct json *record, struct err *err)
{
    struct arena *scratch = arena_open(NULL);
    const struct str text = json_print(scratch, record, JSON_COMPACT);
    err_set(err, RC_INVALID, "a record lacks the field '%.*s' of the primary key: %.*s",
            STR_ARGS(field),
            (int)(text.length < ROW_EXCERPT_BYTES ? text.length : ROW_EXCERPT_BYTES), text.bytes);
    arena_close(scratch);
    return err_hint(err, "incremental.primary_key: [] turns the deduplication off");
}

static rc write_key(const struct incremental *incremental, const struct json *record,
                    struct buf *to, struct arena *scratch, struct err *err)
{
    const struct incremental_config *config = incremental->config;
    if (!config->has_key) {
        write_sorted(to, scratch, record);
        return RC_OK;
    }
    if (config->key.count > 1)
        buf_append_byte(to, '[');
    for (size_t i = 0; i < config->key.count; i++) {
        const struct json *value = json_get(record, config->key.items[i]);
        if (value == NULL)
            return missing_key(config->key.items[i], record, err);
        if (i > 0)
            buf_append_byte(to, ',');
        write_sorted(to, scratch, value);
    }
    if (config->key.count > 1)
        buf_append_byte(to, ']');
    return RC_OK;
}

static rc hash_record(const struct incremental *incremental, struct arena *arena,
                      const struct json *record, struct str *ret_hash, struct err *err)
{
    struct buf text;
    unsigned char bytes[HASH_BYTES];
    buf_init(&text, KEY_MAX_BYTES);
    struct arena *scratch = arena_open(NULL);
    rc code = write_key(incremental, record, &text, scratch, err);
    if (code == RC_OK)
        code = buf_check(&text, err, "the key of a record");
    if (code == RC_OK) {
        hash_shake128(buf_str(&text), bytes, sizeof bytes);
        *ret_hash = base64_encode(arena, bytes, sizeof bytes, BASE64_STANDARD);
    }
    arena_close(scratch);
    buf_done(&text);
    return code;
}

// --- the run -----------------------------------------------------------------------------------

static bool has(const struct json *value)
{
    return value->kind != JSON_NULL;
}

static struct json copy_or_null(struct arena *arena, const struct json *value)
{
    return value == NULL ? (struct json){0} : json_copy(arena, value);
}

static void read_hashes(struct incremental *incremental, const struct json *list)
{
    map_init(&incremental->start_hashes, incremental->arena);
    map_init(&incremental->hashes, incremental->arena);
    const size_t count = list != NULL && list->kind == JSON_ARRAY ? list->count : 0;
    for (size_t i = 0; i < count; i++) {
        const struct str hash = arena_str(incremental->arena, json_str(&list->items[i], STR("")));
        map_set(&incremental->start_hashes, hash, incremental);
        map_set(&incremental->hashes, hash, incremental);
    }
}

rc incremental_open(struct arena *arena, const struct incremental_config *config,
                    const struct json *state, struct incremental **ret_incremental, struct err *err)
{
    struct incremental *incremental = ARENA_NEW(arena, struct incremental);
    incremental->arena = arena;
    incremental->page_arena = arena_open(arena);
    incremental->config = config;
    if (config->end_value != NULL)
        state = NULL; // a window neither reads nor writes the state
    if (state != NULL && state->kind != JSON_OBJECT)
        return err_set(err, RC_INVALID, "the state of cursor '%.*s' is no object",
                       STR_ARGS(config->cursor_path));
    const struct json *initial = config->initial_value;
    if (state != NULL) {
        incremental->saved_last = copy_or_null(arena, json_get(state, STR("last_value")));
        incremental->saved_start = copy_or_null(arena, json_get(state, STR("start_value")));
        incremental->initial_value = copy_or_null(arena, json_get(state, STR("initial_value")));
    } else {
        incremental->saved_last = incremental->saved_start = incremental->initial_value =
            copy_or_null(arena, initial);
    }
    incremental->start_value = incremental->saved_last;
    if (config->lag > 0 && has(&incremental->saved_last) && config->end_value == NULL)
        TRY_CONTEXT(incremental_apply_lag(arena, config->lag, config->is_min, initial,
                                          &incremental->saved_last, &incremental->start_value, err),
                    err, "cursor '%.*s'", STR_ARGS(config->cursor_path));
    incremental->last_value = incremental->start_value;
    read_hashes(incremental, json_get(state, STR("unique_hashes")));
    incremental->has_deduplication = !config->is_start_open && config->end_value == NULL &&
                                     config->lag <= 0 &&
                                     !(config->has_key && config->key.count == 0);
    *ret_incremental = incremental;
    return RC_OK;
}

const struct json *incremental_value(const struct incremental *incremental, struct str name)
{
    const struct json *value = NULL;
    if (str_is(name, "start_value") || str_is(name, "last_value"))
        value = &incremental->start_value;
    else if (str_is(name, "initial_value"))
        value = incremental->config->initial_value;
    else if (str_is(name, "end_value"))
        value = incremental->config->end_value;
    return value == NULL || !has(value) ? NULL : value;
}

void incremental_begin_chain(struct incremental *incremental)
{
    incremental->is_start_out = incremental->is_end_out = false;
}

bool incremental_can_stop(const struct incremental *incremental)
{
    return (incremental->config->row_order == ROW_ORDER_ASC && incremental->is_end_out) ||
           (incremental->config->row_order == ROW_ORDER_DESC && incremental->is_start_out);
}

static rc missing_cursor(const struct incremental *incremental, const struct json *record,
                         const struct json *value, struct err *err)
{
    struct arena *scratch = arena_open(NULL);
    const struct str text = json_print(scratch, record, JSON_COMPACT);
    err_set(err, RC_INVALID, "a record has %s at the cursor '%.*s': %.*s",
            value == NULL ? "nothing" : "null", STR_ARGS(incremental->config->cursor_path),
            (int)(text.length < ROW_EXCERPT_BYTES ? text.length : ROW_EXCERPT_BYTES), text.bytes);
    arena_close(scratch);
    return err_hint(err,
                    "incremental.on_cursor_value_missing: include or exclude takes such records");
}

// < 0: `a` comes before `b` in the direction of the cursor; with min the direction is turned.
static rc order_of(const struct incremental *incremental, const struct json *a,
                   const struct json *b, int *ret_order, struct err *err)
{
    TRY_CONTEXT(incremental_compare(a, b, ret_order, err), err, "cursor '%.*s'",
                STR_ARGS(incremental->config->cursor_path));
    if (incremental->config->is_min)
        *ret_order = -*ret_order;
    return RC_OK;
}

// A record that is not beyond the greatest value so far.
static rc filter_known(struct incremental *incremental, const struct json *record,
                       const struct json *value, int order_to_last, bool *ret_keeps,
                       struct err *err)
{
    *ret_keeps = true;
    if (has(&incremental->start_value)) {
        int order;
        TRY(order_of(incremental, value, &incremental->start_value, &order, err));
        bool is_old = order < 0 || (order == 0 && incremental->config->is_start_open);
        if (order == 0 && !is_old && incremental->has_deduplication) {
            struct str hash;
            TRY(hash_record(incremental, incremental->page_arena, record, &hash, err));
            is_old = map_has(&incremental->start_hashes, hash);
        }
        if (is_old) {
            incremental->is_start_out = true;
            *ret_keeps = false;
            return RC_OK;
        }
    }
    if (order_to_last == 0 && incremental->has_deduplication)
        *vec_push(incremental->page_arena, &incremental->pending) = record;
    return RC_OK;
}

static rc filter_value(struct incremental *incremental, const struct json *record,
                       const struct json *value, bool *ret_keeps, struct err *err)
{
    const struct incremental_config *config = incremental->config;
    incremental->is_start_out = incremental->is_end_out = false;
    int order;
    if (config->end_value != NULL) {
        TRY(order_of(incremental, value, config->end_value, &order, err));
        if (order > 0 || (order == 0 && !config->is_end_closed)) {
            incremental->is_end_out = true;
            *ret_keeps = false;
            return RC_OK;
        }
    }
    order = 1;
    if (has(&incremental->last_value))
        TRY(order_of(incremental, value, &incremental->last_value, &order, err));
    if (order <= 0)
        return filter_known(incremental, record, value, order, ret_keeps, err);
    incremental->last_value = *value;
    incremental->is_last_borrowed = true;
    if (incremental->has_deduplication) {
        incremental->pending.count = 0;
        *vec_push(incremental->page_arena, &incremental->pending) = record;
        map_init(&incremental->hashes, incremental->arena);
    }
    *ret_keeps = true;
    return RC_OK;
}

rc incremental_filter(struct incremental *incremental, const struct json *record, bool *ret_keeps,
                      struct err *err)
{
    const struct incremental_config *config = incremental->config;
    const struct json *value = config->selector != NULL ? selector_first(config->selector, record)
                                                        : json_get(record, config->cursor_path);
    if (value == NULL || value->kind == JSON_NULL) {
        incremental->is_start_out = incremental->is_end_out = false;
        if (config->on_missing == CURSOR_MISSING_RAISE)
            return missing_cursor(incremental, record, value, err);
        *ret_keeps = config->on_missing == CURSOR_MISSING_INCLUDE;
    } else {
        TRY(filter_value(incremental, record, value, ret_keeps, err));
    }
    incremental->has_kept_rows |= *ret_keeps;
    return RC_OK;
}

rc incremental_end_page(struct incremental *incremental, struct err *err)
{
    for (size_t i = 0; i < incremental->pending.count; i++) {
        struct str hash;
        TRY(hash_record(incremental, incremental->arena, incremental->pending.items[i], &hash,
                        err));
        map_set(&incremental->hashes, hash, incremental);
    }
    incremental->pending.items = NULL;
    incremental->pending.count = incremental->pending.capacity = 0;
    arena_reset(incremental->page_arena);
    if (incremental->is_last_borrowed)
        incremental->last_value = json_copy(incremental->arena, &incremental->last_value);
    incremental->is_last_borrowed = false;
    if (incremental->hashes.count > INCREMENTAL_MAX_HASHES) {
        err_set(err, RC_LIMIT, "more than %d records share the last value of cursor '%.*s'",
                INCREMENTAL_MAX_HASHES, STR_ARGS(incremental->config->cursor_path));
        return err_hint(err, "choose a finer cursor, or incremental.primary_key: [] with the merge "
                             "disposition");
    }
    return RC_OK;
}

bool incremental_has_state(const struct incremental *incremental)
{
    return incremental->config->end_value == NULL;
}

struct json incremental_state(const struct incremental *incremental, struct arena *arena)
{
    struct json state = {.kind = JSON_OBJECT};
    struct json last = incremental->last_value;
    int order;
    // With lag the run starts before the saved value: the state never goes back.
    if (has(&incremental->saved_last) &&
        (!has(&last) ||
         incremental_compare(&last, &incremental->saved_last, &order, NULL) != RC_OK ||
         (incremental->config->is_min ? order > 0 : order < 0)))
        last = incremental->saved_last;
    *json_object_set(arena, &state, STR("initial_value")) = incremental->initial_value;
    *json_object_set(arena, &state, STR("last_value")) = last;
    struct json hashes = {.kind = JSON_ARRAY};
    if (incremental->has_deduplication)
        for (size_t i = 0; i < incremental->hashes.count; i++)
            *json_array_push(arena, &hashes) = json_of_str(incremental->hashes.entries[i].key);
    *json_object_set(arena, &state, STR("unique_hashes")) = hashes;
    *json_object_set(arena, &state, STR("start_value")) =
        incremental->has_kept_rows ? incremental->saved_last : incremental->saved_start;
    return state;
}
