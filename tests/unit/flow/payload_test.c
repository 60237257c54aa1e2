// What flow/payload.h promises: options of an ingestion from an event, and a refusal of what nobody
// knows.

#include "unit_test.h"

#include "flow/payload.h"

static struct arena *arena;

static int open_arena(void **state)
{
    (void)state;
    arena = arena_open(NULL);
    return 0;
}

static int close_arena(void **state)
{
    (void)state;
    arena_close(arena);
    return 0;
}

static rc read(const char *text, struct payload *ret_payload, struct err *err)
{
    struct json event;
    assert_int_equal(json_parse(arena, str_of(text), "event", &event, err), RC_OK);
    return payload_read(arena, &event, ret_payload, err);
}

static void events_become_options(void **state)
{
    (void)state;
    static const struct {
        const char *event, *run_id, *options;
    } cases[] = {
        {"{}", "", ""},
        {"null", "", ""},
        {"{\"input\":null,\"run_id\":\"a b\"}", "a b", ""},
        {"{\"input\":{\"resources\":[\"a\",\"b\"],\"full_refresh\":true}}", "",
         "--resource=a --resource=b --full-refresh"},
        {"{\"input\":{\"full_refresh\":false,\"limit\":3}}", "", "--limit=3"},
        {"{\"input\":{\"start_month\":\"2020/01\",\"end_month\":\"2020/"
         "02\",\"now\":\"2020-03-01\"}}",
         "", "--start-month=2020/01 --end-month=2020/02 --now=2020-03-01"},
        {"{\"input\":{\"vars\":{\"who\":\"me\",\"n\":7}}}", "", "--var=who=me --var=n=7"},
        // What looks like an option stays a value.
        {"{\"input\":{\"resources\":[\"--full-refresh\"]}}", "", "--resource=--full-refresh"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct payload payload;
        struct err err = {0};
        assert_int_equal(read(cases[i].event, &payload, &err), RC_OK);
        const struct str options =
            str_join(arena, payload.options.items, payload.options.count, STR(" "));
        assert_string_equal(arena_cstr(arena, payload.run_id), cases[i].run_id);
        assert_string_equal(arena_cstr(arena, options), cases[i].options);
    }
}

static void what_nobody_knows_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *event, *word;
    } cases[] = {
        {"[]", "object"},
        {"{\"full_refresh\":true}", "full_refresh"},
        {"{\"run_id\":7}", "run_id"},
        {"{\"input\":[]}", "input"},
        {"{\"input\":{\"resorces\":[]}}", "input.resorces"},
        {"{\"input\":{\"resources\":\"players\"}}", "input.resources"},
        {"{\"input\":{\"resources\":[1]}}", "input.resources"},
        {"{\"input\":{\"full_refresh\":\"yes\"}}", "input.full_refresh"},
        {"{\"input\":{\"limit\":0}}", "input.limit"},
        {"{\"input\":{\"limit\":1.5}}", "input.limit"},
        {"{\"input\":{\"vars\":{\"a\":[]}}}", "input.vars.a"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct payload payload;
        struct err err = {0};
        assert_int_equal(read(cases[i].event, &payload, &err), RC_USAGE);
        assert_non_null(strstr(err.message, cases[i].word));
    }
}

static void classes_become_error_names(void **state)
{
    (void)state;
    assert_string_equal(arena_cstr(arena, payload_error_name(arena, STR("not_found"))),
                        "Moulin.NotFound");
    assert_string_equal(arena_cstr(arena, payload_error_name(arena, STR("http"))), "Moulin.Http");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(events_become_options, open_arena, close_arena),
        cmocka_unit_test_setup_teardown(what_nobody_knows_is_refused, open_arena, close_arena),
        cmocka_unit_test_setup_teardown(classes_become_error_names, open_arena, close_arena),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
