// URLs. Layer: net. Source: RFC 3986; the form encoding is the one of HTML forms.
// Threads: pure functions. Limits: URL_MAX_BYTES.

#include "net/url.h"

#include "base/buf.h"

static struct str until_any(struct str text, const char *stops)
{
    size_t length = 0;
    while (length < text.length && strchr(stops, text.bytes[length]) == NULL)
        length++;
    return (struct str){text.bytes, length};
}

static struct str from(struct str text, size_t start)
{
    return (struct str){text.bytes + start, text.length - start};
}

bool url_is_absolute(struct str text)
{
    return str_equal_ignore_case(str_slice(text, 0, 7), STR("http://")) ||
           str_equal_ignore_case(str_slice(text, 0, 8), STR("https://"));
}

static rc check_bytes(struct str text, struct err *err)
{
    if (text.length > URL_MAX_BYTES)
        return err_set(err, RC_LIMIT, "the URL has %zu bytes, at most %d are allowed", text.length,
                       URL_MAX_BYTES);
    for (size_t i = 0; i < text.length; i++) {
        const unsigned char c = (unsigned char)text.bytes[i];
        if (c <= ' ' || c == 0x7f)
            return err_set(err, RC_INVALID, "the URL '%.*s' holds %s at byte %zu",
                           (int)(text.length < 200 ? text.length : 200), text.bytes,
                           c == ' ' ? "a blank" : "a control character", i);
    }
    return RC_OK;
}

// "user:pass@[::1]:8080" -> its parts.
static void split_authority(struct str authority, struct url *url)
{
    const size_t at = str_find_last_byte(authority, '@');
    if (at != SIZE_MAX) {
        url->userinfo = str_slice(authority, 0, at);
        authority = from(authority, at + 1);
    }
    if (authority.length > 0 && authority.bytes[0] == '[') {
        const size_t end = str_find_byte(authority, ']');
        if (end != SIZE_MAX) {
            url->host = str_slice(authority, 1, end - 1);
            if (end + 2 <= authority.length && authority.bytes[end + 1] == ':')
                url->port = from(authority, end + 2);
            return;
        }
    }
    const size_t colon = str_find_last_byte(authority, ':');
    url->host = colon == SIZE_MAX ? authority : str_slice(authority, 0, colon);
    if (colon != SIZE_MAX)
        url->port = from(authority, colon + 1);
}

rc url_parse(struct str text, struct url *ret_url, struct err *err)
{
    TRY(check_bytes(text, err));
    if (!url_is_absolute(text))
        return err_set(err, RC_INVALID, "'%.*s' is no http or https URL",
                       (int)(text.length < 200 ? text.length : 200), text.bytes);
    struct url url = {0};
    url.scheme = str_slice(text, 0, str_find_byte(text, ':'));
    struct str rest = from(text, url.scheme.length + 3);
    const struct str authority = until_any(rest, "/?#");
    split_authority(authority, &url);
    if (url.host.length == 0)
        return err_set(err, RC_INVALID, "the URL '%.*s' has no host",
                       (int)(text.length < 200 ? text.length : 200), text.bytes);
    rest = from(rest, authority.length);
    url.path = until_any(rest, "?#");
    rest = from(rest, url.path.length);
    if (rest.length > 0 && rest.bytes[0] == '?') {
        url.has_query = true;
        url.query = until_any(from(rest, 1), "#");
        rest = from(rest, 1 + url.query.length);
    }
    if (rest.length > 0) {
        url.has_fragment = true;
        url.fragment = from(rest, 1);
    }
    *ret_url = url;
    return RC_OK;
}

static struct str port_of(const struct url *url)
{
    if (url->port.length > 0)
        return url->port;
    return str_equal_ignore_case(url->scheme, STR("https")) ? STR("443") : STR("80");
}

bool url_same_origin(const struct url *a, const struct url *b)
{
    return str_equal_ignore_case(a->scheme, b->scheme) && str_equal_ignore_case(a->host, b->host) &&
           str_equal(port_of(a), port_of(b));
}

// RFC 3986 5.2.4 on an absolute path: "/a/b/../c" -> "/a/c".
static struct str remove_dots(struct arena *arena, struct str path)
{
    char *out = arena_alloc(arena, path.length + 1);
    size_t length = 0;
    struct str rest = path;
    while (rest.length > 0) {
        // One segment with the slash before it.
        size_t end = 1;
        while (end < rest.length && rest.bytes[end] != '/')
            end++;
        const struct str segment = str_slice(rest, 0, end);
        const bool is_last = end == rest.length;
        if (str_is(segment, "/.")) {
            if (is_last)
                out[length++] = '/';
        } else if (str_is(segment, "/..")) {
            while (length > 0 && out[--length] != '/') {
            }
            if (is_last)
                out[length++] = '/';
        } else {
            memcpy(out + length, segment.bytes, segment.length);
            length += segment.length;
        }
        rest = from(rest, end);
    }
    return (struct str){out, length};
}

// The folder of the base path with the reference behind it (RFC 3986 5.2.3).
static struct str merge_paths(struct arena *arena, const struct url *base, struct str reference)
{
    const size_t slash = str_find_last_byte(base->path, '/');
    const struct str folder = slash == SIZE_MAX ? STR("/") : str_slice(base->path, 0, slash + 1);
    return str_concat(arena, folder, reference);
}

rc url_resolve(struct arena *arena, struct str base, struct str reference, struct str *ret_url,
               struct err *err)
{
    if (url_is_absolute(reference)) {
        struct url checked;
        TRY(url_parse(reference, &checked, err));
        *ret_url = arena_str(arena, reference);
        return RC_OK;
    }
    struct url b;
    TRY(url_parse(base, &b, err));
    TRY(check_bytes(reference, err));
    const struct str origin =
        str_slice(base, 0, (size_t)(b.path.bytes - base.bytes)); // scheme and authority
    if (str_has_prefix(reference, STR("//"))) {
        *ret_url = arena_printf(arena, "%.*s:%.*s", STR_ARGS(b.scheme), STR_ARGS(reference));
        return RC_OK;
    }
    const struct str ref_path = until_any(reference, "?#");
    const struct str tail = from(reference, ref_path.length);
    struct str path = b.path;
    struct str query = {0};
    if (ref_path.length == 0) {
        if (b.has_query && (tail.length == 0 || tail.bytes[0] == '#'))
            query = arena_printf(arena, "?%.*s", STR_ARGS(b.query));
    } else if (ref_path.bytes[0] == '/') {
        path = remove_dots(arena, ref_path);
    } else {
        path = remove_dots(arena, merge_paths(arena, &b, ref_path));
    }
    *ret_url = arena_printf(arena, "%.*s%.*s%.*s%.*s", STR_ARGS(origin), STR_ARGS(path),
                            STR_ARGS(query), STR_ARGS(tail));
    return RC_OK;
}

struct str url_join(struct arena *arena, struct str base, struct str path)
{
    if (url_is_absolute(path) || base.length == 0)
        return arena_str(arena, path);
    if (path.length == 0)
        return arena_str(arena, base);
    while (base.length > 0 && base.bytes[base.length - 1] == '/')
        base.length--;
    while (path.length > 0 && path.bytes[0] == '/')
        path = from(path, 1);
    return arena_printf(arena, "%.*s/%.*s", STR_ARGS(base), STR_ARGS(path));
}

static bool is_unreserved(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_' || c == '.' || c == '~';
}

static struct str encode(struct arena *arena, struct str text, struct str safe, bool is_form)
{
    static const char digits[] = "0123456789ABCDEF";
    char *out = arena_alloc_array(arena, text.length + 1, 3);
    size_t length = 0;
    for (size_t i = 0; i < text.length; i++) {
        const char c = text.bytes[i];
        if (is_unreserved(c) || (safe.length > 0 && memchr(safe.bytes, c, safe.length) != NULL)) {
            out[length++] = c;
        } else if (is_form && c == ' ') {
            out[length++] = '+';
        } else {
            out[length++] = '%';
            out[length++] = digits[(unsigned char)c >> 4];
            out[length++] = digits[(unsigned char)c & 15];
        }
    }
    return (struct str){out, length};
}

struct str url_encode(struct arena *arena, struct str text, struct str safe)
{
    return encode(arena, text, safe, false);
}

struct str url_encode_form(struct arena *arena, struct str text)
{
    return encode(arena, text, STR(""), true);
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

struct str url_requote(struct arena *arena, struct str url)
{
    static const char allowed[] = "!#$&'()*+,/:;=?@[]";
    char *out = arena_alloc_array(arena, url.length + 1, 3);
    size_t length = 0;
    for (size_t i = 0; i < url.length; i++) {
        const char c = url.bytes[i];
        const bool is_escape = c == '%' && i + 2 < url.length && hex_digit(url.bytes[i + 1]) >= 0 &&
                               hex_digit(url.bytes[i + 2]) >= 0;
        if (is_escape || is_unreserved(c) || (c != '\0' && strchr(allowed, c) != NULL)) {
            out[length++] = c;
            continue;
        }
        const struct str escaped = encode(arena, (struct str){&c, 1}, STR(""), false);
        memcpy(out + length, escaped.bytes, escaped.length);
        length += escaped.length;
    }
    return (struct str){out, length};
}

struct str url_decode(struct arena *arena, struct str text, bool is_form)
{
    char *out = arena_alloc(arena, text.length + 1);
    size_t length = 0;
    for (size_t i = 0; i < text.length; i++) {
        const char c = text.bytes[i];
        if (c == '%' && i + 2 < text.length && hex_digit(text.bytes[i + 1]) >= 0 &&
            hex_digit(text.bytes[i + 2]) >= 0) {
            out[length++] =
                (char)(hex_digit(text.bytes[i + 1]) << 4 | hex_digit(text.bytes[i + 2]));
            i += 2;
        } else {
            out[length++] = is_form && c == '+' ? ' ' : c;
        }
    }
    return (struct str){out, length};
}

struct str url_add_query(struct arena *arena, struct str url, struct str query)
{
    if (query.length == 0)
        return url;
    const size_t hash = str_find_byte(url, '#');
    const struct str fragment = hash == SIZE_MAX ? STR("") : from(url, hash);
    const struct str front = hash == SIZE_MAX ? url : str_slice(url, 0, hash);
    const size_t mark = str_find_byte(front, '?');
    const char *separator = mark == SIZE_MAX ? "?" : mark + 1 == front.length ? "" : "&";
    return arena_printf(arena, "%.*s%s%.*s%.*s", STR_ARGS(front), separator, STR_ARGS(query),
                        STR_ARGS(fragment));
}

struct str url_add_parameter(struct arena *arena, struct str url, struct str name, struct str value)
{
    const struct str n = url_encode_form(arena, name);
    const struct str v = url_encode_form(arena, value);
    return url_add_query(arena, url, arena_printf(arena, "%.*s=%.*s", STR_ARGS(n), STR_ARGS(v)));
}

// Names that carry credentials in the APIs of this world. "key" alone counts only as a whole word,
// or "keyword" would be hidden; "next_page_token" is a cursor and worth reading.
bool url_is_secret_name(struct str name)
{
    static const struct str whole[] = {
        STR_INIT("key"),           STR_INIT("token"), STR_INIT("sig"),  STR_INIT("auth"),
        STR_INIT("authorization"), STR_INIT("code"),  STR_INIT("pass"), STR_INIT("pwd"),
        STR_INIT("cookie"),        STR_INIT("jwt"),   STR_INIT("appid")};
    static const char *const parts[] = {
        "api_key",    "apikey",           "api-key",       "access_token",  "access-token",
        "auth_token", "auth-token",       "secret",        "password",      "passwd",
        "signature",  "private_key",      "client_id",     "refresh_token", "id_token",
        "credential", "subscription-key", "session_token", "security-token"};
    for (size_t i = 0; i < sizeof whole / sizeof *whole; i++)
        if (str_equal_ignore_case(name, whole[i]))
            return true;
    char lower[64];
    if (name.length >= sizeof lower)
        return false;
    for (size_t i = 0; i < name.length; i++) {
        const char c = name.bytes[i];
        lower[i] = c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
    }
    const struct str text = {lower, name.length};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        if (str_contains(text, str_of(parts[i])))
            return true;
    return false;
}

struct str url_redact(struct arena *arena, struct str url)
{
    return url_redact_named(arena, url, NULL, 0);
}

static bool is_hidden(struct str name, const struct str *names, size_t name_count)
{
    for (size_t i = 0; i < name_count; i++)
        if (str_equal_ignore_case(name, names[i]))
            return true;
    return url_is_secret_name(name);
}

struct str url_redact_named(struct arena *arena, struct str url, const struct str *names,
                            size_t name_count)
{
    struct url parts;
    if (url_parse(url, &parts, NULL) != RC_OK)
        return url;
    struct buf out;
    buf_init(&out, URL_MAX_BYTES * 4);
    buf_printf(&out, "%.*s://", STR_ARGS(parts.scheme));
    const bool is_ipv6 = str_find_byte(parts.host, ':') != SIZE_MAX;
    buf_printf(&out, is_ipv6 ? "[%.*s]" : "%.*s", STR_ARGS(parts.host));
    if (parts.port.length > 0)
        buf_printf(&out, ":%.*s", STR_ARGS(parts.port));
    buf_append_str(&out, parts.path);
    struct str rest = parts.query, part;
    char separator = '?';
    while (parts.has_query && str_split_next(&rest, '&', &part)) {
        buf_append_byte(&out, separator);
        separator = '&';
        const size_t equals = str_find_byte(part, '=');
        const struct str name = equals == SIZE_MAX ? part : str_slice(part, 0, equals);
        if (equals != SIZE_MAX && is_hidden(url_decode(arena, name, true), names, name_count))
            buf_printf(&out, "%.*s=***", STR_ARGS(name));
        else
            buf_append_str(&out, part);
    }
    const struct str text = arena_str(arena, buf_str(&out));
    buf_done(&out);
    return text;
}
