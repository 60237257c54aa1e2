// Reads the configuration of a rest_api source. Layer: ingest. Source: dlt's declarative REST
// source: keys, defaults, merging, and what it refuses. Threads: called once, when a source opens.

#include <stdlib.h>

#include "base/map.h"
#include "base/yaml.h"
#include "ingest/source/detector.h"
#include "ingest/source/placeholder.h"
#include "ingest/source/rest.intern.h"
#include "net/url.h"

static const struct json *given(const struct json *object, const char *key)
{
    const struct json *value = json_get(object, str_of(key));
    return value == NULL || value->kind == JSON_NULL ? NULL : value;
}

static struct str text_of(const struct json *object, const char *key)
{
    return json_str(given(object, key), STR(""));
}

// "id" or ["a", "b"].
static rc read_names(struct arena *arena, const struct json *value, const char *what,
                     str_vec *names, struct err *err)
{
    if (value == NULL)
        return RC_OK;
    const struct json *items = value->kind == JSON_ARRAY ? value->items : value;
    const size_t count = value->kind == JSON_ARRAY ? value->count : 1;
    for (size_t i = 0; i < count; i++) {
        if (items[i].kind != JSON_STRING || items[i].text.length == 0)
            return err_set(err, RC_CONFIG, "%s wants a name or a list of names", what);
        *vec_push(arena, names) = items[i].text;
    }
    return RC_OK;
}

// --- defaults ----------------------------------------------------------------------------------

// `over` laid over `under`, one level deep.
static struct json merge(struct arena *arena, const struct json *under, const struct json *over)
{
    struct json out = {.kind = JSON_OBJECT};
    for (size_t i = 0; under != NULL && under->kind == JSON_OBJECT && i < under->count; i++)
        *json_object_set(arena, &out, under->members[i].key) = under->members[i].value;
    for (size_t i = 0; over != NULL && over->kind == JSON_OBJECT && i < over->count; i++)
        *json_object_set(arena, &out, over->members[i].key) = over->members[i].value;
    return out;
}

// Parameters and JSON bodies are merged with the defaults, everything else replaces them.
static struct json merge_endpoints(struct arena *arena, const struct json *under,
                                   const struct json *over)
{
    struct json out = merge(arena, under, over);
    static const char *const deep[] = {"params", "json"};
    for (size_t i = 0; i < 2; i++) {
        const struct json *a = given(under, deep[i]), *b = given(over, deep[i]);
        if (a != NULL && b != NULL && a->kind == JSON_OBJECT && b->kind == JSON_OBJECT)
            *json_object_set(arena, &out, str_of(deep[i])) = merge(arena, a, b);
    }
    return out;
}

// A resource as one object with an endpoint object; "posts" is {name: posts}.
static rc full_resource(struct arena *arena, const struct json *entry, const struct json *defaults,
                        struct json *ret, struct err *err)
{
    struct json named = {.kind = JSON_OBJECT};
    if (entry->kind == JSON_STRING) {
        *json_object_set(arena, &named, STR("name")) = *entry;
        entry = &named;
    }
    if (entry->kind != JSON_OBJECT || text_of(entry, "name").length == 0)
        return err_set(err, RC_CONFIG, "every resource is a name or a mapping with a name");
    struct json out = merge(arena, defaults, entry);
    if (given(entry, "rows") != NULL) {
        if (given(entry, "endpoint") != NULL)
            return err_set(err, RC_CONFIG, "resource '%.*s' has rows and an endpoint: one of them",
                           STR_ARGS(text_of(entry, "name")));
        struct json without = {.kind = JSON_OBJECT};
        for (size_t i = 0; i < out.count; i++)
            if (!str_is(out.members[i].key, "endpoint"))
                *json_object_set(arena, &without, out.members[i].key) = out.members[i].value;
        *ret = without;
        return RC_OK;
    }
    struct json endpoint = {.kind = JSON_OBJECT};
    const struct json *own = given(entry, "endpoint");
    if (own != NULL && own->kind == JSON_STRING)
        *json_object_set(arena, &endpoint, STR("path")) = *own;
    else if (own != NULL && own->kind == JSON_OBJECT)
        endpoint = merge(arena, NULL, own);
    else if (own != NULL)
        return err_set(err, RC_CONFIG, "endpoint wants a path or a mapping");
    if (given(&endpoint, "path") == NULL)
        *json_object_set(arena, &endpoint, STR("path")) = *json_get(entry, STR("name"));
    *json_object_set(arena, &out, STR("endpoint")) =
        merge_endpoints(arena, given(defaults, "endpoint"), &endpoint);
    *ret = out;
    return RC_OK;
}

// --- what every driver's resource has ----------------------------------------------------------

static rc read_disposition(const struct json *value, struct resource *resource, struct err *err)
{
    static const char *const names[] = {"append", "replace", "merge", "skip", NULL};
    static const char *const strategies[] = {"delete-insert", "upsert", "insert-only", "scd2",
                                             NULL};
    if (value == NULL)
        return RC_OK;
    const bool is_object = value->kind == JSON_OBJECT;
    const struct str name = is_object ? text_of(value, "disposition") : json_str(value, STR(""));
    const struct str strategy = is_object ? text_of(value, "strategy") : STR("");
    int found = -1, found_strategy = strategy.length == 0 ? 0 : -1;
    for (int i = 0; names[i] != NULL; i++)
        if (str_is(name, names[i]))
            found = i;
    for (int i = 0; strategies[i] != NULL; i++)
        if (str_is(strategy, strategies[i]))
            found_strategy = i;
    if (found < 0) {
        err_set(err, RC_CONFIG, "write_disposition '%.*s' is unknown", STR_ARGS(name));
        return err_hint(err, "choose append, replace or merge");
    }
    if (found_strategy < 0) {
        err_set(err, RC_CONFIG, "merge strategy '%.*s' is unknown", STR_ARGS(strategy));
        return err_hint(err, "choose delete-insert, upsert, insert-only or scd2");
    }
    resource->write_disposition = (enum write_disposition)found;
    resource->merge_strategy = (enum merge_strategy)found_strategy;
    return RC_OK;
}

static rc read_resource(struct source *source, struct resource *resource, const struct json *config,
                        const struct source_options *options, struct err *err)
{
    struct arena *arena = source->arena;
    resource->config = config;
    resource->name = text_of(config, "name");
    resource->table_name = text_of(config, "table_name");
    if (resource->table_name.length == 0)
        resource->table_name = resource->name;
    resource->max_table_nesting = -1;
    const struct json *nesting = given(config, "max_table_nesting");
    int64_t levels;
    if (nesting != NULL) {
        if (!json_to_int64(nesting, &levels) || levels < 0 || levels > 1000)
            return err_set(err, RC_CONFIG, "max_table_nesting wants 0 to 1000");
        resource->max_table_nesting = (int)levels;
    }
    TRY(read_disposition(given(config, "write_disposition"), resource, err));
    TRY(read_names(arena, given(config, "primary_key"), "primary_key", &resource->primary_key,
                   err));
    TRY(read_names(arena, given(config, "merge_key"), "merge_key", &resource->merge_key, err));
    resource->columns = given(config, "columns");
    resource->schema_contract = given(config, "schema_contract");
    resource->is_selected = json_bool(json_get(config, STR("selected")), true);
    if (options->selected != NULL && options->selected->count > 0) {
        resource->is_selected = false;
        for (size_t i = 0; i < options->selected->count; i++)
            resource->is_selected |= str_equal(options->selected->items[i], resource->name);
    }
    return RC_OK;
}

// --- endpoints ---------------------------------------------------------------------------------

static struct rest_resource *find_resource(struct rest_source *rest, struct str name)
{
    for (size_t i = 0; i < rest->count; i++)
        if (str_equal(rest->resources[i].resource->name, name))
            return &rest->resources[i];
    return NULL;
}

static rc no_such_parent(struct rest_source *rest, struct str name, struct err *err)
{
    struct str *names = ARENA_ARRAY(rest->source->arena, struct str, rest->count);
    for (size_t i = 0; i < rest->count; i++)
        names[i] = rest->resources[i].resource->name;
    const size_t nearest = str_nearest(name, names, rest->count);
    err_set(err, RC_CONFIG, "its parent resource '%.*s' does not exist", STR_ARGS(name));
    if (nearest != SIZE_MAX)
        return err_hint(err, "did you mean %.*s?", STR_ARGS(names[nearest]));
    return RC_CONFIG;
}

// A value of the parent's record; the first one decides who the parent is.
static rc bind_parent(struct rest_source *rest, struct rest_resource *resource, struct str name,
                      struct str parent_name, struct str field, struct err *err)
{
    struct arena *arena = rest->source->arena;
    struct rest_resource *parent = find_resource(rest, parent_name);
    if (parent == NULL)
        return no_such_parent(rest, parent_name, err);
    if (resource->parent != NULL && resource->parent != parent) {
        err_set(err, RC_CONFIG, "it has two parent resources, '%.*s' and '%.*s'",
                STR_ARGS(resource->parent->resource->name), STR_ARGS(parent_name));
        return err_hint(err, "a resource has one parent; include_from_parent hands values down");
    }
    resource->parent = parent;
    struct rest_binding binding = {.name = name, .field = field};
    TRY_CONTEXT(selector_compile(arena, field, &binding.selector, err), err, "placeholder {%.*s}",
                STR_ARGS(name));
    *vec_push(arena, &resource->bindings) = binding;
    return RC_OK;
}

static bool is_bound(const struct rest_resource *resource, struct str name)
{
    for (size_t i = 0; i < resource->bindings.count; i++)
        if (str_equal(resource->bindings.items[i].name, name))
            return true;
    return false;
}

static bool is_typed(const struct json *value, const char *type)
{
    return value->kind == JSON_OBJECT && str_is(text_of(value, "type"), type);
}

static rc bind_name(struct rest_source *rest, struct rest_resource *resource, struct str name,
                    bool is_in_path, struct err *err)
{
    if (is_bound(resource, name))
        return RC_OK;
    if (str_has_prefix(name, STR("resources."))) {
        const struct str rest_of_name = str_slice(name, 10, name.length);
        const size_t dot = str_find_byte(rest_of_name, '.');
        if (dot == SIZE_MAX || dot == 0 || dot + 1 == rest_of_name.length)
            return err_set(err, RC_CONFIG,
                           "the placeholder {%.*s} is not {resources.<resource>.<field>}",
                           STR_ARGS(name));
        return bind_parent(rest, resource, name, str_slice(rest_of_name, 0, dot),
                           str_slice(rest_of_name, dot + 1, name.length), err);
    }
    if (str_has_prefix(name, STR("incremental.")) && resource->has_incremental) {
        const struct str word = str_slice(name, 12, name.length);
        if (str_is(word, "start_value") || str_is(word, "initial_value") ||
            str_is(word, "last_value") || str_is(word, "end_value"))
            return RC_OK;
    }
    const struct json *parameter = is_in_path ? json_get(resource->params, name) : NULL;
    if (parameter != NULL && is_typed(parameter, "resolve"))
        return bind_parent(rest, resource, name, text_of(parameter, "resource"),
                           text_of(parameter, "field"), err);
    if (parameter != NULL && parameter->kind != JSON_OBJECT) {
        *vec_push(rest->source->arena, &resource->bindings) =
            (struct rest_binding){.name = name, .constant = parameter};
        return RC_OK;
    }
    err_set(err, RC_CONFIG, "nothing is known as {%.*s}", STR_ARGS(name));
    return err_hint(err,
                    "there are {resources.<resource>.<field>}, {incremental.start_value} (with "
                    "endpoint.incremental), and in paths the names of params; {{ and }} are "
                    "braces");
}

static rc bind_all(struct rest_source *rest, struct rest_resource *resource,
                   const struct json *value, bool is_in_path, const char *what, struct err *err)
{
    str_vec names = {0};
    TRY_CONTEXT(placeholder_find(rest->source->arena, value, &names, err), err, "%s", what);
    for (size_t i = 0; i < names.count; i++)
        TRY_CONTEXT(bind_name(rest, resource, names.items[i], is_in_path, err), err, "%s", what);
    return RC_OK;
}

// Parameters that were put into the path leave the query; `resolve` works only in the path.
static rc take_path_parameters(struct rest_source *rest, struct rest_resource *resource,
                               struct err *err)
{
    struct json left = {.kind = JSON_OBJECT};
    for (size_t i = 0; resource->params != NULL && i < resource->params->count; i++) {
        const struct json_member *member = &resource->params->members[i];
        if (is_bound(resource, member->key))
            continue;
        if (is_typed(&member->value, "resolve")) {
            err_set(err, RC_CONFIG, "the resolve parameter '%.*s' is not in the path",
                    STR_ARGS(member->key));
            return err_hint(err, "in the query write '{resources.<resource>.<field>}'");
        }
        *json_object_set(rest->source->arena, &left, member->key) = member->value;
    }
    struct json *params = ARENA_NEW(rest->source->arena, struct json);
    *params = left;
    resource->params = params;
    return RC_OK;
}

static rc read_actions(struct rest_source *rest, struct rest_resource *resource,
                       const struct json *actions, struct err *err)
{
    for (size_t i = 0; actions != NULL && i < actions->count; i++) {
        const struct json *action = &actions->items[i];
        struct rest_action out = {0};
        int64_t status;
        if (!str_is(text_of(action, "action"), "ignore")) {
            err_set(err, RC_CONFIG, "response_actions: the action '%.*s' is unknown",
                    STR_ARGS(text_of(action, "action")));
            return err_hint(err, "there is only: ignore");
        }
        const struct json *given_status = given(action, "status_code");
        if (given_status != NULL && !json_to_int64(given_status, &status))
            return err_set(err, RC_CONFIG, "response_actions: status_code wants a number");
        if (given_status != NULL) {
            out.has_status = true;
            out.status = (int)status;
        }
        const struct json *content = given(action, "content");
        if (content != NULL)
            out.content = json_str(content, STR(""));
        if (given_status == NULL && content == NULL)
            return err_set(err, RC_CONFIG, "response_actions: give status_code or content");
        *vec_push(rest->source->arena, &resource->actions) = out;
    }
    return RC_OK;
}

static rc read_incremental(struct rest_source *rest, struct rest_resource *resource,
                           const struct json *endpoint, struct err *err)
{
    struct arena *arena = rest->source->arena;
    const struct json *config = given(endpoint, "incremental");
    for (size_t i = 0; resource->params != NULL && i < resource->params->count; i++) {
        const struct json_member *member = &resource->params->members[i];
        if (!is_typed(&member->value, "incremental"))
            continue;
        if (config != NULL)
            return err_set(err, RC_CONFIG, "there are two incremental cursors, one is allowed");
        if (given(&member->value, "end_value") != NULL ||
            given(&member->value, "end_param") != NULL)
            return err_set(err, RC_CONFIG,
                           "parameter '%.*s': end_value belongs to endpoint.incremental",
                           STR_ARGS(member->key));
        config = &member->value;
        resource->start_param = member->key;
    }
    if (config == NULL)
        return RC_OK;
    if (config->kind != JSON_OBJECT)
        return err_set(err, RC_CONFIG, "incremental wants a mapping");
    TRY(incremental_config_read(arena, config, &resource->resource->primary_key,
                                &resource->incremental, err));
    resource->has_incremental = true;
    if (resource->start_param.length == 0)
        resource->start_param = text_of(config, "start_param");
    resource->end_param = text_of(config, "end_param");
    return read_names(arena, given(config, "per"), "incremental.per", &resource->per, err);
}

static rc read_partition(struct rest_source *rest, struct rest_resource *resource,
                         const struct json *endpoint, struct err *err)
{
    const struct json *config = given(endpoint, "time_partition");
    if (config == NULL)
        return RC_OK;
    struct arena *arena = rest->source->arena;
    TRY(time_partition_config_read(arena, config, &resource->partition, err));
    resource->has_partition = true;
    if (resource->per.count == 0)
        TRY(read_names(arena, given(config, "per"), "time_partition.per", &resource->per, err));
    const struct json value = json_of_str(resource->partition.value);
    return bind_all(rest, resource, &value, false, "time_partition.value", err);
}

static rc read_endpoint(struct rest_source *rest, struct rest_resource *resource, struct err *err)
{
    struct arena *arena = rest->source->arena;
    const struct json *endpoint = given(resource->resource->config, "endpoint");
    resource->path = text_of(endpoint, "path");
    resource->method = str_upper(arena, text_of(endpoint, "method"));
    resource->params = given(endpoint, "params");
    resource->json = given(endpoint, "json");
    resource->data = given(endpoint, "data");
    resource->headers = given(endpoint, "headers");
    if (resource->json != NULL && resource->data != NULL)
        return err_set(err, RC_CONFIG, "give json or data as the body, not both");
    if (resource->params != NULL && resource->params->kind != JSON_OBJECT)
        return err_set(err, RC_CONFIG, "params wants a mapping");
    TRY(read_incremental(rest, resource, endpoint, err));
    const struct json path = json_of_str(resource->path);
    TRY(bind_all(rest, resource, &path, true, "path", err));
    TRY(take_path_parameters(rest, resource, err));
    TRY(bind_all(rest, resource, resource->params, false, "params", err));
    TRY(bind_all(rest, resource, resource->json, false, "json", err));
    TRY(bind_all(rest, resource, resource->data, false, "data", err));
    TRY(bind_all(rest, resource, resource->headers, false, "headers", err));
    TRY(read_partition(rest, resource, endpoint, err));
    const bool is_single = detect_single_entity(resource->path);
    struct str selector = text_of(endpoint, "data_selector");
    if (selector.length == 0 && is_single)
        selector = STR("$");
    if (selector.length > 0)
        TRY_CONTEXT(selector_compile(arena, selector, &resource->data_selector, err), err,
                    "data_selector");
    static const struct json single_page = {.kind = JSON_STRING, .text = STR_INIT("single_page")};
    resource->paginator = given(endpoint, "paginator");
    if (resource->paginator == NULL)
        resource->paginator = is_single ? &single_page : rest->paginator;
    TRY(paginator_check(resource->paginator, err));
    TRY(read_actions(rest, resource, given(endpoint, "response_actions"), err));
    // One for all that use the client's, so that a token is fetched once.
    resource->auth = rest->auth;
    if (given(endpoint, "auth") != NULL)
        TRY(auth_open(arena, given(endpoint, "auth"), &resource->auth, err));
    resource->max_pages = json_int64(given(endpoint, "max_pages"), 0);
    return RC_OK;
}

// Names the resource in an error, and its place in the file when there is one.
static rc locate(const struct source_options *options, size_t index, struct str name, rc code,
                 struct err *err)
{
    if (code == RC_OK || err == NULL)
        return code;
    err_context(err, "resource '%.*s'", STR_ARGS(name));
    const struct yaml *list = yaml_get(options->tree, STR("resources"));
    if (err->line == 0 && list != NULL && list->kind == YAML_SEQ && index < list->count) {
        const struct yaml *item = list->items[index];
        const struct str place = str_slice(str_of(item->place), 0, sizeof err->place - 1);
        memcpy(err->place, place.bytes, place.length);
        err->place[place.length] = '\0';
        err->line = item->line;
        err->column = item->column;
    }
    return code;
}

// --- the tree ----------------------------------------------------------------------------------

static rc check_tree(struct rest_source *rest, struct rest_resource *resource, struct err *err)
{
    int depth = 0;
    for (struct rest_resource *at = resource->parent; at != NULL; at = at->parent) {
        if (at == resource)
            return err_set(err, RC_CONFIG, "it is its own ancestor");
        if (++depth > REST_MAX_DEPTH)
            return err_set(err, RC_CONFIG, "it has more than %d ancestors", REST_MAX_DEPTH);
    }
    if (resource->parent == NULL && resource->include_from_parent.count > 0)
        return err_set(err, RC_CONFIG, "include_from_parent: it has no parent");
    if (resource->parent == NULL && resource->per.count > 0)
        return err_set(err, RC_CONFIG, "per: it has no parent");
    if (resource->parent != NULL)
        *vec_push(rest->source->arena, &resource->parent->children) = resource;
    for (struct rest_resource *at = resource; at != NULL && resource->resource->is_selected;
         at = at->parent)
        at->is_needed = true;
    resource->resource->parent = resource->parent != NULL ? resource->parent->resource : NULL;
    return RC_OK;
}

// A cursor is kept with the table of its resource: without one there is no place for it.
static rc check_state(const struct rest_resource *resource, struct err *err)
{
    const bool is_loaded = json_bool(json_get(resource->resource->config, STR("selected")), true);
    if (is_loaded || !(resource->has_incremental || resource->has_partition))
        return RC_OK;
    err_set(err, RC_CONFIG, "it keeps a cursor but is not loaded (selected: false)");
    return err_hint(err, "the cursor is stored with the rows: select the resource, or move the "
                         "cursor to a resource that is loaded");
}

static rc read_one(struct rest_source *rest, struct rest_resource *resource, struct err *err)
{
    struct arena *arena = rest->source->arena;
    const struct json *config = resource->resource->config;
    resource->rows = given(config, "rows");
    if (resource->rows != NULL && resource->rows->kind != JSON_ARRAY)
        return err_set(err, RC_CONFIG, "rows wants a list");
    if (resource->rows == NULL)
        TRY(read_endpoint(rest, resource, err));
    TRY(read_names(arena, given(config, "include_from_parent"), "include_from_parent",
                   &resource->include_from_parent, err));
    if (given(config, "processing_steps") != NULL)
        TRY(steps_open(arena, given(config, "processing_steps"), &resource->steps, err));
    return check_state(resource, err);
}

static rc check_selected(const struct rest_source *rest, const struct source_options *options,
                         struct err *err)
{
    struct str *names = ARENA_ARRAY(rest->source->arena, struct str, rest->count);
    for (size_t i = 0; i < rest->count; i++)
        names[i] = rest->resources[i].resource->name;
    for (size_t i = 0; options->selected != NULL && i < options->selected->count; i++) {
        const struct str name = options->selected->items[i];
        if (source_find_resource(rest->source, name) != NULL)
            continue;
        err_set(err, RC_USAGE, "the source has no resource '%.*s'", STR_ARGS(name));
        const size_t nearest = str_nearest(name, names, rest->count);
        if (nearest != SIZE_MAX)
            return err_hint(err, "did you mean %.*s?", STR_ARGS(names[nearest]));
        return RC_USAGE;
    }
    return RC_OK;
}

static rc read_list(struct rest_source *rest, const struct json *list, const struct json *defaults,
                    const struct source_options *options, struct err *err)
{
    struct source *source = rest->source;
    if (list == NULL || list->kind != JSON_ARRAY || list->count == 0)
        return err_set(err, RC_CONFIG, "the source has no resources");
    if (list->count > REST_MAX_RESOURCES)
        return err_set(err, RC_LIMIT, "more than %d resources", REST_MAX_RESOURCES);
    source->resources = ARENA_ARRAY(source->arena, struct resource, list->count);
    rest->resources = ARENA_ARRAY(source->arena, struct rest_resource, list->count);
    struct map names;
    map_init(&names, source->arena);
    for (size_t i = 0; i < list->count; i++) {
        struct json *config = ARENA_NEW(source->arena, struct json);
        TRY(full_resource(source->arena, &list->items[i], defaults, config, err));
        struct resource *resource = &source->resources[i];
        resource->index = i;
        TRY(locate(options, i, text_of(config, "name"),
                   read_resource(source, resource, config, options, err), err));
        if (map_has(&names, resource->name))
            return locate(options, i, resource->name,
                          err_set(err, RC_CONFIG, "there is another one of that name"), err);
        map_set(&names, resource->name, resource);
        rest->resources[i].resource = resource;
        rest->count = source->resource_count = i + 1;
    }
    return RC_OK;
}

rc rest_config_read(struct rest_source *rest, const struct json *config,
                    const struct source_options *options, struct err *err)
{
    const struct json *client = given(config, "client");
    rest->base_url = text_of(client, "base_url");
    rest->headers = given(client, "headers");
    rest->paginator = given(client, "paginator");
    if (rest->base_url.length > 0) {
        struct url checked;
        if (url_parse(rest->base_url, &checked, err) != RC_OK) {
            if (err != NULL)
                err->code = RC_CONFIG;
            err_context(err, "client.base_url");
            return RC_CONFIG;
        }
    }
    TRY(paginator_check(rest->paginator, err));
    TRY(auth_open(rest->source->arena, given(client, "auth"), &rest->auth, err));
    TRY(read_list(rest, given(config, "resources"), given(config, "resource_defaults"), options,
                  err));
    for (size_t i = 0; i < rest->count; i++)
        TRY(locate(options, i, rest->resources[i].resource->name,
                   read_one(rest, &rest->resources[i], err), err));
    for (size_t i = 0; i < rest->count; i++)
        TRY(locate(options, i, rest->resources[i].resource->name,
                   check_tree(rest, &rest->resources[i], err), err));
    return check_selected(rest, options, err);
}
