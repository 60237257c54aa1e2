/// @file date.h
/// Python's datetime module on values. Layer: jinja, private.

#ifndef JINJA_DATE_H
#define JINJA_DATE_H

#include "jinja/number.h"

void date_repr(struct value value, struct buf *to);
void date_print(struct value value, struct buf *to);
/// isoformat(sep): "2020-01-31T10:00:00.000123+02:00"
void date_iso(const struct date_value *date, uint8_t kind, char separator, struct buf *to);
/// strftime; directives that C and Python share.
CHECK rc date_strftime(struct value value, struct str format, struct buf *to, struct err *err);
/// fromisoformat() of date (kind VALUE_DATE) or datetime.
bool date_parse_iso(struct str text, uint8_t kind, struct date_value *ret_date);
bool date_is_valid(int64_t year, int64_t month, int64_t day);
int64_t date_days(const struct date_value *date); // since 1970-01-01

#endif
