/// @file inherit.c
/// Templates that use templates: blocks, extends, include, import. Layer: jinja.
/// Source: Jinja2 3.1.6's runtime.

#include "jinja/render.h"
#include "jinja/throw.h"

#include <stdio.h>

void set_variable(struct render *r, struct str name, struct value value)
{
    struct variables *variables = r->frame->variables;
    if (variables->assigned.kind != VALUE_DICT) {
        variables->assigned = value_dict_new(r->arena);
        variables->exported = value_dict_new(r->arena);
    }
    dict_set_str(variables->assigned, name, value);
}

// ---------------------------------------------------------------- block tables

static struct block_chain *find_chain(const struct variables *variables, struct str name)
{
    for (struct block_chain *chain = variables->blocks; chain != NULL; chain = chain->next)
        if (str_equal(chain->name, name))
            return chain;
    return NULL;
}

/// Adds a template's blocks behind those that are there: the child's come first.
static void add_blocks(struct render *r, struct variables *variables,
                       const struct template *template)
{
    for (uint32_t i = 0; i < template->block_count; i++) {
        struct block_chain *link = ARENA_NEW(r->arena, struct block_chain);
        *link =
            (struct block_chain){.name = template->blocks[i]->name, .block = template->blocks[i]};
        struct block_chain *chain = find_chain(variables, link->name);
        if (chain == NULL) {
            link->next = variables->blocks;
            variables->blocks = link;
            continue;
        }
        while (chain->parent != NULL)
            chain = chain->parent;
        chain->parent = link;
    }
}

rc run_template(struct render *r, const struct template *template, struct variables *variables,
                struct err *err)
{
    struct frame *outer = r->frame;
    TRY(enter_call(r, err));
    variables->keeps_assigned = variables->keeps_assigned || template->has_blocks_or_imports;
    if (variables->template == template)
        add_blocks(r, variables, template);
    variables->template = template;
    variables->parent = NULL;
    const bool was_muted = r->is_muted;
    r->is_muted = false;
    r->frame = frame_new(r, &template->function, NULL, variables);
    if (template->self_slot != UINT16_MAX)
        r->frame->slots[template->self_slot] = self_object(r);
    rc code = exec_body(r, template->body, err);
    if (code == RC_OK && r->flow != FLOW_NEXT)
        code = throw_error(err, "SyntaxError", "'%s' outside loop",
                           r->flow == FLOW_BREAK ? "break" : "continue");
    r->frame = outer;
    if (code == RC_OK && variables->parent != NULL)
        code = run_template(r, variables->parent, variables, err);
    r->is_muted = was_muted;
    leave_call(r);
    return code;
}

/// Runs one block's body with its own frame.
static rc run_block(struct render *r, const struct block_chain *chain, struct variables *variables,
                    struct err *err)
{
    const struct block_node *block = chain->block;
    struct frame *outer = r->frame;
    const struct template *template = variables->template;
    TRY(enter_call(r, err));
    const bool was_muted = r->is_muted;
    r->is_muted = false;
    variables->template = block->template;
    r->frame = frame_new(r, &block->function, NULL, variables);
    if (block->self_slot != UINT16_MAX)
        r->frame->slots[block->self_slot] = self_object(r);
    if (block->super_slot != UINT16_MAX)
        r->frame->slots[block->super_slot] = super_object(r, block);
    rc code = enter_scope(r, block->scope, err);
    if (code == RC_OK)
        code = exec_body(r, block->body, err);
    r->is_muted = was_muted;
    variables->template = template;
    r->frame = outer;
    leave_call(r);
    return code;
}

/// The names around a node as a dict: what an include or a scoped block inherits.
static rc local_names(struct render *r, const struct scope_info *scope, struct value *ret_dict,
                      struct err *err)
{
    *ret_dict = value_dict_new(r->arena);
    for (uint32_t i = 0; i < scope->local_count; i++) {
        struct value value;
        TRY(load_place(r, scope->locals[i].place, scope->locals[i].name, &value, err));
        if (value.kind != VALUE_MISSING)
            dict_set_str(*ret_dict, scope->locals[i].name, value);
    }
    return RC_OK;
}

rc exec_block(struct render *r, const struct node *node, struct err *err)
{
    const struct block_node *block = node->block;
    struct variables *variables = r->frame->variables;
    if (block->is_top_level && variables->parent != NULL)
        return RC_OK; // the parent template decides where it stands
    const struct block_chain *chain = find_chain(variables, block->name);
    if (chain == NULL)
        return err_set(err, RC_INTERNAL, "block '%.*s' is not in its table", STR_ARGS(block->name));
    if (block->is_required && chain->parent == NULL)
        return throw_error(err, "TemplateRuntimeError", "Required block '%.*s' not found",
                           STR_ARGS(block->name));
    if (!block->is_scoped)
        return run_block(r, chain, variables, err);
    struct variables derived = *variables;
    derived.outer = variables;
    derived.assigned = derived.exported = value_missing();
    TRY(local_names(r, block->outer, &derived.locals, err));
    struct variables *kept = ARENA_NEW(r->arena, struct variables);
    *kept = derived;
    return run_block(r, chain, kept, err);
}

// ---------------------------------------------------------------- self and super

struct block_reference {
    struct object object;
    const struct block_chain *chain;
    struct variables *variables;
};

static rc reference_call(struct render *r, struct object *object, const struct arguments *arguments,
                         struct value *ret_value, struct err *err)
{
    const struct block_reference *reference = (const struct block_reference *)object;
    struct capture capture;
    if (arguments->count + arguments->keyword_count > 0)
        return throw_error(err, "TypeError", "a block takes no arguments");
    capture_begin(r, &capture);
    const rc code = run_block(r, reference->chain, reference->variables, err);
    if (code != RC_OK) {
        capture_drop(r, &capture);
        return code;
    }
    return capture_end(r, &capture, ret_value, err);
}

static struct value reference_value(struct render *r, const struct block_chain *chain,
                                    struct variables *variables);

static rc reference_attribute(struct render *r, struct object *object, struct str name,
                              struct value *ret_value, struct err *err)
{
    const struct block_reference *reference = (const struct block_reference *)object;
    (void)err;
    if (!str_is(name, "super"))
        return RC_OK;
    *ret_value = reference->chain->parent != NULL
                     ? reference_value(r, reference->chain->parent, reference->variables)
                     : undefined_hint(r, STR("super"), "there is no parent block called '%.*s'.",
                                      STR_ARGS(reference->chain->name));
    return RC_OK;
}

static const struct object_class reference_class = {.name = "jinja2.runtime.BlockReference",
                                                    .call = reference_call,
                                                    .get_attribute = reference_attribute};

static struct value reference_value(struct render *r, const struct block_chain *chain,
                                    struct variables *variables)
{
    struct block_reference *reference = ARENA_NEW(r->arena, struct block_reference);
    *reference = (struct block_reference){{&reference_class}, chain, variables};
    return value_object(&reference->object);
}

struct value super_object(struct render *r, const struct block_node *block)
{
    struct variables *variables = r->frame->variables;
    const struct block_chain *chain = find_chain(variables, block->name);
    while (chain != NULL && chain->block != block)
        chain = chain->parent;
    if (chain == NULL || chain->parent == NULL)
        return undefined_hint(r, STR("super"), "there is no parent block called '%.*s'.",
                              STR_ARGS(block->name));
    return reference_value(r, chain->parent, variables);
}

struct self_reference {
    struct object object;
    struct variables *variables;
};

static rc self_attribute(struct render *r, struct object *object, struct str name,
                         struct value *ret_value, struct err *err)
{
    const struct self_reference *self = (const struct self_reference *)object;
    const struct block_chain *chain = find_chain(self->variables, name);
    (void)err;
    if (chain != NULL)
        *ret_value = reference_value(r, chain, self->variables);
    return RC_OK;
}

static const struct object_class self_class = {.name = "jinja2.runtime.TemplateReference",
                                               .get_attribute = self_attribute};

struct value self_object(struct render *r)
{
    struct self_reference *self = ARENA_NEW(r->arena, struct self_reference);
    *self = (struct self_reference){{&self_class}, r->frame->variables};
    return value_object(&self->object);
}

// ---------------------------------------------------------------- finding templates

static rc not_found(struct str name, struct err *err)
{
    return throw_error(err, "TemplateNotFound", "%.*s", STR_ARGS(name));
}

/// One name, or the first of several that exists. *ret_template is NULL when none does.
static rc find_template(struct render *r, struct value names, bool may_be_list,
                        const struct template **ret_template, struct err *err)
{
    *ret_template = NULL;
    if (names.kind == VALUE_UNDEFINED)
        return undefined_fail(names, err);
    const struct value *items = &names;
    size_t count = 1;
    if (names.kind != VALUE_STR && may_be_list)
        TRY(value_items(r, names, &items, &count, err));
    struct buf tried;
    buf_init(&tried, 400);
    for (size_t i = 0; i < count; i++) {
        if (items[i].kind == VALUE_UNDEFINED) {
            buf_done(&tried);
            return undefined_fail(items[i], err);
        }
        struct err inner = {0};
        const rc code = items[i].kind == VALUE_STR
                            ? environment_load(r->env, value_text(items[i]), ret_template, &inner)
                            : RC_NOT_FOUND;
        if (code == RC_OK || code != RC_NOT_FOUND) {
            buf_done(&tried);
            if (code != RC_OK && err != NULL)
                *err = inner;
            return code;
        }
        buf_append_cstr(&tried, i > 0 ? ", " : "");
        if (items[i].kind == VALUE_STR)
            buf_append_str(&tried, value_text(items[i]));
    }
    const struct str text = arena_str(r->arena, buf_str(&tried));
    buf_done(&tried);
    if (names.kind == VALUE_STR)
        return not_found(value_text(names), err);
    if (count == 0)
        return throw_error(err, "TemplatesNotFound",
                           "Tried to select from an empty list of "
                           "templates.");
    return throw_error(err, "TemplatesNotFound", "none of the templates given were found: %.*s",
                       STR_ARGS(text));
}

rc exec_extends(struct render *r, const struct node *node, struct err *err)
{
    struct variables *variables = r->frame->variables;
    struct value name;
    const struct template *parent;
    if (variables->parent != NULL)
        return throw_error(err, "TemplateRuntimeError", "extended multiple times");
    TRY(eval(r, node->pair.left, &name, err));
    TRY(find_template(r, name, false, &parent, err));
    add_blocks(r, variables, parent);
    variables->parent = parent;
    r->is_muted = true;
    return RC_OK;
}

/// Variables for a template that runs inside this one.
static rc inner_variables(struct render *r, const struct import_node *import,
                          const struct template *template, struct variables **ret_variables,
                          struct err *err)
{
    struct variables *variables = ARENA_NEW(r->arena, struct variables);
    *variables = (struct variables){.template = template};
    if (import->has_context) {
        variables->outer = r->frame->variables;
        variables->host = r->frame->variables->host;
        TRY(local_names(r, import->scope, &variables->locals, err));
    }
    *ret_variables = variables;
    return RC_OK;
}

rc exec_include(struct render *r, const struct node *node, struct err *err)
{
    const struct import_node *import = node->import;
    const struct template *template;
    struct value name;
    struct variables *variables;
    TRY(eval(r, import->template, &name, err));
    const rc code = find_template(r, name, true, &template, err);
    if (code != RC_OK && import->ignores_missing &&
        (throw_is(err, "TemplateNotFound") || throw_is(err, "TemplatesNotFound"))) {
        *err = (struct err){0};
        return RC_OK;
    }
    TRY(code);
    TRY(inner_variables(r, import, template, &variables, err));
    return run_template(r, template, variables, err);
}

// ---------------------------------------------------------------- modules

struct module {
    struct object object;
    struct variables *variables;
    struct value text;
    struct str name;
};

static rc module_attribute(struct render *r, struct object *object, struct str name,
                           struct value *ret_value, struct err *err)
{
    const struct module *module = (const struct module *)object;
    (void)r, (void)err;
    if (module->variables->exported.kind == VALUE_DICT)
        *ret_value = dict_get_str(module->variables->exported, name);
    return RC_OK;
}

static rc module_print(struct render *r, struct object *object, struct buf *to, struct err *err)
{
    return value_print(r, ((const struct module *)object)->text, to, err);
}

static rc module_repr(struct render *r, struct object *object, struct buf *to, struct err *err)
{
    (void)r, (void)err;
    buf_printf(to, "<TemplateModule '%.*s'>", STR_ARGS(((const struct module *)object)->name));
    return RC_OK;
}

static const struct object_class module_class = {.name = "TemplateModule",
                                                 .get_attribute = module_attribute,
                                                 .print = module_print,
                                                 .repr = module_repr};

static rc make_module(struct render *r, const struct import_node *import, struct value *ret_module,
                      struct err *err)
{
    const struct template *template;
    struct value name;
    struct capture capture;
    struct module *module = ARENA_NEW(r->arena, struct module);
    TRY(eval(r, import->template, &name, err));
    TRY(find_template(r, name, false, &template, err));
    TRY(inner_variables(r, import, template, &module->variables, err));
    module->object.class = &module_class;
    module->name = template->name;
    module->variables->keeps_assigned = true;
    capture_begin(r, &capture);
    const rc code = run_template(r, template, module->variables, err);
    if (code != RC_OK) {
        capture_drop(r, &capture);
        return code;
    }
    *ret_module = value_object(&module->object);
    return capture_end(r, &capture, &module->text, err);
}

static rc take_name(struct render *r, const struct import_node *import, struct value module,
                    const struct import_name *name, int line, struct err *err)
{
    struct value value = value_missing();
    TRY(module_attribute(r, module.object, name->name, &value, err));
    if (value.kind == VALUE_MISSING)
        value = undefined_hint(
            r, name->name,
            "the template '%.*s' (imported on line %d in '%.*s') does not export the requested "
            "name '%.*s'",
            STR_ARGS(((const struct module *)module.object)->name), line,
            STR_ARGS(r->frame->variables->template->name), STR_ARGS(name->name));
    TRY(assign(r, name->target, value, err));
    if (import->is_top_level && r->frame->variables->keeps_assigned)
        set_variable(r, name->target->name.text, value);
    return RC_OK;
}

rc exec_import(struct render *r, const struct node *node, struct err *err)
{
    const struct import_node *import = node->import;
    struct value module;
    TRY(make_module(r, import, &module, err));
    for (uint32_t i = 0; i < import->name_count; i++)
        TRY(take_name(r, import, module, &import->names[i], node->line, err));
    if (import->target == NULL)
        return RC_OK;
    TRY(assign(r, import->target, module, err));
    if (import->is_top_level && r->frame->variables->keeps_assigned)
        set_variable(r, import->target->name.text, module);
    return RC_OK;
}
