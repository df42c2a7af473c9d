// Counts the allocations of a process.

#ifndef ALLOCATIONS_H
#define ALLOCATIONS_H

#include <stdint.h>

/// Allocations so far, or -1 where the C library's functions cannot be replaced.
int64_t allocations_count(void);

#endif
