// What an answer says: headers, links, errors for people, JSON. Layer: net.
// Sources: RFC 9110, RFC 8288 (Link), RFC 7617 (Basic). Threads: pure functions.

#include "net/http.h"

#include "base/hash.h"
#include "base/json.h"
#include "base/time.h"
#include "base/utf8.h"
#include "net/url.h"

enum { EXCERPT_BYTES = 200 };

struct str http_header_get(const http_header_vec *headers, struct str name)
{
    for (size_t i = 0; i < headers->count; i++)
        if (str_equal_ignore_case(headers->items[i].name, name))
            return headers->items[i].value;
    return (struct str){0};
}

struct str http_header_join(struct arena *arena, const http_header_vec *headers, struct str name)
{
    str_vec values = {0};
    for (size_t i = 0; i < headers->count; i++)
        if (str_equal_ignore_case(headers->items[i].name, name))
            *vec_push(arena, &values) = headers->items[i].value;
    if (values.count == 0)
        return (struct str){0};
    return str_join(arena, values.items, values.count, STR(", "));
}

// --- Link --------------------------------------------------------------------------------------

// One parameter behind a link target: `; rel="next last"`. @return false at the end of the link
static bool next_parameter(struct str *rest, struct str *ret_name, struct str *ret_value)
{
    struct str text = str_trim(*rest);
    if (text.length == 0 || text.bytes[0] != ';')
        return false;
    text = str_trim(str_slice(text, 1, text.length));
    size_t end = 0;
    while (end < text.length && strchr("=;,", text.bytes[end]) == NULL)
        end++;
    *ret_name = str_trim(str_slice(text, 0, end));
    *ret_value = STR("");
    text = str_slice(text, end, text.length);
    if (text.length > 0 && text.bytes[0] == '=') {
        text = str_trim(str_slice(text, 1, text.length));
        if (text.length > 0 && text.bytes[0] == '"') {
            text = str_slice(text, 1, text.length);
            const size_t quote = str_find_byte(text, '"');
            *ret_value = str_slice(text, 0, quote);
            text = str_slice(text, quote == SIZE_MAX ? text.length : quote + 1, text.length);
        } else {
            end = 0;
            while (end < text.length && strchr(";,", text.bytes[end]) == NULL)
                end++;
            *ret_value = str_trim(str_slice(text, 0, end));
            text = str_slice(text, end, text.length);
        }
    }
    *rest = text;
    return true;
}

static bool has_word(struct str words, struct str word)
{
    struct str part;
    while (str_split_next(&words, ' ', &part))
        if (str_equal(part, word))
            return true;
    return false;
}

struct str http_link(struct arena *arena, const http_header_vec *headers, struct str relation)
{
    struct str rest = http_header_join(arena, headers, STR("link"));
    for (;;) {
        const size_t open = rest.bytes == NULL ? SIZE_MAX : str_find_byte(rest, '<');
        if (open == SIZE_MAX)
            return (struct str){0};
        rest = str_slice(rest, open + 1, rest.length);
        const size_t close = str_find_byte(rest, '>');
        if (close == SIZE_MAX)
            return (struct str){0};
        const struct str target = str_trim(str_slice(rest, 0, close));
        rest = str_slice(rest, close + 1, rest.length);
        struct str name, value;
        while (next_parameter(&rest, &name, &value))
            if (str_equal_ignore_case(name, STR("rel")) && has_word(value, relation))
                return arena_str(arena, target);
    }
}

bool http_retry_after(struct str text, int64_t now_us, int64_t *ret_delay_ms)
{
    text = str_trim(text);
    int64_t seconds;
    double fraction;
    if (str_to_int64(text, &seconds) && seconds >= 0) {
        *ret_delay_ms = seconds > INT64_MAX / 1000 ? INT64_MAX : seconds * 1000;
        return true;
    }
    if (str_to_double(text, &fraction) && fraction >= 0 && fraction < 1e12) {
        *ret_delay_ms = (int64_t)(fraction * 1000);
        return true;
    }
    int64_t at_us;
    if (time_parse_http_date(text, &at_us, NULL) != RC_OK)
        return false;
    *ret_delay_ms = at_us > now_us ? (at_us - now_us) / 1000 : 0;
    return true;
}

struct str http_basic(struct arena *arena, struct str username, struct str password)
{
    const struct str pair =
        arena_printf(arena, "%.*s:%.*s", STR_ARGS(username), STR_ARGS(password));
    const struct str encoded = base64_encode(arena, pair.bytes, pair.length, BASE64_STANDARD);
    return arena_printf(arena, "Basic %.*s", STR_ARGS(encoded));
}

// --- errors for people -------------------------------------------------------------------------

static bool is_html(const struct http_response *response)
{
    const struct str type = http_header_get(&response->headers, STR("content-type"));
    const struct str start = str_trim(str_slice(response->body, 0, 256));
    return str_contains(type, STR("text/html")) ||
           str_equal_ignore_case(str_slice(start, 0, 9), STR("<!doctype")) ||
           str_equal_ignore_case(str_slice(start, 0, 5), STR("<html"));
}

// Text on one line, without what a terminal would obey, cut at EXCERPT_BYTES.
static struct str excerpt(struct arena *arena, struct str text)
{
    text = utf8_repair(arena, str_slice(str_trim(text), 0, EXCERPT_BYTES));
    char *out = arena_alloc(arena, text.length + 1);
    size_t length = 0;
    for (size_t i = 0; i < text.length; i++) {
        const unsigned char c = (unsigned char)text.bytes[i];
        const bool is_blank = c < ' ' || c == 0x7f || c == ' ';
        if (!is_blank)
            out[length++] = (char)c;
        else if (length > 0 && out[length - 1] != ' ')
            out[length++] = ' ';
    }
    return (struct str){out, length};
}

// "Just a moment..." of <title>Just a moment...</title>.
static struct str html_title(struct arena *arena, struct str page)
{
    page = str_slice(page, 0, 64 * 1024);
    const struct str lower = str_lower(arena, page);
    const size_t open = str_find(lower, STR("<title"));
    if (open == SIZE_MAX)
        return STR("");
    const size_t start = open + str_find_byte(str_slice(lower, open, lower.length), '>') + 1;
    if (start <= open || start > lower.length)
        return STR("");
    const size_t end = str_find(str_slice(lower, start, lower.length), STR("</title"));
    return excerpt(arena, str_slice(page, start, end == SIZE_MAX ? 0 : end));
}

// What an answer of that status usually wants.
static const struct {
    int status;
    const char *hint;
} status_hints[] = {
    {401, "the server wants credentials: see auth in source.yml"},
    {403,
     "the credentials are not allowed to read this, or the server refuses the User-Agent: name "
     "your program and a contact in client.headers"},
    {404,
     "is the path right? If a missing entry is no error: response_actions: [{status_code: 404, "
     "action: ignore}]"},
    {407, "the proxy wants credentials: see https_proxy"},
    {429, "the server limits the rate: wait, or ask for less at once"},
};

static rc html_hint(struct err *err)
{
    return err_hint(err,
                    "an HTML page came where data was expected: the address may be wrong, or the "
                    "server refuses the User-Agent (name your program and a contact in "
                    "client.headers)");
}

rc http_check(const struct http_response *response, struct err *err)
{
    if (response->status < 400)
        return RC_OK;
    struct arena *arena = arena_open(NULL);
    const struct str url = url_redact(arena, response->url);
    if (is_html(response)) {
        const struct str title = html_title(arena, response->body);
        err_set(err, RC_HTTP, "%.*s answered %d with an HTML page%s%.*s%s", STR_ARGS(url),
                response->status, title.length > 0 ? " titled '" : "", STR_ARGS(title),
                title.length > 0 ? "'" : "");
    } else {
        const struct str text = excerpt(arena, response->body);
        err_set(err, RC_HTTP, "%.*s answered %d%s%.*s", STR_ARGS(url), response->status,
                text.length > 0 ? ": " : "", STR_ARGS(text));
    }
    arena_close(arena);
    if (response->attempts > 1)
        err_context(err, "gave up after %d attempts", response->attempts);
    if (err != NULL) {
        err->http_status = response->status;
        err->is_retryable = response->status == 429 || response->status >= 500;
    }
    for (size_t i = 0; i < sizeof status_hints / sizeof *status_hints; i++)
        if (status_hints[i].status == response->status)
            return err_hint(err, "%s", status_hints[i].hint);
    return RC_HTTP;
}

rc http_json(const struct http_response *response, struct arena *arena, struct json *ret_value,
             struct err *err)
{
    struct arena *scratch = arena_open(NULL);
    const char *place = arena_cstr(scratch, url_redact(scratch, response->url));
    rc code;
    if (str_trim(str_slice(response->body, 0, 4096)).length == 0 && response->body.length < 4096) {
        code = err_set(err, RC_INVALID, "%s answered %d with an empty body, wanted JSON", place,
                       response->status);
    } else if (is_html(response)) {
        const struct str title = html_title(scratch, response->body);
        err_set(err, RC_INVALID, "%s answered with an HTML page%s%.*s%s, wanted JSON", place,
                title.length > 0 ? " titled '" : "", STR_ARGS(title), title.length > 0 ? "'" : "");
        code = html_hint(err);
    } else {
        code = json_parse(arena, response->body, place, ret_value, err);
        if (code != RC_OK)
            err_context(err, "the answer is no valid JSON (%zu bytes)", response->body.length);
    }
    if (code != RC_OK && err != NULL)
        err->http_status = response->status;
    arena_close(scratch);
    return code;
}
