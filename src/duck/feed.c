/// @file feed.c
/// The table function `feed('name')`: rows that come from a callback in C. Layer: duck.
/// Threads: the list of feeds is guarded; one feed is read by one thread of DuckDB at a time.

#include <pthread.h>
#include <stdio.h>

#include "base/map.h"
#include "duck/internal.h"

struct feed {
    struct feeds *feeds;
    int64_t number; // named in the error text that passes through DuckDB
    struct feed_source source;
    bool is_forgotten, is_failed, is_finished;
    struct err err;
    struct feed_vector *vectors;
};

struct feeds {
    pthread_mutex_t lock;
    struct arena *arena; // of its own: feeds may be registered from several threads
    struct map by_name;  // name -> struct feed
    VEC(struct feed *) all;
};

struct feeds *feeds_open(struct duck *duck, struct arena *arena)
{
    (void)duck;
    struct feeds *feeds = ARENA_NEW(arena, struct feeds);
    pthread_mutex_init(&feeds->lock, NULL);
    feeds->arena = arena_open(arena);
    map_init(&feeds->by_name, feeds->arena);
    return feeds;
}

void feeds_close(struct feeds *feeds)
{
    pthread_mutex_lock(&feeds->lock);
    feeds->by_name.count = 0; // nothing is found any more; the memory goes with the arena
    pthread_mutex_unlock(&feeds->lock);
}

rc duck_feed_register(struct duck *duck, struct str name, const struct feed_source *source,
                      struct err *err)
{
    struct feeds *feeds = duck->feeds;
    rc result = RC_OK;
    pthread_mutex_lock(&feeds->lock);
    if (map_has(&feeds->by_name, name)) {
        result = err_set(err, RC_EXISTS, "there is a feed %.*s already", STR_ARGS(name));
    } else {
        struct feed *feed = ARENA_NEW(feeds->arena, struct feed);
        *feed =
            (struct feed){.feeds = feeds, .number = (int64_t)feeds->all.count, .source = *source};
        feed->vectors = ARENA_ARRAY(feeds->arena, struct feed_vector, source->column_count);
        *vec_push(feeds->arena, &feeds->all) = feed;
        map_set(&feeds->by_name, arena_str(feeds->arena, name), feed);
    }
    pthread_mutex_unlock(&feeds->lock);
    return result;
}

void duck_feed_forget(struct duck *duck, struct str name)
{
    struct feeds *feeds = duck->feeds;
    pthread_mutex_lock(&feeds->lock);
    struct feed *feed = map_get(&feeds->by_name, name);
    if (feed != NULL)
        feed->is_forgotten = true;
    map_remove(&feeds->by_name, name);
    pthread_mutex_unlock(&feeds->lock);
}

#define FAILURE_MARK "[feed "

rc feeds_failure(struct feeds *feeds, const char *message, struct err *err)
{
    const struct str text = str_of(message);
    const size_t mark = str_find(text, STR(FAILURE_MARK));
    if (mark == SIZE_MAX)
        return RC_OK;
    const struct str rest = str_slice(text, mark + sizeof FAILURE_MARK - 1, SIZE_MAX);
    int64_t number;
    rc result = RC_OK;
    pthread_mutex_lock(&feeds->lock);
    if (str_to_int64(str_slice(rest, 0, str_find_byte(rest, ']')), &number) && number >= 0 &&
        (size_t)number < feeds->all.count && feeds->all.items[number]->is_failed) {
        const struct feed *feed = feeds->all.items[number];
        result = feed->err.code != RC_OK ? feed->err.code : RC_FAILED;
        if (err != NULL)
            *err = feed->err;
    }
    pthread_mutex_unlock(&feeds->lock);
    return result;
}

static const struct {
    enum feed_type type;
    duckdb_type duck;
} types[] = {
    [FEED_BOOL] = {FEED_BOOL, DUCKDB_TYPE_BOOLEAN},
    [FEED_INT] = {FEED_INT, DUCKDB_TYPE_INTEGER},
    [FEED_LONG] = {FEED_LONG, DUCKDB_TYPE_BIGINT},
    [FEED_FLOAT] = {FEED_FLOAT, DUCKDB_TYPE_FLOAT},
    [FEED_DOUBLE] = {FEED_DOUBLE, DUCKDB_TYPE_DOUBLE},
    [FEED_DECIMAL] = {FEED_DECIMAL, DUCKDB_TYPE_DECIMAL},
    [FEED_DATE] = {FEED_DATE, DUCKDB_TYPE_DATE},
    [FEED_TIME] = {FEED_TIME, DUCKDB_TYPE_TIME},
    [FEED_TIMESTAMP] = {FEED_TIMESTAMP, DUCKDB_TYPE_TIMESTAMP},
    [FEED_TIMESTAMPTZ] = {FEED_TIMESTAMPTZ, DUCKDB_TYPE_TIMESTAMP_TZ},
    [FEED_TEXT] = {FEED_TEXT, DUCKDB_TYPE_VARCHAR},
    [FEED_BLOB] = {FEED_BLOB, DUCKDB_TYPE_BLOB},
};

static struct feed *find_feed(struct feeds *feeds, struct str name)
{
    pthread_mutex_lock(&feeds->lock);
    struct feed *feed = map_get(&feeds->by_name, name);
    pthread_mutex_unlock(&feeds->lock);
    return feed;
}

static void bind(duckdb_bind_info info)
{
    struct feeds *feeds = duck_library->bind_get_extra_info(info);
    duckdb_value parameter = duck_library->bind_get_parameter(info, 0);
    char *name = duck_library->get_varchar(parameter);
    struct feed *feed = find_feed(feeds, str_of(name));
    duck_library->free(name);
    duck_library->destroy_value(&parameter);
    if (feed == NULL) {
        duck_library->bind_set_error(info, "there is no feed of this name");
        return;
    }
    struct arena *scratch = arena_open(NULL);
    for (size_t i = 0; i < feed->source.column_count; i++) {
        const struct feed_column *column = &feed->source.columns[i];
        duckdb_logical_type type =
            column->type == FEED_DECIMAL
                ? duck_library->create_decimal_type((uint8_t)column->precision,
                                                    (uint8_t)column->scale)
                : duck_library->create_logical_type(types[column->type].duck);
        duck_library->bind_add_result_column(info, arena_cstr(scratch, column->name), type);
        duck_library->destroy_logical_type(&type);
    }
    arena_close(scratch);
    duck_library->bind_set_bind_data(info, feed, NULL);
}

static void init(duckdb_init_info info)
{
    duck_library->init_set_max_threads(info, 1);
}

static void point_at_vectors(struct feed *feed, duckdb_data_chunk output)
{
    for (size_t i = 0; i < feed->source.column_count; i++) {
        duckdb_vector vector = duck_library->data_chunk_get_vector(output, i);
        feed->vectors[i] = (struct feed_vector){.type = feed->source.columns[i].type,
                                                .precision = feed->source.columns[i].precision,
                                                .values = duck_library->vector_get_data(vector),
                                                .handle = vector};
    }
}

static void fail(duckdb_function_info info, struct feed *feed)
{
    char text[ERR_MESSAGE_BYTES + 64];
    feed->is_failed = true;
    snprintf(text, sizeof text, FAILURE_MARK "%lld] %s", (long long)feed->number,
             feed->err.message);
    duck_library->function_set_error(info, text);
}

static void produce(duckdb_function_info info, duckdb_data_chunk output)
{
    struct feed *feed = duck_library->function_get_bind_data(info);
    if (feed->is_finished || feed->is_forgotten) {
        duck_library->data_chunk_set_size(output, 0);
        return;
    }
    point_at_vectors(feed, output);
    struct feed_chunk chunk = {.columns = feed->vectors, .column_count = feed->source.column_count};
    if (feed->source.next(feed->source.context, &chunk, &feed->err) != RC_OK) {
        fail(info, feed);
        return;
    }
    feed->is_finished = chunk.row_count == 0;
    duck_library->data_chunk_set_size(output, chunk.row_count);
}

rc feeds_install(struct feeds *feeds, duckdb_connection connection, struct err *err)
{
    duckdb_table_function function = duck_library->create_table_function();
    duckdb_logical_type text = duck_library->create_logical_type(DUCKDB_TYPE_VARCHAR);
    duck_library->table_function_set_name(function, "feed");
    duck_library->table_function_add_parameter(function, text);
    duck_library->table_function_set_extra_info(function, feeds, NULL);
    duck_library->table_function_set_bind(function, bind);
    duck_library->table_function_set_init(function, init);
    duck_library->table_function_set_function(function, produce);
    const duckdb_state state = duck_library->register_table_function(connection, function);
    duck_library->destroy_logical_type(&text);
    duck_library->destroy_table_function(&function);
    return state == DuckDBSuccess ? RC_OK
                                  : err_set(err, RC_INTERNAL, "the function feed is not taken");
}

void feed_set_null(struct feed_chunk *chunk, size_t column, size_t row)
{
    struct feed_vector *vector = &chunk->columns[column];
    if (vector->validity == NULL) {
        duck_library->vector_ensure_validity_writable(vector->handle);
        vector->validity = duck_library->vector_get_validity(vector->handle);
    }
    vector->validity[row / 64] &= ~((uint64_t)1 << (row % 64));
}

void feed_set_text(struct feed_chunk *chunk, size_t column, size_t row, struct str text)
{
    struct feed_vector *vector = &chunk->columns[column];
    duckdb_string_t *to = &((duckdb_string_t *)vector->values)[row];
    if (text.length > sizeof to->value.inlined.inlined) {
        duck_library->vector_assign_string_element_len(vector->handle, row, text.bytes,
                                                       text.length);
        return;
    }
    // Short texts lie in the vector itself, padded with zeros.
    *to = (duckdb_string_t){0};
    to->value.inlined.length = (uint32_t)text.length;
    if (text.length > 0)
        memcpy(to->value.inlined.inlined, text.bytes, text.length);
}

void feed_set_decimal(struct feed_chunk *chunk, size_t column, size_t row, __int128 unscaled)
{
    const struct feed_vector *vector = &chunk->columns[column];
    // DuckDB holds decimals in the smallest integer that their precision needs.
    if (vector->precision <= 4)
        ((int16_t *)vector->values)[row] = (int16_t)unscaled;
    else if (vector->precision <= 9)
        ((int32_t *)vector->values)[row] = (int32_t)unscaled;
    else if (vector->precision <= 18)
        ((int64_t *)vector->values)[row] = (int64_t)unscaled;
    else
        ((duckdb_hugeint *)vector->values)[row] =
            (duckdb_hugeint){(uint64_t)unscaled, (int64_t)((unsigned __int128)unscaled >> 64)};
}
