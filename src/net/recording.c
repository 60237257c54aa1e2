// Recorded HTTP exchanges (HAR 1.2). Layer: net. Source: the HAR 1.2 specification.
// Threads: an open recording belongs to one thread at a time.
// Limits: HAR_MAX_BYTES per file, HAR_MAX_ENTRIES over all files of a replay.

#include "net/recording.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/fs.h"
#include "base/hash.h"
#include "base/json.h"
#include "base/map.h"
#include "base/time.h"
#include "base/utf8.h"
#include "net/url.h"

enum {
    HAR_MAX_BYTES = 512 << 20,
    HAR_MAX_ENTRIES = 100000,
    HAR_ENTRY_MAX_BYTES = 1 << 30,
};

static const struct str redacted = STR_INIT("REDACTED");

// The answers to one request, in the order of the files.
struct answers {
    const struct json **responses;
    size_t count, capacity;
    size_t next; // the next one to be served
};

struct recording {
    struct arena *arena;
    struct arena *scratch; // of one exchange
    struct str path;
    str_vec secrets;
    // Replay.
    bool is_replay;
    struct map answers; // request key -> struct answers
    size_t entry_count;
    void (*see)(void *ctx, const struct http_request *request);
    void *see_ctx;
    // Record.
    int fd;
    struct str temporary_path;
    bool has_entries;
};

void recording_add_secret(struct recording *recording, struct str value)
{
    // A short text would blank half of the file.
    if (value.length >= 4)
        *vec_push(recording->arena, &recording->secrets) = arena_str(recording->arena, value);
}

void recording_on_request(struct recording *recording,
                          void (*see)(void *ctx, const struct http_request *request), void *ctx)
{
    recording->see = see;
    recording->see_ctx = ctx;
}

bool recording_is_replay(const struct recording *recording)
{
    return recording != NULL && recording->is_replay;
}

// --- credentials -------------------------------------------------------------------------------

static struct str scrub_text(struct recording *recording, struct str text)
{
    for (size_t i = 0; i < recording->secrets.count; i++) {
        const struct str secret = recording->secrets.items[i];
        const struct str encoded = url_encode_form(recording->scratch, secret);
        if (str_contains(text, secret))
            text = str_replace(recording->scratch, text, secret, redacted);
        if (str_contains(text, encoded))
            text = str_replace(recording->scratch, text, encoded, redacted);
    }
    return text;
}

static bool is_named(struct str name, const struct str *names, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (str_equal_ignore_case(name, names[i]))
            return true;
    return false;
}

// "a=1&token=x" -> "a=1&token=REDACTED".
static struct str scrub_query(struct recording *recording, struct str query,
                              const struct http_request *request)
{
    struct buf out;
    buf_init(&out, HAR_ENTRY_MAX_BYTES);
    struct str rest = query, part;
    while (str_split_next(&rest, '&', &part)) {
        if (out.length > 0)
            buf_append_byte(&out, '&');
        const size_t equals = str_find_byte(part, '=');
        const struct str name = equals == SIZE_MAX ? part : str_slice(part, 0, equals);
        const struct str plain = url_decode(recording->scratch, name, true);
        const bool is_secret =
            equals != SIZE_MAX && (url_is_secret_name(plain) ||
                                   (request != NULL && is_named(plain, request->secret_parameters,
                                                                request->secret_parameter_count)));
        if (is_secret)
            buf_printf(&out, "%.*s=REDACTED", STR_ARGS(name));
        else
            buf_append_str(&out, part);
    }
    const struct str text = arena_str(recording->scratch, buf_str(&out));
    buf_done(&out);
    return text;
}

static struct str scrub_url(struct recording *recording, struct str url,
                            const struct http_request *request)
{
    struct url parts;
    url = scrub_text(recording, url);
    if (url_parse(url, &parts, NULL) != RC_OK)
        return url;
    const bool is_ipv6 = str_find_byte(parts.host, ':') != SIZE_MAX;
    const struct str query = scrub_query(recording, parts.query, request);
    return arena_printf(recording->scratch, "%.*s://%s%.*s%s%s%.*s%.*s%s%.*s",
                        STR_ARGS(parts.scheme), is_ipv6 ? "[" : "", STR_ARGS(parts.host),
                        is_ipv6 ? "]" : "", parts.port.length > 0 ? ":" : "", STR_ARGS(parts.port),
                        STR_ARGS(parts.path), parts.has_query ? "?" : "", STR_ARGS(query));
}

static bool is_secret_header(struct str name, const struct http_request *request)
{
    static const struct str always[] = {STR_INIT("authorization"), STR_INIT("proxy-authorization"),
                                        STR_INIT("cookie"), STR_INIT("set-cookie"),
                                        STR_INIT("www-authenticate")};
    return is_named(name, always, sizeof always / sizeof *always) || url_is_secret_name(name) ||
           is_named(name, request->secret_headers, request->secret_header_count);
}

// A token exchange in JSON: the values of members that carry credentials are blanked.
static struct str scrub_token_json(struct recording *recording, struct str body)
{
    struct json value;
    if (json_parse(recording->scratch, body, "", &value, NULL) != RC_OK ||
        value.kind != JSON_OBJECT)
        return body;
    for (size_t i = 0; i < value.count; i++)
        if (value.members[i].value.kind == JSON_STRING && url_is_secret_name(value.members[i].key))
            value.members[i].value = json_of_str(redacted);
    return json_print(recording->scratch, &value, JSON_COMPACT);
}

static struct str scrub_body(struct recording *recording, struct str body,
                             const struct http_request *request)
{
    if (!request->has_secret_bodies || body.length == 0)
        return scrub_text(recording, body);
    if (body.bytes[0] == '{')
        return scrub_text(recording, scrub_token_json(recording, body));
    return scrub_text(recording, scrub_query(recording, body, request));
}

// --- replay ------------------------------------------------------------------------------------

static struct str request_key(struct arena *arena, struct str method, struct str url,
                              struct str body)
{
    return arena_printf(arena, "%.*s %.*s\n%.*s", STR_ARGS(str_upper(arena, method)), STR_ARGS(url),
                        STR_ARGS(body));
}

static rc entry_error(struct err *err, const char *place, size_t index, const char *what)
{
    return err_set(err, RC_INVALID, "%s: entry %zu of the recording has no %s", place, index, what);
}

static rc load_entry(struct recording *recording, const char *place, size_t index,
                     const struct json *entry, struct err *err)
{
    const struct json *request = json_get(entry, STR("request"));
    const struct json *response = json_get(entry, STR("response"));
    const struct str method = json_str(json_get(request, STR("method")), STR(""));
    const struct str url = json_str(json_get(request, STR("url")), STR(""));
    if (method.length == 0)
        return entry_error(err, place, index, "request.method");
    if (url.length == 0)
        return entry_error(err, place, index, "request.url");
    int64_t status;
    if (!json_to_int64(json_get(response, STR("status")), &status))
        return entry_error(err, place, index, "response.status");
    if (++recording->entry_count > HAR_MAX_ENTRIES)
        return err_set(err, RC_LIMIT, "%s: more than %d recorded exchanges", place,
                       HAR_MAX_ENTRIES);
    const struct str body = json_str(json_path(request, "postData", "text"), STR(""));
    const struct str key =
        request_key(recording->arena, method, scrub_url(recording, url, NULL), body);
    struct map_entry *slot = map_entry_of(&recording->answers, key);
    if (slot->value == NULL)
        slot->value = ARENA_NEW(recording->arena, struct answers);
    struct answers *answers = slot->value;
    vec_grow(recording->arena, (void **)&answers->responses, answers->count, &answers->capacity,
             sizeof *answers->responses);
    answers->responses[answers->count++] = response;
    arena_reset(recording->scratch);
    return RC_OK;
}

static rc load_file(struct recording *recording, struct str path, struct err *err)
{
    struct str text;
    const char *place = arena_cstr(recording->arena, path);
    TRY(fs_read(recording->arena, path, HAR_MAX_BYTES, &text, err));
    struct json har;
    TRY(json_parse(recording->arena, text, place, &har, err));
    const struct json *entries = json_path(&har, "log", "entries");
    if (entries == NULL || entries->kind != JSON_ARRAY) {
        err_set(err, RC_INVALID, "%s is no HAR file: there is no log.entries", place);
        return err_hint(err, "record one with --record FILE, or save one from a browser");
    }
    for (size_t i = 0; i < entries->count; i++)
        TRY(load_entry(recording, place, i, &entries->items[i], err));
    return RC_OK;
}

static rc load_folder(struct recording *recording, struct str folder, struct err *err)
{
    str_vec names = {0};
    size_t files = 0;
    TRY(fs_list(recording->arena, folder, &names, err));
    for (size_t i = 0; i < names.count; i++) {
        if (!str_has_suffix(names.items[i], STR(".har")))
            continue;
        struct str path;
        TRY(fs_join(recording->arena, folder, names.items[i], &path, err));
        TRY(load_file(recording, path, err));
        files++;
    }
    if (files == 0)
        return err_set(err, RC_NOT_FOUND, "the folder '%.*s' holds no *.har file",
                       STR_ARGS(folder));
    return RC_OK;
}

static struct recording *recording_new(struct str path)
{
    struct arena *arena = arena_open(NULL);
    struct recording *recording = ARENA_NEW(arena, struct recording);
    recording->arena = arena;
    recording->scratch = arena_open(arena);
    recording->path = arena_str(arena, path);
    recording->fd = -1;
    map_init(&recording->answers, arena);
    return recording;
}

rc recording_open_replay(struct str path, struct recording **ret_recording, struct err *err)
{
    struct recording *recording = recording_new(path);
    recording->is_replay = true;
    const rc code =
        fs_is_folder(path) ? load_folder(recording, path, err) : load_file(recording, path, err);
    if (code != RC_OK) {
        arena_close(recording->arena);
        return code;
    }
    *ret_recording = recording;
    return RC_OK;
}

static rc fill_response(struct arena *arena, const struct json *recorded,
                        const struct http_request *request, struct http_response *ret_response,
                        struct err *err)
{
    struct http_response response = {.url = request->url, .attempts = 1, .is_replayed = true};
    response.status = (int)json_int64(json_get(recorded, STR("status")), 0);
    const struct json *content = json_get(recorded, STR("content"));
    response.body = json_str(json_get(content, STR("text")), STR(""));
    const struct str encoding = json_str(json_get(content, STR("encoding")), STR(""));
    if (str_is(encoding, "base64"))
        TRY(base64_decode(arena, response.body, BASE64_STANDARD, &response.body, err));
    const struct json *headers = json_get(recorded, STR("headers"));
    const size_t count = headers != NULL && headers->kind == JSON_ARRAY ? headers->count : 0;
    for (size_t i = 0; i < count; i++) {
        const struct str name = json_str(json_get(&headers->items[i], STR("name")), STR(""));
        const struct str value = json_str(json_get(&headers->items[i], STR("value")), STR(""));
        *vec_push(arena, &response.headers) = (struct http_header){name, value};
    }
    *ret_response = response;
    return RC_OK;
}

// Says what was asked for, and what there is that looks like it.
static rc not_recorded(struct recording *recording, struct arena *arena, struct str method,
                       struct str url, struct err *err)
{
    err_set(err, RC_NOT_FOUND, "no recording of %.*s %.*s in '%.*s'", STR_ARGS(method),
            STR_ARGS(url_redact(arena, url)), STR_ARGS(recording->path));
    const struct str *nearest = NULL;
    size_t best = 0;
    for (size_t i = 0; i < recording->answers.count; i++) {
        const struct str *key = &recording->answers.entries[i].key;
        const struct str candidate = str_slice(*key, method.length + 1, url.length);
        size_t same = 0;
        while (same < candidate.length && same < url.length &&
               candidate.bytes[same] == url.bytes[same])
            same++;
        if (same > best && same * 2 > url.length) {
            best = same;
            nearest = key;
        }
    }
    if (nearest != NULL)
        return err_hint(err, "the nearest one is '%.*s'", (int)str_find_byte(*nearest, '\n'),
                        nearest->bytes);
    return err_hint(err, "record it with --record FILE, or run without --replay");
}

rc recording_find(struct recording *recording, struct arena *arena,
                  const struct http_request *request, struct http_response *ret_response,
                  struct err *err)
{
    const struct str method = request->method.length > 0 ? request->method : STR("GET");
    const struct str body = scrub_body(recording, request->body, request);
    const struct str url = scrub_url(recording, request->url, request);
    if (recording->see != NULL)
        recording->see(recording->see_ctx, request);
    struct answers *answers =
        map_get(&recording->answers, request_key(recording->scratch, method, url, body));
    if (answers == NULL) {
        const rc code = not_recorded(recording, arena, method, url, err);
        arena_reset(recording->scratch);
        return code;
    }
    const struct json *recorded = answers->responses[answers->next];
    if (answers->next + 1 < answers->count)
        answers->next++;
    arena_reset(recording->scratch);
    return fill_response(arena, recorded, request, ret_response, err);
}

// --- record ------------------------------------------------------------------------------------

static rc write_all(struct recording *recording, struct str text, struct err *err)
{
    while (text.length > 0) {
        const ssize_t written = write(recording->fd, text.bytes, text.length);
        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0)
            return err_system(err, errno, "cannot write the recording '%.*s'",
                              STR_ARGS(recording->temporary_path));
        text = str_slice(text, (size_t)written, text.length);
    }
    return RC_OK;
}

rc recording_open_record(struct str path, struct recording **ret_recording, struct err *err)
{
    struct recording *recording = recording_new(path);
    recording->temporary_path =
        arena_printf(recording->arena, "%.*s.%ld.tmp", STR_ARGS(path), (long)getpid());
    // 0600: answers may be private even where no credential is left.
    recording->fd = open(arena_cstr(recording->arena, recording->temporary_path),
                         O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    rc code = RC_OK;
    if (recording->fd < 0)
        code = err_system(err, errno, "cannot create the recording '%.*s'", STR_ARGS(path));
    else
        code = write_all(recording,
                         STR("{\"log\": {\"version\": \"1.2\", \"creator\": {\"name\": \"moulin\", "
                             "\"version\": \"0.1\"}, \"entries\": ["),
                         err);
    if (code != RC_OK) {
        recording_abandon(recording);
        return code;
    }
    *ret_recording = recording;
    return RC_OK;
}

static void put_headers(struct json_writer *w, struct recording *recording,
                        const struct http_header *headers, size_t count,
                        const struct http_request *request)
{
    json_key(w, STR("headers"));
    json_begin_array(w);
    for (size_t i = 0; i < count; i++) {
        const bool is_secret = is_secret_header(headers[i].name, request);
        const struct str value = is_secret ? redacted : scrub_text(recording, headers[i].value);
        json_begin_object(w);
        json_field_str(w, "name", headers[i].name);
        json_field_str(w, "value", utf8_repair(recording->scratch, value));
        json_end_object(w);
    }
    json_end_array(w);
}

static void put_empty_array(struct json_writer *w, const char *key)
{
    json_key(w, str_of(key));
    json_begin_array(w);
    json_end_array(w);
}

static void put_query(struct json_writer *w, struct recording *recording, struct str url)
{
    struct url parts = {0};
    if (url_parse(url, &parts, NULL) != RC_OK)
        parts.query = STR("");
    json_key(w, STR("queryString"));
    json_begin_array(w);
    struct str rest = parts.query, part;
    while (parts.has_query && str_split_next(&rest, '&', &part)) {
        const size_t equals = str_find_byte(part, '=');
        const size_t end = equals == SIZE_MAX ? part.length : equals;
        const struct str name = url_decode(recording->scratch, str_slice(part, 0, end), true);
        const struct str value =
            url_decode(recording->scratch, str_slice(part, end + 1, part.length), true);
        json_begin_object(w);
        json_field_str(w, "name", utf8_repair(recording->scratch, name));
        json_field_str(w, "value", utf8_repair(recording->scratch, value));
        json_end_object(w);
    }
    json_end_array(w);
}

static void put_request(struct json_writer *w, struct recording *recording,
                        const struct http_request *request)
{
    const struct str url = scrub_url(recording, request->url, request);
    json_key(w, STR("request"));
    json_begin_object(w);
    json_field_str(w, "method", request->method.length > 0 ? request->method : STR("GET"));
    json_field_str(w, "url", url);
    json_field_str(w, "httpVersion", STR("HTTP/1.1"));
    put_empty_array(w, "cookies");
    put_headers(w, recording, request->headers, request->header_count, request);
    put_query(w, recording, url);
    if (request->body.bytes != NULL) {
        struct str type = STR("");
        for (size_t i = 0; i < request->header_count; i++)
            if (str_equal_ignore_case(request->headers[i].name, STR("content-type")))
                type = request->headers[i].value;
        json_key(w, STR("postData"));
        json_begin_object(w);
        json_field_str(w, "mimeType", type);
        json_field_str(
            w, "text",
            utf8_repair(recording->scratch, scrub_body(recording, request->body, request)));
        json_end_object(w);
    }
    json_field_int64(w, "headersSize", -1);
    json_field_int64(w, "bodySize", (int64_t)request->body.length);
    json_end_object(w);
}

static void put_response(struct json_writer *w, struct recording *recording,
                         const struct http_request *request, const struct http_response *response)
{
    const struct str type = http_header_get(&response->headers, STR("content-type"));
    const struct str location = http_header_get(&response->headers, STR("location"));
    json_key(w, STR("response"));
    json_begin_object(w);
    json_field_int64(w, "status", response->status);
    json_field_str(w, "statusText", STR(""));
    json_field_str(w, "httpVersion", STR("HTTP/1.1"));
    put_empty_array(w, "cookies");
    put_headers(w, recording, response->headers.items, response->headers.count, request);
    json_key(w, STR("content"));
    json_begin_object(w);
    json_field_int64(w, "size", (int64_t)response->body.length);
    json_field_str(w, "mimeType", utf8_repair(recording->scratch, type));
    if (utf8_is_valid(response->body)) {
        json_field_str(w, "text", scrub_body(recording, response->body, request));
    } else {
        json_field_str(w, "text",
                       base64_encode(recording->scratch, response->body.bytes,
                                     response->body.length, BASE64_STANDARD));
        json_field_str(w, "encoding", STR("base64"));
    }
    json_end_object(w);
    json_field_str(w, "redirectURL", scrub_url(recording, location, request));
    json_field_int64(w, "headersSize", -1);
    json_field_int64(w, "bodySize", (int64_t)response->body.length);
    json_end_object(w);
}

rc recording_add(struct recording *recording, const struct http_request *request,
                 const struct http_response *response, int64_t started_us, struct err *err)
{
    struct buf out;
    struct json_writer w;
    buf_init(&out, HAR_ENTRY_MAX_BYTES);
    buf_append_cstr(&out, recording->has_entries ? ",\n" : "\n");
    json_writer_init(&w, &out, JSON_COMPACT);
    json_begin_object(&w);
    json_field_str(&w, "startedDateTime", time_format(recording->scratch, started_us, TIME_ISO_Z));
    json_field_int64(&w, "time", response->elapsed_ms);
    put_request(&w, recording, request);
    put_response(&w, recording, request, response);
    json_key(&w, STR("cache"));
    json_begin_object(&w);
    json_end_object(&w);
    json_key(&w, STR("timings"));
    json_begin_object(&w);
    json_field_int64(&w, "send", 0);
    json_field_int64(&w, "wait", response->elapsed_ms);
    json_field_int64(&w, "receive", 0);
    json_end_object(&w);
    json_end_object(&w);
    rc code = buf_check(&out, err, "a recorded exchange");
    if (code == RC_OK)
        code = write_all(recording, buf_str(&out), err);
    recording->has_entries = true;
    buf_done(&out);
    arena_reset(recording->scratch);
    return code;
}

static rc finish_file(struct recording *recording, struct err *err)
{
    TRY(write_all(recording, STR("\n]}}\n"), err));
    if (fsync(recording->fd) != 0)
        return err_system(err, errno, "cannot write the recording '%.*s'",
                          STR_ARGS(recording->temporary_path));
    const char *from = arena_cstr(recording->arena, recording->temporary_path);
    const char *to = arena_cstr(recording->arena, recording->path);
    if (rename(from, to) != 0)
        return err_system(err, errno, "cannot rename '%s' to '%s'", from, to);
    close(recording->fd);
    recording->fd = -1;
    return RC_OK;
}

rc recording_close(struct recording *recording, struct err *err)
{
    if (recording == NULL)
        return RC_OK;
    const rc code = recording->fd >= 0 ? finish_file(recording, err) : RC_OK;
    recording_abandon(recording);
    return code;
}

void recording_abandon(struct recording *recording)
{
    if (recording == NULL)
        return;
    if (recording->fd >= 0) {
        close(recording->fd);
        unlink(arena_cstr(recording->arena, recording->temporary_path));
    }
    arena_close(recording->arena);
}
