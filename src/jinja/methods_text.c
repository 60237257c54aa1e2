/// @file methods_text.c
/// The methods of str and bytes. Layer: jinja. Source: CPython 3.11; Unicode by base/utf8.h.

#include "base/utf8.h"
#include "jinja/methods.h"
#include "jinja/throw.h"

#define METHOD(name)                                                                               \
    static rc name(struct render *r, struct value self, const struct arguments *a,                 \
                   struct value *ret_value, struct err *err)

rc no_keywords(const struct arguments *a, const char *function, size_t least, size_t most,
               struct err *err)
{
    if (a->keyword_count > 0)
        return throw_error(err, "TypeError", "%s() takes no keyword arguments", function);
    if (a->count < least || a->count > most)
        return throw_error(err, "TypeError", "%s() takes %s%zu argument%s (%zu given)", function,
                           least == most      ? "exactly "
                           : a->count < least ? "at least "
                                              : "at most ",
                           a->count < least ? least : most,
                           (a->count < least ? least : most) == 1 ? "" : "s", a->count);
    return RC_OK;
}

rc text_argument(struct value value, const char *function, struct str *ret_text, struct err *err)
{
    if (value.kind != VALUE_STR)
        return throw_error(err, "TypeError", "%s() argument must be str, not %s", function,
                           value_type_name(value));
    *ret_text = value_text(value);
    return RC_OK;
}

rc int_argument(struct value value, int64_t fallback, int64_t *ret_number, struct err *err)
{
    if (value.kind == VALUE_MISSING) {
        *ret_number = fallback;
        return RC_OK;
    }
    if (!value_is_integer(value))
        return throw_error(err, "TypeError", "'%s' object cannot be interpreted as an integer",
                           value_type_name(value));
    *ret_number = value.integer;
    return RC_OK;
}

/// A text made from self keeps its being Markup.
static struct value like(struct value self, struct str text)
{
    struct value value = value_str(text);
    value.flags = self.flags;
    return value;
}

// ---------------------------------------------------------------- case

METHOD(str_lower_method)
{
    TRY(no_keywords(a, "lower", 0, 0, err));
    *ret_value = like(self, utf8_lower(r->arena, value_text(self)));
    return spend(r, self.length / 16, err);
}

METHOD(str_upper_method)
{
    TRY(no_keywords(a, "upper", 0, 0, err));
    *ret_value = like(self, utf8_upper(r->arena, value_text(self)));
    return spend(r, self.length / 16, err);
}

METHOD(str_title_method)
{
    TRY(no_keywords(a, "title", 0, 0, err));
    *ret_value = like(self, utf8_title(r->arena, value_text(self)));
    return RC_OK;
}

METHOD(str_casefold)
{
    TRY(no_keywords(a, "casefold", 0, 0, err));
    *ret_value = like(self, utf8_case_fold(r->arena, value_text(self)));
    return RC_OK;
}

METHOD(str_capitalize)
{
    TRY(no_keywords(a, "capitalize", 0, 0, err));
    const struct str text = value_text(self), first = utf8_slice(text, 0, 1);
    *ret_value =
        like(self, str_concat(r->arena, utf8_title(r->arena, first),
                              utf8_lower(r->arena, str_slice(text, first.length, SIZE_MAX))));
    return RC_OK;
}

METHOD(str_swapcase)
{
    TRY(no_keywords(a, "swapcase", 0, 0, err));
    struct buf buf;
    struct str rest = value_text(self);
    uint32_t code;
    buf_init(&buf, UINT32_MAX / 4);
    for (const char *at = rest.bytes; utf8_next(&rest, &code); at = rest.bytes) {
        const struct str one = {at,
                                (size_t)(value_text(self).bytes + self.length - at) - rest.length};
        buf_append_str(&buf,
                       utf8_is_upper(code) ? utf8_lower(r->arena, one) : utf8_upper(r->arena, one));
    }
    *ret_value = like(self, buf_take(r->arena, &buf));
    return RC_OK;
}

// ---------------------------------------------------------------- stripping

static bool is_in(struct str set, uint32_t code)
{
    uint32_t one;
    while (utf8_next(&set, &one))
        if (one == code)
            return true;
    return false;
}

static size_t last_start(struct str text)
{
    size_t at = text.length - 1;
    while (at > 0 && (text.bytes[at] & 0xC0) == 0x80)
        at--;
    return at;
}

struct str text_strip(struct str text, const struct str *set, bool left, bool right)
{
    uint32_t code;
    while (left && text.length > 0) {
        struct str rest = text;
        utf8_next(&rest, &code);
        if (set != NULL ? !is_in(*set, code) : !utf8_is_space(code))
            break;
        text = rest;
    }
    while (right && text.length > 0) {
        const size_t at = last_start(text);
        struct str last = str_slice(text, at, SIZE_MAX);
        utf8_next(&last, &code);
        if (set != NULL ? !is_in(*set, code) : !utf8_is_space(code))
            break;
        text.length = at;
    }
    return text;
}

static rc strip_with(struct value self, const struct arguments *a, const char *name, bool left,
                     bool right, struct value *ret_value, struct err *err)
{
    struct str set;
    TRY(no_keywords(a, name, 0, 1, err));
    const bool has_set = a->count == 1 && a->items[0].kind != VALUE_NONE;
    if (has_set)
        TRY(text_argument(a->items[0], name, &set, err));
    *ret_value = like(self, text_strip(value_text(self), has_set ? &set : NULL, left, right));
    return RC_OK;
}

METHOD(str_strip)
{
    (void)r;
    return strip_with(self, a, "strip", true, true, ret_value, err);
}

METHOD(str_lstrip)
{
    (void)r;
    return strip_with(self, a, "lstrip", true, false, ret_value, err);
}

METHOD(str_rstrip)
{
    (void)r;
    return strip_with(self, a, "rstrip", false, true, ret_value, err);
}

METHOD(str_removeprefix)
{
    struct str prefix;
    (void)r;
    TRY(no_keywords(a, "removeprefix", 1, 1, err));
    TRY(text_argument(a->items[0], "removeprefix", &prefix, err));
    const struct str text = value_text(self);
    *ret_value =
        like(self, str_has_prefix(text, prefix) ? str_slice(text, prefix.length, SIZE_MAX) : text);
    return RC_OK;
}

METHOD(str_removesuffix)
{
    struct str suffix;
    (void)r;
    TRY(no_keywords(a, "removesuffix", 1, 1, err));
    TRY(text_argument(a->items[0], "removesuffix", &suffix, err));
    const struct str text = value_text(self);
    *ret_value = like(self, suffix.length > 0 && str_has_suffix(text, suffix)
                                ? str_slice(text, 0, text.length - suffix.length)
                                : text);
    return RC_OK;
}

// ---------------------------------------------------------------- splitting and joining

/// Splits at runs of white space.
static void split_space(struct value self, int64_t most, struct value list)
{
    struct str rest = text_strip(value_text(self), NULL, true, false);
    while (rest.length > 0) {
        if (most == 0) {
            list_push(list, like(self, text_strip(rest, NULL, false, true)));
            return;
        }
        struct str end = rest;
        uint32_t code;
        size_t length = 0;
        while (utf8_next(&end, &code) && !utf8_is_space(code))
            length = rest.length - end.length;
        list_push(list, like(self, str_slice(rest, 0, length)));
        rest = text_strip(str_slice(rest, length, SIZE_MAX), NULL, true, false);
        most--;
    }
}

static void rsplit_space(struct value self, int64_t most, struct value list)
{
    struct str rest = text_strip(value_text(self), NULL, false, true);
    while (rest.length > 0) {
        if (most == 0) {
            list_push(list, like(self, text_strip(rest, NULL, true, false)));
            break;
        }
        size_t start = rest.length;
        while (start > 0) {
            const size_t at = last_start(str_slice(rest, 0, start));
            struct str last = str_slice(rest, at, start - at);
            uint32_t code;
            utf8_next(&last, &code);
            if (utf8_is_space(code))
                break;
            start = at;
        }
        list_push(list, like(self, str_slice(rest, start, SIZE_MAX)));
        rest = text_strip(str_slice(rest, 0, start), NULL, false, true);
        most--;
    }
}

static void reverse(struct value list)
{
    for (uint32_t i = 0, j = list.list->count; i + 1 < j; i++) {
        const struct value swap = list.list->items[i];
        list.list->items[i] = list.list->items[--j];
        list.list->items[j] = swap;
    }
}

static size_t find_last(struct str text, struct str needle)
{
    if (needle.length > text.length)
        return SIZE_MAX;
    for (size_t at = text.length - needle.length + 1; at-- > 0;)
        if (memcmp(text.bytes + at, needle.bytes, needle.length) == 0)
            return at;
    return SIZE_MAX;
}

static void split_text(struct value self, struct str separator, int64_t most, bool from_right,
                       struct value list)
{
    struct str rest = value_text(self);
    while (most != 0) {
        const size_t at = from_right ? find_last(rest, separator) : str_find(rest, separator);
        if (at == SIZE_MAX)
            break;
        const struct str after = str_slice(rest, at + separator.length, SIZE_MAX);
        const struct str before = str_slice(rest, 0, at);
        list_push(list, like(self, from_right ? after : before));
        rest = from_right ? before : after;
        most--;
    }
    list_push(list, like(self, rest));
}

static rc split_with(struct render *r, struct value self, const struct arguments *a,
                     const char *name, bool from_right, struct value *ret_value, struct err *err)
{
    static const char *const names[] = {"sep", "maxsplit"};
    struct value arguments[2];
    struct str separator = {0};
    int64_t most;
    TRY(arguments_bind(r, name, a, names, 0, 2, arguments, err));
    TRY(int_argument(arguments[1], -1, &most, err));
    const bool has_separator =
        arguments[0].kind != VALUE_MISSING && arguments[0].kind != VALUE_NONE;
    if (has_separator)
        TRY(text_argument(arguments[0], name, &separator, err));
    if (has_separator && separator.length == 0)
        return throw_error(err, "ValueError", "empty separator");
    TRY(spend(r, self.length / 8, err));
    *ret_value = value_list_new(r->arena, 0);
    if (has_separator)
        split_text(self, separator, most, from_right, *ret_value);
    else if (from_right)
        rsplit_space(self, most, *ret_value);
    else
        split_space(self, most, *ret_value);
    if (from_right)
        reverse(*ret_value);
    return RC_OK;
}

METHOD(str_split)
{
    return split_with(r, self, a, "split", false, ret_value, err);
}

METHOD(str_rsplit)
{
    return split_with(r, self, a, "rsplit", true, ret_value, err);
}

METHOD(str_splitlines)
{
    static const char *const names[] = {"keepends"};
    struct value keep;
    TRY(arguments_bind(r, "splitlines", a, names, 0, 1, &keep, err));
    *ret_value = value_list_new(r->arena, 0);
    const struct str text = value_text(self);
    for (size_t start = 0; start < text.length;) {
        size_t end = start, width = 0;
        for (; end < text.length && width == 0; end += width == 0) {
            const unsigned char c = (unsigned char)text.bytes[end];
            if (c == '\r' && end + 1 < text.length && text.bytes[end + 1] == '\n')
                width = 2;
            else if ((c >= '\n' && c <= '\r') || (c >= 0x1c && c <= 0x1e))
                width = 1;
            if (width != 0)
                break;
        }
        list_push(
            *ret_value,
            like(self, str_slice(text, start, end - start + (value_is_true(keep) ? width : 0))));
        start = end + width;
    }
    return spend(r, self.length / 8, err);
}

static rc partition_at(struct render *r, struct value self, const struct arguments *a,
                       const char *name, bool from_right, struct value *ret_value, struct err *err)
{
    struct str separator;
    TRY(no_keywords(a, name, 1, 1, err));
    TRY(text_argument(a->items[0], name, &separator, err));
    if (separator.length == 0)
        return throw_error(err, "ValueError", "empty separator");
    const struct str text = value_text(self);
    const size_t at = from_right ? find_last(text, separator) : str_find(text, separator);
    struct value parts[3] = {like(self, STR("")), like(self, STR("")), like(self, STR(""))};
    if (at == SIZE_MAX) {
        parts[from_right ? 2 : 0] = self;
    } else {
        parts[0] = like(self, str_slice(text, 0, at));
        parts[1] = like(self, separator);
        parts[2] = like(self, str_slice(text, at + separator.length, SIZE_MAX));
    }
    *ret_value = value_tuple_of(r->arena, parts, 3);
    return RC_OK;
}

METHOD(str_partition)
{
    return partition_at(r, self, a, "partition", false, ret_value, err);
}

METHOD(str_rpartition)
{
    return partition_at(r, self, a, "rpartition", true, ret_value, err);
}

METHOD(str_join_method)
{
    const struct value *items;
    size_t count;
    struct buf buf;
    TRY(no_keywords(a, "join", 1, 1, err));
    const rc code = value_items(r, a->items[0], &items, &count, err);
    if (code != RC_OK && throw_is(err, "TypeError"))
        return throw_error(err, "TypeError", "can only join an iterable");
    TRY(code);
    buf_init(&buf, UINT32_MAX / 4);
    for (size_t i = 0; i < count; i++) {
        struct value item = items[i];
        if (item.kind != VALUE_STR) {
            buf_done(&buf);
            return throw_error(err, "TypeError",
                               "sequence item %zu: expected str instance, %s found", i,
                               value_type_name(item));
        }
        if ((self.flags & VALUE_FLAG_MARKUP) != 0)
            TRY(escape_value(r, item, &item, err));
        if (i > 0)
            buf_append_str(&buf, value_text(self));
        buf_append_str(&buf, value_text(item));
    }
    const rc checked = buf_check(&buf, err, "the result of join()");
    *ret_value = like(self, buf_take(r->arena, &buf));
    TRY(checked);
    return spend(r, ret_value->length / 16 + count, err);
}

METHOD(str_replace_method)
{
    struct str from, to;
    int64_t most;
    TRY(no_keywords(a, "replace", 2, 3, err));
    TRY(text_argument(a->items[0], "replace", &from, err));
    TRY(text_argument(a->items[1], "replace", &to, err));
    TRY(int_argument(a->count > 2 ? a->items[2] : value_missing(), -1, &most, err));
    struct str rest = value_text(self);
    struct buf buf;
    buf_init(&buf, UINT32_MAX / 4);
    while (most != 0) {
        size_t at = str_find(rest, from);
        if (from.length == 0) { // between all characters
            buf_append_str(&buf, to);
            if (rest.length == 0)
                break;
            at = utf8_slice(rest, 0, 1).length;
            buf_append(&buf, rest.bytes, at);
            rest = str_slice(rest, at, SIZE_MAX);
            most--;
            continue;
        }
        if (at == SIZE_MAX)
            break;
        buf_append(&buf, rest.bytes, at);
        buf_append_str(&buf, to);
        rest = str_slice(rest, at + from.length, SIZE_MAX);
        most--;
    }
    buf_append_str(&buf, rest);
    rc code = buf_check(&buf, err, "the result of replace()");
    *ret_value = like(self, buf_take(r->arena, &buf));
    TRY(code);
    return spend(r, (self.length + (uint64_t)ret_value->length) / 16, err);
}

// ---------------------------------------------------------------- searching

/// The part of self between the optional start and end arguments, with its offset.
static rc search_window(struct value self, const struct arguments *a, const char *name,
                        struct str *ret_window, size_t *ret_offset, struct err *err)
{
    const struct str text = value_text(self);
    int64_t start, end;
    const int64_t count = (int64_t)utf8_count(text);
    TRY(no_keywords(a, name, 1, 3, err));
    TRY(int_argument(a->count > 1 && a->items[1].kind != VALUE_NONE ? a->items[1] : value_missing(),
                     0, &start, err));
    TRY(int_argument(a->count > 2 && a->items[2].kind != VALUE_NONE ? a->items[2] : value_missing(),
                     count, &end, err));
    start = start < 0 ? start + count : start;
    end = end < 0 ? end + count : end;
    start = start < 0 ? 0 : start;
    end = end > count ? count : end;
    *ret_offset = (size_t)start;
    if (start > count || end < start)
        *ret_window = (struct str){NULL, 0}; // even "" is not found
    else
        *ret_window = utf8_slice(text, (size_t)start, (size_t)(end - start));
    if (ret_window->bytes == NULL && start <= end && start <= count)
        ret_window->bytes = "";
    return RC_OK;
}

static rc find_with(struct value self, const struct arguments *a, const char *name, bool from_right,
                    bool must_be, struct value *ret_value, struct err *err)
{
    struct str window, needle;
    size_t offset;
    TRY(search_window(self, a, name, &window, &offset, err));
    TRY(text_argument(a->items[0], name, &needle, err));
    size_t at = SIZE_MAX;
    if (window.bytes != NULL)
        at = from_right ? find_last(window, needle) : str_find(window, needle);
    if (at == SIZE_MAX && must_be)
        return throw_error(err, "ValueError", "substring not found");
    *ret_value =
        value_int(at == SIZE_MAX ? -1 : (int64_t)(offset + utf8_count(str_slice(window, 0, at))));
    return RC_OK;
}

METHOD(str_find_method)
{
    (void)r;
    return find_with(self, a, "find", false, false, ret_value, err);
}

METHOD(str_rfind)
{
    (void)r;
    return find_with(self, a, "rfind", true, false, ret_value, err);
}

METHOD(str_index)
{
    (void)r;
    return find_with(self, a, "index", false, true, ret_value, err);
}

METHOD(str_rindex)
{
    (void)r;
    return find_with(self, a, "rindex", true, true, ret_value, err);
}

METHOD(str_count)
{
    struct str window, needle;
    size_t offset;
    int64_t count = 0;
    TRY(search_window(self, a, "count", &window, &offset, err));
    TRY(text_argument(a->items[0], "count", &needle, err));
    if (needle.length == 0)
        count = (int64_t)utf8_count(window) + 1;
    for (size_t at; needle.length > 0 && (at = str_find(window, needle)) != SIZE_MAX; count++)
        window = str_slice(window, at + needle.length, SIZE_MAX);
    *ret_value = value_int(count);
    return spend(r, self.length / 16, err);
}

static rc affix_with(struct value self, const struct arguments *a, const char *name, bool is_prefix,
                     struct value *ret_value, struct err *err)
{
    struct str window;
    size_t offset;
    TRY(search_window(self, a, name, &window, &offset, err));
    const struct value *items = &a->items[0];
    size_t count = 1;
    if (items->kind == VALUE_TUPLE) {
        count = items->list->count;
        items = items->list->items;
    }
    *ret_value = value_bool(false);
    for (size_t i = 0; i < count; i++) {
        if (items[i].kind != VALUE_STR)
            return throw_error(err, "TypeError",
                               "%s first arg must be str or a tuple of str, not %s", name,
                               value_type_name(items[i]));
        const struct str affix = value_text(items[i]);
        if (window.bytes != NULL &&
            (is_prefix ? str_has_prefix(window, affix) : str_has_suffix(window, affix)))
            *ret_value = value_bool(true);
    }
    return RC_OK;
}

METHOD(str_startswith)
{
    (void)r;
    return affix_with(self, a, "startswith", true, ret_value, err);
}

METHOD(str_endswith)
{
    (void)r;
    return affix_with(self, a, "endswith", false, ret_value, err);
}

// ---------------------------------------------------------------- filling

static rc fill_to(struct render *r, struct value self, const struct arguments *a, const char *name,
                  int side, struct value *ret_value, struct err *err)
{
    int64_t width;
    struct str fill = STR(" ");
    TRY(no_keywords(a, name, 1, 2, err));
    TRY(int_argument(a->items[0], 0, &width, err));
    if (a->count > 1)
        TRY(text_argument(a->items[1], name, &fill, err));
    if (utf8_count(fill) != 1)
        return throw_error(err, "TypeError",
                           "The fill character must be exactly one character long");
    const int64_t length = (int64_t)utf8_count(value_text(self));
    const int64_t missing = width > length ? width - length : 0;
    if (missing > 10000000)
        return err_set(err, RC_LIMIT, "%s() to more than 10,000,000 characters", name);
    // as CPython: an odd one goes to the left when the width is odd
    const int64_t left = side < 0 ? 0 : side == 0 ? missing / 2 + (missing & width & 1) : missing;
    struct buf buf;
    buf_init(&buf, UINT32_MAX / 4);
    for (int64_t i = 0; i < left; i++)
        buf_append_str(&buf, fill);
    buf_append_str(&buf, value_text(self));
    for (int64_t i = left; i < missing; i++)
        buf_append_str(&buf, fill);
    *ret_value = like(self, buf_take(r->arena, &buf));
    return spend(r, (uint64_t)missing / 16, err);
}

METHOD(str_center)
{
    return fill_to(r, self, a, "center", 0, ret_value, err);
}

METHOD(str_ljust)
{
    return fill_to(r, self, a, "ljust", -1, ret_value, err);
}

METHOD(str_rjust)
{
    return fill_to(r, self, a, "rjust", 1, ret_value, err);
}

METHOD(str_zfill)
{
    TRY(no_keywords(a, "zfill", 1, 1, err));
    const struct value arguments[2] = {a->items[0], VALUE_STR_LITERAL("0")};
    const bool has_sign = self.length > 0 && (self.bytes[0] == '-' || self.bytes[0] == '+');
    struct value body = like(self, str_slice(value_text(self), has_sign, SIZE_MAX)), filled;
    struct arguments two = {arguments, 2, NULL, 0};
    struct value shorter[2] = {a->items[0], arguments[1]};
    if (has_sign && value_is_integer(shorter[0]))
        shorter[0].integer--;
    two.items = shorter;
    TRY(fill_to(r, body, &two, "zfill", 1, &filled, err));
    if (has_sign)
        filled =
            like(self, str_concat(r->arena, str_slice(value_text(self), 0, 1), value_text(filled)));
    *ret_value = filled;
    return RC_OK;
}

METHOD(str_expandtabs)
{
    static const char *const names[] = {"tabsize"};
    struct value argument;
    int64_t size;
    TRY(arguments_bind(r, "expandtabs", a, names, 0, 1, &argument, err));
    TRY(int_argument(argument, 8, &size, err));
    struct buf buf;
    size_t column = 0;
    buf_init(&buf, UINT32_MAX / 4);
    if (size < 0 || size > 1000)
        size = 8;
    for (size_t i = 0; i < self.length; i++) {
        const char c = self.bytes[i];
        if (c == '\t') {
            for (size_t n = size > 0 ? (size_t)size - column % (size_t)size : 0; n > 0;
                 n--, column++)
                buf_append_byte(&buf, ' ');
            continue;
        }
        buf_append_byte(&buf, c);
        column = c == '\n' || c == '\r' ? 0 : column + ((c & 0xC0) != 0x80);
    }
    *ret_value = like(self, buf_take(r->arena, &buf));
    return RC_OK;
}

// ---------------------------------------------------------------- questions

static bool is_ascii_code(uint32_t code)
{
    return code < 0x80;
}

static bool is_identifier_code(uint32_t code)
{
    return code == '_' || utf8_is_alnum(code);
}

/// All characters are such; `on_empty` for the empty text.
static rc all_are(struct value self, const struct arguments *a, const char *name,
                  bool (*is_such)(uint32_t code), bool on_empty, struct value *ret_value,
                  struct err *err)
{
    TRY(no_keywords(a, name, 0, 0, err));
    struct str rest = value_text(self);
    uint32_t code;
    bool result = rest.length > 0 || on_empty;
    while (result && utf8_next(&rest, &code))
        result = is_such(code);
    *ret_value = value_bool(result);
    return RC_OK;
}

#define ALL_METHOD(name, text, is_such, on_empty)                                                  \
    METHOD(name)                                                                                   \
    {                                                                                              \
        (void)r;                                                                                   \
        return all_are(self, a, text, is_such, on_empty, ret_value, err);                          \
    }
ALL_METHOD(str_isalnum, "isalnum", utf8_is_alnum, false)
ALL_METHOD(str_isalpha, "isalpha", utf8_is_alpha, false)
ALL_METHOD(str_isascii, "isascii", is_ascii_code, true)
ALL_METHOD(str_isdigit, "isdigit", utf8_is_digit, false)
ALL_METHOD(str_isspace, "isspace", utf8_is_space, false)
ALL_METHOD(str_isprintable, "isprintable", utf8_is_printable, true)

METHOD(str_isidentifier)
{
    (void)r;
    TRY(all_are(self, a, "isidentifier", is_identifier_code, false, ret_value, err));
    if (self.length > 0 && self.bytes[0] >= '0' && self.bytes[0] <= '9')
        *ret_value = value_bool(false);
    return RC_OK;
}

/// islower, isupper: no letter of the other case, at least one of this.
static rc case_is(struct value self, const struct arguments *a, const char *name, bool wants_upper,
                  struct value *ret_value, struct err *err)
{
    TRY(no_keywords(a, name, 0, 0, err));
    struct str rest = value_text(self);
    uint32_t code;
    bool has = false, is_wrong = false;
    while (utf8_next(&rest, &code)) {
        has = has || (wants_upper ? utf8_is_upper(code) : utf8_is_lower(code));
        is_wrong = is_wrong || (wants_upper ? utf8_is_lower(code) : utf8_is_upper(code));
    }
    *ret_value = value_bool(has && !is_wrong);
    return RC_OK;
}

METHOD(str_islower)
{
    (void)r;
    return case_is(self, a, "islower", false, ret_value, err);
}

METHOD(str_isupper)
{
    (void)r;
    return case_is(self, a, "isupper", true, ret_value, err);
}

METHOD(str_istitle)
{
    TRY(no_keywords(a, "istitle", 0, 0, err));
    bool has = false, result = true, is_inside = false;
    struct str rest = value_text(self);
    uint32_t code;
    while (utf8_next(&rest, &code) && result) {
        const bool is_upper = utf8_is_upper(code), is_lower = utf8_is_lower(code);
        result = (!is_upper || !is_inside) && (!is_lower || is_inside);
        is_inside = is_upper || is_lower;
        has = has || is_inside;
    }
    (void)r;
    *ret_value = value_bool(result && has);
    return RC_OK;
}

// ---------------------------------------------------------------- formatting and bytes

METHOD(str_format)
{
    return format_braces(r, self, a, NULL, ret_value, err);
}

METHOD(str_format_map)
{
    TRY(no_keywords(a, "format_map", 1, 1, err));
    static const struct arguments none = {0};
    return format_braces(r, self, &none, &a->items[0], ret_value, err);
}

METHOD(str_encode)
{
    static const char *const names[] = {"encoding", "errors"};
    struct value arguments[2];
    TRY(arguments_bind(r, "encode", a, names, 0, 2, arguments, err));
    if (arguments[0].kind == VALUE_STR &&
        !str_equal_ignore_case(value_text(arguments[0]), STR("utf-8")) &&
        !str_equal_ignore_case(value_text(arguments[0]), STR("utf8")) &&
        !str_equal_ignore_case(value_text(arguments[0]), STR("ascii")))
        return throw_error(err, "LookupError", "unknown encoding: %.*s",
                           STR_ARGS(value_text(arguments[0])));
    *ret_value = self;
    ret_value->kind = VALUE_BYTES;
    ret_value->flags = 0;
    return RC_OK;
}

METHOD(bytes_decode)
{
    static const char *const names[] = {"encoding", "errors"};
    struct value arguments[2];
    TRY(arguments_bind(r, "decode", a, names, 0, 2, arguments, err));
    if (!utf8_is_valid(value_text(self)))
        return throw_error(err, "UnicodeDecodeError", "'utf-8' codec can't decode the bytes");
    *ret_value = value_str(value_text(self));
    return RC_OK;
}

METHOD(bytes_hex)
{
    TRY(no_keywords(a, "hex", 0, 0, err));
    struct buf buf;
    buf_init(&buf, UINT32_MAX / 4);
    for (uint32_t i = 0; i < self.length; i++)
        buf_printf(&buf, "%02x", (unsigned char)self.bytes[i]);
    *ret_value = value_str(buf_take(r->arena, &buf));
    return RC_OK;
}

const struct method str_methods[] = {{"capitalize", str_capitalize},
                                     {"casefold", str_casefold},
                                     {"center", str_center},
                                     {"count", str_count},
                                     {"encode", str_encode},
                                     {"endswith", str_endswith},
                                     {"expandtabs", str_expandtabs},
                                     {"find", str_find_method},
                                     {"format", str_format},
                                     {"format_map", str_format_map},
                                     {"index", str_index},
                                     {"isalnum", str_isalnum},
                                     {"isalpha", str_isalpha},
                                     {"isascii", str_isascii},
                                     {"isdecimal", str_isdigit},
                                     {"isdigit", str_isdigit},
                                     {"isidentifier", str_isidentifier},
                                     {"islower", str_islower},
                                     {"isnumeric", str_isdigit},
                                     {"isprintable", str_isprintable},
                                     {"isspace", str_isspace},
                                     {"istitle", str_istitle},
                                     {"isupper", str_isupper},
                                     {"join", str_join_method},
                                     {"ljust", str_ljust},
                                     {"lower", str_lower_method},
                                     {"lstrip", str_lstrip},
                                     {"partition", str_partition},
                                     {"removeprefix", str_removeprefix},
                                     {"removesuffix", str_removesuffix},
                                     {"replace", str_replace_method},
                                     {"rfind", str_rfind},
                                     {"rindex", str_rindex},
                                     {"rjust", str_rjust},
                                     {"rpartition", str_rpartition},
                                     {"rsplit", str_rsplit},
                                     {"rstrip", str_rstrip},
                                     {"split", str_split},
                                     {"splitlines", str_splitlines},
                                     {"startswith", str_startswith},
                                     {"strip", str_strip},
                                     {"swapcase", str_swapcase},
                                     {"title", str_title_method},
                                     {"upper", str_upper_method},
                                     {"zfill", str_zfill},
                                     {NULL, NULL}};

const struct method bytes_methods[] = {{"decode", bytes_decode}, {"hex", bytes_hex}, {NULL, NULL}};
