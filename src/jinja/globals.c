/// @file globals.c
/// range, dict, lipsum, cycler, joiner, namespace. Layer: jinja. Source: Jinja2 3.1.6.

#include "base/random.h"
#include "jinja/filters.h"
#include "jinja/throw.h"

FILTER(global_range)
{
    int64_t n[3] = {0, 0, 1};
    (void)self;
    if (a->keyword_count > 0)
        return throw_error(err, "TypeError", "range() takes no keyword arguments");
    if (a->count < 1 || a->count > 3)
        return throw_error(err, "TypeError", "range expected at %s argument%s, got %zu",
                           a->count < 1 ? "least 1" : "most 3", a->count < 1 ? "" : "s", a->count);
    for (size_t i = 0; i < a->count; i++)
        TRY(int_argument(a->items[i], 0, &n[a->count == 1 ? 1 : i], err));
    if (n[2] == 0)
        return throw_error(err, "ValueError", "range() arg 3 must not be zero");
    struct value_range *range = ARENA_NEW(r->arena, struct value_range);
    *range = (struct value_range){n[0], n[1], n[2]};
    if (r->env->options.is_sandboxed && value_range_length(range) > RANGE_MAX)
        return throw_error(err, "OverflowError",
                           "Range too big. The sandbox blocks ranges larger than MAX_RANGE (%d).",
                           RANGE_MAX);
    *ret_value = (struct value){.kind = VALUE_RANGE, .range = range};
    return RC_OK;
}

FILTER(global_dict)
{
    (void)self;
    *ret_value = value_dict_new(r->arena);
    return dict_update_from(r, *ret_value, a, err);
}

FILTER(global_namespace)
{
    const struct value dict = value_dict_new(r->arena);
    (void)self;
    TRY(dict_update_from(r, dict, a, err));
    *ret_value = namespace_value(r->arena, dict);
    return RC_OK;
}

// ---------------------------------------------------------------- cycler and joiner

struct cycler {
    struct object object;
    struct value items;
    uint32_t at;
};

static rc cycler_next(struct render *r, void *self, const struct arguments *a,
                      struct value *ret_value, struct err *err)
{
    struct cycler *cycler = self;
    (void)r;
    TRY(no_keywords(a, "next", 0, 0, err));
    *ret_value = cycler->items.list->items[cycler->at];
    cycler->at = (cycler->at + 1) % cycler->items.list->count;
    return RC_OK;
}

static rc cycler_reset(struct render *r, void *self, const struct arguments *a,
                       struct value *ret_value, struct err *err)
{
    (void)r;
    TRY(no_keywords(a, "reset", 0, 0, err));
    ((struct cycler *)self)->at = 0;
    *ret_value = value_none();
    return RC_OK;
}

static rc cycler_attribute(struct render *r, struct object *object, struct str name,
                           struct value *ret_value, struct err *err)
{
    struct cycler *cycler = (struct cycler *)object;
    (void)err;
    if (str_is(name, "next") || str_is(name, "__next__"))
        *ret_value = value_function(r->arena, "next", cycler_next, cycler);
    else if (str_is(name, "reset"))
        *ret_value = value_function(r->arena, "reset", cycler_reset, cycler);
    else if (str_is(name, "current"))
        *ret_value = cycler->items.list->items[cycler->at];
    else if (str_is(name, "pos"))
        *ret_value = value_int(cycler->at);
    else if (str_is(name, "items"))
        *ret_value = cycler->items;
    return RC_OK;
}

static const struct object_class cycler_class = {.name = "jinja2.utils.Cycler",
                                                 .get_attribute = cycler_attribute};

FILTER(global_cycler)
{
    (void)self;
    if (a->keyword_count > 0)
        return throw_error(err, "TypeError", "cycler() takes no keyword arguments");
    if (a->count == 0)
        return throw_error(err, "RuntimeError", "at least one item has to be provided");
    struct cycler *cycler = ARENA_NEW(r->arena, struct cycler);
    *cycler = (struct cycler){{&cycler_class}, value_tuple_of(r->arena, a->items, a->count), 0};
    *ret_value = value_object(&cycler->object);
    return RC_OK;
}

struct joiner {
    struct object object;
    struct value separator;
    bool is_used;
};

static rc joiner_call(struct render *r, struct object *object, const struct arguments *a,
                      struct value *ret_value, struct err *err)
{
    struct joiner *joiner = (struct joiner *)object;
    (void)r;
    TRY(no_keywords(a, "joiner", 0, 0, err));
    *ret_value = joiner->is_used ? joiner->separator : VALUE_STR_LITERAL("");
    joiner->is_used = true;
    return RC_OK;
}

static const struct object_class joiner_class = {.name = "jinja2.utils.Joiner",
                                                 .call = joiner_call};

FILTER(global_joiner)
{
    BIND(v, "joiner", 0, "sep");
    struct joiner *joiner = ARENA_NEW(r->arena, struct joiner);
    *joiner = (struct joiner){
        {&joiner_class}, v[0].kind == VALUE_MISSING ? VALUE_STR_LITERAL(", ") : v[0], false};
    *ret_value = value_object(&joiner->object);
    return RC_OK;
}

// ---------------------------------------------------------------- lipsum

/// Words for filling text; any will do, only their shape matters.
static const char *const words[] = {
    "aqua",  "glacies", "fluvius", "mola",  "tabula", "numerus", "ordo",  "tempus",
    "nix",   "mons",    "vallis",  "saxum", "ventus", "lumen",   "umbra", "arbor",
    "et",    "in",      "ad",      "per",   "cum",    "sub",     "ex",    "nec",
    "magna", "parva",   "alta",    "lenta", "clara",  "nova",    "vetus", "libera"};

static uint64_t random_below(uint64_t limit)
{
    return limit > 0 ? random_uint64() % limit : 0;
}

static void put_paragraph(struct buf *to, int64_t least, int64_t most)
{
    const int64_t count = least + (int64_t)random_below((uint64_t)(most - least));
    bool starts = true;
    for (int64_t i = 0; i < count; i++) {
        const char *word = words[random_below(sizeof words / sizeof words[0])];
        if (i > 0)
            buf_append_byte(to, ' ');
        buf_append_byte(to, starts ? (char)(word[0] - 32) : word[0]);
        buf_append_cstr(to, word + 1);
        starts = i + 1 < count && random_below(12) == 0;
        if (starts)
            buf_append_byte(to, '.');
        else if (i + 1 < count && random_below(9) == 0)
            buf_append_byte(to, ',');
    }
    buf_append_byte(to, '.');
}

FILTER(global_lipsum)
{
    BIND(v, "lipsum", 0, "n", "html", "min", "max");
    int64_t n, least, most;
    struct buf buf;
    TRY(int_argument(v[0], 5, &n, err));
    TRY(int_argument(v[2], 20, &least, err));
    TRY(int_argument(v[3], 100, &most, err));
    if (least >= most || least < 0)
        return throw_error(err, "ValueError", "empty range in randrange(%lld, %lld)",
                           (long long)least, (long long)most);
    if (most > 100000 || n > 10000)
        return err_set(err, RC_LIMIT, "lipsum() of more than 10,000 paragraphs or 100,000 words");
    const bool is_html = value_flag(v[1], true);
    buf_init(&buf, (size_t)64 << 20);
    for (int64_t i = 0; i < n; i++) {
        if (i > 0)
            buf_append_cstr(&buf, is_html ? "\n" : "\n\n");
        buf_append_cstr(&buf, is_html ? "<p>" : "");
        put_paragraph(&buf, least, most);
        buf_append_cstr(&buf, is_html ? "</p>" : "");
    }
    const rc code = buf_check(&buf, err, "the result of lipsum()");
    *ret_value = value_str(buf_take(r->arena, &buf));
    ret_value->flags = is_html ? VALUE_FLAG_MARKUP : 0;
    TRY(code);
    return spend(r, ret_value->length / 16, err);
}

static const struct builtin globals[] = {{"range", global_range, false},
                                         {"dict", global_dict, false},
                                         {"lipsum", global_lipsum, false},
                                         {"cycler", global_cycler, false},
                                         {"joiner", global_joiner, false},
                                         {"namespace", global_namespace, false},
                                         {NULL, NULL, false}};

void environment_add_globals(struct environment *env)
{
    for (const struct builtin *g = globals; g->name != NULL; g++)
        environment_set_global(env, str_of(g->name),
                               value_function(env->arena, g->name, g->function, NULL));
}
