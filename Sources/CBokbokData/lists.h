#ifndef BOKBOK_DATA_LISTS_H
#define BOKBOK_DATA_LISTS_H

#include "CBokbokData.h"

/// The files of one part of the project.
struct bokbok_data_list {
  const struct bokbok_data_file *files;
  size_t count;
};

/// Defines a list from the array `files` of the same source file.
#define BOKBOK_DATA_LIST(name) const struct bokbok_data_list name = {files, sizeof files / sizeof files[0]}

/// An entry of that array: the path from the project's root, and the array with the file's bytes.
#define BOKBOK_DATA_FILE(path, bytes) {path, bytes, sizeof bytes}

// `#embed` is C23; the compiler that SwiftPM uses knows it in every mode, and only says that it is an extension.
#pragma clang diagnostic ignored "-Wc23-extensions"

extern const struct bokbok_data_list bokbok_data_specification;
extern const struct bokbok_data_list bokbok_data_cases;
extern const struct bokbok_data_list bokbok_data_contract;
extern const struct bokbok_data_list bokbok_data_implementations;
extern const struct bokbok_data_list bokbok_data_vectors;
extern const struct bokbok_data_list bokbok_data_recordings;
extern const struct bokbok_data_list bokbok_data_reports;
extern const struct bokbok_data_list bokbok_data_faults;
extern const struct bokbok_data_list bokbok_data_coverage;
extern const struct bokbok_data_list bokbok_data_interop;

#endif
