#include "vectors.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/compress.h"
#include "base/fs.h"

enum { FILE_MAX_BYTES = 1 << 30 };

static void stop(const struct err *err)
{
    char text[2048];
    fprintf(stderr, "error: %s\n", err_text(err, text, sizeof text));
    exit(2);
}

struct str vectors_path(struct vectors *v, const char *name)
{
    struct str path;
    struct err err;
    if (fs_join(v->arena, v->dir, str_of(name), &path, &err) != RC_OK)
        stop(&err);
    return path;
}

struct str vectors_file(struct vectors *v, const char *name)
{
    struct str path = vectors_path(v, name), text;
    struct err err;
    const struct str packed = str_concat(v->arena, path, STR(".gz"));
    if (!fs_exists(path) && fs_exists(packed))
        path = packed;
    if (fs_read(v->arena, path, FILE_MAX_BYTES, &text, &err) != RC_OK)
        stop(&err);
    if (!str_has_suffix(path, STR(".gz")))
        return text;
    struct str expanded;
    if (compress_expand(v->arena, COMPRESS_GZIP, text, FILE_MAX_BYTES, name, &expanded, &err) !=
        RC_OK)
        stop(&err);
    return expanded;
}

struct json vectors_json(struct vectors *v, const char *name)
{
    struct json value;
    struct err err;
    if (json_parse(v->arena, vectors_file(v, name), name, &value, &err) != RC_OK)
        stop(&err);
    return value;
}

void vectors_each_line(struct vectors *v, const char *name,
                       void (*run)(struct vectors *v, const struct json *line))
{
    struct str rest = vectors_file(v, name), line;
    for (int number = 1; str_split_next(&rest, '\n', &line); number++) {
        if (str_trim(line).length == 0)
            continue;
        arena_reset(v->scratch);
        v->case_name = arena_printf(v->scratch, "%s:%d", name, number);
        struct json value;
        struct err err;
        if (json_parse(v->scratch, line, name, &value, &err) != RC_OK)
            stop(&err);
        run(v, &value);
    }
}

void vectors_pass(struct vectors *v)
{
    printf("PASS\t%.*s\n", STR_ARGS(v->case_name));
    fflush(stdout);
}

void vectors_fail(struct vectors *v, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    struct str message = arena_vprintf(v->scratch, format, args);
    va_end(args);
    printf("FAIL\t%.*s\t", STR_ARGS(v->case_name));
    for (size_t i = 0; i < message.length; i++) // one line per case
        putchar(message.bytes[i] == '\n' ? ' ' : message.bytes[i]);
    putchar('\n');
    fflush(stdout); // what ran before a crash is told
}

int vectors_main(int argc, char **argv, const struct vectors_suite *suites)
{
    if (argc != 3) {
        fprintf(stderr, "usage: %s SUITE DIR\n", argv[0]);
        return 2;
    }
    for (; suites->name != NULL; suites++) {
        if (strcmp(suites->name, argv[1]) != 0)
            continue;
        struct vectors v = {.arena = arena_open(NULL), .dir = str_of(argv[2])};
        v.scratch = arena_open(v.arena);
        suites->run(&v);
        arena_close(v.arena);
        return 0;
    }
    fprintf(stderr, "error: this runner has no suite '%s'\n", argv[1]);
    return 2;
}
