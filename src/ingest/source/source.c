// Sources: what is common to all drivers, and the table of drivers. Layer: ingest.
// A new kind of source is one file with a row here. Threads: a source belongs to one thread.

#include "ingest/source/source.h"

#include "ingest/source/rest.intern.h"
#include "net/url.h"

size_t source_resource_count(const struct source *source)
{
    return source->resource_count;
}

const struct resource *source_resource(const struct source *source, size_t index)
{
    return &source->resources[index];
}

const struct resource *source_find_resource(const struct source *source, struct str name)
{
    for (size_t i = 0; i < source->resource_count; i++)
        if (str_equal(source->resources[i].name, name))
            return &source->resources[i];
    return NULL;
}

void source_hide(struct source *source, struct str secret)
{
    const struct str spellings[] = {secret, url_encode_form(source->arena, secret),
                                    url_encode(source->arena, secret, STR(""))};
    for (size_t i = 0; i < sizeof spellings / sizeof *spellings; i++)
        if (i == 0 || !str_equal(spellings[i], secret))
            secret_list_add(source->arena, &source->secrets,
                            secret_new(source->arena, spellings[i]));
}

static void clean(const struct source *source, char *text, size_t text_bytes)
{
    struct arena *scratch = arena_open(NULL);
    const struct str cleaned = secret_redact(scratch, &source->secrets, str_of(text));
    const size_t length = cleaned.length < text_bytes ? cleaned.length : text_bytes - 1;
    memmove(text, cleaned.bytes, length);
    text[length] = '\0';
    arena_close(scratch);
}

rc source_run(struct source *source, const struct source_run *run, const struct record_sink *sink,
              struct source_report *ret_report, struct err *err)
{
    struct source_report report = {0};
    const rc code = source->driver->run(source, run, sink, &report, err);
    if (code != RC_OK && err != NULL) {
        clean(source, err->message, sizeof err->message);
        clean(source, err->hint, sizeof err->hint);
        clean(source, err->place, sizeof err->place);
    }
    TRY(code);
    if (ret_report != NULL)
        *ret_report = report;
    return RC_OK;
}

void source_close(struct source *source)
{
    if (source == NULL)
        return;
    if (source->driver != NULL && source->driver->close != NULL)
        source->driver->close(source);
    arena_close(source->arena);
}

static void close_rest(struct source *source)
{
    struct rest_source *rest = source->driver_data;
    if (rest != NULL && rest->owns_http)
        http_close(rest->http);
}

static const struct source_driver drivers[] = {
    {"rest_api", rest_open, rest_run, close_rest},
};

static rc find_driver(struct str type, const struct source_driver **ret_driver, struct err *err)
{
    enum { COUNT = sizeof drivers / sizeof *drivers };
    struct str names[COUNT];
    for (size_t i = 0; i < COUNT; i++) {
        names[i] = str_of(drivers[i].type);
        if (str_equal(type, names[i])) {
            *ret_driver = &drivers[i];
            return RC_OK;
        }
    }
    err_set(err, RC_CONFIG, "there is no source type '%.*s'", STR_ARGS(type));
    const size_t nearest = str_nearest(type, names, COUNT);
    return nearest != SIZE_MAX ? err_hint(err, "did you mean %.*s?", STR_ARGS(names[nearest]))
                               : err_hint(err, "this program has: rest_api");
}

rc source_open_json(const struct json *config, const struct source_options *options,
                    struct source **ret_source, struct err *err)
{
    const struct source_driver *driver;
    TRY(find_driver(json_str(json_get(config, STR("type")), STR("rest_api")), &driver, err));
    struct arena *arena = arena_open(NULL);
    struct source *source = ARENA_NEW(arena, struct source);
    source->arena = arena;
    source->name = arena_str(arena, options->name);
    source->driver = driver;
    struct json *copy = ARENA_NEW(arena, struct json);
    *copy = json_copy(arena, config); // resources point into it
    const rc code = driver->open(source, copy, options, err);
    if (code != RC_OK) {
        source_close(source);
        return code;
    }
    *ret_source = source;
    return RC_OK;
}
