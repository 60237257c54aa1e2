#include "unit_test.h"

#include <stdio.h>

#include "duck/duck.h"

struct numbers {
    int64_t at, end, fail_at; // fail_at 0 = never
};

static const struct feed_column columns[] = {
    {STR_INIT("flag"), FEED_BOOL, 0, 0},          {STR_INIT("small"), FEED_INT, 0, 0},
    {STR_INIT("number"), FEED_LONG, 0, 0},        {STR_INIT("single"), FEED_FLOAT, 0, 0},
    {STR_INIT("real"), FEED_DOUBLE, 0, 0},        {STR_INIT("d4"), FEED_DECIMAL, 4, 2},
    {STR_INIT("d9"), FEED_DECIMAL, 9, 2},         {STR_INIT("d18"), FEED_DECIMAL, 18, 2},
    {STR_INIT("d38"), FEED_DECIMAL, 38, 2},       {STR_INIT("day"), FEED_DATE, 0, 0},
    {STR_INIT("moment"), FEED_TIMESTAMPTZ, 0, 0}, {STR_INIT("text"), FEED_TEXT, 0, 0},
    {STR_INIT("bytes"), FEED_BLOB, 0, 0},         {STR_INIT("clock"), FEED_TIME, 0, 0},
    {STR_INIT("local"), FEED_TIMESTAMP, 0, 0},
};

static void fill_row(struct feed_chunk *chunk, size_t row, int64_t i)
{
    char text[64];
    // Texts of 0 to 40 bytes: short ones lie in the vector, long ones elsewhere.
    const int length = snprintf(text, sizeof text, "%0*lld", (int)(i % 40) + 1, (long long)i);
    feed_set_bool(chunk, 0, row, i % 2 == 0);
    feed_set_int(chunk, 1, row, (int32_t)i);
    feed_set_long(chunk, 2, row, i);
    feed_set_float(chunk, 3, row, (float)i / 2);
    feed_set_double(chunk, 4, row, (double)i / 2);
    feed_set_decimal(chunk, 5, row, i % 10000);
    feed_set_decimal(chunk, 6, row, -i);
    feed_set_decimal(chunk, 7, row, i * 1000000);
    feed_set_decimal(chunk, 8, row, -(__int128)i * 1000000000000000000);
    feed_set_int(chunk, 9, row, (int32_t)i);
    feed_set_long(chunk, 10, row, i * 1000000);
    if (i % 5 == 0)
        feed_set_null(chunk, 11, row);
    else
        feed_set_text(chunk, 11, row, (struct str){text, (size_t)length});
    feed_set_text(chunk, 12, row, (struct str){"\0\xff", 2});
    feed_set_long(chunk, 13, row, i);
    feed_set_long(chunk, 14, row, -i);
}

static rc next(void *context, struct feed_chunk *chunk, struct err *err)
{
    struct numbers *numbers = context;
    while (chunk->row_count < FEED_CHUNK_ROWS && numbers->at < numbers->end) {
        if (numbers->fail_at > 0 && numbers->at == numbers->fail_at) {
            err_set(err, RC_CORRUPT, "row %lld is broken", (long long)numbers->at);
            return err_hint(err, "mend it");
        }
        fill_row(chunk, chunk->row_count++, numbers->at++);
    }
    return RC_OK;
}

struct fixture {
    struct arena *arena;
    struct duck *duck;
    struct duck_connection *connection;
    struct numbers numbers;
    struct feed_source source;
    struct err err;
};

static int set_up(void **state)
{
    struct arena *arena = arena_open(NULL);
    struct fixture *f = ARENA_NEW(arena, struct fixture);
    f->arena = arena;
    assert_int_equal(duck_open(arena, NULL, &f->duck, &f->err), RC_OK);
    assert_int_equal(duck_connect(f->duck, arena, &f->connection, &f->err), RC_OK);
    f->source =
        (struct feed_source){columns, sizeof columns / sizeof columns[0], next, &f->numbers};
    assert_int_equal(duck_feed_register(f->duck, STR("n's"), &f->source, &f->err), RC_OK);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    arena_close(((struct fixture *)*state)->arena);
    return 0;
}

static void test_every_type_arrives_with_its_value(void **state)
{
    struct fixture *f = *state;
    f->numbers.end = 10000;
    struct duck_rows rows;
    const rc result = duck_query(
        f->connection, f->arena,
        STR("SELECT count(*), "
            "bool_and(flag = (number % 2 = 0) AND small = number AND single = number / 2 "
            "AND real = number / 2 AND d4 = (number % 10000)::DECIMAL(18,0) / 100 "
            "AND d9 * 100 = -number AND d18 = number * 10000 "
            "AND d38 = number::HUGEINT * -10000000000000000 "
            "AND day = DATE '1970-01-01' + number::INTEGER AND epoch_us(moment) = number * 1000000 "
            "AND (text IS NULL) = (number % 5 = 0) "
            "AND coalesce(text::BIGINT = number AND length(text) >= number % 40 + 1, true) "
            "AND bytes = '\\x00\\xFF'::BLOB AND epoch_us(local) = -number "
            "AND clock = make_time(0, 0, number / 1000000)) "
            "FROM feed('n''s')"),
        NULL, &rows, &f->err);
    if (result != RC_OK)
        fail_msg("%s", f->err.message);
    assert_int_equal(duck_cell(&rows, 0, 0)->integer, 10000);
    assert_true(duck_cell(&rows, 0, 1)->boolean);
}

static void test_an_error_of_the_source_comes_back_whole(void **state)
{
    struct fixture *f = *state;
    f->numbers = (struct numbers){.end = 10000, .fail_at = 5000};
    struct duck_rows rows;
    assert_int_equal(duck_query(f->connection, f->arena, STR("SELECT count(*) FROM feed('n''s')"),
                                NULL, &rows, &f->err),
                     RC_CORRUPT);
    assert_string_equal(f->err.message, "row 5000 is broken");
    assert_string_equal(f->err.hint, "mend it");
}

static void test_names_are_taken_once_and_forgotten(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(duck_feed_register(f->duck, STR("n's"), &f->source, &f->err), RC_EXISTS);
    duck_feed_forget(f->duck, STR("n's"));
    struct duck_rows rows;
    assert_int_equal(
        duck_query(f->connection, f->arena, STR("FROM feed('n''s')"), NULL, &rows, &f->err),
        RC_INVALID);
    assert_int_equal(duck_feed_register(f->duck, STR("n's"), &f->source, &f->err), RC_OK);
}

static void test_an_empty_feed_gives_no_row(void **state)
{
    struct fixture *f = *state;
    struct duck_rows rows;
    assert_int_equal(
        duck_query(f->connection, f->arena, STR("FROM feed('n''s')"), NULL, &rows, &f->err), RC_OK);
    assert_int_equal(rows.row_count, 0);
    assert_int_equal(rows.column_count, sizeof columns / sizeof columns[0]);
}

int main(void)
{
#define CASE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        CASE(test_every_type_arrives_with_its_value),
        CASE(test_an_error_of_the_source_comes_back_whole),
        CASE(test_names_are_taken_once_and_forgotten),
        CASE(test_an_empty_feed_gives_no_row),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
