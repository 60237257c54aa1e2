#include "base/secret.h"

struct secret {
    char *bytes;
    size_t length;
};

void secret_wipe(void *bytes, size_t length)
{
    if (length > 0)
        explicit_bzero(bytes, length);
}

static void wipe(void *object)
{
    struct secret *secret = object;
    secret_wipe(secret->bytes, secret->length);
    secret->length = 0;
}

struct secret *secret_new(struct arena *arena, struct str text)
{
    struct secret *secret = ARENA_NEW(arena, struct secret);
    secret->bytes = arena_alloc(arena, text.length + 1);
    secret->length = text.length;
    if (text.length > 0)
        memcpy(secret->bytes, text.bytes, text.length);
    arena_defer(arena, wipe, secret);
    return secret;
}

struct str secret_reveal(const struct secret *secret)
{
    return (struct str){secret->bytes, secret->length};
}

const char *secret_text(const struct secret *secret)
{
    (void)secret;
    return "***";
}

bool secret_equal(const struct secret *secret, struct str text)
{
    if (secret->length != text.length)
        return false;
    unsigned char difference = 0;
    for (size_t i = 0; i < text.length; i++)
        difference |= (unsigned char)(secret->bytes[i] ^ text.bytes[i]);
    return difference == 0;
}

void secret_list_add(struct arena *arena, struct secret_list *list, const struct secret *secret)
{
    *vec_push(arena, &list->secrets) = secret;
}

struct str secret_redact(struct arena *arena, const struct secret_list *list, struct str text)
{
    for (size_t i = 0; i < list->secrets.count; i++) {
        const struct str secret = secret_reveal(list->secrets.items[i]);
        if (secret.length >= SECRET_MIN_REDACTED_BYTES && str_contains(text, secret))
            text = str_replace(arena, text, secret, STR("***"));
    }
    return text;
}
