/// @file scope.c
/// Gives every name of a template its place in a frame, by Jinja's scoping rules.
/// Layer: jinja. Source: the behaviour of Jinja2 3.1.6's identifier tracking:
/// - bodies of for, with, filter, call, set and autoescape, macros and blocks are scopes; `if` is
///   none;
/// - a name that a scope loads first belongs to the nearest scope around that knows it, else it is
///   looked up in the context;
/// - a name that a scope stores is its own; it begins with the outer value, or undefined, or (when
///   only a branch of an `if` stores it) with the context's.
/// Macros, blocks and recursive loops are functions with frames of their own; macros see the
/// frames around them, blocks do not. Limits: 65,535 names per function.

#include "jinja/parser.h"

#include "jinja/throw.h"

enum {
    BUCKETS = 16,
    SLOTS_MAX = 65000,
    CHAIN_MAX = 2000, // a.b.c and a + b + c nest without brackets
};

struct symbol {
    struct str name;
    struct symbol *next; // of its bucket
    struct symbol *in_order;
    struct scope *scope;
    enum load_kind load;
    bool is_stored;
    uint16_t slot;
};

/// One function while it is analysed.
struct function_state {
    struct function_info *info;
    struct function_state *outer;
    struct scope *globals; // names that only come from the context: one slot for all scopes
};

struct scope {
    struct scope *parent;
    struct function_state *function;
    struct symbol *buckets[BUCKETS];
    struct symbol *first, **end;
    struct node *names; // whose place is still unknown
    struct inner *inner, **inner_end;
    bool is_top_level; // of the template: sets are exported
    bool is_in_branch;
    bool is_soft; // unknown filters are found out when they are reached
};

/// A scope to analyse when the one around it is done.
struct inner {
    struct node *node;
    struct inner *next;
};

struct analysis {
    struct parser *parser;
    struct arena *scratch;
    struct arena *arena;
    unsigned depth;
};

static rc visit(struct analysis *a, struct scope *scope, struct node *node, struct err *err);
static rc visit_all(struct analysis *a, struct scope *scope, struct node *list, struct err *err);
static rc resolve_inner(struct analysis *a, struct scope *scope, struct err *err);

static unsigned bucket_of(struct str name)
{
    return name.length == 0 ? 0
                            : ((unsigned)name.length * 7 + (unsigned char)name.bytes[0] * 3 +
                               (unsigned char)name.bytes[name.length - 1]) %
                                  BUCKETS;
}

static struct symbol *own_symbol(const struct scope *scope, struct str name)
{
    for (struct symbol *s = scope->buckets[bucket_of(name)]; s != NULL; s = s->next)
        if (str_equal(s->name, name))
            return s;
    return NULL;
}

static struct symbol *find_symbol(const struct scope *scope, struct str name)
{
    struct symbol *symbol = NULL;
    for (; scope != NULL && symbol == NULL; scope = scope->parent)
        symbol = own_symbol(scope, name);
    return symbol;
}

static struct symbol *define(struct analysis *a, struct scope *scope, struct str name,
                             enum load_kind load)
{
    struct symbol *symbol = own_symbol(scope, name);
    if (symbol == NULL) {
        symbol = ARENA_NEW(a->scratch, struct symbol);
        *symbol = (struct symbol){.name = name,
                                  .next = scope->buckets[bucket_of(name)],
                                  .scope = scope,
                                  .slot = UINT16_MAX};
        scope->buckets[bucket_of(name)] = symbol;
        *scope->end = symbol;
        scope->end = &symbol->in_order;
    }
    symbol->load = load;
    return symbol;
}

static void load_name(struct analysis *a, struct scope *scope, struct str name)
{
    if (find_symbol(scope, name) == NULL)
        define(a, scope, name, LOAD_RESOLVE);
}

static void store_name(struct analysis *a, struct scope *scope, struct str name)
{
    struct symbol *symbol = own_symbol(scope, name);
    if (symbol == NULL) {
        const bool is_outside = scope->parent != NULL && find_symbol(scope->parent, name) != NULL;
        symbol = define(a, scope, name,
                        is_outside            ? LOAD_ALIAS
                        : scope->is_in_branch ? LOAD_RESOLVE
                                              : LOAD_UNDEFINED);
    }
    symbol->is_stored = true;
}

static struct symbol *declare_parameter(struct analysis *a, struct scope *scope, struct str name)
{
    struct symbol *symbol = define(a, scope, name, LOAD_PARAMETER);
    symbol->is_stored = true;
    return symbol;
}

// ---------------------------------------------------------------- places

static rc give_slot(struct analysis *a, struct function_state *function, struct symbol *symbol,
                    struct err *err)
{
    if (function->info->slot_count >= SLOTS_MAX)
        return parser_fail(a->parser, 0, err, "more than %d names in one template", SLOTS_MAX);
    symbol->slot = function->info->slot_count++;
    return RC_OK;
}

static struct name_place place_of(const struct scope *scope, const struct symbol *symbol)
{
    uint16_t depth = 0;
    for (const struct function_state *f = scope->function; f != symbol->scope->function;
         f = f->outer)
        depth++;
    return (struct name_place){
        .depth = depth, .slot = symbol->slot, .is_lazy = symbol->load == LOAD_RESOLVE};
}

/// Slots for a scope's own names; those that only come from the context share one per function.
static rc give_slots(struct analysis *a, struct scope *scope, struct err *err)
{
    struct scope *globals = scope->function->globals;
    for (struct symbol *s = scope->first; s != NULL; s = s->in_order) {
        if (s->slot != UINT16_MAX)
            continue;
        if (s->load == LOAD_RESOLVE && !s->is_stored && scope != globals) {
            struct symbol *shared = own_symbol(globals, s->name);
            if (shared == NULL) {
                shared = define(a, globals, s->name, LOAD_RESOLVE);
                TRY(give_slot(a, scope->function, shared, err));
            }
            s->slot = shared->slot;
            continue;
        }
        TRY(give_slot(a, scope->function, s, err));
    }
    return RC_OK;
}

/// What must happen whenever the scope is entered.
static void make_loads(struct analysis *a, const struct scope *scope, bool is_function,
                       struct scope_info *info)
{
    VEC(struct scope_load) loads = {0};
    for (const struct symbol *s = scope->first; s != NULL; s = s->in_order) {
        if (s->load == LOAD_PARAMETER || (s->load == LOAD_RESOLVE && !s->is_stored))
            continue;
        if (is_function && s->load != LOAD_ALIAS)
            continue; // a new frame is empty
        struct scope_load *load = vec_push(a->arena, &loads);
        *load = (struct scope_load){.kind = s->load, .slot = s->slot, .name = s->name};
        if (s->load == LOAD_ALIAS)
            load->outer = place_of(scope, find_symbol(scope->parent, s->name));
    }
    info->loads = loads.items;
    info->load_count = (uint32_t)loads.count;
}

static void make_locals(struct analysis *a, const struct scope *scope, struct scope_info *info)
{
    VEC(struct local_name) locals = {0};
    for (const struct scope *s = scope; s != NULL; s = s->parent) {
        for (const struct symbol *symbol = s->first; symbol != NULL; symbol = symbol->in_order) {
            if (!symbol->is_stored || find_symbol(scope, symbol->name) != symbol)
                continue;
            *vec_push(a->arena, &locals) =
                (struct local_name){symbol->name, place_of(scope, symbol)};
        }
    }
    info->locals = locals.items;
    info->local_count = (uint32_t)locals.count;
}

static void scope_init(struct scope *scope, struct scope *parent, struct function_state *function)
{
    *scope = (struct scope){.parent = parent, .function = function};
    scope->end = &scope->first;
    scope->inner_end = &scope->inner;
    if (function->globals == NULL)
        function->globals = scope;
}

/// Ends a scope: slots, places of the names, loads; then the scopes inside.
static rc scope_finish(struct analysis *a, struct scope *scope, bool is_function,
                       struct scope_info **ret_info, struct err *err)
{
    TRY(give_slots(a, scope, err));
    for (struct node *name = scope->names, *next; name != NULL; name = next) {
        next = name->name.next_name;
        name->name.next_name = NULL;
        const struct symbol *symbol = find_symbol(scope, name->name.text);
        name->name.place = place_of(scope, symbol);
    }
    struct scope_info *info = ARENA_NEW(a->arena, struct scope_info);
    make_loads(a, scope, is_function, info);
    *ret_info = info;
    return resolve_inner(a, scope, err);
}

// ---------------------------------------------------------------- visiting one scope

static void queue(struct analysis *a, struct scope *scope, struct node *node)
{
    struct inner *inner = ARENA_NEW(a->scratch, struct inner);
    inner->node = node;
    *scope->inner_end = inner;
    scope->inner_end = &inner->next;
}

static void visit_name(struct analysis *a, struct scope *scope, struct node *node)
{
    if (node->op == NAME_LOAD)
        load_name(a, scope, node->name.text);
    else if (node->op == NAME_STORE)
        store_name(a, scope, node->name.text);
    else
        declare_parameter(a, scope, node->name.text);
    node->name.next_name = scope->names;
    scope->names = node;
}

static rc visit_arguments(struct analysis *a, struct scope *scope, struct node_arguments *arguments,
                          struct err *err)
{
    if (arguments == NULL)
        return RC_OK;
    TRY(visit_all(a, scope, arguments->items, err));
    for (uint32_t i = 0; i < arguments->keyword_count; i++)
        TRY(visit(a, scope, arguments->keywords[i].value, err));
    TRY(visit(a, scope, arguments->star, err));
    return visit(a, scope, arguments->double_star, err);
}

static rc visit_filter(struct analysis *a, struct scope *scope, struct node *node, struct err *err)
{
    const bool is_test = node->type == NODE_TEST;
    const struct environment *env = a->parser->env;
    TRY(visit(a, scope, node->filter.input, err));
    TRY(visit_arguments(a, scope, node->filter.arguments, err));
    node->filter.entry = map_get(is_test ? &env->tests : &env->filters, node->filter.name);
    if (node->filter.entry == NULL && !scope->is_soft)
        return parser_fail_assertion(a->parser, node->line, err, "No %s named '%.*s'.",
                                     is_test ? "test" : "filter", STR_ARGS(node->filter.name));
    return RC_OK;
}

static rc visit_if(struct analysis *a, struct scope *scope, struct node *node, struct err *err)
{
    const bool was_soft = scope->is_soft, was_in_branch = scope->is_in_branch;
    scope->is_soft = true;
    TRY(visit(a, scope, node->branch->test, err));
    scope->is_in_branch = true;
    for (struct if_node *branch = node->branch; branch != NULL; branch = branch->elif) {
        if (branch != node->branch)
            TRY(visit(a, scope, branch->test, err));
        TRY(visit_all(a, scope, branch->body, err));
    }
    TRY(visit_all(a, scope, node->branch->otherwise, err));
    scope->is_in_branch = was_in_branch;
    scope->is_soft = was_soft;
    return RC_OK;
}

static rc visit_condition(struct analysis *a, struct scope *scope, struct node *node,
                          struct err *err)
{
    const bool was_soft = scope->is_soft;
    scope->is_soft = true;
    TRY(visit(a, scope, node->condition.test, err));
    TRY(visit(a, scope, node->condition.then, err));
    TRY(visit(a, scope, node->condition.otherwise, err));
    scope->is_soft = was_soft;
    return RC_OK;
}

static rc visit_import(struct analysis *a, struct scope *scope, struct node *node, struct err *err)
{
    struct import_node *import = node->import;
    TRY(visit(a, scope, import->template, err));
    TRY(visit(a, scope, import->target, err));
    for (uint32_t i = 0; i < import->name_count; i++)
        TRY(visit(a, scope, import->names[i].target, err));
    import->is_top_level = scope->is_top_level;
    a->parser->template->has_blocks_or_imports = true;
    queue(a, scope, node); // its list of local names
    return RC_OK;
}

static rc visit_set(struct analysis *a, struct scope *scope, struct node *node, struct err *err)
{
    node->op = scope->is_top_level;
    if (node->type == NODE_SET)
        TRY(visit(a, scope, node->set.value, err));
    TRY(visit(a, scope, node->set.target, err));
    if (node->type == NODE_SET_BLOCK)
        queue(a, scope, node);
    return RC_OK;
}

static rc visit_statement(struct analysis *a, struct scope *scope, struct node *node,
                          struct err *err)
{
    switch ((enum node_type)node->type) {
    case NODE_SET:
    case NODE_SET_BLOCK:
        return visit_set(a, scope, node, err);
    case NODE_FOR:
        TRY(visit(a, scope, node->loop->iterable, err));
        break;
    case NODE_IF:
        return visit_if(a, scope, node, err);
    case NODE_WITH:
        TRY(visit_all(a, scope, node->with.values, err));
        break;
    case NODE_MACRO:
        node->macro->is_top_level = scope->is_top_level;
        TRY(visit(a, scope, node->macro->target, err));
        break;
    case NODE_CALL_BLOCK:
        TRY(visit(a, scope, node->macro->call, err));
        break;
    case NODE_BLOCK:
        node->block->is_top_level = scope->is_top_level;
        a->parser->template->has_blocks_or_imports = true;
        break;
    case NODE_EXTENDS:
        if (!scope->is_top_level)
            return parser_fail_assertion(a->parser, node->line, err,
                                         "cannot use extend from a non top-level scope");
        a->parser->template->has_blocks_or_imports = true;
        node->op = !scope->is_in_branch;
        return visit(a, scope, node->pair.left, err);
    case NODE_INCLUDE:
    case NODE_IMPORT:
    case NODE_FROM_IMPORT:
        return visit_import(a, scope, node, err);
    case NODE_DO:
        return visit(a, scope, node->pair.left, err);
    default: // filter blocks, autoescape: all inside
        break;
    }
    if (node->type != NODE_BREAK && node->type != NODE_CONTINUE)
        queue(a, scope, node);
    return RC_OK;
}

static rc visit_node(struct analysis *a, struct scope *scope, struct node *node, struct err *err)
{
    switch ((enum node_type)node->type) {
    case NODE_CONSTANT:
    case NODE_TEXT:
        return RC_OK;
    case NODE_NAME:
        visit_name(a, scope, node);
        return RC_OK;
    case NODE_NAMESPACE_REF:
        return visit(a, scope, node->reference.name, err);
    case NODE_GET_ATTRIBUTE:
        return visit(a, scope, node->attribute.object, err);
    case NODE_SLICE:
        TRY(visit(a, scope, node->slice.start, err));
        TRY(visit(a, scope, node->slice.stop, err));
        return visit(a, scope, node->slice.step, err);
    case NODE_CALL:
        TRY(visit(a, scope, node->call.callee, err));
        return visit_arguments(a, scope, node->call.arguments, err);
    case NODE_FILTER:
    case NODE_TEST:
        return visit_filter(a, scope, node, err);
    case NODE_LIST:
    case NODE_TUPLE:
    case NODE_DICT:
    case NODE_CONCAT:
    case NODE_COMPARE:
    case NODE_OUTPUT:
        return visit_all(a, scope, node->list.items, err);
    case NODE_CONDITION:
        return visit_condition(a, scope, node, err);
    case NODE_GET_ITEM:
    case NODE_AND:
    case NODE_OR:
    case NODE_NOT:
    case NODE_NEGATE:
    case NODE_POSITIVE:
    case NODE_BINARY:
    case NODE_OPERAND:
        TRY(visit(a, scope, node->pair.left, err));
        return visit(a, scope, node->pair.right, err);
    default:
        return visit_statement(a, scope, node, err);
    }
}

static rc visit(struct analysis *a, struct scope *scope, struct node *node, struct err *err)
{
    if (node == NULL)
        return RC_OK;
    if (++a->depth > CHAIN_MAX)
        return parser_too_deep(a->parser, err);
    TRY(visit_node(a, scope, node, err));
    a->depth--;
    return RC_OK;
}

static rc visit_all(struct analysis *a, struct scope *scope, struct node *list, struct err *err)
{
    for (; list != NULL; list = list->next)
        TRY(visit(a, scope, list, err));
    return RC_OK;
}

// ---------------------------------------------------------------- scopes inside

static void as_parameters(struct node *target)
{
    if (target->type == NODE_NAME)
        target->op = NAME_PARAMETER;
    if (target->type == NODE_TUPLE)
        for (struct node *item = target->list.items; item != NULL; item = item->next)
            as_parameters(item);
}

static rc refuse_loop_store(struct analysis *a, const struct node *target, struct err *err)
{
    if (target->type == NODE_NAME && str_is(target->name.text, "loop"))
        return parser_fail_assertion(a->parser, target->line, err,
                                     "Can't assign to special loop variable in for-loop target");
    if (target->type == NODE_TUPLE)
        for (const struct node *item = target->list.items; item != NULL; item = item->next)
            TRY(refuse_loop_store(a, item, err));
    return RC_OK;
}

/// The condition of a loop sees the target but not `loop`; it shares the body's slots.
static rc resolve_loop_test(struct analysis *a, struct scope *outer, struct scope *body,
                            struct for_node *loop, struct err *err)
{
    struct scope scope;
    scope_init(&scope, outer, body->function);
    for (const struct symbol *s = body->first; s != NULL; s = s->in_order) {
        if (s->load != LOAD_PARAMETER || (loop->has_loop_object && s->slot == loop->loop_slot))
            continue;
        declare_parameter(a, &scope, s->name)->slot = s->slot;
    }
    TRY(visit(a, &scope, loop->test, err));
    return scope_finish(a, &scope, false, &loop->test_scope, err);
}

static rc resolve_for(struct analysis *a, struct scope *outer, struct for_node *loop,
                      struct err *err)
{
    struct function_state *function = outer->function,
                          own = {.info = &loop->function, .outer = outer->function};
    if (loop->is_recursive) {
        function->info->has_inner = true;
        function = &own;
    }
    struct scope scope;
    scope_init(&scope, outer, function);
    as_parameters(loop->target);
    TRY(refuse_loop_store(a, loop->target, err));
    if (loop->has_loop_object) {
        struct symbol *symbol = declare_parameter(a, &scope, STR("loop"));
        TRY(give_slot(a, function, symbol, err));
        loop->loop_slot = symbol->slot;
    }
    TRY(visit(a, &scope, loop->target, err));
    // the target's slots before the body's, so that the condition can share them
    TRY(give_slots(a, &scope, err));
    if (loop->test != NULL)
        TRY(resolve_loop_test(a, outer, &scope, loop, err));
    TRY(visit_all(a, &scope, loop->body, err));
    TRY(scope_finish(a, &scope, false, &loop->scope, err));
    if (!loop->has_otherwise)
        return RC_OK;
    scope_init(&scope, outer, function);
    TRY(visit_all(a, &scope, loop->otherwise, err));
    return scope_finish(a, &scope, false, &loop->else_scope, err);
}

static rc special_parameter(struct analysis *a, struct scope *scope, const char *name,
                            uint16_t *slot, struct err *err)
{
    if (*slot == UINT16_MAX)
        return RC_OK;
    struct symbol *symbol = declare_parameter(a, scope, str_of(name));
    TRY(give_slot(a, scope->function, symbol, err));
    *slot = symbol->slot;
    return RC_OK;
}

static rc resolve_macro(struct analysis *a, struct scope *outer, struct macro_node *macro,
                        struct err *err)
{
    struct function_state function = {.info = &macro->function, .outer = outer->function};
    struct scope scope;
    outer->function->info->has_inner = true;
    scope_init(&scope, outer, &function);
    for (struct node *name = macro->parameters; name != NULL; name = name->next) {
        if (own_symbol(&scope, name->name.text) != NULL)
            return parser_fail(a->parser, name->line, err,
                               "duplicate argument '%.*s' in macro definition",
                               STR_ARGS(name->name.text));
        visit_name(a, &scope, name);
        TRY(give_slots(a, &scope, err));
    }
    TRY(special_parameter(a, &scope, "caller", &macro->caller_slot, err));
    TRY(special_parameter(a, &scope, "kwargs", &macro->kwargs_slot, err));
    TRY(special_parameter(a, &scope, "varargs", &macro->varargs_slot, err));
    TRY(visit_all(a, &scope, macro->defaults, err));
    TRY(visit_all(a, &scope, macro->body, err));
    return scope_finish(a, &scope, true, &macro->scope, err);
}

static rc resolve_block(struct analysis *a, struct scope *outer, struct block_node *block,
                        struct err *err)
{
    if (block->is_scoped) {
        block->outer = ARENA_NEW(a->arena, struct scope_info);
        make_locals(a, outer, block->outer);
    }
    struct function_state function = {.info = &block->function};
    struct scope scope;
    scope_init(&scope, NULL, &function);
    TRY(special_parameter(a, &scope, "self", &block->self_slot, err));
    TRY(special_parameter(a, &scope, "super", &block->super_slot, err));
    TRY(visit_all(a, &scope, block->body, err));
    return scope_finish(a, &scope, true, &block->scope, err);
}

static rc resolve_region(struct analysis *a, struct scope *outer, struct node *node,
                         struct err *err)
{
    struct scope scope;
    scope_init(&scope, outer, outer->function);
    switch ((enum node_type)node->type) {
    case NODE_WITH:
        for (struct node *target = node->with.targets; target != NULL; target = target->next) {
            as_parameters(target);
            TRY(visit(a, &scope, target, err));
        }
        TRY(visit_all(a, &scope, node->with.body, err));
        return scope_finish(a, &scope, false, &node->with.scope, err);
    case NODE_SET_BLOCK:
        TRY(visit_all(a, &scope, node->set_block.body, err));
        TRY(visit(a, &scope, node->set_block.filter, err));
        return scope_finish(a, &scope, false, &node->set_block.scope, err);
    default: // filter block, autoescape
        TRY(visit(a, &scope, node->region.filter, err));
        TRY(visit_all(a, &scope, node->region.body, err));
        return scope_finish(a, &scope, false, &node->region.scope, err);
    }
}

static rc resolve_inner(struct analysis *a, struct scope *scope, struct err *err)
{
    if (++a->depth > CHAIN_MAX)
        return parser_too_deep(a->parser, err);
    for (const struct inner *inner = scope->inner; inner != NULL; inner = inner->next) {
        struct node *node = inner->node;
        switch ((enum node_type)node->type) {
        case NODE_FOR:
            TRY(resolve_for(a, scope, node->loop, err));
            break;
        case NODE_MACRO:
        case NODE_CALL_BLOCK:
            TRY(resolve_macro(a, scope, node->macro, err));
            break;
        case NODE_BLOCK:
            TRY(resolve_block(a, scope, node->block, err));
            break;
        case NODE_INCLUDE:
        case NODE_IMPORT:
        case NODE_FROM_IMPORT:
            node->import->scope = ARENA_NEW(a->arena, struct scope_info);
            make_locals(a, scope, node->import->scope);
            break;
        default:
            TRY(resolve_region(a, scope, node, err));
            break;
        }
    }
    a->depth--;
    return RC_OK;
}

rc scope_resolve(struct parser *parser, struct err *err)
{
    struct template *template = parser->template;
    struct analysis a = {.parser = parser, .arena = parser->arena, .scratch = arena_open(NULL)};
    struct function_state function = {.info = &template->function};
    struct scope scope;
    scope_init(&scope, NULL, &function);
    scope.is_top_level = true;
    rc code = special_parameter(&a, &scope, "self", &template->self_slot, err);
    if (code == RC_OK)
        code = visit_all(&a, &scope, template->body, err);
    if (code == RC_OK)
        code = scope_finish(&a, &scope, true, &template->scope, err);
    arena_close(a.scratch);
    return code;
}
