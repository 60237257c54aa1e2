/// @file fake_glue.h
/// A Data Catalog in this process: databases, tables with versions, pages of two, and calls that
/// fail before or after they were carried out. It answers through aws_options.send, so that all of
/// our client is used.

#ifndef TESTS_FAKE_GLUE_H
#define TESTS_FAKE_GLUE_H

#include "unit_test.h"

#include "aws/client.h"
#include "base/map.h"
#include "net/http.h"

enum { FAKE_PAGE = 2 };

/// What happens to calls of an action, from the first that comes, `count` times.
struct fake_fault {
    const char *action; // NULL = none
    int count;
    bool is_done_first;         // carried out, then the failure
    int status;                 // 0: the connection breaks
    const char *code, *message; // with a status
    void (*run)(void *context); // around the call, before it is answered; may be NULL
    void *context;
};

struct fake_table {
    struct str database, name;
    struct json input; // TableInput
    int version;
};

struct fake_glue {
    struct arena *arena;
    struct map databases; // name -> struct json of DatabaseInput
    VEC(struct fake_table) tables;
    struct fake_fault fault;
    int calls;
    struct str last_body; // of the last UpdateTable or CreateTable
};

static rc fake_refuse(struct arena *arena, const char *code, const char *message, int status,
                      struct http_response *ret_response)
{
    *ret_response = (struct http_response){
        .status = status,
        .body = arena_printf(arena, "{\"__type\": \"%s\", \"message\": \"%s\"}", code, message)};
    return RC_OK;
}

static struct fake_table *fake_find(struct fake_glue *glue, struct str database, struct str name)
{
    for (size_t i = 0; i < glue->tables.count; i++)
        if (str_equal(glue->tables.items[i].database, database) &&
            str_equal(glue->tables.items[i].name, name))
            return &glue->tables.items[i];
    return NULL;
}

static struct json fake_table_json(struct arena *arena, const struct fake_table *table)
{
    struct json json = json_copy(arena, &table->input);
    *json_object_set(arena, &json, STR("DatabaseName")) = json_of_str(table->database);
    *json_object_set(arena, &json, STR("VersionId")) =
        json_of_str(arena_printf(arena, "%d", table->version));
    return json;
}

/// Puts items first..first+FAKE_PAGE into the answer; NextToken is the number of the next.
static void fake_page(struct arena *arena, const struct json *request, const char *key,
                      const struct json *items, struct json *answer)
{
    int64_t first = 0;
    (void)str_to_int64(json_str(json_get(request, STR("NextToken")), STR("0")), &first);
    struct json list = {.kind = JSON_ARRAY};
    size_t at = (size_t)first;
    for (; at < items->count && at < (size_t)first + FAKE_PAGE; at++)
        *json_array_push(arena, &list) = items->items[at];
    *json_object_set(arena, answer, str_of(key)) = list;
    if (at < items->count)
        *json_object_set(arena, answer, STR("NextToken")) =
            json_of_str(arena_printf(arena, "%zu", at));
}

static const char *fake_database_call(struct fake_glue *glue, struct arena *arena,
                                      const char *action, const struct json *request,
                                      struct json *answer)
{
    const struct json *input = json_get(request, STR("DatabaseInput"));
    const struct str name =
        json_str(json_get(input != NULL ? input : request, STR("Name")), STR(""));
    if (strcmp(action, "GetDatabases") == 0) {
        struct json all = {.kind = JSON_ARRAY};
        for (size_t i = 0; i < glue->databases.count; i++)
            if (glue->databases.entries[i].value != NULL)
                *json_array_push(arena, &all) = *(struct json *)glue->databases.entries[i].value;
        fake_page(arena, request, "DatabaseList", &all, answer);
        return NULL;
    }
    const struct json *found = map_get(&glue->databases, name);
    if (strcmp(action, "CreateDatabase") == 0) {
        if (found != NULL)
            return "AlreadyExistsException";
        struct json *kept = ARENA_NEW(glue->arena, struct json);
        *kept = json_copy(glue->arena, input);
        map_set(&glue->databases, arena_str(glue->arena, name), kept);
        return NULL;
    }
    if (found == NULL)
        return "EntityNotFoundException";
    if (strcmp(action, "DeleteDatabase") == 0)
        map_set(&glue->databases, name, NULL);
    else
        *json_object_set(arena, answer, STR("Database")) = *found;
    return NULL;
}

static const char *fake_put_table(struct fake_glue *glue, const char *action, struct str database,
                                  const struct json *request)
{
    const struct json *input = json_get(request, STR("TableInput"));
    struct fake_table *found =
        fake_find(glue, database, json_str(json_get(input, STR("Name")), STR("")));
    glue->last_body = json_print(glue->arena, request, JSON_COMPACT);
    if (strcmp(action, "CreateTable") == 0) {
        if (map_get(&glue->databases, database) == NULL)
            return "EntityNotFoundException";
        if (found != NULL)
            return "AlreadyExistsException";
        *vec_push(glue->arena, &glue->tables) = (struct fake_table){
            .database = arena_str(glue->arena, database),
            .name = arena_str(glue->arena, json_str(json_get(input, STR("Name")), STR(""))),
            .input = json_copy(glue->arena, input)};
        return NULL;
    }
    if (found == NULL)
        return "EntityNotFoundException";
    int64_t version = -1;
    (void)str_to_int64(json_str(json_get(request, STR("VersionId")), STR("")), &version);
    if (version != found->version)
        return "ConcurrentModificationException";
    if (!json_bool(json_get(request, STR("SkipArchive")), false))
        return "ResourceNumberLimitExceededException";
    found->input = json_copy(glue->arena, input);
    found->version++;
    return NULL;
}

static const char *fake_table_call(struct fake_glue *glue, struct arena *arena, const char *action,
                                   const struct json *request, struct json *answer)
{
    const struct str database = json_str(json_get(request, STR("DatabaseName")), STR(""));
    if (strcmp(action, "CreateTable") == 0 || strcmp(action, "UpdateTable") == 0)
        return fake_put_table(glue, action, database, request);
    if (strcmp(action, "GetTables") == 0) {
        struct json all = {.kind = JSON_ARRAY};
        if (map_get(&glue->databases, database) == NULL)
            return "EntityNotFoundException";
        for (size_t i = 0; i < glue->tables.count; i++)
            if (str_equal(glue->tables.items[i].database, database))
                *json_array_push(arena, &all) = fake_table_json(arena, &glue->tables.items[i]);
        fake_page(arena, request, "TableList", &all, answer);
        return NULL;
    }
    struct fake_table *found =
        fake_find(glue, database, json_str(json_get(request, STR("Name")), STR("")));
    if (found == NULL)
        return "EntityNotFoundException";
    if (strcmp(action, "DeleteTable") == 0)
        found->database = STR("");
    else
        *json_object_set(arena, answer, STR("Table")) = fake_table_json(arena, found);
    return NULL;
}

static rc fake_carry_out(struct fake_glue *glue, struct arena *arena, const char *action,
                         struct str body, struct http_response *ret_response)
{
    struct json *request = ARENA_NEW(arena, struct json);
    struct json answer = {.kind = JSON_OBJECT};
    assert_int_equal(json_parse(arena, arena_str(arena, body), "request", request, NULL), RC_OK);
    glue->calls++;
    const char *code = strstr(action, "Database") != NULL
                           ? fake_database_call(glue, arena, action, request, &answer)
                           : fake_table_call(glue, arena, action, request, &answer);
    if (code != NULL)
        return fake_refuse(arena, code, "said the fake", 400, ret_response);
    *ret_response =
        (struct http_response){.status = 200, .body = json_print(arena, &answer, JSON_COMPACT)};
    return RC_OK;
}

static rc fake_send(void *context, struct arena *arena, const struct http_request *request,
                    struct http_response *ret_response, struct err *err)
{
    struct fake_glue *glue = context;
    struct fake_fault *fault = &glue->fault;
    const char *action = "";
    for (size_t i = 0; i < request->header_count; i++)
        if (str_is(request->headers[i].name, "X-Amz-Target"))
            action = arena_cstr(arena,
                                str_slice(request->headers[i].value, strlen("AWSGlue."), SIZE_MAX));
    const bool is_hit =
        fault->action != NULL && fault->count > 0 && strcmp(fault->action, action) == 0;
    if (!is_hit)
        return fake_carry_out(glue, arena, action, request->body, ret_response);
    fault->count--;
    if (fault->is_done_first)
        assert_int_equal(fake_carry_out(glue, arena, action, request->body, ret_response), RC_OK);
    if (fault->run != NULL)
        fault->run(fault->context);
    if (fault->status == 0)
        return err_set(err, RC_NETWORK, "connection reset");
    return fake_refuse(arena, fault->code, fault->message != NULL ? fault->message : "injected",
                       fault->status, ret_response);
}

static const char *fake_environment(void *context, const char *name)
{
    (void)context;
    return strcmp(name, "AWS_ACCESS_KEY_ID") == 0       ? "AKFAKE"
           : strcmp(name, "AWS_SECRET_ACCESS_KEY") == 0 ? "secret"
           : strcmp(name, "AWS_REGION") == 0            ? "eu-west-1"
                                                        : NULL;
}

static rc fake_wait(void *context, int64_t delay_us, struct err *err)
{
    (void)context, (void)delay_us, (void)err;
    return RC_OK;
}

static struct aws_session *fake_glue_open(struct arena *arena, struct fake_glue *glue)
{
    struct aws_session *session;
    *glue = (struct fake_glue){.arena = arena};
    map_init(&glue->databases, arena);
    const struct aws_options options = {.max_attempts = 3,
                                        .environment = fake_environment,
                                        .wait = fake_wait,
                                        .send = fake_send,
                                        .send_context = glue};
    assert_int_equal(aws_session_open(arena, &options, &session, NULL), RC_OK);
    return session;
}

#endif
