// Proves: the template's chess source on its recordings: which months are requested when, by
// Pacific time; what is handed over; what the state remembers; that a player added later gets his
// history.

#include "unit_test.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/time.h"
#include "ingest/source/source_file.h"
#include "net/recording.h"

#define FOLDER "template/pipelines/ingest/chess-ingestion"

static struct arena *arena;
static struct str folder;
static struct json states; // resource -> state, from run to run

struct seen {
    size_t players, games, requests, units;
    str_vec urls;
};
static struct seen seen;

static void write_file(const char *name, struct str text)
{
    struct str path;
    assert_int_equal(fs_join(arena, folder, str_of(name), &path, NULL), RC_OK);
    assert_int_equal(fs_make_folders(fs_parent(path), NULL), RC_OK);
    assert_int_equal(fs_write(path, text, (struct fs_write_options){0}, NULL), RC_OK);
}

static int setup(void **state)
{
    (void)state;
    arena = arena_open(NULL);
    states = (struct json){.kind = JSON_OBJECT};
    char name[] = P_tmpdir "/moulin-chess-XXXXXX";
    assert_non_null(mkdtemp(name));
    folder = arena_str(arena, str_of(name));
    struct str source;
    assert_int_equal(fs_read(arena, STR(FOLDER "/source.yml"), 1 << 20, &source, NULL), RC_OK);
    write_file("pipelines/ingest/chess-ingestion/source.yml", source);
    write_file("moulin.yml", STR("name: test\ndefault_environment: local\nenvironments:\n  local:\n"
                                 "    warehouse: ./warehouse\n"
                                 "    catalog: {type: sql, uri: \"sqlite:///warehouse/c.db\"}\n"
                                 "    engine: {type: embedded}\n"));
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    assert_int_equal(fs_remove_tree(folder, NULL), RC_OK);
    arena_close(arena);
    return 0;
}

static rc on_record(void *ctx, const struct resource *resource, const struct json *record,
                    struct err *err)
{
    (void)ctx, (void)err;
    if (str_is(resource->name, "players"))
        seen.players++;
    else if (str_is(resource->name, "players_games"))
        seen.games++;
    else
        fail_msg("a record of %.*s", STR_ARGS(resource->name));
    assert_int_equal(resource->write_disposition, WRITE_MERGE);
    assert_non_null(json_get(record, resource->primary_key.items[0]));
    return RC_OK;
}

static rc on_unit(void *ctx, const struct resource *resource, const struct json *state,
                  struct err *err)
{
    (void)ctx, (void)err;
    seen.units++;
    assert_non_null(state);
    *json_object_set(arena, &states, arena_str(arena, resource->name)) = json_copy(arena, state);
    return RC_OK;
}

static void on_request(void *ctx, const struct http_request *request)
{
    (void)ctx;
    *vec_push(arena, &seen.urls) = arena_str(arena, request->url);
    bool has_agent = false;
    for (size_t i = 0; i < request->header_count; i++)
        has_agent |= str_is(request->headers[i].name, "User-Agent") &&
                     str_contains(request->headers[i].value, STR("contact:"));
    assert_true(has_agent);
}

static bool was_requested(const char *end)
{
    for (size_t i = 0; i < seen.urls.count; i++)
        if (str_has_suffix(seen.urls.items[i], str_of(end)))
            return true;
    return false;
}

static rc run(const char *recording_name, const char *now, const char *start, const char *end,
              struct source_report *report, struct err *err)
{
    struct recording *recording;
    struct project *project;
    struct source_file file;
    struct time_text time;
    seen = (struct seen){0};
    const struct str path = arena_printf(arena, FOLDER "/recordings/%s", recording_name);
    assert_int_equal(recording_open_replay(path, &recording, err), RC_OK);
    recording_on_request(recording, on_request, NULL);
    const struct str_pair vars[] = {{STR("start_month"), str_of(start)},
                                    {STR("end_month"), str_of(end)}};
    const struct project_options in = {.folder = folder, .vars = vars, .var_count = 2};
    assert_int_equal(project_open(arena, in, &project, err), RC_OK);
    const struct source_options options = {.name = STR("chess"), .recording = recording};
    const rc opened = source_file_open(project, arena, &options, &file, err);
    if (opened != RC_OK)
        fail_msg("%s", err->message);
    assert_int_equal(time_parse_iso(str_of(now), &time, err), RC_OK);
    const struct json **from =
        ARENA_ARRAY(arena, const struct json *, source_resource_count(file.source));
    for (size_t i = 0; i < source_resource_count(file.source); i++)
        from[i] = json_get(&states, source_resource(file.source, i)->name);
    const struct source_run source_run_of = {.states = from, .now_us = time.us};
    const struct record_sink sink = {NULL, on_record, on_unit};
    const rc code = source_run(file.source, &source_run_of, &sink, report, err);
    source_close(file.source);
    recording_abandon(recording);
    return code;
}

static void run_ok(const char *recording_name, const char *now, const char *start, const char *end)
{
    struct source_report report;
    struct err err = {0};
    if (run(recording_name, now, start, end, &report, &err) != RC_OK)
        fail_msg("%s", err.message);
}

static void backfills_land_every_game_once(void **state)
{
    (void)state;
    run_ok("2009-10-15.har", "2009-10-15T12:00:00Z", "2009/10", "2009/10");
    assert_int_equal(seen.players, 1); // the other profile is a 404
    assert_int_equal(seen.games, 21);
    assert_true(was_requested("/erik/games/2009/10"));
    assert_false(was_requested("/fabianocaruana/games/2020/05")); // not begun, and out of range

    run_ok("2009-11-02.har", "2009-11-02T12:00:00Z", "2009/10", "2009/10");
    assert_int_equal(seen.players, 0); // not online since
    assert_int_equal(seen.games, 46);

    run_ok("2009-11-02.har", "2009-11-02T12:00:00Z", "2009/10", "2009/10");
    assert_int_equal(seen.games, 0); // the month is over and read
    assert_false(was_requested("/erik/games/2009/10"));

    run_ok("2020-06-02.har", "2020-06-02T12:00:00Z", "2020/05", "2020/05");
    assert_int_equal(seen.games, 17);
    run_ok("2020-06-02.har", "2020-06-02T12:00:00Z", "2020/05", "2020/05");
    assert_int_equal(seen.games, 0);
    const struct json *closed = json_path(&states, "players_games", "time_partition");
    assert_string_equal(
        arena_cstr(arena, json_print(arena, closed, JSON_COMPACT)),
        "{\"https://api.chess.com/pub/player/erik/games/\":[\"2009-10\"],"
        "\"https://api.chess.com/pub/player/fabianocaruana/games/\":[\"2020-05\"]}");
}

// October 2009 ends on 1 November, 07:00 UTC (midnight in Los Angeles, summer time). The source
// counts it as over 12 hours later.
static void a_month_ends_by_pacific_time(void **state)
{
    (void)state;
    static const struct {
        const char *now;
        size_t games;
        const char *why;
    } runs[] = {
        {"2009-10-31T23:30:00Z", 46, "October"},
        {"2009-11-01T06:59:59Z", 46, "November in UTC, October in Los Angeles"},
        {"2009-11-01T06:59:59Z", 46, "still"},
        {"2009-11-01T18:59:59Z", 46, "over, but the API may not know yet"},
        {"2009-11-01T19:00:00Z", 46, "once more after its end"},
        {"2009-11-01T19:00:01Z", 0, "and never again"},
        {"2010-01-01T00:00:00Z", 0, "and never again"},
    };
    for (size_t i = 0; i < sizeof runs / sizeof *runs; i++) {
        run_ok("2009-11-02.har", runs[i].now, "2009/10", "2009/10");
        if (seen.games != runs[i].games)
            fail_msg("%s: %zu games, wanted %zu (%s)", runs[i].now, seen.games, runs[i].games,
                     runs[i].why);
    }
}

static void a_month_that_has_not_begun_is_not_requested(void **state)
{
    (void)state;
    run_ok("2009-11-02.har", "2009-10-01T06:59:59Z", "2009/10", "");
    assert_false(was_requested("/erik/games/2009/10"));
    run_ok("2009-11-02.har", "2009-10-01T07:00:00Z", "2009/10", "");
    assert_true(was_requested("/erik/games/2009/10"));
}

static void a_failed_month_is_requested_again(void **state)
{
    (void)state;
    struct source_report report;
    struct err err = {0};
    // 2009/11 is not in the recording: the run fails behind October.
    assert_int_equal(
        run("2009-11-02.har", "2010-01-01T00:00:00Z", "2009/10", "2009/12", &report, &err),
        RC_NOT_FOUND);
    assert_non_null(strstr(err.message, "resource 'players_games'"));
    assert_non_null(strstr(err.message, "/erik/games/2009/11"));
    // October ended as a unit of its own, with its state.
    run_ok("2009-11-02.har", "2010-01-01T00:00:00Z", "2009/10", "2009/10");
    assert_int_equal(seen.games, 0);
}

static void wrong_limits_are_told(void **state)
{
    (void)state;
    struct project *project;
    struct source_file file;
    struct err err = {0};
    const struct str_pair vars[] = {{STR("start_month"), STR("October")}};
    const struct project_options in = {.folder = folder, .vars = vars, .var_count = 1};
    assert_int_equal(project_open(arena, in, &project, &err), RC_OK);
    const struct source_options options = {.name = STR("chess")};
    assert_int_equal(source_file_open(project, arena, &options, &file, &err), RC_CONFIG);
    assert_non_null(strstr(err.message, "time_partition.start 'October'"));
    assert_true(err.line > 0);
}

static void unknown_keys_are_told_with_their_place(void **state)
{
    (void)state;
    struct project *project;
    struct source_file file;
    struct err err = {0};
    write_file("pipelines/ingest/chess-ingestion/source.yml",
               STR("resources:\n  - name: a\n    endpoint:\n      pth: x\n"));
    const struct project_options in = {.folder = folder};
    assert_int_equal(project_open(arena, in, &project, &err), RC_OK);
    const struct source_options options = {.name = STR("chess")};
    assert_int_equal(source_file_open(project, arena, &options, &file, &err), RC_CONFIG);
    assert_int_equal(err.line, 4);
    assert_int_equal(err.column, 7);
    assert_non_null(strstr(err.message, "pth"));
    assert_non_null(strstr(err.hint, "path"));
    const struct source_options other = {.name = STR("ches")};
    assert_int_equal(source_file_open(project, arena, &other, &file, &err), RC_NOT_FOUND);
    assert_non_null(strstr(err.hint, "chess"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(backfills_land_every_game_once),
        TEST(a_month_ends_by_pacific_time),
        TEST(a_month_that_has_not_begun_is_not_requested),
        TEST(a_failed_month_is_requested_again),
        TEST(wrong_limits_are_told),
        TEST(unknown_keys_are_told_with_their_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
