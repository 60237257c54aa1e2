/// @file secret.h
/// Text that must not be seen: it prints as ***, is compared without telling where it differs, and
/// is overwritten when its arena is closed. Layer: base. Threads: as its arena.
/// A secret_list knows all secrets of a run, so that texts of others (an HTTP body in an error, a
/// child's output) can be cleaned before they are shown.

#ifndef BASE_SECRET_H
#define BASE_SECRET_H

#include "base/arena.h"
#include "base/str.h"
#include "base/vec.h"

struct secret;

enum { SECRET_MIN_REDACTED_BYTES = 4 }; // shorter ones would blank out ordinary words

/// Copies the text; the caller overwrites its own copy (secret_wipe).
struct secret *secret_new(struct arena *arena, struct str text);
/// The text itself: for headers and signatures, never for messages. Lives as long as the secret.
struct str secret_reveal(const struct secret *secret);
/// "***", also for NULL: what messages and dumps show.
const char *secret_text(const struct secret *secret);
bool secret_equal(const struct secret *secret, struct str text);
/// Overwrites memory in a way that the compiler keeps.
void secret_wipe(void *bytes, size_t length);

VEC_TYPE(secret_vec, const struct secret *);

struct secret_list {
    secret_vec secrets;
};
/// @param secret  lives at least as long as the list
void secret_list_add(struct arena *arena, struct secret_list *list, const struct secret *secret);
/// The text with every secret of the list replaced by ***; the same text when it holds none.
struct str secret_redact(struct arena *arena, const struct secret_list *list, struct str text);

#endif
