/// @file remote.c
/// Object storage for SQL: DuckDB's httpfs extension, loaded when the first bucket is to be read,
/// and one secret per bucket, replaced when its credentials grow old. Layer: duck.
/// Source: DuckDB "httpfs", "Secrets Manager". Threads: any; guarded by one lock per database.
/// Nothing but the named buckets gets credentials: neither the environment nor files of the user
/// are asked.

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/fs.h"
#include "base/secret.h"
#include "base/time.h"
#include "duck/internal.h"

#define EXTENSION_NAME "httpfs.duckdb_extension"

enum { SECRETS_MAX_BYTES = 4 << 20 };

struct remotes {
    pthread_mutex_t lock;
    struct duck *duck;
    struct duck_remotes source;
    bool is_loaded;
    int64_t generation, good_until_us; // of the secrets that are set
};

static void close_remotes(void *object)
{
    struct remotes *remotes = object;
    pthread_mutex_destroy(&remotes->lock);
}

struct remotes *remotes_open(struct duck *duck, struct arena *arena,
                             const struct duck_remotes *source)
{
    struct remotes *remotes = ARENA_NEW(arena, struct remotes);
    pthread_mutex_init(&remotes->lock, NULL);
    remotes->duck = duck;
    remotes->source = *source;
    arena_defer(arena, close_remotes, remotes);
    return remotes;
}

/// The extension lies beside the library: both must have one version.
static rc find_extension(struct arena *arena, struct str *ret_path, struct err *err)
{
    struct str library;
    TRY(duck_library_load(&library, err));
    *ret_path = arena_printf(arena, "%.*s/" EXTENSION_NAME, STR_ARGS(fs_parent(library)));
    if (fs_exists(*ret_path))
        return fs_absolute(arena, *ret_path, ret_path, err);
    err_set(err, RC_NOT_FOUND, "%.*s is missing: without it the engine cannot read object storage",
            STR_ARGS(*ret_path));
    return err_hint(err, "run tools/setup and make build; the file belongs beside libduckdb.so");
}

/// The file of authorities that the C library's users know, for TLS.
static const char *authorities(void)
{
    static const char *const variables[] = {"AWS_CA_BUNDLE", "SSL_CERT_FILE", "CURL_CA_BUNDLE",
                                            "REQUESTS_CA_BUNDLE"};
    static const char *const files[] = {"/etc/ssl/certs/ca-certificates.crt",
                                        "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/cert.pem"};
    for (size_t i = 0; i < sizeof variables / sizeof *variables; i++) {
        const char *file = getenv(variables[i]);
        if (file != NULL && *file != '\0')
            return file;
    }
    for (size_t i = 0; i < sizeof files / sizeof *files; i++)
        if (access(files[i], R_OK) == 0)
            return files[i];
    return "";
}

/// Runs statements on a connection of its own: the caller's may be within a transaction, and what
/// it runs must not be stopped by a request to stop that comes just then.
static rc run_apart(struct remotes *remotes, struct str sql, struct err *err)
{
    struct arena *scratch = arena_open(NULL);
    duckdb_connection handle;
    if (duck_library->connect(remotes->duck->handle, &handle) != DuckDBSuccess) {
        arena_close(scratch);
        return err_set(err, RC_INTERNAL, "cannot connect to the database");
    }
    duckdb_result result;
    char *text = arena_cstr(scratch, sql);
    rc code = RC_OK;
    if (duck_library->query(handle, text, &result) != DuckDBSuccess)
        code = duck_fail(NULL, duck_library->result_error(&result), err);
    duck_library->destroy_result(&result);
    duck_library->disconnect(&handle);
    secret_wipe(text, sql.length);
    arena_close(scratch);
    return code;
}

/// With the lock held.
static rc load(struct remotes *remotes, struct err *err)
{
    if (remotes->is_loaded)
        return RC_OK;
    struct arena *scratch = arena_open(NULL);
    struct str path;
    rc code = find_extension(scratch, &path, err);
    if (code == RC_OK)
        code = run_apart(
            remotes,
            arena_printf(scratch,
                         "LOAD %.*s; SET GLOBAL enable_global_s3_configuration=false; SET GLOBAL "
                         "enable_server_cert_verification=true; SET GLOBAL "
                         "enable_curl_server_cert_verification=true; SET GLOBAL ca_cert_file=%.*s; "
                         "SET GLOBAL auto_fallback_to_full_download=false; SET GLOBAL "
                         "http_retries=8; SET GLOBAL http_retry_backoff=2",
                         STR_ARGS(duck_quote_literal(scratch, path)),
                         STR_ARGS(duck_quote_literal(scratch, str_of(authorities())))),
            err);
    if (code == RC_OK)
        remotes->is_loaded = true;
    else
        err_context(err, "object storage for the engine");
    arena_close(scratch);
    return code;
}

rc remotes_load(struct remotes *remotes, struct err *err)
{
    pthread_mutex_lock(&remotes->lock);
    const rc code = load(remotes, err);
    pthread_mutex_unlock(&remotes->lock);
    return code;
}

static void append_option(struct buf *sql, struct arena *arena, const char *name, struct str value)
{
    if (value.length > 0)
        buf_printf(sql, ", %s %.*s", name, STR_ARGS(duck_quote_literal(arena, value)));
}

/// With the lock held.
static rc set_secrets(struct remotes *remotes, struct arena *scratch, int64_t generation,
                      struct err *err)
{
    const struct duck_remote *items;
    size_t count;
    int64_t good_until_us;
    TRY(remotes->source.describe(remotes->source.context, scratch, &items, &count, &good_until_us,
                                 err));
    struct buf sql;
    buf_init(&sql, SECRETS_MAX_BYTES);
    for (size_t i = 0; i < count; i++) {
        buf_printf(&sql, "CREATE OR REPLACE TEMPORARY SECRET moulin_%zu (TYPE s3, SCOPE %.*s", i,
                   STR_ARGS(duck_quote_literal(scratch, items[i].scope)));
        append_option(&sql, scratch, "KEY_ID", items[i].key_id);
        append_option(&sql, scratch, "SECRET", items[i].secret);
        append_option(&sql, scratch, "SESSION_TOKEN", items[i].session_token);
        append_option(&sql, scratch, "REGION", items[i].region);
        append_option(&sql, scratch, "ENDPOINT", items[i].endpoint);
        buf_printf(&sql, ", URL_STYLE '%s', USE_SSL %s);",
                   items[i].is_path_style ? "path" : "vhost",
                   items[i].is_plain_http ? "false" : "true");
    }
    rc code = buf_check(&sql, err, "the buckets that the engine is to read");
    if (code == RC_OK && count > 0)
        code = run_apart(remotes, buf_str(&sql), err);
    if (sql.bytes != NULL)
        secret_wipe(sql.bytes, sql.length);
    buf_done(&sql);
    TRY_CONTEXT(code, err, "credentials for the engine");
    remotes->generation = generation;
    remotes->good_until_us = good_until_us;
    return RC_OK;
}

rc remotes_refresh(struct remotes *remotes, struct err *err)
{
    if (remotes->source.generation == NULL)
        return RC_OK;
    const int64_t generation = remotes->source.generation(remotes->source.context);
    if (generation == 0)
        return RC_OK;
    rc code = RC_OK;
    pthread_mutex_lock(&remotes->lock);
    const bool is_old = remotes->good_until_us != 0 && time_now_us() >= remotes->good_until_us;
    if (generation != remotes->generation || is_old) {
        struct arena *scratch = arena_open(NULL);
        code = load(remotes, err);
        if (code == RC_OK)
            code = set_secrets(remotes, scratch, generation, err);
        arena_close(scratch);
    }
    pthread_mutex_unlock(&remotes->lock);
    return code;
}
