// `adapter.*` and `api.*`: what macros ask of the database. Layer: transform.
// Source: dbt-adapters' BaseAdapter and SQLAdapter; while parsing, methods that would need a
// connection give the empty answers that dbt's stubs give.

#include "transform/adapter_method.h"
#include "transform/contract.h"
#include "transform/session.h"
#include "transform/transform.h"

enum { MAX_ARGUMENTS = 8 };

static struct relation *wanted_relation(struct value value)
{
    return relation_of_value(value);
}

static rc need_relation(struct render *render, const char *function, struct value value,
                        struct relation **ret_relation, struct err *err)
{
    *ret_relation = wanted_relation(value);
    if (*ret_relation == NULL)
        return render_throw(render, err, "TypeError", "adapter.%s wants a relation, found %s",
                            function, value_type_name(value));
    return RC_OK;
}

static rc text_of(struct render *render, struct value value, struct str *ret_text, struct err *err)
{
    if (value.kind == VALUE_MISSING || value.kind == VALUE_NONE || value.kind == VALUE_UNDEFINED) {
        *ret_text = STR("");
        return RC_OK;
    }
    return value_to_str(render, render_arena(render), value, ret_text, err);
}

// ---- dispatch

static rc search_packages(struct scope *scope, struct str namespace, struct package **packages,
                          size_t max, size_t *ret_count)
{
    const struct transform *t = scope->t;
    size_t count = 0;
    const struct value dispatch = t->root->dispatch;
    for (uint32_t i = 0; dispatch.kind == VALUE_LIST && i < dispatch.list->count; i++) {
        const struct value entry = dispatch.list->items[i];
        if (entry.kind != VALUE_DICT)
            continue;
        const struct value name = dict_get_str(entry, STR("macro_namespace"));
        const struct value order = dict_get_str(entry, STR("search_order"));
        if (name.kind != VALUE_STR || !str_equal(value_text(name), namespace) ||
            order.kind != VALUE_LIST)
            continue;
        for (uint32_t p = 0; p < order.list->count && count + 2 < max; p++) {
            const struct str wanted =
                order.list->items[p].kind == VALUE_STR ? value_text(order.list->items[p]) : STR("");
            if (str_is(wanted, "dbt")) {
                packages[count++] = t->builtin_adapter;
                packages[count++] = t->builtin;
            } else if ((packages[count] = transform_package(t, wanted)) != NULL) {
                count++;
            }
        }
        *ret_count = count;
        return RC_OK;
    }
    packages[count++] = t->root;
    if (str_is(namespace, "dbt")) {
        packages[count++] = t->builtin_adapter;
        packages[count++] = t->builtin;
    } else if ((packages[count] = transform_package(t, namespace)) != NULL) {
        count++;
    }
    *ret_count = count;
    return RC_OK;
}

static struct macro_entry *dispatched(struct scope *scope, struct str name, struct str namespace)
{
    const char *const prefixes[] = {scope->t->profile.class->type, "default"};
    enum { MAX_PACKAGES = 64 };
    struct package *packages[MAX_PACKAGES];
    size_t count = 0;
    if (namespace.length > 0 &&
        search_packages(scope, namespace, packages, MAX_PACKAGES, &count) != RC_OK)
        count = 0;
    for (size_t i = 0; i < (namespace.length > 0 ? count : 1); i++) {
        for (size_t p = 0; p < 2; p++) {
            const struct str wanted =
                arena_printf(scope->arena, "%s__%.*s", prefixes[p], STR_ARGS(name));
            struct macro_entry *entry = namespace.length == 0
                                            ? scope_find_macro(scope->t, scope->package, wanted)
                                            : map_get(&packages[i]->macros, wanted);
            if (entry != NULL)
                return entry;
        }
    }
    return NULL;
}

static rc call_dispatch(struct render *render, void *self, const struct arguments *arguments,
                        struct value *ret_value, struct err *err)
{
    struct scope *scope = self;
    static const char *const names[] = {"macro_name", "macro_namespace"};
    struct value v[2];
    TRY(arguments_bind(render, "dispatch", arguments, names, 1, 2, v, err));
    struct str name, namespace;
    TRY(text_of(render, v[0], &name, err));
    TRY(text_of(render, v[1], &namespace, err));
    if (str_find_byte(name, '.') != SIZE_MAX) {
        render_throw(render, err, "CompilationError", "in dispatch: '%.*s' is no macro name",
                     STR_ARGS(name));
        return err_hint(err, "give the package as the second argument");
    }
    const struct macro_entry *entry = dispatched(scope, name, namespace);
    if (entry == NULL)
        return render_throw(render, err, "CompilationError",
                            "in dispatch: there is no macro %s__%.*s or default__%.*s%s%.*s",
                            scope->t->profile.class->type, STR_ARGS(name), STR_ARGS(name),
                            namespace.length > 0 ? " in " : "", STR_ARGS(namespace));
    struct value package = value_missing();
    const struct str package_name = entry->package->is_builtin ? STR("dbt") : entry->package->name;
    TRY(scope->context.lookup(render, scope, package_name, &package, err));
    return render_get_attribute(render, package, entry->name, ret_value, err);
}

// ---- relations

static rc call_get_relation(struct render *render, void *self, const struct arguments *arguments,
                            struct value *ret_value, struct err *err)
{
    struct scope *scope = self;
    static const char *const names[] = {"database", "schema", "identifier", "needs_information"};
    struct value v[4];
    TRY(arguments_bind(render, "get_relation", arguments, names, 3, 4, v, err));
    struct str database, schema, identifier;
    TRY(text_of(render, v[0], &database, err));
    TRY(text_of(render, v[1], &schema, err));
    TRY(text_of(render, v[2], &identifier, err));
    struct session *session;
    TRY(session_of(scope, &session, err));
    struct relation *relation =
        relation_new(scope->arena, database, schema, identifier, RELATION_TABLE);
    struct relation_info info;
    TRY(session->adapter->class->find(session, relation, &info, err));
    relation->type = info.type;
    *ret_value = info.exists ? relation_value(relation) : value_none();
    return RC_OK;
}

static rc call_get_columns(struct render *render, void *self, const struct arguments *arguments,
                           struct value *ret_value, struct err *err)
{
    struct scope *scope = self;
    static const char *const names[] = {"relation"};
    struct value v;
    TRY(arguments_bind(render, "get_columns_in_relation", arguments, names, 1, 1, &v, err));
    struct relation *relation;
    TRY(need_relation(render, "get_columns_in_relation", v, &relation, err));
    struct session *session;
    TRY(session_of(scope, &session, err));
    const struct value list = value_list_new(scope->arena, 0);
    *ret_value = list;
    struct relation_info info;
    TRY(session->adapter->class->find(session, relation, &info, err));
    if (!info.exists && relation->type != RELATION_CTE)
        return RC_OK;
    struct duck_rows rows;
    TRY(session_describe(session, scope->arena, relation_render(scope->arena, relation), &rows,
                         err));
    for (size_t i = 0; i < rows.row_count; i++)
        list_push(list, column_value(scope->arena, duck_cell(&rows, i, 0)->text,
                                     duck_cell(&rows, i, 1)->text));
    return RC_OK;
}

static rc call_get_missing_columns(struct render *render, void *self,
                                   const struct arguments *arguments, struct value *ret_value,
                                   struct err *err)
{
    struct scope *scope = self;
    static const char *const names[] = {"from_relation", "to_relation"};
    struct value v[2], lists[2];
    TRY(arguments_bind(render, "get_missing_columns", arguments, names, 2, 2, v, err));
    for (size_t i = 0; i < 2; i++) {
        const struct arguments call = {.items = &v[i], .count = 1};
        TRY(call_get_columns(render, self, &call, &lists[i], err));
    }
    const struct value list = value_list_new(scope->arena, 0);
    for (uint32_t i = 0; i < lists[0].list->count; i++) {
        struct value name;
        TRY(render_get_attribute(render, lists[0].list->items[i], STR("name"), &name, err));
        bool is_there = false;
        for (uint32_t k = 0; k < lists[1].list->count && !is_there; k++) {
            struct value other;
            TRY(render_get_attribute(render, lists[1].list->items[k], STR("name"), &other, err));
            is_there = str_equal_ignore_case(value_text(name), value_text(other));
        }
        if (!is_there)
            list_push(list, lists[0].list->items[i]);
    }
    *ret_value = list;
    return RC_OK;
}

static rc call_drop_relation(struct render *render, void *self, const struct arguments *arguments,
                             struct value *ret_value, struct err *err)
{
    static const char *const names[] = {"relation"};
    struct value v;
    TRY(arguments_bind(render, "drop_relation", arguments, names, 1, 1, &v, err));
    *ret_value = VALUE_STR_LITERAL("");
    if (v.kind == VALUE_NONE)
        return RC_OK;
    struct relation *relation;
    TRY(need_relation(render, "drop_relation", v, &relation, err));
    struct session *session;
    TRY(session_of(self, &session, err));
    return session->adapter->class->drop(session, relation, err);
}

static rc call_rename_relation(struct render *render, void *self, const struct arguments *arguments,
                               struct value *ret_value, struct err *err)
{
    static const char *const names[] = {"from_relation", "to_relation"};
    struct value v[2];
    TRY(arguments_bind(render, "rename_relation", arguments, names, 2, 2, v, err));
    struct relation *from, *to;
    TRY(need_relation(render, "rename_relation", v[0], &from, err));
    TRY(need_relation(render, "rename_relation", v[1], &to, err));
    *ret_value = VALUE_STR_LITERAL("");
    struct session *session;
    TRY(session_of(self, &session, err));
    return session->adapter->class->rename(session, from, to, err);
}

static rc schema_argument(struct render *render, const char *function,
                          const struct arguments *arguments, struct str *ret_schema,
                          struct err *err)
{
    // create_schema(relation), check_schema_exists(database, schema)
    static const char *const names[] = {"relation", "schema"};
    struct value v[2];
    TRY(arguments_bind(render, function, arguments, names, 1, 2, v, err));
    const struct relation *relation = wanted_relation(v[0]);
    if (relation != NULL) {
        *ret_schema = relation->schema;
        return RC_OK;
    }
    return text_of(render, v[1].kind != VALUE_MISSING ? v[1] : v[0], ret_schema, err);
}

static rc call_create_schema(struct render *render, void *self, const struct arguments *arguments,
                             struct value *ret_value, struct err *err)
{
    struct str schema;
    TRY(schema_argument(render, "create_schema", arguments, &schema, err));
    struct session *session;
    TRY(session_of(self, &session, err));
    *ret_value = VALUE_STR_LITERAL("");
    return session->adapter->class->create_schema(session, schema, err);
}

static rc call_list_relations(struct render *render, void *self, const struct arguments *arguments,
                              struct value *ret_value, struct err *err)
{
    struct scope *scope = self;
    struct str schema;
    TRY(schema_argument(render, "list_relations", arguments, &schema, err));
    struct session *session;
    TRY(session_of(scope, &session, err));
    *ret_value = value_list_new(scope->arena, 0);
    return session->adapter->class->list(session, schema, *ret_value, err);
}

static rc call_check_schema(struct render *render, void *self, const struct arguments *arguments,
                            struct value *ret_value, struct err *err)
{
    struct scope *scope = self;
    struct str schema;
    TRY(schema_argument(render, "check_schema_exists", arguments, &schema, err));
    struct session *session;
    TRY(session_of(scope, &session, err));
    bool has = false;
    TRY(session->adapter->class->has_schema(session, schema, &has, err));
    *ret_value = value_bool(has);
    return RC_OK;
}

// ---- statements

static rc call_execute(struct render *render, void *self, const struct arguments *arguments,
                       struct value *ret_value, struct err *err)
{
    struct scope *scope = self;
    static const char *const names[] = {"sql", "auto_begin", "fetch", "limit"};
    struct value v[4];
    TRY(arguments_bind(render, "execute", arguments, names, 1, 4, v, err));
    struct str sql;
    TRY(text_of(render, v[0], &sql, err));
    struct session *session;
    TRY(session_of(scope, &session, err));
    const bool fetches = v[2].kind != VALUE_MISSING && value_is_true(v[2]);
    if (!fetches)
        TRY(session->adapter->class->check_statement(session, sql, err));
    struct table_object *table = NULL;
    struct value response;
    TRY(session_query(session, scope->arena, sql, fetches ? &table : NULL, &response, err));
    if (table == NULL)
        table = table_object_new(scope->arena, 0, 0);
    const struct value pair[] = {response, value_object(&table->object)};
    *ret_value = value_tuple_of(scope->arena, pair, 2);
    return RC_OK;
}

static rc call_add_query(struct render *render, void *self, const struct arguments *arguments,
                         struct value *ret_value, struct err *err)
{
    if (arguments->count == 0)
        return render_throw(render, err, "TypeError", "add_query() wants SQL");
    const struct arguments call = {.items = arguments->items, .count = 1};
    return call_execute(render, self, &call, ret_value, err);
}

static rc text_vector(struct render *render, struct value value, str_vec *ret_texts,
                      struct err *err)
{
    str_vec texts = {0};
    if (value.kind == VALUE_STR) {
        *vec_push(render_arena(render), &texts) = value_text(value);
    } else if (value.kind == VALUE_LIST || value.kind == VALUE_TUPLE) {
        for (uint32_t i = 0; i < value.list->count; i++)
            TRY(text_of(render, value.list->items[i], vec_push(render_arena(render), &texts), err));
    }
    *ret_texts = texts;
    return RC_OK;
}

static rc read_commit(struct render *render, const struct value *v, struct commit_options *options,
                      struct err *err)
{
    struct str mode;
    TRY(text_of(render, v[0], &mode, err));
    options->mode = COMMIT_MODE_COUNT;
    for (int i = 0; i < COMMIT_MODE_COUNT; i++)
        if (mode.length == 0 || str_is(mode, commit_mode_names[i])) {
            options->mode = (enum commit_mode)i;
            break;
        }
    if (options->mode == COMMIT_MODE_COUNT)
        return render_throw(render, err, "CompilationError",
                            "adapter.commit has no mode '%.*s'; modes: replace, append, merge, "
                            "delete+insert",
                            STR_ARGS(mode));
    str_vec keys, updates;
    TRY(text_vector(render, v[1], &keys, err));
    TRY(text_vector(render, v[3], &updates, err));
    options->keys = keys.items;
    options->key_count = keys.count;
    options->updates = updates.count > 0 ? updates.items : NULL;
    options->update_count = updates.count;
    TRY(text_of(render, v[2], &options->predicates, err));
    TRY(text_of(render, v[4], &options->on_schema_change, err));
    const bool has_keys = options->mode == COMMIT_MERGE;
    if (has_keys && options->key_count == 0)
        return render_throw(render, err, "CompilationError", "mode %s needs a unique_key",
                            commit_mode_names[options->mode]);
    return RC_OK;
}

static rc sends_sql(struct render *render, const struct session *session, const char *method,
                    struct err *err)
{
    render_throw(render, err, "CompilationError", "adapter.%s() is not for %s, which is sent SQL",
                 method, session->adapter->class->name);
    return err_hint(err, "run a statement: {%% call statement('main') %%} ... {%% endcall %%}");
}

// With a relation: the write of a materialization. Without: the end of a transaction, which is
// always ended here.
static rc call_commit(struct render *render, void *self, const struct arguments *arguments,
                      struct value *ret_value, struct err *err)
{
    struct scope *scope = self;
    static const char *const names[] = {"relation",        "sql",        "mode",
                                        "unique_key",      "predicates", "update_columns",
                                        "on_schema_change"};
    struct value v[7];
    TRY(arguments_bind(render, "commit", arguments, names, 0, 7, v, err));
    *ret_value = VALUE_STR_LITERAL("");
    if (v[0].kind == VALUE_MISSING)
        return RC_OK;
    struct relation *relation;
    TRY(need_relation(render, "commit", v[0], &relation, err));
    struct str sql;
    TRY(text_of(render, v[1], &sql, err));
    struct commit_options options = {0};
    TRY(read_commit(render, &v[2], &options, err));
    struct session *session;
    TRY(session_of(scope, &session, err));
    if (session->adapter->class->sends_sql)
        return sends_sql(render, session, "commit", err);
    int64_t rows = -1;
    TRY(session->adapter->class->commit(session, relation, sql, &options, &rows, err));
    const struct value response = value_dict_new(scope->arena);
    dict_set_str(response, STR("_message"), VALUE_STR_LITERAL("OK"));
    if (rows >= 0) {
        dict_set_str(response, STR("_message"),
                     value_str(arena_printf(scope->arena, "%lld rows", (long long)rows)));
        dict_set_str(response, STR("rows_affected"), value_int(rows));
    }
    *ret_value = response;
    return RC_OK;
}

static rc call_create_view(struct render *render, void *self, const struct arguments *arguments,
                           struct value *ret_value, struct err *err)
{
    static const char *const names[] = {"relation", "sql"};
    struct value v[2];
    TRY(arguments_bind(render, "create_view", arguments, names, 2, 2, v, err));
    struct relation *relation;
    TRY(need_relation(render, "create_view", v[0], &relation, err));
    struct str sql;
    TRY(text_of(render, v[1], &sql, err));
    struct session *session;
    TRY(session_of(self, &session, err));
    if (session->adapter->class->sends_sql)
        return sends_sql(render, session, "create_view", err);
    TRY(session->adapter->class->create_view(session, relation, sql, err));
    const struct value response = value_dict_new(render_arena(render));
    dict_set_str(response, STR("_message"), VALUE_STR_LITERAL("OK"));
    *ret_value = response;
    return RC_OK;
}

// contracted(sql, stores=true): what to build from; refused when it is not what the contract says.
static rc call_contracted(struct render *render, void *self, const struct arguments *arguments,
                          struct value *ret_value, struct err *err)
{
    static const char *const names[] = {"sql", "stores"};
    struct value v[2];
    TRY(arguments_bind(render, "contracted", arguments, names, 1, 2, v, err));
    struct str sql;
    TRY(text_of(render, v[0], &sql, err));
    struct session *session;
    TRY(session_of(self, &session, err));
    const bool stores = v[1].kind == VALUE_MISSING || value_is_true(v[1]);
    TRY(contract_apply(self, session, sql, stores, &sql, err));
    *ret_value = value_str(sql);
    return RC_OK;
}

// persist_docs(relation, for_relation=true, for_columns=true): descriptions of the scope's node go
// to the database as far as its configuration wants that.
static rc call_persist_docs(struct render *render, void *self, const struct arguments *arguments,
                            struct value *ret_value, struct err *err)
{
    static const char *const names[] = {"relation", "for_relation", "for_columns"};
    struct scope *scope = self;
    struct value v[3];
    TRY(arguments_bind(render, "persist_docs", arguments, names, 1, 3, v, err));
    struct relation *relation;
    TRY(need_relation(render, "persist_docs", v[0], &relation, err));
    *ret_value = VALUE_STR_LITERAL("");
    const struct node *node = scope->node;
    const struct value wanted = dict_get_str(node->config, STR("persist_docs"));
    if (wanted.kind != VALUE_DICT && wanted.kind != VALUE_MISSING && wanted.kind != VALUE_NONE)
        return render_throw(render, err, "CompilationError",
                            "persist_docs is a mapping: {relation: true, columns: true}");
    bool wants[2];
    static const char *const keys[] = {"relation", "columns"};
    for (size_t i = 0; i < 2; i++) {
        const struct value flag =
            wanted.kind == VALUE_DICT ? dict_get_str(wanted, str_of(keys[i])) : value_missing();
        wants[i] = flag.kind == VALUE_BOOL && value_is_true(flag) &&
                   (v[i + 1].kind == VALUE_MISSING || value_is_true(v[i + 1]));
    }
    str_vec columns = {0}, docs = {0};
    size_t at = 0;
    struct dict_entry *entry;
    while (wants[1] && node->columns.kind == VALUE_DICT && dict_next(node->columns, &at, &entry)) {
        *vec_push(scope->arena, &columns) = value_text(entry->key);
        TRY(text_of(render, dict_get_str(entry->value, STR("description")),
                    vec_push(scope->arena, &docs), err));
    }
    const struct relation_docs given = {.comment = wants[0] ? node->description : STR(""),
                                        .names = columns.items,
                                        .docs = docs.items,
                                        .count = columns.count};
    if (given.comment.length == 0 && given.count == 0)
        return RC_OK;
    struct session *session;
    TRY(session_of(scope, &session, err));
    return session->adapter->class->document(session, relation, &given, err);
}

static rc call_seed_query(struct render *render, void *self, const struct arguments *arguments,
                          struct value *ret_value, struct err *err)
{
    (void)arguments;
    const struct scope *scope = self;
    if (scope->node == NULL || scope->node->type != NODE_SEED)
        return render_throw(render, err, "CompilationError", "seed_query() is for seeds");
    str_vec queries;
    TRY(session_seed_queries(self, &(struct seed_limits){.rows = 0}, &queries, err));
    *ret_value = value_str(queries.items[0]);
    return RC_OK;
}

// ---- small ones

static rc call_quote(struct render *render, void *self, const struct arguments *arguments,
                     struct value *ret_value, struct err *err)
{
    (void)self;
    static const char *const names[] = {"identifier"};
    struct value v;
    TRY(arguments_bind(render, "quote", arguments, names, 1, 1, &v, err));
    struct str text;
    TRY(text_of(render, v, &text, err));
    *ret_value = value_str(duck_quote_identifier(render_arena(render), text));
    return RC_OK;
}

static rc call_quote_seed_column(struct render *render, void *self,
                                 const struct arguments *arguments, struct value *ret_value,
                                 struct err *err)
{
    static const char *const names[] = {"column", "quote_config"};
    struct value v[2];
    TRY(arguments_bind(render, "quote_seed_column", arguments, names, 1, 2, v, err));
    if (v[1].kind == VALUE_BOOL && !value_is_true(v[1])) {
        *ret_value = v[0];
        return RC_OK;
    }
    const struct arguments call = {.items = v, .count = 1};
    return call_quote(render, self, &call, ret_value, err);
}

static rc call_quote_as_configured(struct render *render, void *self,
                                   const struct arguments *arguments, struct value *ret_value,
                                   struct err *err)
{
    if (arguments->count == 0)
        return render_throw(render, err, "TypeError", "quote_as_configured() wants a name");
    const struct arguments call = {.items = arguments->items, .count = 1};
    return call_quote(render, self, &call, ret_value, err);
}

static rc call_type(struct render *render, void *self, const struct arguments *arguments,
                    struct value *ret_value, struct err *err)
{
    (void)render, (void)arguments, (void)err;
    *ret_value = value_str(((struct scope *)self)->t->profile.type);
    return RC_OK;
}

static rc call_nothing(struct render *render, void *self, const struct arguments *arguments,
                       struct value *ret_value, struct err *err)
{
    (void)render, (void)self, (void)arguments, (void)err;
    *ret_value = VALUE_STR_LITERAL("");
    return RC_OK;
}

static rc call_false(struct render *render, void *self, const struct arguments *arguments,
                     struct value *ret_value, struct err *err)
{
    (void)render, (void)self, (void)arguments, (void)err;
    *ret_value = value_bool(false);
    return RC_OK;
}

static rc call_strategies(struct render *render, void *self, const struct arguments *arguments,
                          struct value *ret_value, struct err *err)
{
    (void)self, (void)arguments, (void)err;
    static const char *const strategies[] = {"append", "delete+insert", "merge"};
    *ret_value = value_list_new(render_arena(render), 3);
    for (size_t i = 0; i < 3; i++)
        list_push(*ret_value, value_str(str_of(strategies[i])));
    return RC_OK;
}

// get_incremental_strategy_macro(context, strategy)
static rc call_strategy_macro(struct render *render, void *self, const struct arguments *arguments,
                              struct value *ret_value, struct err *err)
{
    struct scope *scope = self;
    static const char *const names[] = {"model_context", "strategy"};
    struct value v[2];
    TRY(arguments_bind(render, "get_incremental_strategy_macro", arguments, names, 2, 2, v, err));
    struct str strategy;
    TRY(text_of(render, v[1], &strategy, err));
    const struct str wanted =
        arena_printf(scope->arena, "get_incremental_%.*s_sql",
                     STR_ARGS(str_replace(scope->arena, strategy, STR("+"), STR("_"))));
    TRY(scope->context.lookup(render, scope, wanted, ret_value, err));
    if (ret_value->kind != VALUE_MISSING)
        return RC_OK;
    return render_throw(render, err, "CompilationError",
                        "there is no macro '%.*s' for the incremental strategy '%.*s'",
                        STR_ARGS(wanted), STR_ARGS(strategy));
}

static rc call_first_argument(struct render *render, void *self, const struct arguments *arguments,
                              struct value *ret_value, struct err *err)
{
    (void)self, (void)render, (void)err;
    *ret_value = arguments->count > 0 ? arguments->items[0] : value_none();
    return RC_OK;
}

static const struct adapter_method methods[] = {
    {"dispatch", call_dispatch, STUB_REAL},
    {"type", call_type, STUB_REAL},
    {"quote", call_quote, STUB_REAL},
    {"quote_as_configured", call_quote_as_configured, STUB_REAL},
    {"quote_seed_column", call_quote_seed_column, STUB_REAL},
    {"get_relation", call_get_relation, STUB_NONE},
    {"load_relation", call_get_relation, STUB_NONE},
    {"get_columns_in_relation", call_get_columns, STUB_LIST},
    {"get_missing_columns", call_get_missing_columns, STUB_LIST},
    {"list_relations", call_list_relations, STUB_LIST},
    {"list_relations_without_caching", call_list_relations, STUB_LIST},
    {"check_schema_exists", call_check_schema, STUB_NONE},
    {"create_schema", call_create_schema, STUB_NONE},
    {"drop_schema", call_nothing, STUB_NONE},
    {"drop_relation", call_drop_relation, STUB_NONE},
    {"rename_relation", call_rename_relation, STUB_NONE},
    {"execute", call_execute, STUB_EXECUTE},
    {"add_query", call_add_query, STUB_EXECUTE},
    {"commit", call_commit, STUB_NONE},
    {"contracted", call_contracted, STUB_NONE},
    {"persist_docs", call_persist_docs, STUB_NONE},
    {"create_view", call_create_view, STUB_NONE},
    {"seed_query", call_seed_query, STUB_NONE},
    {"expand_target_column_types", call_nothing, STUB_NONE},
    {"cache_added", call_nothing, STUB_REAL},
    {"cache_dropped", call_nothing, STUB_REAL},
    {"cache_renamed", call_nothing, STUB_REAL},
    {"clear_transaction", call_nothing, STUB_REAL},
    {"commit_if_has_connection", call_nothing, STUB_REAL},
    {"verify_database", call_nothing, STUB_REAL},
    {"is_motherduck", call_false, STUB_REAL},
    {"is_ducklake", call_false, STUB_REAL},
    {"disable_transactions", call_false, STUB_REAL},
    {"standardize_grants_dict", call_first_argument, STUB_REAL},
    {"valid_incremental_strategies", call_strategies, STUB_REAL},
    {"get_incremental_strategy_macro", call_strategy_macro, STUB_REAL},
    {NULL, NULL, STUB_NONE},
};

static const struct adapter_method *find_method(const struct adapter_method *method,
                                                struct str name)
{
    for (; method->name != NULL; method++)
        if (str_is(name, method->name))
            return method;
    return NULL;
}

static rc stub_none(struct render *render, void *self, const struct arguments *arguments,
                    struct value *ret_value, struct err *err)
{
    (void)render, (void)self, (void)arguments, (void)err;
    *ret_value = value_none();
    return RC_OK;
}

static rc stub_list(struct render *render, void *self, const struct arguments *arguments,
                    struct value *ret_value, struct err *err)
{
    (void)self, (void)arguments, (void)err;
    *ret_value = value_list_new(render_arena(render), 0);
    return RC_OK;
}

static rc stub_execute(struct render *render, void *self, const struct arguments *arguments,
                       struct value *ret_value, struct err *err)
{
    (void)self, (void)arguments, (void)err;
    const struct value pair[] = {VALUE_STR_LITERAL(""), empty_table(render_arena(render))};
    *ret_value = value_tuple_of(render_arena(render), pair, 2);
    return RC_OK;
}

struct adapter_object {
    struct object object;
    struct scope *scope;
};

static rc adapter_attribute(struct render *render, struct object *object, struct str name,
                            struct value *ret_value, struct err *err)
{
    (void)err;
    struct scope *scope = ((struct adapter_object *)object)->scope;
    static const native_function stubs[] = {stub_none, stub_list, stub_execute};
    const struct adapter_method *method = find_method(methods, name);
    if (method == NULL && scope->t->profile.class->sends_sql)
        method = find_method(adapter_engine_methods, name);
    if (method != NULL) {
        const bool is_stub = scope->phase == PHASE_PARSE && method->stub != STUB_REAL;
        *ret_value = bound(render_arena(render), method->name,
                           is_stub ? stubs[method->stub] : method->function, scope);
        return RC_OK;
    }
    if (str_is(name, "Relation"))
        *ret_value = relation_api(render_arena(render));
    else if (str_is(name, "Column"))
        *ret_value = column_api(render_arena(render), scope->t);
    else if (str_is(name, "config"))
        *ret_value = value_dict_new(render_arena(render));
    else if (scope->phase == PHASE_PARSE)
        *ret_value = bound(render_arena(render), "stub", stub_none, scope);
    return RC_OK;
}

static const struct object_class adapter_object_class = {.name = "DatabaseWrapper",
                                                         .get_attribute = adapter_attribute};

static struct value make_adapter(struct scope *scope)
{
    struct adapter_object *object = ARENA_NEW(scope->arena, struct adapter_object);
    *object = (struct adapter_object){{&adapter_object_class}, scope};
    return value_object(&object->object);
}

static struct value make_api(struct scope *scope)
{
    const struct value api = value_dict_new(scope->arena);
    dict_set_str(api, STR("Relation"), relation_api(scope->arena));
    dict_set_str(api, STR("Column"), column_api(scope->arena, scope->t));
    return api;
}

const struct scope_name scope_adapter_names[] = {
    {"adapter", .make = make_adapter, .phases = IN_PARSE | IN_RUN},
    {"api", .make = make_api, .phases = IN_PARSE | IN_RUN},
    {NULL, NULL, NULL, 0},
};
