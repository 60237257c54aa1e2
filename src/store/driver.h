/// @file driver.h
/// For drivers, also those of higher modules. Layer: store.

#ifndef STORE_DRIVER_H
#define STORE_DRIVER_H

#include "store/store.h"

/// The driver's own object of a store.
void *store_self(const struct store *store);

#endif
