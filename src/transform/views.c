// See views.h. Layer: transform.

#include "transform/views.h"

#include "base/fs.h"
#include "base/json.h"
#include "base/log.h"
#include "base/retry.h"
#include "store/store.h"

enum { MAX_TRIES = 20 };
static const int64_t FIRST_WAIT_US = 20000, MAX_WAIT_US = 2000000;

struct views {
    struct arena *arena;
    struct project *project;
    struct store *store;
    struct str folder; // URI with a slash behind
    int64_t version;   // that was read; 0 = none
    str_vec older;     // files of versions that nobody needs any more
    view_vec items;
};

// ---- reading

static rc take_views(struct views *views, struct str text, struct str place, struct err *err)
{
    struct json root;
    view_vec items = {0};
    TRY(json_parse(views->arena, text, arena_cstr(views->arena, place), &root, err));
    const struct json *list = json_get(&root, STR("views"));
    for (size_t i = 0; list != NULL && list->kind == JSON_ARRAY && i < list->count; i++)
        *vec_push(views->arena, &items) =
            (struct view_entry){json_str(json_get(&list->items[i], STR("namespace")), STR("")),
                                json_str(json_get(&list->items[i], STR("name")), STR("")),
                                json_str(json_get(&list->items[i], STR("sql")), STR(""))};
    views->items = items;
    return RC_OK;
}

/// Where projects of before kept them.
static struct str old_path(const struct views *views)
{
    return arena_printf(views->arena, "%.*s/.moulin/views/%.*s.json",
                        STR_ARGS(views->project->folder),
                        STR_ARGS(views->project->environment->name));
}

static rc read_old(struct views *views, struct err *err)
{
    const struct str path = old_path(views);
    struct str text;
    views->items = (view_vec){0};
    if (!fs_exists(path))
        return RC_OK;
    TRY(fs_read(views->arena, path, VIEWS_MAX_BYTES, &text, err));
    return take_views(views, text, path, err);
}

static struct str uri_of_version(const struct views *views, int64_t version)
{
    return arena_printf(views->arena, "%.*sv%lld.json", STR_ARGS(views->folder),
                        (long long)version);
}

static rc note_version(void *context, const struct store_object *object, struct err *err)
{
    struct views *views = context;
    struct str name = str_slice(object->uri, views->folder.length, SIZE_MAX);
    int64_t version;
    (void)err;
    if (!str_has_prefix(name, STR("v")) || !str_has_suffix(name, STR(".json")) ||
        !str_to_int64(str_slice(name, 1, name.length - strlen("v.json")), &version) || version <= 0)
        return RC_OK;
    *vec_push(views->arena, &views->older) = arena_str(views->arena, object->uri);
    if (version > views->version)
        views->version = version;
    return RC_OK;
}

/// Reads the newest version. A reader may meet a version that is being cleaned up: it looks again.
static rc read_newest(struct views *views, struct err *err)
{
    for (int tries = 0;; tries++) {
        struct str text;
        views->version = 0;
        views->older.count = 0;
        TRY_CONTEXT(store_list(views->store, views->folder, note_version, views, err), err,
                    "the views of models");
        if (views->version == 0)
            return read_old(views, err);
        const struct str uri = uri_of_version(views, views->version);
        const rc code = store_get(views->store, views->arena, uri, VIEWS_MAX_BYTES, &text, err);
        if (code == RC_OK)
            return take_views(views, text, uri, err);
        if (code != RC_NOT_FOUND || tries == MAX_TRIES)
            return code;
    }
}

rc views_open(struct arena *arena, struct project *project, struct views **ret_views,
              struct err *err)
{
    struct views *views = ARENA_NEW(arena, struct views);
    *views = (struct views){.arena = arena, .project = project};
    TRY(project_store(project, &views->store, err));
    views->folder =
        arena_printf(arena, "%.*s/_moulin/views/%.*s/", STR_ARGS(project->environment->warehouse),
                     STR_ARGS(project->environment->name));
    TRY(read_newest(views, err));
    *ret_views = views;
    return RC_OK;
}

const view_vec *views_list(const struct views *views)
{
    return &views->items;
}

static size_t number_of(const struct views *views, struct str schema, struct str name)
{
    for (size_t i = 0; i < views->items.count; i++)
        if (str_equal_ignore_case(views->items.items[i].schema, schema) &&
            str_equal_ignore_case(views->items.items[i].name, name))
            return i;
    return SIZE_MAX;
}

const struct view_entry *views_find(const struct views *views, struct str schema, struct str name)
{
    const size_t number = number_of(views, schema, name);
    return number == SIZE_MAX ? NULL : &views->items.items[number];
}

// ---- changing

/// A change that can be made again over what others wrote.
struct change {
    enum { CHANGE_SET, CHANGE_REMOVE, CHANGE_REMOVE_PREFIX } kind;
    struct view_entry view;
    struct str prefix;
    size_t removed;
};

static void remove_at(struct views *views, size_t number)
{
    for (size_t i = number + 1; i < views->items.count; i++)
        views->items.items[i - 1] = views->items.items[i];
    views->items.count--;
}

/// @return whether the list is another one now
static bool apply(struct views *views, struct change *change)
{
    const size_t number = number_of(views, change->view.schema, change->view.name);
    switch (change->kind) {
    case CHANGE_SET:
        if (number == SIZE_MAX)
            *vec_push(views->arena, &views->items) = change->view;
        else if (str_equal(views->items.items[number].sql, change->view.sql))
            return false;
        else
            views->items.items[number] = change->view;
        return true;
    case CHANGE_REMOVE:
        if (number != SIZE_MAX)
            remove_at(views, number);
        return number != SIZE_MAX;
    default:
        change->removed = 0;
        for (size_t i = views->items.count; i-- > 0;)
            if (str_has_prefix(views->items.items[i].schema, change->prefix)) {
                remove_at(views, i);
                change->removed++;
            }
        return change->removed > 0;
    }
}

static void print_views(const struct views *views, struct arena *scratch, struct buf *to)
{
    struct json_writer *w = ARENA_NEW(scratch, struct json_writer);
    json_writer_init(w, to, JSON_PRETTY);
    json_begin_object(w);
    json_key(w, STR("views"));
    json_begin_array(w);
    for (size_t i = 0; i < views->items.count; i++) {
        json_begin_object(w);
        json_field_str(w, "namespace", views->items.items[i].schema);
        json_field_str(w, "name", views->items.items[i].name);
        json_field_str(w, "sql", views->items.items[i].sql);
        json_end_object(w);
    }
    json_end_array(w);
    json_end_object(w);
}

/// The versions before the one that was just replaced; that one may still be being read.
static void clean_up(struct views *views, struct str replaced)
{
    struct err failure = {0};
    for (size_t i = 0; i < views->older.count; i++)
        if (!str_equal(views->older.items[i], replaced) &&
            store_remove(views->store, views->older.items[i], &failure) != RC_OK)
            log_debug("an old list of views stays: %s", failure.message);
    views->older.count = 0;
    const struct str old = old_path(views);
    if (fs_exists(old) && fs_remove(old, &failure) != RC_OK)
        log_debug("the old list of views stays: %s", failure.message);
}

/// Writes the list as the next version. @return RC_EXISTS when somebody else was faster
static rc write_next(struct views *views, struct err *err)
{
    struct arena *scratch = arena_open(NULL);
    const struct str replaced = uri_of_version(views, views->version);
    const struct str uri = uri_of_version(views, views->version + 1);
    struct buf text;
    buf_init(&text, VIEWS_MAX_BYTES);
    print_views(views, scratch, &text);
    rc code = buf_check(&text, err, "the list of views");
    if (code == RC_OK)
        code = store_put(views->store, uri, buf_str(&text),
                         (struct store_put_options){.must_be_new = true}, err);
    buf_done(&text);
    arena_close(scratch);
    if (code != RC_OK)
        return code;
    clean_up(views, replaced);
    views->version++;
    *vec_push(views->arena, &views->older) = replaced;
    *vec_push(views->arena, &views->older) = uri;
    return RC_OK;
}

static rc make_change(struct views *views, struct change *change, struct err *err)
{
    struct retry retry;
    retry_init(&retry, (struct retry_policy){.max_attempts = MAX_TRIES,
                                             .first_delay_us = FIRST_WAIT_US,
                                             .max_delay_us = MAX_WAIT_US,
                                             .what = "views"});
    while (apply(views, change)) {
        struct err failure = {0};
        const rc code = write_next(views, &failure);
        if (code == RC_OK)
            return RC_OK;
        const rc known = err_set(&failure, code == RC_EXISTS ? RC_CONFLICT : code, "%s",
                                 arena_cstr(views->arena, str_of(failure.message)));
        if (known != RC_CONFLICT || !retry_again(&retry, &failure)) {
            if (err != NULL)
                *err = failure;
            return err_context(err, "the views of models");
        }
        TRY(read_newest(views, err));
    }
    return RC_OK;
}

rc views_set(struct views *views, struct str schema, struct str name, struct str sql,
             struct err *err)
{
    struct change change = {.kind = CHANGE_SET,
                            .view = {arena_str(views->arena, schema), arena_str(views->arena, name),
                                     arena_str(views->arena, sql)}};
    return make_change(views, &change, err);
}

rc views_remove(struct views *views, struct str schema, struct str name, struct err *err)
{
    struct change change = {.kind = CHANGE_REMOVE, .view = {.schema = schema, .name = name}};
    return make_change(views, &change, err);
}

rc views_remove_prefix(struct views *views, struct str prefix, size_t *ret_count, struct err *err)
{
    struct change change = {.kind = CHANGE_REMOVE_PREFIX, .prefix = prefix};
    TRY(make_change(views, &change, err));
    *ret_count = change.removed;
    return RC_OK;
}
