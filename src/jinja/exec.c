/// @file exec.c
/// Statements, frames and what is written. Layer: jinja.
/// Errors get the place of the innermost statement on their way out, so running costs nothing for
/// it.

#include "jinja/render.h"

#include <stdio.h>

#include "jinja/throw.h"

// ---------------------------------------------------------------- frames

static unsigned frame_class(uint16_t slots)
{
    unsigned class = 0;
    for (uint16_t size = 8; size < slots && class < FRAME_CLASSES; size = (uint16_t)(size * 4))
        class ++;
    return class;
}

struct frame *frame_new(struct render *r, const struct function_info *function, struct frame *outer,
                        struct variables *variables)
{
    const uint16_t count = function->slot_count;
    const unsigned class = frame_class(count);
    struct frame *frame = class < FRAME_CLASSES ? r->free_frames[class] : NULL;
    if (frame != NULL) {
        r->free_frames[class] = frame->next_free;
        memset(frame->slots, 0, count * sizeof frame->slots[0]);
    } else {
        const size_t capacity = class < FRAME_CLASSES ? (size_t)8 << (2 * class) : count;
        frame = arena_alloc(r->arena, sizeof *frame + capacity * sizeof frame->slots[0]);
        frame->slots = (struct value *)(frame + 1);
    }
    frame->outer = outer;
    frame->variables = variables;
    frame->asks_context = false;
    return frame;
}

void frame_free(struct render *r, const struct function_info *function, struct frame *frame)
{
    const unsigned class = frame_class(function->slot_count);
    if (function->has_inner || class >= FRAME_CLASSES)
        return; // a macro may still look into it
    frame->next_free = r->free_frames[class];
    r->free_frames[class] = frame;
}

rc enter_scope(struct render *r, const struct scope_info *scope, struct err *err)
{
    for (uint32_t i = 0; i < scope->load_count; i++) {
        const struct scope_load *load = &scope->loads[i];
        struct value *slot = &r->frame->slots[load->slot];
        if (load->kind == LOAD_ALIAS) {
            struct value value;
            TRY(load_place(r, load->outer, load->name, &value, err));
            value.flags = value.kind == VALUE_MISSING ? 0 : value.flags;
            *slot = value;
        } else {
            *slot = value_missing();
        }
    }
    return RC_OK;
}

// ---------------------------------------------------------------- output

static rc check_output(struct render *r, struct err *err)
{
    if (r->out->is_over_limit)
        return err_set(err, RC_LIMIT, "the template writes more than %zu bytes", r->out->max_bytes);
    return RC_OK;
}

rc emit_text(struct render *r, struct str text, struct err *err)
{
    if (r->nodes.kind == VALUE_LIST) {
        list_push(r->nodes, value_str(text));
        return RC_OK;
    }
    buf_append(r->out, text.bytes, text.length);
    return check_output(r, err);
}

rc emit_value(struct render *r, struct value value, struct err *err)
{
    if (r->nodes.kind == VALUE_LIST) {
        list_push(r->nodes, value);
        return RC_OK;
    }
    if (value.kind == VALUE_STR && (!r->autoescape || (value.flags & VALUE_FLAG_MARKUP) != 0)) {
        buf_append(r->out, value.bytes, value.length);
        return check_output(r, err);
    }
    if (value.kind == VALUE_UNDEFINED && value.undefined->kind <= UNDEFINED_CHAINABLE)
        return RC_OK;
    if (!r->autoescape) {
        TRY(value_print(r, value, r->out, err));
        return check_output(r, err);
    }
    struct value escaped;
    TRY(escape_value(r, value, &escaped, err));
    buf_append(r->out, escaped.bytes, escaped.length);
    return check_output(r, err);
}

void capture_begin(struct render *r, struct capture *capture)
{
    capture->mark = r->out->length;
    capture->nodes = r->nodes;
    if (r->nodes.kind == VALUE_LIST)
        r->nodes = value_list_new(r->arena, 0);
}

void capture_drop(struct render *r, const struct capture *capture)
{
    r->nodes = capture->nodes;
    buf_truncate(r->out, capture->mark);
}

rc capture_end(struct render *r, const struct capture *capture, struct value *ret_value,
               struct err *err)
{
    if (r->nodes.kind == VALUE_LIST) {
        const struct value nodes = r->nodes;
        r->nodes = capture->nodes;
        return native_concat(r, nodes, ret_value, err);
    }
    const struct str text = str_slice(buf_str(r->out), capture->mark, SIZE_MAX);
    TRY(spend(r, text.length / 64, err));
    *ret_value = value_copy_str(r->arena, text);
    if (r->autoescape)
        ret_value->flags = VALUE_FLAG_MARKUP;
    buf_truncate(r->out, capture->mark);
    return RC_OK;
}

// ---------------------------------------------------------------- statements

/// `{{ macro(...) }}`: the macro writes where it stands. *ret_done is false when it is no macro.
static rc emit_call(struct render *r, const struct node *node, struct err *err)
{
    struct value value;
    TRY(eval_call(r, node, NULL, &value, err));
    return emit_value(r, value, err);
}

static rc exec_output(struct render *r, const struct node *node, struct err *err)
{
    for (const struct node *item = node->list.items; item != NULL; item = item->next) {
        rc code;
        struct value value;
        if (item->type == NODE_TEXT) {
            code = emit_text(r, item->text, err);
        } else if (item->type == NODE_CALL) {
            code = emit_call(r, item, err);
        } else {
            code = eval(r, item, &value, err);
            if (code == RC_OK)
                code = emit_value(r, value, err);
        }
        if (code != RC_OK) {
            if (err != NULL && err->line == 0)
                err->line = item->line;
            return code;
        }
    }
    return RC_OK;
}

/// Native mode: neighbouring constants and text are one node.
static rc exec_native_output(struct render *r, const struct node *node, struct err *err)
{
    struct buf text;
    bool has_text = false;
    rc code = RC_OK;
    buf_init(&text, (size_t)256 << 20);
    for (const struct node *item = node->list.items; item != NULL && code == RC_OK;
         item = item->next) {
        struct value value = value_missing();
        bool is_constant = item->type == NODE_TEXT;
        if (is_constant) {
            buf_append_str(&text, item->text);
        } else {
            code = eval(r, item, &value, err);
            is_constant = code == RC_OK && is_constant_expression(item) && has_safe_repr(value);
            if (is_constant)
                code = value_print(r, value, &text, err);
        }
        has_text = has_text || is_constant;
        if (code != RC_OK)
            break;
        if (has_text && (!is_constant || item->next == NULL)) {
            list_push(r->nodes, value_copy_str(r->arena, buf_str(&text)));
            buf_clear(&text);
            has_text = false;
        }
        if (!is_constant)
            list_push(r->nodes, value);
    }
    buf_done(&text);
    return code;
}

static rc exec_if(struct render *r, const struct node *node, struct err *err)
{
    for (const struct if_node *branch = node->branch; branch != NULL; branch = branch->elif) {
        struct value test;
        TRY(eval(r, branch->test, &test, err));
        if (test.kind == VALUE_UNDEFINED && test.undefined->kind == UNDEFINED_STRICT)
            return undefined_fail(test, err);
        if (value_is_true(test))
            return exec_body(r, branch->body, err);
    }
    return exec_body(r, node->branch->otherwise, err);
}

/// Makes the top-level assignment of a target visible by name.
static void export_target(struct render *r, const struct node *target)
{
    if (target->type == NODE_TUPLE) {
        for (const struct node *item = target->list.items; item != NULL; item = item->next)
            export_target(r, item);
    } else if (target->type == NODE_NAME) {
        const struct value value = r->frame->slots[target->name.place.slot];
        set_variable(r, target->name.text, value);
        if (target->name.text.bytes[0] != '_')
            dict_set_str(r->frame->variables->exported, target->name.text, value);
    }
}

static rc exec_set(struct render *r, const struct node *node, struct err *err)
{
    struct value value;
    TRY(eval(r, node->set.value, &value, err));
    TRY(assign(r, node->set.target, value, err));
    if (node->op && r->frame->variables->keeps_assigned)
        export_target(r, node->set.target);
    return RC_OK;
}

static rc exec_set_block(struct render *r, const struct node *node, struct err *err)
{
    struct capture capture;
    struct value value;
    TRY(enter_scope(r, node->set_block.scope, err));
    const bool was_muted = r->is_muted;
    r->is_muted = false;
    capture_begin(r, &capture);
    const rc code = exec_body(r, node->set_block.body, err);
    r->is_muted = was_muted;
    if (code != RC_OK) {
        capture_drop(r, &capture);
        return code;
    }
    TRY(capture_end(r, &capture, &value, err));
    if (node->set_block.filter != NULL)
        TRY(eval_filter(r, node->set_block.filter, &value, &value, err));
    TRY(assign(r, node->set_block.target, value, err));
    if (node->op && r->frame->variables->keeps_assigned)
        export_target(r, node->set_block.target);
    return RC_OK;
}

static rc exec_with(struct render *r, const struct node *node, struct err *err)
{
    struct value values[16];
    size_t count = 0;
    for (const struct node *value = node->with.values; value != NULL; value = value->next) {
        if (count == 16)
            return err_set(err, RC_LIMIT, "more than 16 names in one with statement");
        TRY(eval(r, value, &values[count++], err));
    }
    TRY(enter_scope(r, node->with.scope, err));
    count = 0;
    for (const struct node *target = node->with.targets; target != NULL; target = target->next)
        TRY(assign(r, target, values[count++], err));
    return exec_body(r, node->with.body, err);
}

static rc exec_filter_block(struct render *r, const struct node *node, struct err *err)
{
    struct capture capture;
    struct value value;
    TRY(enter_scope(r, node->region.scope, err));
    capture_begin(r, &capture);
    const rc code = exec_body(r, node->region.body, err);
    if (code != RC_OK) {
        capture_drop(r, &capture);
        return code;
    }
    TRY(capture_end(r, &capture, &value, err));
    TRY(eval_filter(r, node->region.filter, &value, &value, err));
    return emit_value(r, value, err);
}

static rc exec_autoescape(struct render *r, const struct node *node, struct err *err)
{
    const bool outer = r->autoescape;
    struct value option;
    TRY(enter_scope(r, node->region.scope, err));
    TRY(eval(r, node->region.filter, &option, err));
    r->autoescape = value_is_true(option);
    const rc code = exec_body(r, node->region.body, err);
    r->autoescape = outer;
    return code;
}

static rc exec_macro(struct render *r, const struct node *node, struct err *err)
{
    const struct macro_node *macro = node->macro;
    if (macro->info.statement != NULL)
        return RC_OK; // the host calls it by its own name
    TRY(assign(r, macro->target, macro_value(r, macro), err));
    if (macro->is_top_level && r->frame->variables->keeps_assigned)
        export_target(r, macro->target);
    return RC_OK;
}

static rc exec_call_block(struct render *r, const struct node *node, struct err *err)
{
    struct value caller = macro_value(r, node->macro), value;
    TRY(eval_call(r, node->macro->call, &caller, &value, err));
    return emit_value(r, value, err);
}

static rc exec_statement(struct render *r, const struct node *node, struct err *err)
{
    struct value value;
    switch ((enum node_type)node->type) {
    case NODE_OUTPUT:
        if (r->is_muted)
            return RC_OK;
        return r->nodes.kind == VALUE_LIST ? exec_native_output(r, node, err)
                                           : exec_output(r, node, err);
    case NODE_IF:
        return exec_if(r, node, err);
    case NODE_SET:
        return exec_set(r, node, err);
    case NODE_FOR:
        return exec_for(r, node, err);
    case NODE_DO:
        return eval(r, node->pair.left, &value, err);
    case NODE_SET_BLOCK:
        return exec_set_block(r, node, err);
    case NODE_MACRO:
        return exec_macro(r, node, err);
    case NODE_CALL_BLOCK:
        return exec_call_block(r, node, err);
    case NODE_WITH:
        return exec_with(r, node, err);
    case NODE_FILTER_BLOCK:
        return exec_filter_block(r, node, err);
    case NODE_AUTOESCAPE:
        return exec_autoescape(r, node, err);
    case NODE_BREAK:
        r->flow = FLOW_BREAK;
        return RC_OK;
    case NODE_CONTINUE:
        r->flow = FLOW_CONTINUE;
        return RC_OK;
    case NODE_BLOCK:
        return exec_block(r, node, err);
    case NODE_EXTENDS:
        return exec_extends(r, node, err);
    case NODE_INCLUDE:
        return exec_include(r, node, err);
    default:
        return exec_import(r, node, err);
    }
}

static void add_place(const struct render *r, const struct node *node, struct err *err)
{
    if (err == NULL)
        return;
    if (err->line == 0)
        err->line = node->line;
    if (err->place[0] == '\0' && r->frame != NULL)
        snprintf(err->place, sizeof err->place, "%.*s",
                 STR_ARGS(r->frame->variables->template->name));
}

rc exec_body(struct render *r, const struct node *body, struct err *err)
{
    for (; body != NULL; body = body->next) {
        rc code = spend(r, 1, err);
        if (code == RC_OK)
            code = exec_statement(r, body, err);
        if (code != RC_OK) {
            if (!r->is_returning)
                add_place(r, body, err);
            return code;
        }
        if (r->flow != FLOW_NEXT)
            return RC_OK;
    }
    return RC_OK;
}
