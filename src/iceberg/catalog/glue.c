/// AWS Glue Data Catalog: a database per namespace, a table whose parameter metadata_location names
/// the current file. A commit is UpdateTable with the VersionId that GetTable gave with the old
/// location, so of two writers one gets ConcurrentModificationException. SkipArchive keeps Glue
/// from storing a table version per commit until the account's limit is reached.
/// Sources: Glue API reference, Java's GlueTableOperations and GlueCatalog.
///
/// Calls are tried again by the client, so an answer may be about a try whose success got lost
/// ("is it ours?" is asked of the table then: `is_remote` of the driver).
/// Limits: Glue has no namespaces in namespaces, and names in lower case only.

#include <stdlib.h>

#include "aws/client.h"
#include "iceberg/catalog/driver.h"
#include "iceberg/catalog/glue_input.h"

enum { PAGE_SIZE = 100, MAX_PAGES = 10000, BODY_MAX_BYTES = 16 << 20 };
enum { MAX_DATABASE_NAME_BYTES = 252, MAX_TABLE_NAME_BYTES = 255 };

struct glue {
    struct aws_client *client;
    struct str catalog_id; // empty = the caller's account
    // the table that was located last: its VersionId guards the swap
    struct arena *located_arena;
    struct str located_namespace, located_name;
    struct json located;
};

static struct glue *glue_of(const struct catalog *catalog)
{
    return catalog->self;
}

static void close_glue(void *object)
{
    struct glue *glue = object;
    arena_close(glue->located_arena);
}

static rc glue_open(struct catalog *catalog, const struct catalog_options *options, struct err *err)
{
    struct glue *glue = ARENA_NEW(catalog->arena, struct glue);
    if (options->session == NULL)
        return err_set(err, RC_INTERNAL, "a glue catalog was opened without an AWS session");
    glue->catalog_id = arena_str(catalog->arena, options->catalog_id);
    TRY(aws_client_open(catalog->arena, options->session, &aws_glue, &glue->client, err));
    glue->located_arena = arena_open(NULL);
    arena_defer(catalog->arena, close_glue, glue);
    catalog->self = glue;
    return RC_OK;
}

// Names

static rc check_case(struct str name, const char *what, struct err *err)
{
    for (size_t i = 0; i < name.length; i++)
        if (name.bytes[i] >= 'A' && name.bytes[i] <= 'Z') {
            struct arena *scratch = arena_open(NULL);
            err_set(err, RC_INVALID,
                    "\"%.*s\" is no name for a %s in Glue, which keeps names in lower case",
                    STR_ARGS(name), what);
            err_hint(err, "write \"%.*s\"", STR_ARGS(str_lower(scratch, name)));
            arena_close(scratch);
            return RC_INVALID;
        }
    return RC_OK;
}

/// What Glue, Athena and Hive all take as a new name.
static rc check_new_name(struct str name, const char *what, size_t max_bytes, struct err *err)
{
    TRY(check_case(name, what, err));
    bool is_good = name.length > 0 && name.length <= max_bytes;
    for (size_t i = 0; i < name.length && is_good; i++) {
        const char c = name.bytes[i];
        is_good = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
    }
    if (is_good)
        return RC_OK;
    err_set(err, RC_INVALID, "\"%.*s\" is no name for a %s in Glue", STR_ARGS(name), what);
    return err_hint(err, "use 1 to %zu letters a to z, digits and _", max_bytes);
}

static rc check_names(struct str namespace_name, struct str name, struct err *err)
{
    TRY(check_case(namespace_name, "database", err));
    return check_case(name, "table", err);
}

// Calls

/// A request's body: CatalogId (when one is set) and what the caller adds.
struct request {
    struct glue *glue;
    struct arena *arena;
    struct buf buf;
    struct json_writer writer;
};

static struct json_writer *begin_request(struct request *request, const struct catalog *catalog,
                                         struct arena *arena)
{
    *request = (struct request){.glue = glue_of(catalog), .arena = arena};
    buf_init(&request->buf, BODY_MAX_BYTES);
    json_writer_init(&request->writer, &request->buf, JSON_COMPACT);
    json_begin_object(&request->writer);
    if (request->glue->catalog_id.length > 0)
        json_field_str(&request->writer, "CatalogId", request->glue->catalog_id);
    return &request->writer;
}

/// Ends the body and calls. The request is done afterwards, in any case.
/// @param ret_answer  may be NULL
static rc send_request(struct request *request, const char *action, struct str resource,
                       struct json *ret_answer, struct aws_failure *ret_failure, struct err *err)
{
    struct json answer;
    json_end_object(&request->writer);
    rc code = buf_check(&request->buf, err, "a request to Glue");
    // also after a request to stop: a commit that is on its way is ended and looked up, which takes
    // a moment, rather than left unknown
    const struct aws_call call = {.action = action,
                                  .resource = resource,
                                  .body = buf_str(&request->buf),
                                  .ignores_stop = str_has_suffix(str_of(action), STR("Table"))};
    if (code == RC_OK)
        code =
            aws_call_json(request->glue->client, request->arena, &call, &answer, ret_failure, err);
    if (code == RC_DENIED && err != NULL && strstr(err->message, "Lake Formation") != NULL)
        (void)err_hint(err, "grant it in Lake Formation, on %.*s: IAM alone does not decide there",
                       STR_ARGS(resource));
    buf_done(&request->buf);
    if (code == RC_OK && ret_answer != NULL)
        *ret_answer = answer;
    return code;
}

static struct str database_resource(struct arena *arena, struct str name)
{
    return arena_printf(arena, "database %.*s", STR_ARGS(name));
}

static struct str table_resource(struct arena *arena, struct str namespace_name, struct str name)
{
    return arena_printf(arena, "table %.*s.%.*s", STR_ARGS(namespace_name), STR_ARGS(name));
}

/// Calls for page after page and hands over the items of each.
/// @param namespace_name  empty = the call is not about one database
static rc read_pages(const struct catalog *catalog, struct arena *arena, const char *action,
                     struct str namespace_name, const char *list_key,
                     void (*take)(struct arena *arena, const struct json *item, str_vec *names),
                     str_vec *ret_names, struct err *err)
{
    const struct str resource =
        namespace_name.length > 0 ? database_resource(arena, namespace_name) : STR("the catalog");
    str_vec names = {0};
    struct str token = {0};
    for (int page = 0; page < MAX_PAGES; page++) {
        struct request request;
        struct json answer;
        struct json_writer *w = begin_request(&request, catalog, arena);
        if (namespace_name.length > 0)
            json_field_str(w, "DatabaseName", namespace_name);
        json_field_int64(w, "MaxResults", PAGE_SIZE);
        if (token.length > 0)
            json_field_str(w, "NextToken", token);
        TRY(send_request(&request, action, resource, &answer, NULL, err));
        const struct json *list = json_get(&answer, str_of(list_key));
        for (size_t i = 0; list != NULL && list->kind == JSON_ARRAY && i < list->count; i++)
            take(arena, &list->items[i], &names);
        const struct str next = json_str(json_get(&answer, STR("NextToken")), STR(""));
        if (next.length == 0) {
            *ret_names = names;
            return RC_OK;
        }
        if (str_equal(next, token))
            break;
        token = next;
    }
    return err_set(err, RC_LIMIT, "glue:%s, %.*s: the pages do not end", action,
                   STR_ARGS(resource));
}

static void take_name(struct arena *arena, const struct json *item, str_vec *names)
{
    const struct str name = json_str(json_get(item, STR("Name")), STR(""));
    if (name.length > 0)
        *vec_push(arena, names) = arena_str(arena, name);
}

static struct str parameter_of(const struct json *table, const char *key)
{
    return json_str(json_path(table, "Parameters", key), STR(""));
}

static bool is_iceberg(const struct json *table)
{
    return str_equal_ignore_case(parameter_of(table, "table_type"), STR("ICEBERG")) &&
           parameter_of(table, "metadata_location").length > 0;
}

static void take_iceberg_name(struct arena *arena, const struct json *item, str_vec *names)
{
    if (is_iceberg(item))
        take_name(arena, item, names);
}

static int compare_names(const void *a, const void *b)
{
    return str_compare(*(const struct str *)a, *(const struct str *)b);
}

static void sort_names(str_vec *names)
{
    if (names->count > 1)
        qsort(names->items, names->count, sizeof *names->items, compare_names);
}

// Namespaces

static rc glue_list_namespaces(struct catalog *catalog, struct arena *arena, str_vec *ret_names,
                               struct err *err)
{
    TRY(read_pages(catalog, arena, "GetDatabases", (struct str){0}, "DatabaseList", take_name,
                   ret_names, err));
    sort_names(ret_names);
    return RC_OK;
}

static rc no_such_namespace(struct str name, struct err *err)
{
    return err_set(err, RC_NOT_FOUND, "there is no namespace \"%.*s\": Glue has no such database",
                   STR_ARGS(name));
}

static rc glue_namespace_properties(struct catalog *catalog, struct arena *arena, struct str name,
                                    struct properties *ret_properties, struct err *err)
{
    struct request request;
    struct json answer;
    struct properties found = {0};
    TRY(check_case(name, "database", err));
    json_field_str(begin_request(&request, catalog, arena), "Name", name);
    const rc code =
        send_request(&request, "GetDatabase", database_resource(arena, name), &answer, NULL, err);
    if (code == RC_NOT_FOUND)
        return no_such_namespace(name, err);
    TRY(code);
    const struct json *database = json_get(&answer, STR("Database"));
    const struct json *parameters = json_get(database, STR("Parameters"));
    const size_t count =
        parameters != NULL && parameters->kind == JSON_OBJECT ? parameters->count : 0;
    for (size_t i = 0; i < count; i++)
        properties_set(arena, &found, parameters->members[i].key,
                       json_str(&parameters->members[i].value, STR("")));
    const struct str location = json_str(json_get(database, STR("LocationUri")), STR(""));
    const struct str comment = json_str(json_get(database, STR("Description")), STR(""));
    if (location.length > 0)
        properties_set(arena, &found, STR("location"), location);
    if (comment.length > 0)
        properties_set(arena, &found, STR("comment"), comment);
    *ret_properties = found;
    return RC_OK;
}

static void write_database(struct json_writer *w, struct str name, struct str location,
                           const struct properties *properties)
{
    static const struct properties none = {0};
    if (properties == NULL)
        properties = &none;
    json_key(w, STR("DatabaseInput"));
    json_begin_object(w);
    json_field_str(w, "Name", name);
    if (location.length > 0)
        json_field_str(w, "LocationUri", location);
    if (properties_has(properties, STR("comment")))
        json_field_str(w, "Description",
                       properties_get(properties, STR("comment"), (struct str){0}));
    json_key(w, STR("Parameters"));
    json_begin_object(w);
    for (size_t i = 0; i < properties->count; i++) {
        const struct property *property = &properties->items[i];
        if (str_is(property->key, "location") || str_is(property->key, "comment"))
            continue;
        json_key(w, property->key);
        json_put_str(w, property->value);
    }
    json_end_object(w);
    json_end_object(w);
}

static rc create_database(struct catalog *catalog, struct arena *arena, struct str name,
                          const struct properties *properties, struct err *err)
{
    struct request request;
    struct str location = {0};
    if (catalog->warehouse.length > 0)
        location = arena_printf(arena, "%.*s/%.*s", STR_ARGS(catalog->warehouse), STR_ARGS(name));
    if (properties != NULL)
        location = properties_get(properties, STR("location"), location);
    write_database(begin_request(&request, catalog, arena), name, location, properties);
    return send_request(&request, "CreateDatabase", database_resource(arena, name), NULL, NULL,
                        err);
}

static rc glue_create_namespace(struct catalog *catalog, struct str name,
                                const struct properties *properties, struct err *err)
{
    TRY(check_new_name(name, "database", MAX_DATABASE_NAME_BYTES, err));
    struct arena *scratch = arena_open(NULL);
    rc code = create_database(catalog, scratch, name, properties, err);
    if (code == RC_EXISTS)
        code = err_set(err, RC_EXISTS, "the namespace \"%.*s\" exists already", STR_ARGS(name));
    arena_close(scratch);
    return code;
}

/// DeleteDatabase would take the tables along, also those that are not Iceberg's.
static rc drop_empty_database(struct catalog *catalog, struct arena *arena, struct str name,
                              struct err *err)
{
    str_vec tables = {0};
    struct request request;
    TRY(read_pages(catalog, arena, "GetTables", name, "TableList", take_name, &tables, err));
    if (tables.count > 0)
        return err_set(err, RC_REFUSED, "the namespace \"%.*s\" is not empty", STR_ARGS(name));
    json_field_str(begin_request(&request, catalog, arena), "Name", name);
    return send_request(&request, "DeleteDatabase", database_resource(arena, name), NULL, NULL,
                        err);
}

static rc glue_drop_namespace(struct catalog *catalog, struct str name, struct err *err)
{
    TRY(check_case(name, "database", err));
    struct arena *scratch = arena_open(NULL);
    rc code = drop_empty_database(catalog, scratch, name, err);
    if (code == RC_NOT_FOUND)
        code = no_such_namespace(name, err);
    arena_close(scratch);
    return code;
}

// Tables

static rc glue_list_tables(struct catalog *catalog, struct arena *arena, struct str namespace_name,
                           str_vec *ret_names, struct err *err)
{
    TRY(check_case(namespace_name, "database", err));
    const rc code = read_pages(catalog, arena, "GetTables", namespace_name, "TableList",
                               take_iceberg_name, ret_names, err);
    if (code == RC_NOT_FOUND)
        return no_such_namespace(namespace_name, err);
    TRY(code);
    sort_names(ret_names);
    return RC_OK;
}

/// @param ret_table  Glue's Table, in `arena`
/// @return RC_OK | RC_NOT_FOUND (no such table or database) | ...
static rc get_table(const struct catalog *catalog, struct arena *arena, struct str namespace_name,
                    struct str name, struct json *ret_table, struct err *err)
{
    struct request request;
    struct json answer;
    struct json_writer *w = begin_request(&request, catalog, arena);
    json_field_str(w, "DatabaseName", namespace_name);
    json_field_str(w, "Name", name);
    TRY(send_request(&request, "GetTable", table_resource(arena, namespace_name, name), &answer,
                     NULL, err));
    const struct json *table = json_get(&answer, STR("Table"));
    if (table == NULL)
        return err_set(err, RC_INVALID, "glue:GetTable, table %.*s.%.*s: the answer has no Table",
                       STR_ARGS(namespace_name), STR_ARGS(name));
    *ret_table = *table;
    return RC_OK;
}

static rc check_iceberg(const struct json *table, struct str namespace_name, struct str name,
                        struct err *err)
{
    if (is_iceberg(table))
        return RC_OK;
    const struct str kind = json_str(json_get(table, STR("TableType")), STR("table"));
    err_set(err, RC_UNSUPPORTED,
            "\"%.*s.%.*s\" in Glue is no Iceberg table: it is a %.*s without the parameters "
            "table_type=ICEBERG and metadata_location",
            STR_ARGS(namespace_name), STR_ARGS(name), STR_ARGS(kind));
    return err_hint(err, "choose another name, or drop it if nobody needs it");
}

static rc no_such_table(struct str namespace_name, struct str name, struct err *err)
{
    return err_set(err, RC_NOT_FOUND, "there is no table \"%.*s.%.*s\"", STR_ARGS(namespace_name),
                   STR_ARGS(name));
}

static void forget_located(struct glue *glue)
{
    arena_close(glue->located_arena);
    glue->located_arena = arena_open(NULL);
    glue->located_name = (struct str){0};
}

/// Asks for the table and keeps the answer for a swap.
static rc locate_table(const struct catalog *catalog, struct str namespace_name, struct str name,
                       struct err *err)
{
    struct glue *glue = glue_of(catalog);
    forget_located(glue);
    TRY(get_table(catalog, glue->located_arena, namespace_name, name, &glue->located, err));
    glue->located_namespace = arena_str(glue->located_arena, namespace_name);
    glue->located_name = arena_str(glue->located_arena, name);
    return RC_OK;
}

static rc glue_locate(struct catalog *catalog, struct arena *arena, struct str namespace_name,
                      struct str name, struct str *ret_location, struct err *err)
{
    struct glue *glue = glue_of(catalog);
    TRY(check_names(namespace_name, name, err));
    const rc code = locate_table(catalog, namespace_name, name, err);
    if (code == RC_NOT_FOUND) {
        *ret_location = (struct str){0};
        return RC_OK;
    }
    TRY(code);
    TRY(check_iceberg(&glue->located, namespace_name, name, err));
    *ret_location = arena_str(arena, parameter_of(&glue->located, "metadata_location"));
    return RC_OK;
}

static rc delete_table(const struct catalog *catalog, struct arena *arena,
                       struct str namespace_name, struct str name, struct err *err)
{
    struct request request;
    struct json_writer *w = begin_request(&request, catalog, arena);
    json_field_str(w, "DatabaseName", namespace_name);
    json_field_str(w, "Name", name);
    const rc code = send_request(&request, "DeleteTable",
                                 table_resource(arena, namespace_name, name), NULL, NULL, err);
    // it was there a moment ago: an earlier try whose answer was lost has done it
    return code == RC_NOT_FOUND ? RC_OK : code;
}

static rc drop_located(struct catalog *catalog, struct arena *arena, struct str namespace_name,
                       struct str name, struct err *err)
{
    struct json table;
    const rc code = get_table(catalog, arena, namespace_name, name, &table, err);
    if (code == RC_NOT_FOUND)
        return no_such_table(namespace_name, name, err);
    TRY(code);
    TRY(check_iceberg(&table, namespace_name, name, err));
    return delete_table(catalog, arena, namespace_name, name, err);
}

static rc glue_drop_table(struct catalog *catalog, struct str namespace_name, struct str name,
                          struct err *err)
{
    TRY(check_names(namespace_name, name, err));
    struct arena *scratch = arena_open(NULL);
    const rc code = drop_located(catalog, scratch, namespace_name, name, err);
    arena_close(scratch);
    return code;
}

static rc create_table(const struct catalog *catalog, struct arena *arena,
                       struct str namespace_name, const struct glue_input *input,
                       struct aws_failure *ret_failure, struct err *err)
{
    struct request request;
    struct str text;
    TRY(glue_input_print(arena, input, &text, err));
    struct json_writer *w = begin_request(&request, catalog, arena);
    json_field_str(w, "DatabaseName", namespace_name);
    json_key(w, STR("TableInput"));
    json_put_raw(w, text);
    return send_request(&request, "CreateTable", table_resource(arena, namespace_name, input->name),
                        NULL, ret_failure, err);
}

// Renaming: Glue has no call for it. The table is made under the new name, then dropped under the
// old one. Died in between, both names show the same table, and renaming again goes on from there.

struct renaming {
    struct catalog *catalog;
    struct arena *arena;
    struct str old_namespace, old_name, new_namespace, new_name;
};

static rc make_renamed(const struct renaming *r, const struct json *table, struct err *err)
{
    struct json other;
    const struct glue_input input = {.name = r->new_name, .table = table};
    rc code = create_table(r->catalog, r->arena, r->new_namespace, &input, NULL, err);
    if (code != RC_EXISTS)
        return code;
    code = get_table(r->catalog, r->arena, r->new_namespace, r->new_name, &other, err);
    if (code == RC_OK && is_iceberg(&other) &&
        str_equal(parameter_of(&other, "metadata_location"),
                  parameter_of(table, "metadata_location")))
        return RC_OK;
    return err_set(err, RC_EXISTS, "the table \"%.*s.%.*s\" exists already",
                   STR_ARGS(r->new_namespace), STR_ARGS(r->new_name));
}

/// Drops the old name, if nobody committed to it meanwhile.
static rc drop_renamed(const struct renaming *r, const struct json *table, struct err *err)
{
    struct json now;
    TRY(get_table(r->catalog, r->arena, r->old_namespace, r->old_name, &now, err));
    if (!str_equal(parameter_of(&now, "metadata_location"),
                   parameter_of(table, "metadata_location")))
        return err_set(err, RC_CONFLICT, "the table \"%.*s.%.*s\" was changed at the same time",
                       STR_ARGS(r->old_namespace), STR_ARGS(r->old_name));
    return delete_table(r->catalog, r->arena, r->old_namespace, r->old_name, err);
}

static rc rename_table(const struct renaming *r, struct err *err)
{
    struct json table;
    rc code = get_table(r->catalog, r->arena, r->old_namespace, r->old_name, &table, err);
    if (code == RC_NOT_FOUND)
        return no_such_table(r->old_namespace, r->old_name, err);
    TRY(code);
    TRY(check_iceberg(&table, r->old_namespace, r->old_name, err));
    TRY(make_renamed(r, &table, err));
    code = drop_renamed(r, &table, err);
    if (code == RC_OK)
        return RC_OK;
    struct err undo = {0};
    if (delete_table(r->catalog, r->arena, r->new_namespace, r->new_name, &undo) != RC_OK)
        err_context(err, "the new name \"%.*s.%.*s\" could not be taken back (%s)",
                    STR_ARGS(r->new_namespace), STR_ARGS(r->new_name), undo.message);
    return code;
}

static rc glue_rename_table(struct catalog *catalog, struct str namespace_name, struct str name,
                            struct str new_namespace, struct str new_name, struct err *err)
{
    TRY(check_names(namespace_name, name, err));
    TRY(check_case(new_namespace, "database", err));
    TRY(check_new_name(new_name, "table", MAX_TABLE_NAME_BYTES, err));
    struct arena *scratch = arena_open(NULL);
    const struct renaming renaming = {.catalog = catalog,
                                      .arena = scratch,
                                      .old_namespace = namespace_name,
                                      .old_name = name,
                                      .new_namespace = new_namespace,
                                      .new_name = new_name};
    const rc code = rename_table(&renaming, err);
    arena_close(scratch);
    return code;
}

static struct str glue_metadata_name(struct arena *arena, int64_t version)
{
    return catalog_driver_sql.metadata_name(arena, version);
}

// Commit

static rc glue_begin(struct catalog *catalog, struct err *err)
{
    (void)catalog;
    (void)err;
    return RC_OK;
}

static rc changed_meanwhile(const struct catalog_change *change, struct err *err)
{
    return err_set(err, RC_CONFLICT, "the table \"%.*s.%.*s\" was changed at the same time",
                   STR_ARGS(change->namespace_name), STR_ARGS(change->name));
}

/// Makes `located` the table as it was when the change's old location was current.
static rc find_base(struct catalog *catalog, const struct catalog_change *change, struct err *err)
{
    struct glue *glue = glue_of(catalog);
    if (!str_equal(glue->located_name, change->name) ||
        !str_equal(glue->located_namespace, change->namespace_name)) {
        const rc code = locate_table(catalog, change->namespace_name, change->name, err);
        if (code == RC_NOT_FOUND)
            return no_such_table(change->namespace_name, change->name, err);
        TRY(code);
    }
    if (!str_equal(parameter_of(&glue->located, "metadata_location"), change->old_location))
        return changed_meanwhile(change, err);
    if (json_str(json_get(&glue->located, STR("VersionId")), STR("")).length == 0) {
        err_set(err, RC_UNSUPPORTED,
                "Glue gave no VersionId for the table \"%.*s.%.*s\": two writers could replace "
                "each other's commits",
                STR_ARGS(change->namespace_name), STR_ARGS(change->name));
        return err_hint(err, "a federated catalog is no catalog of type glue");
    }
    return RC_OK;
}

static rc update_table(struct catalog *catalog, struct arena *arena,
                       const struct catalog_change *change, struct aws_failure *ret_failure,
                       struct err *err)
{
    struct glue *glue = glue_of(catalog);
    struct request request;
    struct str text;
    TRY(find_base(catalog, change, err));
    const struct glue_input input = {.name = change->name,
                                     .table = &glue->located,
                                     .metadata = change->metadata,
                                     .metadata_location = change->new_location,
                                     .previous_location = change->old_location};
    TRY(glue_input_print(arena, &input, &text, err));
    struct json_writer *w = begin_request(&request, catalog, arena);
    json_field_str(w, "DatabaseName", change->namespace_name);
    json_field_bool(w, "SkipArchive", true);
    json_field_str(w, "VersionId", json_str(json_get(&glue->located, STR("VersionId")), STR("")));
    json_key(w, STR("TableInput"));
    json_put_raw(w, text);
    return send_request(&request, "UpdateTable",
                        table_resource(arena, change->namespace_name, change->name), NULL,
                        ret_failure, err);
}

static rc swap_one(struct catalog *catalog, struct arena *arena,
                   const struct catalog_change *change, struct err *err)
{
    struct aws_failure failure = {0};
    if (change->old_location.length > 0) {
        const rc code = update_table(catalog, arena, change, &failure, err);
        if (code == RC_CONFLICT)
            return changed_meanwhile(change, err);
        return code != RC_OK && failure.is_unknown ? catalog_outcome_unknown(err) : code;
    }
    TRY(check_case(change->namespace_name, "database", err));
    TRY(check_new_name(change->name, "table", MAX_TABLE_NAME_BYTES, err));
    const struct glue_input input = {.name = change->name,
                                     .metadata = change->metadata,
                                     .metadata_location = change->new_location};
    const rc code = create_table(catalog, arena, change->namespace_name, &input, &failure, err);
    if (code == RC_EXISTS)
        return err_set(err, RC_EXISTS, "the table \"%.*s.%.*s\" exists already",
                       STR_ARGS(change->namespace_name), STR_ARGS(change->name));
    return code != RC_OK && failure.is_unknown ? catalog_outcome_unknown(err) : code;
}

static rc glue_swap(struct catalog *catalog, const struct catalog_change *changes, size_t count,
                    struct err *err)
{
    struct arena *scratch = arena_open(NULL);
    rc code = RC_OK;
    for (size_t i = 0; i < count && code == RC_OK; i++)
        code = swap_one(catalog, scratch, &changes[i], err);
    forget_located(glue_of(catalog));
    arena_close(scratch);
    return code;
}

static void glue_cancel(struct catalog *catalog)
{
    forget_located(glue_of(catalog));
}

const struct catalog_driver catalog_driver_glue = {
    .type = STR_INIT("glue"),
    .is_remote = true,
    .open = glue_open,
    .list_namespaces = glue_list_namespaces,
    .namespace_properties = glue_namespace_properties,
    .create_namespace = glue_create_namespace,
    .drop_namespace = glue_drop_namespace,
    .list_tables = glue_list_tables,
    .locate = glue_locate,
    .drop_table = glue_drop_table,
    .rename_table = glue_rename_table,
    .metadata_name = glue_metadata_name,
    .begin = glue_begin,
    .swap = glue_swap,
    .cancel = glue_cancel,
};
