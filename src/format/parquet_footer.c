/// Parquet footers: a reader of the Thrift compact protocol that knows only the fields needed here
/// and skips the rest. Every step is bounded by the footer's end.

#include "format/parquet_footer.h"

#include "base/vec.h"

enum {
    MAX_LIST_ITEMS = 1 << 24,
    MAX_SKIP_DEPTH = 64,
    MAX_SCHEMA_DEPTH = 200,
    MAX_COLUMN_CHUNKS = 1 << 24,
};

// Thrift compact protocol

enum thrift_type {
    THRIFT_STOP = 0,
    THRIFT_TRUE = 1,
    THRIFT_FALSE = 2,
    THRIFT_BYTE = 3,
    THRIFT_I16 = 4,
    THRIFT_I32 = 5,
    THRIFT_I64 = 6,
    THRIFT_DOUBLE = 7,
    THRIFT_BINARY = 8,
    THRIFT_LIST = 9,
    THRIFT_SET = 10,
    THRIFT_MAP = 11,
    THRIFT_STRUCT = 12,
    THRIFT_UUID = 13,
};

struct thrift {
    const unsigned char *at, *end;
    bool is_bad; // read past the end, or nonsense: everything read since is 0
};

struct thrift_field {
    int id;
    enum thrift_type type;
};

static unsigned read_byte(struct thrift *t)
{
    if (t->at < t->end)
        return *t->at++;
    t->is_bad = true;
    return 0;
}

static uint64_t read_varint(struct thrift *t)
{
    uint64_t number = 0;
    for (int shift = 0; shift < 64; shift += 7) {
        const unsigned byte = read_byte(t);
        number |= (uint64_t)(byte & 0x7F) << shift;
        if (byte < 0x80)
            return number;
    }
    t->is_bad = true;
    return 0;
}

static int64_t read_integer(struct thrift *t)
{
    const uint64_t raw = read_varint(t);
    return (int64_t)(raw >> 1) ^ -(int64_t)(raw & 1);
}

static int32_t read_int32(struct thrift *t)
{
    const int64_t number = read_integer(t);
    if (number < INT32_MIN || number > INT32_MAX)
        t->is_bad = true;
    return t->is_bad ? 0 : (int32_t)number;
}

static struct str read_binary(struct thrift *t)
{
    const uint64_t length = read_varint(t);
    if (length > (uint64_t)(t->end - t->at)) {
        t->is_bad = true;
        t->at = t->end;
        return (struct str){0};
    }
    const struct str bytes = {(const char *)t->at, (size_t)length};
    t->at += length;
    return bytes;
}

/// The next field of a struct; false at its end. `field` starts as {0}.
static bool next_field(struct thrift *t, struct thrift_field *field)
{
    const unsigned byte = read_byte(t);
    if (t->is_bad || byte == THRIFT_STOP)
        return false;
    field->type = (enum thrift_type)(byte & 0x0F);
    field->id = byte >> 4 != 0 ? field->id + (int)(byte >> 4) : (int)(int16_t)read_integer(t);
    return !t->is_bad;
}

/// Items of a list or set; marks counts that the rest of the footer cannot hold.
static size_t read_list(struct thrift *t, enum thrift_type *ret_type)
{
    const unsigned byte = read_byte(t);
    uint64_t count = byte >> 4;
    if (count == 15)
        count = read_varint(t);
    if (count > MAX_LIST_ITEMS || count > (uint64_t)(t->end - t->at))
        t->is_bad = true;
    *ret_type = (enum thrift_type)(byte & 0x0F);
    return t->is_bad ? 0 : (size_t)count;
}

static void skip_value(struct thrift *t, enum thrift_type type, int depth);

static void skip_list(struct thrift *t, int depth)
{
    enum thrift_type type;
    for (size_t count = read_list(t, &type); count > 0 && !t->is_bad; count--) {
        if (type == THRIFT_TRUE || type == THRIFT_FALSE)
            (void)read_byte(t); // inside lists a boolean takes a byte
        else
            skip_value(t, type, depth + 1);
    }
}

static void skip_map(struct thrift *t, int depth)
{
    const uint64_t count = read_varint(t);
    if (count == 0)
        return;
    const unsigned types = read_byte(t);
    if (count > (uint64_t)(t->end - t->at))
        t->is_bad = true;
    for (uint64_t i = 0; i < count && !t->is_bad; i++) {
        skip_value(t, (enum thrift_type)(types >> 4), depth + 1);
        skip_value(t, (enum thrift_type)(types & 0x0F), depth + 1);
    }
}

static void skip_bytes(struct thrift *t, size_t count)
{
    if (count > (size_t)(t->end - t->at)) {
        t->is_bad = true;
        count = (size_t)(t->end - t->at);
    }
    t->at += count;
}

static void skip_value(struct thrift *t, enum thrift_type type, int depth)
{
    struct thrift_field field = {0};
    if (depth > MAX_SKIP_DEPTH)
        t->is_bad = true;
    if (t->is_bad)
        return;
    switch (type) {
    case THRIFT_TRUE:
    case THRIFT_FALSE:
        break; // the value is in the type
    case THRIFT_BYTE:
        skip_bytes(t, 1);
        break;
    case THRIFT_I16:
    case THRIFT_I32:
    case THRIFT_I64:
        (void)read_varint(t);
        break;
    case THRIFT_DOUBLE:
        skip_bytes(t, 8);
        break;
    case THRIFT_BINARY:
        (void)read_binary(t);
        break;
    case THRIFT_LIST:
    case THRIFT_SET:
        skip_list(t, depth);
        break;
    case THRIFT_MAP:
        skip_map(t, depth);
        break;
    case THRIFT_STRUCT:
        while (next_field(t, &field))
            skip_value(t, field.type, depth + 1);
        break;
    case THRIFT_UUID:
        skip_bytes(t, 16);
        break;
    default:
        t->is_bad = true;
    }
}

static void skip_field(struct thrift *t, struct thrift_field field)
{
    skip_value(t, field.type, 0);
}

/// A field has an unexpected type: skip it, so that the next fields are read in step.
static bool is_kind(struct thrift *t, struct thrift_field field, enum thrift_type wanted)
{
    const bool is_integer = field.type >= THRIFT_I16 && field.type <= THRIFT_I64;
    if (field.type == wanted || (wanted == THRIFT_I64 && is_integer) ||
        (wanted == THRIFT_TRUE && field.type == THRIFT_FALSE))
        return true;
    skip_field(t, field);
    return false;
}

// Schema

static const enum parquet_logical logical_of_union[] = {
    [1] = PARQUET_LOGICAL_STRING,     [2] = PARQUET_LOGICAL_MAP,
    [3] = PARQUET_LOGICAL_LIST,       [4] = PARQUET_LOGICAL_ENUM,
    [5] = PARQUET_LOGICAL_DECIMAL,    [6] = PARQUET_LOGICAL_DATE,
    [7] = PARQUET_LOGICAL_TIME,       [8] = PARQUET_LOGICAL_TIMESTAMP,
    [10] = PARQUET_LOGICAL_INTEGER,   [11] = PARQUET_LOGICAL_UNKNOWN,
    [12] = PARQUET_LOGICAL_JSON,      [13] = PARQUET_LOGICAL_BSON,
    [14] = PARQUET_LOGICAL_UUID,      [15] = PARQUET_LOGICAL_FLOAT16,
    [16] = PARQUET_LOGICAL_VARIANT,   [17] = PARQUET_LOGICAL_GEOMETRY,
    [18] = PARQUET_LOGICAL_GEOGRAPHY,
};

/// What the older annotation says. MAP_KEY_VALUE (2) was used for MAP by mistake.
static const struct converted {
    enum parquet_logical logical;
    int bit_width;
    bool is_signed;
    enum parquet_unit unit;
} converted_types[] = {
    [0] = {.logical = PARQUET_LOGICAL_STRING},
    [1] = {.logical = PARQUET_LOGICAL_MAP},
    [2] = {.logical = PARQUET_LOGICAL_MAP},
    [3] = {.logical = PARQUET_LOGICAL_LIST},
    [4] = {.logical = PARQUET_LOGICAL_ENUM},
    [5] = {.logical = PARQUET_LOGICAL_DECIMAL},
    [6] = {.logical = PARQUET_LOGICAL_DATE},
    [7] = {.logical = PARQUET_LOGICAL_TIME, .unit = PARQUET_MILLIS},
    [8] = {.logical = PARQUET_LOGICAL_TIME, .unit = PARQUET_MICROS},
    [9] = {.logical = PARQUET_LOGICAL_TIMESTAMP, .unit = PARQUET_MILLIS},
    [10] = {.logical = PARQUET_LOGICAL_TIMESTAMP, .unit = PARQUET_MICROS},
    [11] = {.logical = PARQUET_LOGICAL_INTEGER, .bit_width = 8},
    [12] = {.logical = PARQUET_LOGICAL_INTEGER, .bit_width = 16},
    [13] = {.logical = PARQUET_LOGICAL_INTEGER, .bit_width = 32},
    [14] = {.logical = PARQUET_LOGICAL_INTEGER, .bit_width = 64},
    [15] = {.logical = PARQUET_LOGICAL_INTEGER, .bit_width = 8, .is_signed = true},
    [16] = {.logical = PARQUET_LOGICAL_INTEGER, .bit_width = 16, .is_signed = true},
    [17] = {.logical = PARQUET_LOGICAL_INTEGER, .bit_width = 32, .is_signed = true},
    [18] = {.logical = PARQUET_LOGICAL_INTEGER, .bit_width = 64, .is_signed = true},
    [19] = {.logical = PARQUET_LOGICAL_JSON},
    [20] = {.logical = PARQUET_LOGICAL_BSON},
    [21] = {.logical = PARQUET_LOGICAL_INTERVAL},
};
enum {
    LOGICAL_COUNT = sizeof logical_of_union / sizeof logical_of_union[0],
    CONVERTED_COUNT = sizeof converted_types / sizeof converted_types[0],
};

static void read_unit(struct thrift *t, struct parquet_element *element)
{
    struct thrift_field field = {0};
    while (next_field(t, &field)) {
        if (field.id >= 1 && field.id <= 3)
            element->unit = (enum parquet_unit)(field.id - 1);
        skip_field(t, field);
    }
}

/// The members of DECIMAL, TIME, TIMESTAMP and INTEGER; others have none that matter.
static void read_logical_members(struct thrift *t, struct parquet_element *element)
{
    struct thrift_field field = {0};
    const enum parquet_logical logical = element->logical;
    const bool is_time = logical == PARQUET_LOGICAL_TIME || logical == PARQUET_LOGICAL_TIMESTAMP;
    while (next_field(t, &field)) {
        if (logical == PARQUET_LOGICAL_DECIMAL && field.id == 1 && is_kind(t, field, THRIFT_I64))
            element->scale = read_int32(t);
        else if (logical == PARQUET_LOGICAL_DECIMAL && field.id == 2 &&
                 is_kind(t, field, THRIFT_I64))
            element->precision = read_int32(t);
        else if (is_time && field.id == 1)
            element->is_utc = field.type == THRIFT_TRUE;
        else if (is_time && field.id == 2 && field.type == THRIFT_STRUCT)
            read_unit(t, element);
        else if (logical == PARQUET_LOGICAL_INTEGER && field.id == 1 && field.type == THRIFT_BYTE)
            element->bit_width = (int)read_byte(t);
        else if (logical == PARQUET_LOGICAL_INTEGER && field.id == 2)
            element->is_signed = field.type == THRIFT_TRUE;
        else
            skip_field(t, field);
    }
}

static void read_logical(struct thrift *t, struct parquet_element *element)
{
    struct thrift_field field = {0};
    while (next_field(t, &field)) {
        if (field.type == THRIFT_STRUCT && field.id > 0 && field.id < LOGICAL_COUNT) {
            element->logical = logical_of_union[field.id];
            read_logical_members(t, element);
        } else {
            skip_field(t, field);
        }
    }
}

static void apply_converted(struct parquet_element *element, int32_t converted)
{
    if (element->logical != PARQUET_LOGICAL_NONE || converted < 0 || converted >= CONVERTED_COUNT)
        return;
    const struct converted *c = &converted_types[converted];
    element->logical = c->logical;
    element->unit = c->unit;
    // the older annotation has no local times
    element->is_utc = c->logical == PARQUET_LOGICAL_TIME || c->logical == PARQUET_LOGICAL_TIMESTAMP;
    if (c->bit_width > 0) {
        element->bit_width = c->bit_width;
        element->is_signed = c->is_signed;
    }
}

static void read_element(struct thrift *t, struct parquet_element *element)
{
    struct thrift_field field = {0};
    int32_t converted = -1;
    *element = (struct parquet_element){.type = PARQUET_NO_TYPE, .field_id = -1, .leaf = -1};
    while (next_field(t, &field)) {
        if (field.id == 10 && field.type == THRIFT_STRUCT) {
            read_logical(t, element);
            continue;
        }
        if (field.id == 4 && field.type == THRIFT_BINARY) {
            element->name = read_binary(t);
            continue;
        }
        if (field.id < 1 || field.id > 9 || !is_kind(t, field, THRIFT_I64)) {
            if (field.id < 1 || field.id > 9)
                skip_field(t, field);
            continue;
        }
        const int32_t number = read_int32(t);
        switch (field.id) {
        case 1:
            element->type = number >= PARQUET_BOOLEAN && number <= PARQUET_FIXED_LEN_BYTE_ARRAY
                                ? (enum parquet_type)number
                                : PARQUET_NO_TYPE;
            break;
        case 2:
            element->type_length = number;
            break;
        case 3:
            element->repetition = number >= 0 && number <= PARQUET_REPEATED
                                      ? (enum parquet_repetition)number
                                      : PARQUET_OPTIONAL;
            break;
        case 5:
            element->child_count = number;
            break;
        case 6:
            converted = number;
            break;
        case 7:
            element->scale = number;
            break;
        case 8:
            element->precision = number;
            break;
        case 9:
            element->field_id = number;
            break;
        default:
            break;
        }
    }
    apply_converted(element, converted);
}

// Row groups

static void read_statistics(struct thrift *t, struct parquet_column *column,
                            const struct parquet_element *leaf)
{
    struct thrift_field field = {0};
    struct str old_min = {0}, old_max = {0};
    bool has_old_min = false, has_old_max = false;
    column->is_min_exact = column->is_max_exact = true;
    while (next_field(t, &field)) {
        const bool is_bytes = field.type == THRIFT_BINARY;
        if (field.id == 1 && is_bytes) {
            old_max = read_binary(t);
            has_old_max = true;
        } else if (field.id == 2 && is_bytes) {
            old_min = read_binary(t);
            has_old_min = true;
        } else if (field.id == 3 && is_kind(t, field, THRIFT_I64)) {
            column->null_count = read_integer(t);
            column->has_null_count = true;
        } else if (field.id == 3) {
            continue;
        } else if (field.id == 5 && is_bytes) {
            column->max = read_binary(t);
            column->has_max = true;
        } else if (field.id == 6 && is_bytes) {
            column->min = read_binary(t);
            column->has_min = true;
        } else if (field.id == 7) {
            column->is_max_exact = field.type == THRIFT_TRUE;
        } else if (field.id == 8) {
            column->is_min_exact = field.type == THRIFT_TRUE;
        } else {
            skip_field(t, field);
        }
    }
    // the old pair compared everything as signed: right for numbers only
    const bool is_number = leaf != NULL && leaf->type != PARQUET_BYTE_ARRAY &&
                           leaf->type != PARQUET_FIXED_LEN_BYTE_ARRAY &&
                           leaf->type != PARQUET_INT96 &&
                           (leaf->logical != PARQUET_LOGICAL_INTEGER || leaf->is_signed);
    if (!column->has_min && !column->has_max && is_number && has_old_min && has_old_max) {
        column->min = old_min;
        column->max = old_max;
        column->has_min = column->has_max = true;
    }
}

static void read_column_data(struct thrift *t, struct parquet_column *column,
                             const struct parquet_element *leaf)
{
    struct thrift_field field = {0};
    while (next_field(t, &field)) {
        int64_t *const to = field.id == 5    ? &column->value_count
                            : field.id == 6  ? &column->uncompressed_bytes
                            : field.id == 7  ? &column->compressed_bytes
                            : field.id == 9  ? &column->data_page_offset
                            : field.id == 11 ? &column->dictionary_page_offset
                                             : NULL;
        if (field.id == 12 && field.type == THRIFT_STRUCT)
            read_statistics(t, column, leaf);
        else if (to == NULL)
            skip_field(t, field);
        else if (is_kind(t, field, THRIFT_I64))
            *to = read_integer(t);
    }
}

struct footer_reader {
    struct arena *arena;
    struct thrift thrift;
    const char *place;
    struct parquet_footer footer;
    const struct parquet_element **leaves;
    size_t chunk_count;
    struct err *err;
};

static rc damaged(const struct footer_reader *r, const char *what)
{
    return err_set(r->err, RC_CORRUPT, "%s: the Parquet footer is damaged: %s", r->place, what);
}

static rc read_columns(struct footer_reader *r, struct parquet_row_group *group)
{
    enum thrift_type type;
    struct thrift *t = &r->thrift;
    const size_t count = read_list(t, &type);
    if (t->is_bad || type != THRIFT_STRUCT || count != r->footer.leaf_count)
        return damaged(r, "a row group does not have the columns of the schema");
    r->chunk_count += count;
    if (r->chunk_count > MAX_COLUMN_CHUNKS)
        return err_set(r->err, RC_LIMIT, "%s: more than %d column chunks", r->place,
                       MAX_COLUMN_CHUNKS);
    struct parquet_column *columns = ARENA_ARRAY(r->arena, struct parquet_column, count);
    for (size_t i = 0; i < count; i++) {
        struct thrift_field field = {0};
        columns[i].element = (int32_t)(r->leaves[i] - r->footer.elements);
        columns[i].data_page_offset = columns[i].dictionary_page_offset = -1;
        while (next_field(t, &field)) {
            if (field.id == 3 && field.type == THRIFT_STRUCT)
                read_column_data(t, &columns[i], r->leaves[i]);
            else
                skip_field(t, field);
        }
    }
    group->columns = columns;
    group->column_count = count;
    return RC_OK;
}

static rc read_row_group(struct footer_reader *r, struct parquet_row_group *group)
{
    struct thrift *t = &r->thrift;
    struct thrift_field field = {0};
    while (next_field(t, &field)) {
        if (field.id == 1 && field.type == THRIFT_LIST)
            TRY(read_columns(r, group));
        else if (field.id == 2 && is_kind(t, field, THRIFT_I64))
            group->total_bytes = read_integer(t);
        else if (field.id == 3 && is_kind(t, field, THRIFT_I64))
            group->row_count = read_integer(t);
        else if (field.id != 2 && field.id != 3)
            skip_field(t, field);
    }
    if (group->column_count > 0) {
        // the first page of the first column; a dictionary lies before its data
        const struct parquet_column *first = &group->columns[0];
        const int64_t dictionary = first->dictionary_page_offset;
        group->file_offset = dictionary > 0 && dictionary < first->data_page_offset
                                 ? dictionary
                                 : first->data_page_offset;
    }
    return t->is_bad ? damaged(r, "a row group is cut off") : RC_OK;
}

/// Links children to parents and numbers the leaves. The list is in depth-first order.
static rc link_elements(struct footer_reader *r, struct parquet_element *elements, size_t count)
{
    struct {
        int32_t element, left;
    } open[MAX_SCHEMA_DEPTH];
    int depth = 0;
    r->leaves =
        (const struct parquet_element **)arena_alloc_array(r->arena, count, sizeof *r->leaves);
    for (size_t i = 0; i < count; i++) {
        if (i > 0 && depth == 0)
            return damaged(r, "the schema has more elements than its tree");
        elements[i].parent = depth > 0 ? open[depth - 1].element : -1;
        if (depth > 0)
            open[depth - 1].left--;
        r->footer.has_field_ids = r->footer.has_field_ids || elements[i].field_id >= 0;
        if (elements[i].child_count < 0 || (size_t)elements[i].child_count > count)
            return damaged(r, "a group has an impossible number of members");
        if (elements[i].child_count > 0) {
            if (depth == MAX_SCHEMA_DEPTH)
                return err_set(r->err, RC_LIMIT, "%s: columns are nested deeper than %d levels",
                               r->place, MAX_SCHEMA_DEPTH);
            open[depth].element = (int32_t)i;
            open[depth++].left = elements[i].child_count;
        } else if (i > 0 && elements[i].type != PARQUET_NO_TYPE) {
            elements[i].leaf = (int32_t)r->footer.leaf_count;
            r->leaves[r->footer.leaf_count++] = &elements[i];
        }
        while (depth > 0 && open[depth - 1].left == 0)
            depth--;
    }
    return depth == 0 ? RC_OK : damaged(r, "the schema is incomplete");
}

static rc read_schema(struct footer_reader *r)
{
    enum thrift_type type;
    const size_t count = read_list(&r->thrift, &type);
    if (r->thrift.is_bad || type != THRIFT_STRUCT || count == 0)
        return damaged(r, "the schema is missing");
    if (count > PARQUET_MAX_ELEMENTS)
        return err_set(r->err, RC_LIMIT, "%s: %zu schema elements, at most %d are read", r->place,
                       count, PARQUET_MAX_ELEMENTS);
    struct parquet_element *elements = ARENA_ARRAY(r->arena, struct parquet_element, count);
    for (size_t i = 0; i < count && !r->thrift.is_bad; i++)
        read_element(&r->thrift, &elements[i]);
    if (r->thrift.is_bad)
        return damaged(r, "the schema is cut off");
    r->footer.elements = elements;
    r->footer.element_count = count;
    return link_elements(r, elements, count);
}

static rc read_row_groups(struct footer_reader *r)
{
    enum thrift_type type;
    if (r->footer.elements == NULL)
        return damaged(r, "row groups come before the schema");
    const size_t count = read_list(&r->thrift, &type);
    if (r->thrift.is_bad || (count > 0 && type != THRIFT_STRUCT))
        return damaged(r, "the row groups are cut off");
    struct parquet_row_group *groups = ARENA_ARRAY(r->arena, struct parquet_row_group, count);
    for (size_t i = 0; i < count; i++)
        TRY_CONTEXT(read_row_group(r, &groups[i]), r->err, "row group %zu", i);
    r->footer.row_groups = groups;
    r->footer.row_group_count = count;
    return RC_OK;
}

static void read_metadata(struct footer_reader *r)
{
    enum thrift_type type;
    struct thrift *t = &r->thrift;
    const size_t count = read_list(t, &type);
    if (type != THRIFT_STRUCT)
        t->is_bad = t->is_bad || count > 0;
    struct parquet_key_value *pairs = ARENA_ARRAY(r->arena, struct parquet_key_value, count);
    for (size_t i = 0; i < count && !t->is_bad; i++) {
        struct thrift_field field = {0};
        while (next_field(t, &field)) {
            if (field.id == 1 && field.type == THRIFT_BINARY)
                pairs[i].key = read_binary(t);
            else if (field.id == 2 && field.type == THRIFT_BINARY)
                pairs[i].value = read_binary(t);
            else
                skip_field(t, field);
        }
    }
    r->footer.metadata = pairs;
    r->footer.metadata_count = t->is_bad ? 0 : count;
}

rc parquet_footer_parse(struct arena *arena, struct str bytes, const char *place,
                        struct parquet_footer *ret_footer, struct err *err)
{
    const unsigned char *start = (const unsigned char *)bytes.bytes;
    struct footer_reader reader = {.arena = arena,
                                   .thrift = {.at = start, .end = start + bytes.length},
                                   .place = place,
                                   .err = err};
    struct footer_reader *r = &reader;
    struct thrift *t = &r->thrift;
    struct thrift_field field = {0};
    while (next_field(t, &field)) {
        if (field.id == 2 && field.type == THRIFT_LIST)
            TRY(read_schema(r));
        else if (field.id == 4 && field.type == THRIFT_LIST)
            TRY(read_row_groups(r));
        else if (field.id == 5 && field.type == THRIFT_LIST)
            read_metadata(r);
        else if (field.id == 6 && field.type == THRIFT_BINARY)
            r->footer.created_by = read_binary(t);
        else if (field.id == 1 && field.type == THRIFT_I32)
            r->footer.version = read_int32(t);
        else if (field.id == 3 && field.type == THRIFT_I64)
            r->footer.row_count = read_integer(t);
        else
            skip_field(t, field);
    }
    if (t->is_bad || r->footer.elements == NULL || r->footer.row_count < 0)
        return damaged(r, "it is cut off");
    *ret_footer = r->footer;
    return RC_OK;
}

rc parquet_footer_length(struct str tail, const char *place, uint32_t *ret_length, struct err *err)
{
    if (tail.length != PARQUET_TAIL_BYTES)
        return err_set(err, RC_CORRUPT, "%s: too short for a Parquet file", place);
    if (memcmp(tail.bytes + 4, "PARE", 4) == 0)
        return err_set(err, RC_UNSUPPORTED, "%s: the Parquet footer is encrypted", place);
    if (memcmp(tail.bytes + 4, "PAR1", 4) != 0)
        return err_set(err, RC_CORRUPT, "%s: not a Parquet file", place);
    uint32_t length;
    memcpy(&length, tail.bytes, sizeof length);
    if (length > PARQUET_MAX_FOOTER_BYTES)
        return err_set(err, RC_LIMIT, "%s: a Parquet footer of %u bytes, at most %d are read",
                       place, length, PARQUET_MAX_FOOTER_BYTES);
    *ret_length = length;
    return RC_OK;
}

rc parquet_footer_of_file(struct arena *arena, struct str file_end, const char *place,
                          struct parquet_footer *ret_footer, struct err *err)
{
    uint32_t length;
    const size_t body =
        file_end.length >= PARQUET_TAIL_BYTES ? file_end.length - PARQUET_TAIL_BYTES : 0;
    TRY(parquet_footer_length(str_slice(file_end, body, SIZE_MAX), place, &length, err));
    if (length > body)
        return err_set(err, RC_CORRUPT, "%s: the Parquet footer is cut off", place);
    return parquet_footer_parse(arena, str_slice(file_end, body - length, length), place,
                                ret_footer, err);
}

struct str parquet_path(struct arena *arena, const struct parquet_footer *footer, int32_t element)
{
    str_vec names = {0};
    for (int32_t at = element; at > 0; at = footer->elements[at].parent)
        *vec_push(arena, &names) = footer->elements[at].name;
    for (size_t i = 0; i < names.count / 2; i++) {
        const struct str swap = names.items[i];
        names.items[i] = names.items[names.count - 1 - i];
        names.items[names.count - 1 - i] = swap;
    }
    return str_join(arena, names.items, names.count, STR("."));
}
