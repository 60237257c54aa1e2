/// @file url.h
/// URLs: taking apart, resolving, query parameters, percent encoding. Layer: net.
/// Source: RFC 3986 (sections 3, 5.2) and the form encoding of HTML (blank = "+").
/// Pure functions; results live in the arena that was given or borrow from the input.

#ifndef NET_URL_H
#define NET_URL_H

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"

enum { URL_MAX_BYTES = 64 * 1024 };

/// The parts of an absolute http or https URL, borrowed from its text.
struct url {
    struct str scheme;   // "http" or "https", as written
    struct str userinfo; // before "@", without it; "" = none
    struct str host;     // without brackets around IPv6
    struct str port;     // digits; "" = the scheme's own
    struct str path;     // with the leading "/"; "" = none
    struct str query;    // without "?"
    struct str fragment; // without "#"
    bool has_query, has_fragment;
};

/// @return RC_OK | RC_INVALID (no http(s) URL, no host, white space or control bytes) | RC_LIMIT
CHECK rc url_parse(struct str text, struct url *ret_url, struct err *err);

/// True for "http://..." and "https://..." in any case.
bool url_is_absolute(struct str text);

/// Same scheme, host and port (default ports filled in): credentials may travel.
bool url_same_origin(const struct url *a, const struct url *b);

/// The reference as seen from `base` (RFC 3986 5.2): "?page=2", "/x", "//host/x", "../x", absolute.
/// @return RC_OK | RC_INVALID (base is no absolute URL)
CHECK rc url_resolve(struct arena *arena, struct str base, struct str reference,
                     struct str *ret_url, struct err *err);

/// "https://a/b/" + "/c" = "https://a/b/c": exactly one slash between; an absolute `path` stands
/// alone, an empty one gives the base as it is.
struct str url_join(struct arena *arena, struct str base, struct str path);

/// Percent-encodes everything but letters, digits, "-_.~" and the bytes in `safe`.
struct str url_encode(struct arena *arena, struct str text, struct str safe);
/// As url_encode for a form or query value: blank is "+".
struct str url_encode_form(struct arena *arena, struct str text);
/// Decodes %XX (invalid escapes stay); `is_form`: "+" is a blank.
struct str url_decode(struct arena *arena, struct str text, bool is_form);

/// Percent-encodes what may not stand in a URL (blanks, control characters, non-ASCII, quotes, ...)
/// and leaves the rest, valid escapes included, as it is.
struct str url_requote(struct arena *arena, struct str url);

/// The URL with `name=value` (both encoded here) added behind its query.
struct str url_add_parameter(struct arena *arena, struct str url, struct str name,
                             struct str value);
/// Adds an encoded query ("a=1&b=2").
struct str url_add_query(struct arena *arena, struct str url, struct str query);

/// The URL fit for logs and errors: userinfo dropped, values of parameters whose names look like
/// credentials (token, key, secret, password, signature, ...) replaced by "***".
struct str url_redact(struct arena *arena, struct str url);
/// As url_redact, and the values of these parameters as well, whatever their names look like.
struct str url_redact_named(struct arena *arena, struct str url, const struct str *names,
                            size_t name_count);
/// True when a parameter or header name looks like a credential.
bool url_is_secret_name(struct str name);

#endif
