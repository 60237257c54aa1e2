#include "transform/scope.h"

#include "base/buf.h"
#include "transform/transform.h"

enum { SCOPE_MAX_OUTPUT_BYTES = 64 << 20 };

// ---- macros as values

struct macro_object {
    struct object object;
    struct scope *scope;
    struct macro_entry *entry;
    struct value callable;
};

// dbt writes down which macros a node's own text calls: those called from no other macro.
static rc macro_object_call(struct render *render, struct object *object,
                            const struct arguments *arguments, struct value *ret_value,
                            struct err *err)
{
    struct macro_object *macro = (struct macro_object *)object;
    struct scope *scope = macro->scope;
    if (scope->node != NULL && scope->macro_depth == 0)
        map_set(&scope->node->macro_names, macro->entry->unique_id, macro->entry);
    scope->macro_depth++;
    const rc result = render_call(render, macro->callable, arguments, ret_value, err);
    scope->macro_depth--;
    return result;
}

static rc macro_object_attribute(struct render *render, struct object *object, struct str name,
                                 struct value *ret_value, struct err *err)
{
    (void)render, (void)err;
    const struct macro_object *macro = (struct macro_object *)object;
    if (str_is(name, "name"))
        *ret_value = value_str(macro->entry->name);
    return RC_OK;
}

static const struct object_class macro_class = {
    .name = "MacroGenerator", .call = macro_object_call, .get_attribute = macro_object_attribute};

static struct value macro_value(struct scope *scope, struct macro_entry *entry)
{
    struct macro_object *object = ARENA_NEW(scope->arena, struct macro_object);
    object->object.class = &macro_class;
    object->scope = scope;
    object->entry = entry;
    object->callable = value_macro(scope->arena, entry->info, &scope->context, true);
    return value_object(&object->object);
}

// ---- packages as namespaces

struct namespace_object {
    struct object object;
    struct scope *scope;
    struct package *packages[2]; // looked up in this order; the second may be NULL
};

static rc namespace_attribute(struct render *render, struct object *object, struct str name,
                              struct value *ret_value, struct err *err)
{
    (void)render, (void)err;
    struct namespace_object *namespace = (struct namespace_object *)object;
    for (size_t i = 0; i < 2 && namespace->packages[i] != NULL; i++) {
        struct macro_entry *entry = map_get(&namespace->packages[i]->macros, name);
        if (entry != NULL) {
            *ret_value = macro_value(namespace->scope, entry);
            return RC_OK;
        }
    }
    return RC_OK;
}

static rc namespace_item(struct render *render, struct object *object, struct value key,
                         struct value *ret_value, struct err *err)
{
    if (key.kind != VALUE_STR)
        return RC_OK;
    return namespace_attribute(render, object, value_text(key), ret_value, err);
}

static const struct object_class namespace_class = {.name = "dict",
                                                    .get_attribute = namespace_attribute,
                                                    .get_item = namespace_item,
                                                    .is_mapping = true};

static struct value namespace_value(struct scope *scope, struct package *first,
                                    struct package *second)
{
    struct namespace_object *object = ARENA_NEW(scope->arena, struct namespace_object);
    object->object.class = &namespace_class;
    object->scope = scope;
    object->packages[0] = first;
    object->packages[1] = second;
    return value_object(&object->object);
}

struct macro_entry *scope_find_macro(const struct transform *t, const struct package *package,
                                     struct str name)
{
    const struct package *order[] = {package, t->root, t->builtin_adapter, t->builtin};
    for (size_t i = 0; i < sizeof order / sizeof *order; i++) {
        struct macro_entry *entry = order[i] != NULL ? map_get(&order[i]->macros, name) : NULL;
        if (entry != NULL)
            return entry;
    }
    return NULL;
}

static bool find_macro_or_namespace(struct scope *scope, struct str name, struct value *ret_value)
{
    const struct transform *t = scope->t;
    const struct package *own[] = {scope->package, t->root};
    for (size_t i = 0; i < 2; i++) {
        struct macro_entry *entry = own[i] != NULL ? map_get(&own[i]->macros, name) : NULL;
        if (entry != NULL) {
            *ret_value = macro_value(scope, entry);
            return true;
        }
    }
    if (str_is(name, "dbt") && t->builtin != NULL) {
        *ret_value = namespace_value(scope, t->builtin_adapter, t->builtin);
        return true;
    }
    struct package *package = transform_package(t, name);
    if (package != NULL) {
        *ret_value = namespace_value(scope, package, NULL);
        return true;
    }
    struct macro_entry *entry = scope_find_macro(t, NULL, name);
    if (entry != NULL)
        *ret_value = macro_value(scope, entry);
    return entry != NULL;
}

// ---- lookup

static void add_names(struct transform *t, const struct scope_name *names)
{
    for (; names->name != NULL; names++)
        map_set(&t->scope_names, str_of(names->name), (void *)(uintptr_t)names);
}

static rc lookup(struct render *render, void *host, struct str name, struct value *ret_value,
                 struct err *err)
{
    (void)render, (void)err;
    struct scope *scope = host;
    const struct value *cached = map_get(&scope->cache, name);
    if (cached != NULL) {
        *ret_value = *cached;
        return RC_OK;
    }
    struct value value = value_missing();
    if (scope->phase != PHASE_YAML)
        find_macro_or_namespace(scope, name, &value);
    const struct scope_name *known =
        value.kind == VALUE_MISSING ? map_get(&scope->t->scope_names, name) : NULL;
    if (known != NULL && (known->phases & 1u << scope->phase) != 0)
        value = known->make != NULL
                    ? known->make(scope)
                    : value_function(scope->arena, known->name, known->function, scope);
    if (value.kind == VALUE_MISSING)
        return RC_OK;
    struct value *kept = ARENA_NEW(scope->arena, struct value);
    *kept = value;
    map_set(&scope->cache, arena_str(scope->arena, name), kept);
    *ret_value = value;
    return RC_OK;
}

void scope_init(struct scope *scope, struct transform *t, struct arena *arena,
                enum scope_phase phase, struct node *node)
{
    *scope = (struct scope){.t = t, .arena = arena, .phase = phase, .node = node};
    scope->package = node != NULL ? node->package : t->root;
    scope->context.values = value_dict_new(arena);
    scope->context.lookup = lookup;
    scope->context.host = scope;
    scope->results = value_dict_new(arena);
    map_init(&scope->cache, arena);
    if (t->scope_names.arena == NULL) {
        map_init(&t->scope_names, t->arena);
        add_names(t, scope_base_names);
        add_names(t, scope_node_names);
        add_names(t, scope_adapter_names);
    }
}

void scope_set(struct scope *scope, const char *name, struct value value)
{
    dict_set_str(scope->context.values, str_of(name), value);
}

// ---- rendering

bool has_template_marks(struct str text)
{
    for (size_t i = 0; i + 1 < text.length; i++) {
        const char a = text.bytes[i], b = text.bytes[i + 1];
        if ((a == '{' && (b == '{' || b == '%' || b == '#')) ||
            (b == '}' && (a == '}' || a == '%' || a == '#')))
            return true;
    }
    return false;
}

static struct render_options options_of(struct scope *scope)
{
    return (struct render_options){
        .arena = scope->arena,
        .context = &scope->context,
        .undefined = scope->phase == PHASE_PARSE ? UNDEFINED_SILENT : UNDEFINED_DEFAULT,
        .has_undefined = true,
        .host = scope,
    };
}

static rc add_hint(rc result, struct err *err)
{
    if (result == RC_FAILED && err != NULL && err->hint[0] == '\0' &&
        strstr(err->message, "is undefined") != NULL)
        err_hint(err, "a macro of that name does not exist: look for a typo or a package that is "
                      "not installed");
    return result;
}

rc scope_render_template(struct scope *scope, const struct template *template, struct str *ret_text,
                         struct err *err)
{
    const struct render_options options = options_of(scope);
    struct buf text;
    buf_init(&text, SCOPE_MAX_OUTPUT_BYTES);
    rc result = template_render(template, &options, &text, err);
    if (result == RC_OK)
        result = buf_check(&text, err, "the rendered text");
    if (result == RC_OK)
        *ret_text = arena_str(scope->arena, buf_str(&text));
    buf_done(&text);
    return add_hint(result, err);
}

rc scope_render_text(struct scope *scope, struct str text, struct str name, struct str *ret_text,
                     struct err *err)
{
    if (!has_template_marks(text)) {
        *ret_text = text;
        return RC_OK;
    }
    struct template *template;
    TRY(template_parse(scope->t->env, scope->arena, text, name, &template, err));
    return scope_render_template(scope, template, ret_text, err);
}

rc scope_render_native(struct scope *scope, struct str text, struct str name,
                       struct value *ret_value, struct err *err)
{
    if (!has_template_marks(text)) {
        *ret_value = value_str(text);
        return RC_OK;
    }
    struct template *template;
    TRY(template_parse(scope->t->native, scope->arena, text, name, &template, err));
    const struct render_options options = options_of(scope);
    return add_hint(template_render_native(template, &options, ret_value, err), err);
}

rc scope_call(struct scope *scope, struct macro_entry *macro, const struct arguments *arguments,
              struct value *ret_value, struct err *err)
{
    const struct render_options options = options_of(scope);
    scope->macro_depth++;
    const rc result = macro_call(scope->t->env, macro->info, &options, arguments, ret_value, err);
    scope->macro_depth--;
    return add_hint(result, err);
}

struct value bound(struct arena *arena, const char *name, native_function function, void *self)
{
    return value_function(arena, name, function, self);
}
