#ifndef CBOKBOKDATA_H
#define CBOKBOKDATA_H

#include <stddef.h>

/// One file of the project that the command carries with it.
struct bokbok_data_file {
  /// Path from the project's root, for example "Vectors/values.json".
  const char *path;
  const unsigned char *bytes;
  size_t count;
};

/// How many files there are.
size_t bokbok_data_count(void);

/// The file at an index below `bokbok_data_count()`.
struct bokbok_data_file bokbok_data_at(size_t index);

#endif
