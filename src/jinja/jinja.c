/// @file jinja.c
/// Environments, templates and renders: the module's entry. Layer: jinja.

#include "jinja/jinja.h"

#include <stdio.h>

#include "jinja/parser.h"
#include "jinja/render.h"
#include "jinja/throw.h"

// ---------------------------------------------------------------- environment

static struct str or_default(struct str text, struct str fallback)
{
    return text.length > 0 ? text : fallback;
}

struct environment *environment_new(struct arena *arena, const struct environment_options *options)
{
    struct environment *env = ARENA_NEW(arena, struct environment);
    struct environment_options *o = &env->options;
    env->arena = arena;
    *o = *options;
    o->block_start = or_default(o->block_start, STR("{%"));
    o->block_end = or_default(o->block_end, STR("%}"));
    o->variable_start = or_default(o->variable_start, STR("{{"));
    o->variable_end = or_default(o->variable_end, STR("}}"));
    o->comment_start = or_default(o->comment_start, STR("{#"));
    o->comment_end = or_default(o->comment_end, STR("#}"));
    env->globals = value_dict_new(arena);
    map_init(&env->filters, arena);
    map_init(&env->tests, arena);
    map_init(&env->templates, arena);
    environment_add_filters(env);
    environment_add_tests(env);
    environment_add_globals(env);
    return env;
}

void environment_set_global(struct environment *env, struct str name, struct value value)
{
    dict_set_str(env->globals, name, value);
}

static void set_entry(struct environment *env, struct map *map, struct str name,
                      native_function function, void *self)
{
    struct filter_entry *entry = ARENA_NEW(env->arena, struct filter_entry);
    *entry = (struct filter_entry){name, function, self, true};
    map_set(map, name, entry);
}

void environment_set_filter(struct environment *env, struct str name, native_function function,
                            void *self)
{
    set_entry(env, &env->filters, name, function, self);
}

void environment_set_test(struct environment *env, struct str name, native_function function,
                          void *self)
{
    set_entry(env, &env->tests, name, function, self);
}

// ---------------------------------------------------------------- templates

/// Lists the top-level macros and host statements.
static void list_macros(struct arena *arena, struct template *template)
{
    VEC(struct macro_info) macros = {0};
    for (const struct node *node = template->body; node != NULL; node = node->next)
        if (node->type == NODE_MACRO)
            *vec_push(arena, &macros) = node->macro->info;
    template->macros = macros.items;
    template->macro_count = macros.count;
}

/// Takes the exception's mark out of a syntax error: "TemplateSyntaxError: words" for people.
static void finish_syntax_error(struct err *err)
{
    if (err == NULL)
        return;
    char name[48];
    throw_take(err, name, sizeof name);
}

static rc parse(struct environment *env, struct arena *arena, struct str text, struct str name,
                struct template **ret_template, struct err *err)
{
    if (text.length > UINT32_MAX / 4)
        return err_set(err, RC_LIMIT, "a template of more than 1 GiB");
    struct template *template = ARENA_NEW(arena, struct template);
    *template = (struct template){.env = env, .name = name, .source = text};
    struct parser parser;
    parser_init(&parser, env, arena, template);
    template->source = parser.lexer.source;
    TRY(parse_template(&parser, err));
    list_macros(arena, template);
    *ret_template = template;
    return RC_OK;
}

rc template_parse(struct environment *env, struct arena *arena, struct str text, struct str name,
                  struct template **ret_template, struct err *err)
{
    const rc code = parse(env, arena, text, name, ret_template, err);
    if (code != RC_OK)
        finish_syntax_error(err);
    return code;
}

size_t template_macros(const struct template *template, const struct macro_info **ret_macros)
{
    *ret_macros = template->macros;
    return template->macro_count;
}

rc environment_load(struct environment *env, struct str name, const struct template **ret,
                    struct err *err)
{
    struct template *template = map_get(&env->templates, name);
    if (template == NULL) {
        if (env->options.loader == NULL)
            return throw_error(err, "TypeError", "no loader for this environment specified");
        struct str source;
        TRY(env->options.loader(env->options.loader_host, env->arena, name, &source, err));
        const struct str kept = arena_str(env->arena, name);
        TRY(parse(env, env->arena, source, kept, &template, err));
        map_set(&env->templates, kept, template);
    }
    *ret = template;
    return RC_OK;
}

// ---------------------------------------------------------------- renders

static const struct render_limits default_limits = {.fuel = 1000000000,
                                                    .memory_bytes = (size_t)1 << 30,
                                                    .output_bytes = (size_t)256 << 20,
                                                    .call_depth = DEFAULT_CALL_DEPTH};

static void render_init(struct render *r, struct environment *env,
                        const struct render_options *options, struct buf *out)
{
    const struct render_limits *limits = &options->limits;
    *r = (struct render){
        .env = env,
        .arena = options->arena,
        .options = options,
        .out = out,
        .fuel = limits->fuel != 0 ? limits->fuel : default_limits.fuel,
        .memory_max =
            arena_bytes(options->arena) +
            (limits->memory_bytes != 0 ? limits->memory_bytes : default_limits.memory_bytes),
        .depth_max = limits->call_depth != 0 ? limits->call_depth : default_limits.call_depth,
        .stack_start = __builtin_frame_address(0),
        .autoescape = env->options.autoescape,
        .undefined = options->has_undefined ? options->undefined : env->options.undefined,
    };
}

/// Turns an exception into an error for people, and tells the host its name.
static rc finish(const struct render_options *options, const struct template *template, rc code,
                 struct err *err)
{
    if (code == RC_OK || err == NULL)
        return code;
    struct render_failure failure = {0};
    struct err plain = *err;
    throw_take(&plain, failure.exception, sizeof failure.exception);
    if (plain.place[0] == '\0' && template != NULL)
        snprintf(plain.place, sizeof plain.place, "%.*s", STR_ARGS(template->name));
    const size_t first = strcspn(plain.message, "\n");
    memcpy(failure.message, plain.message, first);
    memcpy(failure.template_name, plain.place, sizeof failure.template_name);
    failure.line = plain.line;
    *err = plain;
    if (options->ret_failure != NULL)
        *options->ret_failure = failure;
    return code;
}

static rc run(struct render *r, const struct template *template, struct err *err)
{
    struct variables *variables = ARENA_NEW(r->arena, struct variables);
    *variables = (struct variables){.template = template, .host = r->options->context};
    return run_template(r, template, variables, err);
}

rc template_render(const struct template *template, const struct render_options *options,
                   struct buf *to, struct err *err)
{
    struct render r;
    render_init(&r, template->env, options, to);
    const size_t mark = to->length, max_bytes = to->max_bytes;
    const size_t limit = options->limits.output_bytes != 0 ? options->limits.output_bytes
                                                           : default_limits.output_bytes;
    if (limit < max_bytes - mark)
        to->max_bytes = mark + limit;
    rc code = run(&r, template, err);
    to->max_bytes = max_bytes;
    if (code != RC_OK)
        buf_truncate(to, mark);
    return finish(options, template, code, err);
}

rc template_render_native(const struct template *template, const struct render_options *options,
                          struct value *ret_value, struct err *err)
{
    struct render r;
    struct buf out;
    buf_init(&out, default_limits.output_bytes);
    render_init(&r, template->env, options, &out);
    r.nodes = value_list_new(options->arena, 0);
    rc code = run(&r, template, err);
    struct value value;
    if (code == RC_OK)
        code = native_concat(&r, r.nodes, &value, err);
    if (code == RC_OK)
        *ret_value = value;
    buf_done(&out);
    return finish(options, template, code, err);
}

/// A template whose body is one expression.
static rc parse_one(struct environment *env, struct arena *arena, struct str expression,
                    struct template *template, struct node **ret_node, struct err *err)
{
    struct parser parser;
    *template = (struct template){
        .env = env, .name = STR("<expression>"), .source = expression, .self_slot = UINT16_MAX};
    parser_init(&parser, env, arena, template);
    lexer_start_expression(&parser.lexer);
    struct mention mention = {0};
    parser.mention = &mention;
    TRY(parser_next(&parser, err));
    TRY(parse_expression(&parser, true, ret_node, err));
    if (parser.current.type != TOKEN_EOF)
        return parser_fail(&parser, 0, err, "chunk after expression");
    template->body = *ret_node;
    return scope_resolve(&parser, err);
}

rc expression_evaluate(struct environment *env, struct str expression,
                       const struct render_options *options, struct value *ret_value,
                       struct err *err)
{
    struct template *template = ARENA_NEW(options->arena, struct template);
    struct node *node;
    struct render r;
    struct buf out;
    rc code = parse_one(env, options->arena, expression, template, &node, err);
    if (code != RC_OK)
        return finish(options, template, code, err);
    buf_init(&out, default_limits.output_bytes);
    render_init(&r, env, options, &out);
    struct variables variables = {.template = template, .host = options->context};
    r.frame = frame_new(&r, &template->function, NULL, &variables);
    struct value value;
    code = eval(&r, node, &value, err);
    if (code == RC_OK)
        *ret_value = value;
    buf_done(&out);
    return finish(options, template, code, err);
}

rc macro_call(struct environment *env, const struct macro_info *macro,
              const struct render_options *options, const struct arguments *arguments,
              struct value *ret_value, struct err *err)
{
    struct render r;
    struct buf out;
    buf_init(&out, options->limits.output_bytes != 0 ? options->limits.output_bytes
                                                     : default_limits.output_bytes);
    render_init(&r, env, options, &out);
    const struct value callable = value_macro(options->arena, macro, options->context, true);
    struct value value;
    const rc code = render_call(&r, callable, arguments, &value, err);
    if (code == RC_OK)
        *ret_value = value;
    buf_done(&out);
    return finish(options, macro->template, code, err);
}

// ---------------------------------------------------------------- for host functions

struct arena *render_arena(struct render *render)
{
    return render->arena;
}

void *render_host(struct render *render)
{
    return render->options->host;
}

struct environment *render_environment(struct render *render)
{
    return render->env;
}

size_t render_macro_stack(struct render *render, struct str *ret_names, size_t max_names)
{
    size_t count = 0, at = 0;
    for (const struct call_record *call = render->calls; call != NULL; call = call->outer)
        count++;
    for (const struct call_record *call = render->calls; call != NULL; call = call->outer, at++)
        if (count - 1 - at < max_names)
            ret_names[count - 1 - at] = call->name;
    return count < max_names ? count : max_names;
}

rc render_throw(struct render *render, struct err *err, const char *exception, const char *format,
                ...)
{
    (void)render;
    va_list args;
    va_start(args, format);
    const rc code = throw_error_v(err, exception, format, args);
    va_end(args);
    return code;
}

// ---------------------------------------------------------------- static calls

struct visit {
    struct arena *arena;
    call_visitor visitor;
    void *host;
    const struct macro_info *macro;
};

static void visit_list(const struct visit *v, const struct node *list);

/// Names from the outside in: adapter, dispatch. @return 0 when the callee is no plain path
static size_t path_of(const struct node *callee, struct str path[4])
{
    size_t length = 0;
    const struct node *at = callee;
    for (; at->type == NODE_GET_ATTRIBUTE; at = at->attribute.object)
        length++;
    if (at->type != NODE_NAME || length > 3)
        return 0;
    length++;
    for (size_t i = length; callee->type == NODE_GET_ATTRIBUTE; callee = callee->attribute.object)
        path[--i] = callee->attribute.name;
    path[0] = at->name.text;
    return length;
}

static struct value constant_of(const struct node *node)
{
    return node->type == NODE_CONSTANT ? node->constant : value_missing();
}

static void visit_arguments(const struct visit *v, const struct node_arguments *arguments)
{
    if (arguments == NULL)
        return;
    visit_list(v, arguments->items);
    visit_list(v, arguments->star);
    visit_list(v, arguments->double_star);
    for (uint32_t i = 0; i < arguments->keyword_count; i++)
        visit_list(v, arguments->keywords[i].value);
}

static void visit_call(const struct visit *v, const struct node *node)
{
    struct call_site site = {.line = node->line, .macro = v->macro};
    const struct node_arguments *arguments = node->call.arguments;
    site.path_length = path_of(node->call.callee, site.path);
    if (site.path_length > 0) {
        site.argument_count = arguments->count + arguments->keyword_count;
        struct keyword_argument *all =
            ARENA_ARRAY(v->arena, struct keyword_argument, site.argument_count + 1);
        size_t at = 0;
        for (const struct node *item = arguments->items; item != NULL; item = item->next)
            all[at++].value = constant_of(item);
        for (uint32_t i = 0; i < arguments->keyword_count; i++)
            all[at++] = (struct keyword_argument){arguments->keywords[i].name,
                                                  constant_of(arguments->keywords[i].value)};
        site.arguments = all;
        v->visitor(v->host, &site);
    }
    visit_list(v, node->call.callee);
    visit_arguments(v, arguments);
}

static void visit_macro(const struct visit *v, const struct macro_node *macro, bool is_call_block)
{
    struct visit inner = *v;
    if (!is_call_block && v->macro == NULL)
        inner.macro = &macro->info;
    visit_list(&inner, macro->defaults);
    visit_list(&inner, macro->call);
    visit_list(&inner, macro->body);
}

static void visit_statement(const struct visit *v, const struct node *node)
{
    switch ((enum node_type)node->type) {
    case NODE_SET:
        visit_list(v, node->set.value);
        break;
    case NODE_SET_BLOCK:
        visit_list(v, node->set_block.filter);
        visit_list(v, node->set_block.body);
        break;
    case NODE_FOR:
        visit_list(v, node->loop->iterable);
        visit_list(v, node->loop->test);
        visit_list(v, node->loop->body);
        visit_list(v, node->loop->otherwise);
        break;
    case NODE_IF:
        for (const struct if_node *branch = node->branch; branch != NULL; branch = branch->elif) {
            visit_list(v, branch->test);
            visit_list(v, branch->body);
        }
        visit_list(v, node->branch->otherwise);
        break;
    case NODE_WITH:
        visit_list(v, node->with.values);
        visit_list(v, node->with.body);
        break;
    case NODE_MACRO:
    case NODE_CALL_BLOCK:
        visit_macro(v, node->macro, node->type == NODE_CALL_BLOCK);
        break;
    case NODE_FILTER_BLOCK:
    case NODE_AUTOESCAPE:
        visit_list(v, node->region.filter);
        visit_list(v, node->region.body);
        break;
    case NODE_BLOCK:
        visit_list(v, node->block->body);
        break;
    case NODE_INCLUDE:
    case NODE_IMPORT:
    case NODE_FROM_IMPORT:
        visit_list(v, node->import->template);
        break;
    default:
        break;
    }
}

static void visit_node(const struct visit *v, const struct node *node)
{
    switch ((enum node_type)node->type) {
    case NODE_CALL:
        visit_call(v, node);
        break;
    case NODE_GET_ATTRIBUTE:
        visit_list(v, node->attribute.object);
        break;
    case NODE_SLICE:
        visit_list(v, node->slice.start);
        visit_list(v, node->slice.stop);
        visit_list(v, node->slice.step);
        break;
    case NODE_FILTER:
    case NODE_TEST:
        visit_list(v, node->filter.input);
        visit_arguments(v, node->filter.arguments);
        break;
    case NODE_LIST:
    case NODE_TUPLE:
    case NODE_DICT:
    case NODE_CONCAT:
    case NODE_COMPARE:
    case NODE_OUTPUT:
        visit_list(v, node->list.items);
        break;
    case NODE_CONDITION:
        visit_list(v, node->condition.test);
        visit_list(v, node->condition.then);
        visit_list(v, node->condition.otherwise);
        break;
    case NODE_GET_ITEM:
    case NODE_AND:
    case NODE_OR:
    case NODE_NOT:
    case NODE_NEGATE:
    case NODE_POSITIVE:
    case NODE_BINARY:
    case NODE_OPERAND:
    case NODE_DO:
    case NODE_EXTENDS:
        visit_list(v, node->pair.left);
        visit_list(v, node->pair.right);
        break;
    default:
        visit_statement(v, node);
        break;
    }
}

static void visit_list(const struct visit *v, const struct node *list)
{
    for (; list != NULL; list = list->next)
        visit_node(v, list);
}

void template_visit_calls(const struct template *template, struct arena *arena,
                          call_visitor visitor, void *host)
{
    const struct visit v = {.arena = arena, .visitor = visitor, .host = host};
    visit_list(&v, template->body);
}
