// Paginators. Layer: ingest. Source: dlt's REST client. Each paginator is a row of the table
// `classes` near the end: its arguments, `open` (reads them), `start` (what the first request
// gets), `next` (what an answer says about the next one). A new one is such a row with its
// functions in a section of their own, an entry in the schema of source.yml, and a row in
// `paginators_lead_to_the_last_page` of source_rest_test.c.
// Threads: a paginator belongs to one request chain.

#include "ingest/source/paginator.h"

#include <math.h>

#include "base/log.h"
#include "ingest/source/detector.h"
#include "ingest/source/select.h"
#include "net/url.h"

struct paginator_class;

// What the classes share; each uses the fields that its `open` fills.
struct paginator {
    const struct paginator_class *class;
    struct arena *arena;
    bool was_detected;
    const struct selector *link;     // json_link: where the next URL is; cursor: the cursor
    const struct selector *total;    // offset: number of records; page_number: of pages
    const struct selector *has_more; // a boolean
    struct str key;                  // header_link: relation; header_cursor: header
    struct str param, body_path;     // where the page, offset or cursor goes
    struct str limit_param, limit_body_path;
    int64_t value, step, base, limit, maximum;
    bool has_maximum, has_limit, stops_after_empty;
};

struct paginator_class {
    const char *name;
    const char *const *arguments; // beside "type"
    rc (*open)(struct paginator *paginator, const struct json *config, struct err *err);
    rc (*start)(struct paginator *paginator, struct page_request *request, struct err *err);
    rc (*next)(struct paginator *paginator, const struct page_answer *answer,
               struct page_request *request, bool *ret_has_next, struct err *err);
};

// --- arguments ---------------------------------------------------------------------------------

static struct str text_argument(const struct json *config, const char *name, const char *fallback)
{
    return json_str(json_get(config, str_of(name)), str_of(fallback));
}

// Absent: the fallback ("" = none). null: none.
static rc path_argument(struct paginator *paginator, const struct json *config, const char *name,
                        const char *fallback, const struct selector **ret, struct err *err)
{
    const struct json *value = json_get(config, str_of(name));
    const struct str path = value != NULL ? json_str(value, STR("")) : str_of(fallback);
    *ret = NULL;
    if (path.length == 0)
        return RC_OK;
    return selector_compile(paginator->arena, path, ret, err);
}

static rc int_argument(const struct json *config, const char *name, int64_t *value, bool *ret_given,
                       struct err *err)
{
    const struct json *given = json_get(config, str_of(name));
    *ret_given = given != NULL && given->kind != JSON_NULL;
    if (*ret_given && !json_to_int64(given, value))
        return err_set(err, RC_CONFIG, "paginator.%s wants an integer", name);
    return RC_OK;
}

// A parameter of the URL or a place in the JSON body, not both; neither: the default parameter.
static rc place_arguments(const struct json *config, const char *param_name, const char *path_name,
                          const char *fallback, struct str *ret_param, struct str *ret_path,
                          struct err *err)
{
    *ret_param = text_argument(config, param_name, "");
    *ret_path = text_argument(config, path_name, "");
    if (ret_param->length > 0 && ret_path->length > 0)
        return err_set(err, RC_CONFIG, "paginator: give %s or %s, not both", param_name, path_name);
    if (ret_param->length == 0 && ret_path->length == 0)
        *ret_param = str_of(fallback);
    return RC_OK;
}

// --- places in a request -----------------------------------------------------------------------

// Sets a value at "a.b.c" of a JSON body, making the objects on the way.
static void set_in_body(struct arena *arena, struct json *body, struct str path, struct json value)
{
    struct str part;
    struct json *at = body;
    while (str_split_next(&path, '.', &part)) {
        if (at->kind != JSON_OBJECT)
            *at = (struct json){.kind = JSON_OBJECT};
        struct json *found = NULL;
        for (size_t i = 0; i < at->count; i++)
            if (str_equal(at->members[i].key, part))
                found = &at->members[i].value;
        at = found != NULL ? found : json_object_set(arena, at, arena_str(arena, part));
    }
    *at = value;
}

static void set_in_request(struct paginator *paginator, struct page_request *request,
                           struct str param, struct str body_path, struct json value)
{
    if (body_path.length > 0)
        set_in_body(paginator->arena, &request->body, body_path, value);
    else
        *json_object_set(paginator->arena, &request->params, param) = value;
}

// --- single_page -------------------------------------------------------------------------------

static rc open_nothing(struct paginator *paginator, const struct json *config, struct err *err)
{
    (void)paginator, (void)config, (void)err;
    return RC_OK;
}

static rc start_nothing(struct paginator *paginator, struct page_request *request, struct err *err)
{
    (void)paginator, (void)request, (void)err;
    return RC_OK;
}

static rc single_page_next(struct paginator *paginator, const struct page_answer *answer,
                           struct page_request *request, bool *ret_has_next, struct err *err)
{
    (void)paginator, (void)answer, (void)request, (void)err;
    *ret_has_next = false;
    return RC_OK;
}

// --- links -------------------------------------------------------------------------------------

static rc go_to(struct paginator *paginator, struct page_request *request, struct str link,
                struct err *err)
{
    TRY_CONTEXT(url_resolve(paginator->arena, request->url, url_requote(paginator->arena, link),
                            &request->url, err),
                err, "the link to the next page");
    // The link carries all parameters itself.
    request->params = (struct json){.kind = JSON_OBJECT};
    return RC_OK;
}

static rc json_link_open(struct paginator *paginator, const struct json *config, struct err *err)
{
    return path_argument(paginator, config, "next_url_path", "next", &paginator->link, err);
}

static rc json_link_next(struct paginator *paginator, const struct page_answer *answer,
                         struct page_request *request, bool *ret_has_next, struct err *err)
{
    const struct json *link =
        paginator->link != NULL ? selector_first(paginator->link, answer->json) : NULL;
    *ret_has_next = link != NULL && link->kind == JSON_STRING && link->text.length > 0;
    if (*ret_has_next)
        return go_to(paginator, request, link->text, err);
    if (link != NULL &&
        (link->kind == JSON_NUMBER || link->kind == JSON_ARRAY || link->kind == JSON_OBJECT)) {
        err_set(err, RC_INVALID, "paginator json_link: '%.*s' holds no link",
                STR_ARGS(selector_text(paginator->link)));
        return err_hint(err,
                        "a number may be a cursor: paginator: {type: cursor, cursor_path: ...}");
    }
    return RC_OK;
}

static rc header_link_open(struct paginator *paginator, const struct json *config, struct err *err)
{
    (void)err;
    paginator->key = text_argument(config, "links_next_key", "next");
    return RC_OK;
}

static rc header_link_next(struct paginator *paginator, const struct page_answer *answer,
                           struct page_request *request, bool *ret_has_next, struct err *err)
{
    const struct str link = http_link(paginator->arena, &answer->response->headers, paginator->key);
    *ret_has_next = link.length > 0;
    return *ret_has_next ? go_to(paginator, request, link, err) : RC_OK;
}

// --- cursors -----------------------------------------------------------------------------------

static rc header_cursor_open(struct paginator *paginator, const struct json *config,
                             struct err *err)
{
    (void)err;
    paginator->key = text_argument(config, "cursor_key", "next");
    paginator->param = text_argument(config, "cursor_param", "cursor");
    return RC_OK;
}

static rc header_cursor_next(struct paginator *paginator, const struct page_answer *answer,
                             struct page_request *request, bool *ret_has_next, struct err *err)
{
    (void)err;
    const struct str cursor = http_header_get(&answer->response->headers, paginator->key);
    *ret_has_next = cursor.length > 0;
    if (*ret_has_next)
        set_in_request(paginator, request, paginator->param, STR(""),
                       json_of_str(arena_str(paginator->arena, cursor)));
    return RC_OK;
}

static rc cursor_open(struct paginator *paginator, const struct json *config, struct err *err)
{
    TRY(path_argument(paginator, config, "cursor_path", "cursors.next", &paginator->link, err));
    TRY(path_argument(paginator, config, "has_more_path", "", &paginator->has_more, err));
    paginator->stops_after_empty = json_bool(json_get(config, STR("stop_after_empty_page")), false);
    return place_arguments(config, "cursor_param", "cursor_body_path", "cursor", &paginator->param,
                           &paginator->body_path, err);
}

static bool is_truthy(const struct json *value)
{
    double number;
    switch (value->kind) {
    case JSON_NULL:
        return false;
    case JSON_BOOL:
        return value->boolean;
    case JSON_STRING:
        return value->text.length > 0;
    case JSON_NUMBER:
        return !json_to_double(value, &number) || number != 0;
    default:
        return value->count > 0;
    }
}

// The boolean at has_more_path; texts as dlt reads them.
static rc read_has_more(const struct paginator *paginator, const struct page_answer *answer,
                        bool *ret_has_more, struct err *err)
{
    static const struct {
        const char *text;
        bool value;
    } words[] = {{"yes", true}, {"true", true},   {"t", true},  {"y", true},  {"1", true},
                 {"no", false}, {"false", false}, {"f", false}, {"n", false}, {"0", false}};
    const struct json *value = selector_first(paginator->has_more, answer->json);
    if (value != NULL && value->kind == JSON_BOOL) {
        *ret_has_more = value->boolean;
        return RC_OK;
    }
    if (value != NULL && value->kind == JSON_STRING) {
        for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
            if (str_equal_ignore_case(value->text, str_of(words[i].text))) {
                *ret_has_more = words[i].value;
                return RC_OK;
            }
        }
    }
    return err_set(err, RC_INVALID,
                   "paginator %s: has_more_path '%.*s' leads to %s, wanted a boolean",
                   paginator->class->name, STR_ARGS(selector_text(paginator->has_more)),
                   value == NULL ? "nothing" : "another value");
}

static rc cursor_next(struct paginator *paginator, const struct page_answer *answer,
                      struct page_request *request, bool *ret_has_next, struct err *err)
{
    *ret_has_next = false;
    const struct json *cursor =
        paginator->link != NULL ? selector_first(paginator->link, answer->json) : NULL;
    if (paginator->stops_after_empty && answer->record_count == 0)
        return RC_OK;
    bool has_more = true;
    if (paginator->has_more != NULL)
        TRY(read_has_more(paginator, answer, &has_more, err));
    if (cursor == NULL || !is_truthy(cursor) || !has_more)
        return RC_OK;
    if (cursor->kind != JSON_STRING && cursor->kind != JSON_NUMBER)
        return err_set(err, RC_INVALID, "paginator cursor: '%.*s' holds no text and no number",
                       STR_ARGS(selector_text(paginator->link)));
    set_in_request(paginator, request, paginator->param, paginator->body_path,
                   json_copy(paginator->arena, cursor));
    *ret_has_next = true;
    return RC_OK;
}

// --- ranges: offset and page_number ------------------------------------------------------------

static rc range_open(struct paginator *paginator, const struct json *config,
                     const char *maximum_name, struct err *err)
{
    TRY(path_argument(paginator, config, "total_path", "total", &paginator->total, err));
    TRY(path_argument(paginator, config, "has_more_path", "", &paginator->has_more, err));
    paginator->stops_after_empty = json_bool(json_get(config, STR("stop_after_empty_page")), true);
    TRY(int_argument(config, maximum_name, &paginator->maximum, &paginator->has_maximum, err));
    if (paginator->total == NULL && paginator->has_more == NULL && !paginator->has_maximum &&
        !paginator->stops_after_empty)
        return err_set(err, RC_CONFIG,
                       "paginator: nothing says where the last page is: give total_path, "
                       "has_more_path, %s or stop_after_empty_page",
                       maximum_name);
    return RC_OK;
}

static rc page_number_open(struct paginator *paginator, const struct json *config, struct err *err)
{
    bool is_given;
    paginator->step = 1;
    TRY(int_argument(config, "base_page", &paginator->base, &is_given, err));
    paginator->value = paginator->base;
    TRY(int_argument(config, "page", &paginator->value, &is_given, err));
    TRY(place_arguments(config, "page_param", "page_body_path", "page", &paginator->param,
                        &paginator->body_path, err));
    return range_open(paginator, config, "maximum_page", err);
}

static rc offset_open(struct paginator *paginator, const struct json *config, struct err *err)
{
    bool is_given;
    TRY(int_argument(config, "offset", &paginator->value, &is_given, err));
    TRY(int_argument(config, "limit", &paginator->limit, &paginator->has_limit, err));
    if (!paginator->has_limit || paginator->limit < 1) {
        err_set(err, RC_CONFIG, "paginator offset wants a limit of at least 1");
        return err_hint(err, "paginator: {type: offset, limit: 100}");
    }
    paginator->step = paginator->limit;
    TRY(place_arguments(config, "offset_param", "offset_body_path", "offset", &paginator->param,
                        &paginator->body_path, err));
    TRY(place_arguments(config, "limit_param", "limit_body_path", "limit", &paginator->limit_param,
                        &paginator->limit_body_path, err));
    return range_open(paginator, config, "maximum_offset", err);
}

static rc range_start(struct paginator *paginator, struct page_request *request, struct err *err)
{
    (void)err;
    set_in_request(paginator, request, paginator->param, paginator->body_path,
                   json_of_int64(paginator->arena, paginator->value));
    if (paginator->has_limit)
        set_in_request(paginator, request, paginator->limit_param, paginator->limit_body_path,
                       json_of_int64(paginator->arena, paginator->limit));
    return RC_OK;
}

static rc read_total(const struct paginator *paginator, const struct page_answer *answer,
                     int64_t *ret_total, struct err *err)
{
    const struct json *value = selector_first(paginator->total, answer->json);
    double number;
    if (value != NULL && value->kind == JSON_STRING && str_to_int64(value->text, ret_total))
        return RC_OK;
    if (value != NULL && json_to_double(value, &number) && fabs(number) < 9e15) {
        *ret_total = (int64_t)number;
        return RC_OK;
    }
    err_set(err, RC_INVALID, "the answer has %s at total_path '%.*s', wanted a number",
            value == NULL || value->kind == JSON_NULL ? "nothing" : "another value",
            STR_ARGS(selector_text(paginator->total)));
    return err_hint(err, "name the right total_path, or write total_path: null to read until a "
                         "page is empty");
}

static rc range_next(struct paginator *paginator, const struct page_answer *answer,
                     struct page_request *request, bool *ret_has_next, struct err *err)
{
    *ret_has_next = false;
    if (paginator->stops_after_empty && answer->record_count == 0)
        return RC_OK;
    int64_t total = 0;
    if (paginator->total != NULL)
        TRY(read_total(paginator, answer, &total, err));
    paginator->value += paginator->step;
    bool has_more = true;
    if (paginator->has_more != NULL)
        TRY(read_has_more(paginator, answer, &has_more, err));
    if ((paginator->total != NULL && paginator->value >= total + paginator->base) ||
        (paginator->has_maximum && paginator->value >= paginator->maximum) || !has_more)
        return RC_OK;
    *ret_has_next = true;
    return range_start(paginator, request, err);
}

// --- auto --------------------------------------------------------------------------------------

static const struct paginator_class *class_of(struct str name);

// The order is dlt's: Link header, JSON link, number of pages, cursor, nothing.
static rc detect(struct paginator *paginator, const struct page_answer *answer, struct err *err)
{
    struct arena *arena = paginator->arena;
    const struct detected next = detect_next_page(arena, answer->json);
    const struct detected pages = detect_total_pages(arena, answer->json);
    int64_t page_count;
    paginator->was_detected = true;
    if (http_link(arena, &answer->response->headers, STR("next")).length > 0) {
        paginator->class = class_of(STR("header_link"));
        paginator->key = STR("next");
        return RC_OK;
    }
    if (next.value != NULL && next.value->kind == JSON_STRING &&
        (str_has_prefix(next.value->text, STR("http")) ||
         str_has_prefix(next.value->text, STR("/")))) {
        paginator->class = class_of(STR("json_link"));
        return detected_selector(arena, &next, &paginator->link, err);
    }
    if (pages.value != NULL &&
        (json_to_int64(pages.value, &page_count) ||
         (pages.value->kind == JSON_STRING && str_to_int64(pages.value->text, &page_count)))) {
        paginator->class = class_of(STR("page_number"));
        paginator->step = 1;
        paginator->param = STR("page");
        paginator->stops_after_empty = true;
        return detected_selector(arena, &pages, &paginator->total, err);
    }
    // `"next": false` is no cursor, nor is an empty text.
    if (next.value != NULL && next.value->kind != JSON_BOOL && is_truthy(next.value)) {
        paginator->class = class_of(STR("cursor"));
        paginator->param = STR("cursor");
        return detected_selector(arena, &next, &paginator->link, err);
    }
    paginator->class = class_of(STR("single_page"));
    return RC_OK;
}

static rc auto_next(struct paginator *paginator, const struct page_answer *answer,
                    struct page_request *request, bool *ret_has_next, struct err *err)
{
    TRY(detect(paginator, answer, err));
    return paginator->class->next(paginator, answer, request, ret_has_next, err);
}

// --- the table ---------------------------------------------------------------------------------

#define ARGUMENTS(...) ((const char *const[]){__VA_ARGS__})

static const struct paginator_class classes[] = {
    {"auto", ARGUMENTS(NULL), open_nothing, start_nothing, auto_next},
    {"single_page", ARGUMENTS(NULL), open_nothing, start_nothing, single_page_next},
    {"json_link", ARGUMENTS("next_url_path", NULL), json_link_open, start_nothing, json_link_next},
    {"header_link", ARGUMENTS("links_next_key", NULL), header_link_open, start_nothing,
     header_link_next},
    {"header_cursor", ARGUMENTS("cursor_key", "cursor_param", NULL), header_cursor_open,
     start_nothing, header_cursor_next},
    {"cursor",
     ARGUMENTS("cursor_path", "cursor_param", "cursor_body_path", "stop_after_empty_page",
               "has_more_path", NULL),
     cursor_open, start_nothing, cursor_next},
    {"offset",
     ARGUMENTS("limit", "offset", "offset_param", "limit_param", "offset_body_path",
               "limit_body_path", "total_path", "maximum_offset", "stop_after_empty_page",
               "has_more_path", NULL),
     offset_open, range_start, range_next},
    {"page_number",
     ARGUMENTS("base_page", "page", "page_param", "page_body_path", "total_path", "maximum_page",
               "stop_after_empty_page", "has_more_path", NULL),
     page_number_open, range_start, range_next},
};
enum { CLASS_COUNT = sizeof classes / sizeof *classes };

static const struct paginator_class *class_of(struct str name)
{
    if (str_is(name, "json_response")) // dlt's old name
        name = STR("json_link");
    for (size_t i = 0; i < CLASS_COUNT; i++)
        if (str_is(name, classes[i].name))
            return &classes[i];
    return NULL;
}

static rc unknown_class(struct str name, struct err *err)
{
    struct str names[CLASS_COUNT];
    for (size_t i = 0; i < CLASS_COUNT; i++)
        names[i] = str_of(classes[i].name);
    const size_t nearest = str_nearest(name, names, CLASS_COUNT);
    err_set(err, RC_CONFIG, "there is no paginator '%.*s'", STR_ARGS(name));
    if (nearest != SIZE_MAX)
        return err_hint(err, "did you mean %s?", classes[nearest].name);
    struct buf list;
    buf_init(&list, ERR_HINT_BYTES);
    for (size_t i = 0; i < CLASS_COUNT; i++)
        buf_printf(&list, "%s%s", i > 0 ? ", " : "", classes[i].name);
    err_hint(err, "there are %.*s", STR_ARGS(buf_str(&list)));
    buf_done(&list);
    return RC_CONFIG;
}

static rc check_arguments(const struct paginator_class *class, const struct json *config,
                          struct err *err)
{
    for (size_t i = 0; config->kind == JSON_OBJECT && i < config->count; i++) {
        const struct str key = config->members[i].key;
        bool is_known = str_is(key, "type");
        for (size_t k = 0; class->arguments[k] != NULL; k++)
            is_known |= str_is(key, class->arguments[k]);
        if (!is_known)
            return err_set(err, RC_CONFIG, "paginator %s takes no '%.*s'", class->name,
                           STR_ARGS(key));
    }
    return RC_OK;
}

rc paginator_open(struct arena *arena, const struct json *config, struct paginator **ret_paginator,
                  struct err *err)
{
    static const struct json none = {.kind = JSON_NULL};
    config = config != NULL ? config : &none;
    struct str name = STR("auto");
    if (config->kind == JSON_STRING)
        name = config->text;
    else if (config->kind == JSON_OBJECT)
        name = json_str(json_get(config, STR("type")), STR("auto"));
    else if (config->kind != JSON_NULL)
        return err_set(err, RC_CONFIG, "paginator wants a name or a mapping with type");
    const struct paginator_class *class = class_of(name);
    if (class == NULL)
        return unknown_class(name, err);
    TRY(check_arguments(class, config, err));
    struct paginator *paginator = ARENA_NEW(arena, struct paginator);
    paginator->class = class;
    paginator->arena = arena;
    TRY(class->open(paginator, config, err));
    *ret_paginator = paginator;
    return RC_OK;
}

rc paginator_check(const struct json *config, struct err *err)
{
    struct arena *scratch = arena_open(NULL);
    struct paginator *paginator;
    const rc code = paginator_open(scratch, config, &paginator, err);
    arena_close(scratch);
    return code;
}

rc paginator_start(struct paginator *paginator, struct page_request *request, struct err *err)
{
    return paginator->class->start(paginator, request, err);
}

rc paginator_next(struct paginator *paginator, const struct page_answer *answer,
                  struct page_request *request, bool *ret_has_next, struct err *err)
{
    return paginator->class->next(paginator, answer, request, ret_has_next, err);
}

struct str paginator_describe(const struct paginator *paginator, struct arena *arena)
{
    if (paginator->link != NULL)
        return arena_printf(arena, "%s (%.*s)", paginator->class->name,
                            STR_ARGS(selector_text(paginator->link)));
    if (paginator->total != NULL)
        return arena_printf(arena, "%s (%.*s)", paginator->class->name,
                            STR_ARGS(selector_text(paginator->total)));
    return str_of(paginator->class->name);
}

bool paginator_was_detected(const struct paginator *paginator)
{
    return paginator->was_detected;
}
