// From libyaml's events to the tree: anchors, merges, tags, equal keys, limits.
// A node is finished when its last event has come, so an alias always names a finished node and
// costs nothing; its weight and height are counted as if it were written out.

#include "base/yaml.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <yaml.h>

#include "base/fs.h"
#include "base/map.h"
#include "base/vec.h"
#include "base/yaml.intern.h"

enum { SMALL_MAP_MEMBERS = 16 };

// A finished node with what its parent must know.
struct composed {
    struct yaml *node; // NULL while it is being composed: then an alias to it is refused
    enum yaml_tag tag;
    size_t weight; // nodes when aliases are written out
    int height;
};

struct composer {
    struct arena *arena;
    yaml_parser_t parser;
    yaml_event_t event;
    bool has_event;
    const char *place;
    struct str text;
    struct map anchors; // name -> struct composed
    int depth;
};

VEC_TYPE(node_vec, const struct yaml *);
VEC_TYPE(member_vec, struct yaml_member);

static const struct {
    const char *name; // behind "tag:yaml.org,2002:"
    enum yaml_tag tag;
    bool is_scalar, is_seq, is_map; // which shapes it may have
} tags[] = {
    {"null", YAML_TAG_NULL, true, false, false},
    {"bool", YAML_TAG_BOOL, true, false, false},
    {"int", YAML_TAG_INT, true, false, false},
    {"float", YAML_TAG_FLOAT, true, false, false},
    {"binary", YAML_TAG_BINARY, true, false, false},
    {"timestamp", YAML_TAG_TIMESTAMP, true, false, false},
    {"str", YAML_TAG_STR, true, false, false},
    {"seq", YAML_TAG_SEQ, false, true, false},
    {"omap", YAML_TAG_OMAP, false, true, false},
    {"pairs", YAML_TAG_PAIRS, false, true, false},
    {"map", YAML_TAG_MAP, false, false, true},
    {"set", YAML_TAG_SET, false, false, true},
    {"merge", YAML_TAG_MERGE, true, false, false},
    {"value", YAML_TAG_VALUE, true, false, false},
};

// --- Errors --------------------------------------------------------------------------------------

static rc mark_error(struct composer *c, yaml_mark_t mark, rc code, const char *message,
                     const char *detail, struct err *err)
{
    return err_set_at(err, code, c->place, (int)mark.line + 1, (int)mark.column + 1, "%s%s%s",
                      message, detail != NULL ? " " : "", detail != NULL ? detail : "");
}

static yaml_mark_t mark_of_offset(struct str text, size_t offset)
{
    yaml_mark_t mark = {0};
    for (size_t i = 0; i < offset && i < text.length; i++) {
        if (text.bytes[i] == '\n') {
            mark.line++;
            mark.column = 0;
        } else if (((unsigned char)text.bytes[i] & 0xc0) != 0x80) {
            mark.column++;
        }
    }
    return mark;
}

// What a person probably did when libyaml says this.
static const struct {
    const char *problem, *hint;
} hints[] = {
    {"cannot start any token", "put the value into quotes, and indent with blanks, not with tabs"},
    {"tab character", "indent with blanks, not with tabs"},
    {"mapping values are not allowed", "put text that holds \": \" into quotes, and look at the "
                                       "indentation of this line"},
    {"did not find expected key", "look at the indentation of this line and of those above"},
    {"did not find expected '-'", "look at the indentation of this line and of those above"},
    {"could not find expected ':'", "a key ends with a colon and a blank; look for an open quote "
                                    "or a missing colon in the lines above"},
    {"did not find expected ','", "a list in [ ] or a mapping in { } is not closed, or lacks a "
                                  "comma"},
    {"unexpected end of stream", "a quote is not closed"},
};

static rc parser_error(struct composer *c, struct err *err)
{
    const yaml_parser_t *p = &c->parser;
    if (p->error == YAML_READER_ERROR)
        return mark_error(c, mark_of_offset(c->text, p->problem_offset), RC_INVALID, p->problem,
                          NULL, err);
    if (p->error == YAML_MEMORY_ERROR)
        return err_set_at(err, RC_LIMIT, c->place, 0, 0, "no memory for the YAML parser");
    const rc code = mark_error(c, p->problem_mark, RC_INVALID,
                               p->problem != NULL ? p->problem : "wrong YAML", p->context, err);
    for (size_t i = 0; i < sizeof hints / sizeof hints[0] && p->problem != NULL; i++)
        if (strstr(p->problem, hints[i].problem) != NULL)
            err_hint(err, "%s", hints[i].hint);
    return code;
}

static void event_done(struct composer *c)
{
    if (c->has_event)
        yaml_event_delete(&c->event);
    c->has_event = false;
}

static rc event_next(struct composer *c, struct err *err)
{
    event_done(c);
    if (!yaml_parser_parse(&c->parser, &c->event))
        return parser_error(c, err);
    c->has_event = true;
    return RC_OK;
}

// --- Nodes ---------------------------------------------------------------------------------------

static struct yaml *node_new(struct composer *c, yaml_mark_t mark)
{
    struct yaml *node = ARENA_NEW(c->arena, struct yaml);
    node->place = c->place;
    node->line = (int)mark.line + 1;
    node->column = (int)mark.column + 1;
    return node;
}

static rc anchor_begin(struct composer *c, const yaml_char_t *anchor, struct composed **ret,
                       struct err *err)
{
    if (anchor == NULL) {
        *ret = ARENA_NEW(c->arena, struct composed);
        return RC_OK;
    }
    const struct str name = arena_str(c->arena, str_of((const char *)anchor));
    if (map_has(&c->anchors, name))
        return mark_error(c, c->event.start_mark, RC_INVALID,
                          "this anchor is used twice:", name.bytes, err);
    *ret = ARENA_NEW(c->arena, struct composed);
    map_set(&c->anchors, name, *ret);
    return RC_OK;
}

static bool is_no_tag(const yaml_char_t *tag)
{
    return tag == NULL || strcmp((const char *)tag, "!") == 0;
}

// The tag that was written, if it fits the shape.
static rc tag_of(struct composer *c, const yaml_char_t *written, bool is_scalar, bool is_seq,
                 enum yaml_tag *ret, struct err *err)
{
    const struct str prefix = STR("tag:yaml.org,2002:"), text = str_of((const char *)written);
    if (str_has_prefix(text, prefix))
        for (size_t i = 0; i < sizeof tags / sizeof tags[0]; i++)
            if (str_is(str_slice(text, prefix.length, SIZE_MAX), tags[i].name)) {
                if (is_scalar ? !tags[i].is_scalar : is_seq ? !tags[i].is_seq : !tags[i].is_map)
                    return mark_error(c, c->event.start_mark, RC_INVALID,
                                      "this value cannot have the tag", text.bytes, err);
                *ret = tags[i].tag;
                return RC_OK;
            }
    return mark_error(c, c->event.start_mark, RC_INVALID, "unknown tag", text.bytes, err);
}

static rc add_weight(struct composer *c, struct composed *parent, const struct composed *child,
                     struct err *err)
{
    parent->weight += child->weight;
    if (child->height + 1 > parent->height)
        parent->height = child->height + 1;
    if (parent->weight > YAML_MAX_NODES)
        return mark_error(c, c->event.start_mark, RC_LIMIT,
                          "more than 2000000 values, aliases counted in full", NULL, err);
    if (parent->height > YAML_MAX_DEPTH)
        return mark_error(c, c->event.start_mark, RC_LIMIT, "nested deeper than 200 levels", NULL,
                          err);
    return RC_OK;
}

// "<<" and "=" mean something as keys only.
static rc require_value(const struct composed *item, struct err *err)
{
    if (item->tag != YAML_TAG_MERGE && item->tag != YAML_TAG_VALUE)
        return RC_OK;
    return yaml_error(err, item->node, RC_INVALID, "'%.*s' cannot be a value: put it into quotes",
                      STR_ARGS(item->node->text));
}

static rc compose_node(struct composer *c, struct composed **ret, struct err *err);

static rc compose_alias(struct composer *c, struct composed **ret, struct err *err)
{
    const char *name = (const char *)c->event.data.alias.anchor;
    struct composed *target = map_get(&c->anchors, str_of(name));
    if (target == NULL)
        return mark_error(c, c->event.start_mark, RC_INVALID, "no anchor has the name", name, err);
    if (target->node == NULL)
        return mark_error(c, c->event.start_mark, RC_INVALID,
                          "a value cannot hold itself, which it does by the alias", name, err);
    *ret = target;
    return RC_OK;
}

static rc compose_scalar(struct composer *c, struct composed **ret, struct err *err)
{
    const struct str value = {(const char *)c->event.data.scalar.value,
                              c->event.data.scalar.length};
    const yaml_char_t *written = c->event.data.scalar.tag;
    const bool is_plain = c->event.data.scalar.style == YAML_PLAIN_SCALAR_STYLE;

    struct composed *made;
    TRY(anchor_begin(c, c->event.data.scalar.anchor, &made, err));
    made->weight = 1;
    const struct str text = arena_str(c->arena, value);
    if (is_no_tag(written))
        made->tag = is_plain || written != NULL ? yaml_resolve_plain(text) : YAML_TAG_STR;
    else
        TRY(tag_of(c, written, true, false, &made->tag, err));

    struct yaml *node = node_new(c, c->event.start_mark);
    node->is_quoted = !is_plain;
    const bool is_key_only = made->tag == YAML_TAG_MERGE || made->tag == YAML_TAG_VALUE;
    TRY(yaml_construct_scalar(c->arena, is_key_only ? YAML_TAG_STR : made->tag, text, node, err));
    made->node = node;
    *ret = made;
    return RC_OK;
}

// --- Lists ---------------------------------------------------------------------------------------

// `!!omap` and `!!pairs`: a list of mappings of one member each becomes members.
static rc pairs_of_items(struct arena *arena, struct yaml *node, const node_vec *items,
                         struct err *err)
{
    struct yaml_member *members = ARENA_ARRAY(arena, struct yaml_member, items->count);
    for (size_t i = 0; i < items->count; i++) {
        const struct yaml *item = items->items[i];
        if (item->kind != YAML_MAP || item->count != 1)
            return yaml_error(err, item, RC_INVALID,
                              "expected a mapping of one key in an ordered mapping, found %s",
                              yaml_kind_name(item->kind));
        members[i] = item->members[0];
    }
    node->members = members;
    node->count = items->count;
    return RC_OK;
}

static rc compose_seq(struct composer *c, struct composed **ret, struct err *err)
{
    struct composed *made;
    TRY(anchor_begin(c, c->event.data.sequence_start.anchor, &made, err));
    made->weight = 1;
    made->tag = YAML_TAG_SEQ;
    const yaml_char_t *written = c->event.data.sequence_start.tag;
    if (!is_no_tag(written))
        TRY(tag_of(c, written, false, true, &made->tag, err));

    struct yaml *node = node_new(c, c->event.start_mark);
    node_vec items = {0};
    for (;;) {
        TRY(event_next(c, err));
        if (c->event.type == YAML_SEQUENCE_END_EVENT)
            break;
        struct composed *item;
        TRY(compose_node(c, &item, err));
        TRY(require_value(item, err));
        TRY(add_weight(c, made, item, err));
        *vec_push(c->arena, &items) = item->node;
    }
    if (made->tag == YAML_TAG_SEQ) {
        node->kind = YAML_SEQ;
        node->items = items.items;
        node->count = items.count;
    } else {
        node->kind = made->tag == YAML_TAG_OMAP ? YAML_OMAP : YAML_PAIRS;
        TRY(pairs_of_items(c->arena, node, &items, err));
    }
    made->node = node;
    *ret = made;
    return RC_OK;
}

// --- Mappings ------------------------------------------------------------------------------------

struct str yaml_key_text(struct arena *arena, const struct yaml *key)
{
    switch (key->kind) {
    case YAML_STR:
        return key->text;
    case YAML_NULL:
        return STR("\xff"
                   "null");
    case YAML_BOOL:
        return key->boolean ? STR("\xff"
                                  "1")
                            : STR("\xff"
                                  "0");
    case YAML_INT:
        return arena_printf(arena, "\xff%.*s", STR_ARGS(key->text));
    case YAML_FLOAT:
        if (isnan(key->number)) // equal to nothing, itself included
            return arena_printf(arena, "\xffnan%p", (const void *)key);
        if (key->number == trunc(key->number) && !isinf(key->number))
            return arena_printf(arena, "\xff%.0f", key->number == 0 ? 0 : key->number);
        return arena_printf(arena, "\xff%.17g", key->number);
    case YAML_BINARY:
        return str_concat(arena,
                          STR("\xff"
                              "bytes"),
                          key->text);
    default:
        return arena_printf(arena, "\xff%s %d %lld", key->kind == YAML_DATE ? "date" : "time",
                            key->has_offset, (long long)key->time_us);
    }
}

static rc require_key(const struct yaml *key, struct err *err)
{
    if (key->kind < YAML_SEQ)
        return RC_OK;
    const rc code = yaml_error(err, key, RC_INVALID, "%s cannot be the key of a mapping",
                               yaml_kind_name(key->kind));
    if (key->kind == YAML_MAP)
        err_hint(err, "text that starts with {{ must be put into quotes");
    return code;
}

// Puts the members of merged mappings behind those that are there. The first of a list wins, so it
// comes last.
static rc merge_add(struct arena *arena, member_vec *merged, const struct yaml *from,
                    struct err *err)
{
    if (from->kind != YAML_MAP && from->kind != YAML_SET)
        return yaml_error(err, from, RC_INVALID,
                          "expected a mapping (or a list of mappings) to merge, found %s",
                          yaml_kind_name(from->kind));
    for (size_t i = 0; i < from->count; i++)
        *vec_push(arena, merged) = from->members[i];
    return RC_OK;
}

static rc merge(struct arena *arena, member_vec *merged, const struct yaml *from, struct err *err)
{
    if (from->kind != YAML_SEQ)
        return merge_add(arena, merged, from, err);
    for (size_t i = from->count; i > 0; i--)
        TRY(merge_add(arena, merged, from->items[i - 1], err));
    return RC_OK;
}

static void member_set_large(struct yaml *node, struct arena *arena, struct str key_text,
                             const struct yaml_member *member)
{
    if (node->index == NULL) {
        node->index = ARENA_NEW(arena, struct map);
        map_init(node->index, arena);
        for (size_t i = 0; i < node->count; i++)
            map_set(node->index, yaml_key_text(arena, node->members[i].key), &node->members[i]);
    }
    struct map_entry *entry = map_entry_of(node->index, key_text);
    if (entry->value != NULL) {
        ((struct yaml_member *)entry->value)->value = member->value;
        return;
    }
    node->members[node->count] = *member;
    entry->value = &node->members[node->count++];
}

static void member_set(struct yaml *node, struct arena *arena, const struct yaml_member *member)
{
    const struct str key_text = yaml_key_text(arena, member->key);
    if (node->count >= SMALL_MAP_MEMBERS) {
        member_set_large(node, arena, key_text, member);
        return;
    }
    for (size_t i = 0; i < node->count; i++) {
        const struct yaml *key = node->members[i].key;
        if (str_equal(key->kind == YAML_STR ? key->text : yaml_key_text(arena, key), key_text)) {
            node->members[i].value = member->value;
            return;
        }
    }
    node->members[node->count++] = *member;
}

// Merged members first, then the written ones; of equal keys the last value wins, in the place of
// the first.
static void members_settle(struct arena *arena, struct yaml *node, const member_vec *merged,
                           const member_vec *written)
{
    node->members = ARENA_ARRAY(arena, struct yaml_member, merged->count + written->count);
    for (size_t i = 0; i < merged->count; i++)
        member_set(node, arena, &merged->items[i]);
    for (size_t i = 0; i < written->count; i++)
        member_set(node, arena, &written->items[i]);
}

static rc compose_member(struct composer *c, struct composed *made, member_vec *merged,
                         member_vec *written, struct err *err)
{
    struct composed *key, *value;
    TRY(compose_node(c, &key, err));
    TRY(event_next(c, err));
    TRY(compose_node(c, &value, err));
    TRY(require_value(value, err));
    TRY(add_weight(c, made, key, err));
    TRY(add_weight(c, made, value, err));
    if (key->tag == YAML_TAG_MERGE)
        return merge(c->arena, merged, value->node, err);
    TRY(require_key(key->node, err));
    *vec_push(c->arena, written) = (struct yaml_member){key->node, value->node};
    return RC_OK;
}

static rc compose_map(struct composer *c, struct composed **ret, struct err *err)
{
    struct composed *made;
    TRY(anchor_begin(c, c->event.data.mapping_start.anchor, &made, err));
    made->weight = 1;
    made->tag = YAML_TAG_MAP;
    const yaml_char_t *tag = c->event.data.mapping_start.tag;
    if (!is_no_tag(tag))
        TRY(tag_of(c, tag, false, false, &made->tag, err));

    struct yaml *node = node_new(c, c->event.start_mark);
    node->kind = made->tag == YAML_TAG_SET ? YAML_SET : YAML_MAP;
    member_vec merged = {0}, written = {0};
    for (;;) {
        TRY(event_next(c, err));
        if (c->event.type == YAML_MAPPING_END_EVENT)
            break;
        TRY(compose_member(c, made, &merged, &written, err));
    }
    members_settle(c->arena, node, &merged, &written);
    made->node = node;
    *ret = made;
    return RC_OK;
}

static rc compose_shape(struct composer *c, struct composed **ret, struct err *err)
{
    switch (c->event.type) {
    case YAML_ALIAS_EVENT:
        return compose_alias(c, ret, err);
    case YAML_SCALAR_EVENT:
        return compose_scalar(c, ret, err);
    case YAML_SEQUENCE_START_EVENT:
        return compose_seq(c, ret, err);
    case YAML_MAPPING_START_EVENT:
        return compose_map(c, ret, err);
    default:
        return mark_error(c, c->event.start_mark, RC_INVALID, "expected a value", NULL, err);
    }
}

static rc compose_node(struct composer *c, struct composed **ret, struct err *err)
{
    if (c->depth >= YAML_MAX_DEPTH)
        return mark_error(c, c->event.start_mark, RC_LIMIT, "nested deeper than 200 levels", NULL,
                          err);
    c->depth++;
    const rc code = compose_shape(c, ret, err);
    c->depth--;
    return code;
}

// --- Documents -----------------------------------------------------------------------------------

static rc compose_document(struct composer *c, const struct yaml **ret_root, struct err *err)
{
    TRY(event_next(c, err)); // start of the stream
    TRY(event_next(c, err));
    if (c->event.type == YAML_STREAM_END_EVENT) {
        *ret_root = node_new(c, (yaml_mark_t){0});
        return RC_OK;
    }
    TRY(event_next(c, err)); // behind the start of the document
    struct composed *root;
    TRY(compose_node(c, &root, err));
    TRY(require_value(root, err));
    TRY(event_next(c, err)); // end of the document
    TRY(event_next(c, err));
    if (c->event.type != YAML_STREAM_END_EVENT)
        return mark_error(c, c->event.start_mark, RC_INVALID,
                          "expected one document, found a second one", NULL, err);
    *ret_root = root->node;
    return RC_OK;
}

rc yaml_parse(struct arena *arena, struct str text, const char *place, const struct yaml **ret_root,
              struct err *err)
{
    if (text.length > YAML_MAX_BYTES)
        return err_set_at(err, RC_LIMIT, place, 0, 0, "%zu bytes of YAML are over the limit of %d",
                          text.length, YAML_MAX_BYTES);
    struct composer c = {.arena = arena, .place = place, .text = text};
    map_init(&c.anchors, arena);
    if (!yaml_parser_initialize(&c.parser))
        return err_set(err, RC_LIMIT, "no memory for the YAML parser");
    yaml_parser_set_input_string(
        &c.parser, (const unsigned char *)(text.bytes != NULL ? text.bytes : ""), text.length);
    const rc code = compose_document(&c, ret_root, err);
    event_done(&c);
    yaml_parser_delete(&c.parser);
    return code;
}

rc yaml_load(struct arena *arena, struct str path, const struct yaml **ret_root, struct err *err)
{
    struct str text;
    TRY(fs_read(arena, path, YAML_MAX_BYTES, &text, err));
    return yaml_parse(arena, text, arena_cstr(arena, path), ret_root, err);
}
