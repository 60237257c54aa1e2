/// @file package_words.h
/// What a program in a package (moulin package) does when nobody says it: a container's command may
/// leave out what the package knows. Layer: cli. Threads: one.
///   of a source:       no words, or options only -> ingest SOURCE [options]
///   of the dbt project: no words -> transform build; [dbt] [transform] VERB ... -> transform VERB
///   ... else               the words as they are, without a leading "moulin"
///   of the program alone (make archive): the words as they are

#ifndef CLI_PACKAGE_WORDS_H
#define CLI_PACKAGE_WORDS_H

#include "base/str.h"
#include "cli/invoke.h"

/// The source that the package in `folder` was made for; MOULIN_SOURCE, when set, wins.
/// @return RC_OK | RC_CONFIG (package.json is missing or damaged)
CHECK rc package_source(struct arena *arena, const char *folder, struct str *ret_source,
                        struct err *err);
/// Fills in the words of a call.
CHECK rc package_words(struct arena *arena, const char *folder, struct invocation *invocation,
                       struct err *err);

#endif
