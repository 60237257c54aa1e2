// The S3 store against a real server: `s3_suite s3://bucket/prefix [KEYS]`, the server by
// AWS_ENDPOINT_URL. Proves: the contract of every store, and what only object storage has: odd
// keys, many pages, uploads in parts, one winner among many writers.

#include "unit_test.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "aws/s3.h"
#include "base/random.h"
#include "store_contract.h"

static struct str base;
static int64_t key_count = 1100; // more than one page and one batch

static void open_s3(struct fixture *f)
{
    struct aws_session *session;
    const struct aws_options options = {0};
    f->arena = arena_open(NULL);
    assert_int_equal(aws_session_open(f->arena, &options, &session, &f->err), RC_OK);
    assert_int_equal(store_open_s3(f->arena, session, &f->store, &f->err), RC_OK);
    f->root = arena_printf(f->arena, "%.*s/%.*s", STR_ARGS(base), STR_ARGS(random_uuid(f->arena)));
}

static rc keep_name(void *context, const struct store_object *object, struct err *err)
{
    (void)err;
    struct fixture *f = ((void **)context)[0];
    *vec_push(f->arena, (str_vec *)((void **)context)[1]) = arena_str(f->arena, object->uri);
    return RC_OK;
}

static str_vec names_below(struct fixture *f)
{
    str_vec names = {0};
    void *context[] = {f, &names};
    const struct str prefix = arena_printf(f->arena, "%.*s/", STR_ARGS(f->root));
    if (store_list(f->store, prefix, keep_name, context, &f->err) != RC_OK)
        fail_msg("%s", f->err.message);
    return names;
}

static void close_s3(struct fixture *f)
{
    const str_vec names = names_below(f);
    if (store_remove_many(f->store, names.items, names.count, &f->err) != RC_OK)
        fail_msg("%s", f->err.message);
    assert_int_equal(names_below(f).count, 0);
    arena_close(f->arena);
}

static void keeps_the_contract(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof checks / sizeof checks[0]; i++) {
        struct fixture f = {0};
        open_s3(&f);
        checks[i](&f);
        close_s3(&f);
    }
}

static void keys_are_literal(void **state)
{
    (void)state;
    static const char *const keys[] = {
        "a b",      "a%20b",     "a+b",   "k=v&w/x", "\xc3\xbc/\xe2\x82\xac",
        "q\"'<>#;", "tilde~._-", "(1),!", "a:b@c$"};
    struct fixture f = {0};
    open_s3(&f);
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        put(&f, keys[i], keys[i]);
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        const struct str prefix = name(&f, keys[i]);
        str_vec found = {0};
        void *context[] = {&f, &found};
        assert_content(&f, keys[i], keys[i]);
        assert_int_equal(store_list(f.store, prefix, keep_name, context, &f.err), RC_OK);
        assert_int_equal(found.count, 1);
        assert_true(str_equal(found.items[0], prefix));
    }
    close_s3(&f);
}

static void other_schemes_name_the_same_objects(void **state)
{
    (void)state;
    struct fixture f = {0};
    open_s3(&f);
    put(&f, "x/y", "1");
    const struct str rest = str_slice(f.root, 5, SIZE_MAX);
    struct str got;
    assert_int_equal(store_get(f.store, f.arena,
                               arena_printf(f.arena, "s3a://%.*s/x/y", STR_ARGS(rest)), 9, &got,
                               &f.err),
                     RC_OK);
    str_vec found = {0};
    void *context[] = {&f, &found};
    assert_int_equal(store_list(f.store, arena_printf(f.arena, "s3a://%.*s/x/", STR_ARGS(rest)),
                                keep_name, context, &f.err),
                     RC_OK);
    assert_int_equal(found.count, 1);
    assert_true(str_has_prefix(found.items[0], STR("s3a://")));
    struct str path;
    assert_int_equal(store_reader_path(f.store, f.arena, found.items[0], &path, &f.err), RC_OK);
    assert_true(str_has_prefix(path, STR("s3://")));
    close_s3(&f);
}

// More than one page of a listing, and more than one batch of a removal.
static void lists_and_removes_by_the_thousand(void **state)
{
    (void)state;
    struct fixture f = {0};
    open_s3(&f);
    for (int i = 0; i < key_count; i++)
        put(&f, arena_printf(f.arena, "many/%05d", i).bytes, "");
    const str_vec names = names_below(&f);
    assert_int_equal(names.count, key_count);
    for (size_t i = 1; i < names.count; i++)
        assert_true(str_compare(names.items[i - 1], names.items[i]) < 0);
    close_s3(&f);
}

// Bytes that a wrong order or a lost part would show.
static void fill(char *to, size_t length, uint64_t at)
{
    for (size_t i = 0; i < length; i++)
        to[i] = (char)((at + i) * 2654435761u >> 13);
}

static void writes_in_parts(void **state)
{
    (void)state;
    static const size_t sizes[] = {S3_PART_BYTES - 1, S3_PART_BYTES, S3_PART_BYTES + 1,
                                   2 * S3_PART_BYTES, 3 * S3_PART_BYTES + 12345};
    enum { PIECE = 700001 };
    struct fixture f = {0};
    open_s3(&f);
    char *piece = arena_alloc(f.arena, PIECE);
    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
        const struct str uri = name(&f, arena_printf(f.arena, "large/%zu", s).bytes);
        struct store_writer *writer;
        assert_int_equal(store_writer_open(f.store, f.arena, uri,
                                           (struct store_put_options){.must_be_new = true}, &writer,
                                           &f.err),
                         RC_OK);
        for (size_t at = 0; at < sizes[s]; at += PIECE) {
            const size_t length = sizes[s] - at < PIECE ? sizes[s] - at : PIECE;
            fill(piece, length, at);
            assert_int_equal(store_write(writer, piece, length, &f.err), RC_OK);
        }
        if (store_writer_finish(writer, &f.err) != RC_OK)
            fail_msg("%s", f.err.message);
        struct arena *scratch = arena_open(NULL);
        struct str got;
        if (store_get(f.store, scratch, uri, sizes[s], &got, &f.err) != RC_OK)
            fail_msg("%s", f.err.message);
        assert_int_equal(got.length, sizes[s]);
        char *expected = arena_alloc(scratch, sizes[s]);
        fill(expected, sizes[s], 0);
        assert_memory_equal(got.bytes, expected, sizes[s]);
        assert_int_equal(
            store_get_range(f.store, scratch, uri, (int64_t)sizes[s] - 10, 99, &got, &f.err),
            RC_OK);
        assert_int_equal(got.length, 10);
        arena_close(scratch);
        // Once more: the name is taken, and what was sent is given up.
        assert_int_equal(store_writer_open(f.store, f.arena, uri,
                                           (struct store_put_options){.must_be_new = true}, &writer,
                                           &f.err),
                         RC_OK);
        for (size_t at = 0; at <= S3_PART_BYTES; at += PIECE)
            assert_int_equal(store_write(writer, piece, PIECE, &f.err), RC_OK);
        assert_int_equal(store_writer_finish(writer, &f.err), RC_EXISTS);
    }
    close_s3(&f);
}

static void an_aborted_upload_leaves_nothing(void **state)
{
    (void)state;
    struct fixture f = {0};
    open_s3(&f);
    struct arena *inner = arena_open(f.arena);
    struct store_writer *writer;
    char *bytes = arena_alloc(inner, S3_PART_BYTES);
    assert_int_equal(store_writer_open(f.store, inner, name(&f, "half"),
                                       (struct store_put_options){0}, &writer, &f.err),
                     RC_OK);
    for (int i = 0; i < 3; i++)
        assert_int_equal(store_write(writer, bytes, S3_PART_BYTES, &f.err), RC_OK);
    arena_close(inner);
    assert_int_equal(names_below(&f).count, 0);
    close_s3(&f);
}

struct racer {
    struct fixture *f;
    struct str uri;
    int number;
    rc result;
};

static void *race(void *object)
{
    struct racer *racer = object;
    struct err err = {0};
    char text[16];
    snprintf(text, sizeof text, "%d", racer->number);
    racer->result = store_put(racer->f->store, racer->uri, str_of(text),
                              (struct store_put_options){.must_be_new = true}, &err);
    return NULL;
}

static void one_of_many_writers_wins(void **state)
{
    (void)state;
    enum { WRITERS = 8, ROUNDS = 10 };
    struct fixture f = {0};
    open_s3(&f);
    for (int round = 0; round < ROUNDS; round++) {
        const struct str uri = name(&f, arena_printf(f.arena, "race/%d", round).bytes);
        struct racer racers[WRITERS];
        pthread_t threads[WRITERS];
        for (int i = 0; i < WRITERS; i++) {
            racers[i] = (struct racer){&f, uri, i, RC_INTERNAL};
            assert_int_equal(pthread_create(&threads[i], NULL, race, &racers[i]), 0);
        }
        int winner = -1;
        for (int i = 0; i < WRITERS; i++) {
            pthread_join(threads[i], NULL);
            if (racers[i].result == RC_OK) {
                assert_int_equal(winner, -1);
                winner = i;
            } else {
                assert_int_equal(racers[i].result, RC_EXISTS);
            }
        }
        assert_true(winner >= 0);
        assert_content(&f, arena_printf(f.arena, "race/%d", round).bytes,
                       arena_printf(f.arena, "%d", winner).bytes);
    }
    close_s3(&f);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keeps_the_contract),
        cmocka_unit_test(keys_are_literal),
        cmocka_unit_test(other_schemes_name_the_same_objects),
        cmocka_unit_test(lists_and_removes_by_the_thousand),
        cmocka_unit_test(writes_in_parts),
        cmocka_unit_test(an_aborted_upload_leaves_nothing),
        cmocka_unit_test(one_of_many_writers_wins),
    };
    if (argc < 2 || (argc > 2 && !str_to_int64(str_of(argv[2]), &key_count))) {
        fprintf(stderr, "usage: s3_suite s3://bucket/prefix [KEYS]\n");
        return 2;
    }
    base = str_of(argv[1]);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
