#include "duck/duck.h"

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/runtime.h"
#include "duck/internal.h"

enum { THREADS_MAX = 1024, SETTING_MAX_BYTES = 64 << 20 };
static const int64_t MEMORY_DEFAULT_MAX_BYTES = (int64_t)4 << 30;
static const int64_t MEMORY_MIN_BYTES = 32 << 20;

static int64_t number_in_file(const char *path)
{
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return 0;
    char text[64] = "";
    const bool has_text = fgets(text, sizeof text, file) != NULL;
    fclose(file);
    int64_t number = 0;
    return has_text && str_to_int64(str_trim(str_of(text)), &number) ? number : 0;
}

/// Half of what this process may use: of the container's limit when there is one.
static int64_t default_memory(void)
{
    int64_t bytes = sysconf(_SC_PHYS_PAGES) * sysconf(_SC_PAGESIZE);
    const int64_t limit = number_in_file("/sys/fs/cgroup/memory.max"); // "max" reads as 0
    if (limit > 0 && limit < bytes)
        bytes = limit;
    bytes /= 2;
    return bytes < MEMORY_DEFAULT_MAX_BYTES ? bytes : MEMORY_DEFAULT_MAX_BYTES;
}

static int default_threads(void)
{
    cpu_set_t cpus;
    const int count = sched_getaffinity(0, sizeof cpus, &cpus) == 0 ? CPU_COUNT(&cpus) : 1;
    return count > 0 ? count : 1;
}

static rc set(duckdb_config config, const char *name, const char *value, struct err *err)
{
    if (duck_library->set_config(config, name, value) == DuckDBSuccess)
        return RC_OK;
    return err_set(err, RC_INTERNAL, "DuckDB does not take the setting %s = %s", name, value);
}

static rc configure(duckdb_config config, const struct duck_options *options, struct err *err)
{
    const int threads = options->threads > 0 ? options->threads : default_threads();
    int64_t memory = options->memory_bytes > 0 ? options->memory_bytes : default_memory();
    if (memory < MEMORY_MIN_BYTES)
        memory = MEMORY_MIN_BYTES;
    char text[64];
    snprintf(text, sizeof text, "%d", threads < THREADS_MAX ? threads : THREADS_MAX);
    TRY(set(config, "threads", text, err));
    snprintf(text, sizeof text, "%lldB", (long long)memory);
    TRY(set(config, "memory_limit", text, err));
    TRY(set(config, "preserve_insertion_order", options->keep_order ? "true" : "false", err));
    TRY(set(config, "access_mode", options->is_read_only ? "READ_ONLY" : "AUTOMATIC", err));
    TRY(set(config, "autoinstall_known_extensions", "false", err));
    TRY(set(config, "autoload_known_extensions", "false", err));
    TRY(set(config, "allow_community_extensions", "false", err));
    TRY(set(config, "allow_persistent_secrets", "false", err)); // of the user's own DuckDB
    return set(config, "duckdb_api", "moulin", err);
}

/// A folder of this process alone, so that two runs never mix their spill files.
static rc set_temp_folder(struct duck *duck, duckdb_config config,
                          const struct duck_options *options, struct err *err)
{
    static unsigned serial;
    const char *temp = getenv("TMPDIR");
    char folder[200];
    if (options->temp_folder.length > 0)
        snprintf(folder, sizeof folder, "%.*s", STR_ARGS(options->temp_folder));
    else
        snprintf(folder, sizeof folder, "%s", temp != NULL && *temp != '\0' ? temp : "/tmp");
    snprintf(duck->temp_folder, sizeof duck->temp_folder, "%s/moulin-duckdb-%d-%u", folder,
             (int)getpid(), __atomic_add_fetch(&serial, 1, __ATOMIC_RELAXED));
    return set(config, "temp_directory", duck->temp_folder, err);
}

static rc open_database(struct duck *duck, const struct duck_options *options, duckdb_config config,
                        struct err *err)
{
    TRY(configure(config, options, err));
    TRY(set_temp_folder(duck, config, options, err));
    struct arena *scratch = arena_open(NULL);
    char *message = NULL;
    const char *path = options->path.length > 0 ? arena_cstr(scratch, options->path) : NULL;
    rc result = RC_OK;
    if (duck_library->open_ext(path, &duck->handle, config, &message) != DuckDBSuccess) {
        duck->handle = NULL;
        result = duck_fail(NULL, message != NULL ? message : "unknown error", err);
        err_context(err, "cannot open the database %s", path != NULL ? path : "in memory");
    }
    if (message != NULL)
        duck_library->free(message);
    arena_close(scratch);
    return result;
}

static void append_list(struct buf *sql, const char *setting, const str_vec *items)
{
    if (items == NULL || items->count == 0)
        return;
    struct arena *scratch = arena_open(NULL);
    buf_printf(sql, "SET %s=[", setting);
    for (size_t i = 0; i < items->count; i++) {
        if (i > 0)
            buf_append_byte(sql, ',');
        buf_append_str(sql, duck_quote_literal(scratch, items->items[i]));
    }
    buf_append_cstr(sql, "];");
    arena_close(scratch);
}

/// What can only be set on the running database; the lock comes last.
static rc set_up(struct duck *duck, struct arena *arena, const struct duck_options *options,
                 struct err *err)
{
    struct duck_connection *connection;
    TRY(duck_connect(duck, arena, &connection, err));
    struct buf sql;
    buf_init(&sql, SETTING_MAX_BYTES);
    const struct str zone = options->time_zone.length > 0 ? options->time_zone : STR("UTC");
    buf_printf(&sql, "SET GLOBAL TimeZone=%.*s;", STR_ARGS(duck_quote_literal(arena, zone)));
    if (options->is_closed) {
        append_list(&sql, "allowed_paths", options->allowed_paths);
        append_list(&sql, "allowed_directories", options->allowed_folders);
        buf_append_cstr(&sql, "SET enable_external_access=false;");
    }
    if (!options->is_unlocked)
        buf_append_cstr(&sql, "SET lock_configuration=true");
    rc result = buf_check(&sql, err, "the settings of the database");
    if (result == RC_OK)
        result = feeds_install(duck->feeds, connection->handle, err);
    if (result == RC_OK)
        result = functions_install(connection->handle, err);
    if (result == RC_OK)
        result = paces_install(duck->paces, connection->handle, err);
    if (result == RC_OK && options->remotes.generation != NULL && !options->is_unlocked)
        result = remotes_load(duck->remotes, err); // its settings cannot be made later
    if (result == RC_OK)
        result = duck_script(connection, buf_str(&sql), err);
    buf_done(&sql);
    duck_disconnect(connection);
    return result;
}

rc duck_restrict(struct duck_connection *connection, const str_vec *allowed_paths, struct err *err)
{
    struct buf sql;
    buf_init(&sql, SETTING_MAX_BYTES);
    append_list(&sql, "allowed_paths", allowed_paths);
    buf_append_cstr(&sql, "SET enable_external_access=false; SET lock_configuration=true");
    rc result = buf_check(&sql, err, "the list of files that may be read");
    if (result == RC_OK)
        result = duck_script(connection, buf_str(&sql), err);
    buf_done(&sql);
    return result;
}

static void close_deferred(void *object)
{
    duck_close(object);
}

rc duck_open(struct arena *arena, const struct duck_options *options, struct duck **ret_duck,
             struct err *err)
{
    static const struct duck_options defaults;
    if (options == NULL)
        options = &defaults;
    TRY(duck_library_load(NULL, err));
    struct duck *duck = ARENA_NEW(arena, struct duck);
    duck->feeds = feeds_open(duck, arena);
    duck->paces = paces_open(arena);
    duck->remotes = remotes_open(duck, arena, &options->remotes);
    duckdb_config config;
    if (duck_library->create_config(&config) != DuckDBSuccess)
        return err_set(err, RC_INTERNAL, "DuckDB has no configuration");
    rc result = open_database(duck, options, config, err);
    duck_library->destroy_config(&config);
    if (result == RC_OK)
        result = set_up(duck, arena, options, err);
    if (result != RC_OK) {
        duck_close(duck);
        return result;
    }
    arena_defer(arena, close_deferred, duck);
    *ret_duck = duck;
    return RC_OK;
}

void duck_close(struct duck *duck)
{
    if (duck == NULL)
        return;
    if (duck->handle != NULL)
        duck_library->close(&duck->handle);
    duck->handle = NULL;
    feeds_close(duck->feeds);
    if (duck->temp_folder[0] != '\0') {
        const rc ignored = fs_remove_tree(str_of(duck->temp_folder), NULL);
        (void)ignored; // a leftover in the temp folder hurts nobody
    }
    duck->temp_folder[0] = '\0';
}

static void disconnect_deferred(void *object)
{
    duck_disconnect(object);
}

static void interrupt_deferred(void *object)
{
    duck_interrupt(object);
}

rc duck_connect(struct duck *duck, struct arena *arena, struct duck_connection **ret_connection,
                struct err *err)
{
    duckdb_connection handle;
    if (duck_library->connect(duck->handle, &handle) != DuckDBSuccess)
        return err_set(err, RC_INTERNAL, "cannot connect to the database");
    struct duck_connection *connection = ARENA_NEW(arena, struct duck_connection);
    *connection = (struct duck_connection){.handle = handle, .duck = duck};
    connection->stop_token = runtime_on_stop(interrupt_deferred, connection);
    arena_defer(arena, disconnect_deferred, connection);
    *ret_connection = connection;
    return RC_OK;
}

void duck_disconnect(struct duck_connection *connection)
{
    if (connection == NULL || connection->handle == NULL)
        return;
    if (connection->stop_token >= 0)
        runtime_forget_stop(connection->stop_token);
    duckdb_connection handle = connection->handle;
    connection->handle = NULL;
    duck_library->disconnect(&handle);
}

void duck_interrupt(struct duck_connection *connection)
{
    if (connection->handle != NULL)
        duck_library->interrupt(connection->handle);
}

static struct str quote(struct arena *arena, struct str text, char mark)
{
    size_t length = text.length + 2;
    for (size_t i = 0; i < text.length; i++)
        length += text.bytes[i] == mark;
    char *to = arena_alloc(arena, length + 1);
    size_t at = 0;
    to[at++] = mark;
    for (size_t i = 0; i < text.length; i++) {
        if (text.bytes[i] == mark)
            to[at++] = mark;
        to[at++] = text.bytes[i];
    }
    to[at] = mark;
    return (struct str){to, length};
}

struct str duck_quote_identifier(struct arena *arena, struct str name)
{
    return quote(arena, name, '"');
}

struct str duck_quote_literal(struct arena *arena, struct str text)
{
    return quote(arena, text, '\'');
}
