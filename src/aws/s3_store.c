// The store of all buckets, and what the engine needs to read them. Layer: aws.

#include "aws/s3.intern.h"
#include "duck/duck.h"
#include "store/driver.h"

static rc put(void *self, struct str uri, struct str bytes, struct store_put_options options,
              struct err *err)
{
    struct s3_name name;
    TRY(s3_name_parse(uri, &name, err));
    return s3_put(self, name, bytes, options.must_be_new, err);
}

static rc get(void *self, struct arena *arena, struct str uri, int64_t offset, size_t max_bytes,
              bool is_range, struct str *ret_bytes, struct err *err)
{
    struct s3_name name;
    TRY(s3_name_parse(uri, &name, err));
    const struct s3_get_options options = {
        .is_range = is_range, .offset = offset, .max_bytes = max_bytes};
    return s3_get(self, arena, name, &options, ret_bytes, NULL, err);
}

static rc head(void *self, struct str uri, struct store_object *ret_object, struct err *err)
{
    struct s3_name name;
    struct s3_object object;
    struct arena *scratch = arena_open(NULL);
    rc code = s3_name_parse(uri, &name, err);
    if (code == RC_OK)
        code = s3_head(self, scratch, name, &object, err);
    if (code == RC_OK)
        *ret_object = (struct store_object){.size_bytes = object.size_bytes,
                                            .modified_us = object.modified_us};
    arena_close(scratch);
    return code;
}

struct listing {
    struct str head; // "s3://bucket/" as the caller wrote it
    struct arena *arena;
    store_list_callback callback;
    void *context;
};

static rc hand_over(void *context, struct str key, const struct s3_object *found, struct err *err)
{
    struct listing *listing = context;
    arena_reset(listing->arena);
    const struct store_object object = {.uri = str_concat(listing->arena, listing->head, key),
                                        .size_bytes = found->size_bytes,
                                        .modified_us = found->modified_us};
    if (str_has_suffix(key, STR("/"))) // what consoles show as a folder
        return RC_OK;
    return listing->callback(listing->context, &object, err);
}

static rc list(void *self, struct str prefix, store_list_callback callback, void *context,
               struct err *err)
{
    struct s3_name name;
    TRY(s3_name_parse(prefix, &name, err));
    struct arena *arena = arena_open(NULL);
    const size_t head_length = str_find(prefix, STR("://")) + 3 + name.bucket.length;
    struct listing listing = {
        .head = arena_printf(arena, "%.*s/", (int)head_length, prefix.bytes),
        .arena = arena_open(arena),
        .callback = callback,
        .context = context,
    };
    const rc code = s3_list(self, name.bucket, name.key, hand_over, &listing, err);
    arena_close(arena);
    return code;
}

static rc remove_one(void *self, struct str uri, struct err *err)
{
    struct s3_name name;
    TRY(s3_name_parse(uri, &name, err));
    return s3_delete(self, name, err);
}

/// Buckets come in runs: the files of one table, then of the next.
static rc remove_many(void *self, const struct str *uris, size_t count, struct err *err)
{
    struct arena *scratch = arena_open(NULL);
    struct str *keys = ARENA_ARRAY(scratch, struct str, count);
    rc result = RC_OK;
    for (size_t at = 0; at < count;) {
        struct s3_name first, name;
        struct err local = {0};
        size_t run = 0;
        rc code = s3_name_parse(uris[at], &first, &local);
        for (size_t i = at; code == RC_OK && i < count; i++) {
            code = s3_name_parse(uris[i], &name, &local);
            if (code == RC_OK && !str_equal(name.bucket, first.bucket))
                break;
            keys[run++] = name.key;
        }
        if (code == RC_OK)
            code = s3_delete_many(self, first.bucket, keys, run, &local);
        if (code != RC_OK && result == RC_OK) {
            result = code;
            if (err != NULL)
                *err = local;
        }
        at += run > 0 ? run : 1;
    }
    arena_close(scratch);
    return result;
}

static rc writer_open(void *self, struct str uri, struct store_put_options options,
                      void **ret_writer, struct err *err)
{
    struct s3_name name;
    struct s3_upload *upload;
    TRY(s3_name_parse(uri, &name, err));
    TRY(s3_upload_open(self, name, options.must_be_new, &upload, err));
    *ret_writer = upload;
    return RC_OK;
}

static rc writer_write(void *self, void *writer, struct str bytes, struct err *err)
{
    (void)self;
    return s3_upload_write(writer, bytes, err);
}

static rc writer_finish(void *self, void *writer, struct err *err)
{
    (void)self;
    return s3_upload_finish(writer, err);
}

static void writer_abort(void *self, void *writer)
{
    (void)self;
    s3_upload_abort(writer);
}

/// DuckDB reads * ? [ in a path as a pattern and ? as its own parameters; there is no way to quote
/// them.
static rc reader_path(void *self, struct arena *arena, struct str uri, struct str *ret_path,
                      struct err *err)
{
    struct s3_client *client = self;
    struct s3_name name;
    TRY(s3_name_parse(uri, &name, err));
    for (size_t i = 0; i < name.key.length; i++)
        if (strchr("*?[", name.key.bytes[i]) != NULL)
            return err_set(err, RC_UNSUPPORTED,
                           "the engine cannot read %.*s: '%c' in a key is a pattern to it",
                           STR_ARGS(uri), name.key.bytes[i]);
    pthread_mutex_lock(&client->lock);
    struct s3_bucket *bucket = s3_bucket_of(client, name.bucket);
    if (!bucket->is_read_by_engine) {
        bucket->is_read_by_engine = true;
        client->generation++;
    }
    pthread_mutex_unlock(&client->lock);
    *ret_path = s3_uri_of(arena, name);
    return RC_OK;
}

static const struct store_driver s3_driver = {
    .name = "s3",
    .has_must_be_new = true,
    .put = put,
    .get = get,
    .head = head,
    .list = list,
    .remove = remove_one,
    .remove_many = remove_many,
    .writer_open = writer_open,
    .writer_write = writer_write,
    .writer_finish = writer_finish,
    .writer_abort = writer_abort,
    .reader_path = reader_path,
};

rc store_open_s3(struct arena *arena, struct aws_session *session, struct store **ret_store,
                 struct err *err)
{
    struct s3_client *client;
    TRY(s3_client_open(arena, session, &client, err));
    *ret_store = store_of_driver(arena, &s3_driver, client);
    return RC_OK;
}

// --- for the engine ----------------------------------------------------------------------------

static int64_t generation(void *context)
{
    struct s3_client *client = context;
    pthread_mutex_lock(&client->lock);
    const int64_t now = client->generation;
    pthread_mutex_unlock(&client->lock);
    return now;
}

static str_vec read_buckets(struct s3_client *client, struct arena *arena)
{
    str_vec names = {0};
    pthread_mutex_lock(&client->lock);
    for (size_t i = 0; i < client->buckets.count; i++) {
        const struct s3_bucket *bucket = client->buckets.entries[i].value;
        if (bucket->is_read_by_engine)
            *vec_push(arena, &names) = bucket->name;
    }
    pthread_mutex_unlock(&client->lock);
    return names;
}

static rc describe(void *context, struct arena *arena, const struct duck_remote **ret_remotes,
                   size_t *ret_count, int64_t *ret_good_until_us, struct err *err)
{
    enum { MARGIN_US = 15 * 60 * 1000000, LEAST_US = 60 * 1000000 };
    struct s3_client *client = context;
    const str_vec names = read_buckets(client, arena);
    struct duck_remote *remotes = ARENA_ARRAY(arena, struct duck_remote, names.count);
    struct aws_credentials credentials;
    TRY(aws_session_credentials(client->session, arena, &credentials, err));
    for (size_t i = 0; i < names.count; i++) {
        struct s3_address address;
        TRY(s3_address_of(client, arena, names.items[i], &address, err));
        remotes[i] = (struct duck_remote){
            .scope = arena_printf(arena, "s3://%.*s/", STR_ARGS(names.items[i])),
            .key_id = credentials.access_key_id,
            .secret = credentials.secret_access_key,
            .session_token = credentials.session_token,
            .region = address.region,
            .endpoint = address.server,
            .is_path_style = address.is_path_style,
            .is_plain_http = address.is_plain_http,
        };
    }
    const int64_t now_us = aws_session_now_us(client->session);
    int64_t until_us = 0;
    if (credentials.expires_us != 0) {
        until_us = credentials.expires_us - MARGIN_US;
        if (until_us < now_us + LEAST_US)
            until_us = now_us + LEAST_US; // it is refreshed as late as that by its own rules
    }
    *ret_remotes = remotes;
    *ret_count = names.count;
    *ret_good_until_us = until_us;
    return RC_OK;
}

void s3_duck_remotes(struct store *store, struct duck_remotes *ret_remotes)
{
    *ret_remotes = (struct duck_remotes){0};
    if (store_driver_of(store) == &s3_driver)
        *ret_remotes = (struct duck_remotes){
            .generation = generation, .describe = describe, .context = store_self(store)};
}
