#include "cli/arguments.h"

#include <stdio.h>
#include <stdlib.h>

// Where the parser stands. The command is not known at the start, so the options of the call are
// the global ones first and become "command's, then global" when it is.
struct parser {
    struct arena *arena;
    const struct command_table *table;
    const char *const *argv;
    size_t argc, at;
    struct command_line result;
    struct err *err;
};

struct str arguments_usage(struct arena *arena, const struct command_spec *spec)
{
    return arena_printf(arena, "moulin %s%s%s%s%s [options]", spec->name,
                        spec->verb[0] != '\0' ? " " : "", spec->verb,
                        spec->arguments[0] != '\0' ? " " : "", spec->arguments);
}

const struct option_value *arguments_option(const struct command_line *arguments, const char *name)
{
    for (size_t i = 0; i < arguments->value_count; i++)
        if (strcmp(arguments->values[i].spec->name, name) == 0)
            return &arguments->values[i];
    return NULL;
}

static struct option_value *find_option(struct command_line *a, struct str name)
{
    for (size_t i = 0; i < a->value_count; i++)
        if (str_is(name, a->values[i].spec->name))
            return &a->values[i];
    return NULL;
}

static struct option_value *find_letter(struct command_line *a, char letter)
{
    for (size_t i = 0; i < a->value_count; i++)
        if (a->values[i].spec->letter == letter)
            return &a->values[i];
    return NULL;
}

/// The options of `spec` in front of the global ones; values that global ones have got stay.
static void take_options(struct parser *p, const struct command_spec *spec)
{
    const size_t own = spec->option_count, global = p->result.value_count;
    struct option_value *values = ARENA_ARRAY(p->arena, struct option_value, own + global);
    for (size_t i = 0; i < own; i++)
        values[i].spec = &spec->options[i];
    memcpy(values + own, p->result.values, global * sizeof *values);
    p->result.values = values;
    p->result.value_count = own + global;
}

static rc unknown_option(struct parser *p, struct str word, struct str name)
{
    str_vec names = {0};
    for (size_t i = 0; i < p->result.value_count; i++)
        *vec_push(p->arena, &names) = str_of(p->result.values[i].spec->name);
    const struct command_spec *spec = p->result.spec;
    if (spec == NULL)
        err_set(p->err, RC_USAGE, "unknown option %.*s", STR_ARGS(word));
    else
        err_set(p->err, RC_USAGE, "unknown option %.*s of moulin %s%s%s", STR_ARGS(word),
                spec->name, spec->verb[0] != '\0' ? " " : "", spec->verb);
    const size_t near = name.length > 1 ? str_nearest(name, names.items, names.count) : SIZE_MAX;
    if (near != SIZE_MAX)
        return err_hint(p->err, "did you mean --%.*s?", STR_ARGS(names.items[near]));
    if (spec == NULL)
        return err_hint(p->err, "options of a command come behind its name; see moulin --help");
    return err_hint(p->err, "see moulin %s%s%s --help", spec->name,
                    spec->verb[0] != '\0' ? " " : "", spec->verb);
}

static rc check_choice(const struct option_spec *spec, struct str value, const char *from,
                       struct err *err)
{
    struct str known[32];
    size_t count = 0;
    char list[300] = "";
    size_t length = 0;
    for (; spec->choices[count] != NULL && count < 32; count++) {
        known[count] = str_of(spec->choices[count]);
        if (str_equal(known[count], value))
            return RC_OK;
        if (length < sizeof list)
            length += (size_t)snprintf(list + length, sizeof list - length, "%s%s",
                                       count > 0 ? ", " : "", spec->choices[count]);
    }
    err_set(err, RC_USAGE, "%s is %.*s but must be one of %s", from, STR_ARGS(value), list);
    const size_t near = str_nearest(value, known, count);
    if (near != SIZE_MAX)
        return err_hint(err, "did you mean %.*s?", STR_ARGS(known[near]));
    return RC_USAGE;
}

/// Puts one value into an option. @param from  what is named in errors: "--limit" or "$MOULIN_NOW"
static rc set_value(struct arena *arena, struct option_value *value, struct str text,
                    const char *from, struct err *err)
{
    const struct option_spec *spec = value->spec;
    switch (spec->kind) {
    case OPTION_INT:
        if (!str_to_int64(text, &value->number) || value->number < spec->min ||
            value->number > spec->max)
            return err_set(err, RC_USAGE, "%s is %.*s but must be a whole number from %lld to %lld",
                           from, STR_ARGS(text), (long long)spec->min, (long long)spec->max);
        break;
    case OPTION_CHOICE:
        TRY(check_choice(spec, text, from, err));
        break;
    case OPTION_KEY_VALUE:
        if (str_find_byte(text, '=') == SIZE_MAX || text.bytes[0] == '=')
            return err_set(err, RC_USAGE, "%s is %.*s but must be name=value", from,
                           STR_ARGS(text));
        break;
    case OPTION_FLAG:
    case OPTION_TEXT:
    case OPTION_LIST:
    case OPTION_WORDS:
    case OPTION_TIME:
        break;
    }
    const bool is_many =
        spec->kind == OPTION_LIST || spec->kind == OPTION_WORDS || spec->kind == OPTION_KEY_VALUE;
    if (!is_many)
        value->values.count = 0; // the last one wins
    if (value->values.count >= ARGUMENTS_MAX_WORDS)
        return err_set(err, RC_LIMIT, "%s is given more than %d times", from, ARGUMENTS_MAX_WORDS);
    *vec_push(arena, &value->values) = text;
    value->is_given = true;
    return RC_OK;
}

static bool is_option_word(const char *word)
{
    return word[0] == '-' && word[1] != '\0';
}

/// Takes the value of an option: behind its "=", or the next word (or words).
static rc take_value(struct parser *p, struct option_value *value, const struct str *inline_value)
{
    char from[80];
    snprintf(from, sizeof from, "--%s", value->spec->name);
    if (value->spec->kind == OPTION_FLAG) {
        if (inline_value != NULL)
            return err_set(p->err, RC_USAGE, "%s takes no value", from);
        value->is_given = true;
        return RC_OK;
    }
    if (inline_value != NULL)
        return set_value(p->arena, value, *inline_value, from, p->err);
    if (p->at >= p->argc)
        return err_set(p->err, RC_USAGE, "%s needs a value: %s %s", from, from,
                       value->spec->value_name);
    TRY(set_value(p->arena, value, str_of(p->argv[p->at++]), from, p->err));
    while (value->spec->kind == OPTION_WORDS && p->at < p->argc && !is_option_word(p->argv[p->at]))
        TRY(set_value(p->arena, value, str_of(p->argv[p->at++]), from, p->err));
    return RC_OK;
}

/// "--name", "--name=value"
static rc take_long_option(struct parser *p, struct str word)
{
    struct str name = str_slice(word, 2, SIZE_MAX), text;
    const size_t equals = str_find_byte(name, '=');
    const bool has_value = equals != SIZE_MAX;
    if (has_value) {
        text = str_slice(name, equals + 1, SIZE_MAX);
        name = str_slice(name, 0, equals);
    }
    struct option_value *value = find_option(&p->result, name);
    if (value == NULL)
        return unknown_option(p, str_slice(word, 0, name.length + 2), name);
    return take_value(p, value, has_value ? &text : NULL);
}

/// "-x", "-xvalue", "-fx" (flags together)
static rc take_short_options(struct parser *p, struct str word)
{
    for (size_t i = 1; i < word.length; i++) {
        struct option_value *value = find_letter(&p->result, word.bytes[i]);
        if (value == NULL)
            return unknown_option(p, word, str_slice(word, 1, SIZE_MAX));
        if (value->spec->kind == OPTION_FLAG) {
            value->is_given = true;
            continue;
        }
        const struct str rest = str_slice(word, i + 1, SIZE_MAX);
        return take_value(p, value, rest.length > 0 ? &rest : NULL);
    }
    return RC_OK;
}

static rc unknown_command(struct parser *p, struct str word)
{
    str_vec names = {0};
    for (size_t i = 0; i < p->table->group_count; i++)
        *vec_push(p->arena, &names) = str_of(p->table->groups[i].name);
    err_set(p->err, RC_USAGE, "unknown command %.*s", STR_ARGS(word));
    const size_t near = str_nearest(word, names.items, names.count);
    if (near != SIZE_MAX)
        return err_hint(p->err, "did you mean moulin %.*s?", STR_ARGS(names.items[near]));
    return err_hint(p->err, "moulin --help lists the commands");
}

static rc unknown_verb(struct parser *p, const char *command, const struct str *word)
{
    str_vec verbs = {0};
    for (size_t i = 0; i < p->table->spec_count; i++)
        if (strcmp(p->table->specs[i].name, command) == 0)
            *vec_push(p->arena, &verbs) = str_of(p->table->specs[i].verb);
    const struct str list = str_join(p->arena, verbs.items, verbs.count, STR(", "));
    if (word == NULL)
        err_set(p->err, RC_USAGE, "moulin %s needs one of %.*s behind it", command, STR_ARGS(list));
    else
        err_set(p->err, RC_USAGE, "unknown command %s %.*s (there is %.*s)", command,
                STR_ARGS(*word), STR_ARGS(list));
    const size_t near = word == NULL ? SIZE_MAX : str_nearest(*word, verbs.items, verbs.count);
    if (near != SIZE_MAX)
        return err_hint(p->err, "did you mean moulin %s %.*s?", command,
                        STR_ARGS(verbs.items[near]));
    return err_hint(p->err, "see moulin %s --help", command);
}

static bool has_verbs(const struct command_table *table, const char *command)
{
    for (size_t i = 0; i < table->spec_count; i++)
        if (strcmp(table->specs[i].name, command) == 0)
            return table->specs[i].verb[0] != '\0';
    return false;
}

static void choose(struct parser *p, const struct command_spec *spec)
{
    p->result.spec = spec;
    take_options(p, spec);
}

static rc take_verb(struct parser *p, struct str word)
{
    const char *command = p->result.group->name;
    for (size_t i = 0; i < p->table->spec_count; i++) {
        const struct command_spec *spec = &p->table->specs[i];
        if (strcmp(spec->name, command) == 0 && str_is(word, spec->verb)) {
            choose(p, spec);
            return RC_OK;
        }
    }
    return unknown_verb(p, command, &word);
}

static rc take_command(struct parser *p, struct str word)
{
    for (size_t i = 0; i < p->table->group_count; i++)
        if (str_is(word, p->table->groups[i].name))
            p->result.group = &p->table->groups[i];
    if (p->result.group == NULL && str_is(word, "help")) {
        p->result.wants_help = true;
        return RC_OK;
    }
    if (p->result.group == NULL)
        return unknown_command(p, word);
    if (has_verbs(p->table, p->result.group->name))
        return RC_OK;
    for (size_t i = 0; i < p->table->spec_count; i++)
        if (strcmp(p->table->specs[i].name, p->result.group->name) == 0)
            choose(p, &p->table->specs[i]);
    return RC_OK;
}

static rc take_word(struct parser *p, struct str word)
{
    if (p->result.group == NULL)
        return take_command(p, word);
    if (p->result.spec == NULL)
        return take_verb(p, word);
    if (p->result.words.count >= ARGUMENTS_MAX_WORDS)
        return err_set(p->err, RC_LIMIT, "more than %d words", ARGUMENTS_MAX_WORDS);
    *vec_push(p->arena, &p->result.words) = word;
    return RC_OK;
}

/// Options that the command line left open take their environment variable.
static rc take_environment(struct parser *p, const char *(*getenv_of)(const char *name))
{
    for (size_t i = 0; i < p->result.value_count; i++) {
        struct option_value *value = &p->result.values[i];
        if (value->is_given || value->spec->env[0] == '\0')
            continue;
        const char *text = getenv_of(value->spec->env);
        if (text == NULL || text[0] == '\0')
            continue;
        char from[80];
        snprintf(from, sizeof from, "$%s", value->spec->env);
        if (value->spec->kind == OPTION_FLAG)
            value->is_given = strcmp(text, "0") != 0 && strcmp(text, "false") != 0;
        else
            TRY(set_value(p->arena, value, arena_str(p->arena, str_of(text)), from, p->err));
    }
    return RC_OK;
}

static rc check_words(struct parser *p)
{
    const struct command_spec *spec = p->result.spec;
    const size_t count = p->result.words.count;
    if (spec == NULL)
        return unknown_verb(p, p->result.group->name, NULL);
    const struct str usage = arguments_usage(p->arena, spec);
    if (count < (size_t)spec->min_arguments)
        err_set(p->err, RC_USAGE, "%s is missing", spec->arguments);
    else if (spec->max_arguments >= 0 && count > (size_t)spec->max_arguments)
        err_set(p->err, RC_USAGE, "unexpected word %.*s",
                STR_ARGS(p->result.words.items[spec->max_arguments]));
    else
        return RC_OK;
    return err_hint(p->err, "usage: %.*s", STR_ARGS(usage));
}

static rc parse_words(struct parser *p)
{
    bool only_words = false;
    while (p->at < p->argc) {
        const char *word = p->argv[p->at++];
        if (!only_words && strcmp(word, "--") == 0)
            only_words = true;
        else if (!only_words && word[0] == '-' && word[1] == '-')
            TRY(take_long_option(p, str_of(word)));
        else if (!only_words && is_option_word(word))
            TRY(take_short_options(p, str_of(word)));
        else
            TRY(take_word(p, str_of(word)));
    }
    return RC_OK;
}

rc arguments_parse(struct arena *arena, const struct command_table *table, const char *const *argv,
                   size_t argc, const char *(*getenv_of)(const char *name),
                   struct command_line *ret_arguments, struct err *err)
{
    struct parser p = {.arena = arena, .table = table, .argv = argv, .argc = argc, .err = err};
    if (argc > ARGUMENTS_MAX_WORDS)
        return err_set(err, RC_LIMIT, "more than %d words", ARGUMENTS_MAX_WORDS);
    p.result.table = table;
    p.result.values = ARENA_ARRAY(arena, struct option_value, table->global_count);
    p.result.value_count = table->global_count;
    for (size_t i = 0; i < table->global_count; i++)
        p.result.values[i].spec = &table->global_options[i];

    TRY(parse_words(&p));
    if (getenv_of != NULL)
        TRY(take_environment(&p, getenv_of));
    const struct option_value *help = arguments_option(&p.result, "help");
    p.result.wants_help |= (help != NULL && help->is_given) || p.result.group == NULL;
    if (!p.result.wants_help)
        TRY(check_words(&p));
    *ret_arguments = p.result;
    return RC_OK;
}
