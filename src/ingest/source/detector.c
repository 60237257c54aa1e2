// Guessing where records and next pages are. Layer: ingest. Source: dlt's detector.
// Threads: pure functions. Limits: records are looked for three levels deep.

#include "ingest/source/detector.h"

enum { RECORDS_MAX_DEPTH = 3, SEARCH_MAX_DEPTH = 32 };

static const struct str record_keys[] = {
    STR_INIT("data"),    STR_INIT("items"),   STR_INIT("results"),  STR_INIT("entries"),
    STR_INIT("records"), STR_INIT("rows"),    STR_INIT("entities"), STR_INIT("payload"),
    STR_INIT("content"), STR_INIT("objects"), STR_INIT("values"),
};

static bool is_one_of(struct str key, const struct str *keys, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (str_equal(key, keys[i]))
            return true;
    return false;
}

struct list_search {
    struct str path[RECORDS_MAX_DEPTH];
    struct detected best;
    bool has_named; // `best` has one of the record keys
};

static void take_list(struct arena *arena, struct list_search *search, size_t depth,
                      const struct json *list)
{
    const bool is_named =
        is_one_of(search->path[depth], record_keys, sizeof record_keys / sizeof *record_keys);
    if (search->has_named || (search->best.value != NULL && !is_named))
        return;
    search->has_named = is_named;
    search->best = (struct detected){.value = list};
    for (size_t i = 0; i <= depth; i++)
        *vec_push(arena, &search->best.path) = search->path[i];
}

// Depth is bounded by RECORDS_MAX_DEPTH.
static void find_lists(struct arena *arena, struct list_search *search, size_t depth,
                       const struct json *object)
{
    for (size_t i = 0; i < object->count; i++) {
        const struct json *value = &object->members[i].value;
        search->path[depth] = object->members[i].key;
        if (value->kind == JSON_ARRAY)
            take_list(arena, search, depth, value);
        else if (value->kind == JSON_OBJECT && depth + 1 < RECORDS_MAX_DEPTH)
            find_lists(arena, search, depth + 1, value);
    }
}

struct detected detect_records(struct arena *arena, const struct json *document)
{
    struct list_search search = {0};
    if (document->kind == JSON_OBJECT)
        find_lists(arena, &search, 0, document);
    if (search.best.value == NULL)
        return (struct detected){.value = document};
    return search.best;
}

static bool is_scalar(const struct json *value)
{
    return value->kind == JSON_STRING || value->kind == JSON_NUMBER || value->kind == JSON_BOOL;
}

static bool starts_with_any(struct arena *arena, struct str key, const char *const *prefixes)
{
    const struct str lower = str_lower(arena, key);
    for (size_t i = 0; prefixes[i] != NULL; i++)
        if (str_has_prefix(lower, str_of(prefixes[i])))
            return true;
    return false;
}

typedef bool (*member_test)(struct arena *arena, const struct json_member *member,
                            struct str *ret_inner_key, const struct json **ret_value);

// Depth first, members in their order; the first hit wins.
static bool find_member(struct arena *arena, const struct json *object, member_test test,
                        struct str *path, size_t depth, struct detected *ret)
{
    if (object->kind != JSON_OBJECT || depth + 2 >= SEARCH_MAX_DEPTH)
        return false;
    for (size_t i = 0; i < object->count; i++) {
        struct str inner = {0};
        path[depth] = object->members[i].key;
        if (test(arena, &object->members[i], &inner, &ret->value)) {
            for (size_t k = 0; k <= depth; k++)
                *vec_push(arena, &ret->path) = path[k];
            if (inner.bytes != NULL)
                *vec_push(arena, &ret->path) = inner;
            return true;
        }
        if (find_member(arena, &object->members[i].value, test, path, depth + 1, ret))
            return true;
    }
    return false;
}

static bool is_next(struct arena *arena, const struct json_member *member,
                    struct str *ret_inner_key, const struct json **ret_value)
{
    if (!starts_with_any(arena, member->key, (const char *const[]){"next", NULL}))
        return false;
    if (is_scalar(&member->value)) {
        *ret_value = &member->value;
        return true;
    }
    if (member->value.kind != JSON_OBJECT)
        return false;
    for (size_t i = 0; i < member->value.count; i++) {
        const struct json_member *inner = &member->value.members[i];
        if (is_scalar(&inner->value) &&
            starts_with_any(arena, inner->key, (const char *const[]){"href", "url", NULL})) {
            *ret_inner_key = inner->key;
            *ret_value = &inner->value;
            return true;
        }
    }
    return false;
}

static bool is_total_pages(struct arena *arena, const struct json_member *member,
                           struct str *ret_inner_key, const struct json **ret_value)
{
    (void)ret_inner_key;
    static const struct str keys[] = {STR_INIT("total_pages"), STR_INIT("pages"),
                                      STR_INIT("totalpages")};
    if (!is_scalar(&member->value) ||
        !is_one_of(str_lower(arena, member->key), keys, sizeof keys / sizeof *keys))
        return false;
    *ret_value = &member->value;
    return true;
}

static struct detected detect_member(struct arena *arena, const struct json *document,
                                     member_test test)
{
    struct str path[SEARCH_MAX_DEPTH];
    struct detected found = {0};
    (void)find_member(arena, document, test, path, 0, &found);
    return found;
}

struct detected detect_next_page(struct arena *arena, const struct json *document)
{
    return detect_member(arena, document, is_next);
}

struct detected detect_total_pages(struct arena *arena, const struct json *document)
{
    return detect_member(arena, document, is_total_pages);
}

static bool is_name_byte(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '-' || c == '_';
}

bool detect_single_entity(struct str path)
{
    while (path.length > 0 && path.bytes[path.length - 1] == '/')
        path.length--;
    const size_t slash = str_find_last_byte(path, '/');
    const struct str name = slash == SIZE_MAX ? path : str_slice(path, slash + 1, path.length);
    for (size_t i = 0; i < name.length; i++) {
        if (name.bytes[i] != '{')
            continue;
        size_t end = i + 1;
        while (end < name.length && is_name_byte(name.bytes[end]))
            end++;
        if (end > i + 1 && end < name.length && name.bytes[end] == '}')
            return true;
    }
    return false;
}

struct str detected_path_text(struct arena *arena, const struct detected *detected)
{
    if (detected->path.count == 0)
        return STR("$");
    return str_join(arena, detected->path.items, detected->path.count, STR("."));
}

rc detected_selector(struct arena *arena, const struct detected *detected,
                     const struct selector **ret_selector, struct err *err)
{
    // Quoted, because keys may hold anything.
    struct buf text;
    buf_init(&text, 64 * 1024);
    buf_append_byte(&text, '$');
    for (size_t i = 0; i < detected->path.count; i++) {
        const struct str key = detected->path.items[i];
        const char quote = str_find_byte(key, '\'') == SIZE_MAX ? '\'' : '"';
        buf_printf(&text, "[%c%.*s%c]", quote, STR_ARGS(key), quote);
    }
    const rc code = selector_compile(arena, buf_str(&text), ret_selector, err);
    buf_done(&text);
    return code;
}
