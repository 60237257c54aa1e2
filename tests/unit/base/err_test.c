// What base/err.h, base/buf.h and base/log.h promise: messages, places, hints, caps.

#include "unit_test.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/json.h"
#include "base/log.h"

static void test_context_is_put_before_the_message(void **state)
{
    (void)state;
    struct err err;
    char text[2048];
    assert_int_equal(err_set_at(&err, RC_CONFIG, "f.yml", 3, 7, "expected %d", 5), RC_CONFIG);
    assert_int_equal(err_context(&err, "field %d", 2), RC_CONFIG);
    assert_string_equal(err_text(&err, text, sizeof text), "f.yml:3:7: field 2: expected 5");
    assert_int_equal(err_hint(&err, "try %s", "this"), RC_CONFIG);
    assert_string_equal(err.hint, "try this");
    assert_int_equal(err_set(&err, RC_NETWORK, "again: %s", err.message), RC_NETWORK);
    assert_string_equal(err.message, "again: field 2: expected 5"); // may quote itself
    assert_true(err.is_retryable);
    assert_int_equal(err_set(NULL, RC_IO, "nobody listens"), RC_IO);
}

static void test_long_messages_are_cut_not_overrun(void **state)
{
    (void)state;
    struct err err;
    char text[ERR_MESSAGE_BYTES * 2];
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    err_set_at(&err, RC_IO, text, 1, 1, "%s", text);
    assert_int_equal(strlen(err.message), ERR_MESSAGE_BYTES - 1);
    assert_int_equal(strlen(err.place), ERR_PLACE_BYTES - 1);
    err_context(&err, "%s", text);
    err_hint(&err, "%s", text);
    assert_true(strlen(err.message) < ERR_MESSAGE_BYTES);
}

static void test_system_errors_have_their_class(void **state)
{
    (void)state;
    static const struct {
        int number;
        rc code;
    } cases[] = {{ENOENT, RC_NOT_FOUND}, {EACCES, RC_DENIED}, {EROFS, RC_DENIED},
                 {ENOSPC, RC_NO_SPACE},  {EEXIST, RC_EXISTS}, {EIO, RC_IO}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct err err;
        assert_int_equal(err_system(&err, cases[i].number, "cannot read %s", "x"), cases[i].code);
        assert_non_null(strstr(err.message, "cannot read x: "));
    }
}

static void test_each_code_has_a_name_and_an_exit_code(void **state)
{
    (void)state;
    for (int code = 0; code < RC_COUNT; code++) {
        assert_non_null(rc_class_of((rc)code)->name);
        assert_true(code == 0 ? rc_class_of((rc)code)->exit_code == 0
                              : rc_class_of((rc)code)->exit_code > 0);
    }
    assert_int_equal(rc_class_of(RC_CONFIG)->exit_code, 2);
    assert_int_equal(rc_class_of(RC_REFUSED)->exit_code, 3);
    assert_int_equal(rc_class_of(RC_INTERRUPTED)->exit_code, 130);
    assert_ptr_equal(rc_class_of((rc)9999), rc_class_of(RC_INTERNAL));
}

static void test_a_buffer_stops_at_its_cap_and_tells_it_once_asked(void **state)
{
    (void)state;
    struct buf buf;
    struct err err;
    buf_init(&buf, 10);
    buf_append_cstr(&buf, "12345");
    buf_printf(&buf, "%d", 67890);
    assert_int_equal(buf_check(&buf, &err, "the answer"), RC_OK);
    buf_append_byte(&buf, 'x');
    buf_append_cstr(&buf, "y");
    assert_null(buf_extend(&buf, 1));
    assert_int_equal(buf_check(&buf, &err, "the answer"), RC_LIMIT);
    assert_non_null(strstr(err.message, "the answer"));
    assert_memory_equal(buf.bytes, "1234567890", 10);
    buf_clear(&buf);
    assert_int_equal(buf_check(&buf, &err, "the answer"), RC_OK);
    buf_append_cstr(&buf, "abc");
    buf_truncate(&buf, 1);
    assert_true(str_is(buf_str(&buf), "a"));
    buf_done(&buf);
}

static int pipe_ends[2];

static const char *logged(void)
{
    static char text[8192];
    const ssize_t length = read(pipe_ends[0], text, sizeof text - 1);
    text[length > 0 ? length : 0] = '\0';
    return text;
}

static void test_log_lines_are_text_or_json_and_filtered_by_level(void **state)
{
    (void)state;
    assert_int_equal(pipe2(pipe_ends, O_NONBLOCK), 0);
    struct log_options options = {.level = LOG_LEVEL_INFO, .fd = pipe_ends[1]};
    log_configure(options);
    log_debug("unseen");
    log_info("%d rows", 3);
    log_warn("careful");
    assert_string_equal(logged(), "3 rows\nwarn: careful\n");
    struct err err;
    err_set_at(&err, RC_CONFIG, "f.yml", 1, 2, "no \"x\"");
    err_hint(&err, "add it");
    log_error(&err);
    assert_string_equal(logged(), "error: f.yml:1:2: no \"x\"\nHINT: add it\n");

    options.format = LOG_FORMAT_JSON;
    log_configure(options);
    log_error(&err);
    struct arena *arena = arena_open(NULL);
    struct json line;
    assert_int_equal(json_parse(arena, str_of(logged()), "log", &line, &err), RC_OK);
    assert_true(str_is(json_str(json_get(&line, STR("message")), STR("")), "f.yml:1:2: no \"x\""));
    assert_true(str_is(json_str(json_get(&line, STR("hint")), STR("")), "add it"));
    arena_close(arena);
    close(pipe_ends[0]);
    close(pipe_ends[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_context_is_put_before_the_message),
        cmocka_unit_test(test_long_messages_are_cut_not_overrun),
        cmocka_unit_test(test_system_errors_have_their_class),
        cmocka_unit_test(test_each_code_has_a_name_and_an_exit_code),
        cmocka_unit_test(test_a_buffer_stops_at_its_cap_and_tells_it_once_asked),
        cmocka_unit_test(test_log_lines_are_text_or_json_and_filtered_by_level),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
